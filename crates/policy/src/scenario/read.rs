//! Cuts `tests.md` into world facts and scenarios.

use super::Scenario;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nearest::distance;
use crate::pack::{FileId, Pack, TESTS_FILE};
use crate::syntax::Word;
use crate::syntax::markdown::lines;
use crate::syntax::reader::Findings;

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Given,
    When,
    Then,
}

/// World facts, and scenarios in the order of the file.
pub(super) fn read(file: FileId, text: &str, findings: &mut Findings) -> (Vec<Word>, Vec<Scenario>) {
    let mut reader = Reader { world: Vec::new(), scenarios: Vec::new(), heading: String::new(), count: 0, step: None };
    let mut fence: Option<bool> = None;
    let mut in_fence = None;
    for range in lines(text) {
        let line = text.get(range.clone()).unwrap_or("").trim_end();
        let start = range.start;
        if line.trim_start().starts_with("```") {
            fence = match fence {
                Some(_) => None,
                None => Some(line.trim_start().trim_start_matches('`').trim() == "world"),
            };
            continue;
        }
        match fence {
            Some(true) => reader.world.extend(word(file, start, line.split(" // ").next().unwrap_or(line))),
            Some(false) if keyword(line).is_some_and(|(step, ..)| step == Some(Step::Given)) => {
                in_fence = in_fence.or(Some(Span::new(file, start..start + line.len())));
            }
            Some(false) => {}
            None => reader.line(file, start, line, findings),
        }
    }
    if let Some(place) = in_fence {
        findings.push(
            Diagnostic::new(Code::ScenarioSyntax, place, "scenarios inside a fenced block are not tried")
                .help("take the lines with ``` away; a block called `world` tells who there is"),
        );
    }
    for scenario in &reader.scenarios {
        if let Some(second) = scenario.when.get(1) {
            findings.push(
                Diagnostic::new(Code::ScenarioSyntax, second.span, "a scenario tries one thing, this is a second")
                    .why("it would not be tried, and the scenario would pass all the same")
                    .help("write a `When` of its own below a `Then`; what was given goes on to hold"),
            );
        }
        if scenario.when.is_empty() || scenario.then.is_empty() {
            let missing = if scenario.when.is_empty() { "When" } else { "Then" };
            findings.push(
                Diagnostic::new(Code::ScenarioIncomplete, scenario.span, format!("this scenario has no `{missing}`"))
                    .help("a scenario is `Given …`, `When …`, `Then …`"),
            );
        }
    }
    reader.scenarios.retain(|scenario| !scenario.when.is_empty() && !scenario.then.is_empty());
    (reader.world, reader.scenarios)
}

/// The facts of `tests.md`, which hold for all files.
pub(super) fn world(pack: &Pack) -> Vec<Word> {
    let shared = pack.files().find(|(_, path, _)| *path == TESTS_FILE);
    shared.map_or_else(Vec::new, |(file, _, text)| read(file, text, &mut Vec::new()).0)
}

/// Marks of a list, of emphasis and of a quotation, which may stand before a sentence.
const NO_WORD: [char; 9] = [' ', '*', '-', '>', '\t', '_', '.', ')', ':'];

/// The step that a line says, `None` for one more of the last, and what follows; `None` for prose.
fn keyword(line: &str) -> Option<(Option<Step>, &str)> {
    let body = line.trim_start_matches(|c: char| NO_WORD.contains(&c) || c.is_ascii_digit());
    let (first, rest) = body.split_once(' ')?;
    let step = match first.trim_end_matches(NO_WORD).to_ascii_lowercase().as_str() {
        "given" => Some(Step::Given),
        "when" => Some(Step::When),
        "then" => Some(Step::Then),
        "and" | "but" => None,
        _ => return None,
    };
    Some((step, rest))
}

/// Words of prose that differ from a keyword in one letter.
const PROSE: [&str; 12] =
    ["the", "them", "they", "than", "hen", "even", "give", "gives", "giver", "what", "where", "whence"];

/// A line that was meant as a sentence and would be skipped.
fn misspelt(file: FileId, start: usize, line: &str) -> Option<Diagnostic> {
    let body = line.trim_start_matches(|c: char| NO_WORD.contains(&c) || c.is_ascii_digit());
    let first = body.split_whitespace().next()?;
    let bare = first.trim_end_matches(NO_WORD).to_ascii_lowercase();
    let near = ["given", "when", "then"].into_iter().find(|known| distance(known, &bare) == 1)?;
    if PROSE.contains(&bare.as_str()) {
        return None;
    }
    let begin = start + line.len() - body.len();
    let message = format!("`{first}` begins no sentence of a scenario");
    Some(
        Diagnostic::new(Code::ScenarioSyntax, Span::new(file, begin..begin + first.len()), message)
            .why("the line would be skipped, and the scenario tried without it")
            .help(format!("did you mean `{}`?", capital(near))),
    )
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

struct Reader {
    world: Vec<Word>,
    scenarios: Vec<Scenario>,
    heading: String,
    count: usize,
    step: Option<Step>,
}

impl Reader {
    fn line(&mut self, file: FileId, start: usize, line: &str, findings: &mut Findings) {
        if line.starts_with('#') {
            self.heading = line.trim_start_matches('#').trim().to_owned();
            self.count = 0;
            self.step = None;
            return;
        }
        let Some((said, rest)) = keyword(line) else {
            findings.extend(misspelt(file, start, line));
            return;
        };
        let Some(step) = said.or(self.step) else { return };
        let end = start + line.len();
        let Some(word) = word(file, end - rest.len(), rest) else { return };
        let begin = end - line.trim_start_matches(NO_WORD).len();
        self.push(step, said.is_none(), word, Span::new(file, begin..end));
    }

    fn push(&mut self, step: Step, is_more: bool, word: Word, span: Span) {
        let begins = match step {
            Step::Given => !is_more,
            // A second `when` below a `then` keeps what was given.
            Step::When => self.step.is_none() || self.step == Some(Step::Then),
            Step::Then => self.step.is_none(),
        };
        if begins {
            let given = match (step, self.scenarios.last()) {
                (Step::When, Some(last)) if self.step.is_some() => last.given.clone(),
                _ => Vec::new(),
            };
            self.count += 1;
            let name = if self.heading.is_empty() { "scenario".to_owned() } else { self.heading.clone() };
            let name = format!("{name} ({})", self.count);
            self.scenarios.push(Scenario { name, span, given, when: Vec::new(), then: Vec::new() });
        }
        self.step = Some(step);
        let Some(scenario) = self.scenarios.last_mut() else { return };
        match step {
            Step::Given => scenario.given.push(word),
            Step::When => scenario.when.push(word),
            Step::Then => scenario.then.push(word),
        }
    }
}

fn word(file: FileId, start: usize, text: &str) -> Option<Word> {
    let lead = text.len() - text.trim_start().len();
    let text = text.trim().trim_end_matches('.');
    let start = start + lead;
    (!text.is_empty()).then(|| Word { text: text.to_owned(), span: Span::new(file, start..start + text.len()) })
}

/// A part of a sentence, with its place.
pub(super) fn piece(word: &Word, part: &str) -> Word {
    let part = part.trim();
    Word { text: part.to_owned(), span: word.place_of(part) }
}

/// Parts between commas and "and", with their places.
pub(super) fn pieces(word: &Word) -> Vec<Word> {
    parts(&word.text)
        .into_iter()
        .map(|part| part.trim().strip_prefix("and ").unwrap_or(part.trim()))
        .filter(|part| !part.is_empty())
        .map(|part| piece(word, part))
        .collect()
}

/// Cuts at commas and at "and", but never inside quotation marks.
pub(super) fn parts(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    for (at, letter) in text.char_indices() {
        if letter == '"' {
            is_quoted = !is_quoted;
        }
        let rest = text.get(at..).unwrap_or("");
        let length = if letter == ',' { 1 } else { " and ".len() };
        if !is_quoted && start <= at && (letter == ',' || rest.starts_with(" and ")) {
            found.extend(text.get(start..at));
            start = at + length;
        }
    }
    found.extend(text.get(start..));
    found
}

/// "they sign in" as "they signs in", so that sentences need one form of each verb only.
pub(super) fn singular(scenario: &Scenario) -> Option<(Scenario, Word)> {
    let when = scenario.when.first()?;
    let rest = when.text.strip_prefix("they ").or_else(|| when.text.strip_prefix("They "))?;
    let (verb, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let verb = match verb {
        "are" => "is".to_owned(),
        "try" => "tries".to_owned(),
        verb if verb.ends_with("sh") => format!("{verb}es"),
        verb => format!("{verb}s"),
    };
    let when = Word { text: format!("they {verb} {after}").trim_end().to_owned(), span: when.span };
    let mut scenario = scenario.clone();
    *scenario.when.first_mut()? = when.clone();
    Some((scenario, when))
}

/// Without "a", "an", "the".
pub(super) fn bare(text: &str) -> &str {
    let text = text.trim();
    ["a ", "an ", "the ", "A ", "An ", "The "]
        .iter()
        .find_map(|article| text.strip_prefix(article))
        .unwrap_or(text)
        .trim()
}
