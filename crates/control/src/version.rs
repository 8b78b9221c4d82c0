//! A document whose words change gets a new version, because agreement is to a version: left as it was, everybody would
//! count as having agreed to words they never saw.

use schoolgate_policy::show::{PolicyView, show};
use schoolgate_policy::{Context, Pack, build};

use crate::in_force::is_worded;

/// The pack with the version raised in the head of each document whose version stood for other words before; `worded`
/// are those of every version that was ever in force. What an author numbered anew is left alone.
pub(crate) fn raised(mut pack: Pack, worded: &[PolicyView]) -> Pack {
    let built = build(&pack, Context::default());
    let views = built.parsed.documents.iter().filter_map(|document| show(document, &built.compiled));
    for view in views {
        let version = free(&view, worded);
        let head = built.compiled.policies.iter().find(|head| head.id == view.policy);
        let raised = head
            .and_then(|head| Some((head.file.clone(), with_version(pack.get(&head.file)?, &view.version, &version)?)));
        if let Some((file, text)) = raised.filter(|_| version != view.version) {
            pack.insert(&file, &text);
        }
    }
    pack
}

/// The version of a document, counted up until nobody can have agreed to it as other words.
fn free(view: &PolicyView, worded: &[PolicyView]) -> String {
    let mut counted = view.clone();
    let is_other = |counted: &PolicyView| {
        let mut same = worded.iter().filter(|one| one.policy == counted.policy && one.version == counted.version);
        same.any(|one| !is_worded(one, counted))
    };
    while is_other(&counted) {
        counted.version = next(&counted.version);
    }
    counted.version
}

/// The text with `version` in its head changed to another.
fn with_version(text: &str, version: &str, to: &str) -> Option<String> {
    text.lines().next().filter(|first| first.trim_end() == "+++")?;
    let is_version = |line: &&str| line.split('=').next().is_some_and(|key| key.trim() == "version");
    let line = text.lines().skip(1).take_while(|line| line.trim_end() != "+++").find(is_version)?;
    let raised = line.replacen(&format!("\"{version}\""), &format!("\"{to}\""), 1);
    Some(text.replacen(line, &raised, 1))
}

/// `3.0` → `3.1`, `2026` → `2026.1`, `autumn` → `autumn.1`.
fn next(version: &str) -> String {
    let counted = version.rsplit_once('.').and_then(|(front, last)| Some((front, last.parse::<u32>().ok()?)));
    match counted {
        Some((front, last)) => format!("{front}.{}", last.saturating_add(1)),
        None => format!("{version}.1"),
    }
}

#[cfg(test)]
mod tests {
    use super::{next, with_version};

    #[test]
    fn versions_count_up() {
        let numbered = ["3.0", "1.9", "2026", "autumn", "1.2.3"].map(next);
        assert_eq!(numbered, ["3.1", "1.10", "2026.1", "autumn.1", "1.2.4"]);
    }

    #[test]
    fn only_the_head_is_changed() {
        let text = "+++\npolicy  = \"x\"\nversion = \"3.0\"\n+++\n\n1 {#a} version = \"3.0\"\n";
        let raised = "+++\npolicy  = \"x\"\nversion = \"3.1\"\n+++\n\n1 {#a} version = \"3.0\"\n";
        assert_eq!(with_version(text, "3.0", "3.1").as_deref(), Some(raised));
        assert_eq!(with_version("# no head\nversion = \"3.0\"\n", "3.0", "3.1").as_deref(), None);
    }
}
