use super::*;
use crate::testing::{at, calendar, moment};

fn agreement(again: Again) -> Agreement {
    Agreement {
        control: "staff-ict#policy/sign".parse().unwrap(),
        policy: "staff-ict".parse().unwrap(),
        version: "2.9".into(),
        title: "Staff ICT".into(),
        who: vec![Group::new("staff")],
        is_gate: true,
        within: None,
        again,
        form: AgreeForm::Click,
        with: None,
        receipt: None,
    }
}

fn signed(version: &str, at: &str, is_same_words: bool) -> SignedFact {
    SignedFact { version: version.into(), at: at.parse().unwrap(), is_same_words }
}

/// On 24 November 2026 at 10:10, in a session since 10:00.
#[track_caller]
fn check(again: Again, signed: Option<SignedFact>, expected: Option<Must>) {
    let calendar = calendar();
    let groups = [Group::new("staff")].into();
    let found = must_agree(&agreement(again), &groups, signed.as_ref(), Some(at("10:00")), moment(&calendar, "10:10"));
    assert_eq!(found, expected);
}

const JUNE: &str = "2026-06-01T10:00:00Z";

#[test]
fn whoever_never_agreed_has_to_and_nobody_else_is_asked() {
    check(Again::Once, None, Some(Must::First));
    let calendar = calendar();
    let pupils = [Group::new("pupil")].into();
    assert_eq!(must_agree(&agreement(Again::AnyChange), &pupils, None, None, moment(&calendar, "10:10")), None);
}

#[test]
fn a_change_asks_again_as_the_policy_says() {
    check(Again::AnyChange, Some(signed("2.8", JUNE, true)), Some(Must::Changed));
    check(Again::AnyChange, Some(signed("2.9", JUNE, true)), None);
    check(Again::MaterialChange, Some(signed("2.8", JUNE, true)), None);
    check(Again::MaterialChange, Some(signed("2.8", JUNE, false)), Some(Must::Changed));
    check(Again::Once, Some(signed("1.0", JUNE, false)), None);
}

#[test]
fn time_asks_again() {
    let yearly = || Again::Every("1 year".parse().unwrap());
    check(yearly(), Some(signed("2.9", JUNE, true)), None);
    check(yearly(), Some(signed("2.9", "2025-11-24T10:10:00Z", true)), Some(Must::TimePassed));
    check(yearly(), Some(signed("2.8", JUNE, false)), Some(Must::Changed));
}

#[test]
fn every_sign_in_asks_once() {
    check(Again::EveryLogIn, Some(signed("2.9", JUNE, true)), Some(Must::LogIn));
    check(Again::EveryLogIn, Some(signed("2.9", "2026-11-24T10:00:00Z", true)), None);
}
