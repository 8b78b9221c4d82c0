//! Publishing, reading, and every way a file can be wrong.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_base::{Calendar, SchoolId};
use schoolgate_decide::snapshot::{Live, People, Program};
use schoolgate_decide::{Categories, CategoryTable};
use schoolgate_keys::KeyRing;

use crate::{Changes, Mapped, Publisher, Reader, SnapshotError, follow};

fn now() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().unwrap()
}

fn school() -> SchoolId {
    SchoolId::new("riverside").unwrap()
}

fn no_lists(_: Arc<Mapped>) -> Result<Arc<dyn Categories>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Arc::new(CategoryTable::default()))
}

fn program() -> Program {
    Program::new(Calendar::plain(TimeZone::UTC))
}

fn everything() -> Changes {
    Changes {
        lists: Some(b"index".to_vec()),
        program: Some(program()),
        people: Some(People::default()),
        live: Some(Live::default()),
    }
}

struct Kit {
    folder: tempfile::TempDir,
    keys: Arc<KeyRing>,
}

impl Kit {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Arc::new(KeyRing::create(folder.path()).unwrap());
        Self { folder, keys }
    }

    fn dir(&self) -> &Path {
        self.folder.path()
    }

    fn publisher(&self) -> Publisher {
        Publisher::open(&self.dir().join("snapshot"), &school(), Arc::clone(&self.keys)).unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::new(&self.dir().join("snapshot"), &school(), self.keys.signing().verifying_key(), no_lists)
    }

    fn spoil(&self, file: &str, change: impl Fn(&mut Vec<u8>)) {
        let path = self.dir().join("snapshot").join(file);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn what_is_published_is_read_and_unchanged_parts_are_shared() {
    let kit = Kit::new();
    let mut publisher = kit.publisher();
    assert!(matches!(publisher.publish(&Changes::default(), now()), Err(SnapshotError::Incomplete { part: "lists" })));
    publisher.publish(&everything(), now()).unwrap();
    let mut reader = kit.reader();
    let first = reader.load().unwrap().unwrap();
    assert!(reader.load().unwrap().is_none());
    publisher.publish(&Changes { live: Some(Live::default()), ..Changes::default() }, now()).unwrap();
    let second = reader.load().unwrap().unwrap();
    assert_eq!((first.root.number, second.root.number), (1, 2));
    assert!(Arc::ptr_eq(&first.program, &second.program) && Arc::ptr_eq(&first.lists, &second.lists));
    // Another process continues where this one stopped.
    assert_eq!(kit.publisher().publish(&everything(), now()).unwrap().number, 3);
}

#[test]
fn a_spoiled_file_leaves_the_old_root_in_force() {
    let changes: [fn(&mut Vec<u8>); 3] = [
        |bytes| {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        },
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.clear(),
    ];
    for file in ["root.json", "program-1.part", "lists-1.part"] {
        for change in changes {
            let kit = Kit::new();
            kit.publisher().publish(&everything(), now()).unwrap();
            kit.spoil(file, change);
            assert!(kit.reader().load().is_err(), "{file}");
        }
    }
}

#[test]
fn another_schools_files_and_keys_are_refused() {
    let kit = Kit::new();
    kit.publisher().publish(&everything(), now()).unwrap();
    let dir = kit.dir().join("snapshot");
    let other = SchoolId::new("hillside").unwrap();
    let key = kit.keys.signing().verifying_key();
    assert!(matches!(Reader::new(&dir, &other, key, no_lists).load(), Err(SnapshotError::OtherSchool { .. })));
    let stranger = Kit::new().keys.signing().verifying_key();
    assert!(matches!(Reader::new(&dir, &school(), stranger, no_lists).load(), Err(SnapshotError::Signature { .. })));
}

#[test]
fn a_part_of_another_kind_cannot_stand_in() {
    let kit = Kit::new();
    kit.publisher().publish(&everything(), now()).unwrap();
    let dir = kit.dir().join("snapshot");
    fs::copy(dir.join("people-1.part"), dir.join("live-1.part")).unwrap();
    assert!(matches!(kit.reader().load(), Err(SnapshotError::Damaged { .. })));
}

#[test]
fn an_older_root_does_not_come_back() {
    let kit = Kit::new();
    let mut publisher = kit.publisher();
    publisher.publish(&everything(), now()).unwrap();
    let old = fs::read(kit.dir().join("snapshot/root.json")).unwrap();
    publisher.publish(&everything(), now()).unwrap();
    let mut reader = kit.reader();
    reader.load().unwrap().unwrap();
    fs::write(kit.dir().join("snapshot/root.json"), old).unwrap();
    assert!(matches!(reader.load(), Err(SnapshotError::Older { .. })));
}

#[tokio::test]
async fn a_follower_hears_of_a_publish() {
    let kit = Kit::new();
    let mut publisher = kit.publisher();
    publisher.publish(&everything(), now()).unwrap();
    let (mut snapshots, follower) = follow(kit.reader(), Some(publisher.nudges())).unwrap().unwrap();
    assert_eq!(snapshots.borrow().root.number, 1);
    let following = follower.run();
    let publishing = async {
        publisher.publish(&everything(), now()).unwrap();
        snapshots.wait_for(|snapshot| snapshot.root.number == 2).await.unwrap();
    };
    tokio::select! {
        () = following => panic!("the follower stopped"),
        () = publishing => {}
    }
}

#[test]
fn a_folder_that_is_shared_with_a_group_is_read_by_it_and_by_nobody_else() {
    let check = |before: u32, expected: (u32, u32)| {
        let kit = Kit::new();
        let folder = kit.dir().join("snapshot");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(before)).unwrap();
        kit.publisher().publish(&everything(), now()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let files: Vec<u32> = fs::read_dir(&folder).unwrap().map(|entry| mode(&entry.unwrap().path())).collect();
        assert!(files.iter().all(|mode| *mode == expected.1), "{before:o}: {files:?}");
        assert_eq!((mode(&folder), files.len()), (expected.0, 5));
    };
    check(0o755, (0o700, 0o600));
    check(0o2700, (0o700, 0o600));
    check(0o2755, (0o2750, 0o640));
}
