//! Draws findings as text with the source beside them.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::pack::{FileId, Pack};

/// Colours for a terminal, or none for pages, logs and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Plain,
    Terminal,
}

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
    for diagnostic in drawn(diagnostics) {
        text.push_str(&renderer.render(&[group(diagnostic, pack)]));
        text.push_str("\n\n");
    }
    if let Some(more) = diagnostics.len().checked_sub(DRAWN_MAX).filter(|more| *more > 0) {
        text.push_str(&format!("and {more} more\n\n"));
    }
    text.push_str(&summary(diagnostics));
    text.push('\n');
    text
}

fn drawn(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut drawn: Vec<&Diagnostic> = diagnostics.iter().collect();
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

fn group<'a>(diagnostic: &'a Diagnostic, pack: &'a Pack) -> Group<'a> {
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
