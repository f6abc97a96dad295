//! "Did you mean": the few names that are most like a mistyped one.

/// The number of names that are offered.
const OFFERED: usize = 3;

/// Returns the names most like `typed`, best first.
pub(crate) fn closest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<(usize, &str)> =
        names.into_iter().filter_map(|name| Some((likeness(typed, name)?, name))).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(OFFERED).map(|(_, name)| name.to_owned()).collect()
}

/// How far a name is from what was typed, nothing when it is too far to be meant.
fn likeness(typed: &str, name: &str) -> Option<usize> {
    if typed.eq_ignore_ascii_case(name) {
        return Some(0);
    }
    let ends_alike = |long: &str, short: &str| long.rsplit_once('/').is_some_and(|(_, last)| last == short);
    if ends_alike(name, typed) || ends_alike(typed, name) {
        return Some(1);
    }
    let typed: Vec<char> = typed.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let allowed = (typed.len().max(name.len()) / 2).clamp(1, 3);
    if typed.len().abs_diff(name.len()) > allowed {
        return None;
    }
    Some(distance(&typed, &name)).filter(|distance| *distance <= allowed)
}

/// The Levenshtein distance, with one row of the table in memory.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, a) in from.iter().enumerate() {
        let mut diagonal = done;
        let mut left = done + 1;
        for (b, cell) in to.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(a != b)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = done + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_names_are_offered_and_others_are_not() {
        let names = ["main", "develop", "feature/login", "v1.2.3", "v1.2.4", "Release"];
        assert_eq!(closest("mian", names), ["main"]);
        assert_eq!(closest("MAIN", names), ["main"]);
        assert_eq!(closest("login", names), ["feature/login"]);
        assert_eq!(closest("v1.2.5", names), ["v1.2.3", "v1.2.4"]);
        assert_eq!(closest("origin/main", names), ["main"]);
        assert!(closest("zzzzzz", names).is_empty());
    }

    #[test]
    fn the_distance_is_levenshteins() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
        assert_eq!(distance(&chars(""), &chars("abc")), 3);
        assert_eq!(distance(&chars("abc"), &chars("")), 3);
    }
}
