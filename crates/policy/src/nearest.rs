//! Finds the known name that a mistyped one most likely meant.

/// The known name with the smallest edit distance to `text`, if it is close enough to be worth suggesting: at most a
/// third of the letters differ, or one is the beginning of the other.
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    let scored = known.into_iter().filter_map(|name| {
        let folded = name.to_lowercase();
        let distance = distance(&text, &folded);
        let longest = text.chars().count().max(folded.chars().count());
        let begins = text.len() >= 3 && (folded.starts_with(&text) || text.starts_with(&folded));
        let close = distance <= (longest / 3).max(1);
        // A shared beginning counts as close as one typing error more than the best rival.
        (close || begins).then_some((if close { distance } else { longest / 3 + 1 }, name))
    });
    scored.min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1))).map(|(_, name)| name)
}

/// Optimal string alignment distance over characters: insertions, deletions, changes and swaps of neighbours cost 1.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(64).collect();
    let right: Vec<char> = right.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (i, &a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &b) in right.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&previous, j) + usize::from(a != b)).min(at(&previous, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && left.get(i - 1) == Some(&b) && right.get(j - 1) == Some(&a);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(nearest(text, ["staff", "teachers", "gambling", "working-time", "dsl"]), expected, "{text}");
    }

    #[test]
    fn the_nearest_known_name_is_found() {
        check("gamling", Some("gambling"));
        check("Teacher", Some("teachers"));
        check("satff", Some("staff"));
        check("working", Some("working-time"));
        check("zzzzzz", None);
        check("", None);
    }
}
