//! `[[web]]`: allow, warn or block, and conditions, per audience, period, place and class of device.
//!
//! ```toml
//! [[web]]
//! warn    = ["personal"]      # allow, warn or block: categories, classes, sites; or sites = [...] for conditions only
//! for     = "staff"           # groups or capacities; left out: everybody
//! except  = ["it-team"]       # groups it does not bind
//! when    = "working-time"    # a period; `outside = …` for all the time but that
//! at      = "library"         # places
//! on      = "personal-device" # classes of devices
//! over    = "#other-clause"   # goes before the rules of that clause
//! inspect = true              # conditions: inspect, safe_search, rate_kbit, log
//! ```

use schoolgate_base::{ControlKind, Host, HostName};
use schoolgate_decide::snapshot::Target;
use schoolgate_decide::{Conditions, Inspect, Verdict};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::part_not_kept;
use crate::kinds::things::{self, ScopeSyntax};
use crate::syntax::reader::{Findings, Reader};
use crate::syntax::{Spanned, Table, Word};

/// A `web` control as written.
#[derive(Debug, Clone, PartialEq)]
pub struct WebSyntax {
    pub span: Span,
    pub verdict: Option<Spanned<Verdict>>,
    /// Categories, classes and sites, each with its words.
    pub targets: Vec<TargetSyntax>,
    pub scope: ScopeSyntax,
    pub over: Vec<Word>,
    pub conditions: Conditions,
}

/// A target: a name still to be looked up, or a site.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSyntax {
    pub word: Word,
    /// `None`: a category or class.
    pub site: Option<Target>,
}

pub(crate) fn read(table: &Table, span: Span, findings: &mut Findings) -> WebSyntax {
    let mut reader = Reader::control(table, span, ControlKind::Web, findings);
    let (verdict, words) = verdict(&mut reader);
    let conditions = conditions(&mut reader);
    let web = WebSyntax {
        span,
        verdict,
        targets: words.into_iter().filter_map(|word| target(word, reader.findings)).collect(),
        scope: things::scope(&mut reader),
        over: reader.words("over").unwrap_or_default(),
        conditions,
    };
    if web.verdict.is_none() && web.conditions == Conditions::default() {
        reader.findings.push(
            Diagnostic::new(Code::RuleSaysNothing, span, "this rule says neither a verdict nor a condition").help(
                "add `allow`, `warn` or `block` with what it is about, or a condition such as `safe_search = true`",
            ),
        );
    }
    reader.finish();
    web
}

fn verdict(reader: &mut Reader<'_, '_>) -> (Option<Spanned<Verdict>>, Vec<Word>) {
    let mut found: Option<Spanned<Verdict>> = None;
    let mut words = Vec::new();
    for (key, value) in [("allow", Verdict::Allow), ("warn", Verdict::Warn), ("block", Verdict::Block)] {
        let Some(more) = reader.words(key) else { continue };
        let span = reader.key_span(key).unwrap_or(reader.place());
        if let Some(first) = &found {
            let clash = Diagnostic::new(Code::DisagreeingRules, span, "one rule says two things")
                .label(format!("and `{key}` here"))
                .help("write a `[[web]]` control for each verdict")
                .other(first.span, format!("`{}` here", first.value.as_str()));
            reader.findings.push(clash);
            continue;
        }
        found = Some(Spanned { value, span });
        words = more;
    }
    if let Some(more) = reader.words("sites") {
        words.extend(more);
    }
    if words.is_empty() && found.is_some() {
        let place = reader.place();
        reader.findings.push(
            Diagnostic::new(Code::RuleSaysNothing, place, "this rule is about no site")
                .help("name categories, classes or sites, or `\"everything\"`"),
        );
    }
    (found, words)
}

fn conditions(reader: &mut Reader<'_, '_>) -> Conditions {
    let inspect = match reader.truth("inspect") {
        Some(true) => Inspect::Wanted,
        Some(false) => Inspect::Never,
        None => Inspect::Unset,
    };
    let safe_search = reader.truth("safe_search").unwrap_or(false);
    let rate = reader.number("rate_kbit");
    let rate_kbit = rate.and_then(|rate| match u32::try_from(rate) {
        Ok(rate) if rate > 0 => Some(rate),
        _ => {
            let span = reader.key_span("rate_kbit").unwrap_or(reader.place());
            reader.wrong_type("rate_kbit", span, "not a rate", "kilobits per second, 1 or more");
            None
        }
    });
    if let (Some(_), Some(span)) = (rate_kbit, reader.key_span("rate_kbit")) {
        let message = "`rate_kbit` slows nobody down yet";
        reader.findings.push(part_not_kept(span, message, "this release's gateway passes everything at full speed"));
    }
    let log = reader.choice("log", &[("full", false), ("host", true)]);
    Conditions { inspect, safe_search, rate_kbit, host_only_log: log.is_some_and(|log| log.value) }
}

/// A word with a dot or slash is a site, `=` before it means this name alone, `everything` is everything, and any
/// other word is a category or class.
fn target(word: Word, findings: &mut Findings) -> Option<TargetSyntax> {
    let text = word.text.trim();
    if text == "everything" {
        return Some(TargetSyntax { site: Some(Target::Any), word });
    }
    if !text.contains(['.', '/', ':']) {
        return Some(TargetSyntax { site: None, word });
    }
    match site(text) {
        Ok(site) => Some(TargetSyntax { site: Some(site), word }),
        Err(why) => {
            findings.push(
                Diagnostic::new(Code::BadSite, word.span, format!("`{}` is not a site", word.text))
                    .why(why)
                    .help("write `maps.example` for a site with all below it, `=maps.example` for that name alone, or `maps.example/europe` for a part of it"),
            );
            None
        }
    }
}

/// Reads a site as policies and scenarios write it, with or without a scheme.
pub(crate) fn site(text: &str) -> Result<Target, String> {
    let (alone, text) = match text.strip_prefix('=') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let text = text.strip_prefix("*.").unwrap_or(text);
    let (host, path) = text.find('/').map_or((text, ""), |at| text.split_at(at));
    if path.len() > 1 {
        let host = HostName::parse(host).map_err(|error| error.to_string())?;
        return Ok(Target::Url { host, path: path.into() });
    }
    match Host::parse(host).map_err(|error| error.to_string())? {
        Host::Name(name) if !alone => Ok(Target::Domain(name)),
        host => Ok(Target::Host(host)),
    }
}
