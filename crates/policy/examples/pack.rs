//! Try a pack: `cargo run -p schoolgate-policy --example pack -- FOLDER check|show|test|explain …`.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::path::Path;

use schoolgate_policy::scenario;
use schoolgate_policy::show::{canonical_text, show, text};
use schoolgate_policy::{Colour, Context, Pack, build, render};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("which folder?")?;
    let action = args.next().unwrap_or_else(|| "check".to_owned());
    let mut pack = Pack::default();
    for entry in std::fs::read_dir(Path::new(&folder))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "md" || ending == "toml") {
            let name = path.file_name().and_then(|name| name.to_str()).ok_or("a file name that is not text")?;
            pack.insert(name, &std::fs::read_to_string(&path)?);
        }
    }
    let first = build(&pack, Context::default());
    let offices = scenario::offices(&pack, &first);
    let built = build(&pack, Context { offices: Some(&offices), today: None });
    match action.as_str() {
        "show" => {
            for document in &built.parsed.documents {
                println!("{}", show(document, &built.compiled).map(|view| text(&view)).unwrap_or_default());
            }
        }
        "canonical" => built.parsed.documents.iter().for_each(|document| println!("{}", canonical_text(document))),
        "test" => {
            let tested = scenario::test(&pack, &built);
            println!("{}\n{}", render(&tested.diagnostics, &pack, Colour::Plain), tested.text());
        }
        "explain" => {
            let given = args.next().ok_or("for whom? `a teacher, Tuesday 2026-11-24 10:10`")?;
            let url = args.next().ok_or("which address?")?;
            match scenario::question(&pack, &built, &given, &url) {
                Ok(explanation) => println!("{}", explanation.text()),
                Err(findings) => println!("{}", render(&findings, &pack, Colour::Plain)),
            }
        }
        _ => println!("{}", render(&built.diagnostics, &pack, Colour::Plain)),
    }
    Ok(())
}
