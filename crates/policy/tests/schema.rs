//! Every control of the packs that come along fits its schema, and a typing error does not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schoolgate_policy::schema::{Schema, schema};
use schoolgate_policy::{Code, Context, build, starter};
use serde_json::{Map, Value, json};

/// As much of JSON Schema as ours use.
fn fits(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    let of = |key: &str| schema.get(key);
    if let Some(reference) = of("$ref").and_then(Value::as_str) {
        let target = root.pointer(reference.trim_start_matches('#')).ok_or(format!("no {reference}"))?;
        return fits(value, target, root);
    }
    if let Some(ways) = of("anyOf").or(of("oneOf")).and_then(Value::as_array) {
        let tried: Vec<_> = ways.iter().map(|way| fits(value, way, root)).collect();
        return if tried.iter().any(Result::is_ok) { Ok(()) } else { Err(format!("{value}: {tried:?}")) };
    }
    if let Some(constant) = of("const") {
        return if constant == value { Ok(()) } else { Err(format!("{value} is not {constant}")) };
    }
    if let Some(words) = of("enum").and_then(Value::as_array) {
        return if words.contains(value) { Ok(()) } else { Err(format!("{value} is none of {words:?}")) };
    }
    match (of("type").and_then(Value::as_str).unwrap(), value) {
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("integer", Value::Number(_)) => Ok(()),
        ("array", Value::Array(items)) => items.iter().try_for_each(|item| fits(item, &schema["items"], root)),
        ("object", Value::Object(members)) => needed(members, schema).and_then(|()| {
            members.iter().try_for_each(|(name, member)| {
                let known = schema.get("properties").and_then(|known| known.get(name));
                match (known, &schema["additionalProperties"]) {
                    (Some(known), _) => fits(member, known, root),
                    (None, Value::Bool(false)) => Err(format!("no key {name}")),
                    (None, rest) => fits(member, rest, root),
                }
            })
        }),
        (wanted, found) => Err(format!("{found} is no {wanted}")),
    }
}

fn needed(members: &Map<String, Value>, schema: &Value) -> Result<(), String> {
    let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    needed.into_iter().try_for_each(|key| if members.contains_key(key) { Ok(()) } else { Err(format!("needs {key}")) })
}

fn json_of(toml: &str) -> Value {
    fn dated(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(date) => json!(date.to_string()),
            toml::Value::Array(items) => items.into_iter().map(dated).collect(),
            toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, dated(value))).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    dated(toml::Value::Table(toml.parse().unwrap()))
}

#[track_caller]
fn check(of: Schema, toml: &str) {
    let schema = schema(of);
    let found = fits(&json_of(toml), &schema, &schema);
    assert!(found.is_ok(), "{}\n{toml}", found.unwrap_err());
}

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|end| end == "md" || end == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn every_pack_that_comes_along_fits() {
    let mut files = Vec::new();
    documents(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies"), &mut files);
    let mut blocks = 0;
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        if path.ends_with("school.toml") {
            check(Schema::School, &text);
            continue;
        }
        if let Some(head) = text.strip_prefix("+++\n").and_then(|rest| rest.split_once("\n+++")) {
            check(Schema::Head, head.0);
        }
        for block in text.split("\n```control\n").skip(1) {
            check(Schema::Control, block.split("\n```").next().unwrap());
            blocks += 1;
        }
    }
    assert!(blocks > 0);
}

#[test]
fn what_is_not_of_the_language_does_not_fit() {
    let schema = schema(Schema::Control);
    for wrong in [
        "[[web]]\nblok = [\"gambling\"]",
        "[[mail]]\nthen = \"shred\"",
        "[[duty]]\nkind = 3",
        "[[request]]\ndecide = { some = [\"dsl\"] }",
        "[[mails]]\nthen = \"hold\"",
        "notes = \"x\"",
    ] {
        assert!(fits(&json_of(wrong), &schema, &schema).is_err(), "{wrong}");
    }
}

/// What the checker misses in a control with nothing in it.
fn missed(kind: &str) -> BTreeSet<String> {
    let mut pack = starter();
    let text = format!(
        "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\n+++\n\n{{#c}} A rule.\n\n```control\n[[{kind}]]\n```\n"
    );
    pack.insert("p.md", &text);
    let missing =
        build(&pack, Context::default()).diagnostics.into_iter().filter(|found| found.code == Code::MissingKey);
    missing.filter_map(|found| Some(found.message.rsplit('`').nth(1)?.to_owned())).collect()
}

#[test]
fn what_the_checker_misses_the_schema_misses() {
    let schema = schema(Schema::Control);
    for (kind, own) in schema["$defs"].as_object().unwrap() {
        let needed = own["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        // What passwords must be says by itself what happens to those that are not.
        let missed: BTreeSet<String> =
            missed(kind).into_iter().filter(|key| kind != "account" || key != "then").collect();
        assert_eq!(missed, needed.collect(), "{kind}");
    }
}
