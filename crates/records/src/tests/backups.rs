//! Backup and restore.

use std::fs;

use schoolgate_keys::KeyHolder;

use super::*;

fn restoring<'a>(from: &'a Path, keys: &Arc<KeyRing>, erasures: &'a [Erasure]) -> Restoring<'a> {
    Restoring { from, keys: Arc::clone(keys), erasures, loses_sealed: false }
}

#[tokio::test]
async fn a_backup_comes_back_whole_with_keys_kept_apart() {
    let kit = kit().await;
    let concern = case(kit.school.id(), "c1", "tess", report("helen"));
    let mut write = kit.begin().await;
    write.signature_add(&signature("tess", "2.9")).await.unwrap();
    let to = vec![KeyHolder::Office(Role::new("chair"))];
    write.case_open(&concern, Privacy::Sealed { to }).await.unwrap();
    write.commit().await.unwrap();

    let apart = tempfile::tempdir().unwrap();
    let copy = apart.path().join("backup");
    // In the middle of somebody's transaction: it is not in the backup, and does not stop it.
    let manifest = backup(&kit.store, &copy, &[], later(1)).await.unwrap();
    let mut names: Vec<_> = fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["manifest.json", "records.sqlite"]);
    assert_eq!(manifest.heads[kit.school.id()]["sealed"].seq, 1);
    assert!(matches!(backup(&kit.store, &copy, &[], later(2)).await, Err(RecordsError::NotEmpty { .. })));

    let target = apart.path().join("new");
    kit.keys.export(&target).unwrap();
    let keys = Arc::new(KeyRing::open(&target).unwrap());
    let reports = restore(restoring(&copy, &keys, &[]), &target, later(3)).await.unwrap();
    assert_eq!(reports[kit.school.id()].standing, Standing::Consistent);
    let restored = Store::open(&target, keys).await.unwrap().school(kit.school.id());
    assert_eq!(restored.signature_list_for_person(&id("tess")).await.unwrap(), [signature("tess", "2.9")]);
    let chair = viewer("carl", &["chair"]);
    assert_eq!(restored.case_fetch_for(&chair, &concern.id).await.unwrap().unwrap().case, concern);
    let head = restored.journal_head(Chain::Open).await.unwrap();
    assert_eq!(head, kit.school.journal_head(Chain::Open).await.unwrap());
}

#[tokio::test]
async fn a_restore_refuses_a_directory_that_holds_anything() {
    let kit = kit().await;
    let apart = tempfile::tempdir().unwrap();
    let copy = apart.path().join("backup");
    backup(&kit.store, &copy, &[], now()).await.unwrap();
    let error = restore(restoring(&copy, &kit.keys, &[]), kit.path(), now()).await.unwrap_err();
    assert!(matches!(error, RecordsError::NotEmpty { .. }), "{error:?}");
    assert_eq!(kit.standing().await, Standing::Consistent);
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_leaves_no_records() {
    let kit = kit().await;
    let apart = tempfile::tempdir().unwrap();
    let copy = apart.path().join("backup");
    backup(&kit.store, &copy, &[], now()).await.unwrap();
    let target = apart.path().join("new");
    let attempt = async || restore(restoring(&copy, &kit.keys, &[]), &target, now()).await.unwrap_err().to_string();

    let database = copy.join("records.sqlite");
    let whole = fs::read(&database).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&database, &flipped).unwrap();
    assert!(attempt().await.contains("not the one in its manifest"));
    fs::write(&database, &whole[..whole.len() - 4096]).unwrap();
    assert!(attempt().await.contains("not the one in its manifest"));
    fs::write(&database, &whole).unwrap();

    let manifest = copy.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert!(attempt().await.contains("format 2"));
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    assert!(attempt().await.contains("unreadable manifest"));
    fs::remove_file(&manifest).unwrap();
    assert!(attempt().await.contains("no manifest"));
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    fs::write(&manifest, &text).unwrap();
    restore(restoring(&copy, &kit.keys, &[]), &target, now()).await.unwrap();
}

#[tokio::test]
async fn a_journal_that_is_not_the_manifests_is_refused() {
    let kit = kit().await;
    let apart = tempfile::tempdir().unwrap();
    let copy = apart.path().join("backup");
    let manifest = backup(&kit.store, &copy, &[], now()).await.unwrap();
    let head = &manifest.heads[kit.school.id()]["open"].hash;
    let path = copy.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap().replace(&**head, &"00".repeat(32));
    fs::write(&path, text).unwrap();
    let error = restore(restoring(&copy, &kit.keys, &[]), &apart.path().join("new"), now()).await.unwrap_err();
    assert!(error.to_string().contains("journal of `riverside` is damaged"), "{error}");
}

#[tokio::test]
async fn a_restore_forgets_whoever_was_erased_since() {
    let kit = kit().await;
    let apart = tempfile::tempdir().unwrap();
    let copy = apart.path().join("backup");
    backup(&kit.store, &copy, &[], now()).await.unwrap();
    let mut write = kit.school.begin(Actor::Person(id("ivy")), later(10)).await.unwrap();
    write.person_put(&person("came-after", Capacity::Pupil)).await.unwrap();
    write.person_erase(&id("tess"), "left + 6 years").await.unwrap();
    write.person_erase(&id("came-after"), "left + 6 years").await.unwrap();
    write.commit().await.unwrap();
    let erasures = kit.school.erasure_list().await.unwrap();
    assert_eq!(erasures.len(), 2);

    let target = apart.path().join("new");
    restore(restoring(&copy, &kit.keys, &erasures), &target, later(20)).await.unwrap();
    let restored = Store::open(&target, Arc::clone(&kit.keys)).await.unwrap().school(kit.school.id());
    assert_eq!(restored.person_fetch(&id("tess")).await.unwrap(), None);
    assert!(restored.person_fetch(&id("ivy")).await.unwrap().is_some());
    assert_eq!(restored.journal_verify(&[]).await.unwrap().erased_count, 1);
    let last = restored.journal_list(0, 500).await.unwrap().pop().unwrap();
    assert_eq!((&*last.kind, &*last.actor), ("person_erase", "program:restore"));
}

#[tokio::test]
async fn a_restore_with_older_keys_loses_nothing_silently() {
    let kit = kit().await;
    let apart = tempfile::tempdir().unwrap();
    let (copy, older, target) = (apart.path().join("backup"), apart.path().join("older"), apart.path().join("new"));
    kit.keys.export(&older).unwrap();
    let mut write = kit.begin().await;
    let to = vec![KeyHolder::Office(Role::new("chair"))];
    write.case_open(&case(kit.school.id(), "c1", "tess", report("helen")), Privacy::Sealed { to }).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.journal_verify(&[]).await.unwrap().unopened.count, 0);
    backup(&kit.store, &copy, &[], now()).await.unwrap();
    let keys = Arc::new(KeyRing::open(&older).unwrap());
    let refused = restore(restoring(&copy, &keys, &[]), &target, now()).await;
    assert!(matches!(refused, Err(RecordsError::LosesSealed { count: 1, .. })), "{refused:?}");
    let confirmed = Restoring { loses_sealed: true, ..restoring(&copy, &keys, &[]) };
    let reports = restore(confirmed, &target, now()).await.unwrap();
    assert_eq!(reports[kit.school.id()].unopened, Unopened { count: 0, untried: 1 }, "no office had a key then");
}

#[tokio::test]
async fn what_is_copied_beside_the_records_is_closed_too() {
    use std::os::unix::fs::PermissionsExt;
    let kit = kit().await;
    let apart = tempfile::tempdir().unwrap();
    let (copy, mark, target) =
        (apart.path().join("backup"), apart.path().join("school.json"), apart.path().join("new"));
    fs::write(&mark, "a mark").unwrap();
    fs::set_permissions(&mark, fs::Permissions::from_mode(0o644)).unwrap();
    backup(&kit.store, &copy, std::slice::from_ref(&mark), now()).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&copy.join("school.json")), 0o600);
    fs::set_permissions(copy.join("records.sqlite"), fs::Permissions::from_mode(0o644)).unwrap();
    restore(restoring(&copy, &kit.keys, &[]), &target, now()).await.unwrap();
    assert_eq!(mode(&target.join("records.sqlite")), 0o600);
}
