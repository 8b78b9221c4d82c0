use super::*;
use crate::testing::{calendar, moment, offices, person, raw, roles, school};
use crate::{FieldKind, Moment};

fn field(name: &str, kind: FieldKind) -> Field {
    Field { name: name.into(), label: name.into(), help: None, kind, required: false, longest: 200 }
}

fn kit() -> RegisterDefinition {
    RegisterDefinition {
        control: "staff-ict#kit/register".parse().unwrap(),
        version: "2.9".into(),
        kind: "kit-on-loan".into(),
        title: "Kit on loan".into(),
        clause: ClauseText::default(),
        fields: vec![field("item", FieldKind::Line), field("holder", FieldKind::Person), field("back", FieldKind::Day)],
        add_roles: Vec::new(),
        add_groups: Vec::new(),
        keeps: roles(&["it-technician"]),
        see: vec![Party::Role(Role::new("headteacher")), Party::Them],
        see_groups: Vec::new(),
        due: Some(RegisterDue::Field("back".into())),
        warn: Some("2 weeks".parse().unwrap()),
        tell: vec![Party::Them],
        once: Some("holder".into()),
        keep: Some("6 years".parse().unwrap()),
    }
}

fn entered(
    definition: &RegisterDefinition,
    by: &str,
    answers: &[(&str, &str)],
    open: &[RegisterEntry],
) -> Result<RegisterEntry, EnterError> {
    let (school, calendar, offices) = (school(), calendar(), offices());
    let (by, raw) = (person(by), raw(answers));
    let entering =
        Entering { by: &by, groups: &school.groups, offices: &offices, raw: &raw, known: school.known(), open };
    enter(definition, entering, moment(&calendar, "10:10"))
}

const LOAN: [(&str, &str); 3] = [("item", "laptop 7"), ("holder", "tess"), ("back", "2026-12-01")];

fn day(text: &str) -> Option<Date> {
    Some(text.parse().unwrap())
}

#[test]
fn whoever_keeps_it_enters_and_others_only_if_named() {
    assert!(entered(&kit(), "ivy", &LOAN, &[]).is_ok());
    assert_eq!(entered(&kit(), "tess", &LOAN, &[]), Err(EnterError::NotForYou));
    let staff = RegisterDefinition { add_groups: vec![Group::new("staff")], ..kit() };
    assert!(entered(&staff, "tess", &LOAN, &[]).is_ok());
    let office = RegisterDefinition { add_roles: roles(&["business-manager"]), ..kit() };
    assert!(entered(&office, "bea", &LOAN, &[]).is_ok());
    assert_eq!(entered(&office, "tess", &LOAN, &[]), Err(EnterError::NotForYou));
}

#[track_caller]
fn problem(result: Result<RegisterEntry, EnterError>, expected: &str) {
    let Err(EnterError::Form(problems)) = result else { panic!("{result:?}") };
    assert!(problems[0].message.contains(expected), "{problems:?}");
}

#[test]
fn bad_answers_say_what_is_wrong() {
    problem(entered(&kit(), "ivy", &[("holder", "nobody.known")], &[]), "Choose a person");
    problem(entered(&kit(), "ivy", &[("item", "x"), ("back", "soon")], &[]), "is not a day");
    problem(entered(&kit(), "ivy", &[], &[]), "an entry has to say something");
}

#[test]
fn one_open_entry_for_each_value() {
    let mut first = entered(&kit(), "ivy", &LOAN, &[]).unwrap();
    problem(entered(&kit(), "ivy", &LOAN, std::slice::from_ref(&first)), "Close that one first");
    let other = [("item", "laptop 8"), ("holder", "sam")];
    assert!(entered(&kit(), "ivy", &other, std::slice::from_ref(&first)).is_ok());
    assert!(close_entry(&mut first, crate::testing::at("11:00")));
    assert!(!close_entry(&mut first, crate::testing::at("12:00")));
    assert!(entered(&kit(), "ivy", &LOAN, &[first]).is_ok());
}

#[test]
fn it_is_due_warned_of_and_kept_by_its_day() {
    let calendar = calendar();
    let now = moment(&calendar, "10:10");
    let mut entry = entered(&kit(), "ivy", &LOAN, &[]).unwrap();
    assert_eq!(due_day(&kit(), &entry, now), day("2026-12-01"));
    assert_eq!(warn_day(&kit(), &entry, now), day("2026-11-17"));
    assert_eq!(entry_kept_until(&kit(), &entry, now), day("2032-12-01"));
    let later = Moment { now: "2027-03-01T10:00:00Z".parse().unwrap(), ..now };
    assert_eq!(entry_kept_until(&kit(), &entry, later), day("2033-03-01"), "not erased while it is not back");
    close_entry(&mut entry, "2026-11-30T09:00:00Z".parse().unwrap());
    assert_eq!(due_day(&kit(), &entry, later), None);
    assert_eq!(entry_kept_until(&kit(), &entry, later), day("2032-11-30"));
}

#[test]
fn a_length_counts_from_the_entry() {
    let calendar = calendar();
    let now = moment(&calendar, "10:10");
    let yearly = RegisterDefinition { due: Some(RegisterDue::After("1 year".parse().unwrap())), ..kit() };
    let entry = entered(&yearly, "ivy", &LOAN, &[]).unwrap();
    assert_eq!(due_day(&yearly, &entry, now), day("2027-11-24"));
    let never = RegisterDefinition { due: None, keep: None, ..kit() };
    assert_eq!((due_day(&never, &entry, now), entry_kept_until(&never, &entry, now)), (None, None));
}

#[test]
fn an_entry_is_seen_by_its_keepers_and_those_named() {
    let entry = entered(&kit(), "ivy", &LOAN, &[]).unwrap();
    let names = |found: BTreeSet<PersonId>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    let people = [(person("sam"), [Group::new("staff")].into()), (person("pia"), [Group::new("pupil")].into())].into();
    let readers =
        |definition: &RegisterDefinition| names(entry_readers(definition, &entry.values, &offices(), &people));
    assert_eq!(readers(&kit()), ["helen", "ivy", "tess"]);
    assert_eq!(names(entry_told(&kit(), &entry.values, &offices())), ["tess"]);
    let closed = RegisterDefinition { see: Vec::new(), ..kit() };
    assert_eq!(readers(&closed), ["ivy"]);
    let looked_up = RegisterDefinition { see_groups: vec![Group::new("staff")], ..closed };
    assert_eq!(readers(&looked_up), ["ivy", "sam"]);
}
