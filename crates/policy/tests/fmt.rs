//! A layout says the same, and laying out twice is laying out once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use schoolgate_policy::fmt::{changes, format, format_school};
use schoolgate_policy::{Built, Context, Pack, build};

#[track_caller]
fn check(before: &str, after: &str) {
    let head = "+++\npolicy = \"p\"\n+++\n\n1.1 {#a} A clause.\n\n```control\n";
    let whole = |block: &str| format!("{head}{block}```\n");
    assert_eq!(format(&whole(before)), whole(after));
    assert_eq!(format(&whole(after)), whole(after));
}

#[test]
fn keys_are_in_order_and_below_each_other() {
    check(
        "[[web]]\nfor = \"staff\"   \nrate_kbit=2000\nblock   = [\"gambling\"]\nname = \"a\"\n",
        "[[web]]\nname      = \"a\"\nblock     = [\"gambling\"]\nrate_kbit = 2000\nfor       = \"staff\"\n",
    );
}

#[test]
fn one_blank_line_stands_between_controls() {
    check(
        "\n\nkept_by = \"x\"\nanswers = [\"HC-1\"]\n[[remind]]\n\nat = \"mail\"\n\n\n\n[[remind]]\nname = \"b\"\nat = \"trip\"\n\n",
        "answers = [\"HC-1\"]\nkept_by = \"x\"\n\n[[remind]]\nat = \"mail\"\n\n[[remind]]\nname = \"b\"\nat   = \"trip\"\n",
    );
}

#[test]
fn a_comment_stays_with_what_it_is_about() {
    check(
        "# of the mail\n[[remind]]\nfor = \"staff\"\nat = \"mail\"\n# why\ntext = \"x\"  # here\nname = \"n\"\n",
        "# of the mail\n[[remind]]\nat  = \"mail\"\nfor = \"staff\"\n# why\ntext = \"x\"  # here\nname = \"n\"\n",
    );
}

#[test]
fn lists_over_lines_move_as_a_whole() {
    check(
        "[[register]]\nkeeps = [\"dsl\"]\nfields = [\n  \"item\",  \n  { name = \"b\", label = \"=\" },\n]\nkind = \"k\"\n",
        "[[register]]\nkind   = \"k\"\nfields = [\n  \"item\",\n  { name = \"b\", label = \"=\" },\n]\nkeeps  = [\"dsl\"]\n",
    );
}

#[test]
fn what_is_broken_or_unknown_is_left() {
    check("[[web]]\nfor  =  \nblock = [\n", "[[web]]\nfor  =  \nblock = [\n");
    check("[[remind]]\nzebra = 1\nat = \"mail\"\n", "[[remind]]\nzebra = 1\nat    = \"mail\"\n");
    check(
        "[[remind]]\ntext = \"\"\"a  \n  b = 1\n\"\"\"\nat = \"mail\"\n",
        "[[remind]]\ntext = \"\"\"a  \n  b = 1\n\"\"\"\nat = \"mail\"\n",
    );
    let windows = "+++\r\npolicy = \"p\"\r\n+++\r\n";
    assert_eq!(format(windows), windows);
}

#[test]
fn blocks_and_headings_stand_apart_and_prose_is_left() {
    let before = "+++\ntitle=\"P\"\npolicy = \"p\"\n+++\n# P\nHard break  \nhere.\n\n\n\nMore.\n## 1 One  \n1.1 {#a} A.\n```control\n\
                  information = true\n```\n1.2 {#b} B.\n\n```text\n# no heading\n\n\n```\n\n\n## 2 Two";
    let after = "+++\npolicy = \"p\"\ntitle  = \"P\"\n+++\n\n# P\n\nHard break  \nhere.\n\n\n\nMore.\n\n## 1 One\n\n1.1 {#a} A.\n\n\
                 ```control\ninformation = true\n```\n\n1.2 {#b} B.\n\n```text\n# no heading\n\n\n```\n\n## 2 Two\n";
    assert_eq!(format(before), after);
    assert_eq!(format(after), after);
}

#[test]
fn a_block_in_a_list_keeps_its_margin() {
    let before = "+++\npolicy = \"p\"\n+++\n\n- 1.1 {#a} A.\n\n  ```control\n  [[remind]]\n  for = \"staff\"\n\n\n  at = \"mail\"\n  ```\n";
    let after = "+++\npolicy = \"p\"\n+++\n\n- 1.1 {#a} A.\n\n  ```control\n  [[remind]]\n  for = \"staff\"\n\n  at = \"mail\"\n  ```\n";
    assert_eq!(format(before), after);
}

#[test]
fn school_loses_spaces_at_ends_of_lines_only() {
    assert_eq!(format_school("[a]   \nb = 1\t\n\n\nc  = 2"), "[a]\nb = 1\n\n\nc  = 2\n");
    let long = "a = \"\"\"x  \n\"\"\"\n";
    assert_eq!(format_school(long), long);
    assert_eq!(format_school("a = \n  "), "a = \n  ");
}

/// A pack of the project, with what its folder holds below it.
fn pack(folder: &Path) -> Pack {
    fn read(folder: &Path, prefix: &str, pack: &mut Pack) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
            if path.is_dir() {
                read(&path, &format!("{name}/"), pack);
            } else if name.ends_with(".md") || name.ends_with(".toml") {
                pack.insert(&name, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut pack = Pack::default();
    read(folder, "", &mut pack);
    pack
}

fn says_the_same(one: &Built, other: &Built) -> bool {
    let (a, b) = (&one.compiled, &other.compiled);
    a.program == b.program
        && a.definitions == b.definitions
        && a.registers == b.registers
        && a.duties == b.duties
        && a.agreements == b.agreements
        && a.reminders == b.reminders
        && a.policies == b.policies
        && a.binds == b.binds
}

#[test]
fn a_pack_says_the_same_when_it_is_laid_out() {
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.join("school.toml").is_file() {
            continue;
        }
        let pack = pack(&folder);
        let mut laid_out = pack.clone();
        for change in changes(&pack) {
            laid_out.insert(&change.path, &change.text);
        }
        let (before, after) = (build(&pack, Context::default()), build(&laid_out, Context::default()));
        assert!(says_the_same(&before, &after), "{}", folder.display());
        assert_eq!(before.diagnostics.len(), after.diagnostics.len(), "{}", folder.display());
        assert_eq!(changes(&laid_out), [], "{}", folder.display());
    }
}

/// Text that looks enough like a policy to be laid out.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        Just("+++\n".to_owned()),
        Just("+++\npolicy=\"p\"\n+++\n".to_owned()),
        Just("```control\n".to_owned()),
        Just("  ```control\n".to_owned()),
        Just("```\n".to_owned()),
        Just("  ```\n".to_owned()),
        Just("[[web]]\n".to_owned()),
        Just("[[mail]] # why\n".to_owned()),
        Just("then = \"hold\"\nfrom=[\"staff\"]  \n".to_owned()),
        Just("to = [\n  \"a\", # b\n\n]\n".to_owned()),
        Just("says = \"\"\"\n a\n\"\"\"\n".to_owned()),
        Just("\"a b\" = 1\na.b = 2\n".to_owned()),
        Just("# comment or heading\n".to_owned()),
        Just("## 5 Heading  \n".to_owned()),
        Just("Under\n---\n".to_owned()),
        Just("- 5.1 {#own} Text\n".to_owned()),
        Just("5.2 {#more} Text  \n".to_owned()),
        Just("> quoted\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("   \n".to_owned()),
        "\\PC{0,8}",
        "[ \\t\\r\\n\"'\\[\\]{}=#.-]{0,6}",
    ];
    proptest::collection::vec(scrap, 0..20).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn laying_out_twice_is_laying_out_once(text in scraps(), rest in scraps()) {
        for text in [rest.clone(), format!("+++\npolicy = \"p\"\n+++\n\n1.1 {{#a}} A.\n\n```control\n{text}\n```\n{rest}")] {
            let once = format(&text);
            prop_assert_eq!(&format(&once), &once);
            let built = |text: &str| build(&Pack::from_iter([("p.md", text)]), Context::default());
            prop_assert!(says_the_same(&built(&text), &built(&once)));
            let school = format_school(&text);
            prop_assert_eq!(&format_school(&school), &school);
        }
    }
}
