//! Files as schools send them, against a real store.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_base::{Capacity, SchoolId};
use schoolgate_keys::KeyRing;
use schoolgate_records::{Actor, Person, SchoolStore, Standing, Store};
use tempfile::TempDir;

use crate::*;

const HEADER: &str = "mis_id,upn,first_name,last_name,login,capacity,groups,classes,email,start,end\n";

fn now() -> Timestamp {
    "2026-11-24T10:10:00Z".parse().unwrap()
}

fn settings(capacity: Option<Capacity>) -> RegisterSettings {
    RegisterSettings { capacity, zone: TimeZone::get("Europe/London").unwrap() }
}

fn read(text: &str) -> Register {
    Register::read(text.as_bytes(), &settings(None)).unwrap()
}

fn pupils(count: usize) -> String {
    let row = |number| format!("P{number},,First{number},Last,p{number},pupil,,6B,,,\n");
    HEADER.to_owned() + &(0..count).map(row).collect::<String>()
}

async fn school() -> (TempDir, SchoolStore) {
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(KeyRing::create(dir.path()).unwrap());
    let store = Store::open(dir.path(), keys).await.unwrap();
    let id = SchoolId::new("riverside").unwrap();
    let school = store.school_create(&id, "Riverside", Actor::program("test"), now()).await.unwrap();
    (dir, school)
}

async fn applied(school: &SchoolStore, text: &str) -> Difference {
    attempt(school, text, Confirmation::default()).await.unwrap()
}

async fn attempt(school: &SchoolStore, text: &str, confirmation: Confirmation) -> Result<Difference, DirectoryError> {
    apply(school, &read(text), confirmation, Actor::program("test"), now()).await
}

async fn by_login(school: &SchoolStore, login: &str) -> Person {
    school.person_by_login(login).await.unwrap().unwrap()
}

#[tokio::test]
async fn people_are_added_once_and_stay() {
    let (_dir, school) = school().await;
    let file = HEADER.to_owned()
        + "S1,,Tess,Teacher,tess.teacher,staff,teachers;ks2,6B|6C,tess@riverside.example,01/09/2024,\n"
        + ",A123,Pia,Pupil,pia.pupil,Pupil,,6B,,2025-09-01,2027-07-31\n\n";
    let done = applied(&school, &file).await;
    assert_eq!((done.added.len(), done.problems.len()), (2, 0));
    let tess = by_login(&school, "tess.teacher").await;
    assert_eq!((&*tess.name, tess.groups.len(), tess.classes.len()), ("Tess Teacher", 2, 2));
    assert_eq!(tess.active_from.to_string(), "2024-08-31T23:00:00Z");
    let pia = by_login(&school, "pia.pupil").await;
    // The last day counts whole.
    assert_eq!(pia.active_until.unwrap().to_string(), "2027-07-31T23:00:00Z");
    let again = applied(&school, &file).await;
    assert_eq!((again.added.len(), again.changed.len(), again.archived.len(), again.unchanged), (0, 0, 0, 2));
    assert_eq!(school.journal_verify(&[]).await.unwrap().standing, Standing::Consistent);
}

#[tokio::test]
async fn a_change_is_told_field_by_field_and_a_missing_column_changes_nothing() {
    let (_dir, school) = school().await;
    applied(&school, &(HEADER.to_owned() + "S1,,Tess,Teacher,tess,staff,ks2,6B,tess@x.example,,\n")).await;
    let tess = by_login(&school, "tess").await;
    let married = "mis_id,first_name,last_name,capacity,class\nS1,Tess,Brown,staff,4A\n";
    let changed = difference(&school, &read(married), now()).await.unwrap().changed;
    let fields: Vec<_> = changed[0].fields.iter().map(|one| (one.field, &*one.before, &*one.after)).collect();
    assert_eq!(fields, [("name", "Tess Teacher", "Tess Brown"), ("classes", "6B", "4A")]);
    applied(&school, married).await;
    let after = by_login(&school, "tess").await;
    assert_eq!((&after.id, &after.email, &after.groups), (&tess.id, &tess.email, &tess.groups));
}

#[tokio::test]
async fn a_person_is_found_by_key_never_by_name() {
    let (_dir, school) = school().await;
    applied(&school, "mis_id,upn,name,capacity\nM1,U1,Sam Smith,pupil\nM2,U2,Sam Smith,pupil\n").await;
    let moved = difference(&school, &read("upn,name,capacity\nU1,Sam Jones,pupil\nU2,Sam Smith,pupil\n"), now()).await;
    let moved = moved.unwrap();
    assert_eq!((moved.added.len(), moved.changed.len(), moved.unchanged), (0, 1, 1));
    let crossed = read("mis_id,upn,name,capacity\nM1,U2,Sam Smith,pupil\n");
    let crossed = difference(&school, &crossed, now()).await.unwrap();
    assert_eq!(crossed.problems, [Problem { line: 2, kind: ProblemKind::TwoPeople }]);
    assert!(crossed.archived.is_empty(), "{:?}", crossed.archived);
}

#[tokio::test]
async fn more_than_a_tenth_leaving_stops_until_the_number_is_confirmed() {
    let (_dir, school) = school().await;
    applied(&school, &pupils(100)).await;
    assert_eq!(applied(&school, &pupils(90)).await.archived.len(), 10);
    applied(&school, &pupils(100)).await;

    let error = attempt(&school, &pupils(89), Confirmation::default()).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Brake { leaving: 11, of: 100 }), "{error}");
    assert_eq!(school.person_active(now()).await.unwrap().len(), 100);
    let wrong = Confirmation { archive: Some(10), ..Confirmation::default() };
    let error = attempt(&school, &pupils(89), wrong).await.unwrap_err();
    assert!(matches!(error, DirectoryError::ConfirmedOtherwise { confirmed: 10, leaving: 11 }), "{error}");
    let right = Confirmation { archive: Some(11), ..Confirmation::default() };
    attempt(&school, &pupils(89), right).await.unwrap();
    assert_eq!(school.person_active(now()).await.unwrap().len(), 89);
    // Back again: the same people, not new ones.
    let back = applied(&school, &pupils(100)).await;
    assert_eq!((back.added.len(), back.changed.len()), (0, 11));
}

#[tokio::test]
async fn ends_in_the_past_are_braked_like_rows_that_are_gone() {
    let (_dir, school) = school().await;
    applied(&school, &pupils(20)).await;
    let ended = pupils(20).replace(",,,\n", ",,,2026-07-31\n");
    let error = attempt(&school, &ended, Confirmation::default()).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Brake { leaving: 20, of: 20 }), "{error}");
    let (_other, empty) = self::school().await;
    assert_eq!(applied(&empty, &ended).await.left_before, 20);
}

#[tokio::test]
async fn a_file_of_pupils_archives_no_staff() {
    let (_dir, school) = school().await;
    applied(&school, &(HEADER.to_owned() + "S1,,Tess,Teacher,tess,staff,,,,,\n")).await;
    applied(&school, &pupils(10)).await;
    let none = Register::read(HEADER.as_bytes(), &settings(Some(Capacity::Pupil))).unwrap();
    let would = difference(&school, &none, now()).await.unwrap();
    assert_eq!((would.archived.len(), would.in_scope), (10, 10));
    assert!(would.needs_confirmation(now()));
}

#[tokio::test]
async fn bad_rows_are_listed_with_their_lines_and_archive_nobody() {
    let (_dir, school) = school().await;
    applied(&school, &pupils(12)).await;
    let file = HEADER.to_owned()
        + "P0,,A,B,p0,pupil,,,,,\n"
        + "P0,,A,B,p0x,pupil,,,,,\n"
        + "P1,,A,B,p1,pupill,,,,,\n"
        + "P2,,A,B,p2,pupil,,,,31/02/2026,\n"
        + "P3,,,,p3,pupil,,,,,\n"
        + ",,A,B,p4,pupil,,,,,\n"
        + "P5,,A,B,p5,,,,,,\n"
        + "P6,,A,B\n"
        + "P7,,A,B,same,pupil,,,,,\n"
        + "P8,,A,B,SAME,pupil,,,,,\n"
        + "P9,,A,B,p9,pupil,,,,2026-09-01,2026-08-01\n"
        + "P10,,A,B,p11,pupil,,,,,\n"
        + &format!("P11x,,{},B,p12,pupil,,,,,\n", "x".repeat(2_000));
    let would = difference(&school, &read(&file), now()).await.unwrap();
    let list: Vec<_> = would.problems.iter().map(|one| format!("{}: {}", one.line, one.kind)).collect();
    assert_eq!(
        list,
        [
            "3: mis_id `P0` is on line 2 already; neither row is used",
            "4: `pupill` is not a capacity, did you mean `pupil`?",
            "5: `31/02/2026` in `start` is not a date; write 2026-09-01 or 01/09/2026",
            "6: no name is given",
            "7: neither `mis_id` nor `upn` is given",
            "8: no capacity is given",
            "9: it has 4 cells where the header has 11",
            "11: the log-in `SAME` is on line 10 already",
            "12: it ends before it starts",
            "13: the log-in `p11` belongs to somebody else who is not in this file",
            "14: `first_name` is longer than 1000 bytes",
        ]
    );
    let gone: Vec<_> = would.archived.iter().map(|one| &*one.name).collect();
    assert_eq!(gone, ["First11 Last", "First4 Last"]);
    let error = attempt(&school, &file, Confirmation::default()).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Problems { count: 11 }), "{error}");
    let confirmed = Confirmation { archive: Some(2), without_problem_rows: true };
    attempt(&school, &file, confirmed).await.unwrap();
    assert_eq!(school.person_active(now()).await.unwrap().len(), 10);
}

#[tokio::test]
async fn two_people_may_swap_their_log_ins() {
    let (_dir, school) = school().await;
    applied(&school, "id,name,capacity,login\n1,A,staff,one\n2,B,staff,two\n3,C,staff,three\n").await;
    let swapped = "id,name,capacity,login\n1,A,staff,TWO\n2,B,staff,one\n3,C,staff,\n4,D,staff,three\n";
    applied(&school, swapped).await;
    assert_eq!(&*by_login(&school, "two").await.name, "A");
    assert_eq!(&*by_login(&school, "one").await.name, "B");
    assert_eq!(&*by_login(&school, "three").await.name, "D");
}

#[track_caller]
fn header_error(header: &str, expected: &str) {
    let error = Register::read(header.as_bytes(), &settings(None)).unwrap_err();
    assert_eq!(error.to_string(), format!("the header cannot be used: {expected}"));
}

#[test]
fn a_wrong_header_names_what_is_missing_and_what_may_be_meant() {
    header_error(
        "mis_id,first_name,last_name,capactiy\n",
        "no column says `capacity`; `capactiy` is not known, did you mean `capacity`?",
    );
    header_error(
        "Nummer,Vorname,Surname,capacity\n",
        "no column says `mis_id` or `upn`; no column says `first_name`; `Nummer` is not known; `Vorname` is not known",
    );
    // Not needed, but near to one that is not there: better asked than lost.
    header_error("id,name,capacity,e-mial\n", "`e-mial` is not known, did you mean `email`?");
    header_error("id,name,capacity,class,form\n", "two columns say `classes`");
    let error = Register::read(b"", &settings(None)).unwrap_err();
    assert!(matches!(error, DirectoryError::Header { .. }));
}

#[test]
fn columns_that_are_not_ours_are_named_and_not_read() {
    let register = read("id,name,capacity,NHS number,Address\n1,A B,staff,999,Somewhere\n");
    assert_eq!(register.ignored_columns, ["NHS number", "Address"]);
    assert!(!format!("{register:?}").contains("Somewhere"));
}

#[test]
fn separators_and_encodings_are_found_out() {
    let rows = "id;name;capacity;class\r\n1;Zoë Ó Briain;staff;6B|6C\r\n";
    let plain = read(rows);
    assert_eq!((&*plain.people[0].name, plain.people[0].classes.as_ref().unwrap().len()), ("Zoë Ó Briain", 2));
    let windows: Vec<u8> = rows.chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect();
    let utf16: Vec<u8> = rows.replace(';', "\t").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, encoding) in [(windows, "windows-1252"), (utf16, "UTF-16LE")] {
        let other = Register::read(&bytes, &settings(None)).unwrap();
        assert_eq!((&other.people, other.encoding), (&plain.people, encoding));
    }
}

#[test]
fn nonsense_is_refused_or_listed_and_never_fatal() {
    for bytes in [&b"\0\0\0\0"[..], b"\"", b"a,b\n\"", b"\xff\xfe\x00", "id,name,capacity\n\"1,A,staff\n".as_bytes()] {
        let _ = Register::read(bytes, &settings(None));
    }
    let huge = vec![b'a'; (64 << 20) + 1];
    assert!(matches!(Register::read(&huge, &settings(None)), Err(DirectoryError::TooLarge { .. })));
}

/// The made register of 1,200 pupils, when the shared data are there.
fn shared_register() -> Option<Vec<u8>> {
    let shared = std::env::var_os("SCHOOLGATE_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let archive = shared.join("pii/uk-school-synthetic.tar.zst");
    let dir = tempfile::tempdir().ok()?;
    let unpack = Command::new("tar").arg("--zstd").arg("-xf").arg(&archive).arg("-C").arg(dir.path()).output().ok()?;
    unpack.status.success().then_some(())?;
    std::fs::read(dir.path().join("ukpii/uk-school-register.csv")).ok()
}

/// As the shared one, smaller: its header, and rows of the same shape.
fn made_register() -> Vec<u8> {
    let mut text = "upn,uln,forename,surname,dob,year,form,nhs_number,address,postcode,fsm,sen\n".to_owned();
    for number in 0..300 {
        let form = number % 13;
        text +=
            &format!("A{number:012},{number},Zoë,O'Brien-{number},11/09/2011,{form},{form}F,9,\"1, Road\",AB1,N,N\n");
    }
    text.into_bytes()
}

#[tokio::test]
async fn a_register_of_pupils_comes_in_by_its_own_header() {
    let bytes = shared_register().unwrap_or_else(made_register);
    let rows = bytes.iter().filter(|byte| **byte == b'\n').count() - 1;
    let refused = Register::read(&bytes, &settings(None)).unwrap_err().to_string();
    assert!(refused.contains("no column says `capacity`"), "{refused}");
    let register = Register::read(&bytes, &settings(Some(Capacity::Pupil))).unwrap();
    assert_eq!((register.people.len(), &register.problems), (rows, &Vec::new()));
    assert!(register.ignored_columns.iter().any(|column| column == "nhs_number"));

    let (_dir, school) = school().await;
    let actor = Actor::program("test");
    apply(&school, &register, Confirmation::default(), actor.clone(), now()).await.unwrap();
    assert_eq!(school.person_active(now()).await.unwrap().len(), rows);
    let again = difference(&school, &register, now()).await.unwrap();
    assert_eq!((again.unchanged, again.archived.len()), (rows, 0));
    let half = Register { people: register.people[..rows / 2].to_vec(), ..register };
    let stopped = apply(&school, &half, Confirmation::default(), actor, now()).await;
    assert!(matches!(stopped, Err(DirectoryError::Brake { .. })));
}

#[test]
fn groups_that_the_rules_do_not_know_are_named_with_their_line() {
    let file = HEADER.to_owned()
        + "S1,,Tess,Teacher,tess,staff,teachers;teechers,6B,,,\n"
        + "S2,,Sam,Supply,sam,staff,teachers,6C|Sixth form,,,\n"
        + "S3,,Sue,Supply,sue,staff,,6C,,,\n";
    let known = ["teachers", "class:6B", "class:6"].map(schoolgate_base::Group::new).into();
    let said: Vec<String> = read(&file).unknown_groups(&known).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 2: the rules know no group `teechers`, did you mean group `teachers`?",
            "line 3: the rules know no class `6C`, did you mean class `6`? (2 rows)",
            "line 3: the rules know no class `Sixth form`",
        ]
    );
}
