//! Scenarios about registers: who may enter what, who sees it, when it is due, how long it is kept.

use schoolgate_cases::{
    EnterError, Entering, RawValues, RegisterDefinition, due_day, enter, entry_kept_until, entry_readers, entry_told,
};

use super::cases::{Actor, KnownHere, Stage, answers, fill, problems_in_words};
use super::given::Given;
use super::outcome::{Day, Outcome, People, Vocabulary, judge};
use super::web::Failures;
use super::world::not_understood;
use crate::syntax::Word;

const VOCABULARY: Vocabulary = Vocabulary {
    people: &["kept by", "seen by", "tells"],
    days: &["due", "kept until"],
    things: &[],
    states: &[],
    texts: &[],
    help: "write `Then kept by it-technician`, `Then seen by helen.head and not by tess.teacher`, `Then due 2026-12-01`, `Then tells helen.head`, `Then kept until 2032-12-01` or `Then not possible`",
};

const WHEN: &str =
    "write `When ivy.tech enters #kit for item \"laptop 7\" holder tess.teacher`, with the names of the fields";

pub(super) fn enters(stage: &mut Stage<'_, '_>, who: &Word, reference: &Word, rest: &Word) -> Option<Failures> {
    let compiled = stage.compiled;
    let controls = compiled.registers.iter().map(|register| &register.control);
    let place = stage.find(reference, "register", controls)?;
    let register = compiled.registers.get(place)?;
    let actor = stage.actor(who)?;
    let mut raw = answers(&register.fields, rest);
    if raw.is_empty() && !rest.text.is_empty() {
        stage.findings.push(not_understood(rest, WHEN));
        return None;
    }
    fill(&register.fields, &mut raw);
    let known = stage.known();
    let given = stage.given;
    judge(stage.scenario, &given.world, &VOCABULARY, stage.findings, || outcome(given, register, &actor, &raw, &known))
}

fn outcome(
    given: &Given<'_>,
    register: &RegisterDefinition,
    actor: &Actor,
    raw: &RawValues,
    known: &KnownHere,
) -> Outcome {
    let world = &given.world;
    let moment = world.moment(given.now, &known.periods);
    let offices = &world.offices;
    let entering = Entering { by: &actor.0, groups: &actor.1, offices, raw, known: known.known(), open: &[] };
    let entry = match enter(register, entering, moment) {
        Ok(entry) => entry,
        Err(EnterError::Form(problems)) => return Outcome::refused(problems_in_words(&problems)),
        Err(error) => return Outcome::refused(error.to_string()),
    };
    let keepers = register.keeps.iter().flat_map(|role| offices.of_role(role).iter().map(move |holder| (holder, role)));
    let keepers = keepers.map(|(holder, role)| (holder.person.clone(), Some(role.clone()))).collect();
    Outcome {
        people: vec![
            ("kept by", People { persons: keepers, roles: register.keeps.iter().cloned().collect() }),
            ("seen by", People::of(entry_readers(register, &entry.values, offices), world)),
            ("tells", People::of(entry_told(register, &entry.values, offices), world)),
        ],
        days: vec![
            ("due", due_day(register, &entry, moment).map(Day::Whole)),
            ("kept until", entry_kept_until(register, &entry, moment).map(Day::Whole)),
        ],
        ..Outcome::default()
    }
}
