//! Neighbours of a policy: what it would be with one control taken away, or with one word of a control turned to
//! another. Scenarios that let such a neighbour pass do not say what the policy is meant to do.

use schoolgate_base::{ControlKind, PolicyId};

use crate::check::Built;
use crate::compile;
use crate::kinds;
use crate::kinds::keys::{self, Key, Takes};
use crate::parse::Parsed;
use crate::school::School;
use crate::syntax::{Front, Part, Table, Value, ValueKind, Word};

/// One neighbour.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutant {
    document: usize,
    clause: usize,
    control: usize,
    /// `None`: the control is gone.
    table: Option<Table>,
    /// `staff-ict#gambling/web`
    pub id: String,
    pub policy: PolicyId,
    /// Without `#`.
    pub clause_id: String,
    pub kind: ControlKind,
    /// What is other: `for: staff → pupil`, or `gone`.
    pub what: String,
}

/// All neighbours of a pack, in the order of its text.
pub fn mutants(built: &Built) -> Vec<Mutant> {
    let mut found = Vec::new();
    for (document, tree) in built.parsed.documents.iter().enumerate() {
        let Ok(policy) = PolicyId::new(&tree.front.policy.text) else { continue };
        for (clause, node) in tree.clauses.iter().enumerate() {
            for (control, node_control) in node.controls.iter().enumerate() {
                let name = node_control.name.as_ref().map_or_else(String::new, |name| format!("/{}", name.text));
                let id = format!("{policy}#{}/{}{name}", node.id.text, node_control.kind.as_str());
                let mutant = |table: Option<Table>, what: String| Mutant {
                    document,
                    clause,
                    control,
                    table,
                    id: id.clone(),
                    policy: policy.clone(),
                    clause_id: node.id.text.clone(),
                    kind: node_control.kind,
                    what,
                };
                found.push(mutant(None, "gone".to_owned()));
                let turner = Turner { school: &built.compiled.school, parsed: &built.parsed };
                let keys = keys::of(node_control.kind);
                for (table, what) in turner.table(&node_control.table, &keys) {
                    found.push(mutant(Some(table), what));
                }
            }
        }
    }
    found
}

impl Mutant {
    pub fn is_gone(&self) -> bool {
        self.table.is_none()
    }
}

/// A pack in which the head of one document says one thing less.
#[derive(Debug, Clone)]
pub struct HeadMutant {
    pub policy: String,
    /// The key that is gone.
    pub what: &'static str,
    pub built: Built,
}

/// Each thing that a head says, left out.
pub fn heads(built: &Built) -> Vec<HeadMutant> {
    type Clear = fn(&mut Front) -> bool;
    const KEYS: [(&str, Clear); 9] = [
        ("owner", |front| front.owner.take().is_some()),
        ("adopted_by", |front| !std::mem::take(&mut front.adopted_by).is_empty()),
        ("responsible", |front| !std::mem::take(&mut front.responsible).is_empty()),
        ("review", |front| front.review.take().is_some() | front.review_by.take().is_some()),
        ("published", |front| front.published.take().is_some()),
        ("author", |front| front.author.take().is_some()),
        ("related", |front| !std::mem::take(&mut front.related).is_empty()),
        ("history", |front| !std::mem::take(&mut front.history).is_empty()),
        ("consulted", |front| !std::mem::take(&mut front.consulted).is_empty()),
    ];
    let mut found = Vec::new();
    for (at, document) in built.parsed.documents.iter().enumerate() {
        for (what, clear) in KEYS {
            let mut parsed = built.parsed.clone();
            if parsed.documents.get_mut(at).is_some_and(|document| clear(&mut document.front)) {
                found.push(HeadMutant { policy: document.front.policy.text.clone(), what, built: compiled(parsed) });
            }
        }
    }
    found
}

/// The pack without one clause and everything it carries.
pub fn without_clause(built: &Built, policy: &str, clause: &str) -> Option<Built> {
    let mut parsed = built.parsed.clone();
    let document = parsed.documents.iter_mut().find(|document| document.front.policy.text == policy)?;
    let at = document.clauses.iter().position(|found| found.id.text == clause)?;
    document.clauses.remove(at);
    document.parts.retain(|part| *part != Part::Clause(at));
    for part in &mut document.parts {
        if let Part::Clause(place) = part
            && at < *place
        {
            *place -= 1;
        }
    }
    Some(compiled(parsed))
}

fn compiled(parsed: Parsed) -> Built {
    let mut findings = Vec::new();
    let compiled = compile::compile(&parsed, &|_| String::new(), &mut findings);
    Built { parsed, compiled, diagnostics: findings }
}

/// The pack with one thing other. Only what scenarios need is built: it is compiled, not checked.
pub fn turned(built: &Built, mutant: &Mutant) -> Option<Built> {
    let mut parsed = built.parsed.clone();
    let clause = parsed.documents.get_mut(mutant.document)?.clauses.get_mut(mutant.clause)?;
    match &mutant.table {
        None => {
            clause.controls.remove(mutant.control);
        }
        Some(table) => {
            let control = clause.controls.get_mut(mutant.control)?;
            let key = Word { text: control.kind.as_str().to_owned(), span: control.span };
            *control = kinds::read(control.kind, &key, table, &mut Vec::new());
        }
    }
    Some(compiled(parsed))
}

struct Turner<'a> {
    school: &'a School,
    parsed: &'a Parsed,
}

impl Turner<'_> {
    /// Each way in which one word of the table is another.
    fn table(&self, table: &Table, keys: &[Key]) -> Vec<(Table, String)> {
        let mut found = Vec::new();
        for (at, (name, value)) in table.entries.iter().enumerate() {
            let Some(key) = keys.iter().find(|key| key.name == name.text) else { continue };
            for (turned, what) in self.value(value, key.takes) {
                let mut table = table.clone();
                if let Some((_, value)) = table.entries.get_mut(at) {
                    *value = turned;
                }
                found.push((table, format!("{}: {what}", name.text)));
            }
        }
        found
    }

    fn value(&self, value: &Value, takes: Takes) -> Vec<(Value, String)> {
        let with = |kind: ValueKind| Value { span: value.span, kind };
        match (&value.kind, takes) {
            (ValueKind::Text(word), _) => {
                let turned = self.word(&word.text, takes, std::slice::from_ref(&word.text));
                turned
                    .map(|other| {
                        let what = format!("{} → {other}", word.text);
                        (with(ValueKind::Text(Word { text: other, span: word.span })), what)
                    })
                    .into_iter()
                    .collect()
            }
            (ValueKind::Truth(truth), Takes::Truth) => {
                vec![(with(ValueKind::Truth(!truth)), format!("{truth} → {}", !truth))]
            }
            (ValueKind::Integer(number), Takes::Number) => {
                vec![(with(ValueKind::Integer(number + 1)), format!("{number} → {}", number + 1))]
            }
            (ValueKind::List(items), Takes::Tables(keys)) => {
                let tables = items.iter().enumerate().flat_map(|(at, item)| {
                    let inner = match &item.kind {
                        ValueKind::Table(table) => self.table(table, keys),
                        _ => Vec::new(),
                    };
                    inner.into_iter().map(move |(table, what)| (at, table, what))
                });
                tables
                    .map(|(at, table, what)| {
                        let mut items = items.clone();
                        if let Some(item) = items.get_mut(at) {
                            item.kind = ValueKind::Table(table);
                        }
                        (with(ValueKind::List(items)), what)
                    })
                    .collect()
            }
            (ValueKind::List(items), takes) => self.list(value, items, takes),
            (ValueKind::Table(table), Takes::Table(keys) | Takes::Tables(keys)) => {
                self.table(table, keys).into_iter().map(|(table, what)| (with(ValueKind::Table(table)), what)).collect()
            }
            (ValueKind::Table(table), Takes::Map(_, values)) => self
                .map(table, *values)
                .into_iter()
                .map(|(table, what)| (with(ValueKind::Table(table)), what))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn list(&self, value: &Value, items: &[Value], takes: Takes) -> Vec<(Value, String)> {
        let texts: Vec<String> = items
            .iter()
            .filter_map(|item| match &item.kind {
                ValueKind::Text(word) => Some(word.text.clone()),
                _ => None,
            })
            .collect();
        let mut found = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let ValueKind::Text(word) = &item.kind else { continue };
            let Some(other) = self.word(&word.text, takes, &texts) else { continue };
            let what = format!("{} → {other}", word.text);
            let mut items = items.to_vec();
            if let Some(item) = items.get_mut(at) {
                item.kind = ValueKind::Text(Word { text: other, span: word.span });
            }
            found.push((Value { span: value.span, kind: ValueKind::List(items) }, what));
        }
        found
    }

    fn map(&self, table: &Table, values: Takes) -> Vec<(Table, String)> {
        let mut found = Vec::new();
        for (at, (name, value)) in table.entries.iter().enumerate() {
            for (turned, what) in self.value(value, values) {
                let mut table = table.clone();
                if let Some((_, value)) = table.entries.get_mut(at) {
                    *value = turned;
                }
                found.push((table, format!("{}: {what}", name.text)));
            }
        }
        found
    }

    /// The neighbour of a word: another of its sort that is not named already.
    fn word(&self, word: &str, takes: Takes, named: &[String]) -> Option<String> {
        let school = self.school;
        let next = |names: Vec<&str>| neighbour(word, &names, named);
        match takes {
            Takes::Groups | Takes::Parties => self.group(word, named),
            Takes::Roles => next(school.roles.keys().map(|role| role.as_str()).collect()),
            Takes::One(takes) => self.word(word, *takes, named),
            Takes::Listeners | Takes::RolesAndThem | Takes::Readers => {
                let roles = school.roles.keys().map(|role| role.as_str());
                next(roles.chain(["them"]).collect())
            }
            Takes::Periods => next(school.period_names().collect()),
            Takes::Places => next(school.places.iter().map(|place| &*place.name).collect()),
            Takes::DeviceClasses => next(school.device_classes.keys().map(|class| class.as_str()).collect()),
            Takes::Content => next(school.content.keys().map(|name| &**name).collect()),
            Takes::Stores => next(school.stores.keys().map(|name| &**name).collect()),
            Takes::Systems => next(school.systems.keys().map(|name| &**name).collect()),
            Takes::Channels => next(school.channels.keys().map(|name| &**name).collect()),
            Takes::Categories | Takes::Sites => {
                let categories = school.categories.keys().filter(|name| !school.categories_of(word).contains(*name));
                next(categories.map(|name| &**name).collect())
            }
            Takes::Clauses => self.clause(word, named),
            Takes::OneAction(actions) => next(actions.iter().map(|action| action.as_str()).collect()),
            Takes::OneOf(words) | Takes::AnyOf(words) => next(words.iter().map(|(word, _)| *word).collect()),
            Takes::Length | Takes::Every | Takes::Turn | Takes::After => longer(word),
            _ => None,
        }
    }

    /// Another group of the same capacity that neither holds this one nor is held by it, or else another capacity.
    fn group(&self, word: &str, named: &[String]) -> Option<String> {
        let school = self.school;
        let group = schoolgate_base::Group::new(word);
        let is_other = |other: &&schoolgate_base::Group| {
            !named.iter().any(|name| name == other.as_str())
                && !school.is_within(other, &group)
                && !school.is_within(&group, other)
        };
        let same = |other: &&schoolgate_base::Group| school.capacity_of(other) == school.capacity_of(&group);
        let mut others = school.groups.keys().filter(is_other);
        let near = school.groups.keys().filter(is_other).find(same);
        near.or_else(|| others.next()).map(|group| group.as_str().to_owned())
    }

    fn clause(&self, word: &str, named: &[String]) -> Option<String> {
        let ids: Vec<String> = self
            .parsed
            .documents
            .iter()
            .flat_map(|document| document.clauses.iter().map(|clause| format!("#{}", clause.id.text)))
            .collect();
        neighbour(word, &ids.iter().map(String::as_str).collect::<Vec<_>>(), named)
    }
}

/// The name after `word` in `names`, or the first, that is not named already.
fn neighbour(word: &str, names: &[&str], named: &[String]) -> Option<String> {
    let at = names.iter().position(|name| *name == word).unwrap_or(0);
    let (before, after) = names.split_at_checked(at)?;
    let is_free = |name: &&&str| !named.iter().any(|other| other == **name);
    after.iter().chain(before).find(is_free).map(|name| (*name).to_owned())
}

/// "14 days" → "28 days", "same day" → "3 days", "3 times in 1 day" → "4 times in 1 day", "year" → "2 years".
fn longer(word: &str) -> Option<String> {
    if word == "same day" {
        return Some("3 days".to_owned());
    }
    let (head, rest) = match word.strip_prefix("every ") {
        Some(rest) => ("every ", rest),
        None => ("", word),
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = rest.split_at_checked(digits)?;
    if number.is_empty() {
        return (rest != "log-in").then(|| format!("{head}2 {rest}s"));
    }
    let number: u32 = number.parse().ok()?;
    let is_count = unit.starts_with(" times");
    let more = if is_count { number + 1 } else { number * 2 };
    let unit = if number == 1 && !unit.ends_with('s') && !unit.contains(" in ") {
        format!("{unit}s")
    } else {
        unit.to_owned()
    };
    Some(format!("{head}{more}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_of_a_length_is_longer() {
        for (word, other) in [
            ("14 days", "28 days"),
            ("1 year", "2 years"),
            ("every year", "every 2 years"),
            ("3 times in 1 day", "4 times in 1 day"),
            ("5 minutes in lessons", "10 minutes in lessons"),
            ("same day", "3 days"),
        ] {
            assert_eq!(longer(word).as_deref(), Some(other));
        }
    }

    #[test]
    fn a_neighbour_is_another_word_that_is_not_named_already() {
        let named = ["b".to_owned(), "c".to_owned()];
        assert_eq!(neighbour("b", &["a", "b", "c", "d"], &named).as_deref(), Some("d"));
        assert_eq!(neighbour("c", &["b", "c"], &named), None);
    }
}
