//! The policies themselves: who has to agree and how, what is shown when, words of clauses, and heads.

use schoolgate_base::{ClauseId, ControlId, ControlKind, Group, PolicyId, Role};
use schoolgate_cases::{Again, AgreeForm, Agreement};

use super::cases::deadline;
use super::sheets::{Sheet, facts};
use super::{About, Consequence, Editions};
use crate::check::Built;
use crate::compile::{PolicyHead, Reminder};
use crate::show::{ClauseChange, PartView, changes, show};
use crate::syntax::Document;

impl Editions<'_> {
    pub(super) fn papers(&self, found: &mut Vec<Consequence>) {
        let signs = |built: &Built| built.compiled.agreements.iter().map(|sign| self.agreement(sign)).collect();
        let reminders = |built: &Built| built.compiled.reminders.iter().map(|shown| self.reminder(shown)).collect();
        let heads = |built: &Built| built.compiled.policies.iter().map(|head| self.head(head, built)).collect();
        self.sheets(About::Agreements, signs(self.before), signs(self.after), found);
        self.sheets(About::Reminders, reminders(self.before), reminders(self.after), found);
        let first = found.len();
        self.sheets(About::Policies, heads(self.before), heads(self.after), found);
        // What is said of a policy is said of no clause.
        found.iter_mut().skip(first).for_each(|consequence| consequence.clause = None);
        self.clauses(found);
    }

    fn agreement(&self, sign: &Agreement) -> Sheet {
        let again = match &sign.again {
            Again::AnyChange => "at any change".to_owned(),
            Again::MaterialChange => "when something changes for people".to_owned(),
            Again::Every(time) => format!("after {time}"),
            Again::EveryLogIn => "at every log-in".to_owned(),
            Again::Once => "never again".to_owned(),
        };
        let version = if sign.again == Again::Once { String::new() } else { sign.version.to_string() };
        let form = match sign.form {
            AgreeForm::Click => "by a click",
            AgreeForm::Paper => "on paper",
            AgreeForm::Items => "clause by clause",
            AgreeForm::Quiz => "after some questions",
        };
        let gate = if sign.is_gate { "no internet before" } else { "asked, and no more" };
        Sheet {
            control: sign.control.clone(),
            kind: sign.policy.as_str().into(),
            title: sign.title.to_string(),
            groups: sign.who.clone(),
            offices: Vec::new(),
            also: Vec::new(),
            facts: facts([
                ("who must agree", self.groups(&sign.who)),
                ("how", form.to_owned()),
                ("the version to agree to", version),
                ("again", again),
                ("until agreed", gate.to_owned()),
                ("time to agree", deadline(sign.within.as_ref())),
                (
                    "who agrees with them",
                    sign.with.as_ref().map(|group| self.groups(std::slice::from_ref(group))).unwrap_or_default(),
                ),
                ("filed by", self.roles(sign.receipt.as_slice(), "and")),
            ]),
        }
    }

    fn reminder(&self, shown: &Reminder) -> Sheet {
        Sheet {
            control: shown.control.clone(),
            kind: shown.control.to_string().into(),
            title: format!("a reminder of {}", shown.control.clause),
            groups: shown.audience.clone(),
            offices: Vec::new(),
            also: Vec::new(),
            facts: facts([
                ("shown at", shown.at.as_str().replace('-', " ")),
                ("shown to", self.groups(&shown.audience)),
            ]),
        }
    }

    fn head(&self, head: &PolicyHead, built: &Built) -> Sheet {
        let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let clause = ClauseId { policy: head.id.clone(), clause: "policy".into() };
        let office = |role: &Option<Role>| self.roles(role.as_slice(), "and");
        Sheet {
            control: ControlId { clause, kind: ControlKind::Sign, name: None },
            kind: head.id.as_str().into(),
            title: head.title.to_string(),
            groups: audience(built, &head.id),
            offices: Vec::new(),
            also: Vec::new(),
            facts: facts([
                ("title", head.title.to_string()),
                ("owner", office(&head.owner)),
                ("who else answers for it", self.roles(&head.responsible, "and")),
                ("adopted by", self.roles(&head.adopted_by, "and")),
                ("reviewed by", day(head.review_by)),
            ]),
        }
    }

    fn clauses(&self, found: &mut Vec<Consequence>) {
        for document in &self.after.parsed.documents {
            let earlier = &self.before.parsed.documents;
            let Some(old) = earlier.iter().find(|old| old.front.policy.text == document.front.policy.text) else {
                continue;
            };
            let Some(before) = show(old, &self.before.compiled) else { continue };
            let Some(after) = show(document, &self.after.compiled) else { continue };
            for change in changes(&before, &after).clauses {
                found.extend(self.clause(document, change));
            }
            found.extend(self.keepers(document, &before.parts, &after.parts));
        }
    }

    fn clause(&self, document: &Document, change: ClauseChange) -> Option<Consequence> {
        let (id, number, before, after) = match change {
            ClauseChange::Added { id, number, text } => (id, number, "not there".to_owned(), text),
            ClauseChange::Removed { id, number, text } => (id, number, text, "not there any more".to_owned()),
            ClauseChange::Reworded { id, number, before, after } => (id, number, before, after),
            // What another control does is said where it is done.
            ClauseChange::KeptOtherwise { .. } => return None,
        };
        Some(self.about_clause(document, id, format!("clause {number}").trim_end().to_owned(), (before, after)))
    }

    fn about_clause(
        &self,
        document: &Document,
        id: ClauseId,
        what: String,
        (before, after): (String, String),
    ) -> Consequence {
        let binds = self.after.compiled.binds.get(&id).or_else(|| self.before.compiled.binds.get(&id));
        let who = binds.cloned().unwrap_or_else(|| named(document, self.after));
        Consequence {
            about: About::Clauses,
            people: self.groups(&who),
            who,
            with: Vec::new(),
            except: Vec::new(),
            offices: Vec::new(),
            also: Vec::new(),
            clause: Some(id),
            what,
            before,
            after,
        }
    }

    /// Clauses that somebody else keeps now.
    fn keepers(&self, document: &Document, old: &[PartView], new: &[PartView]) -> Vec<Consequence> {
        let clauses = |parts: &'_ [PartView]| -> Vec<(ClauseId, String)> {
            let clause = |part: &PartView| match part {
                PartView::Clause(clause) => Some((clause.id.clone(), clause.kept_by.join(" and "))),
                PartView::Heading { .. } | PartView::Prose { .. } => None,
            };
            parts.iter().filter_map(clause).collect()
        };
        let old = clauses(old);
        let nobody = |words: &str| if words.is_empty() { "nobody outside".to_owned() } else { words.to_owned() };
        let mut found = Vec::new();
        for (id, now) in clauses(new) {
            let Some((_, was)) = old.iter().find(|(other, was)| *other == id && *was != now) else { continue };
            found.push(self.about_clause(document, id, "kept by".to_owned(), (nobody(was), nobody(&now))));
        }
        found
    }
}

/// Whom a policy concerns.
fn audience(built: &Built, policy: &PolicyId) -> Vec<Group> {
    built.parsed.document(policy).map(|document| named(document, built)).unwrap_or_default()
}

fn named(document: &Document, built: &Built) -> Vec<Group> {
    let groups = document.front.audience.iter().map(|word| Group::new(&word.text));
    groups.filter(|group| built.compiled.school.groups.contains_key(group)).collect()
}
