//! Did you mean: the expected word nearest to the one that was written.

/// The one of `expected` that `word` was probably meant to be, if any is near enough.
pub fn closest<'a>(word: &str, expected: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = word.chars().count().div_ceil(3).clamp(1, 3);
    expected
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?` for the nearest word, else nothing.
pub fn suggestion<'a>(word: &str, expected: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, expected).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// How many letters have to be added, removed or changed (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, letter) in a.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, other) in row.iter().skip(1).zip(&b) {
            let changed = diagonal + usize::from(letter != *other);
            left = changed.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("host", "host", 0),
            ("hots", "host", 2),
            ("", "abc", 3),
            ("abc", "", 3),
            ("keep", "kep", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_near_words_are_offered() {
        let keys = ["host", "port", "user", "linked_files", "linked_dirs"];
        assert_eq!(closest("hots", keys), Some("host"));
        assert_eq!(closest("linked_file", keys), Some("linked_files"));
        assert_eq!(closest("banana", keys), None);
        assert_eq!(suggestion("usr", keys), "; did you mean `user`?");
        assert_eq!(suggestion("banana", keys), "");
    }
}
