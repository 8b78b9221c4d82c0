//! The account as a person reads it.

use std::fmt::Write as _;

use crate::account::{PackAccount, Standing};
use schoolgate_coverage::register::RowKind;

pub(crate) fn text(packs: &[PackAccount], with_survivors: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:<34} {:>5} {:>7} {:>8} {:>8} {:>12} {:>7}  neighbours noticed",
        "pack", "rows", "proved", "limited", "refused", "information", "silent"
    );
    for pack in packs {
        row(&mut out, pack);
    }
    for pack in packs {
        kinds(&mut out, pack);
    }
    for pack in packs {
        lists(&mut out, pack, with_survivors);
    }
    let rows: usize = packs.iter().map(|pack| pack.rows.len()).sum();
    let silent: usize = packs.iter().map(|pack| pack.count(is_silent)).sum();
    let _ = writeln!(out, "\n{} of {rows} rows accounted for", rows - silent);
    out
}

fn is_silent(standing: &Standing) -> bool {
    matches!(standing, Standing::Silent { .. })
}

fn row(out: &mut String, pack: &PackAccount) {
    let neighbours = pack.neighbours.as_ref().map_or_else(
        || "not tried".to_owned(),
        |all| {
            format!(
                "{} of {} ({} %)",
                all.noticed,
                all.tried,
                (all.noticed * 100).checked_div(all.tried).unwrap_or(100)
            )
        },
    );
    let _ = writeln!(
        out,
        "{:<34} {:>5} {:>7} {:>8} {:>8} {:>12} {:>7}  {neighbours}",
        pack.pack,
        pack.rows.len(),
        pack.count(|standing| *standing == Standing::Proved),
        pack.count(|standing| matches!(standing, Standing::Limited { .. })),
        pack.count(|standing| matches!(standing, Standing::Refused { .. })),
        pack.count(|standing| matches!(standing, Standing::Information { .. })),
        pack.count(is_silent),
    );
}

fn kinds(out: &mut String, pack: &PackAccount) {
    let _ = write!(out, "\n{}: proved of", pack.pack);
    for (word, kind) in RowKind::ALL {
        let all = pack.rows.iter().filter(|row| row.kind == kind).count();
        let proved = pack.rows.iter().filter(|row| row.kind == kind && row.standing == Standing::Proved).count();
        let _ = write!(out, "  {word} {proved}/{all}");
    }
}

fn lists(out: &mut String, pack: &PackAccount, with_survivors: bool) {
    let silent: Vec<String> = pack
        .rows
        .iter()
        .filter_map(|row| match &row.standing {
            Standing::Silent { why } => {
                Some(format!("  {} ({}) at {}: {why}", row.id, row.kind.word(), row.at.join(", ")))
            }
            _ => None,
        })
        .collect();
    if !silent.is_empty() {
        let _ = writeln!(out, "\n\n{}: silent\n{}", pack.pack, silent.join("\n"));
    }
    if !pack.unknown.is_empty() {
        let _ = writeln!(
            out,
            "\n\n{}: answers rows that its register does not have: {}",
            pack.pack,
            pack.unknown.join(", ")
        );
    }
    if let Some(all) = pack.neighbours.as_ref().filter(|_| with_survivors) {
        let _ = writeln!(out, "\n\n{}: neighbours that every scenario lets pass", pack.pack);
        for survivor in &all.survivors {
            let _ = writeln!(out, "  {survivor}");
        }
    }
}
