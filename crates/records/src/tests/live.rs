//! Grants, blocks, list entries, statements, presence, jobs.

use schoolgate_base::{DeviceClass, DeviceId, GrantId, HostName, SessionId};
use serde_json::json;

use super::*;

fn grant(name: &str, until: Timestamp) -> NewGrant {
    NewGrant {
        id: GrantId::new(name).unwrap(),
        control: "staff-ict#unblock/request".parse().unwrap(),
        case: CaseId::new("c1").unwrap(),
        target: json!({ "host": "maps.example" }),
        audience: json!({ "group": "class:6B" }),
        from: now(),
        until,
    }
}

#[tokio::test]
async fn a_grant_is_active_until_its_end_or_until_somebody_ends_it() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    write.grant_add(&grant("g1", later(60))).await.unwrap();
    write.grant_add(&grant("g2", later(10))).await.unwrap();
    write.commit().await.unwrap();
    let active = async |minutes| {
        let grants = kit.school.grant_list_active(later(minutes)).await.unwrap();
        grants.into_iter().map(|one| one.grant.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(active(0).await, ["g2", "g1"]);
    // The end is exclusive.
    assert_eq!(active(10).await, ["g1"]);
    let mut write = kit.school.begin(Actor::Person(id("ivy")), later(5)).await.unwrap();
    write.grant_end(&GrantId::new("g1").unwrap()).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(active(5).await, ["g2"]);
    let ended = kit.school.grant_list_for_case(&CaseId::new("c1").unwrap()).await.unwrap();
    let ended: Vec<_> = ended.into_iter().filter_map(|one| one.ended).collect();
    assert_eq!(ended, [Ended { at: later(5), by: Actor::Person(id("ivy")) }]);
    let mut write = kit.begin().await;
    let twice = write.grant_end(&GrantId::new("g1").unwrap()).await;
    assert!(matches!(twice, Err(RecordsError::Absent { .. })));
}

#[tokio::test]
async fn an_urgent_block_ends_by_itself_unless_confirmed() {
    let kit = kit().await;
    let block = |name: &str| NewUrgentBlock {
        id: GrantId::new(name).unwrap(),
        target: json!({ "host": "bad.example" }),
        from: now(),
        until: later(24 * 60),
    };
    let mut write = kit.begin().await;
    write.urgent_add(&block("u1")).await.unwrap();
    write.urgent_add(&block("u2")).await.unwrap();
    write.urgent_add(&block("u3")).await.unwrap();
    write.urgent_confirm(&GrantId::new("u2").unwrap(), later(100_000)).await.unwrap();
    write.urgent_end(&GrantId::new("u3").unwrap()).await.unwrap();
    write.commit().await.unwrap();
    let active = kit.school.urgent_list_active(now()).await.unwrap();
    assert_eq!(active.len(), 2);
    let active = kit.school.urgent_list_active(later(24 * 60)).await.unwrap();
    assert_eq!(active.len(), 1);
    assert_eq!((&active[0].by, &active[0].confirmed_by), (&Actor::Person(id("ivy")), &Some(Actor::Person(id("ivy")))));
}

#[tokio::test]
async fn list_entries_and_statements_keep_who_and_when() {
    let kit = kit().await;
    let entry = NewOwnEntry {
        host: HostName::parse("bet.example").unwrap(),
        path: None,
        category: "gambling".into(),
        is_in: true,
        note: "seen in 6B".into(),
    };
    let mut write = kit.begin().await;
    let first = write.own_entry_add(&entry).await.unwrap();
    write.own_entry_add(&NewOwnEntry { is_in: false, ..entry.clone() }).await.unwrap();
    write.own_entry_remove(&first).await.unwrap();
    let new = NewStatement { subject: "county-filter".into(), says: "is on".into(), until: later(60) };
    write.statement_add(&new).await.unwrap();
    write.commit().await.unwrap();
    let entries = kit.school.own_entry_list().await.unwrap();
    assert_eq!((entries.len(), entries[0].entry.is_in), (1, false));
    assert_eq!(kit.school.own_entry_history().await.unwrap().len(), 2);
    let statements = kit.school.statement_list().await.unwrap();
    assert_eq!((&statements[0].statement, &statements[0].by), (&new, &Actor::Person(id("ivy"))));
}

fn claim(session: &str, address: &str) -> AddressClaim {
    AddressClaim {
        session: SessionId::new(session).unwrap(),
        address: address.parse().unwrap(),
        person: id("tess"),
        capacity: Capacity::Staff,
        since: now(),
        until: later(30),
    }
}

#[tokio::test]
async fn a_session_is_quiet_and_its_claim_leaves_no_row() {
    let kit = kit().await;
    let head = kit.school.journal_head(Chain::Open).await.unwrap();
    let session = PortalSession {
        id_hash: "hash".into(),
        person: id("tess"),
        capacity: Capacity::Staff,
        source_address: "127.0.0.7".into(),
        created_at: now(),
        last_seen_at: now(),
        ended_at: None,
    };
    let mut write = kit.begin().await;
    write.session_create(&session).await.unwrap();
    write.claim_set(&claim("s1", "127.0.0.7")).await.unwrap();
    write.claim_set(&claim("s1", "127.0.0.8")).await.unwrap();
    write.claim_set(&claim("s2", "127.0.0.9")).await.unwrap();
    write.commit().await.unwrap();
    let claims = kit.school.claim_list_active(now()).await.unwrap();
    assert_eq!(claims, [claim("s1", "127.0.0.8"), claim("s2", "127.0.0.9")]);
    assert!(kit.school.claim_list_active(later(30)).await.unwrap().is_empty());

    let mut write = kit.school.begin(Actor::Person(id("tess")), later(5)).await.unwrap();
    write.session_touch("hash").await.unwrap();
    write.claim_end_address("127.0.0.9".parse().unwrap()).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.claim_list_active(now()).await.unwrap(), [claim("s1", "127.0.0.8")]);
    assert_eq!(kit.school.session_fetch("hash").await.unwrap().unwrap().last_seen_at, later(5));

    let mut write = kit.school.begin(Actor::Person(id("tess")), later(6)).await.unwrap();
    write.session_end_all(&id("tess")).await.unwrap();
    write.session_end("hash").await.unwrap();
    write.commit().await.unwrap();
    assert!(kit.school.claim_list_active(now()).await.unwrap().is_empty(), "no address speaks for her any more");
    let sessions = kit.school.session_list_for_person(&id("tess")).await.unwrap();
    assert_eq!(sessions[0].ended_at, Some(later(6)));
    let mut write = kit.begin().await;
    assert!(matches!(write.session_touch("hash").await, Err(RecordsError::Absent { .. })));
    drop(write);
    let mut write = kit.begin().await;
    write.session_purge(later(60)).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.session_fetch("hash").await.unwrap(), None);
    assert_eq!(kit.school.journal_head(Chain::Open).await.unwrap(), head);
}

#[tokio::test]
async fn a_device_token_is_kept_as_its_hash_and_revoked_once() {
    let kit = kit().await;
    let device = NewDevice {
        id: DeviceId::new("d1").unwrap(),
        secret_sha256: "5ec2e7".into(),
        label: "Laptop 12".into(),
        class: DeviceClass::new("school-laptop"),
        is_managed: true,
        person: Some((id("tess"), Capacity::Staff)),
    };
    let mut write = kit.begin().await;
    write.device_add(&device).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.device_list().await.unwrap()[0].device, device);
    let journal = kit.school.journal_list(0, 500).await.unwrap();
    assert!(!format!("{journal:?}").contains("5ec2e7"));
    let mut write = kit.begin().await;
    write.device_revoke(&device.id).await.unwrap();
    assert!(matches!(write.device_revoke(&device.id).await, Err(RecordsError::Absent { .. })));
}

#[tokio::test]
async fn a_session_that_ends_takes_its_own_claim_along() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    write.claim_set(&claim("s1", "127.0.0.7")).await.unwrap();
    write.claim_set(&claim("s2", "127.0.0.8")).await.unwrap();
    write.session_end("s1").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.claim_list_active(now()).await.unwrap(), [claim("s2", "127.0.0.8")]);
}
