//! What is reported can be read by whom it is for, and by no process on its own.

use std::fs;
use std::process::Command;

use crate::school::{POLICY, School, after};
use crate::service::{PROGRAM, said};

const WORRY: &str = "2.1 {#worry} We say when something worries us.\n\n```control\n[[report]]\nkind = \"worry\"\n\
    title = \"Something worries me\"\nto = [\"it-technician\"]\nform = [\"what\"]\n```\n";
const WORDS: &str = "the door of the server room stands open";

#[test]
fn a_report_is_opened_with_keys_that_only_the_signer_has() {
    let policy = format!("{POLICY}\n{WORRY}");
    let mut school = School::start(&policy, |folder| {
        format!("[processes]\nsigner_keys = \"{}\"\n", folder.join("signer").display())
    });
    school.ca = school.folder.path().join("signer/ca.pem");
    // Answered when all three run.
    let first = school.curl_from("127.0.0.1", "http://first.example/");
    assert!(first.contains("HTTP/1.1"), "{first}\n{}", school.log());
    school.sign_in();
    let token = after(&school.page("/reports/new/worry", &[]), "name=\"token\" value=\"");
    let preview = school.page("/reports/new/worry", &[("token", &token), ("what", WORDS)]);
    let once = after(&preview, "name=\"once\" value=\"");
    let fields = [("token", token.as_str()), ("what", WORDS), ("once", &once), ("step", "send")];
    let sent = school.page("/reports/new/worry", &fields);
    assert!(sent.contains("303"), "{sent}\n{}", school.log());
    let case = sent.split("location: /reports/sent/").nth(1).unwrap().lines().next().unwrap().trim();
    let shown = school.page(&format!("/cases/{case}"), &[]);
    assert!(shown.contains(WORDS), "{shown}");

    // The administrator's look, beside the signer and, when it has stopped, by its files.
    let data = school.folder.path().join("data");
    let settings = school.folder.path().join("schoolgate.toml");
    let verify = |with: &[&str]| {
        let output = Command::new(PROGRAM).args(["verify", "--data"]).arg(&data).args(with).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let by_settings = ["--settings", settings.to_str().unwrap()];
    assert!(verify(&[]).contains("1 sealed reports were not tried"));
    assert!(!verify(&by_settings).contains("sealed"));
    school.stop();
    assert!(!verify(&by_settings).contains("sealed"));
    let office = ["people", "office", "--end", "--data"];
    let ended = Command::new(PROGRAM).args(office).arg(&data).args(["tess", "it-technician"]).output().unwrap();
    assert!(said(&ended).contains("when the service starts"), "{}", said(&ended));

    let folder = school.folder.path();
    assert!(folder.join("signer/offices/it-technician.age").exists());
    assert!(!folder.join("data/keys/offices").exists(), "control has a key of an office");
    let records = fs::read(folder.join("data/records.sqlite")).unwrap();
    assert!(!records.windows(WORDS.len()).any(|window| window == WORDS.as_bytes()));
}
