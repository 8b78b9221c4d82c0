//! What the six kinds of rule about described things share: how one is read from its table.

use schoolgate_base::{ControlKind, Within};
use schoolgate_decide::things::{Action, Amount, Aspect};

use super::account::{self, PasswordSyntax};
use super::keys::{Key, SCOPE, Takes, Vocabulary};
use super::report::routes;
use super::{device, file, mail, publish, search};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::syntax::reader::{self, Findings, Reader};
use crate::syntax::{Spanned, Table, Word};

/// A rule about things as written.
#[derive(Debug, Clone, PartialEq)]
pub struct ThingSyntax {
    pub span: Span,
    pub scope: ScopeSyntax,
    pub marks: Vec<MarkSyntax>,
    pub needs: Vec<Word>,
    pub amounts: Vec<(Amount, u64)>,
    pub after: Option<Spanned<After>>,
    pub action: Option<Spanned<Action>>,
    pub tell: Vec<Word>,
    pub about: Vec<(Word, Vec<Word>)>,
    pub within: Option<Spanned<Within>>,
    pub over: Vec<Word>,
    pub release: Vec<Word>,
    pub copy: Vec<Word>,
    pub tag: Option<Word>,
    pub delay: Option<Spanned<Within>>,
    /// A delay until the next minute of this period.
    pub until: Option<Word>,
    pub says: Option<Word>,
    pub password: Option<PasswordSyntax>,
}

/// Whom a rule binds, when, where and on what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScopeSyntax {
    pub audience: Vec<Word>,
    pub except: Vec<Word>,
    pub when: Vec<Word>,
    pub outside: Vec<Word>,
    pub places: Vec<Word>,
    pub devices: Vec<Word>,
}

/// A key of marks, and the words behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkSyntax {
    pub aspect: Aspect,
    pub key: &'static str,
    pub words: Vec<Word>,
}

/// From how many, or from how long, in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    pub amount: Amount,
    pub count: u64,
    pub within: Within,
}

/// The words of a kind about things.
pub fn vocabulary(kind: ControlKind) -> Option<&'static Vocabulary> {
    Some(match kind {
        ControlKind::Mail => &mail::VOCABULARY,
        ControlKind::File => &file::VOCABULARY,
        ControlKind::Publish => &publish::VOCABULARY,
        ControlKind::Account => &account::VOCABULARY,
        ControlKind::Device => &device::VOCABULARY,
        ControlKind::Search => &search::VOCABULARY,
        _ => return None,
    })
}

pub(crate) fn scope(reader: &mut Reader<'_, '_>) -> ScopeSyntax {
    let [audience, except, when, outside, places, devices] =
        SCOPE.map(|key| reader.words(key.name).unwrap_or_default());
    ScopeSyntax { audience, except, when, outside, places, devices }
}

pub(crate) fn read(
    kind: ControlKind,
    vocabulary: &'static Vocabulary,
    table: &Table,
    span: Span,
    findings: &mut Findings,
) -> ThingSyntax {
    let mut reader = Reader::control(table, span, kind, findings);
    let marks = marks(vocabulary, &mut reader);
    let needs = vocabulary.needs.map(|key| words(&mut reader, &key)).unwrap_or_default();
    let amounts = vocabulary.amounts.iter().filter_map(|(key, amount)| measured(&mut reader, key, *amount)).collect();
    let password = password(kind, &mut reader);
    let actions: Vec<(&'static str, Action)> =
        vocabulary.actions.iter().map(|action| (action.as_str(), *action)).collect();
    let action = reader.choice("then", &actions);
    if action.is_none() && password.is_none() && reader.key_span("then").is_none() {
        reader.missing("then", &format!("\"{}\"", vocabulary.actions.last().map_or("report", |last| last.as_str())));
    }
    let can = |action: Action| vocabulary.actions.contains(&action);
    let (marks_them, waits) = (can(Action::Tag), can(Action::Delay));
    let thing = ThingSyntax {
        span,
        scope: scope(&mut reader),
        marks,
        needs,
        amounts,
        after: reader.text("after").and_then(|word| after(&word, reader.findings)),
        action,
        tell: reader.words("tell").unwrap_or_default(),
        about: routes(&mut reader, "about"),
        within: reader.within("within"),
        over: reader.words("over").unwrap_or_default(),
        release: reader.words("release").unwrap_or_default(),
        copy: reader.words("copy").unwrap_or_default(),
        tag: if marks_them { reader.text("tag") } else { None },
        delay: if waits { reader.within("delay") } else { None },
        until: if waits { reader.text("until") } else { None },
        says: reader.text("says"),
        password,
    };
    reader.finish();
    check(&thing, findings);
    thing
}

fn marks(vocabulary: &'static Vocabulary, reader: &mut Reader<'_, '_>) -> Vec<MarkSyntax> {
    let mut found = Vec::new();
    for (aspect, key) in vocabulary.marks {
        let words = words(reader, key);
        if !words.is_empty() {
            found.push(MarkSyntax { aspect: *aspect, key: key.name, words });
        }
    }
    found
}

/// The words behind a key; those of a fixed set that are none of it are reported and left out.
fn words(reader: &mut Reader<'_, '_>, key: &Key) -> Vec<Word> {
    let words = reader.words(key.name).unwrap_or_default();
    let Takes::AnyOf(known) = key.takes else { return words };
    let choices: Vec<(&'static str, ())> = known.iter().map(|(word, _)| (*word, ())).collect();
    words.into_iter().filter(|word| reader::choose(word, key.name, &choices, reader.findings).is_some()).collect()
}

fn measured(reader: &mut Reader<'_, '_>, key: &Key, amount: Amount) -> Option<(Amount, u64)> {
    if let Takes::Number = key.takes {
        let number = reader.number(key.name)?;
        let count = u64::try_from(number).ok().filter(|count| *count > 0);
        if count.is_none() {
            let span = reader.key_span(key.name).unwrap_or(reader.place());
            reader.wrong_type(key.name, span, "another number", "1 or more");
        }
        return Some((amount, count?));
    }
    let length = reader.within(key.name)?;
    let seconds = seconds(&length.value);
    let count = match amount {
        Amount::AgeDays | Amount::UnopenedDays | Amount::UnseenDays => seconds.div_ceil(24 * 60 * 60),
        _ => seconds,
    };
    Some((amount, count))
}

/// A length without a calendar: a month is 30 days, a year 365, the same day one.
pub(crate) fn seconds(length: &Within) -> u64 {
    const DAY: u64 = 24 * 60 * 60;
    let Within::Count { count, unit, .. } = length else { return DAY };
    let unit = match unit {
        schoolgate_base::Unit::Minute => 60,
        schoolgate_base::Unit::Hour => 60 * 60,
        schoolgate_base::Unit::Day | schoolgate_base::Unit::SchoolDay => DAY,
        schoolgate_base::Unit::Week => 7 * DAY,
        schoolgate_base::Unit::Month => 30 * DAY,
        schoolgate_base::Unit::Year => 365 * DAY,
    };
    u64::from(*count) * unit
}

fn password(kind: ControlKind, reader: &mut Reader<'_, '_>) -> Option<PasswordSyntax> {
    if kind != ControlKind::Account {
        return None;
    }
    let place = reader.key_span("password").unwrap_or(reader.place());
    reader.table("password").map(|table| account::password(table, place, reader.findings))
}

/// Grammar: `COUNT "times in" LENGTH` or `LENGTH "in" LENGTH`.
fn after(word: &Word, findings: &mut Findings) -> Option<Spanned<After>> {
    let wrong = |findings: &mut Findings, span: Span| {
        findings.push(
            Diagnostic::new(Code::BadLength, span, format!("`{}` does not say from when on", word.text))
                .help("write `3 times in 1 day` or `40 minutes in 1 day`"),
        );
        None
    };
    let Some((much, stretch)) = word.text.split_once(" in ") else { return wrong(findings, word.span) };
    let stretch = Word { text: stretch.to_owned(), span: word.place_of(stretch) };
    let within = reader::within(&stretch, findings)?.value;
    if let Some(count) = much.strip_suffix(" times") {
        let Some(count) = count.parse().ok().filter(|count| (1..=100_000).contains(count)) else {
            return wrong(findings, word.place_of(much));
        };
        return Some(Spanned { value: After { amount: Amount::Times, count, within }, span: word.span });
    }
    let much = Word { text: much.to_owned(), span: word.place_of(much) };
    let count = seconds(&reader::within(&much, findings)?.value);
    Some(Spanned { value: After { amount: Amount::Seconds, count, within }, span: word.span })
}

/// What a rule says must go together.
fn check(thing: &ThingSyntax, findings: &mut Findings) {
    if thing.password.is_some() {
        let marks = thing.marks.iter().filter_map(|mark| Some((mark.key, mark.words.first()?.span)));
        let needs = thing.needs.first().map(|word| ("needs", word.span));
        for (key, span) in marks.chain(needs) {
            findings.push(
                Diagnostic::new(Code::IdleKey, span, format!("`{key}` does nothing beside `password`"))
                    .why("people have one password for all systems, and what it must be holds wherever it is set")
                    .help("leave it out, or write a rule of its own beside it"),
            );
        }
    }
    let Some(action) = &thing.action else { return };
    if action.value != Action::Delay {
        let length = thing.delay.as_ref().map(|length| ("delay", length.span));
        for (key, span) in length.into_iter().chain(thing.until.as_ref().map(|word| ("until", word.span))) {
            findings.push(
                Diagnostic::new(Code::IdleKey, span, format!("`{key}` does nothing here: this rule does not delay"))
                    .help("write `then = \"delay\"`, or a rule of its own that delays"),
            );
        }
    }
    if thing.password.is_some() {
        findings.push(
            Diagnostic::new(Code::UnknownKey, action.span, "what passwords must be takes no `then`")
                .help("leave it out, or write a rule of its own beside it"),
        );
    }
    let mut missing = |message: &str, help: &str| {
        findings.push(Diagnostic::new(Code::MissingKey, action.span, message).help(help));
    };
    match action.value {
        Action::Report if thing.tell.is_empty() => {
            missing("a finding that nobody hears is none", "add `tell = [\"headteacher\"]`");
        }
        Action::Hold if thing.release.is_empty() => {
            missing("nobody could let go what this rule holds", "add `release = [\"headteacher\"]`");
        }
        Action::Delay if thing.delay.is_none() && thing.until.is_none() => missing(
            "this rule does not say how long it delays",
            "add `delay = \"10 minutes\"`, or `until = \"school-hours\"` for the next minute of a period",
        ),
        Action::Tag if thing.tag.is_none() => {
            missing("this rule does not say what it marks it with", "add `tag = \"school footer\"`");
        }
        _ => {}
    }
}
