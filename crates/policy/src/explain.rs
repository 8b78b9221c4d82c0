//! Why: what a door would decide about a request, and everything that was considered on the way.
//!
//! The decision is made by the same function that doors call; this module only puts it into words.

use jiff::Timestamp;
use schoolgate_base::{Calendar, Capacity, ControlId, Group};
use schoolgate_decide::snapshot::{Target, WebRule};
use schoolgate_decide::{
    Conditions, Considered, Decision, Facts, Inspect, Need, Outcome, Reason, Seen, Snapshot, Trace, Verdict, Who,
    WhyNot, decide_explained,
};
use serde::Serialize;

use crate::school::{School, capacity_words};
use crate::show::join;

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `bet.example/odds`
    pub target: String,
    /// "a teacher", "nobody signed in".
    pub who: String,
    /// "Tuesday 24 November 2026 at 10:10".
    pub when: String,
    pub decision: Decision,
    /// In one sentence.
    pub sentence: String,
    /// The clause that spoke, as printed.
    pub clause: Option<QuotedClause>,
    /// Every rule about the request in the order of the policy, with why it did or did not speak.
    pub considered: Vec<ConsideredRule>,
    /// A fact that was not seen and could change the answer.
    pub missing: Option<Need>,
    /// When the answer may change by itself, in the school's time.
    pub valid_until: Option<String>,
    /// What may be recorded of it, in words.
    pub recorded: String,
}

/// The words of a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotedClause {
    /// `staff-ict#gambling`
    pub id: String,
    pub number: String,
    pub policy_title: String,
    pub text: String,
}

/// A rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsideredRule {
    pub control: ControlId,
    /// "block gambling sites for staff".
    pub rule: String,
    /// `None`: this is the one that spoke.
    pub lost: Option<String>,
}

/// Explains a request. `school` gives names their titles, where it is at hand.
pub fn explain(snapshot: &Snapshot, school: Option<&School>, facts: &Facts<'_>, now: Timestamp) -> Explanation {
    let (outcome, considered) = decide_explained(snapshot, facts, now);
    let missing = match &outcome {
        Outcome::Decided(_) => None,
        Outcome::Needs { need, .. } => Some(*need),
    };
    let decision = outcome.into_decision();
    let calendar = &snapshot.program.calendar;
    let words = Words { snapshot, school };
    let path = match facts.url {
        Seen::Seen(path) if path != "/" => path,
        _ => "",
    };
    Explanation {
        target: format!("{}{path}", facts.host),
        who: words.who(&facts.who),
        when: local(calendar, now),
        sentence: words.sentence(&decision),
        clause: words.clause(&decision.reason),
        considered: considered.iter().filter_map(|considered| words.considered(considered)).collect(),
        missing,
        valid_until: decision.valid_until.map(|at| local(calendar, at)),
        recorded: recorded(decision.trace).to_owned(),
        decision,
    }
}

fn local(calendar: &Calendar, at: Timestamp) -> String {
    calendar.local(at).strftime("%A %-d %B %Y at %H:%M").to_string()
}

fn recorded(trace: Trace) -> &'static str {
    match trace {
        Trace::Full => "the address, with who it was",
        Trace::HostOnly => "the site's name, not the page",
        Trace::HashOnly => "a code that only the list's owner can read",
        Trace::CountOnly => "nothing but one more in the day's count",
    }
}

struct Words<'a> {
    snapshot: &'a Snapshot,
    school: Option<&'a School>,
}

impl Words<'_> {
    fn title(&self, name: &str) -> String {
        self.school.map_or_else(|| name.to_owned(), |school| school.target_title(name))
    }

    fn group(&self, group: &Group) -> String {
        self.school.map_or_else(|| group.to_string(), |school| school.group_title(group))
    }

    fn who(&self, who: &Who<'_>) -> String {
        let member = match who {
            Who::Unseen => return "somebody we do not know yet".to_owned(),
            Who::Nobody => return "nobody signed in".to_owned(),
            Who::Known(member) => member,
        };
        let narrow = member.groups.iter().filter(|group| Capacity::from_word(group.as_str()).is_none());
        let narrow: Vec<String> = narrow.map(|group| self.group(group)).collect();
        let capacity = capacity_words(member.capacity);
        if narrow.is_empty() {
            format!("{} ({capacity})", member.person)
        } else {
            format!("{} ({capacity}; {})", member.person, narrow.join(", "))
        }
    }

    fn sentence(&self, decision: &Decision) -> String {
        let until = |at: Timestamp| local(&self.snapshot.program.calendar, at);
        match &decision.reason {
            Reason::Locked { .. } => "Blocked: it is on a locked list, and nothing lifts those.".to_owned(),
            Reason::AlwaysOpen { why } => format!("Open, always: {why}."),
            Reason::HelpList => "Open, always, and without a trace: it is on the help list.".to_owned(),
            Reason::Urgent { until: at, .. } => {
                format!("Blocked at once by a person of the school, until {}.", until(*at))
            }
            Reason::NotSignedIn => "First the sign-in: we do not know who is asking.".to_owned(),
            Reason::Unsigned { policies } => {
                let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
                format!("First the agreement: {} is not signed yet.", join(&names, "and"))
            }
            Reason::HelpTopic { topic } => format!("First the help page: it is about {topic}."),
            Reason::Grant { until: at, .. } => {
                format!("Open: somebody asked for it and it was approved, until {}.", until(*at))
            }
            Reason::Rule { category, list, .. } => self.ruled(decision.verdict, category.as_deref(), list.as_deref()),
            Reason::Default => match decision.verdict {
                Verdict::Allow => "Open: no rule is about it.".to_owned(),
                verdict => format!("No rule is about it, and then it is {}.", past(verdict)),
            },
        }
    }

    fn ruled(&self, verdict: Verdict, category: Option<&str>, list: Option<&str>) -> String {
        let does = match verdict {
            Verdict::Allow => "Open",
            Verdict::Warn => "Open after a reminder",
            Verdict::Block => "Blocked",
            Verdict::Help => "First the help page",
            Verdict::Gate => "First the agreement",
        };
        match (category, list) {
            (Some(category), Some(list)) => {
                format!("{does}: it belongs to {}, says {list}.", self.title(category))
            }
            (Some(category), None) => format!("{does}: it belongs to {}.", self.title(category)),
            (None, _) => format!("{does}: a rule names it."),
        }
    }

    fn clause(&self, reason: &Reason) -> Option<QuotedClause> {
        let control = match reason {
            Reason::Rule { control, .. } | Reason::Grant { control, .. } => control,
            _ => return None,
        };
        let clause = self.snapshot.program.clauses.get(&control.clause.to_string())?;
        Some(QuotedClause {
            id: clause.id.to_string(),
            number: clause.number.to_string(),
            policy_title: clause.policy_title.to_string(),
            text: clause.text.to_string(),
        })
    }

    fn considered(&self, considered: &Considered) -> Option<ConsideredRule> {
        let rule = self.snapshot.program.rules.get(considered.rule)?;
        let lost = considered.lost.map(|lost| self.lost(lost, rule));
        Some(ConsideredRule { control: rule.control.clone(), rule: self.rule(rule), lost })
    }

    fn rule(&self, rule: &WebRule) -> String {
        let target = match &rule.target {
            Target::Any => "everything".to_owned(),
            Target::Class(name) | Target::Category(name) => self.title(name),
            Target::Domain(name) => name.to_string(),
            Target::Host(host) => host.to_string(),
            Target::Url { host, path } => format!("{host}{path}"),
        };
        let verdict = rule.verdict.map_or("conditions for", Verdict::as_str);
        let groups: Vec<String> = rule.scope.audience.groups.iter().map(|group| self.group(group)).collect();
        let audience = if groups.is_empty() { "everybody".to_owned() } else { join(&groups, "and") };
        let when = rule.scope.when.as_ref().map(|period| format!(" during {period}")).unwrap_or_default();
        let outside = rule.scope.except_when.as_ref().map(|period| format!(" outside {period}")).unwrap_or_default();
        format!("{verdict} {target}, for {audience}{when}{outside}")
    }

    fn lost(&self, lost: WhyNot, rule: &WebRule) -> String {
        match lost {
            WhyNot::OtherAudience => "it is for other people".to_owned(),
            WhyNot::OtherTime => match (&rule.scope.when, &rule.scope.except_when) {
                (Some(when), _) => format!("it is not {when} now"),
                (None, Some(except)) => format!("it is {except} now"),
                (None, None) => "it is for another time".to_owned(),
            },
            WhyNot::OtherPlace => "it is for another place".to_owned(),
            WhyNot::OtherDevice => "it is for another kind of device".to_owned(),
            WhyNot::ConditionsOnly => "it says how, not whether".to_owned(),
            WhyNot::LessSpecificTarget => "another rule is about something narrower".to_owned(),
            WhyNot::LessSpecificAudience => "another rule is for fewer people".to_owned(),
            WhyNot::Overridden => "another clause says that it goes first".to_owned(),
            WhyNot::LessStrict => "another rule, equally narrow, is stricter".to_owned(),
        }
    }
}

fn past(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "open",
        Verdict::Warn => "open after a reminder",
        Verdict::Block => "blocked",
        Verdict::Help => "the help page",
        Verdict::Gate => "the agreement",
    }
}

/// Conditions in words; empty where there are none.
pub fn conditions_in_words(conditions: &Conditions) -> String {
    let mut parts = Vec::new();
    match conditions.inspect {
        Inspect::Never => parts.push("never looked into".to_owned()),
        Inspect::Wanted => parts.push("looked into".to_owned()),
        Inspect::Unset => {}
    }
    if conditions.safe_search {
        parts.push("safe search".to_owned());
    }
    if let Some(rate) = conditions.rate_kbit {
        parts.push(format!("at most {rate} kbit/s"));
    }
    if conditions.host_only_log {
        parts.push("only the site's name is recorded".to_owned());
    }
    join(&parts, "and")
}

impl Explanation {
    /// As a person reads it in a terminal.
    pub fn text(&self) -> String {
        let mut out = format!("{} for {}\n{}\n\n  {}\n", self.target, self.who, self.when, self.sentence);
        if let Some(clause) = &self.clause {
            out.push_str(&format!("\n  {} {} ({})\n", clause.policy_title, clause.number, clause.id));
            out.extend(wrap(&clause.text, 72).map(|line| format!("  | {line}\n")));
        }
        let conditions = conditions_in_words(&self.decision.conditions);
        if !conditions.is_empty() {
            out.push_str(&format!("\n  With this: {conditions}.\n"));
        }
        if let Some(until) = &self.valid_until {
            out.push_str(&format!("\n  Looked at again at the latest on {until}.\n"));
        }
        match self.missing {
            Some(Need::Url) => out.push_str("\n  A door that sees the whole address may decide otherwise.\n"),
            Some(Need::Person) => out.push_str("\n  A door that knows who it is may decide otherwise.\n"),
            None => {}
        }
        out.push_str(&format!("\n  Recorded: {}.\n", self.recorded));
        if !self.considered.is_empty() {
            out.push_str("\n  Considered:\n");
            for rule in &self.considered {
                let lost = rule.lost.as_deref().unwrap_or("this one spoke");
                let mark = if rule.lost.is_none() { '>' } else { ' ' };
                out.push_str(&format!("  {mark} #{}: {}; {lost}\n", rule.control.clause.clause, rule.rule));
            }
        }
        out
    }
}

fn wrap(text: &str, width: usize) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter()
}
