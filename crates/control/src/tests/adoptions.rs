//! What a new edition does, and an adoption that was cut off.

use super::*;
use crate::AdoptError;
use crate::adopt::pack_id;
use crate::error::ControlError;

/// Writes an edition down as in force and tells nobody, as a program that is killed in the middle.
async fn adopt_beside(kit: &Kit, pack: &Pack) {
    let files = pack.files().map(|(_, path, text)| (path.into(), text.to_owned())).collect();
    let mut write = kit.store().begin(Actor::program("test"), kit.control.now()).await.unwrap();
    let edition = write.policy_draft(&pack_id().unwrap(), "cut off", &files).await.unwrap();
    write.policy_adopt(&pack_id().unwrap(), edition).await.unwrap();
    write.commit().await.unwrap();
}

#[tokio::test]
async fn after_an_adoption_that_was_cut_off_the_next_one_goes_through() {
    let kit = Kit::new().await;
    let edited = kit.control.in_force().edition;
    let next = pack_with("longest = \"14 days\"", "longest = \"10 days\"");
    adopt_beside(&kit, &next).await;
    let moved = kit.control.policy_adopt(&person("helen"), next.clone(), edited).await;
    assert!(matches!(
        moved,
        Err(AdoptError::Control { source: ControlError::MovedOn { in_force, .. } }) if in_force == edited + 1
    ));
    assert_eq!(kit.control.in_force().edition, edited + 1, "what is written down is in force");
    kit.adopt(next).await;
}

#[tokio::test]
async fn a_case_keeps_the_edition_it_was_begun_under() {
    let kit = Kit::new().await;
    let case = kit.ask("tess").await;
    kit.adopt(pack_with("longest = \"14 days\"", "longest = \"10 days\"")).await;
    let in_force = kit.control.in_force();
    let file = kit.store().case_fetch_open(&case).await.unwrap().unwrap();
    let longest = |definition: Option<&Definition>| match definition {
        Some(Definition::Request(request)) => request.longest.as_ref().map(ToString::to_string),
        _ => None,
    };
    assert_eq!(longest(in_force.definitions.pinned(&file.case.pin)).as_deref(), Some("14 days"));
    assert_eq!(longest(in_force.definitions.current(&file.case.pin.control)).as_deref(), Some("10 days"));
}

#[tokio::test]
async fn a_version_never_stands_for_other_words_again() {
    let kit = Kit::new().await;
    let version = |in_force: &InForce| in_force.views[0].version.clone();
    let first = version(&kit.control.in_force());
    let raised = version(&*kit.adopt(pack_with("tell the headteacher or another leader", "tell somebody")).await);
    assert_ne!(raised, first);
    // Back to the first words: whoever agreed to them did.
    assert_eq!(version(&*kit.adopt(pack()).await), first);
    let third = version(&*kit.adopt(pack_with("tell the headteacher or another leader", "tell nobody")).await);
    assert!(third != first && third != raised, "{third} stood for other words");
}
