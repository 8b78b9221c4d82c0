//! Cases and agreements: from what is written to what the case engine runs.

use schoolgate_base::{ClauseId, ControlId, ControlKind, Group, Role};
use schoolgate_cases::{
    Agreement, Audience, ClauseText, Decide, Definition, DutyDefinition, Effect, Escalate, Falls, Flag, Occasion,
    Party, RegisterDefinition, RegisterDue, ReportDefinition, RequestDefinition,
};

use super::{Compiler, Home, Reminder};
use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::Body;
use crate::kinds::duty::{DutySyntax, FallsSyntax};
use crate::kinds::effect::{Does, EffectSyntax};
use crate::kinds::form::words_of;
use crate::kinds::register::{DueSyntax, RegisterSyntax, THEM};
use crate::kinds::remind::RemindSyntax;
use crate::kinds::report::{EscalateSyntax, ReportSyntax};
use crate::kinds::request::RequestSyntax;
use crate::kinds::sign::SignSyntax;
use crate::nearest::nearest;
use crate::school;
use crate::show::plain_text;
use crate::syntax::{Clause, Document, Word};

impl Compiler<'_, '_> {
    pub(super) fn request(&mut self, request: &RequestSyntax, control: ControlId, home: Home<'_>) {
        let effects = request.effects.iter().filter_map(|effect| self.effect(effect, home)).collect();
        let definition = RequestDefinition {
            control,
            version: version(home.document),
            kind: request.kind.text.as_str().into(),
            title: title(request.title.as_ref(), &request.kind),
            clause: clause_text(home.clause),
            ask: self.groups(&request.ask),
            decide: Decide {
                how: request.decide.how,
                roles: self.roles(&request.decide.roles),
                count: request.decide.count,
            },
            stand_in: self.roles(&request.decide.stand_in),
            form: request.form.clone(),
            longest: self.length(request.longest.as_ref()),
            effects,
            answer_within: self.length(request.answer_within.as_ref()),
            keep: self.length(request.keep.as_ref()),
        };
        self.compiled.definitions.push(Definition::Request(definition));
        self.compiled.definition_spans.push(request.decide.span);
    }

    fn effect(&mut self, effect: &EffectSyntax, home: Home<'_>) -> Option<Effect> {
        let audience = self.effect_audience(&effect.audience)?;
        let what = match &effect.does {
            Does::OpenSite => return Some(Effect::OpenSite { audience }),
            Does::Join(_) => "put into the group",
            Does::Lift { .. } => "freed of the rules of that clause",
            Does::Task(_) => "told of the duty that begins",
            Does::Open { .. } => "let in",
        };
        self.findings.push(
            Diagnostic::new(
                Code::EffectNotKept,
                effect.span,
                "what is approved here is carried out by hand in this release",
            )
            .why(format!("the approval is asked for, decided and kept; people are not {what} by itself"))
            .help("do it by hand until a later release does it, and undo it when its time is over"),
        );
        match &effect.does {
            Does::OpenSite => None,
            Does::Join(word) => Some(Effect::Join { group: self.group(word)?, audience }),
            Does::Lift { clause, only_towards } => {
                let lifted = self.lifted(clause, home)?;
                Some(Effect::Lift { clause: lifted, audience, only_towards: *only_towards })
            }
            Does::Task(word) => Some(Effect::Task { duty: self.task(word, home)?, audience }),
            Does::Open { store, of } => Some(Effect::Open { store: *store, of: self.effect_audience(of)? }),
        }
    }

    fn effect_audience(&mut self, word: &Word) -> Option<Audience> {
        match word.text.as_str() {
            "class" => Some(Audience::Class),
            "asker" => Some(Audience::Asker),
            "person" => Some(Audience::Person),
            _ => self.group(word).map(Audience::Group),
        }
    }

    /// The clause whose rules an approval lifts.
    fn lifted(&mut self, word: &Word, home: Home<'_>) -> Option<ClauseId> {
        let (id, clause) = self.clause_of(word, home)?;
        if !clause.controls.iter().any(|control| is_rule(control.kind)) {
            self.findings.push(
                Diagnostic::new(Code::UnknownClause, word.span, format!("`{}` has no rule to lift", word.text))
                    .help("name the clause whose rule stands in the way"),
            );
            return None;
        }
        Some(id)
    }

    /// The duty that an approval begins: one that hangs upon this request.
    fn task(&mut self, word: &Word, home: Home<'_>) -> Option<ClauseId> {
        let (id, clause) = self.clause_of(word, home)?;
        let own = &home.clause.id.text;
        let full = format!("{}#{own}", home.document.front.policy.text);
        let hangs_on_this = clause.controls.iter().any(|control| match &control.body {
            Body::Duty(DutySyntax { falls: Some(FallsSyntax::Upon { what, .. }), .. }) => {
                what.text == full || what.text.strip_prefix('#').is_some_and(|name| name == own)
            }
            _ => false,
        });
        if !hangs_on_this {
            self.findings.push(
                Diagnostic::new(
                    Code::DutyNeverDue,
                    word.span,
                    format!("`{}` has no duty that begins with this request", word.text),
                )
                .help(format!("write `upon = \"#{own}\"` and `within` in the duty")),
            );
            return None;
        }
        Some(id)
    }

    pub(super) fn report(&mut self, report: &ReportSyntax, control: ControlId, home: Home<'_>) {
        let about: Vec<(Role, Vec<Role>)> =
            report.about.iter().filter_map(|(role, instead)| Some((self.role(role)?, self.roles(instead)))).collect();
        let definition = ReportDefinition {
            control,
            version: version(home.document),
            kind: report.kind.text.as_str().into(),
            title: title(report.title.as_ref(), &report.kind),
            clause: clause_text(home.clause),
            ask: self.groups(&report.ask),
            to: self.roles(&report.to),
            about: about.into_iter().collect(),
            also: report.also.iter().map(|(flag, roles)| (Flag::new(&flag.text), self.roles(roles))).collect(),
            outside: report
                .outside
                .iter()
                .map(|(flag, way)| (Flag::new(&flag.text), way.text.as_str().into()))
                .collect(),
            within: self.length(report.within.as_ref()),
            escalate: report.escalate.as_ref().and_then(|escalate| self.escalate(escalate)),
            steps: texts(&report.steps),
            outcomes: texts(&report.outcomes),
            takes_files: report.takes_files,
            keep: self.length(report.keep.as_ref()),
            form: report.form.clone(),
        };
        self.compiled.definitions.push(Definition::Report(definition));
        self.compiled.definition_spans.push(report.span);
    }

    fn escalate(&mut self, escalate: &EscalateSyntax) -> Option<Escalate> {
        let after = self.length(Some(&escalate.after))?;
        let to = self.roles(&escalate.to);
        self.findings.push(
            Diagnostic::new(
                Code::EffectNotKept,
                escalate.span,
                "in this release a report that nobody has taken on does not go on by itself",
            )
            .help("look at the reports that wait, until a later release does it"),
        );
        Some(Escalate { after, to })
    }

    pub(super) fn register(&mut self, register: &RegisterSyntax, control: ControlId, home: Home<'_>) {
        let (add_roles, add_groups) = self.adders(&register.add);
        let mut keeps = self.roles(&register.keeps);
        if register.keeps.is_empty() {
            keeps.clone_from(&add_roles);
        }
        let is_lost = !register.keeps.is_empty();
        if keeps.is_empty() && !is_lost {
            self.findings.push(
                Diagnostic::new(Code::NamesNobody, register.span, "nobody keeps this list")
                    .why("somebody has to see to it that it is right, and to answer for it")
                    .help("add `keeps = [\"it-technician\"]`"),
            );
        }
        let due = register.due.as_ref().and_then(|due| match due {
            DueSyntax::Field(word) => Some(RegisterDue::Field(word.text.as_str().into())),
            DueSyntax::After(length) => self.length(Some(length)).map(RegisterDue::After),
        });
        let (see_roles, see_groups) = self.readers(&register.see);
        let definition = RegisterDefinition {
            control,
            version: version(home.document),
            kind: register.kind.text.as_str().into(),
            title: title(register.title.as_ref(), &register.kind),
            clause: clause_text(home.clause),
            fields: register.fields.clone(),
            add_roles,
            add_groups,
            keeps,
            see: see_roles,
            see_groups,
            due,
            warn: self.length(register.warn.as_ref()),
            tell: self.parties(&register.tell),
            once: register.once.as_ref().map(|word| word.text.as_str().into()),
            keep: self.length(register.keep.as_ref()),
        };
        self.compiled.registers.push(definition);
        self.compiled.register_spans.push(register.span);
    }

    /// Offices and audiences; a word may be both.
    fn adders(&mut self, words: &[Word]) -> (Vec<Role>, Vec<Group>) {
        let school = &self.parsed.school;
        let (mut roles, mut groups) = (Vec::new(), Vec::new());
        for word in words {
            let (role, group) = (Role::new(&word.text), Group::new(&word.text));
            let (is_role, is_group) = (school.roles.contains_key(&role), school.groups.contains_key(&group));
            if !is_role && !is_group {
                let names = school.roles.keys().map(Role::as_str).chain(school.groups.keys().map(Group::as_str));
                school::unknown(Code::UnknownRole, "role or group", word, names, self.findings);
            }
            roles.extend(Some(role).filter(|_| is_role));
            groups.extend(Some(group).filter(|_| is_group));
        }
        (roles, groups)
    }

    /// Who sees entries: `them`, and offices and audiences.
    fn readers(&mut self, words: &[Word]) -> (Vec<Party>, Vec<Group>) {
        let (them, others): (Vec<Word>, Vec<Word>) = words.iter().cloned().partition(|word| word.text == THEM);
        let (roles, groups) = self.adders(&others);
        let parties = roles.into_iter().map(Party::Role).chain(them.first().map(|_| Party::Them));
        (parties.collect(), groups)
    }

    fn parties(&mut self, words: &[Word]) -> Vec<Party> {
        let party = |word: &Word| match word.text.as_str() {
            THEM => Some(Party::Them),
            _ => self.role(word).map(Party::Role),
        };
        words.iter().filter_map(party).collect()
    }

    pub(super) fn duty(&mut self, duty: &DutySyntax, control: ControlId, home: Home<'_>) {
        let falls = duty.falls.as_ref().and_then(|falls| self.falls(falls, home));
        let (who, each) = (self.roles(&duty.who), self.groups(&duty.each));
        let tell = self.parties(&duty.tell);
        let (warn, keep) = (self.length(duty.warn.as_ref()), self.length(duty.keep.as_ref()));
        let erases = duty.erases.as_ref().and_then(|word| self.register_kind(word));
        let Some(falls) = falls else { return };
        self.compiled.duties.push(DutyDefinition {
            control,
            version: version(home.document),
            kind: duty.kind.text.as_str().into(),
            title: title(duty.title.as_ref(), &duty.kind),
            clause: clause_text(home.clause),
            who,
            each,
            falls,
            done: duty.done.as_ref().map(|word| word.text.as_str().into()),
            warn,
            tell,
            keep,
            erases,
        });
        self.compiled.duty_spans.push(duty.span);
    }

    fn falls(&mut self, falls: &FallsSyntax, home: Home<'_>) -> Option<Falls> {
        match falls {
            FallsSyntax::Every(every) => Some(Falls::Every(every.value)),
            FallsSyntax::By(day) => Some(Falls::By(day.value)),
            FallsSyntax::Before { event, within } => {
                let within = self.length(within.as_ref());
                Some(Falls::Before { event: self.event(event)?, within })
            }
            FallsSyntax::Upon { what, within } => {
                let within = self.length(Some(within))?;
                let occasion = match what.text.contains('#') {
                    true => Occasion::Clause(self.occasion(what, home)?),
                    false => Occasion::Event(self.event(what)?),
                };
                Some(Falls::Upon { occasion, within })
            }
        }
    }

    fn event(&mut self, word: &Word) -> Option<Box<str>> {
        let events = &self.parsed.school.events;
        if events.contains_key(word.text.as_str()) {
            return Some(word.text.as_str().into());
        }
        let names = events.keys().map(|name| &**name);
        if events.is_empty() {
            self.findings.push(
                Diagnostic::new(Code::UnknownEvent, word.span, format!("there is no event `{}`", word.text))
                    .help(format!("add it to `[events]` of school.toml: `{} = \"…\"`", word.text)),
            );
        } else {
            school::unknown(Code::UnknownEvent, "event", word, names, self.findings);
        }
        None
    }

    /// A clause of which something can happen: it has a request or a report.
    fn occasion(&mut self, word: &Word, home: Home<'_>) -> Option<ClauseId> {
        let (id, clause) = self.clause_of(word, home)?;
        let happens = |kind: ControlKind| matches!(kind, ControlKind::Request | ControlKind::Report);
        if !clause.controls.iter().any(|control| happens(control.kind)) {
            self.findings.push(
                Diagnostic::new(
                    Code::DutyNeverDue,
                    word.span,
                    format!("nothing of `{}` ever happens, so this duty is never due", word.text),
                )
                .why("the clause has no request and no report")
                .help("name a clause that has one, or an event of school.toml"),
            );
            return None;
        }
        Some(id)
    }

    fn register_kind(&mut self, word: &Word) -> Option<Box<str>> {
        if self.register_kinds.contains(word.text.as_str()) {
            return Some(word.text.as_str().into());
        }
        let kinds = &self.register_kinds;
        let help = match nearest(&word.text, kinds.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name the `kind` of a register of this pack".to_owned(),
        };
        self.findings.push(
            Diagnostic::new(Code::UnknownWord, word.span, format!("there is no register `{}`", word.text)).help(help),
        );
        None
    }

    pub(super) fn sign(&mut self, sign: &SignSyntax, control: ControlId, document: &Document, audience: &[Group]) {
        let who = if sign.who.is_empty() { audience.to_vec() } else { self.groups(&sign.who) };
        if who.is_empty() && sign.who.is_empty() && document.front.audience.is_empty() {
            self.findings.push(
                Diagnostic::new(Code::SignWithoutAudience, sign.span, "nobody is asked to agree")
                    .help("add `audience = [\"staff\"]` to the head of the policy, or `who` here"),
            );
        }
        let within = self.length(sign.within.as_ref());
        let with = sign.with.as_ref().and_then(|word| self.group(word));
        let receipt = sign.receipt.as_ref().and_then(|word| self.role(word));
        self.compiled.agreements.push(Agreement {
            policy: control.clause.policy.clone(),
            control,
            version: version(document),
            title: document.front.title.text.as_str().into(),
            who,
            is_gate: sign.is_gate,
            within,
            again: sign.again.value.clone(),
            form: sign.form,
            with,
            receipt,
        });
        self.compiled.agreement_spans.push(sign.span);
    }

    pub(super) fn remind(&mut self, remind: &RemindSyntax, control: ControlId, home: Home<'_>) {
        let audience = self.groups(&remind.audience);
        let Some(at) = &remind.at else { return };
        let text = remind.text.as_ref().map_or_else(|| plain_text(&home.clause.text), |word| word.text.clone());
        self.compiled.reminders.push(Reminder { control, at: at.value, audience, text: text.into() });
    }
}

fn is_rule(kind: ControlKind) -> bool {
    match kind {
        ControlKind::Web
        | ControlKind::Search
        | ControlKind::Mail
        | ControlKind::File
        | ControlKind::Publish
        | ControlKind::Account
        | ControlKind::Device => true,
        ControlKind::Request
        | ControlKind::Report
        | ControlKind::Register
        | ControlKind::Duty
        | ControlKind::Sign
        | ControlKind::Remind => false,
    }
}

fn version(document: &Document) -> Box<str> {
    document.front.version.text.as_str().into()
}

fn texts(words: &[Word]) -> Vec<Box<str>> {
    words.iter().map(|word| word.text.as_str().into()).collect()
}

fn clause_text(clause: &Clause) -> ClauseText {
    let number = (!clause.number.is_empty()).then(|| clause.number.as_str().into());
    ClauseText { number, text: plain_text(&clause.text).into() }
}

fn title(title: Option<&Word>, kind: &Word) -> Box<str> {
    title.map_or_else(|| words_of(&kind.text), |title| title.text.as_str().into())
}
