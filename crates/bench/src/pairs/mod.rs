//! The frame of the benches that stand beside other programs: one case after the other, and within a case the programs in
//! turn, pair by pair, so that whatever else the machine does falls on all of them.
//!
//! Every program is a process, so that processor time and memory are its own. One that is not installed is said and left
//! out; anything else that is not as it should be ends the bench.

mod figures;
pub(crate) mod load;
pub(crate) mod names;
pub(crate) mod process;

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use tempfile::TempDir;

use crate::machine::Machine;
use figures::Figures;
pub(crate) use figures::Line;
use process::Process;

pub(crate) type Failure = Box<dyn Error>;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Pairs of runs in each case, behind one that warms up.
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Seconds of each run.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// Only cases whose name has this in it.
    #[arg(long)]
    only: Option<String>,
    /// The shared data; without its `domains` a list of made names is used.
    #[arg(long, env = "SCHOOLGATE_SHARED_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Names of the long list, which are made; 0 leaves it out.
    #[arg(long, default_value_t = 5_800_000)]
    pub(crate) made: usize,
}

impl Arguments {
    pub(crate) fn pairs(&self) -> usize {
        self.pairs
    }
}

/// A program that is measured; the first of a bench is ours.
pub(crate) trait Peer {
    fn name(&self) -> &'static str;

    /// What it says of itself; `None` where it is not installed.
    fn version(&self) -> Option<String>;

    /// The line that installs it.
    fn install(&self) -> &'static str;

    /// Whether it takes the list of the stage, so that its figures are comparable there.
    fn takes_list(&self) -> bool {
        true
    }

    /// Whether it ends each connection without a word.
    fn ends_connections(&self) -> bool {
        false
    }

    /// By what name it is asked for the one that the bench calls `host`.
    fn host(&self, host: &str) -> String {
        host.to_owned()
    }

    /// Starts it with everything it writes in `home`, and comes back when it answers.
    fn start(&self, stage: &Stage<'_>, home: TempDir) -> Result<Process, Failure>;
}

/// What all programs are given.
pub(crate) struct Stage<'a> {
    /// Lists in every program's form, and the file of what is published.
    pub(crate) dir: &'a Path,
    /// Where every name leads.
    pub(crate) origin: SocketAddr,
    /// Names that lead there and are on no list.
    pub(crate) hosts: &'a [String],
}

impl Stage<'_> {
    /// One more process of `peer`.
    pub(crate) fn start(&self, peer: &dyn Peer) -> Result<Process, Failure> {
        let home = tempfile::Builder::new().prefix("home-").tempdir_in(self.dir)?;
        peer.start(self, home).map_err(|error| format!("cannot start {}: {error}", peer.name()).into())
    }
}

/// Something that every program is asked to do.
pub(crate) struct Case<'a> {
    name: String,
    lines: Vec<Line>,
    /// More would take too long.
    pairs_max: usize,
    /// Whether a run begins with what runs before it left.
    warms_up: bool,
    /// `None`: this program cannot do it.
    #[expect(clippy::type_complexity, reason = "said once")]
    run: Box<dyn Fn(&Tried<'_>) -> Result<Option<Run>, Failure> + 'a>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(
        name: impl Into<String>,
        lines: Vec<Line>,
        run: impl Fn(&Tried<'_>) -> Result<Option<Run>, Failure> + 'a,
    ) -> Self {
        Self { name: name.into(), lines, pairs_max: usize::MAX, warms_up: true, run: Box::new(run) }
    }

    /// For what takes long and starts from nothing each time.
    pub(crate) fn cold(self, pairs_max: usize) -> Self {
        Self { pairs_max, warms_up: false, ..self }
    }
}

/// One run of one program.
pub(crate) struct Tried<'a> {
    pub(crate) stage: &'a Stage<'a>,
    pub(crate) peer: &'a dyn Peer,
    pub(crate) process: &'a Process,
    /// 0 warms up.
    pub(crate) pair: usize,
    pub(crate) seconds: u32,
}

/// What a run measured: names with their units, and values.
pub(crate) type Run = Vec<(&'static str, f64)>;

/// A bench under way.
pub(crate) struct Bench<'a> {
    arguments: &'a Arguments,
    peers: Vec<Box<dyn Peer>>,
    figures: Figures,
    /// Cases that could not be measured, with their reasons.
    failed: Vec<String>,
}

impl<'a> Bench<'a> {
    /// `on` says what is switched on in it, and how the others stand beside it.
    pub(crate) fn new(name: &str, on: &str, peers: Vec<Box<dyn Peer>>, arguments: &'a Arguments) -> Self {
        let machine = Machine::this();
        let mut figures = Figures::new(machine, format!("cargo xtask bench {name}"), on.to_owned());
        let mut found = Vec::new();
        for peer in peers {
            match peer.version() {
                Some(version) => {
                    figures.peers.push(version);
                    found.push(peer);
                }
                None => {
                    eprintln!("{} is not installed and left out; `{}`", peer.name(), peer.install());
                    figures.left_out.push(format!("{} ({})", peer.name(), peer.install()));
                }
            }
        }
        Self { arguments, peers: found, figures, failed: Vec::new() }
    }

    /// Starts every program with what `stage` has and measures the cases.
    pub(crate) fn run(&mut self, stage: &Stage<'_>, needs_list: bool, cases: &[Case<'_>]) -> Result<(), Failure> {
        let is_wanted = |case: &&Case<'_>| self.arguments.only.as_ref().is_none_or(|only| case.name.contains(only));
        let cases: Vec<&Case<'_>> = cases.iter().filter(is_wanted).collect();
        if cases.is_empty() {
            return Ok(());
        }
        let mut running = Vec::new();
        for peer in self.peers.iter().filter(|peer| !needs_list || peer.takes_list()) {
            eprintln!("starting {}", peer.name());
            running.push((peer.as_ref(), stage.start(peer.as_ref())?));
        }
        for case in cases {
            eprintln!("measuring {}", case.name);
            let runs = match self.runs(stage, case, &running) {
                Ok(runs) => runs,
                // What the other cases found is not lost with it.
                Err(error) => {
                    eprintln!("{error}");
                    self.failed.push(error.to_string());
                    continue;
                }
            };
            let names: Vec<&str> = running.iter().map(|(peer, _)| peer.name()).collect();
            self.figures.add(&case.name, &case.lines, &names, &runs);
            let dropped = running.first().and_then(|(_, process)| process.events_dropped());
            self.figures.note_dropped(dropped);
        }
        Ok(())
    }

    /// For each pair what each program did.
    fn runs(
        &self,
        stage: &Stage<'_>,
        case: &Case<'_>,
        running: &[(&dyn Peer, Process)],
    ) -> Result<Vec<Vec<Option<Run>>>, Failure> {
        let mut pairs = Vec::new();
        for pair in usize::from(!case.warms_up)..=self.arguments.pairs.min(case.pairs_max) {
            let seconds = if pair == 0 { 1 } else { self.arguments.seconds };
            let mut runs = Vec::new();
            for (peer, process) in running {
                let run = (case.run)(&Tried { stage, peer: *peer, process, pair, seconds });
                runs.push(run.map_err(|error| format!("{}, {}: {error}", peer.name(), case.name))?);
            }
            if pair > 0 {
                pairs.push(runs);
            }
        }
        Ok(pairs)
    }

    pub(crate) fn print(mut self) -> Result<(), Failure> {
        self.figures.ended();
        if self.arguments.json {
            println!("{}", serde_json::to_string_pretty(&self.figures)?);
        } else {
            self.figures.print();
        }
        if self.failed.is_empty() { Ok(()) } else { Err(self.failed.join("\n").into()) }
    }
}

/// From the start of a process to its first answer, and what it holds then.
pub(crate) fn start_case(name: &str, lines: Vec<Line>) -> Case<'static> {
    Case::new(format!("start, {name}"), lines, |tried| {
        let began = Instant::now();
        let process = tried.stage.start(tried.peer)?;
        let seconds = began.elapsed().as_secs_f64();
        Ok(Some(vec![("start, s", seconds), ("memory, MB", process.memory_mb()?)]))
    })
}
