//! Draws findings as text with the source beside them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Location, Severity, Span};
use crate::pack::{FileId, Pack};

/// Colours for a terminal, or none for pages, logs and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Plain,
    Terminal,
}

/// So many further places of a note are named.
const PLACES_MAX: usize = 6;
/// So many findings are drawn, the worst of them where there are more; whoever has more mends these first.
const DRAWN_MAX: usize = 1_000;

/// The findings, one after the other, and a last line that counts them.
pub fn render(diagnostics: &[Diagnostic], pack: &Pack, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Terminal => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    let (first, elsewhere) = repeated(diagnostics);
    for diagnostic in drawn(&first) {
        let places = elsewhere.get(&words(diagnostic)).map(|others| places(others, pack)).unwrap_or_default();
        text.push_str(&renderer.render(&[group(diagnostic, &places, pack)]));
        text.push_str("\n\n");
    }
    if let Some(more) = first.len().checked_sub(DRAWN_MAX).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more\n\n"));
    }
    text.push_str(&summary(diagnostics));
    text.push('\n');
    text
}

/// A note with the words of another is drawn with the first of them: what a whole pack shares is said once.
fn repeated(diagnostics: &[Diagnostic]) -> (Vec<&Diagnostic>, BTreeMap<Words<'_>, Vec<&Diagnostic>>) {
    let (mut first, mut elsewhere): (Vec<_>, BTreeMap<_, Vec<_>>) = Default::default();
    for diagnostic in diagnostics {
        if diagnostic.severity == Severity::Note {
            match elsewhere.entry(words(diagnostic)) {
                Entry::Occupied(mut same) => {
                    same.get_mut().push(diagnostic);
                    continue;
                }
                Entry::Vacant(none) => none.insert(Vec::new()),
            };
        }
        first.push(diagnostic);
    }
    (first, elsewhere)
}

/// Code, message, reason and help.
type Words<'d> = (&'d str, &'d str, Option<&'d str>, Option<&'d str>);

fn words(diagnostic: &Diagnostic) -> Words<'_> {
    (diagnostic.code.as_str(), &diagnostic.message, diagnostic.why.as_deref(), diagnostic.help.as_deref())
}

/// "and in 12 more places: staff-ict.md:88, staff-ict.md:120, …"; empty where there are none.
fn places(others: &[&Diagnostic], pack: &Pack) -> String {
    let place = |other: &&Diagnostic| {
        let Location { file, line, .. } = Location::of(other.span, pack);
        format!("{file}:{line}")
    };
    let mut named: Vec<String> = others.iter().take(PLACES_MAX).map(place).collect();
    if PLACES_MAX < others.len() {
        named.push("\u{2026}".to_owned());
    }
    match others.len() {
        0 => String::new(),
        1 => format!("and at {}", named.join(", ")),
        many => format!("and in {many} more places: {}", named.join(", ")),
    }
}

fn drawn<'d>(diagnostics: &[&'d Diagnostic]) -> Vec<&'d Diagnostic> {
    let mut drawn = diagnostics.to_vec();
    if DRAWN_MAX < drawn.len() {
        drawn.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
        drawn.truncate(DRAWN_MAX);
    }
    drawn
}

/// "2 errors, 1 warning" in words.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity: Severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let say = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{number} {word}s")),
    };
    let parts: Vec<String> = [
        say(count(Severity::Error), "error"),
        say(count(Severity::Warning), "warning"),
        say(count(Severity::Note), "note"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "nothing to complain about".to_owned() } else { parts.join(", ") }
}

fn group<'a>(diagnostic: &'a Diagnostic, places: &'a str, pack: &'a Pack) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    for file in files(diagnostic) {
        group = group.element(snippet(diagnostic, pack, file));
    }
    if !places.is_empty() {
        group = group.element(Level::NOTE.message(places));
    }
    if let Some(why) = &diagnostic.why {
        group = group.element(Level::NOTE.message(why.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The files a finding shows, the main one first.
fn files(diagnostic: &Diagnostic) -> Vec<FileId> {
    let mut files = Vec::new();
    if diagnostic.span.file != FileId::MISSING {
        files.push(diagnostic.span.file);
    }
    for other in &diagnostic.others {
        if !files.contains(&other.span.file) && other.span.file != FileId::MISSING {
            files.push(other.span.file);
        }
    }
    files
}

fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    pack: &'a Pack,
    file: FileId,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = pack.text(file);
    let mut snippet = Snippet::source(text).path(pack.path(file));
    if diagnostic.span.file == file {
        let mut annotation = AnnotationKind::Primary.span(visible(text, diagnostic.span));
        if let Some(label) = &diagnostic.label {
            annotation = annotation.label(label.as_str());
        }
        snippet = snippet.annotation(annotation);
    }
    let others = diagnostic.others.iter().filter(|other| other.span.file == file);
    snippet.annotations(
        others.map(|other| AnnotationKind::Context.span(visible(text, other.span)).label(other.text.as_str())),
    )
}

/// The span on character borders inside the text, cut at the end of its first line so that a whole clause does not
/// fill the screen.
fn visible(text: &str, span: Span) -> Range<usize> {
    let border = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = border(span.start);
    let end = border(span.end).max(start);
    let first_line = text.get(start..end).and_then(|part| part.find('\n')).map_or(end, |at| start + at);
    start..first_line.max(start)
}
