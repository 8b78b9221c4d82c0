//! Registers, duties, agreements and what approvals do, in plain words.

use schoolgate_base::{Group, Role};
use schoolgate_cases::{Again, AgreeForm};

use super::{Words, join, join_words, within};
use crate::kinds::duty::{DutySyntax, FallsSyntax};
use crate::kinds::effect::{Does, EffectSyntax};
use crate::kinds::register::{DueSyntax, RegisterSyntax, THEM};
use crate::kinds::remind::{Moment, RemindSyntax};
use crate::kinds::report::ReportSyntax;
use crate::kinds::sign::SignSyntax;
use crate::syntax::Word;

impl Words<'_> {
    pub(super) fn effect(&self, effect: &EffectSyntax) -> String {
        let whom = match effect.audience.text.as_str() {
            "class" => "the class".to_owned(),
            "asker" => "whoever asks".to_owned(),
            "person" => "the person named".to_owned(),
            group => self.compiled.school.group_title(&Group::new(group)),
        };
        match &effect.does {
            Does::OpenSite => format!("opens the site for {whom}"),
            Does::Join(group) => {
                format!("puts {whom} into {}", self.compiled.school.group_title(&Group::new(&group.text)))
            }
            Does::Lift { clause, only_towards } => {
                let towards = if *only_towards { ", only towards the person named" } else { "" };
                format!("lifts {} for {whom}{towards}", clause.text)
            }
            Does::Task(duty) => format!("begins {} for {whom}", duty.text),
            Does::Open { store, of } => {
                let whose = if of.text == "asker" { "whoever asks" } else { "the person named" };
                format!("opens the {} of {whose}", store.as_str())
            }
        }
    }

    /// What a report says beside its route.
    pub(super) fn report_ends(&self, report: &ReportSyntax) -> String {
        let mut text = String::new();
        if let Some(escalate) = &report.escalate {
            let roles = self.roles(&escalate.to, "and");
            text.push_str(&format!("; unread for {}: also to {roles}", escalate.after.value));
        }
        if !report.steps.is_empty() {
            text.push_str(&format!("; closed only after: {}", join_words(&report.steps, "and")));
        }
        if !report.outcomes.is_empty() {
            text.push_str(&format!("; ends with {}", join_words(&report.outcomes, "or")));
        }
        if let Some(keep) = &report.keep {
            text.push_str(&format!("; kept {}", keep.value));
        }
        text
    }

    fn parties(&self, words: &[Word], them: &str) -> String {
        let titles: Vec<String> = words
            .iter()
            .map(|word| match word.text.as_str() {
                THEM => them.to_owned(),
                name => match self.compiled.school.roles.get(&Role::new(name)) {
                    Some(entry) => format!("the {}", entry.title),
                    None => self.compiled.school.group_title(&Group::new(name)),
                },
            })
            .collect();
        join(&titles, "and")
    }

    pub(super) fn register(&self, register: &RegisterSyntax) -> String {
        let school = &self.compiled.school;
        let label = |name: &str| {
            let field = register.fields.iter().find(|field| &*field.name == name);
            field.map_or_else(|| name.to_owned(), |field| field.label.to_string())
        };
        let is_role = |word: &&Word| school.roles.contains_key(&Role::new(&word.text));
        let adding: Vec<Word> = register.add.iter().filter(is_role).cloned().collect();
        let keeps = if register.keeps.is_empty() { &adding } else { &register.keeps };
        let fields: Vec<String> =
            register.fields.iter().map(|field| format!("\u{201c}{}\u{201d}", field.label)).collect();
        let mut text = format!("a list of {}, kept by {}", join(&fields, "and"), self.roles(keeps, "and"));
        if !register.add.is_empty() {
            let names: Vec<String> = register
                .add
                .iter()
                .map(|word| match is_role(&word) {
                    true => format!("the {}", school.role_title(&Role::new(&word.text))),
                    false => school.group_title(&Group::new(&word.text)),
                })
                .collect();
            text.push_str(&format!("; entered by {}", join(&names, "and")));
        }
        if !register.see.is_empty() {
            text.push_str(&format!("; seen by {}", self.parties(&register.see, "the person an entry is about")));
        }
        match &register.due {
            Some(DueSyntax::Field(field)) => {
                text.push_str(&format!("; due on the day of \u{201c}{}\u{201d}", label(&field.text)));
            }
            Some(DueSyntax::After(length)) => text.push_str(&format!("; due {} after the entry", length.value)),
            None => {}
        }
        if !register.tell.is_empty() {
            let told = self.parties(&register.tell, "the person an entry is about");
            text.push_str(&format!("; then we tell {told}"));
        }
        if let Some(once) = &register.once {
            text.push_str(&format!("; one open entry for each \u{201c}{}\u{201d}", label(&once.text)));
        }
        if let Some(keep) = &register.keep {
            text.push_str(&format!("; kept {}", keep.value));
        }
        text
    }

    pub(super) fn duty(&self, duty: &DutySyntax) -> String {
        let who = if duty.each.is_empty() {
            self.roles(&duty.who, "or")
        } else {
            format!("each of {}", self.audience(&duty.each))
        };
        let mut text = format!("{who}{}", self.falls(duty.falls.as_ref()));
        if let Some(done) = &duty.done {
            text.push_str(&format!(": {}", done.text));
        }
        if !duty.tell.is_empty() {
            text.push_str(&format!("; when late, we tell {}", self.parties(&duty.tell, "those who have to do it")));
        }
        if let Some(keep) = &duty.keep {
            text.push_str(&format!("; kept {}", keep.value));
        }
        text
    }

    fn falls(&self, falls: Option<&FallsSyntax>) -> String {
        let event = |word: &Word| match self.compiled.school.events.get(word.text.as_str()) {
            Some(title) => title.to_string(),
            None => word.text.clone(),
        };
        match falls {
            None => String::new(),
            Some(FallsSyntax::Every(every)) => format!(", every {}", every.value),
            Some(FallsSyntax::By(day)) => format!(", each year by {}", day.value),
            Some(FallsSyntax::Before { event: word, within: None }) => format!(", before {}", event(word)),
            Some(FallsSyntax::Before { event: word, within: Some(time) }) => {
                format!(", in the {} before {}", time.value, event(word))
            }
            Some(FallsSyntax::Upon { what, within: time }) => {
                format!(", {} of {}", within(&time.value), event(what))
            }
        }
    }

    pub(super) fn sign(&self, sign: &SignSyntax) -> String {
        let who = if sign.who.is_empty() { "everybody it is for".to_owned() } else { self.audience(&sign.who) };
        let mut text = format!("agreed to by {who}");
        text.push_str(match sign.form {
            AgreeForm::Click => "",
            AgreeForm::Paper => " on paper",
            AgreeForm::Items => ", each clause for itself",
            AgreeForm::Quiz => " after a few questions",
        });
        if let Some(with) = &sign.with {
            let title = self.compiled.school.group_title(&Group::new(&with.text));
            text.push_str(&format!(", countersigned by one of the {title}"));
        }
        if sign.is_gate {
            text.push_str(match &sign.within {
                None => "; until then the internet stays closed",
                Some(_) => "; after that time the internet stays closed",
            });
        }
        if let Some(within) = &sign.within {
            text.push_str(&format!(" ({} to do so)", within.value));
        }
        text.push_str(&match &sign.again.value {
            Again::AnyChange => "; again at every change".to_owned(),
            Again::MaterialChange => "; again when its words change".to_owned(),
            Again::Every(time) => format!("; again after {time}, and when its words change"),
            Again::EveryLogIn => "; again at each sign-in".to_owned(),
            Again::Once => "; once for all".to_owned(),
        });
        if let Some(receipt) = &sign.receipt {
            text.push_str(&format!("; filed by {}", self.roles(std::slice::from_ref(receipt), "and")));
        }
        if !sign.is_kept_whole() {
            text.push_str("; for now by a click at each new version, and the rest by hand");
        }
        text
    }

    pub(super) fn remind(&self, remind: &RemindSyntax) -> String {
        let moment = remind.at.as_ref().map_or("", |at| match at.value {
            Moment::SignIn => "after signing in",
            Moment::Warning => "before a warned site opens",
            Moment::Request => "when something is asked for",
            Moment::Report => "when something is reported",
            Moment::Download => "before a download",
            Moment::Upload => "before something is uploaded or published",
            Moment::Mail => "before a message leaves the school",
            Moment::OwnDevice => "when an own device is registered",
            Moment::Trip => "when a trip is planned",
            Moment::Visit => "when a home is to be visited",
            Moment::Loan => "when something is lent",
            Moment::Social => "before something is written on social media",
            Moment::Term => "at the beginning of a term",
            Moment::Year => "at the beginning of a school year",
            Moment::Entry => "when they come in as visitors",
            Moment::Photo => "before a picture is taken",
            Moment::Phone => "when a phone may be used",
        });
        format!("shown to {} {moment}", self.audience(&remind.audience))
    }
}
