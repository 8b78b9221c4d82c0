//! Who may use whom: the table of the house, and the check that the workspace keeps to it.
//!
//! Looks at direct edges only; an indirect one consists of direct ones that were each allowed.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Finding;
use crate::shell::{self, Trouble};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Words,
    Core,
    Shell,
    Door,
    Whole,
    Tool,
}

impl Layer {
    fn words(self) -> &'static str {
        match self {
            Self::Words => "0 words",
            Self::Core => "1 core",
            Self::Shell => "2 shell",
            Self::Door => "3 doors",
            Self::Whole => "4 whole",
            Self::Tool => "tools",
        }
    }
}

/// One crate's place. `base` is not listed: everybody may use the words.
struct Place {
    name: &'static str,
    layer: Layer,
    may_use: &'static [&'static str],
}

const fn place(name: &'static str, layer: Layer, may_use: &'static [&'static str]) -> Place {
    Place { name, layer, may_use }
}

/// Layers look down only, and doors never see each other. The whole and the tools may use everything, so their rows
/// say nothing. A new edge is a decision: change the row, and say why in ADR 001.
const TABLE: &[Place] = &[
    place("base", Layer::Words, &[]),
    place("lists", Layer::Core, &[]),
    place("inspect", Layer::Core, &[]),
    place("decide", Layer::Core, &["lists", "inspect"]),
    place("cases", Layer::Core, &[]),
    place("policy", Layer::Core, &["decide", "cases"]),
    place("event", Layer::Core, &["decide"]),
    place("alerts", Layer::Core, &["event"]),
    place("runtime", Layer::Shell, &[]),
    place("keys", Layer::Shell, &[]),
    place("snapshot", Layer::Shell, &["decide", "lists", "inspect", "keys"]),
    place("records", Layer::Shell, &["cases", "keys", "runtime"]),
    place("eventlog", Layer::Shell, &["event", "runtime"]),
    place("identity", Layer::Shell, &["decide", "event", "runtime"]),
    place("directory", Layer::Shell, &["records", "keys"]),
    place("tls", Layer::Shell, &["keys", "runtime"]),
    place(
        "control",
        Layer::Shell,
        &["policy", "decide", "cases", "lists", "records", "snapshot", "keys", "event", "runtime"],
    ),
    place("documents", Layer::Door, &[]),
    place("proxy", Layer::Door, &["decide", "inspect", "event", "identity", "tls", "keys", "snapshot", "runtime"]),
    place("dns", Layer::Door, &["decide", "inspect", "event", "identity", "tls", "snapshot", "runtime"]),
    place("icap", Layer::Door, &["decide", "inspect", "event", "identity", "tls", "snapshot", "runtime"]),
    place("mail", Layer::Door, &["decide", "inspect", "event", "identity", "tls", "snapshot", "runtime"]),
    place("files", Layer::Door, &["decide", "inspect", "event", "identity", "tls", "snapshot", "runtime"]),
    place(
        "portal",
        Layer::Door,
        &[
            "policy",
            "decide",
            "cases",
            "records",
            "event",
            "eventlog",
            "control",
            "identity",
            "keys",
            "directory",
            "documents",
            "alerts",
        ],
    ),
    place("app", Layer::Whole, &[]),
    place("schoolgate", Layer::Whole, &[]),
    place("testkit", Layer::Tool, &[]),
    place("playground", Layer::Tool, &[]),
    place("bench", Layer::Tool, &[]),
    place("coverage", Layer::Tool, &[]),
    place("xtask", Layer::Tool, &[]),
];

/// Third-party crates that only some of ours may name: what they do happens in one place.
const ONLY_IN: &[(&str, &[&str], &str)] = &[
    ("age", &["keys"], "sealing happens in `keys`"),
    ("datafusion", &["eventlog"], "questions about events are asked in `eventlog`"),
    ("sea-orm", &["records"], "rows are read and written in `records`"),
    ("sea-orm-migration", &["records"], "the schema lives in `records`"),
    ("askama", &["portal"], "HTML is written in `portal`"),
    ("memmap2", &["snapshot"], "files are mapped in `snapshot`, the one crate with reviewed `unsafe`"),
];

/// What a core crate may not depend on: it does no input or output, starts no task, draws no lots.
const NOT_IN_CORE: &[&str] =
    &["tokio", "hyper", "axum", "rustls", "socket2", "rustix", "rand", "getrandom", "fastrand"];

/// A package of the workspace or one it is built from, as `cargo metadata` tells it.
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: Option<String>,
    /// None for a package of the workspace.
    pub(crate) source: Option<String>,
    /// The manifest, from the workspace's folder; as it is for other packages.
    pub(crate) manifest: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    is_for_tests: bool,
}

impl Package {
    pub(crate) fn is_ours(&self) -> bool {
        self.source.is_none()
    }

    /// `schoolgate-decide` lies in `crates/decide`.
    pub(crate) fn folder_name(&self) -> &str {
        self.name.strip_prefix("schoolgate-").unwrap_or(&self.name)
    }
}

pub(crate) fn metadata() -> Result<Metadata, Trouble> {
    // For this platform only: otherwise cargo downloads what other systems would build, just to name it.
    let triple = shell::output(&mut shell::command("rustc", &["--print", "host-tuple"]))?;
    let args = ["metadata", "--format-version", "1", "--all-features", "--locked", "--filter-platform", triple.trim()];
    let text = shell::output(&mut shell::cargo(&args))?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| Trouble::new(format!("cannot read `cargo metadata`: {error}")))?;
    let root = shell::root();
    let packages = value.get("packages").and_then(Value::as_array).into_iter().flatten();
    Ok(Metadata { packages: packages.map(|package| package_of(package, &root)).collect() })
}

fn package_of(value: &Value, root: &Path) -> Package {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let manifest = text(value, "manifest_path").unwrap_or_default();
    let inside = Path::new(&manifest).strip_prefix(root).map(|path| path.display().to_string());
    let dependencies = value.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    Package {
        name: text(value, "name").unwrap_or_default(),
        version: text(value, "version").unwrap_or_default(),
        licence: text(value, "license"),
        source: text(value, "source"),
        manifest: inside.unwrap_or(manifest),
        dependencies: dependencies
            .map(|dependency| Dependency {
                name: text(dependency, "name").unwrap_or_default(),
                is_for_tests: text(dependency, "kind").is_some_and(|kind| kind == "dev"),
            })
            .collect(),
    }
}

pub(crate) fn check(metadata: &Metadata) -> Vec<Finding> {
    let ours: Vec<&Package> = metadata.packages.iter().filter(|package| package.is_ours()).collect();
    let mut findings = Vec::new();
    for package in &ours {
        let name = package.folder_name();
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            let sentence = format!("crate `{name}` has no row in the layer table (crates/xtask/src/tidy/layers.rs)");
            findings.push(Finding::new(&package.manifest, 0, sentence));
            continue;
        };
        for dependency in &package.dependencies {
            let is_ours = ours.iter().any(|other| other.name == dependency.name);
            let wrong = if is_ours { inner_edge(row, dependency) } else { outer_edge(row, dependency) };
            findings.extend(wrong.map(|sentence| Finding::new(&package.manifest, 0, sentence)));
        }
    }
    findings
}

fn inner_edge(row: &Place, dependency: &Dependency) -> Option<String> {
    let to = dependency.name.strip_prefix("schoolgate-").unwrap_or(&dependency.name);
    let is_free = matches!(row.layer, Layer::Whole | Layer::Tool) || to == "base";
    // Tests may start the whole product, or make a crate's input with the crate that makes it in earnest.
    let is_fine = is_free || row.may_use.contains(&to) || (dependency.is_for_tests && !is_door(to));
    let allowed = row.may_use.join(", ");
    (!is_fine || to == "xtask").then(|| {
        format!(
            "`{}` ({}) may not use `{to}`; it may use base, {allowed} (design: the house)",
            row.name,
            row.layer.words()
        )
    })
}

fn is_door(name: &str) -> bool {
    TABLE.iter().any(|row| row.name == name && row.layer == Layer::Door)
}

fn outer_edge(row: &Place, dependency: &Dependency) -> Option<String> {
    let (name, to) = (row.name, dependency.name.as_str());
    if dependency.is_for_tests || matches!(row.layer, Layer::Tool) {
        return None;
    }
    if matches!(row.layer, Layer::Words | Layer::Core) && NOT_IN_CORE.contains(&to) {
        return Some(format!(
            "core crate `{name}` may not use `{to}`: the core does no IO, starts no task, reads no clock"
        ));
    }
    let (_, places, why) = ONLY_IN.iter().find(|(only, ..)| *only == to)?;
    (!places.contains(&name)).then(|| format!("`{name}` may not use `{to}`: {why}"))
}

/// The crates that exist, as the table in ARCHITECTURE.md shows them.
pub(crate) fn table(root: &Path) -> String {
    let mut lines = String::from("| layer | crate | one line | may use |\n|---|---|---|---|\n");
    for row in TABLE {
        let folder = root.join("crates").join(row.name);
        let Some(sentence) = first_sentence(&folder) else { continue };
        let may_use = match (row.layer, row.may_use) {
            (Layer::Whole, _) => "all".to_owned(),
            (Layer::Tool, _) => "what it needs".to_owned(),
            (Layer::Words, _) => "–".to_owned(),
            (_, []) => "base".to_owned(),
            (_, others) => format!("base, {}", others.join(", ")),
        };
        let line =
            format!("| {} | [`{}`](crates/{}) | {sentence} | {may_use} |\n", row.layer.words(), row.name, row.name);
        lines.push_str(&line);
    }
    lines
}

/// What the crate says of itself first: the `description` in its manifest.
fn first_sentence(folder: &Path) -> Option<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    let manifest: toml::Table = manifest.parse().ok()?;
    let description =
        manifest.get("package").and_then(|package| package.get("description")).and_then(toml::Value::as_str);
    Some(description.unwrap_or("–").trim_end_matches('.').replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::{Dependency, Layer, Metadata, Package, TABLE, check};

    #[track_caller]
    fn edge(from: &str, to: &str, is_for_tests: bool, expected: Option<&str>) {
        let package = |name: &str, dependencies: Vec<Dependency>, source: Option<String>| Package {
            name: name.to_owned(),
            version: String::new(),
            licence: None,
            source,
            manifest: String::new(),
            dependencies,
        };
        let is_ours = to.starts_with("schoolgate-");
        let metadata = Metadata {
            packages: vec![
                package(from, vec![Dependency { name: to.to_owned(), is_for_tests }], None),
                package(to, Vec::new(), (!is_ours).then(String::new)),
            ],
        };
        let findings = check(&metadata);
        match expected {
            None => assert_eq!(findings, []),
            Some(words) => assert!(findings.iter().any(|finding| finding.sentence.contains(words)), "{findings:?}"),
        }
    }

    #[test]
    fn layers_look_down_only() {
        edge("schoolgate-policy", "schoolgate-decide", false, None);
        edge("schoolgate-decide", "schoolgate-policy", false, Some("`decide` (1 core) may not use `policy`"));
        edge("schoolgate-decide", "schoolgate-base", false, None);
        edge("schoolgate-app", "schoolgate-portal", false, None);
    }

    #[test]
    fn doors_never_see_each_other() {
        edge("schoolgate-proxy", "schoolgate-portal", false, Some("may not use `portal`"));
        edge("schoolgate-proxy", "schoolgate-portal", true, Some("may not use `portal`"));
        edge("schoolgate-proxy", "schoolgate-testkit", true, None);
    }

    #[test]
    fn the_core_starts_no_task() {
        edge("schoolgate-decide", "tokio", false, Some("starts no task"));
        edge("schoolgate-decide", "tokio", true, None);
        edge("schoolgate-portal", "sea-orm", false, Some("in `records`"));
    }

    #[test]
    fn an_unknown_crate_is_asked_for_its_place() {
        edge("schoolgate-extra", "serde", false, Some("has no row"));
    }

    #[test]
    fn the_table_itself_looks_down() {
        let rank = |layer: Layer| layer as u8;
        for row in TABLE {
            for to in row.may_use {
                let below = TABLE.iter().find(|other| other.name == *to);
                assert!(below.is_some_and(|other| rank(other.layer) <= rank(row.layer)), "{} uses {to}", row.name);
            }
        }
    }
}
