//! Lengths, and calls that no test and no product code may make.

use super::{File, Finding};
use crate::source;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// Kinds of file that people write by hand.
const WRITTEN: [&str; 9] = ["rs", "ts", "js", "mjs", "scss", "css", "html", "sh", "toml"];

pub(crate) fn check_length(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    // What a school says of itself is as long as the school is large.
    let is_of_a_school = file.path.starts_with("policies/");
    let is_exempt = file.is_test || is_of_a_school || LONG.iter().any(|(path, _)| *path == file.path);
    let is_too_long = lines > FILE_LINES_MAX && WRITTEN.contains(&file.extension()) && !is_exempt;
    is_too_long.then(|| {
        let sentence =
            format!("{lines} lines; a file has at most {FILE_LINES_MAX}, because a longer one does two jobs");
        Finding::new(&file.path, 0, sentence)
    })
}

/// A text that may not stand in code, where it may not, and why.
struct Banned {
    text: &'static str,
    only_in_tests: bool,
    why: &'static str,
}

const BANNED: [Banned; 7] = [
    Banned {
        text: "#[ignore",
        only_in_tests: false,
        why: "a test that does not run proves nothing; mend or remove it",
    },
    Banned { text: "should_panic", only_in_tests: false, why: "assert the error that is meant" },
    Banned { text: "todo!(", only_in_tests: false, why: "land what is finished" },
    Banned { text: "unimplemented!(", only_in_tests: false, why: "land what is finished" },
    Banned { text: "thread::sleep(", only_in_tests: true, why: "wait for the event, not for a time" },
    Banned { text: "time::sleep(", only_in_tests: true, why: "wait for the event, not for a time" },
    Banned { text: "unbounded_channel", only_in_tests: false, why: "every queue is bounded" },
];

const BANNED_IN_SCRIPTS: [(&str, &str); 4] = [
    ("waitForTimeout(", "wait for what the page shows, not for a time"),
    (".skip(", "a test that does not run proves nothing; mend or remove it"),
    (".only(", "it keeps every other test from running"),
    ("debugger;", "land what is finished"),
];

/// Scripts of the pages and of the walk.
pub(crate) fn check_script(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        let banned = BANNED_IN_SCRIPTS.iter().filter(|(banned, _)| text.contains(banned));
        findings.extend(banned.map(|(banned, why)| Finding::new(&file.path, line, format!("`{banned}`: {why}"))));
    }
    findings
}

pub(crate) fn check_rust(file: &File, code: &str) -> Vec<Finding> {
    let test_lines = source::test_lines(code);
    let is_test = |line: usize| file.is_test || test_lines.iter().any(|lines| lines.contains(&line));
    let mut findings = Vec::new();
    if !file.is_test && !file.text.starts_with("//!") && !file.text.starts_with("#![doc") {
        findings.push(Finding::new(&file.path, 1, "a module opens with a sentence that says its job (`//! …`)"));
    }
    for (line, text) in (1..).zip(code.lines()) {
        for banned in &BANNED {
            if text.contains(banned.text) && (!banned.only_in_tests || is_test(line)) {
                findings.push(Finding::new(&file.path, line, format!("`{}`: {}", banned.text, banned.why)));
            }
        }
    }
    for function in source::functions(code) {
        if function.lines > FUNCTION_LINES_MAX && !is_test(function.line) {
            let sentence = format!(
                "`{}` has {} lines; a function has at most {FUNCTION_LINES_MAX}",
                function.name, function.lines
            );
            findings.push(Finding::new(&file.path, function.line, sentence));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::is_test_path;
    use super::{File, check_length, check_rust};
    use crate::source::code_only;

    /// The sentence that each module opens with is put before `text`, as line 1.
    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let file = File { path: path.to_owned(), text: format!("//! Its job.\n{text}"), is_test: is_test_path(path) };
        let findings = check_rust(&file, &code_only(&file.text));
        let found: Vec<String> =
            findings.iter().map(|finding| format!("{} {}", finding.line, finding.sentence)).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found} is not {expected}");
        }
    }

    #[test]
    fn a_sleep_is_against_the_rules_in_tests_only() {
        let text =
            "fn a() { tokio::time::sleep(second) }\n#[cfg(test)]\nmod tests {\n fn b() { time::sleep(second) }\n}\n";
        check("crates/proxy/src/x.rs", text, &["5 `time::sleep(`"]);
        check("crates/proxy/tests/x.rs", "fn a() { tokio::time::sleep(second) }", &["2 `time::sleep(`"]);
    }

    #[test]
    fn words_in_comments_and_strings_are_only_words() {
        check("crates/proxy/src/x.rs", "// todo!(later)\nfn a() { b(\"#[ignore]\") }", &[]);
    }

    #[test]
    fn a_long_function_is_named() {
        let text = format!("fn long() {{\n{}}}\n", "  a();\n".repeat(80));
        check("crates/proxy/src/x.rs", &text, &["2 `long` has 82 lines"]);
        check("crates/proxy/src/x/tests.rs", &text, &[]);
    }

    #[test]
    fn a_long_file_is_named_unless_it_is_tests() {
        let file = |path: &str| File { path: path.to_owned(), text: "\n".repeat(700), is_test: is_test_path(path) };
        assert!(check_length(&file("crates/proxy/src/x.rs")).is_some());
        assert!(check_length(&file("crates/proxy/src/x/tests.rs")).is_none());
        assert!(check_length(&file("policies/x/policy.md")).is_none());
    }
}
