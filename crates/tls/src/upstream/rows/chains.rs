//! Chains that are sent to keep somebody busy: V32.

use webpki::Error;

use super::rig::*;
use crate::upstream::profile::Fault;
use crate::upstream::verifier::{INTERMEDIATES_MAX, Refused};

#[test]
fn v32_more_certificates_than_a_chain_has_are_not_looked_at() {
    let root = root("world");
    let leaf = root.leaf();
    let spare: Vec<Ca> = (0..=INTERMEDIATES_MAX).map(|number| root.below(&format!("spare {number}"))).collect();
    let mut chain = vec![&leaf];
    chain.extend(spare.iter().map(|ca| &ca.der));
    assert_eq!(check(&[&root], &chain), Err(Refused::Fault(Fault("chain-too-long"))));
    assert_eq!(check(&[&root], &chain[..=INTERMEDIATES_MAX]), Ok(()));
}

/// Two CAs that signed each other, and a thousand ways round: ended by a count of signatures, not by a clock.
#[test]
fn v32_circles_and_mazes_end() {
    let root = root("world");
    let (one, other) = (super::rig::root("one"), super::rig::root("other"));
    let circle = [one.below("other"), other.below("one")];
    let leaf = one.leaf();
    assert!(check(&[&root], &[&leaf, &circle[0].der, &circle[1].der, &one.der, &other.der]).is_err());
    // Each of sixteen has the same name and is signed by a name of the same: any may be above any.
    let start = super::rig::root("same");
    let same: Vec<Ca> = (0..INTERMEDIATES_MAX).map(|_| start.below("same")).collect();
    let leaf = same[0].leaf();
    let mut chain = vec![&leaf];
    chain.extend(same.iter().map(|ca| &ca.der));
    assert_eq!(check(&[&root], &chain), Err(Refused::Path(Error::MaximumPathBuildCallsExceeded)));
}
