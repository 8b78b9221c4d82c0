//! Scenarios about what a door decides.

use jiff::Timestamp;
use schoolgate_base::Host;
use schoolgate_decide::{Decision, Facts, Inspect, Reason, Seen, Snapshot, Trace, Verdict, Who, decide};

use super::Scenario;
use super::given::{Given, Persona, dated};
use super::read::{piece, pieces};
use super::world::not_understood;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::explain::{Explanation, conditions_in_words, explain};
use crate::syntax::Word;
use crate::syntax::reader::Findings;

/// Place, expected and actual of each expectation that does not hold.
pub(super) type Failures = Vec<(Span, String, String)>;

const WHEN: &str = "write `When she opens https://bet.example/` or `When she searches for \"…\" on search.example`";
const THEN: &str = "write `Then blocked by #clause`, `Then allowed by default`, `Then the help page` or the like";

/// Runs a scenario; `None` when a sentence is not understood.
pub(super) fn run(scenario: &Scenario, given: &Given<'_>, findings: &mut Findings) -> Option<Failures> {
    let before = findings.len();
    let when = scenario.when.first()?;
    let (who, address_text) = subject(when, findings)?;
    let Some((host, path)) = address(&address_text) else {
        findings.push(
            Diagnostic::new(Code::ScenarioWorld, when.span, format!("`{address_text}` is not an address")).help(WHEN),
        );
        return None;
    };
    let persona = match who.text.to_lowercase().as_str() {
        "she" | "he" | "they" | "it" | "" | "somebody" => given.who.clone(),
        _ => given.persona(&who, findings),
    };
    let expectations: Vec<(Word, Expect)> = scenario
        .then
        .iter()
        .flat_map(pieces)
        .filter_map(|piece| Some((piece.clone(), expect(&piece, findings)?)))
        .collect();
    if before != findings.len() {
        return None;
    }
    let member = match &persona {
        Persona::Somebody(member) => Some(&**member),
        Persona::Nobody | Persona::Unsaid => None,
    };
    let snapshot = given.world.snapshot(member, given.now);
    let facts = Facts {
        host: &host,
        url: Seen::Seen(&path),
        who: member.map_or(Who::Nobody, Who::Known),
        place: given.place.as_deref(),
        device_class: given.device.as_ref(),
    };
    let decision = decide(&snapshot, &facts, given.now).into_decision();
    let explanation = || explain(&snapshot, Some(&given.world.compiled.school), &facts, given.now);
    let failed = expectations.into_iter().filter(|(_, expect)| !expect.holds(&decision, &snapshot));
    Some(failed.map(|(word, _)| (word.span, word.text, actual(&decision, &explanation()))).collect())
}

/// Who does it, and the address it is about.
fn subject(when: &Word, findings: &mut Findings) -> Option<(Word, String)> {
    if let Some((who, address)) = when.text.split_once("opens ").or_else(|| when.text.split_once("open ")) {
        return Some((piece(when, who), address.trim().to_owned()));
    }
    let searched = when.text.split_once("searches for ").or_else(|| when.text.split_once("search for "));
    if let Some((who, rest)) = searched {
        let (query, engine) = rest.rsplit_once(" on ").unwrap_or((rest, "search.example"));
        let query: String = query.trim().trim_matches(['"', '“', '”']).split_whitespace().collect::<Vec<_>>().join("+");
        return Some((piece(when, who), format!("https://{}/search?q={query}", engine.trim())));
    }
    findings.push(not_understood(when, WHEN));
    None
}

/// Host and path of an address as people write it; the path is `/` where there is none.
pub fn address(text: &str) -> Option<(Host, String)> {
    let text = text.trim();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let bare = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && !host.ends_with(':') => {
            host
        }
        _ => authority,
    };
    let host = Host::parse(bare).ok()?;
    let path = path.split('#').next().unwrap_or("");
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some((host, path))
}

/// One expectation.
#[derive(Debug)]
enum Expect {
    Verdict { verdict: Verdict, by: By, until: Option<String> },
    AlwaysOpen,
    Locked,
    Inspect(Inspect),
    SafeSearch,
    NoTrace,
}

#[derive(Debug)]
enum By {
    Any,
    Default,
    Clause(String),
}

fn expect(piece: &Word, findings: &mut Findings) -> Option<Expect> {
    let text = piece.text.to_lowercase();
    let text = text.strip_prefix("it is ").or_else(|| text.strip_prefix("she gets ")).unwrap_or(&text);
    match text {
        "always open" => return Some(Expect::AlwaysOpen),
        "locked" => return Some(Expect::Locked),
        "looked into" => return Some(Expect::Inspect(Inspect::Wanted)),
        "never looked into" | "not looked into" => return Some(Expect::Inspect(Inspect::Never)),
        "safe search" | "with safe search" => return Some(Expect::SafeSearch),
        "no trace" | "without a trace" => return Some(Expect::NoTrace),
        _ => {}
    }
    let verdicts = [
        ("allowed", Verdict::Allow),
        ("open", Verdict::Allow),
        ("warned", Verdict::Warn),
        ("blocked", Verdict::Block),
        ("the help page", Verdict::Help),
        ("help", Verdict::Help),
        ("the agreement", Verdict::Gate),
    ];
    let found = verdicts.iter().find_map(|(word, verdict)| Some((*verdict, text.strip_prefix(word)?)));
    let Some((verdict, rest)) = found else {
        findings.push(not_understood(piece, THEN));
        return None;
    };
    let (by_text, until) = match rest.split_once("until ") {
        Some((by, until)) => (by, Some(until.trim().to_owned())),
        None => (rest, None),
    };
    let by = match by_text.trim() {
        "" => By::Any,
        "by default" => By::Default,
        by => match by.strip_prefix("by ").and_then(|by| by.trim().split_once('#')) {
            Some((policy, clause)) => By::Clause(format!("{policy}#{clause}")),
            None => {
                findings.push(not_understood(piece, THEN));
                return None;
            }
        },
    };
    Some(Expect::Verdict { verdict, by, until })
}

impl Expect {
    fn holds(&self, decision: &Decision, snapshot: &Snapshot) -> bool {
        match self {
            Self::Verdict { verdict, by, until } => {
                decision.verdict == *verdict
                    && by.holds(&decision.reason)
                    && until.as_ref().is_none_or(|until| is_until(until, decision.valid_until, snapshot))
            }
            Self::AlwaysOpen => matches!(decision.reason, Reason::AlwaysOpen { .. } | Reason::HelpList),
            Self::Locked => matches!(decision.reason, Reason::Locked { .. }),
            Self::Inspect(inspect) => decision.conditions.inspect == *inspect,
            Self::SafeSearch => decision.conditions.safe_search,
            Self::NoTrace => decision.trace == Trace::CountOnly,
        }
    }
}

impl By {
    fn holds(&self, reason: &Reason) -> bool {
        match self {
            Self::Any => true,
            Self::Default => matches!(reason, Reason::Default),
            Self::Clause(clause) => match reason {
                Reason::Rule { control, .. } | Reason::Grant { control, .. } => {
                    let full = control.clause.to_string();
                    full == *clause || full.ends_with(clause.as_str()) && clause.starts_with('#')
                }
                _ => false,
            },
        }
    }
}

fn is_until(text: &str, at: Option<Timestamp>, snapshot: &Snapshot) -> bool {
    let Some(at) = at else { return false };
    let local = snapshot.program.calendar.local(at);
    let (date, time) = dated(text);
    let same_minute = |time: jiff::civil::Time| (time.hour(), time.minute()) == (local.hour(), local.minute());
    date.is_none_or(|date| date == local.date()) && time.is_none_or(same_minute) && (date.is_some() || time.is_some())
}

fn actual(decision: &Decision, explanation: &Explanation) -> String {
    let mut text = explanation.sentence.clone();
    if let Some(clause) = &explanation.clause {
        text.push_str(&format!(" ({})", clause.id));
    }
    let conditions = conditions_in_words(&decision.conditions);
    if !conditions.is_empty() {
        text.push_str(&format!(" With {conditions}."));
    }
    if let Some(until) = &explanation.valid_until {
        text.push_str(&format!(" Until {until}."));
    }
    text
}
