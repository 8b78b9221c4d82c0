//! `schoolgate-bench lists`: bytes a name, time to build and to open, time of a look-up; on the real lists and on made
//! names, beside a hash map and a finite-state transducer of the same names.

mod made;
mod peers;
mod real;

use std::collections::HashSet;
use std::error::Error;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use schoolgate_base::HostName;
use schoolgate_lists::{Index, IndexBuilder, ListFormat};
use serde::Serialize;

use crate::machine::{Machine, cpu_seconds};
use crate::stats::Quartiles;
pub(crate) use made::{MadeNames, Numbers};
use peers::{FstPeer, HashPeer};
pub(crate) use real::RealLists;
use real::Tally;

/// Rounds of look-ups, each on names of its own and through all three structures in turn.
const ROUNDS: usize = 9;
const LOOKUPS_A_ROUND: usize = 40_000;
/// One name in twenty is listed.
const LISTED_ONE_IN: usize = 20;
/// Look-ups before each of which the caches are swept.
const SWEPT_LOOKUPS: usize = 200;
/// Categories of the made names.
const CATEGORIES: usize = 40;
const SWEEP_BYTES: usize = 32 << 20;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// How many names to make.
    #[arg(long, default_value_t = 5_800_000)]
    names: usize,
    /// The shared data; its `domains` are measured too when they are there.
    #[arg(long, env = "SCHOOLGATE_SHARED_DATA")]
    data: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Figures {
    machine: Machine,
    command: String,
    real: Option<Measured>,
    made: Measured,
}

#[derive(Debug, Serialize)]
struct Measured {
    hosts: usize,
    urls: u64,
    archives: Vec<Tally>,
    index: Size,
    index_bytes_a_name: f64,
    open_seconds: f64,
    hash_map: Size,
    fst: Size,
    lookups: Lookups,
}

/// What a structure takes; `bytes` are of the file, or of memory where there is none.
#[derive(Debug, Clone, Copy, Serialize)]
struct Size {
    bytes: u64,
    build_seconds: f64,
    build_cpu_seconds: f64,
}

/// Nanoseconds a look-up, on a mix of names each asked for once; medians of rounds, and of their ratios to ours.
#[derive(Debug, Serialize)]
struct Lookups {
    index: Quartiles,
    /// Over listed names only.
    index_listed: Quartiles,
    /// With all caches swept before every look-up.
    index_swept: Quartiles,
    hash_map: Quartiles,
    fst: Quartiles,
    hash_map_over_index: Quartiles,
    fst_over_index: Quartiles,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let machine = Machine::this();
    let data =
        arguments.data.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let real = if data.join("domains").is_dir() { Some(measure_real(&data)?) } else { None };
    let made = measure_made(arguments.names)?;
    let command = "cargo xtask bench lists".to_owned();
    let figures = Figures { machine, command, real, made };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print(&figures);
    }
    Ok(())
}

fn measure_real(data: &Path) -> Result<Measured, Box<dyn Error>> {
    let lists = RealLists::read(data)?;
    let before = (Instant::now(), cpu_seconds());
    let mut builder = IndexBuilder::new();
    let archives = lists.add_to(&mut builder)?;
    let bytes = builder.build()?;
    let index_size = size_since(before, &bytes);
    // The names once more, for the peers: what the index holds is not listed by it.
    let mut names = HashSet::new();
    lists.for_each_host(&mut |name| {
        names.insert(name);
    });
    let mut names: Vec<HostName> = names.into_iter().collect();
    names.sort_unstable();
    measure(names, bytes, index_size, archives)
}

fn measure_made(count: usize) -> Result<Measured, Box<dyn Error>> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut seen = HashSet::with_capacity(count);
    let mut names = Vec::with_capacity(count);
    for name in MadeNames::new(1) {
        if names.len() == count {
            break;
        }
        if seen.insert(hasher.hash_one(&name)) {
            names.push(HostName::parse(&name)?);
        }
    }
    drop(seen);
    let files = list_files(&names);
    let before = (Instant::now(), cpu_seconds());
    let mut builder = IndexBuilder::new();
    for (place, file) in files.iter().enumerate() {
        let category = builder.category(&format!("category-{}", place % CATEGORIES))?;
        let list = builder.list(if place < CATEGORIES { "first" } else { "second" })?;
        builder.import(ListFormat::Plain, file, category, list)?;
    }
    let bytes = builder.build()?;
    let index_size = size_since(before, &bytes);
    measure(names, bytes, index_size, Vec::new())
}

/// The names as files of lists: one for each category of two lists. Few categories hold most names, as in the real
/// lists; one name in twelve is on both lists, in another category.
fn list_files(names: &[HostName]) -> Vec<Vec<u8>> {
    let mut files = vec![Vec::new(); 2 * CATEGORIES];
    let mut numbers = Numbers::new(2);
    for name in names {
        let mut category = || numbers.below(CATEGORIES).min(numbers.below(CATEGORIES)).min(numbers.below(CATEGORIES));
        let (first, second) = (category(), category());
        let on_both = (numbers.below(12) == 0).then_some(CATEGORIES + second);
        for place in [Some(first), on_both].into_iter().flatten() {
            if let Some(file) = files.get_mut(place) {
                file.extend_from_slice(name.as_str().as_bytes());
                file.push(b'\n');
            }
        }
    }
    files
}

fn size_since(before: (Instant, f64), bytes: &[u8]) -> Size {
    Size {
        bytes: bytes.len() as u64,
        build_seconds: before.0.elapsed().as_secs_f64(),
        build_cpu_seconds: cpu_seconds() - before.1,
    }
}

fn measure(
    names: Vec<HostName>,
    bytes: Vec<u8>,
    index_size: Size,
    archives: Vec<Tally>,
) -> Result<Measured, Box<dyn Error>> {
    let before = Instant::now();
    let index = Index::open(Arc::new(bytes))?;
    let open_seconds = before.elapsed().as_secs_f64();
    let (hash_peer, hash_map) = HashPeer::build(&names);
    let (fst_peer, fst) = FstPeer::build(&names)?;
    let lookups = measure_lookups(&names, &index, &hash_peer, &fst_peer)?;
    Ok(Measured {
        hosts: index.host_count(),
        urls: index.url_count(),
        archives,
        index: index_size,
        index_bytes_a_name: index_size.bytes as f64 / (index.host_count() as f64 + index.url_count() as f64),
        open_seconds,
        hash_map,
        fst,
        lookups,
    })
}

fn measure_lookups(
    names: &[HostName],
    index: &Index,
    hash_peer: &HashPeer,
    fst_peer: &FstPeer,
) -> Result<Lookups, Box<dyn Error>> {
    let mut mix = Mix { names, numbers: Numbers::new(3), made: MadeNames::new(4), listed: hash_peer };
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let asked: Vec<HostName> =
            (0..LOOKUPS_A_ROUND).map(|place| mix.name(place % LISTED_ONE_IN == 0)).collect::<Result<_, _>>()?;
        let listed: Vec<HostName> =
            (0..LOOKUPS_A_ROUND / LISTED_ONE_IN).map(|_| mix.name(true)).collect::<Result<_, _>>()?;
        let [ours, ours_listed, by_hash, by_fst] = &mut rounds;
        ours.push(median_ns(&asked, |name| !index.lookup_host(name).is_empty()));
        by_hash.push(median_ns(&asked, |name| hash_peer.is_listed(name)));
        by_fst.push(median_ns(&asked, |name| fst_peer.is_listed(name)));
        ours_listed.push(median_ns(&listed, |name| !index.lookup_host(name).is_empty()));
        for name in asked.iter().chain(&listed) {
            let answers = [!index.lookup_host(name).is_empty(), hash_peer.is_listed(name), fst_peer.is_listed(name)];
            if answers != [answers[0]; 3] {
                return Err(format!("index, hash map and fst disagree on {name}: {answers:?}").into());
            }
        }
    }
    let [ours, ours_listed, by_hash, by_fst] = rounds;
    let ratio = |peer: &[f64]| Quartiles::of(peer.iter().zip(&ours).map(|(peer, ours)| peer / ours));
    Ok(Lookups {
        index_swept: swept(&mut mix, index)?,
        hash_map_over_index: ratio(&by_hash),
        fst_over_index: ratio(&by_fst),
        index: Quartiles::of(ours),
        index_listed: Quartiles::of(ours_listed),
        hash_map: Quartiles::of(by_hash),
        fst: Quartiles::of(by_fst),
    })
}

/// Names to ask for.
struct Mix<'a> {
    names: &'a [HostName],
    numbers: Numbers,
    made: MadeNames,
    listed: &'a HashPeer,
}

impl Mix<'_> {
    fn name(&mut self, is_listed: bool) -> Result<HostName, Box<dyn Error>> {
        if is_listed {
            let place = self.numbers.below(self.names.len());
            return Ok(self.names.get(place).ok_or("no names")?.clone());
        }
        loop {
            let name = HostName::parse(&self.made.next().ok_or("no more names")?)?;
            if !self.listed.is_listed(&name) {
                return Ok(name);
            }
        }
    }
}

/// The median time of single look-ups, less what reading the clock takes.
fn median_ns(names: &[HostName], is_listed: impl Fn(&HostName) -> bool) -> f64 {
    let clock = Quartiles::of((0..1_000).map(|_| {
        let start = Instant::now();
        start.elapsed().as_nanos() as f64
    }));
    let times = names.iter().map(|name| {
        let start = Instant::now();
        black_box(is_listed(black_box(name)));
        start.elapsed().as_nanos() as f64
    });
    Quartiles::of(times).median - clock.median
}

fn swept(mix: &mut Mix<'_>, index: &Index) -> Result<Quartiles, Box<dyn Error>> {
    let mut sweep = vec![1_u8; SWEEP_BYTES];
    let mut times = Vec::new();
    for place in 0..SWEPT_LOOKUPS {
        let name = mix.name(place % LISTED_ONE_IN == 0)?;
        for line in sweep.iter_mut().step_by(64) {
            *line = line.wrapping_add(1);
        }
        black_box(&sweep);
        // The name itself has just arrived in any real request.
        black_box(name.label_count());
        let start = Instant::now();
        black_box(index.lookup_host(black_box(&name)).is_empty());
        times.push(start.elapsed().as_nanos() as f64);
    }
    Ok(Quartiles::of(times))
}

fn print(figures: &Figures) {
    let machine = &figures.machine;
    println!("{}", figures.command);
    println!(
        "{}, {} cores, {} MB, load {} at the start\n",
        machine.processor, machine.cores, machine.memory_mb, machine.load
    );
    for (title, measured) in [("real lists", figures.real.as_ref()), ("made names", Some(&figures.made))] {
        let Some(measured) = measured else { continue };
        print_measured(title, measured);
    }
}

fn print_measured(title: &str, measured: &Measured) {
    println!("== {title}: {} hosts, {} URL prefixes", measured.hosts, measured.urls);
    for tally in &measured.archives {
        let Tally { archive, lines, entries, problems } = tally;
        println!("   {archive}: {lines} lines, {entries} entries, {problems} not usable");
    }
    println!("{:<22}{:>12}{:>12}{:>12}", "", "index", "hash map", "fst");
    let row = |what: &str, values: [f64; 3]| {
        println!("{what:<22}{:>12.2}{:>12.2}{:>12.2}", values[0], values[1], values[2]);
    };
    let names = measured.hosts as f64 + measured.urls as f64;
    let hosts = measured.hosts as f64;
    let sizes = [measured.index, measured.hash_map, measured.fst];
    row("bytes a name", [sizes[0].bytes as f64 / names, sizes[1].bytes as f64 / hosts, sizes[2].bytes as f64 / hosts]);
    row("build, seconds", sizes.map(|size| size.build_seconds));
    row("build, CPU seconds", sizes.map(|size| size.build_cpu_seconds));
    let lookups = &measured.lookups;
    row("look-up, median ns", [lookups.index.median, lookups.hash_map.median, lookups.fst.median]);
    row("… times the index's", [1.0, lookups.hash_map_over_index.median, lookups.fst_over_index.median]);
    println!("opened in {:.3} s", measured.open_seconds);
    println!(
        "listed names {:.0} ns; caches swept before each look-up {:.0} ns\n",
        lookups.index_listed.median, lookups.index_swept.median
    );
}
