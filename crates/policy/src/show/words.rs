//! Controls in plain words.

mod cases;

use schoolgate_base::{Group, Role};
use schoolgate_cases::How;
use schoolgate_decide::snapshot::Target;
use schoolgate_decide::{Conditions, Verdict};

use crate::compile::Compiled;
use crate::explain::conditions_in_words;
use crate::kinds::Body;
use crate::kinds::effect::Does;
use crate::kinds::report::ReportSyntax;
use crate::kinds::request::RequestSyntax;
use crate::kinds::things::ScopeSyntax;
use crate::kinds::web::WebSyntax;
use crate::syntax::{Control, Word};

/// Who keeps a control, and what it does.
pub(super) fn control(control: &Control, kept_by: &[String], compiled: &Compiled) -> (String, String) {
    let words = Words { compiled };
    match &control.body {
        Body::Web(web) => ("the web filter".to_owned(), words.web(web)),
        Body::Thing(thing) => (named(kept_by), words.thing(control.kind, thing)),
        Body::Request(request) => ("a form in the portal".to_owned(), words.request(request)),
        Body::Report(report) => ("a form in the portal".to_owned(), words.report(report)),
        Body::Sign(sign) => ("the agreement".to_owned(), words.sign(sign)),
        Body::Remind(remind) => ("a reminder".to_owned(), words.remind(remind)),
        Body::Register(register) => ("a list in the portal".to_owned(), words.register(register)),
        Body::Duty(duty) => ("a duty".to_owned(), words.duty(duty)),
    }
}

/// The named keepers of a control that no door of ours keeps.
fn named(keepers: &[String]) -> String {
    if keepers.is_empty() { "anybody".to_owned() } else { join(keepers, "and") }
}

/// A keeper as people read it.
pub(super) fn keeper(name: &str, compiled: &Compiled) -> String {
    let keeper = compiled.school.keepers.get(name).map(|entry| entry.title.to_string());
    keeper.unwrap_or_else(|| format!("the {}", compiled.school.role_title(&Role::new(name))))
}

pub(super) struct Words<'a> {
    pub(super) compiled: &'a Compiled,
}

impl Words<'_> {
    fn web(&self, web: &WebSyntax) -> String {
        let targets: Vec<String> = web
            .targets
            .iter()
            .map(|target| match &target.site {
                Some(Target::Any) => "all sites".to_owned(),
                Some(_) => target.word.text.trim_start_matches('=').to_owned(),
                None => self.compiled.school.target_title(&target.word.text),
            })
            .collect();
        let targets = if targets.is_empty() { "all sites".to_owned() } else { join(&targets, "and") };
        let does = match web.verdict.as_ref().map(|verdict| verdict.value) {
            Some(Verdict::Allow) => Some("may be opened by"),
            Some(Verdict::Warn) => Some("open only after a reminder, for"),
            Some(_) => Some("blocked for"),
            None => None,
        };
        let mut text = format!("{} {}", does.unwrap_or("for"), self.audience(&web.scope.audience));
        if !web.scope.except.is_empty() {
            text.push_str(&format!(" (but not for {})", self.audience(&web.scope.except)));
        }
        text.push_str(&self.when(&web.scope));
        if !web.scope.places.is_empty() {
            text.push_str(&format!(", in {}", join_words(&web.scope.places, "or")));
        }
        if !web.scope.devices.is_empty() {
            text.push_str(&format!(", on {}", self.devices(&web.scope.devices)));
        }
        text.push_str(&format!(": {targets}"));
        if web.conditions != Conditions::default() {
            text.push_str(&format!("; {}", conditions_in_words(&web.conditions)));
        }
        text
    }

    pub(super) fn when(&self, scope: &ScopeSyntax) -> String {
        let name = |words: &[Word]| join_words(words, "or").replace('-', " ");
        match (scope.when.is_empty(), scope.outside.is_empty()) {
            (true, true) => " at all times".to_owned(),
            (false, true) => format!(" during {}", name(&scope.when)),
            (true, false) => format!(" outside {}", name(&scope.outside)),
            (false, false) => format!(" during {} but outside {}", name(&scope.when), name(&scope.outside)),
        }
    }

    pub(super) fn audience(&self, words: &[Word]) -> String {
        if words.is_empty() {
            return "everybody".to_owned();
        }
        let titles: Vec<String> =
            words.iter().map(|word| self.compiled.school.group_title(&Group::new(&word.text))).collect();
        join(&titles, "and")
    }

    pub(super) fn devices(&self, words: &[Word]) -> String {
        let classes = &self.compiled.school.device_classes;
        let titles: Vec<String> = words
            .iter()
            .map(|word| {
                let class = schoolgate_base::DeviceClass::new(&word.text);
                classes.get(&class).map_or_else(|| word.text.clone(), |title| title.to_string())
            })
            .collect();
        join(&titles, "and")
    }

    pub(super) fn roles(&self, words: &[Word], with: &str) -> String {
        let titles: Vec<String> = words
            .iter()
            .map(|word| format!("the {}", self.compiled.school.role_title(&Role::new(&word.text))))
            .collect();
        join(&titles, with)
    }

    fn request(&self, request: &RequestSyntax) -> String {
        let decide = &request.decide;
        let who = match decide.how {
            How::Any => self.roles(&decide.roles, "or"),
            How::All => self.roles(&decide.roles, "and"),
            How::InOrder => format!("{}, in this order", self.roles(&decide.roles, "then")),
        };
        let asks = if request.ask.is_empty() { "everybody".to_owned() } else { self.audience(&request.ask) };
        let mut text = format!("{asks} can ask; decided by {who}");
        if !decide.stand_in.is_empty() {
            text.push_str(&format!(", or by {} when they cannot", self.roles(&decide.stand_in, "or")));
        }
        if let Some(answer) = &request.answer_within {
            text.push_str(&format!(", {}", within(&answer.value)));
        }
        if let Some(longest) = &request.longest {
            text.push_str(&format!("; for at most {}", longest.value));
        }
        let effects: Vec<String> = request.effects.iter().map(|effect| self.effect(effect)).collect();
        if request.effects.iter().any(|effect| !matches!(effect.does, Does::OpenSite)) {
            text.push_str(&format!("; an approval {}", join(&effects, "and")));
        }
        if let Some(keep) = &request.keep {
            text.push_str(&format!("; kept {}", keep.value));
        }
        text
    }

    fn report(&self, report: &ReportSyntax) -> String {
        let mut text = format!("goes to {}", self.roles(&report.to, "and"));
        if let Some(time) = &report.within {
            text.push_str(&format!("; looked at {}", self::within(&time.value)));
        }
        for (role, instead) in &report.about {
            let role = self.compiled.school.role_title(&Role::new(&role.text));
            text.push_str(&format!("; about the {role}: to {} instead", self.roles(instead, "and")));
        }
        for (flag, roles) in &report.also {
            text.push_str(&format!(
                "; with \u{201c}{}\u{201d}: also to {}",
                flag_label(report, flag),
                self.roles(roles, "and")
            ));
        }
        for (flag, way) in &report.outside {
            text.push_str(&format!(
                "; with \u{201c}{}\u{201d}: outside the school, {}",
                flag_label(report, flag),
                way.text
            ));
        }
        text.push_str(&self.report_ends(report));
        text
    }
}

/// "within 2 school days", "on the same day".
pub(crate) fn within(time: &impl ToString) -> String {
    match time.to_string().as_str() {
        "same day" => "on the same day".to_owned(),
        time => format!("within {time}"),
    }
}

fn flag_label(report: &ReportSyntax, flag: &Word) -> String {
    let field = report.form.iter().find(|field| *field.name == *flag.text);
    field.map_or_else(|| flag.text.clone(), |field| field.label.to_string())
}

pub(super) fn join_words(words: &[Word], with: &str) -> String {
    join(&words.iter().map(|word| word.text.clone()).collect::<Vec<_>>(), with)
}

/// "a, b and c".
pub(crate) fn join(items: &[String], with: &str) -> String {
    match items.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {with} {last}", rest.join(", ")),
    }
}
