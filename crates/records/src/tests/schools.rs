//! Two schools with the same ids in one database: every method, and a look for what leaks.

use schoolgate_base::{DeviceClass, DeviceId, GrantId, HostName, SessionId};
use schoolgate_cases::{Tie, TieKind};
use schoolgate_keys::KeyHolder;
use serde_json::json;

use super::*;

/// A change that is in the journal once.
macro_rules! noted {
    ($write:ident.$method:ident($($argument:expr),* $(,)?)) => {{
        let before = $write.note_count();
        let answer = $write.$method($($argument),*).await.expect(stringify!($method));
        assert_eq!($write.note_count(), before + 1, "`{}` is not in the journal", stringify!($method));
        answer
    }};
}

/// A change that is no record, and so in no journal.
macro_rules! quiet {
    ($write:ident.$method:ident($($argument:expr),* $(,)?)) => {{
        let before = $write.note_count();
        let answer = $write.$method($($argument),*).await.expect(stringify!($method));
        assert_eq!($write.note_count(), before, "`{}` is in the journal", stringify!($method));
        answer
    }};
}

/// What `fill` leaves for `undo` to take away.
struct Handles {
    role: Box<str>,
    tie: Box<str>,
    own: Box<str>,
    viewer: Viewer,
}

/// Calls every method that adds, with `tag` in everything that is said.
async fn fill(school: &SchoolStore, tag: &str) -> Handles {
    let mut write = school.begin(Actor::program(tag), now()).await.unwrap();
    for name in ["p1", "p2", "p3"] {
        let one =
            Person { name: format!("{name} {tag}").into(), login: Some(name.into()), ..person(name, Capacity::Staff) };
        noted!(write.person_put(&one));
    }
    noted!(write.password_set(&id("p1"), tag));
    let role = noted!(write.role_assign(&Role::new(tag), &id("p1"), false, now(), None));
    let tie = noted!(write.tie_declare(&Tie { kind: TieKind::Manages, from: id("p1"), to: id("p2") }));
    noted!(write.policy_draft(&policy("staff-ict"), tag, &Pack::from([("p.md".into(), tag.to_owned())])));
    noted!(write.policy_adopt(&policy("staff-ict"), 1));
    noted!(write.signature_add(&Signature { browser: tag.into(), ..signature("p1", "2.9") }));
    let mut one = case(school.id(), "c1", "p1", request());
    one.values.insert("why".into(), schoolgate_cases::Value::Text(tag.to_owned()));
    let party = KeyHolder::Person(id("p1"));
    noted!(write.case_open(&one, Privacy::Open { parties: vec![party.clone()] }));
    one.id = CaseId::new("c2").unwrap();
    noted!(write.case_open(&one, Privacy::Sealed { to: vec![party] }));
    noted!(write.grant_add(&NewGrant {
        id: GrantId::new("g1").unwrap(),
        control: one.pin.control.clone(),
        case: CaseId::new("c1").unwrap(),
        target: json!(tag),
        audience: json!(tag),
        from: now(),
        until: later(60),
    }));
    let block = NewUrgentBlock { id: GrantId::new("u1").unwrap(), target: json!(tag), from: now(), until: later(60) };
    noted!(write.urgent_add(&block));
    let own = noted!(write.own_entry_add(&NewOwnEntry {
        host: HostName::parse("bet.example").unwrap(),
        path: None,
        category: tag.into(),
        is_in: true,
        note: tag.to_owned(),
    }));
    noted!(write.statement_add(&NewStatement { subject: tag.into(), says: tag.to_owned(), until: later(60) }));
    noted!(write.look_up_note(tag, tag));
    noted!(write.device_add(&NewDevice {
        id: DeviceId::new("d1").unwrap(),
        secret_sha256: "same".into(),
        label: tag.into(),
        class: DeviceClass::new("laptop"),
        is_managed: true,
        person: None,
    }));
    quiet!(write.session_create(&PortalSession {
        id_hash: "h1".into(),
        person: id("p1"),
        capacity: Capacity::Staff,
        source_address: tag.into(),
        created_at: now(),
        last_seen_at: now(),
        ended_at: None,
    }));
    quiet!(write.claim_set(&AddressClaim {
        session: SessionId::new(tag).unwrap(),
        address: "127.0.0.7".parse().unwrap(),
        person: id("p1"),
        capacity: Capacity::Staff,
        since: now(),
        until: later(60),
    }));
    noted!(write.person_erase(&id("p3"), tag));
    write.commit().await.unwrap();
    Handles { role, tie, own, viewer: viewer("p1", &[]) }
}

/// Calls every method that reads and puts the answers into one text.
async fn dump(school: &SchoolStore) -> String {
    let person = id("p1");
    let staff = policy("staff-ict");
    let me = viewer("p1", &[]);
    let mut text = String::new();
    macro_rules! read {
        ($method:ident($($argument:expr),*)) => {
            text.push_str(&format!("{}: {:?}\n", stringify!($method), school.$method($($argument),*).await.unwrap()));
        };
    }
    read!(person_fetch(&person));
    read!(person_by_login("p1"));
    read!(person_list(None, 100));
    read!(person_active(now()));
    read!(person_search("p", 10));
    read!(password_get(&person));
    read!(role_list());
    read!(role_holders(&Role::new("riverside"), now()));
    read!(role_holders(&Role::new("hilltop"), now()));
    read!(offices(now()));
    read!(tie_list());
    read!(policy_in_force());
    read!(policy_list_adopted(&staff));
    read!(policy_fetch(&staff, 1));
    read!(signature_list_for_person(&person));
    read!(signature_list_for_policy(&staff, "2.9", None, 10));
    read!(signature_count(&staff, "2.9"));
    read!(signature_versions());
    for case in ["c1", "c2"] {
        let case = CaseId::new(case).unwrap();
        text.push_str(&format!("{:?}\n", school.case_is_sealed_by(&person, &case).await.unwrap()));
        for file in [school.case_fetch_for(&me, &case).await.unwrap(), school.case_fetch_open(&case).await.unwrap()] {
            text.push_str(&format!("{:?}\n", file.map(|file| file.case)));
        }
    }
    for page in [
        school.case_list_for(&me, Wanted::Open, None, 9).await.unwrap(),
        school.case_list_for(&me, Wanted::Sealed, None, 9).await.unwrap(),
        school.case_list_sealed(None).await.unwrap(),
        school.case_list_open(None, None, 9).await.unwrap(),
    ] {
        text.push_str(&format!("{:?}\n", page.items.into_iter().map(|file| file.case).collect::<Vec<_>>()));
    }
    read!(grant_list_active(now()));
    read!(grant_list_over(now()));
    read!(grant_list());
    read!(grant_list_for_case(&CaseId::new("c1").unwrap()));
    read!(urgent_list_active(now()));
    read!(own_entry_list());
    read!(own_entry_history());
    read!(statement_list());
    read!(session_fetch("h1"));
    read!(session_list_for_person(&person));
    read!(claim_list_active(now()));
    read!(device_list());
    read!(erasure_list());
    read!(journal_head(Chain::Open));
    read!(journal_head(Chain::Sealed));
    read!(journal_list(0, 500));
    read!(journal_verify(&[]));
    text
}

/// Calls every method that changes or ends what `fill` made.
async fn undo(school: &SchoolStore, handles: &Handles) {
    let case = CaseId::new("c1").unwrap();
    let file = school.case_fetch_for(&handles.viewer, &case).await.unwrap().unwrap();
    let sealed = school.case_fetch_for(&handles.viewer, &CaseId::new("c2").unwrap()).await.unwrap().unwrap();
    let mut write = school.begin(Actor::program("undo"), later(1)).await.unwrap();
    noted!(write.person_archive(&id("p2"), later(1)));
    noted!(write.role_end(&handles.role, later(1)));
    noted!(write.tie_end(&handles.tie));
    noted!(write.case_append(&file));
    noted!(write.case_read_note(&sealed, &id("p1")));
    noted!(write.grant_end(&GrantId::new("g1").unwrap()));
    noted!(write.urgent_confirm(&GrantId::new("u1").unwrap(), later(2)));
    noted!(write.urgent_end(&GrantId::new("u1").unwrap()));
    noted!(write.own_entry_remove(&handles.own));
    noted!(write.device_revoke(&DeviceId::new("d1").unwrap()));
    quiet!(write.session_touch("h1"));
    quiet!(write.session_end("h1"));
    quiet!(write.session_end_all(&id("p1")));
    quiet!(write.claim_end_address("127.0.0.7".parse().unwrap()));
    quiet!(write.session_purge(later(1_000)));
    write.commit().await.unwrap();
}

#[tokio::test]
async fn no_method_reaches_into_another_school() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(KeyRing::create(dir.path()).unwrap());
    let store = Store::open(dir.path(), keys).await.unwrap();
    let riverside = school_with_people(&store, "riverside", &[]).await;
    let hilltop = school_with_people(&store, "hilltop", &[]).await;
    fill(&riverside, "riverside").await;
    let before = dump(&riverside).await;
    assert!(!before.contains("hilltop"));

    let handles = fill(&hilltop, "hilltop").await;
    assert_eq!(dump(&riverside).await, before);
    assert!(!dump(&hilltop).await.contains("riverside"));
    undo(&hilltop, &handles).await;
    assert_eq!(dump(&riverside).await, before);
    assert_eq!(store.school_list().await.unwrap().len(), 2);
}

/// The test above is only as good as its list of methods.
#[test]
fn every_method_of_the_store_is_in_this_test() {
    let here = include_str!("schools.rs");
    let sources = [
        include_str!("../people.rs"),
        include_str!("../offices.rs"),
        include_str!("../policies.rs"),
        include_str!("../sealed.rs"),
        include_str!("../signatures.rs"),
        include_str!("../cases.rs"),
        include_str!("../live.rs"),
        include_str!("../presence.rs"),
        include_str!("../work.rs"),
        include_str!("../journal.rs"),
        include_str!("../verify.rs"),
        include_str!("../backup.rs"),
    ];
    let mut methods = 0;
    for line in sources.iter().flat_map(|source| source.lines()) {
        let Some(rest) = line.strip_prefix("    pub async fn ") else { continue };
        let name = rest.split('(').next().unwrap();
        methods += 1;
        let is_called = ["write.", "school.", "read!("].iter().any(|before| here.contains(&format!("{before}{name}(")));
        assert!(is_called, "`{name}` is not tried with two schools");
    }
    assert!(60 < methods, "{methods}");
}
