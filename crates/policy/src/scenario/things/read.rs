//! The sentence that describes a thing.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schoolgate_base::{ControlKind, DeviceClass, Group, PersonId};
use schoolgate_decide::snapshot::Member;
use schoolgate_decide::things::{Amount, Aspect, Thing, Weakness};

use super::super::given::{Given, Persona, dated};
use super::super::read::{bare, piece, pieces};
use super::super::world::not_understood;
use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::file::FOUND;
use crate::kinds::keys::Takes;
use crate::kinds::things::{seconds, vocabulary};
use crate::nearest::nearest;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

const WHEN: &str = "write `When she mails pia.pupil with personal-data`, `When a file in classwork is found being stale`, \
                    `When she publishes to website lacking consent`, `When she signs in being remote`, \
                    `When her device joins lacking encrypted` or `When she writes extremism in search`";

/// A thing in a scenario's words.
pub(super) struct Described {
    kind: ControlKind,
    pub(super) who: Option<Box<Member>>,
    /// Whose file or address it is.
    pub(super) owner: Option<PersonId>,
    others: BTreeSet<PersonId>,
    pub(super) device: Option<DeviceClass>,
    marks: Vec<(Aspect, String)>,
    lacking: Vec<String>,
    amounts: Vec<(Amount, u64)>,
    pub(super) password: Option<String>,
    pub(super) weaknesses: BTreeSet<Weakness>,
    /// The day on which the password in use was set.
    pub(super) set_on: Option<Date>,
}

impl Described {
    fn new(kind: ControlKind) -> Self {
        Self {
            kind,
            who: None,
            owner: None,
            others: BTreeSet::new(),
            device: None,
            marks: Vec::new(),
            lacking: Vec::new(),
            amounts: vec![(Amount::Times, 1)],
            password: None,
            weaknesses: BTreeSet::new(),
            set_on: None,
        }
    }

    pub(super) fn thing<'d>(&'d self, given: &'d Given<'_>) -> Thing<'d> {
        let mut thing = Thing::new(self.kind, self.who.as_deref());
        thing.place = given.place.as_deref();
        thing.device_class = self.device.as_ref().or(given.device.as_ref());
        thing.others.clone_from(&self.others);
        for (aspect, mark) in &self.marks {
            thing.mark(*aspect, mark);
        }
        self.lacking.iter().for_each(|what| thing.lacks(what));
        self.amounts.iter().for_each(|(amount, count)| thing.measure(*amount, *count));
        thing
    }
}

/// Verbs with a direct object, by kind.
const VERBS: [(&str, ControlKind); 8] = [
    (" mails ", ControlKind::Mail),
    (" contacts ", ControlKind::Mail),
    (" publishes to ", ControlKind::Publish),
    (" publishes in ", ControlKind::Publish),
    (" writes ", ControlKind::Search),
    (" reads ", ControlKind::Search),
    (" tries ", ControlKind::Search),
    (" visits ", ControlKind::Search),
];

pub(super) fn is_about_one(text: &str) -> bool {
    kind_of(text).is_some()
}

fn kind_of(text: &str) -> Option<ControlKind> {
    if text.contains('#') || text.contains(" opens http") {
        return None;
    }
    if find_file(text).is_some() {
        return Some(ControlKind::File);
    }
    if device_verb(text).is_some() {
        return Some(ControlKind::Device);
    }
    let head = format!("{} ", text.split('"').next().unwrap_or(text));
    if let Some((_, kind)) = VERBS.iter().find(|(verb, _)| head.contains(verb)) {
        return Some(*kind);
    }
    account_verb(text).map(|_| ControlKind::Account)
}

/// Where the name of a file begins: "a file of tess.teacher in classwork".
fn find_file(text: &str) -> Option<usize> {
    [" a file ", " the file "].iter().find_map(|name| format!(" {text} ").find(name))
}

/// "her device joins": where the device is named, and the word of what happens.
fn device_verb(text: &str) -> Option<(usize, &'static str, usize)> {
    let padded = format!(" {text} ");
    let at = [" device ", " a device ", " device of "].iter().find_map(|name| padded.find(name))?;
    let rest = text.get(at..)?;
    verb(ControlKind::Device, rest).map(|(word, end)| (at, word, at + end))
}

fn account_verb(text: &str) -> Option<(usize, &'static str, usize)> {
    let head = text.split('"').next().unwrap_or(text);
    let padded = format!("{head} ");
    let words = does(ControlKind::Account);
    let found = words.iter().filter_map(|(word, phrase)| {
        let phrase = if *word == "forward" { "forwards" } else { phrase };
        let at = padded.find(&format!(" {phrase} "))?;
        Some((at, *word, at + 1 + phrase.len()))
    });
    found.min_by_key(|(at, ..)| *at)
}

fn verb(kind: ControlKind, text: &str) -> Option<(&'static str, usize)> {
    let padded = format!("{text} ");
    let found = does(kind).iter().filter_map(|(word, phrase)| {
        let at = padded.find(&format!(" {phrase} "))?;
        Some((at, *word, at + 1 + phrase.len()))
    });
    found.min_by_key(|(at, ..)| *at).map(|(_, word, end)| (word, end))
}

/// What somebody can do with a thing of this kind: its word, and how a sentence says it.
fn does(kind: ControlKind) -> &'static [(&'static str, &'static str)] {
    let known = vocabulary(kind);
    let key = known.and_then(|known| known.marks.iter().find(|(aspect, _)| *aspect == Aspect::Does));
    match key.map(|(_, key)| key.takes) {
        Some(Takes::AnyOf(words)) => words,
        _ => &[],
    }
}

/// Reads a sentence; `None` after a finding.
pub(super) fn read(when: &Word, given: &Given<'_>, findings: &mut Findings) -> Option<Described> {
    let before = findings.len();
    let kind = kind_of(&when.text)?;
    let found = format!("{} ", when.text).contains(" is found ").then(|| when.text.replacen(" is found", "", 1));
    let found = found.filter(|_| kind == ControlKind::File);
    let when = &found.map_or_else(|| when.clone(), |text| Word { text, span: when.span });
    let (head, tails) = cut(when, kind);
    let mut reader = Reader { described: Described::new(kind), given, findings };
    match kind {
        ControlKind::Mail => reader.mail(&head),
        ControlKind::File => reader.file(&head),
        ControlKind::Publish => reader.publish(&head),
        ControlKind::Account => reader.account(&head),
        ControlKind::Device => reader.device(&head),
        _ => reader.search(&head),
    }
    for (mark, tail) in &tails {
        reader.tail(mark, tail);
    }
    let described = reader.described;
    (before == findings.len()).then_some(described)
}

/// What may follow the first part of a sentence.
const TAILS: [&str; 15] = [
    "with the password of",
    "with",
    "being",
    "attached",
    "showing",
    "lacking",
    "for the",
    "after",
    "older than",
    "unopened for",
    "unseen for",
    "idle for",
    "for",
    "of",
    "on",
];

/// The first part of a sentence, and the parts behind it by the word that begins each.
fn cut(when: &Word, kind: ControlKind) -> (Word, Vec<(&'static str, Word)>) {
    let text = when.text.as_str();
    let mut cuts: Vec<(usize, &'static str)> = Vec::new();
    let is_quoted = |at: usize| text.get(..at).is_some_and(|before| before.matches('"').count() % 2 == 1);
    for (at, _) in text.match_indices(' ') {
        let rest = text.get(at + 1..).unwrap_or("");
        let mark = TAILS.iter().find(|mark| {
            rest.strip_prefix(**mark).is_some_and(|more| more.starts_with(' '))
                && is_tail(mark, text.get(..at).unwrap_or(""), rest, kind)
        });
        let inside = cuts.last().is_some_and(|(last, mark)| at < last + mark.len());
        if let Some(mark) = mark.filter(|_| !inside && !is_quoted(at)) {
            cuts.push((at + 1, mark));
        }
    }
    let head_end = cuts.first().map_or(text.len(), |(at, _)| *at);
    let head = piece(when, text.get(..head_end).unwrap_or(""));
    let ends = cuts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    let tails = cuts.iter().zip(ends);
    let tails = tails.map(|((at, mark), end)| (*mark, piece(when, text.get(at + mark.len()..end).unwrap_or(""))));
    (head, tails.collect())
}

/// "of" counts only before a number, "for" only before a length; "on" only where it names a class of devices.
fn is_tail(mark: &str, before: &str, rest: &str, kind: ControlKind) -> bool {
    let next = rest.get(mark.len()..).unwrap_or("").trim_start();
    let is_number = next.starts_with(|c: char| c.is_ascii_digit());
    match mark {
        "of" | "after" => is_number,
        // "is idle" is what somebody does.
        "idle for" => !before.ends_with("is"),
        "for" => is_number && kind != ControlKind::Mail,
        _ => true,
    }
}

struct Reader<'r, 'a> {
    described: Described,
    given: &'r Given<'a>,
    findings: &'r mut Findings,
}

impl Reader<'_, '_> {
    fn not_understood(&mut self, word: &Word) {
        self.findings.push(not_understood(word, WHEN));
    }

    fn who(&mut self, word: &Word) {
        self.described.who = self.somebody(word);
    }

    /// A person of the sentence: "she" is the one of the `Given`.
    fn somebody(&mut self, word: &Word) -> Option<Box<Member>> {
        let text = word.text.trim().trim_end_matches("'s").trim();
        let lower = text.to_lowercase();
        if matches!(lower.as_str(), "outside" | "private" | "somebody" | "somebody outside" | "a stranger" | "a") {
            return None;
        }
        let persona = match lower.as_str() {
            "she" | "he" | "they" | "her" | "his" | "their" | "" => self.given.who.clone(),
            _ => self.given.persona(&piece(word, text), self.findings),
        };
        match persona {
            Persona::Somebody(member) => Some(member),
            Persona::Nobody | Persona::Unsaid => None,
        }
    }

    fn mark(&mut self, aspect: Aspect, mark: &str) {
        self.described.marks.push((aspect, mark.to_owned()));
    }

    fn groups(&mut self, aspect: Aspect, groups: &[Group]) {
        for group in groups {
            self.mark(aspect, group.as_str());
        }
    }

    fn mail(&mut self, head: &Word) {
        let (verb, _) = VERBS[..2].iter().find(|(verb, _)| head.text.contains(verb)).copied().unwrap_or(VERBS[0]);
        let (from, to) = head.text.split_once(verb).unwrap_or(("", &head.text));
        let (to, by) = to.rsplit_once(" by ").unwrap_or((to, "mail"));
        let (to, is_private) = match to.strip_suffix(" from private") {
            Some(to) => (to, true),
            None => (to, false),
        };
        let (from, is_private) = match from.trim().strip_suffix(" from private") {
            Some(from) => (from, true),
            None => (from, is_private),
        };
        let by = piece(head, by);
        if !self.given.world.compiled.school.channels.contains_key(by.text.as_str()) {
            let channels = &self.given.world.compiled.school.channels;
            self.unknown(&by, "channel", channels.keys().map(|name| &**name));
        }
        self.mark(Aspect::By, &by.text);
        let from = piece(head, from);
        let sender = self.somebody(&from);
        match &sender {
            Some(member) => self.groups(Aspect::From, &member.groups.clone()),
            None => self.mark(Aspect::From, "outside"),
        }
        if is_private {
            self.mark(Aspect::From, "private");
        }
        for to in to.split(" and ") {
            self.recipient(&piece(head, to));
        }
        // Mail from outside is its recipient's.
        self.described.who = sender.or_else(|| self.described.who.take());
    }

    fn recipient(&mut self, word: &Word) {
        let text = word.text.trim();
        let (text, is_private) = match text.strip_prefix("the private address of ") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        match text {
            "outside" | "somebody outside" => return self.mark(Aspect::To, "outside"),
            "private" => return self.mark(Aspect::To, "private"),
            _ => {}
        }
        let Some(member) = self.somebody(&piece(word, text)) else { return };
        self.groups(Aspect::To, &member.groups);
        if is_private {
            self.mark(Aspect::To, "private");
        }
        self.described.others.insert(member.person.clone());
        self.described.owner.get_or_insert_with(|| member.person.clone());
        if self.described.who.is_none() {
            self.described.who = Some(member);
        }
    }

    fn file(&mut self, head: &Word) {
        let at = find_file(&head.text).unwrap_or(0);
        let (who, name) = head.text.split_at(at.min(head.text.len()));
        let name = name.trim_start().trim_start_matches("a file").trim_start_matches("the file").trim();
        let (owner, rest) = name.split_once("in ").unwrap_or((name, ""));
        if let Some(owner) = owner.trim().strip_prefix("of ") {
            let owner = self.somebody(&piece(head, owner));
            self.described.owner = owner.map(|member| member.person.clone());
        }
        let store = piece(head, rest.trim());
        let stores = &self.given.world.compiled.school.stores;
        if !stores.contains_key(store.text.as_str()) {
            return self.unknown(&store, "store", stores.keys().map(|name| &**name));
        }
        self.mark(Aspect::In, &store.text);
        if who.trim().is_empty() {
            // Nobody acts: it is about whoever owns it.
            self.described.who = self.owner_as_member();
            self.mark(Aspect::Does, FOUND);
            return;
        }
        let Some((word, _)) = verb(ControlKind::File, who) else { return self.not_understood(head) };
        let subject = does(ControlKind::File).iter().find(|(name, _)| *name == word).map_or("", |(_, phrase)| phrase);
        let who = who.split(&format!(" {subject}")).next().unwrap_or("");
        self.who(&piece(head, who));
        self.mark(Aspect::Does, word);
        let is_owner = self.described.owner.is_some()
            && self.described.who.as_ref().map(|member| &member.person) == self.described.owner.as_ref();
        self.mark(Aspect::By, if is_owner { "owner" } else { "other" });
    }

    fn owner_as_member(&mut self) -> Option<Box<Member>> {
        let owner = self.described.owner.clone()?;
        let person = self.given.world.people.get(&owner)?;
        Some(Box::new(self.given.world.member(&owner, person, self.given.now)))
    }

    fn publish(&mut self, head: &Word) {
        let split = head.text.split_once(" publishes to ").or_else(|| head.text.split_once(" publishes in "));
        let (who, channel) = split.unwrap_or(("", &head.text));
        self.who(&piece(head, who));
        let channel = piece(head, channel);
        let channels = &self.given.world.compiled.school.channels;
        if !channels.contains_key(channel.text.as_str()) {
            return self.unknown(&channel, "channel", channels.keys().map(|name| &**name));
        }
        self.mark(Aspect::To, &channel.text);
    }

    fn account(&mut self, head: &Word) {
        let Some((at, word, end)) = account_verb(&head.text) else { return self.not_understood(head) };
        self.who(&piece(head, head.text.get(..at).unwrap_or("")));
        self.mark(Aspect::Does, word);
        let rest = head.text.get(end..).unwrap_or("").trim();
        if let Some(password) = rest.strip_prefix('"') {
            self.described.password = Some(password.trim_end_matches('"').to_owned());
            return;
        }
        if word == "forward" || rest.is_empty() {
            return;
        }
        let system = piece(head, rest.strip_prefix("to ").unwrap_or(rest));
        let systems = &self.given.world.compiled.school.systems;
        if !systems.contains_key(system.text.as_str()) {
            return self.unknown(&system, "system", systems.keys().map(|name| &**name));
        }
        self.mark(Aspect::System, &system.text);
    }

    fn device(&mut self, head: &Word) {
        let Some((at, word, end)) = device_verb(&head.text) else { return self.not_understood(head) };
        let text = head.text.as_str();
        let name = text.get(at..end).unwrap_or("");
        let who = match name.split_once(" of ") {
            Some((_, holder)) => {
                let phrase = does(ControlKind::Device).iter().find(|(name, _)| *name == word).map_or("", |(_, p)| p);
                holder.trim_end_matches(phrase).trim()
            }
            None => text.get(..at).unwrap_or("").trim_end_matches(" device").trim(),
        };
        self.who(&piece(head, who));
        self.mark(Aspect::Does, word);
    }

    fn search(&mut self, head: &Word) {
        let found = VERBS[4..].iter().find_map(|(verb, _)| Some((*verb, head.text.split_once(verb)?)));
        let Some((verb, (who, what))) = found else { return self.not_understood(head) };
        self.who(&piece(head, who));
        let school = &self.given.world.compiled.school;
        let what = piece(head, what);
        match verb {
            " tries " | " visits " => {
                let aspect = if verb == " tries " { Aspect::Blocked } else { Aspect::Visited };
                let name = what.text.as_str();
                let is_known = school.categories.contains_key(name) || school.classes.contains_key(name);
                if !is_known {
                    let names = school.categories.keys().chain(school.classes.keys());
                    return self.unknown(&what, "category", names.map(|name| &**name));
                }
                for category in school.categories_of(name) {
                    self.mark(aspect, &category);
                }
            }
            _ => {
                let (topic, place) = what.text.split_once(" in ").unwrap_or((&what.text, "search"));
                self.words(Aspect::Contains, &piece(head, topic));
                self.words(Aspect::In, &piece(head, place));
            }
        }
    }

    fn tail(&mut self, mark: &str, tail: &Word) {
        match mark {
            "with the password of" => self.described.set_on = dated(&tail.text).0,
            "with" => self.words(Aspect::Contains, tail),
            "being" if self.described.password.is_some() => self.weaknesses(tail),
            "being" => self.words(Aspect::Is, tail),
            "attached" => self.words(Aspect::Attached, tail),
            "showing" => self.words(Aspect::Shows, tail),
            "lacking" => self.lacking(tail),
            "for the" => self.count(tail, Amount::Times),
            "of" if tail.text.ends_with("recipients") => self.count(tail, Amount::Recipients),
            "of" => self.count(tail, Amount::Megabytes),
            "after" => self.length(tail, Amount::Seconds, 1),
            "idle for" => self.length(tail, Amount::IdleSeconds, 1),
            "for" => self.length(tail, Amount::IdleSeconds, 1),
            "older than" => self.length(tail, Amount::AgeDays, 24 * 60 * 60),
            "unopened for" => self.length(tail, Amount::UnopenedDays, 24 * 60 * 60),
            "unseen for" => self.length(tail, Amount::UnseenDays, 24 * 60 * 60),
            _ => self.on(tail),
        }
    }

    fn on(&mut self, tail: &Word) {
        let classes = &self.given.world.compiled.school.device_classes;
        let name = bare(&tail.text);
        let found = classes.iter().find(|(class, title)| class.as_str() == name || &***title == name);
        match found {
            Some((class, _)) => self.described.device = Some(class.clone()),
            None => self.unknown(tail, "class of devices", classes.keys().map(DeviceClass::as_str)),
        }
    }

    fn words(&mut self, aspect: Aspect, tail: &Word) {
        let known = vocabulary(self.described.kind);
        let key = known.and_then(|known| known.marks.iter().find(|(of, _)| *of == aspect).map(|(_, key)| key));
        let Some(key) = key else { return self.not_understood(tail) };
        let school = &self.given.world.compiled.school;
        let names: Vec<&str> = match key.takes {
            Takes::AnyOf(words) => words.iter().map(|(word, _)| *word).collect(),
            Takes::Content => school.content.keys().map(|name| &**name).collect(),
            _ => Vec::new(),
        };
        for word in pieces(tail) {
            if names.contains(&word.text.as_str()) {
                self.mark(aspect, &word.text);
            } else {
                self.unknown(&word, key.name, names.iter().copied());
            }
        }
    }

    fn lacking(&mut self, tail: &Word) {
        let needs = vocabulary(self.described.kind).and_then(|known| known.needs).map(|key| key.takes);
        let names: Vec<&str> = match needs {
            Some(Takes::AnyOf(words)) => words.iter().map(|(word, _)| *word).collect(),
            _ => Vec::new(),
        };
        for word in pieces(tail) {
            if names.contains(&word.text.as_str()) {
                self.described.lacking.push(word.text);
            } else {
                self.unknown(&word, "needs", names.iter().copied());
            }
        }
    }

    fn weaknesses(&mut self, tail: &Word) {
        for word in pieces(tail) {
            match Weakness::ALL.iter().find(|(name, _)| *name == word.text) {
                Some((_, weakness)) => {
                    self.described.weaknesses.insert(*weakness);
                }
                None => self.unknown(&word, "weakness", Weakness::ALL.iter().map(|(name, _)| *name)),
            }
        }
    }

    fn count(&mut self, tail: &Word, amount: Amount) {
        let digits: String = tail.text.chars().take_while(char::is_ascii_digit).collect();
        match digits.parse() {
            Ok(count) => self.described.amounts.push((amount, count)),
            Err(_) => self.not_understood(tail),
        }
    }

    fn length(&mut self, tail: &Word, amount: Amount, unit: u64) {
        let length = crate::syntax::reader::within(tail, self.findings);
        let amounts = length.map(|length| (amount, seconds(&length.value).div_ceil(unit)));
        self.described.amounts.extend(amounts);
    }

    fn unknown<'n>(&mut self, word: &Word, what: &str, names: impl IntoIterator<Item = &'n str>) {
        let near = nearest(&word.text, names);
        let message = format!("`{}` is not known here ({what})", word.text);
        let mut finding = Diagnostic::new(Code::ScenarioWorld, word.span, message);
        finding.help = near.map(|near| format!("did you mean `{near}`?"));
        self.findings.push(finding);
    }
}
