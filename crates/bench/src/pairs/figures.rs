//! What was measured, as tables and as JSON, beside the lines that it is held against.

use serde::Serialize;

use super::Run;
use crate::machine::Machine;
use crate::stats::Quartiles;

/// A line to be met.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Line {
    /// Ours by that of the program of this name, at least.
    Ratio { measure: &'static str, peer: &'static str, least: f64 },
    /// Ours alone, at most.
    Own { measure: &'static str, most: f64 },
}

/// A median that only just meets its line does so when the spread is small.
const LOWER_QUARTILE: f64 = 0.9;

#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) machine: Machine,
    load_at_end: String,
    command: String,
    on: String,
    pub(super) peers: Vec<String>,
    pub(super) left_out: Vec<String>,
    cases: Vec<Table>,
}

/// One case: medians of the runs, and of the ratios of each pair.
#[derive(Debug, Serialize)]
struct Table {
    case: String,
    pairs: usize,
    rows: Vec<Row>,
    /// Events for which our log had no room, since the process began; `None` where that is not known.
    events_dropped: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Row {
    measure: &'static str,
    ours: Quartiles,
    most: Option<f64>,
    is_met: Option<bool>,
    beside: Vec<Beside>,
}

#[derive(Debug, Serialize)]
struct Beside {
    peer: String,
    /// `None`: it cannot do it.
    value: Option<Quartiles>,
    /// Ours by its own.
    ratio: Option<Quartiles>,
    least: Option<f64>,
    is_met: Option<bool>,
}

impl Figures {
    pub(super) fn new(machine: Machine, command: String, on: String) -> Self {
        let (peers, left_out, cases) = Default::default();
        Self { machine, load_at_end: String::new(), command, on, peers, left_out, cases }
    }

    /// `runs` has for each pair what each program did, ours first.
    pub(super) fn add(&mut self, case: &str, lines: &[Line], names: &[&str], runs: &[Vec<Option<Run>>]) {
        let first = runs.first().and_then(|pair| pair.first()?.as_ref());
        let measures = first.into_iter().flatten().map(|(measure, _)| *measure);
        let rows = measures.map(|measure| row(measure, lines, names, runs)).collect();
        self.cases.push(Table { case: case.to_owned(), pairs: runs.len(), rows, events_dropped: None });
    }

    /// In the last case.
    pub(super) fn note_dropped(&mut self, events: Option<u64>) {
        if let Some(table) = self.cases.last_mut() {
            table.events_dropped = events;
        }
    }

    pub(super) fn ended(&mut self) {
        self.load_at_end = Machine::this().load;
    }

    pub(super) fn print(&self) {
        let Machine { processor, cores, memory_mb, load } = &self.machine;
        println!("`{}`", self.command);
        println!("{processor}, {cores} cores, {memory_mb} MB, load {load} to {}; {}", self.load_at_end, self.on);
        println!("{}", self.peers.join("; "));
        for left_out in &self.left_out {
            println!("left out, not installed: {left_out}");
        }
        for table in &self.cases {
            table.print();
        }
    }
}

fn value(runs: &[Option<Run>], place: usize, measure: &str) -> Option<f64> {
    let run = runs.get(place)?.as_ref()?;
    run.iter().find(|(name, _)| *name == measure).map(|(_, value)| *value)
}

fn row(measure: &'static str, lines: &[Line], names: &[&str], runs: &[Vec<Option<Run>>]) -> Row {
    let of = |place: usize| Quartiles::of(runs.iter().filter_map(|pair| value(pair, place, measure)));
    let most = lines.iter().find_map(|line| match line {
        Line::Own { measure: name, most } if *name == measure => Some(*most),
        _ => None,
    });
    let ours = of(0);
    let beside = names.iter().enumerate().skip(1).map(|(place, name)| {
        let ratios = runs.iter().filter_map(|pair| Some(value(pair, 0, measure)? / value(pair, place, measure)?));
        let ratios: Vec<f64> = ratios.filter(|ratio| ratio.is_finite()).collect();
        let is_there = runs.iter().any(|pair| value(pair, place, measure).is_some());
        let ratio = (!ratios.is_empty()).then(|| Quartiles::of(ratios));
        let least = lines.iter().find_map(|line| match line {
            Line::Ratio { measure: what, peer, least } if what == &measure && peer == name => Some(*least),
            _ => None,
        });
        let is_met = least.zip(ratio).map(|(least, ratio)| is_met(&ratio, least));
        Beside { peer: (*name).to_owned(), value: is_there.then(|| of(place)), ratio, least, is_met }
    });
    let beside = beside.collect();
    Row { measure, ours, most, is_met: most.map(|most| ours.median <= most), beside }
}

/// The median meets the line and the lower quartile is not far below it.
fn is_met(ratio: &Quartiles, least: f64) -> bool {
    least <= ratio.median && least * LOWER_QUARTILE <= ratio.lower
}

impl Table {
    fn print(&self) {
        let peers = self.rows.first().map(|row| row.beside.as_slice()).unwrap_or_default();
        let heads: String = peers.iter().map(|beside| format!(" {0} | ours / {0} |", beside.peer)).collect();
        println!("\n| {}; {} pairs | ours |{heads}", self.case, self.pairs);
        println!("|---|---|{}", "---|---|".repeat(peers.len()));
        for row in &self.rows {
            let ours = short(row.ours.median);
            let own = row.most.map(|most| format!(" (line: ≤ {most}{})", said(row.is_met))).unwrap_or_default();
            let cells: String = row.beside.iter().map(Beside::cells).collect();
            println!("| {} | {ours}{own} |{cells}", row.measure);
        }
        match self.events_dropped {
            Some(0) => {}
            Some(events) => println!("\nEvents that our log had no room for so far: {events}."),
            None => println!("\nHow many events our log had no room for is not known."),
        }
    }
}

impl Beside {
    fn cells(&self) -> String {
        let value = self.value.map_or_else(|| "–".to_owned(), |value| short(value.median));
        let ratio = self.ratio.map_or_else(
            || "–".to_owned(),
            |Quartiles { lower, median, upper }| format!("{median:.2} ({lower:.2}–{upper:.2})"),
        );
        let line = self.least.map(|least| format!(" (line: ≥ {least}{})", said(self.is_met))).unwrap_or_default();
        format!(" {value} | {ratio}{line} |")
    }
}

fn said(is_met: Option<bool>) -> &'static str {
    match is_met {
        Some(true) => ", met",
        Some(false) => ", **not met**",
        None => "",
    }
}

/// Three digits are all that such measurements bear.
fn short(value: f64) -> String {
    match value.abs() {
        0.0..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quartiles(lower: f64, median: f64) -> Quartiles {
        Quartiles { lower, median, upper: median }
    }

    #[test]
    fn a_line_wants_the_median_and_a_lower_quartile_close_below() {
        for (lower, median, expected) in [(4.0, 4.0, true), (3.6, 4.2, true), (3.5, 4.2, false), (3.9, 3.9, false)] {
            assert_eq!(is_met(&quartiles(lower, median), 4.0), expected, "{median} ({lower})");
        }
    }

    #[test]
    fn ratios_are_of_pairs_and_a_program_that_cannot_is_left_out() {
        let pair =
            |ours, theirs: Option<f64>| vec![Some(vec![("x/s", ours)]), theirs.map(|value| vec![("x/s", value)])];
        let lines =
            [Line::Ratio { measure: "x/s", peer: "Squid", least: 2.0 }, Line::Own { measure: "x/s", most: 50.0 }];
        let names = ["ours", "Squid"];
        let found =
            row("x/s", &lines, &names, &[pair(10.0, Some(5.0)), pair(60.0, Some(10.0)), pair(90.0, Some(45.0))]);
        assert_eq!(found.is_met, Some(false), "60 is more than 50");
        let beside = found.beside.first().unwrap();
        assert_eq!((beside.ratio.unwrap().median, beside.is_met), (2.0, Some(true)));
        let found = row("x/s", &lines, &names, &[pair(10.0, None)]);
        let beside = found.beside.first().unwrap();
        assert!(beside.value.is_none() && beside.ratio.is_none() && beside.is_met.is_none());
    }
}
