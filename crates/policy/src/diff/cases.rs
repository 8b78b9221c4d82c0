//! Requests and reports: who decides, who hears, by when, for how long, and what an approval does.

use schoolgate_base::Within;
use schoolgate_cases::{Audience, Definition, Effect, How, ReportDefinition, RequestDefinition};

use super::sheets::{Sheet, facts};
use super::{About, Consequence, Editions};
use crate::check::Built;
use crate::show::{join, within};

impl Editions<'_> {
    pub(super) fn cases(&self, found: &mut Vec<Consequence>) {
        let requests = |built: &Built| -> Vec<Sheet> {
            let definitions = built.compiled.definitions.iter();
            definitions
                .filter_map(|definition| match definition {
                    Definition::Request(request) => Some(self.request(request)),
                    Definition::Report(_) => None,
                })
                .collect()
        };
        let reports = |built: &Built| -> Vec<Sheet> {
            let definitions = built.compiled.definitions.iter();
            definitions
                .filter_map(|definition| match definition {
                    Definition::Report(report) => Some(self.report(report)),
                    Definition::Request(_) => None,
                })
                .collect()
        };
        self.sheets(About::Requests, requests(self.before), requests(self.after), found);
        self.sheets(About::Reports, reports(self.before), reports(self.after), found);
    }

    fn request(&self, request: &RequestDefinition) -> Sheet {
        let decide = &request.decide;
        let mut deciders = match decide.how {
            How::Any => self.roles(&decide.roles, "or"),
            How::All => self.roles(&decide.roles, "and"),
            How::InOrder => format!("{}, in this order", self.roles(&decide.roles, "then")),
        };
        if decide.count > 1 {
            deciders.push_str(&format!(", {} of them together", decide.count));
        }
        let effects: Vec<String> = request.effects.iter().map(|effect| self.effect(effect)).collect();
        Sheet {
            control: request.control.clone(),
            kind: request.kind.clone(),
            title: request.title.to_string(),
            groups: request.ask.clone(),
            offices: Vec::new(),
            also: decide.roles.iter().chain(&request.stand_in).cloned().collect(),
            facts: facts([
                ("who may ask", self.groups(&request.ask)),
                ("who decides", deciders),
                ("who stands in", self.roles(&request.stand_in, "or")),
                ("the form asks for", labels(&request.form)),
                ("an approval lasts at most", length(request.longest.as_ref())),
                ("an approval", join(&effects, "and")),
                ("answered", deadline(request.answer_within.as_ref())),
                ("kept", length(request.keep.as_ref())),
            ]),
        }
    }

    fn effect(&self, effect: &Effect) -> String {
        let whom = |audience: &Audience| match audience {
            Audience::Class => "the class".to_owned(),
            Audience::Asker => "whoever asks".to_owned(),
            Audience::Person => "the person named".to_owned(),
            Audience::Group(group) => self.groups(std::slice::from_ref(group)),
        };
        match effect {
            Effect::OpenSite { audience } => format!("opens the site for {}", whom(audience)),
            Effect::Join { group, audience } => {
                format!("puts {} into {}", whom(audience), self.groups(std::slice::from_ref(group)))
            }
            Effect::Lift { clause, audience, only_towards } => {
                let towards = if *only_towards { ", only towards the person named" } else { "" };
                format!("lifts {clause} for {}{towards}", whom(audience))
            }
            Effect::Task { duty, audience } => format!("begins {duty} for {}", whom(audience)),
            Effect::Open { store, of } => format!("opens the {} of {}", store.as_str(), whom(of)),
        }
    }

    fn report(&self, report: &ReportDefinition) -> Sheet {
        let about: Vec<String> = report
            .about
            .iter()
            .map(|(role, instead)| {
                format!("about {}: {}", self.roles(std::slice::from_ref(role), "and"), self.roles(instead, "and"))
            })
            .collect();
        let label = |flag: &str| {
            let field = report.form.iter().find(|field| &*field.name == flag);
            field.map_or_else(|| flag.to_owned(), |field| field.label.to_string())
        };
        let also: Vec<String> = report
            .also
            .iter()
            .map(|(flag, roles)| format!("with \u{201c}{}\u{201d}: {}", label(flag.as_str()), self.roles(roles, "and")))
            .collect();
        let outside: Vec<String> = report
            .outside
            .iter()
            .map(|(flag, way)| format!("with \u{201c}{}\u{201d}: {way}", label(flag.as_str())))
            .collect();
        let late = report.escalate.as_ref();
        Sheet {
            control: report.control.clone(),
            kind: report.kind.clone(),
            title: report.title.to_string(),
            groups: report.ask.clone(),
            offices: Vec::new(),
            also: report.to.clone(),
            facts: facts([
                ("who may report", self.groups(&report.ask)),
                ("who hears", self.roles(&report.to, "and")),
                ("who hears instead", about.join("; ")),
                ("who hears as well", also.join("; ")),
                ("the way out of the school", outside.join("; ")),
                ("looked at", deadline(report.within.as_ref())),
                ("who hears when nobody reads it", late.map(|late| self.roles(&late.to, "and")).unwrap_or_default()),
                ("unread for", late.map(|late| late.after.to_string()).unwrap_or_default()),
                ("closed only after", texts(&report.steps)),
                ("ends with", texts(&report.outcomes)),
                ("takes files", if report.takes_files { "yes" } else { "no" }.to_owned()),
                ("the form asks for", labels(&report.form)),
                ("kept", length(report.keep.as_ref())),
            ]),
        }
    }
}

fn texts(words: &[Box<str>]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn labels(form: &[schoolgate_cases::Field]) -> String {
    let labels: Vec<String> = form
        .iter()
        .map(|field| format!("\u{201c}{}\u{201d}{}", field.label, if field.required { "" } else { " (as you like)" }))
        .collect();
    labels.join(", ")
}

pub(super) fn length(length: Option<&Within>) -> String {
    length.map(ToString::to_string).unwrap_or_default()
}

pub(super) fn deadline(time: Option<&Within>) -> String {
    time.map(within).unwrap_or_default()
}
