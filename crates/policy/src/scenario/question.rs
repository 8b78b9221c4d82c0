//! One question to a policy, in a scenario's words: who, when, which address.

use schoolgate_cases::Offices;
use schoolgate_decide::{Facts, Seen, Who};

use super::given::{self, Persona};
use super::{Scenario, World, read, web};
use crate::check::Built;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::explain::{Explanation, explain};
use crate::pack::{FileId, Pack};
use crate::syntax::Word;

/// Explains what would be decided: `given` as after *Given* ("a teacher of class 6B, Tuesday 2026-11-24 10:10"), in the
/// world that the pack's scenarios share.
pub fn question(pack: &Pack, built: &Built, given: &str, url: &str) -> Result<Explanation, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let world = shared(pack, built);
    let span = Span::new(FileId::MISSING, 0..given.len());
    let scenario = Scenario {
        name: "question".to_owned(),
        span,
        given: vec![Word { text: given.to_owned(), span }],
        when: Vec::new(),
        then: Vec::new(),
    };
    let Some(given) = given::read(&scenario, world, &mut findings) else { return Err(findings) };
    let Some((host, path)) = web::address(url) else {
        findings.push(Diagnostic::new(Code::ScenarioWorld, span, format!("`{url}` is not an address")));
        return Err(findings);
    };
    let member = match &given.who {
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
    Ok(explain(&snapshot, Some(&built.compiled.school), &facts, given.now))
}

/// Who holds which office in the world that the pack's scenarios share: lets the checker compute routes over persons
/// before there are records.
pub fn offices(pack: &Pack, built: &Built) -> Offices {
    let mut world = World::new(&built.compiled);
    for (file, _, text) in pack.tests() {
        for line in read::read(file, text, &mut Vec::new()).0 {
            world.tell(&line, &mut Vec::new());
        }
    }
    world.offices
}

fn shared<'a>(pack: &Pack, built: &'a Built) -> World<'a> {
    let mut world = World::new(&built.compiled);
    for line in read::world(pack) {
        world.tell(&line, &mut Vec::new());
    }
    world
}
