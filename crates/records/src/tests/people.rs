//! People, offices, policies, agreements.

use schoolgate_base::Role;
use schoolgate_cases::{Tie, TieKind};

use super::*;

#[tokio::test]
async fn people_are_found_whatever_case_and_accents_are_typed() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    let zoe =
        Person { name: "Zoë O’Brien".into(), login: Some("Zoe.OBrien".into()), ..person("zoe", Capacity::Staff) };
    write.person_put(&zoe).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.person_by_login("ZOE.obrien").await.unwrap(), Some(zoe.clone()));
    assert_eq!(kit.school.person_by_login("nobody").await.unwrap(), None);
    for typed in ["zoe", "O'BRIEN", "zoë o", "e.ob"] {
        assert_eq!(kit.school.person_search(typed, 10).await.unwrap(), vec![zoe.clone()], "{typed}");
    }
    for typed in ["", "  ", "%", "_", "\\", "x' or 1=1 --"] {
        assert_eq!(kit.school.person_search(typed, 10).await.unwrap(), Vec::new(), "{typed}");
    }
}

#[tokio::test]
async fn pages_hold_everybody_once() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    for number in 0..25 {
        // Three of each name: the id decides among them.
        let name = format!("pupil {}", number / 3);
        let one = Person { name: name.into(), ..person(&format!("p{number}"), Capacity::Pupil) };
        write.person_put(&one).await.unwrap();
    }
    write.commit().await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = kit.school.person_list(after.as_deref(), 4).await.unwrap();
        assert!(page.items.len() <= 4);
        seen.extend(page.items.into_iter().map(|person| person.id));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (28, 28));
}

#[tokio::test]
async fn a_password_outlives_a_change_of_the_person_but_is_in_no_journal() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    write.password_set(&id("tess"), "$argon2id$secret").await.unwrap();
    write.person_put(&Person { name: "Tess T".into(), ..person("tess", Capacity::Staff) }).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.password_get(&id("tess")).await.unwrap().as_deref(), Some("$argon2id$secret"));
    assert_eq!(kit.school.password_get(&id("ivy")).await.unwrap(), None);
    for entry in kit.school.journal_list(0, 100).await.unwrap() {
        assert!(!format!("{entry:?}").contains("argon2id"));
    }
}

#[tokio::test]
async fn who_has_left_is_not_active_and_holds_no_office() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    write.role_assign(&Role::new("headteacher"), &id("helen"), false, now(), None).await.unwrap();
    write.role_assign(&Role::new("headteacher"), &id("ivy"), true, later(10), None).await.unwrap();
    let dsl = write.role_assign(&Role::new("dsl"), &id("tess"), false, now(), None).await.unwrap();
    write.role_end(&dsl, later(30)).await.unwrap();
    let tie = Tie { kind: TieKind::Relative, from: id("helen"), to: id("tess") };
    write.tie_declare(&tie).await.unwrap();
    write.person_archive(&id("helen"), later(60)).await.unwrap();
    write.commit().await.unwrap();

    let headteacher = Role::new("headteacher");
    let holders = |minutes| kit.school.role_holders(&headteacher, later(minutes));
    assert_eq!(holders(5).await.unwrap().len(), 1);
    let both: Vec<_> = holders(15).await.unwrap().into_iter().map(|holding| holding.person).collect();
    assert_eq!(both, [id("helen"), id("ivy")]);
    assert!(kit.school.role_holders(&Role::new("dsl"), later(31)).await.unwrap().is_empty());

    let offices = kit.school.offices(later(29)).await.unwrap();
    assert!(offices.holds(&id("helen"), &Role::new("headteacher")) && offices.holds(&id("tess"), &Role::new("dsl")));
    assert!(offices.are_relatives(&id("tess"), &id("helen")));
    let offices = kit.school.offices(later(61)).await.unwrap();
    assert!(!offices.holds(&id("helen"), &Role::new("headteacher")));
    assert!(kit.school.person_active(later(61)).await.unwrap().iter().all(|person| person.id != id("helen")));
}

#[tokio::test]
async fn nobody_unknown_gets_an_office_and_nothing_of_that_transaction_is_kept() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    write.password_set(&id("tess"), "kept?").await.unwrap();
    let error = write.role_assign(&Role::new("dsl"), &id("stranger"), false, now(), None).await.unwrap_err();
    assert!(matches!(error, RecordsError::Dangling { operation: "role_assign", .. }), "{error:?}");
    // A later step that goes well does not heal the one that did not.
    write.role_assign(&Role::new("dsl"), &id("ivy"), false, now(), None).await.unwrap();
    assert!(matches!(write.commit().await, Err(RecordsError::Unfinished { operation: "role_assign" })));
    assert_eq!(kit.school.password_get(&id("tess")).await.unwrap(), None);
    assert!(kit.school.role_list().await.unwrap().is_empty());
    let mut write = kit.begin().await;
    assert!(matches!(write.role_end("none", now()).await, Err(RecordsError::Absent { .. })));
}

#[tokio::test]
async fn two_people_cannot_share_a_log_in() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    let twin = Person { login: Some("TESS".into()), ..person("twin", Capacity::Staff) };
    assert!(matches!(write.person_put(&twin).await, Err(RecordsError::Duplicate { .. })));
}

#[tokio::test]
async fn adopting_supersedes_what_was_in_force_and_can_go_back() {
    let kit = kit().await;
    let staff = policy("staff-ict");
    let pack = |text: &str| Pack::from([("policy.md".into(), text.to_owned()), ("tests.md".into(), String::new())]);
    let mut write = kit.begin().await;
    assert_eq!(write.policy_draft(&staff, "2.9", &pack("one")).await.unwrap(), 1);
    write.policy_adopt(&staff, 1).await.unwrap();
    assert_eq!(write.policy_draft(&staff, "3.0", &pack("two")).await.unwrap(), 2);
    write.policy_draft(&policy("pupil-ict"), "1", &pack("other")).await.unwrap();
    write.policy_adopt(&policy("pupil-ict"), 1).await.unwrap();
    write.commit().await.unwrap();
    let in_force =
        |editions: Vec<Edition>| editions.into_iter().map(|one| (one.policy, one.edition)).collect::<Vec<_>>();
    let now_in_force = kit.school.policy_in_force().await.unwrap();
    assert_eq!(in_force(now_in_force), [(policy("pupil-ict"), 1), (staff.clone(), 1)]);

    let mut write = kit.begin().await;
    write.policy_adopt(&staff, 2).await.unwrap();
    write.commit().await.unwrap();
    let adopted = kit.school.policy_list_adopted(&staff).await.unwrap();
    let states: Vec<_> = adopted.into_iter().map(|one| one.state).collect();
    assert_eq!(states, [EditionState::Superseded, EditionState::InForce]);

    let mut write = kit.begin().await;
    write.policy_adopt(&staff, 1).await.unwrap();
    assert!(matches!(write.policy_adopt(&staff, 7).await, Err(RecordsError::Absent { .. })));
    drop(write);
    let mut write = kit.begin().await;
    write.policy_adopt(&staff, 1).await.unwrap();
    write.commit().await.unwrap();
    let one = kit.school.policy_fetch(&staff, 1).await.unwrap().unwrap();
    assert_eq!((one.state, one.superseded_at, one.files), (EditionState::InForce, None, pack("one")));
    assert_eq!(*one.files_sha256, pack_sha256(&pack("one")));
    assert_ne!(pack_sha256(&pack("one")), pack_sha256(&pack("two")));
}

#[tokio::test]
async fn signing_twice_keeps_the_first() {
    let kit = kit().await;
    let long = "x".repeat(10_000);
    let first = Signature { browser: long.as_str().into(), ..signature("tess", "2.9") };
    let mut write = kit.begin().await;
    assert_eq!(write.signature_add(&first).await.unwrap(), Signed::Now);
    write.commit().await.unwrap();
    let again = Signature { at: later(5), browser: "other".into(), ..signature("tess", "2.9") };
    let head = kit.school.journal_head(Chain::Open).await.unwrap();
    let mut write = kit.begin().await;
    assert_eq!(write.signature_add(&again).await.unwrap(), Signed::Before { at: now() });
    write.commit().await.unwrap();
    assert_eq!(kit.school.journal_head(Chain::Open).await.unwrap(), head);

    let mut write = kit.begin().await;
    write.signature_add(&signature("tess", "3.0")).await.unwrap();
    write.signature_add(&signature("ivy", "2.9")).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.signature_count(&policy("staff-ict"), "2.9").await.unwrap(), 2);
    assert_eq!(kit.school.signature_versions().await.unwrap().len(), 3);
    let mine = kit.school.signature_list_for_person(&id("tess")).await.unwrap();
    assert_eq!(mine.len(), 2);
    assert!(mine.iter().all(|one| one.browser.len() <= 300));
    let page = kit.school.signature_list_for_policy(&policy("staff-ict"), "2.9", None, 1).await.unwrap();
    let next =
        kit.school.signature_list_for_policy(&policy("staff-ict"), "2.9", page.next.as_deref(), 1).await.unwrap();
    assert_eq!((page.items[0].person.clone(), next.items[0].person.clone()), (id("ivy"), id("tess")));
    assert_eq!(next.next, None);
}

#[tokio::test]
async fn an_erased_person_leaves_no_name_in_the_file() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    let named = Person {
        name: "Unmistakable Surname".into(),
        login: Some("unmistakable.surname".into()),
        ..person("p-17", Capacity::Pupil)
    };
    write.person_put(&named).await.unwrap();
    write.signature_add(&signature("p-17", "2.9")).await.unwrap();
    write.commit().await.unwrap();
    let mut write = kit.begin().await;
    write.person_erase(&id("p-17"), "left + 6 years").await.unwrap();
    write.commit().await.unwrap();

    assert_eq!(kit.school.person_fetch(&id("p-17")).await.unwrap(), None);
    assert!(kit.school.person_search("unmistakable", 10).await.unwrap().is_empty());
    let report = kit.school.journal_verify(&[]).await.unwrap();
    assert_eq!((report.standing, report.erased_count), (Standing::Consistent, 2));
    assert_eq!(&*report.erased[0].rule, "left + 6 years");
    assert_eq!(kit.school.erasure_list().await.unwrap()[0].person, id("p-17"));
    let path = kit.store.path().to_owned();
    kit.store.clone().close().await.unwrap();
    let bytes = std::fs::read(path).unwrap().to_ascii_lowercase();
    assert!(!bytes.windows(12).any(|window| window == b"unmistakable"));
}
