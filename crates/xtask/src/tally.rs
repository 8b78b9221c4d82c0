//! Counts tests from what their runners print, so that the last line of a run can say how many there were.

use std::ops::AddAssign;

/// How many tests passed, failed and were left out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl Tally {
    /// Reads the summaries of libtest, nextest and Node's test runner; other lines count nothing.
    pub(crate) fn of_lines<'l>(lines: impl IntoIterator<Item = &'l str>) -> Self {
        let mut tally = Self::default();
        for line in lines {
            let plain = without_colour(line);
            let line = plain.trim();
            if let Some(rest) = line.strip_prefix("test result:") {
                tally += Self {
                    passed: before(rest, "passed"),
                    failed: before(rest, "failed"),
                    ignored: before(rest, "ignored"),
                };
            } else if line.starts_with("Summary [") && line.contains("tests run:") {
                let timed_out = before(line, "timed out");
                let failed = before(line, "failed") + timed_out;
                tally += Self { passed: before(line, "passed"), failed, ignored: before(line, "skipped") };
            } else if let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
                tally +=
                    Self { passed: after(rest, "pass"), failed: after(rest, "fail"), ignored: after(rest, "skipped") };
            }
        }
        tally
    }
}

/// The number right before `word`, as in `3 passed`.
fn before(text: &str, word: &str) -> u64 {
    let Some(at) = text.find(word) else { return 0 };
    text.get(..at)
        .and_then(|head| head.split_whitespace().next_back())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// The number of a line that is `word NUMBER` and nothing more.
fn after(text: &str, word: &str) -> u64 {
    text.strip_prefix(word).and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
}

fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(char);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[track_caller]
    fn check(text: &str, passed: u64, failed: u64, ignored: u64) {
        assert_eq!(Tally::of_lines(text.lines()), Tally { passed, failed, ignored });
    }

    #[test]
    fn libtest_is_added_up() {
        check(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
             test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            5,
            1,
            1,
        );
    }

    #[test]
    fn nextest_is_read_with_its_colours() {
        check(
            "\u{1b}[32m     Summary\u{1b}[0m [   0.123s] 45 tests run: 43 passed (1 slow), 2 failed, 4 skipped",
            43,
            2,
            4,
        );
        check("     Summary [   0.123s] 2 tests run: 1 passed, 1 timed out, 0 skipped", 1, 1, 0);
    }

    #[test]
    fn node_is_read_in_both_of_its_formats() {
        check("# tests 7\n# pass 6\n# fail 1\n# skipped 0", 6, 1, 0);
        check("ℹ pass 12\nℹ fail 0", 12, 0, 0);
    }

    #[test]
    fn other_lines_count_nothing() {
        check("# passes the salt\nSummary of 3 passed", 0, 0, 0);
    }
}
