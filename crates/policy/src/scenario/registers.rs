//! Scenarios about registers: who may enter what, who sees it, when it is due, how long it is kept.

use schoolgate_base::PersonId;
use schoolgate_cases::{
    EnterError, Entering, Pin, RawValues, RegisterDefinition, RegisterEntry, check_form, due_day, enter,
    entry_kept_until, entry_readers, entry_told, warn_day,
};

use super::cases::{Actor, KnownHere, Stage, answers, no_such_field, problems_in_words, unknown_field};
use super::facts::refers_to;
use super::given::Given;
use super::outcome::{Day, Outcome, People, Vocabulary, judge};
use super::web::Failures;
use super::world::not_understood;
use crate::syntax::Word;

const VOCABULARY: Vocabulary = Vocabulary {
    people: &["kept by", "seen by", "tells"],
    days: &["due", "warned", "kept until"],
    things: &[],
    states: &[],
    texts: &[],
    help: "write `Then kept by it-technician`, `Then seen by helen.head and not by tess.teacher`, `Then due 2026-12-01`, `Then tells helen.head`, `Then warned 2026-11-17`, `Then kept until 2032-12-01` or `Then not possible`",
};

const WHEN: &str =
    "write `When ivy.tech enters #kit for item \"laptop 7\" holder tess.teacher`, with the names of the fields";

pub(super) fn enters(stage: &mut Stage<'_, '_>, who: &Word, reference: &Word, rest: &Word) -> Option<Failures> {
    let compiled = stage.compiled;
    let controls = compiled.registers.iter().map(|register| &register.control);
    let place = stage.find(reference, "register", controls)?;
    let register = compiled.registers.get(place)?;
    let actor = stage.actor(who)?;
    let raw = answers(&register.fields, rest);
    if raw.is_empty() && !rest.text.is_empty() {
        stage.findings.push(not_understood(rest, WHEN));
        return None;
    }
    if let Some(word) = unknown_field(&register.fields, rest) {
        stage.findings.push(no_such_field(&register.fields, &word));
        return None;
    }
    let known = stage.known();
    let given = stage.given;
    judge(stage.scenario, &given.world, &VOCABULARY, stage.findings, || outcome(given, register, &actor, &raw, &known))
}

/// The entries that a `Given` tells of, as if whoever keeps the list had made them.
fn open_entries(given: &Given<'_>, register: &RegisterDefinition, known: &KnownHere) -> Vec<RegisterEntry> {
    let moment = given.world.moment(given.now, &known.periods);
    let facts = given.world.facts.entered.iter().filter(|entered| refers_to(&entered.register, &register.control));
    let values = facts.filter_map(|entered| {
        let raw = answers(&register.fields, &entered.answers);
        check_form(&register.fields, None, &raw, known.known(), moment).ok()
    });
    let pin = Pin { control: register.control.clone(), version: register.version.clone(), edition: 0 };
    let by = PersonId::new("somebody");
    let entry =
        |values| Some(RegisterEntry { pin: pin.clone(), by: by.clone().ok()?, at: given.now, values, closed_at: None });
    values.filter_map(entry).collect()
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
    let open = open_entries(given, register, known);
    let entering = Entering { by: &actor.0, groups: &actor.1, offices, raw, known: known.known(), open: &open };
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
            ("seen by", People::of(entry_readers(register, &entry.values, offices, &given.people()), world)),
            ("tells", People::of(entry_told(register, &entry.values, offices), world)),
        ],
        days: vec![
            ("due", due_day(register, &entry, moment).map(Day::Whole)),
            ("warned", warn_day(register, &entry, moment).map(Day::Whole)),
            ("kept until", entry_kept_until(register, &entry, moment).map(Day::Whole)),
        ],
        ..Outcome::default()
    }
}
