//! Runs the examples of `spec/*.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use std::path::{Path, PathBuf};

use schoolgate_base::{PersonId, Role};
use schoolgate_cases::Offices;
use schoolgate_policy::manual::{Example, examples};
use schoolgate_policy::scenario::test;
use schoolgate_policy::{Built, Colour, Context, Pack, build, render};

fn pack(example: &Example, folder: &Path) -> Pack {
    let block = |name: &str| example.blocks.get(name).map_or("", String::as_str);
    let school = std::fs::read_to_string(folder.join("school.toml")).unwrap() + block("school");
    let mut document = block("policy").to_owned();
    if !document.starts_with("+++") {
        document = format!("+++\npolicy = \"spec\"\ntitle = \"Spec\"\nversion = \"1\"\n+++\n\n{document}");
    }
    let mut pack = Pack::from_iter([("school.toml", school), ("spec.md", document)]);
    for (info, text) in &example.blocks {
        if let Some(path) = info.strip_prefix("policy ") {
            pack.insert(path, text);
        }
    }
    if let Some(tests) = example.blocks.get("tests") {
        pack.insert("tests.md", tests);
    }
    pack
}

fn offices(text: &str) -> Offices {
    let mut offices = Offices::default();
    for line in text.lines() {
        let (person, roles) = line.split_once(':').unwrap();
        for role in roles.split(',') {
            offices.add(Role::new(role.trim()), PersonId::new(person.trim()).unwrap(), false);
        }
    }
    offices
}

/// `code at "text"`, in the order of the file.
fn found(built: &Built, pack: &Pack, with_text: &dyn Fn(&str) -> bool) -> Vec<String> {
    let line = |diagnostic: &schoolgate_policy::Diagnostic| {
        let code = diagnostic.code.as_str();
        let text = pack.text(diagnostic.span.file).get(diagnostic.span.start..diagnostic.span.end).unwrap_or("");
        let full = format!("{code} at \"{text}\"");
        if with_text(&full) { full } else { code.to_owned() }
    };
    built.diagnostics.iter().map(line).collect()
}

/// What is not as the example's `failures` and `sentences` say.
fn scenarios(example: &Example, pack: &Pack) -> Option<String> {
    let lines = |name: &str| -> Vec<String> {
        example.blocks.get(name).map_or("", String::as_str).lines().map(str::to_owned).collect()
    };
    let tested = test(pack, &build(pack, Context::default()));
    let failures = tested.results.iter().flat_map(|result| &result.failures);
    let failures: Vec<String> = failures
        .map(|failure| format!("line {}: expected {}; actual {}", failure.place.line, failure.expected, failure.actual))
        .collect();
    let sentences: Vec<String> = tested.diagnostics.iter().map(|finding| finding.code.as_str().to_owned()).collect();
    let written = lines("tests").iter().filter(|line| line.starts_with("When")).count();
    assert_eq!(tested.results.len() + usize::from(!sentences.is_empty()), written, "{}", example.name);
    let is_as_said = failures == lines("failures") && sentences == lines("sentences");
    let shown = render(&tested.diagnostics, pack, Colour::Plain);
    (!is_as_said).then(|| format!("{}: {failures:#?}\n{sentences:#?}\n{shown}", example.name))
}

/// The files of examples: those that say what the language means, and the chapters of the manual.
fn files() -> Vec<PathBuf> {
    let folders = ["spec", "guide"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "md") && !path.ends_with("README.md"));
    files.sort();
    files
}

#[test]
fn examples_hold() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in files() {
        for example in examples(&std::fs::read_to_string(&path).unwrap()) {
            assert_eq!(example.doubled, Vec::<String>::new(), "{}: {}", path.display(), example.name);
            let pack = pack(&example, path.parent().unwrap());
            if example.blocks.contains_key("tests") {
                count += 1;
                wrong.extend(scenarios(&example, &pack));
            }
            let Some(expected) = example.blocks.get("findings") else { continue };
            count += 1;
            let offices = example.blocks.get("offices").map(|text| offices(text));
            let built = build(&pack, Context { offices: offices.as_ref(), ..Context::default() });
            let mut expected: Vec<String> = expected.lines().map(str::to_owned).collect();
            let mut found = found(&built, &pack, &|full| expected.iter().any(|line| line == full));
            // Notes that are in nearly every example count only where they are expected.
            for note in ["clause-without-control", "kind-not-kept"] {
                let matters = expected.iter().any(|line| line.starts_with(note));
                found.retain(|line| matters || line != note);
            }
            expected.sort();
            found.sort();
            if expected != found {
                let shown = render(&built.diagnostics, &pack, Colour::Plain);
                wrong.push(format!(
                    "{}: {}\nexpected {expected:#?}\nfound {found:#?}\n{shown}",
                    path.display(),
                    example.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(count > 10);
}
