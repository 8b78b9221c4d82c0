//! The chapters that teach the language. They lie in `guide/` with their examples in the form that tests run.

use super::Page;
use super::fences::{Piece, pieces};

const CHAPTERS: [(&str, &str); 11] = [
    ("first-policy", include_str!("../../guide/first-policy.md")),
    ("whom-and-when", include_str!("../../guide/whom-and-when.md")),
    ("which-rule-wins", include_str!("../../guide/which-rule-wins.md")),
    ("asking", include_str!("../../guide/asking.md")),
    ("reporting", include_str!("../../guide/reporting.md")),
    ("described-things", include_str!("../../guide/described-things.md")),
    ("lists-and-duties", include_str!("../../guide/lists-and-duties.md")),
    ("agreeing", include_str!("../../guide/agreeing.md")),
    ("trying-it", include_str!("../../guide/trying-it.md")),
    ("extending", include_str!("../../guide/extending.md")),
    ("from-paper", include_str!("../../guide/from-paper.md")),
];

/// The school that all their examples stand on.
const SCHOOL: &str = include_str!("../../guide/school.toml");

pub(super) fn chapters() -> impl Iterator<Item = Page> {
    let chapters = CHAPTERS.into_iter().map(|(name, text)| Page {
        path: format!("guide/{name}.md"),
        title: text.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned(),
        markdown: readable(text),
    });
    let title = "The school of the examples".to_owned();
    let markdown = format!(
        "# {title}\n\nThe `school.toml` on which the examples of the chapters stand.\n\n```toml\n{SCHOOL}```\n"
    );
    chapters.chain([Page { path: "guide/school.md".to_owned(), title, markdown }])
}

/// The chapter with its blocks named as a renderer knows them; where nothing is found, nothing is said of it.
fn readable(text: &str) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Line("") if out.ends_with("\n\n") => {}
            Piece::Line(line) => out.push_str(&format!("{line}\n")),
            Piece::Block { body, .. } if body.is_empty() => {}
            Piece::Block { fence, info, body } => {
                out.push_str(&format!("{}{fence}{}\n{body}{fence}\n", caption(info), language(info)));
            }
        }
    }
    // What is a file here is a page there.
    out.replace("](school.toml)", "](school.md)")
}

/// What stands above a block whose place is not plain from the words around it.
fn caption(info: &str) -> String {
    match info.split_once(' ') {
        Some(("policy", path)) => format!("`{path}`:\n\n"),
        _ if info == "school" => "`school.toml`:\n\n".to_owned(),
        _ if info == "offices" => "Who holds which office:\n\n".to_owned(),
        _ if info == "findings" || info == "sentences" => "The checker finds:\n\n".to_owned(),
        _ if info == "failures" => "The test says:\n\n".to_owned(),
        _ => String::new(),
    }
}

fn language(info: &str) -> &str {
    match info.split(' ').next() {
        Some("policy" | "tests") => "markdown",
        Some("school") => "toml",
        Some("findings" | "failures" | "sentences" | "offices") => "text",
        _ => info,
    }
}
