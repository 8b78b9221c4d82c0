//! Rules that bind more people than their policy is for.
//!
//! The audience of a policy says who reads and agrees to it; whom a rule binds, its own `for` says. A rule without one
//! binds everybody, which is meant for sites that nobody opens, and seldom for the rest of a policy for staff.

use std::collections::BTreeSet;

use schoolgate_base::{Capacity, ControlKind, Group};
use schoolgate_decide::things::Aspect;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::Body;
use crate::kinds::things::ThingSyntax;
use crate::parse::Parsed;
use crate::school::School;
use crate::show::join;
use crate::syntax::reader::Findings;
use crate::syntax::{Control, Word};

pub(super) fn check(parsed: &Parsed, school: &School, findings: &mut Findings) {
    for document in &parsed.documents {
        let audience = &document.front.audience;
        if audience.is_empty() || is_everybody(audience) {
            continue;
        }
        let titles: Vec<String> = audience.iter().map(|word| school.group_title(&Group::new(&word.text))).collect();
        let controls = document.clauses.iter().flat_map(|clause| &clause.controls);
        findings.extend(controls.filter_map(binds_everybody).map(|span| {
            let titles = join(&titles, "and");
            Diagnostic::new(
                Code::WiderThanPolicy,
                span,
                format!("this binds everybody, and the policy is for {titles}"),
            )
            .why("the audience of a policy says who agrees to it; whom a rule binds, its own `for` says")
            .help("say whom, for example `for = [\"staff\"]`; leave it out where everybody is meant")
        }));
    }
}

/// Whether people of every capacity are in the audience.
fn is_everybody(audience: &[Word]) -> bool {
    let named: BTreeSet<Group> = audience.iter().map(|word| Group::new(&word.text)).collect();
    Capacity::ALL.iter().all(|capacity| named.contains(&Group::new(capacity.as_str())))
}

/// The place of a control that names nobody whom it binds.
fn binds_everybody(control: &Control) -> Option<Span> {
    match &control.body {
        Body::Web(web) => web.scope.audience.is_empty().then_some(control.span),
        Body::Thing(thing) => {
            let says_nobody = thing.scope.audience.is_empty() && !names_parties(thing);
            (is_about_people(control.kind) && says_nobody).then_some(control.span)
        }
        Body::Request(request) => request.ask.is_empty().then_some(control.span),
        Body::Report(_) | Body::Sign(_) | Body::Remind(_) | Body::Register(_) | Body::Duty(_) => None,
    }
}

/// Files, drafts, accounts and devices are guarded whoever comes; what people write and look for is their own.
fn is_about_people(kind: ControlKind) -> bool {
    matches!(kind, ControlKind::Mail | ControlKind::Search)
}

/// Whether a rule about messages says who writes, or to whom.
fn names_parties(thing: &ThingSyntax) -> bool {
    thing.marks.iter().any(|mark| matches!(mark.aspect, Aspect::From | Aspect::To))
}
