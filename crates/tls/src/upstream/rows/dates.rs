//! When it is valid: V09 to V14, to the second.

use rcgen::{CertificateParams, date_time_ymd};
use webpki::Error;

use super::rig::*;
use crate::upstream::verifier::Refused;

const START: &str = "2026-11-01T00:00:00Z";
const END: &str = "2026-12-01T00:00:00Z";

fn within(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2026, 11, 1);
    params.not_after = date_time_ymd(2026, 12, 1);
}

/// Asked one second before, at, at the end of and one second after its time.
#[track_caller]
fn check_edges(root: &Ca, chain: &[&Der], early: fn(&Refused) -> bool, late: fn(&Refused) -> bool) {
    let verifier = verifier(&[root], true, START);
    let at = |now| ask(&verifier, chain, SITE, now);
    assert!(early(&at("2026-10-31T23:59:59Z").unwrap_err()));
    assert_eq!(at(START), Ok(()));
    assert_eq!(at(END), Ok(()));
    assert!(late(&at("2026-12-01T00:00:01Z").unwrap_err()));
}

fn expired(refused: &Refused) -> bool {
    matches!(refused, Refused::Path(Error::CertExpired { .. }))
}

fn not_yet(refused: &Refused) -> bool {
    matches!(refused, Refused::Path(Error::CertNotValidYet { .. }))
}

#[test]
fn v09_v12_a_leaf_is_refused_before_and_after_its_time() {
    let root = root("world");
    check_edges(&root, &[&root.leaf_with(within)], not_yet, expired);
}

#[test]
fn v10_v13_an_intermediate_is_refused_before_and_after_its_time() {
    let root = root("world");
    let between = root.below_with("between", within);
    check_edges(&root, &[&between.leaf(), &between.der], not_yet, expired);
}

/// webpki does not look at a root's dates; we do, also of one that ends while the program runs.
#[test]
fn v11_v14_a_root_is_refused_before_and_after_its_time() {
    let root = root_with("world", within);
    let (early, late) =
        (|refused: &_| *refused == Refused::RootNotYetValid, |refused: &_| *refused == Refused::RootExpired);
    check_edges(&root, &[&root.leaf()], early, late);
    let gone = verifier(&[&root], false, "2027-01-01T00:00:00Z");
    assert_eq!((gone.roots.count().0, gone.roots.left_out()[0].why), (0, "expired"));
}
