//! `schoolgate-bench policy`: compiling the largest pack, and checking all packs with all their scenarios; beside what
//! reading the same Markdown and TOML takes that knows nothing of policies.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use schoolgate_coverage::pack::{Source, with_register};
use schoolgate_policy::{Context, Pack, SCHOOL_FILE, build, scenario};
use serde::Serialize;

use crate::machine::Machine;
use crate::stats::Quartiles;

const ROUNDS: usize = 21;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// The folder of packs; those with a register.tsv are measured.
    #[arg(long, default_value = "policies")]
    packs: PathBuf,
}

#[derive(Debug, Serialize)]
struct Figures {
    machine: Machine,
    command: String,
    largest: String,
    bytes: usize,
    clauses: usize,
    scenarios: usize,
    /// Milliseconds.
    compile: Quartiles,
    /// Milliseconds for reading the same documents and blocks with comrak and toml.
    read_only: Quartiles,
    compile_over_read_only: Quartiles,
    /// Milliseconds for checking all packs and running all scenarios of theirs.
    check_and_test: Quartiles,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let machine = Machine::this();
    let folders = with_register(&arguments.packs)?;
    let packs: Vec<Source> = folders.iter().map(|folder| Source::read(folder)).collect::<Result<_, _>>()?;
    let largest = packs.iter().max_by_key(|source| source.pack.size_bytes());
    let largest = largest.ok_or_else(|| format!("there is no pack in `{}`", arguments.packs.display()))?;
    let (mut compile, mut read_only, mut ratio, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut scenarios = 0;
    for _ in 0..ROUNDS {
        let ours = milliseconds(|| black_box(build(&largest.pack, Context::default())).compiled.program.rules.len());
        let theirs = milliseconds(|| read(&largest.pack));
        compile.push(ours);
        read_only.push(theirs);
        ratio.push(ours / theirs);
        all.push(milliseconds(|| scenarios = packs.iter().map(check_and_test).sum()));
    }
    let figures = Figures {
        machine,
        command: "cargo xtask bench policy".to_owned(),
        largest: largest.name.clone(),
        bytes: largest.pack.size_bytes(),
        clauses: build(&largest.pack, Context::default()).compiled.program.clauses.len(),
        scenarios,
        compile: Quartiles::of(compile),
        read_only: Quartiles::of(read_only),
        compile_over_read_only: Quartiles::of(ratio),
        check_and_test: Quartiles::of(all),
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print(&figures);
    }
    Ok(())
}

fn milliseconds<T>(work: impl FnOnce() -> T) -> f64 {
    let began = Instant::now();
    black_box(work());
    began.elapsed().as_secs_f64() * 1_000.0
}

/// As `policy check` and `policy test` do; how many scenarios there were.
fn check_and_test(source: &Source) -> usize {
    let built = source.built();
    scenario::test(&source.pack, &built).results.len()
}

/// Every document to HTML and every block to a table.
fn read(pack: &Pack) -> usize {
    let options = comrak::Options::default();
    let documents = pack.documents().map(|(_, _, text)| comrak::markdown_to_html(text, &options).len());
    let html: usize = documents.sum();
    let blocks = pack.documents().flat_map(|(_, _, text)| text.split("\n```control\n").skip(1));
    let blocks = blocks.filter_map(|block| block.split("\n```").next());
    let tables = blocks.chain(pack.get(SCHOOL_FILE)).filter_map(|block| block.parse::<toml::Table>().ok());
    html + tables.map(|table| table.len()).sum::<usize>()
}

fn print(figures: &Figures) {
    let Figures { machine, command, largest, bytes, clauses, scenarios, .. } = figures;
    println!("{command}");
    println!(
        "{}, {} cores, {} MB, load {} at the start\n",
        machine.processor, machine.cores, machine.memory_mb, machine.load
    );
    println!("largest pack: {largest}, {} kB, {clauses} clauses; {scenarios} scenarios in all packs\n", bytes / 1024);
    let row = |what: &str, of: &Quartiles| {
        println!("{what:<44}{:>10.1}   ({:.1}\u{2013}{:.1})", of.median, of.lower, of.upper);
    };
    row("compile the largest, ms", &figures.compile);
    row("… its Markdown and TOML read, and no more, ms", &figures.read_only);
    row("… ratio", &figures.compile_over_read_only);
    row("check and test all, ms", &figures.check_and_test);
}
