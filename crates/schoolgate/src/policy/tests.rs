use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: PolicyCommand,
}

fn ours() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/hampshire-staff").display().to_string()
}

/// What a command line finds and says.
#[track_caller]
fn said(args: &[&str]) -> (Found, String) {
    let cli = Cli::try_parse_from(std::iter::once("policy").chain(args.iter().copied())).unwrap();
    let mut out = Vec::new();
    let found = run(cli.command, &mut out).unwrap();
    (found, String::from_utf8(out).unwrap())
}

fn broken(folder: &Path) -> PathBuf {
    let school = "[school]\nid = \"s\"\nname = \"S\"\n[calendar]\nzone = \"Europe/London\"\nterms = []\n\
                  [categories.gambling]\n[defaults]\nstaff = \"allow\"\n";
    let policy = "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\n+++\n\n1.1 {#no} No.\n\n\
                  ```control\n[[web]]\nblock = [\"gambbling\"]\n```\n";
    let pack = folder.join("broken");
    fs::create_dir(&pack).unwrap();
    fs::write(pack.join("school.toml"), school).unwrap();
    fs::write(pack.join("p.md"), policy).unwrap();
    pack
}

#[test]
fn the_pack_that_comes_along_is_in_order() {
    for command in ["check", "test", "show"] {
        assert_eq!(said(&[command, &ours()]).0, Found::NothingWrong, "{command}");
    }
}

#[test]
fn an_explanation_names_the_clause() {
    let given = "tess.teacher, Tuesday 2026-11-24 10:10";
    let (found, text) = said(&["explain", &ours(), given, "https://bet.example/odds"]);
    assert_eq!(found, Found::NothingWrong);
    assert!(text.contains("staff-ict#gambling"), "{text}");
    for json in [&["--json"][..], &["--format", "json"]] {
        let (_, text) = said(&[&["explain", &ours(), given, "https://bet.example/odds"], json].concat());
        assert!(text.starts_with('{'), "{text}");
    }
}

#[test]
fn a_mistake_is_shown_with_its_place_and_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    let pack = broken(folder.path()).display().to_string();
    let (found, text) = said(&["check", &pack]);
    assert_eq!(found, Found::SomethingWrong);
    assert!(text.contains("p.md:11") && text.contains("did you mean `gambling`?"), "{text}");
}

#[test]
fn several_packs_have_a_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let fine = folder.path().join("fine").display().to_string();
    assert_eq!(said(&["new", &fine]).0, Found::NothingWrong);
    let pack = broken(folder.path()).display().to_string();
    for command in ["check", "test"] {
        let (found, text) = said(&[command, &fine, &pack]);
        assert_eq!(found, Found::SomethingWrong, "{command}");
        let lines = |folder: &str| text.lines().filter(|line| line.starts_with(&format!("{folder}: "))).count();
        assert_eq!((lines(&fine), lines(&pack)), (1, 1), "{text}");
        assert!(text.contains("broken/p.md:11"), "{text}");
        let (_, json) = said(&[command, &fine, &pack, "--format", "json"]);
        assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap().is_array(), "{json}");
        assert!(json.contains("broken/p.md"), "{json}");
    }
}

#[test]
fn a_program_that_asks_of_a_broken_pack_is_answered_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let pack = broken(folder.path()).display().to_string();
    let explain = ["explain", &pack, "tess.teacher", "https://bet.example", "--format", "json"];
    for command in [&explain[..], &["diff", &pack, &ours(), "--format", "json"]] {
        let (found, json) = said(command);
        let findings = serde_json::from_str::<serde_json::Value>(&json).unwrap()["findings"].take();
        assert!(found == Found::SomethingWrong && findings[0]["line"] == 11, "{json}");
    }
}

#[test]
fn what_many_places_share_is_said_once() {
    let (_, text) = said(&["check", &ours()]);
    assert_eq!(text.matches("no pages for a register").count(), 1, "{text}");
    assert!(text.contains("more places: "), "{text}");
}

#[test]
fn a_new_pack_is_in_order_and_nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("ours").display().to_string();
    said(&["new", &pack]);
    for command in [&["check", &pack][..], &["test", &pack], &["fmt", "--check", &pack]] {
        assert_eq!(said(command).0, Found::NothingWrong, "{command:?}");
    }
    let args = write::NewArgs { folder: folder.path().to_owned(), format: FormatArgs { format: Format::Text } };
    let error = write::new(&args, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");
}

#[test]
fn a_layout_is_checked_before_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("ours").display().to_string();
    said(&["new", &pack]);
    let policy = Path::new(&pack).join("staff.md");
    let messy = fs::read_to_string(&policy).unwrap().replace("block = ", "block   = ");
    fs::write(&policy, &messy).unwrap();
    let (found, text) = said(&["fmt", "--check", &pack]);
    assert!(found == Found::SomethingWrong && text.starts_with("would change "), "{text}");
    assert_eq!(fs::read_to_string(&policy).unwrap(), messy);
    assert_eq!(said(&["fmt", &pack]).0, Found::NothingWrong);
    assert_eq!(said(&["fmt", "--check", &pack]), (Found::NothingWrong, String::new()));
}

#[test]
fn a_difference_is_said_for_whom_it_concerns() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = ["before", "after"].map(|name| folder.path().join(name).display().to_string());
    said(&["new", &before]);
    said(&["new", &after]);
    let policy = Path::new(&after).join("staff.md");
    let text = fs::read_to_string(&policy).unwrap().replace("warn = [\"personal\"]", "block = [\"personal\"]");
    fs::write(&policy, text).unwrap();
    let (found, text) = said(&["diff", &before, &after]);
    assert_eq!(found, Found::NothingWrong);
    assert!(text.contains("in lessons: allowed after a reminder \u{2192} blocked"), "{text}");
    assert_eq!(said(&["diff", &before, &after, "--for", "teachers"]).1, text);
    assert_eq!(said(&["diff", &before, &after, "--for", "pupil"]).1, "nothing changes for anybody\n");
}

#[test]
fn schemas_and_pages_are_printed() {
    let (_, text) = said(&["schema", "control"]);
    assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["$defs"]["web"].is_object(), "{text}");
    assert!(said(&["manual"]).1.contains("kinds/mail.md"));
    assert!(said(&["manual", "mail"]).1.starts_with("# mail\n"));
}

#[test]
fn a_folder_that_is_no_pack_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let error = pack::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("school.toml"), "{error}");
    let file = folder.path().join("staff.md");
    fs::write(&file, "").unwrap();
    let error = pack::read(&file).unwrap_err().to_string();
    assert!(error.contains("is a file: name the folder"), "{error}");
}
