//! `kill -9` while signatures are written: everything acknowledged is there afterwards.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};

use schoolgate_keys::random_bytes;

use super::*;

/// Set in the process that is to be killed; its value is the data directory.
const CHILD: &str = "SCHOOLGATE_TEST_CRASH_DIR";

/// In an ordinary run this does nothing; in the child it writes until it is killed.
#[tokio::test]
async fn writes_until_killed_when_told_so() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let dir = std::path::PathBuf::from(dir);
    let store = Store::open(&dir, Arc::new(KeyRing::open(&dir).unwrap())).await.unwrap();
    let school = store.school(&SchoolId::new("riverside").unwrap());
    let begun = school.signature_versions().await.unwrap().len();
    for number in begun..1_000_000 {
        let mut write = school.begin(Actor::Person(id("tess")), now()).await.unwrap();
        write.signature_add(&signature("tess", &format!("v{number}"))).await.unwrap();
        write.person_put(&person("ivy", Capacity::Staff)).await.unwrap();
        write.commit().await.unwrap();
        println!("\nacknowledged v{number}");
        std::io::stdout().flush().unwrap();
    }
}

#[tokio::test]
async fn everything_acknowledged_survives_kill_9() {
    let Kit { dir, keys, store, school } = kit().await;
    store.close().await.unwrap();
    for _ in 0..4 {
        let wanted = 1 + usize::from(random_bytes::<1>().unwrap()[0] % 40);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::crash::writes_until_killed_when_told_so", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acknowledged = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(version) = line.strip_prefix("acknowledged ") {
                acknowledged.push(version.to_owned());
            }
            if acknowledged.len() == wanted {
                // SIGKILL; what the child said before it died is still read.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(wanted <= acknowledged.len(), "the child ended by itself");

        let store = Store::open(dir.path(), Arc::clone(&keys)).await.unwrap();
        let school = store.school(school.id());
        let kept: Vec<_> =
            school.signature_versions().await.unwrap().into_iter().map(|one| one.version.to_string()).collect();
        for version in &acknowledged {
            assert!(kept.contains(version), "{version} was acknowledged and is lost");
        }
        let report = school.journal_verify(&[]).await.unwrap();
        assert_eq!(report.standing, Standing::Consistent);
        let signed = school.journal_list(0, 500).await.unwrap();
        let signed = signed.iter().filter(|entry| &*entry.kind == "signature_add").count();
        assert_eq!(signed, kept.len(), "a signature without its note, or a note without its signature");
        assert!(store.integrity().await.unwrap().is_empty());
        store.close().await.unwrap();
    }
}
