//! Ranges in names: `web-[01:40]`, `web-[a:f]`, `web-[00:90:10]`; several in one text are all combinations of them.

use std::fmt;
use std::str::FromStr;

/// How many texts one pattern may stand for.
pub const MOST: usize = 1000;

/// A text with ranges in it; prints as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Numbers {
        first: u32,
        last: u32,
        step: u32,
        /// With zeros in front up to so many digits; 0 for none.
        width: usize,
    },
    Letters {
        first: u8,
        last: u8,
        step: u32,
    },
}

/// Why a text with brackets is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a range: {why}")]
pub struct InvalidRange {
    text: String,
    why: &'static str,
}

impl Pattern {
    /// Whether a text is meant to have a range in it.
    pub fn is_meant(text: &str) -> bool {
        text.contains(['[', ']'])
    }

    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many texts it stands for, at most [`MOST`].
    pub fn count(&self) -> usize {
        self.parts.iter().map(Part::count).product()
    }

    /// All that it stands for, in order.
    pub fn all(&self) -> Vec<String> {
        let mut all = vec![String::new()];
        for part in &self.parts {
            let next = part.all();
            all =
                all.iter().flat_map(|begun| next.iter().map(move |text| format!("{begun}{text}"))).collect();
        }
        all
    }

    /// Whether it stands for `text`.
    pub fn matches(&self, text: &str) -> bool {
        matches(&self.parts, text)
    }
}

fn matches(parts: &[Part], text: &str) -> bool {
    let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
    part.beginnings(text).any(|end| text.get(end..).is_some_and(|after| matches(rest, after)))
}

impl Part {
    fn count(&self) -> usize {
        let steps = match self {
            Self::Text(_) => 0,
            Self::Numbers { first, last, step, .. } => (last - first) / step,
            Self::Letters { first, last, step } => u32::from(last - first) / step,
        };
        usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1)
    }

    fn all(&self) -> Vec<String> {
        let by = |step: &u32| usize::try_from(*step).unwrap_or(usize::MAX);
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Numbers { first, last, step, width } => {
                (*first..=*last).step_by(by(step)).map(|number| format!("{number:0width$}")).collect()
            }
            Self::Letters { first, last, step } => {
                (*first..=*last).step_by(by(step)).map(|letter| char::from(letter).to_string()).collect()
            }
        }
    }

    /// Where in `text` this part may end, when it begins there.
    fn beginnings<'t>(&'t self, text: &'t str) -> impl Iterator<Item = usize> + 't {
        let longest = match self {
            Self::Text(own) => own.len(),
            Self::Numbers { .. } => DIGITS,
            Self::Letters { .. } => 1,
        };
        let shortest = if matches!(self, Self::Numbers { .. }) { 1 } else { longest };
        (shortest..=longest.min(text.len())).filter(|end| text.get(..*end).is_some_and(|own| self.is(own)))
    }

    fn is(&self, own: &str) -> bool {
        match self {
            Self::Text(text) => text == own,
            Self::Numbers { first, last, step, width } => number(own).is_some_and(|number| {
                (*first..=*last).contains(&number)
                    && (number - first).is_multiple_of(*step)
                    && own.len() == number.to_string().len().max(*width)
            }),
            Self::Letters { first, last, step } => own.bytes().next().is_some_and(|letter| {
                (*first..=*last).contains(&letter) && u32::from(letter - first).is_multiple_of(*step)
            }),
        }
    }
}

/// The longest number, in digits.
const DIGITS: usize = 9;

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn letter(text: &str) -> Option<u8> {
    text.bytes().next().filter(|byte| text.len() == 1 && byte.is_ascii_lowercase())
}

/// What stands between brackets.
fn range(text: &str) -> Result<Part, &'static str> {
    const FORM: &str = "write [01:40], [a:f] or, with a step, [0:90:10]";
    let mut words = text.split(':');
    let (Some(from), Some(to), by, None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(FORM);
    };
    let step = by.map_or(Some(1), number).ok_or(FORM)?;
    if step == 0 {
        return Err("its step is 0");
    }
    let (part, is_forward) = match (number(from), number(to), letter(from), letter(to)) {
        (Some(first), Some(last), ..) => {
            let width = if from.len() > 1 && from.starts_with('0') { from.len() } else { 0 };
            if width > 0 && to.len() != width {
                return Err("with zeros in front both ends have the same number of digits");
            }
            if to.len() > 1 && to.starts_with('0') && width == 0 {
                return Err("with zeros in front both ends have the same number of digits");
            }
            (Part::Numbers { first, last, step, width }, first <= last)
        }
        (_, _, Some(first), Some(last)) => (Part::Letters { first, last, step }, first <= last),
        _ => return Err(FORM),
    };
    if is_forward { Ok(part) } else { Err("its end is before its beginning") }
}

impl FromStr for Pattern {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        // What is echoed back is cut, so that a hostile text cannot flood a log.
        let invalid = |why| InvalidRange { text: text.chars().take(80).collect(), why };
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('[') {
            let (inside, after) = after.split_once(']').ok_or_else(|| invalid("a bracket is not closed"))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(range(inside).map_err(invalid)?);
            let count = parts.iter().map(Part::count).try_fold(1_usize, usize::checked_mul);
            if count.is_none_or(|count| count > MOST) {
                return Err(invalid("it stands for more than 1,000 names"));
            }
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        if parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(']'))) {
            return Err(invalid("a bracket is not opened"));
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        text.parse::<Pattern>().unwrap_or_else(|error| panic!("{error}")).all()
    }

    #[test]
    fn a_pattern_stands_for_names_in_order() {
        assert_eq!(all("web-[01:03]"), ["web-01", "web-02", "web-03"]);
        assert_eq!(all("web-[8:11]"), ["web-8", "web-9", "web-10", "web-11"]);
        assert_eq!(all("web-[008:010]x"), ["web-008x", "web-009x", "web-010x"]);
        assert_eq!(all("[a:c]"), ["a", "b", "c"]);
        assert_eq!(all("r[0:10:5]"), ["r0", "r5", "r10"]);
        assert_eq!(all("r[a:f:2]"), ["ra", "rc", "re"]);
        assert_eq!(all("r[1:2]-[a:b]"), ["r1-a", "r1-b", "r2-a", "r2-b"]);
        assert_eq!(all("r[7:7]"), ["r7"]);
        assert_eq!(all("plain"), ["plain"]);
        assert_eq!("r[1:1000]".parse::<Pattern>().unwrap().count(), MOST);
    }

    #[test]
    fn a_pattern_matches_what_it_stands_for_and_nothing_else() {
        for text in ["web-[01:12]", "web-[8:110:3]", "[a:f:2]x", "r[1:12]-[a:c]", "r[1:12][1:12]", "plain"] {
            let pattern: Pattern = text.parse().unwrap();
            let all = pattern.all();
            for one in &all {
                assert!(pattern.matches(one), "{text} {one}");
            }
            for other in [
                "", "web-", "web-1", "web-013", "web-9", "web-00", "gx", "r0-a", "r1-", "r1-aa", "r13-a",
                "plain2",
            ] {
                assert_eq!(pattern.matches(other), all.iter().any(|one| one == other), "{text} {other}");
            }
        }
    }

    #[test]
    fn what_is_no_range_is_refused_with_a_reason() {
        let check = |text: &str, why: &str| {
            let error = text.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        };
        check("web-[1:2", "not closed");
        check("web-1:2]", "not opened");
        check("web-[[1:2]]", "write [01:40]");
        check("web-[]", "write [01:40]");
        check("web-[1]", "write [01:40]");
        check("web-[1:a]", "write [01:40]");
        check("web-[A:C]", "write [01:40]");
        check("web-[1:2:3:4]", "write [01:40]");
        check("web-[-1:2]", "write [01:40]");
        check("web-[+1:2]", "write [01:40]");
        check("web-[1:9999999999]", "write [01:40]");
        check("web-[1:5:0]", "step is 0");
        check("web-[5:1]", "before its beginning");
        check("web-[f:a]", "before its beginning");
        check("web-[01:100]", "same number of digits");
        check("web-[1:05]", "same number of digits");
        check("web-[1:1001]", "more than 1,000");
        check("[1:100]-[1:11]", "more than 1,000");
        check("[0:999999999][0:999999999][0:999999999]", "more than 1,000");
    }
}
