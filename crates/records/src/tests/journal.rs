//! What the journal notices.

use sea_orm::ConnectionTrait;

use super::*;

async fn tamper(kit: &Kit, sql: &str) {
    kit.store.writer.execute_unprepared(sql).await.unwrap();
}

async fn kinds(kit: &Kit, anchors: &[JournalHead]) -> Vec<JournalProblemKind> {
    let report = kit.school.journal_verify(anchors).await.unwrap();
    let kinds: Vec<_> = report.problems.into_iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds.is_empty(), report.standing != Standing::Damaged);
    kinds
}

#[tokio::test]
async fn each_change_is_one_note_with_actor_time_and_body() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    write.signature_add(&signature("tess", "2.9")).await.unwrap();
    write.commit().await.unwrap();
    let entries = kit.school.journal_list(0, 500).await.unwrap();
    let list: Vec<_> = entries.iter().map(|entry| (entry.seq, &*entry.kind, &*entry.actor)).collect();
    assert_eq!(
        list,
        [
            (1, "school_create", "program:install"),
            (2, "person_put", "program:install"),
            (3, "person_put", "program:install"),
            (4, "person_put", "program:install"),
            (5, "signature_add", "person:ivy"),
        ]
    );
    let NoteBody::Kept(body) = &entries[4].body else { panic!("erased") };
    assert_eq!(serde_json::from_str::<Signature>(body).unwrap(), signature("tess", "2.9"));
    assert_eq!(kit.school.journal_list(4, 500).await.unwrap().len(), 1);
}

#[tokio::test]
async fn consistent_without_an_anchor_unaltered_with_one() {
    let kit = kit().await;
    let anchor = kit.school.journal_head(Chain::Open).await.unwrap();
    assert_eq!((anchor.seq, anchor.hash.len()), (4, 64));
    assert_eq!(kit.standing().await, Standing::Consistent);
    let mut write = kit.begin().await;
    write.password_set(&id("tess"), "x").await.unwrap();
    write.commit().await.unwrap();
    let half = kit.school.journal_verify(std::slice::from_ref(&anchor)).await.unwrap();
    assert_eq!(half.standing, Standing::Consistent, "nothing vouches for the sealed chain");
    let both = [anchor.clone(), kit.school.journal_head(Chain::Sealed).await.unwrap()];
    let report = kit.school.journal_verify(&both).await.unwrap();
    assert_eq!((report.standing, report.notes), (Standing::Unaltered, 5));
    let other = JournalHead { hash: "00".repeat(32).into(), ..anchor.clone() };
    assert_eq!(kinds(&kit, &[other]).await, [JournalProblemKind::Anchor]);
    let beyond = JournalHead { seq: 99, ..anchor };
    assert_eq!(kinds(&kit, &[beyond]).await, [JournalProblemKind::Anchor]);
}

#[tokio::test]
async fn what_is_altered_is_named() {
    for (sql, expected) in [
        ("UPDATE journal SET actor = 'person:helen' WHERE seq = 2", vec![JournalProblemKind::Altered]),
        ("UPDATE journal SET at = at + 1 WHERE seq = 2", vec![JournalProblemKind::Altered]),
        ("UPDATE journal_body SET bytes = x'7b7d' WHERE seq = 3", vec![JournalProblemKind::BodyAltered]),
        ("UPDATE journal_body SET bytes = NULL, salt = NULL WHERE seq = 3", vec![JournalProblemKind::BodyMissing]),
        ("DELETE FROM journal_body WHERE seq = 3", vec![JournalProblemKind::BodyMissing]),
        ("UPDATE journal SET hash = x'00' WHERE seq = 4", vec![JournalProblemKind::Altered, JournalProblemKind::Head]),
        (
            "DELETE FROM journal_body WHERE seq = 2; DELETE FROM journal WHERE seq = 2",
            vec![JournalProblemKind::Gap, JournalProblemKind::Unchained],
        ),
        ("DELETE FROM journal_body WHERE seq = 4; DELETE FROM journal WHERE seq = 4", vec![JournalProblemKind::Head]),
        ("DELETE FROM journal_body; DELETE FROM journal", vec![JournalProblemKind::Head]),
        ("UPDATE journal_head SET seq = 9", vec![JournalProblemKind::Head]),
        (
            "UPDATE journal_head SET seq = 3, hash = (SELECT hash FROM journal WHERE seq = 3)",
            vec![JournalProblemKind::Beyond],
        ),
        // An erasure that no note tells of.
        (
            "UPDATE journal_body SET bytes = NULL, salt = NULL, erased_by_rule = 'x', erased_at = 1 WHERE seq = 3",
            vec![JournalProblemKind::BodyMissing],
        ),
    ] {
        let kit = kit().await;
        tamper(&kit, sql).await;
        assert_eq!(kinds(&kit, &[]).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn a_journal_longer_than_a_page_is_walked_whole() {
    let kit = kit().await;
    let mut write = kit.begin().await;
    for number in 0..1_203 {
        write.person_put(&person(&format!("p{number}"), Capacity::Pupil)).await.unwrap();
    }
    write.commit().await.unwrap();
    let report = kit.school.journal_verify(&[]).await.unwrap();
    assert_eq!((report.standing, report.notes), (Standing::Consistent, 1_207));
    tamper(&kit, "UPDATE journal_body SET bytes = x'7b7d' WHERE seq = 1100").await;
    assert_eq!(kit.school.journal_verify(&[]).await.unwrap().problems[0].seq, 1_100);
}

#[tokio::test]
async fn rows_that_came_or_went_behind_the_journal_are_noticed() {
    for sql in [
        "DELETE FROM signature WHERE person = 'tess'",
        "INSERT INTO signature SELECT school_id, person, policy, '9', clauses, rendering_sha256, difference, language, \
         at, address, browser FROM signature",
    ] {
        let kit = kit().await;
        let mut write = kit.begin().await;
        write.signature_add(&signature("tess", "2.9")).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(kit.standing().await, Standing::Consistent);
        tamper(&kit, sql).await;
        let report = kit.school.journal_verify(&[]).await.unwrap();
        assert_eq!(report.standing, Standing::Damaged, "{sql}");
        let wrong: Vec<_> = report.rows.iter().filter(|count| count.rows != count.notes).collect();
        assert_eq!((wrong.len(), wrong[0].table, wrong[0].notes), (1, "signature", 1));
    }
}
