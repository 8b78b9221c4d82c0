//! Open and sealed cases.

use schoolgate_keys::KeyHolder;
use sea_orm::ConnectionTrait;

use super::*;

fn office(name: &str) -> KeyHolder {
    KeyHolder::Office(Role::new(name))
}

async fn open(kit: &Kit, case: &Case, privacy: Privacy) {
    let mut write = kit.school.begin(Actor::Person(case.by.clone()), case.opened_at).await.unwrap();
    write.case_open(case, privacy).await.unwrap();
    write.commit().await.unwrap();
}

async fn seen(kit: &Kit, viewer: &Viewer) -> Vec<String> {
    let mut ids = Vec::new();
    for wanted in [Wanted::Open, Wanted::Sealed] {
        let page = kit.school.case_list_for(viewer, wanted, None, 100).await.unwrap();
        ids.extend(page.items.into_iter().map(|file| file.case.id.to_string()));
    }
    ids
}

#[tokio::test]
async fn parties_find_their_cases_and_others_do_not() {
    let kit = kit().await;
    let asked = case(kit.school.id(), "c1", "tess", request());
    let parties = vec![KeyHolder::Person(id("tess")), office("it-technician")];
    open(&kit, &asked, Privacy::Open { parties }).await;
    assert_eq!(seen(&kit, &viewer("tess", &[])).await, ["c1"]);
    assert_eq!(seen(&kit, &viewer("ivy", &["it-technician", "dsl"])).await, ["c1"]);
    assert!(seen(&kit, &viewer("ivy", &[])).await.is_empty());
    let stranger = viewer("helen", &["headteacher"]);
    assert!(kit.school.case_fetch_for(&stranger, &asked.id).await.unwrap().is_none());
    let file = kit.school.case_fetch_open(&asked.id).await.unwrap().unwrap();
    assert_eq!((&file.case, file.is_sealed()), (&asked, false));
    let control = asked.pin.control.clone();
    assert_eq!(kit.school.case_list_open(Some(&control), None, 10).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_sealed_case_is_absent_for_everybody_else() {
    let kit = kit().await;
    let head = viewer("helen", &["headteacher", "deputy-dsl"]);
    let looks = async || {
        let list = kit.school.case_list_for(&head, Wanted::Sealed, None, 10).await.unwrap();
        let open = kit.school.case_list_open(None, None, 10).await.unwrap();
        let journal = kit.school.journal_list(0, 500).await.unwrap();
        let chain = kit.school.journal_head(Chain::Open).await.unwrap();
        format!("{list:?} {open:?} {journal:?} {chain:?}")
    };
    let before = looks().await;
    let concern = case(kit.school.id(), "c2", "tess", report("helen"));
    // Sealed also to an office that the subject holds: still not for her.
    let to = vec![KeyHolder::Person(id("tess")), office("chair-of-governors"), office("deputy-dsl")];
    open(&kit, &concern, Privacy::Sealed { to }).await;
    assert_eq!(looks().await, before);
    assert!(kit.school.case_fetch_for(&head, &concern.id).await.unwrap().is_none());

    let chair = viewer("carl", &["chair-of-governors"]);
    let file = kit.school.case_fetch_for(&chair, &concern.id).await.unwrap().unwrap();
    assert_eq!((&file.case, file.is_sealed()), (&concern, true));
    assert!(!format!("{file:?}").contains("helen"));
    assert_eq!(seen(&kit, &viewer("tess", &[])).await, ["c2"]);
    assert_eq!(kit.school.journal_head(Chain::Sealed).await.unwrap().seq, 1);
    assert_eq!(kit.standing().await, Standing::Consistent);
}

#[tokio::test]
async fn nothing_of_a_sealed_case_is_in_the_file() {
    let kit = kit().await;
    let mut concern = case(kit.school.id(), "c3", "tess", report("helen"));
    concern.values.insert("what".into(), schoolgate_cases::Value::Text("unmistakable words".into()));
    concern.pin.control = "unmistakable-policy#concerns/report".parse().unwrap();
    open(&kit, &concern, Privacy::Sealed { to: vec![office("unmistakable-office")] }).await;
    kit.store.clone().close().await.unwrap();
    let bytes = std::fs::read(kit.store.path()).unwrap();
    assert!(!bytes.windows(12).any(|window| window == b"unmistakable"));
}

#[tokio::test]
async fn a_page_is_not_shorter_for_what_may_not_be_seen() {
    let kit = kit().await;
    for number in 0..9 {
        let mut one = case(kit.school.id(), &format!("c{number}"), "tess", request());
        one.opened_at = later(number);
        // Every third is about the reader herself.
        one.body = report(if number % 3 == 0 { "helen" } else { "ivy" });
        open(&kit, &one, Privacy::Sealed { to: vec![office("headteacher")] }).await;
    }
    let head = viewer("helen", &["headteacher"]);
    let first = kit.school.case_list_for(&head, Wanted::Sealed, None, 4).await.unwrap();
    let ids = |page: &Page<CaseFile>| page.items.iter().map(|file| file.case.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&first), ["c8", "c7", "c5", "c4"]);
    let second = kit.school.case_list_for(&head, Wanted::Sealed, first.next.as_deref(), 4).await.unwrap();
    assert_eq!((ids(&second), second.next), (vec!["c2".to_owned(), "c1".to_owned()], None));
}

#[tokio::test]
async fn a_list_of_one_kind_is_not_filled_by_the_other() {
    let kit = kit().await;
    let to = || vec![office("chair-of-governors")];
    let concern = case(kit.school.id(), "c0", "tess", report("helen"));
    open(&kit, &concern, Privacy::Sealed { to: to() }).await;
    for number in 1..5 {
        let mut one = case(kit.school.id(), &format!("c{number}"), "tess", request());
        one.opened_at = later(number);
        if number % 2 == 0 {
            one.state = CaseState::Withdrawn;
        }
        open(&kit, &one, Privacy::Open { parties: to() }).await;
    }
    let chair = viewer("carl", &["chair-of-governors"]);
    for (wanted, expected) in
        [(Wanted::Open, vec!["c4", "c3"]), (Wanted::OpenWaiting, vec!["c3", "c1"]), (Wanted::Sealed, vec!["c0"])]
    {
        let page = kit.school.case_list_for(&chair, wanted, None, 2).await.unwrap();
        let ids = page.items.iter().map(|file| file.case.id.as_str()).collect::<Vec<_>>();
        assert_eq!(ids, expected, "{wanted:?}");
    }
}

#[tokio::test]
async fn a_trail_grows_and_never_changes() {
    for is_sealed in [false, true] {
        let kit = kit().await;
        let body = if is_sealed { report("ivy") } else { request() };
        let asked = case(kit.school.id(), "c1", "tess", body);
        let parties = vec![office("headteacher")];
        let privacy = if is_sealed { Privacy::Sealed { to: parties } } else { Privacy::Open { parties } };
        open(&kit, &asked, privacy).await;
        let head = viewer("helen", &["headteacher"]);
        let file = kit.school.case_fetch_for(&head, &asked.id).await.unwrap().unwrap();

        let mut changed = file.clone();
        changed.case.trail.push(Entry {
            at: later(1),
            by: CaseActor::Office { person: id("helen"), role: Role::new("headteacher") },
            act: Act::Acknowledged,
        });
        changed.case.state = CaseState::Acknowledged;
        changed.party_add(office("dsl"));
        let mut write = kit.begin().await;
        write.case_append(&changed).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(seen(&kit, &viewer("dora", &["dsl"])).await, ["c1"]);

        // Whoever read it before must read again.
        let mut write = kit.begin().await;
        assert!(matches!(write.case_append(&file).await, Err(RecordsError::Stale { .. })));
        drop(write);
        let now_file = kit.school.case_fetch_for(&head, &asked.id).await.unwrap().unwrap();
        assert_eq!((now_file.case.trail.len(), now_file.case.state), (2, CaseState::Acknowledged));
        let mut rewritten = now_file.clone();
        rewritten.case.trail.remove(0);
        let mut begun_otherwise = now_file.clone();
        begun_otherwise.case.by = id("helen");
        for wrong in [rewritten, begun_otherwise] {
            let mut write = kit.begin().await;
            assert!(matches!(write.case_append(&wrong).await, Err(RecordsError::Refused { .. })));
        }
        assert_eq!(kit.standing().await, Standing::Consistent);
    }
}

#[tokio::test]
async fn another_schools_case_is_refused() {
    let kit = kit().await;
    let foreign = case(&SchoolId::new("hilltop").unwrap(), "c1", "tess", request());
    let mut write = kit.begin().await;
    let refused = write.case_open(&foreign, Privacy::Open { parties: Vec::new() }).await;
    assert!(matches!(refused, Err(RecordsError::Refused { .. })));
}

#[tokio::test]
async fn a_damaged_row_takes_no_other_away() {
    let kit = kit().await;
    for (number, name) in ["c1", "c2"].into_iter().enumerate() {
        let mut one = case(kit.school.id(), name, "tess", report("ivy"));
        one.opened_at = later(i64::try_from(number).unwrap());
        open(&kit, &one, Privacy::Sealed { to: vec![office("headteacher")] }).await;
    }
    let damage = "UPDATE case_file SET sealed = X'00' WHERE id = 'c2'";
    kit.store.writer.execute_unprepared(damage).await.unwrap();
    assert_eq!(seen(&kit, &viewer("helen", &["headteacher"])).await, ["c1"]);
    let all = kit.school.case_list_sealed(None).await.unwrap();
    assert_eq!(all.items.len(), 1);
}

#[tokio::test]
async fn keys_that_are_somewhere_else_are_no_empty_list() {
    let kit = kit().await;
    let one = case(kit.school.id(), "c1", "tess", report("ivy"));
    open(&kit, &one, Privacy::Sealed { to: vec![office("headteacher")] }).await;
    let keys = kit.keys.dir();
    std::fs::rename(keys.join("offices"), keys.join("elsewhere")).unwrap();
    let head = viewer("helen", &["headteacher"]);
    let mine = kit.school.case_list_for(&head, Wanted::Sealed, None, 100).await.unwrap_err();
    let all = kit.school.case_list_sealed(None).await.unwrap_err();
    assert!(mine.is_unavailable() && all.is_unavailable(), "{mine} {all}");
    let unopened = kit.school.journal_verify(&[]).await.unwrap().unopened;
    assert_eq!(unopened, Unopened { count: 0, untried: 1 });
}
