//! Rules about things in plain words: "mail from staff to parents with personal data: held, until the office manager
//! lets it go".

use schoolgate_base::{ControlKind, DeviceClass, Group, Role};
use schoolgate_decide::things::{Action, Amount, Aspect, Condition};

use super::words::{Words, join, within};
use crate::kinds::account::PasswordSyntax;
use crate::kinds::file::FOUND;
use crate::kinds::keys::Takes;
use crate::kinds::things::{MarkSyntax, ThingSyntax, vocabulary};
use crate::syntax::Word;

impl Words<'_> {
    pub(super) fn thing(&self, kind: ControlKind, thing: &ThingSyntax) -> String {
        if let Some(password) = &thing.password {
            return self.password(password, thing);
        }
        let is_try = thing.marks.iter().any(|mark| is_try(mark.aspect));
        let mut text = if is_try { String::new() } else { what(kind).to_owned() };
        for mark in &thing.marks {
            text.push_str(&self.mark(kind, mark));
        }
        if !thing.needs.is_empty() {
            text.push_str(&self.lacking(kind, &thing.needs));
        }
        for (amount, count) in &thing.amounts {
            text.push_str(&measured(*amount, *count));
        }
        if let Some(after) = &thing.after {
            let much = match after.value.amount {
                Amount::Times => format!("{} times", after.value.count),
                _ => format!("{} minutes", after.value.count / 60),
            };
            text.push_str(&format!(", from {much} in {} on", after.value.within));
        }
        text.push_str(&self.scope(thing));
        text.push_str(": ");
        text.push_str(&self.outcome(thing));
        text
    }

    fn scope(&self, thing: &ThingSyntax) -> String {
        let scope = &thing.scope;
        let mut text = String::new();
        if !scope.audience.is_empty() {
            text.push_str(&format!(", for {}", self.audience(&scope.audience)));
        }
        if !scope.except.is_empty() {
            text.push_str(&format!(" (but not for {})", self.audience(&scope.except)));
        }
        if !scope.when.is_empty() || !scope.outside.is_empty() {
            text.push_str(&self.when(scope));
        }
        if !scope.places.is_empty() {
            text.push_str(&format!(", in {}", super::words::join_words(&scope.places, "or")));
        }
        if !scope.devices.is_empty() {
            text.push_str(&format!(", on {}", self.devices(&scope.devices)));
        }
        text
    }

    /// What has to be there; of sign-ins it is things, of all else it is what must be true.
    fn lacking(&self, kind: ControlKind, needs: &[Word]) -> String {
        let needs = self.meanings(kind, "needs", needs);
        match kind {
            ControlKind::Account => format!(" without {}", join(&needs, "or")),
            _ => format!(", unless {}", join(&needs, "and")),
        }
    }

    fn mark(&self, kind: ControlKind, mark: &MarkSyntax) -> String {
        let names = self.meanings(kind, mark.key, &mark.words);
        let names = join(&names, "or");
        match mark.aspect {
            Aspect::Contains if kind == ControlKind::Search => format!(" with {names}"),
            Aspect::In if kind == ControlKind::Search => format!(" ({names})"),
            Aspect::Does if kind == ControlKind::Device => format!(", when one {names}"),
            Aspect::By if kind == ControlKind::File => format!(" ({names})"),
            Aspect::From => format!(" from {names}"),
            Aspect::To => format!(" to {names}"),
            Aspect::By => format!(" by {names}"),
            Aspect::Contains => format!(" with {names}"),
            Aspect::Attached => format!(" with {names} attached"),
            Aspect::Is => format!(" ({names})"),
            Aspect::In => format!(" in {names}"),
            Aspect::Does => format!(", when somebody {names}"),
            Aspect::Shows => format!(" showing {names}"),
            Aspect::System => format!(" in {names}"),
            Aspect::Blocked => format!("tries at {names}"),
            Aspect::Visited => format!("visits to {names}"),
        }
    }

    /// The words behind a key as people read them.
    fn meanings(&self, kind: ControlKind, key: &str, words: &[Word]) -> Vec<String> {
        let known = vocabulary(kind);
        let takes = known.and_then(|known| {
            let marks = known.marks.iter().map(|(_, key)| key);
            marks.chain(&known.needs).find(|other| other.name == key).map(|key| key.takes)
        });
        words.iter().map(|word| self.meaning(takes, &word.text)).collect()
    }

    fn meaning(&self, takes: Option<Takes>, word: &str) -> String {
        let school = &self.compiled.school;
        let title = match takes {
            Some(Takes::Parties) => match word {
                "outside" => Some("people outside".to_owned()),
                "private" => Some("private addresses".to_owned()),
                _ => Some(school.group_title(&Group::new(word))),
            },
            Some(Takes::Content) => school.content.get(word).map(|entry| entry.title.to_string()),
            Some(Takes::Stores) => school.stores.get(word).map(ToString::to_string),
            Some(Takes::Channels) => school.channels.get(word).map(ToString::to_string),
            Some(Takes::Systems) => school.systems.get(word).map(|entry| entry.title.to_string()),
            Some(Takes::Categories) => Some(school.target_title(word)),
            Some(Takes::DeviceClasses) => school.device_classes.get(&DeviceClass::new(word)).map(ToString::to_string),
            Some(Takes::AnyOf(known)) => {
                known.iter().find(|(name, _)| *name == word).map(|(_, meaning)| (*meaning).to_owned())
            }
            _ => None,
        };
        title.unwrap_or_else(|| word.to_owned())
    }

    /// What fits these conditions: "messages to parents with personal data".
    pub(super) fn situation(&self, kind: ControlKind, conditions: &[Condition]) -> String {
        let about = conditions.iter().any(|one| matches!(one, Condition::Any { aspect, .. } if is_try(*aspect)));
        let mut text = if about { String::new() } else { what(kind).to_owned() };
        let known = vocabulary(kind);
        for condition in conditions {
            match condition {
                Condition::Any { aspect, marks } => {
                    let usual = [("mail", Aspect::By), (FOUND, Aspect::Does)];
                    if usual.iter().any(|(mark, of)| of == aspect && marks.len() == 1 && marks.contains(*mark)) {
                        continue;
                    }
                    let key = known.and_then(|known| known.marks.iter().find(|(of, _)| of == aspect));
                    let words = marks.iter().map(|mark| Word::unplaced(mark)).collect();
                    text.extend(
                        key.map(|(_, key)| self.mark(kind, &MarkSyntax { aspect: *aspect, key: key.name, words })),
                    );
                }
                Condition::Lacking(what) => {
                    let words: Vec<Word> = what.iter().map(|what| Word::unplaced(what)).collect();
                    text.push_str(&self.lacking(kind, &words));
                }
                Condition::AtLeast { amount: Amount::Times, count } => {
                    text.push_str(&format!(", from {count} times on"))
                }
                Condition::AtLeast { amount: Amount::Seconds, count } => {
                    text.push_str(&format!(", from {} minutes on", count / 60));
                }
                Condition::AtLeast { amount, count } => text.push_str(&measured(*amount, *count)),
            }
        }
        text
    }

    fn outcome(&self, thing: &ThingSyntax) -> String {
        let Some(action) = thing.action.as_ref().map(|action| action.value) else { return String::new() };
        let mut text = phrase(action).to_owned();
        if !thing.release.is_empty() {
            text.push_str(&format!(", until {} lets it go", self.roles(&thing.release, "or")));
        }
        if let Some(delay) = &thing.delay {
            text.push_str(&format!(" by {}", delay.value));
        }
        if let Some(until) = &thing.until {
            text.push_str(&format!(" until the beginning of {}", until.text.replace('-', " ")));
        }
        if let Some(tag) = &thing.tag {
            text.push_str(&format!(" \u{201c}{}\u{201d}", tag.text));
        }
        if !thing.copy.is_empty() {
            text.push_str(&format!("; a copy goes to {}", self.roles(&thing.copy, "and")));
        }
        if !thing.tell.is_empty() {
            let told: Vec<String> = thing.tell.iter().map(|word| self.listener(&word.text)).collect();
            let verb = if told.len() == 1 { "is" } else { "are" };
            text.push_str(&format!("; {} {verb} told", join(&told, "and")));
            text.extend(thing.within.as_ref().map(|time| format!(" {}", within(&time.value))));
        }
        for (role, instead) in &thing.about {
            let role = self.compiled.school.role_title(&Role::new(&role.text));
            text.push_str(&format!("; about the {role}: {} instead", self.roles(instead, "and")));
        }
        text
    }

    fn listener(&self, word: &str) -> String {
        match word {
            "them" => "the person themself".to_owned(),
            "owner" => "whoever owns it".to_owned(),
            "manager" => "their line manager".to_owned(),
            "class-teacher" => "the class teacher".to_owned(),
            role => format!("the {}", self.compiled.school.role_title(&Role::new(role))),
        }
    }

    fn password(&self, password: &PasswordSyntax, thing: &ThingSyntax) -> String {
        let mut text = format!("passwords{}", self.scope(thing));
        if password.length > 0 {
            text.push_str(&format!(", of at least {} characters", password.length));
        }
        let turned = [!password.with.is_empty(), !password.refuse.is_empty()];
        if turned.contains(&true) {
            text.push_str(", turned down when anybody could guess them");
        }
        if let Some(change) = &password.change {
            text.push_str(&format!("; another one after {}", change.value));
        }
        text.extend(password.not_in.as_ref().map(|period| format!(", but never in {}", period.text)));
        text
    }
}

/// Whether it is sites that somebody opened or tried, rather than something written.
fn is_try(aspect: Aspect) -> bool {
    matches!(aspect, Aspect::Blocked | Aspect::Visited)
}

fn what(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::Mail => "messages",
        ControlKind::File => "files",
        ControlKind::Publish => "what is published",
        ControlKind::Account => "accounts",
        ControlKind::Device => "devices",
        _ => "what is written",
    }
}

fn measured(amount: Amount, count: u64) -> String {
    match amount {
        Amount::Times | Amount::Seconds => String::new(),
        Amount::Recipients => format!(" to {count} or more"),
        Amount::Megabytes => format!(" of {count} MB or more"),
        Amount::AgeDays => format!(" made {count} days ago or earlier"),
        Amount::UnopenedDays => format!(" unopened for {count} days"),
        Amount::UnseenDays => format!(" unseen for {count} days"),
        Amount::IdleSeconds => format!(" untouched for {} minutes", count / 60),
    }
}

/// What is done, as people read it.
pub(crate) fn phrase(action: Action) -> &'static str {
    match action {
        Action::Allow => "allowed",
        Action::Note => "noted in the log",
        Action::Report => "reported",
        Action::Tag => "marked",
        Action::Strip => "let go without it",
        Action::Ask => "the person is asked first",
        Action::Pause => "returned once, for second thoughts",
        Action::Verify => "a second factor first",
        Action::Delay => "delayed",
        Action::Change => "the password has to be changed",
        Action::Hold => "held",
        Action::ReadOnly => "may be read, not changed",
        Action::PortalOnly => "nothing but the portal",
        Action::Lock => "locked",
        Action::Quarantine => "put apart, with a way back",
        Action::Refuse => "refused",
        Action::Close => "the account is closed",
    }
}
