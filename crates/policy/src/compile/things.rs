//! Rules about things: their words looked up in the school.

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{ControlId, ControlKind, Role};
use schoolgate_decide::snapshot::Target;
use schoolgate_decide::things::{Action, Aspect, Condition, Delay, Hearing, Listener, PasswordRule, ThingRule};

use super::{Compiler, Home};
use crate::diagnostic::Code;
use crate::kinds::account::PasswordSyntax;
use crate::kinds::file::FOUND;
use crate::kinds::keys::Takes;
use crate::kinds::things::{MarkSyntax, ThingSyntax, vocabulary};
use crate::school;
use crate::syntax::Word;

/// Marks of parties that are no group.
pub(crate) const OUTSIDE: [&str; 2] = ["outside", "private"];
/// Words for listeners that are no office.
const PERSONS: [(&str, Listener); 4] = [
    ("them", Listener::Themself),
    ("owner", Listener::Owner),
    ("manager", Listener::Manager),
    ("class-teacher", Listener::ClassTeacher),
];

impl Compiler<'_, '_> {
    pub(super) fn thing(&mut self, thing: &ThingSyntax, control: ControlId, home: Home<'_>) {
        let scope = self.scope(&thing.scope);
        if let (Some(password), Some(scope)) = (&thing.password, &scope) {
            let rule = self.password(password, control.clone(), scope.clone());
            self.compiled.program.passwords.push(rule);
            self.compiled.password_spans.push(password.span);
        }
        let Some(action) = thing.action.as_ref().map(|action| action.value) else { return };
        let conditions = self.conditions(thing, control.kind);
        let rule = ThingRule {
            conditions,
            action,
            hearing: self.hearing(thing),
            release: self.roles(&thing.release),
            copy: self.roles(&thing.copy),
            tag: thing.tag.as_ref().map(|tag| tag.text.as_str().into()),
            delay: self.delay(thing).filter(|_| action == Action::Delay),
            says: thing.says.as_ref().map(|says| says.text.as_str().into()),
            over: thing.over.iter().flat_map(|word| self.controls_of(word, control.kind, home)).collect(),
            window: thing.after.as_ref().map(|after| after.value.within.clone()),
            scope: scope.clone().unwrap_or_default(),
            control,
        };
        if scope.is_some() {
            self.compiled.program.things.push(rule);
            self.compiled.thing_spans.push(thing.span);
        }
    }

    fn password(
        &mut self,
        password: &PasswordSyntax,
        control: ControlId,
        scope: schoolgate_decide::Scope,
    ) -> PasswordRule {
        PasswordRule {
            control,
            scope,
            length: password.length,
            with: password.with.iter().copied().collect(),
            refuse: password.refuse.iter().copied().collect(),
            change: self.length(password.change.as_ref()),
            not_in: password.not_in.as_ref().and_then(|word| self.period(std::slice::from_ref(word))),
        }
    }

    fn conditions(&mut self, thing: &ThingSyntax, kind: ControlKind) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for mark in &thing.marks {
            let marks = self.marks(mark, kind);
            conditions.push(Condition::Any { aspect: mark.aspect, marks });
        }
        let names_channel = thing.marks.iter().any(|mark| mark.key == "by");
        if kind == ControlKind::Mail && !names_channel {
            let aspect = Aspect::By;
            conditions.push(Condition::Any { aspect, marks: ["mail".into()].into() });
        }
        let names_act = thing.marks.iter().any(|mark| mark.key == "does");
        if kind == ControlKind::File && !names_act {
            let aspect = Aspect::Does;
            conditions.push(Condition::Any { aspect, marks: [FOUND.into()].into() });
        }
        if !thing.needs.is_empty() {
            conditions.push(Condition::Lacking(texts(&thing.needs)));
        }
        let after = thing.after.as_ref().map(|after| (after.value.amount, after.value.count));
        let amounts = thing.amounts.iter().copied().chain(after);
        conditions.extend(amounts.map(|(amount, count)| Condition::AtLeast { amount, count }));
        conditions
    }

    /// The marks behind a key; an unknown name is reported and fits nothing.
    fn marks(&mut self, mark: &MarkSyntax, kind: ControlKind) -> BTreeSet<Box<str>> {
        let known = vocabulary(kind).and_then(|words| words.marks.iter().find(|(_, key)| key.name == mark.key));
        let Some((_, key)) = known else { return BTreeSet::new() };
        let parsed = self.parsed;
        let school = &parsed.school;
        let mut found = BTreeSet::new();
        for word in &mark.words {
            let name = word.text.as_str();
            let is_known = match key.takes {
                Takes::Parties => OUTSIDE.contains(&name) || self.group(word).is_some(),
                Takes::Content => self.known(Code::UnknownContent, "content", word, &school.content),
                Takes::Stores => self.known(Code::UnknownStore, "store", word, &school.stores),
                Takes::Systems => self.known(Code::UnknownSystem, "system", word, &school.systems),
                Takes::Channels => self.known(Code::UnknownChannel, "channel", word, &school.channels),
                Takes::Categories => match self.category(word) {
                    Some(Target::Class(class)) => {
                        found.extend(school.categories_of(&class));
                        false
                    }
                    other => other.is_some(),
                },
                _ => true,
            };
            if is_known {
                found.insert(name.into());
            }
        }
        found
    }

    fn known<T>(&mut self, code: Code, what: &str, word: &Word, names: &BTreeMap<Box<str>, T>) -> bool {
        let is_known = names.contains_key(word.text.as_str());
        if !is_known {
            school::unknown(code, what, word, names.keys().map(|name| &**name), self.findings);
        }
        is_known
    }

    fn hearing(&mut self, thing: &ThingSyntax) -> Hearing {
        let mut to = Vec::new();
        for word in &thing.tell {
            let person = PERSONS.iter().find(|(name, _)| *name == word.text).map(|(_, listener)| listener.clone());
            to.extend(person.or_else(|| self.role(word).map(Listener::Office)));
        }
        let about: Vec<(Role, Vec<Role>)> =
            thing.about.iter().filter_map(|(role, instead)| Some((self.role(role)?, self.roles(instead)))).collect();
        Hearing { to, about: about.into_iter().collect(), within: self.length(thing.within.as_ref()) }
    }

    fn delay(&mut self, thing: &ThingSyntax) -> Option<Delay> {
        if let Some(until) = &thing.until {
            return self.period(std::slice::from_ref(until)).map(Delay::Until);
        }
        self.length(thing.delay.as_ref()).map(Delay::For)
    }
}

fn texts(words: &[Word]) -> BTreeSet<Box<str>> {
    words.iter().map(|word| word.text.as_str().into()).collect()
}
