//! Rules that bind more people than their policy is for.
//!
//! The audience of a policy says who reads and agrees to it; whom a rule binds, its own `for` says. A rule without one
//! binds everybody, which is meant for sites that nobody opens, and seldom for the rest of a policy for staff.

use std::collections::BTreeSet;

use schoolgate_base::{Capacity, ControlKind, Group};
use schoolgate_decide::things::Aspect;

use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::Body;
use crate::kinds::things::{ScopeSyntax, ThingSyntax};
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
        let message = format!("this binds everybody, and the policy is for {}", join(&titles, "and"));
        let controls = document.clauses.iter().flat_map(|clause| &clause.controls);
        for control in controls.filter(|control| binds_everybody(control)) {
            let key = if control.kind == ControlKind::Request { "ask" } else { "for" };
            findings.push(
                Diagnostic::new(Code::WiderThanPolicy, control.span, message.as_str())
                    .why("the audience of a policy says who agrees to it; whom a rule binds, the rule says")
                    .help(format!(
                        "say whom, for example `{key} = [\"staff\"]`; leave it out where everybody is meant"
                    )),
            );
        }
    }
}

/// Whether people of every capacity are in the audience.
fn is_everybody(audience: &[Word]) -> bool {
    let named: BTreeSet<Group> = audience.iter().map(|word| Group::new(&word.text)).collect();
    Capacity::ALL.iter().all(|capacity| named.contains(&Group::new(capacity.as_str())))
}

/// Whether a control names nobody whom it binds, and nobody whom it does not.
fn binds_everybody(control: &Control) -> bool {
    let names_nobody = |scope: &ScopeSyntax| scope.audience.is_empty() && scope.except.is_empty();
    match &control.body {
        Body::Web(web) => names_nobody(&web.scope),
        Body::Thing(thing) => is_about_people(control.kind) && names_nobody(&thing.scope) && !names_parties(thing),
        Body::Request(request) => request.ask.is_empty(),
        Body::Report(_) | Body::Sign(_) | Body::Remind(_) | Body::Register(_) | Body::Duty(_) => false,
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
