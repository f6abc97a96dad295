//! Durations as people write them: `5s`, `2m`, `1h30m`, `500ms`, `2d`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest duration that is accepted.
pub const LONGEST: Duration = Duration::from_hours(30 * 24);

/// Reads a duration of at least a millisecond and at most [`LONGEST`].
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("is not a duration: write 5s, 2m or 1h30m, not {:?}", cut(text));
    let mut rest = text.trim();
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after, |c| c.is_ascii_alphabetic());
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        millis = number.checked_mul(*factor).and_then(|part| millis.checked_add(part)).ok_or_else(wrong)?;
        rest = after;
    }
    match Duration::from_millis(millis) {
        Duration::ZERO => Err(wrong()),
        duration if duration > LONGEST => Err("must be at most 30d".to_owned()),
        duration => Ok(duration),
    }
}

/// The shortest way to write `duration`, down to milliseconds.
pub fn print(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (unit, factor) in UNITS {
        if millis >= factor {
            parts.push(format!("{}{unit}", millis / factor));
            millis %= factor;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.concat() }
}

fn split(text: &str, inside: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !inside(c)).unwrap_or(text.len()))
}

fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, secs) in [("5s", 5), ("2m", 120), ("1h30m", 5400), ("1d", 86_400), ("1m30s", 90)] {
            let duration = Duration::from_secs(secs);
            assert_eq!(parse(text), Ok(duration), "{text}");
            assert_eq!(print(duration), text);
        }
        assert_eq!(parse("90s").map(print).unwrap(), "1m30s");
        assert_eq!(parse("500ms").map(print).unwrap(), "500ms");
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "5", "s", "0s", "5 s", "-5s", "5x", "1.5h", "99999999999999999999s", "31d", "5sec"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
