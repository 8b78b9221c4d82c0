//! A disk that is full for a while.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use crate::service::Service;

/// Longer than a gateway waits for a word of control.
const FULL_FOR: Duration = Duration::from_secs(8);

/// Gives the program's events a small disk of their own.
const SMALL_DISK: &str = "mkdir -p \"$4/events\" && mount -t tmpfs -o size=2m none \"$4/events\" && exec \"$@\"";

#[test]
#[expect(clippy::disallowed_methods, reason = "about real time: what is said while the disk is full")]
fn a_full_disk_is_said_once_and_cuts_no_link() {
    let service = Service::start_with(&["unshare", "--mount", "sh", "-c", SMALL_DISK, "sh"], "");
    service.logged("the gateway is open");
    service.curl("http://first.example/");
    // Its own view of the files: nobody else sees that disk.
    let within = service.data().strip_prefix("/").unwrap().join("events/filling");
    let filling = std::path::Path::new("/proc").join(service.pid().to_string()).join("root").join(within);
    let mut file = File::create(&filling).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}
    let began = Instant::now();
    while began.elapsed() < FULL_FOR {
        let answer = service.curl("http://while-it-is-full.example/");
        assert!(answer.contains("303"), "doors go on: {answer}");
    }
    drop(file);
    fs::remove_file(&filling).unwrap();
    let lines = service.logged_until("the spool is written again");
    let said = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
    assert_eq!(said("the spool cannot be written"), 1, "{lines:#?}");
    assert_eq!(said("a gateway has gone") + said("the link to control broke"), 0, "{lines:#?}");
}
