//! What a new edition does, an adoption that was cut off, and a publish that failed.

use super::*;
use crate::adopt::pack_id;
use crate::error::ControlError;
use crate::{AdoptError, Signing};

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
    let raised = version(&*kit.adopt(pack_with("tell the headteacher at once", "tell somebody")).await);
    assert_ne!(raised, first);
    // Back to the first words: whoever agreed to them did.
    assert_eq!(version(&*kit.adopt(pack()).await), first);
    let third = version(&*kit.adopt(pack_with("tell the headteacher at once", "tell nobody")).await);
    assert!(third != first && third != raised, "{third} stood for other words");
}

#[tokio::test]
async fn a_publish_that_failed_is_made_up_for_by_the_next() {
    let kit = Kit::new().await;
    let tess = person("tess");
    let must_sign = || kit.control.snapshot().member(&tess, Capacity::Staff).unwrap().must_sign.len();
    assert_eq!(must_sign(), 1);
    let agreement = kit.control.in_force().built.compiled.agreements[0].clone();
    let signing = Signing {
        person: tess.clone(),
        policy: agreement.policy,
        version: agreement.version,
        clauses: Vec::new(),
        rendering_sha256: "ab".repeat(32).into(),
        difference: None,
        language: "en".into(),
        address: "127.0.0.1".into(),
        browser: "a browser".into(),
    };
    let (here, away) = (kit.dir.path().join("snapshot"), kit.dir.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    assert!(matches!(kit.control.sign(signing).await, Err(ControlError::Publish { .. })));
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(must_sign(), 1);
    // Asks for the live part alone.
    kit.control.presence_publish().await.unwrap();
    assert_eq!(must_sign(), 0);
}
