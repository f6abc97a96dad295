//! How single things look on a terminal: symbols, times, lists of names.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use model::{Node, Status, StepStatus};

use super::paint::Paint;

/// The symbol of a status; the word stands beside it where there is room.
pub fn symbol(status: StepStatus) -> char {
    match status {
        StepStatus::Pending => '○',
        StepStatus::Running => '●',
        StepStatus::Ok => '✓',
        StepStatus::Failed => '✗',
        StepStatus::Warning => '!',
        StepStatus::Paused => '‖',
        StepStatus::Skipped => '–',
        StepStatus::Cancelled => '×',
        StepStatus::Undone => '↩',
        StepStatus::Unknown => '?',
    }
}

/// The colour of a status.
pub fn step_paint(status: StepStatus) -> Paint {
    match status {
        StepStatus::Pending | StepStatus::Skipped | StepStatus::Cancelled => Paint::Dim,
        StepStatus::Running => Paint::Blue,
        StepStatus::Ok => Paint::Green,
        StepStatus::Failed => Paint::Red,
        StepStatus::Warning | StepStatus::Paused | StepStatus::Undone | StepStatus::Unknown => Paint::Yellow,
    }
}

/// The symbol of a release's status.
pub fn release_symbol(status: Status) -> char {
    match status {
        Status::AwaitingApproval | Status::Scheduled | Status::Queued => '○',
        Status::Running => '●',
        Status::Paused => '‖',
        Status::Interrupted => '?',
        Status::Succeeded => '✓',
        Status::Failed | Status::Partial => '✗',
        Status::RolledBack => '↩',
        Status::Cancelled => '×',
        Status::Superseded => '–',
    }
}

/// The colour of a release's status.
pub fn release_paint(status: Status) -> Paint {
    match status {
        Status::Succeeded => Paint::Green,
        Status::Failed | Status::Partial => Paint::Red,
        Status::RolledBack | Status::Interrupted | Status::Paused | Status::AwaitingApproval => Paint::Yellow,
        Status::Running => Paint::Blue,
        Status::Scheduled | Status::Queued | Status::Cancelled | Status::Superseded => Paint::Dim,
    }
}

/// The status as people say it: `rolled back`.
pub fn spoken(status: Status) -> String {
    status.word().replace('_', " ")
}

/// A span of time, as short as it is clear: `0.4s`, `12s`, `3m05s`, `1h02m`; a negative one is none.
pub fn span(duration: SignedDuration) -> String {
    let millis = duration.as_millis().max(0);
    let secs = millis / 1000;
    match secs {
        0..10 => format!("{secs}.{}s", millis % 1000 / 100),
        10..60 => format!("{secs}s"),
        60..3600 => format!("{}m{:02}s", secs / 60, secs % 60),
        _ => format!("{}h{:02}m", secs / 3600, secs % 3600 / 60),
    }
}

/// A number of bytes with three digits that count: `640 B`, `12.3 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let Some((unit, name)) = UNITS.iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} B");
    };
    let (whole, rest) = (bytes / unit, bytes % unit);
    match whole {
        100.. => format!("{whole} {name}"),
        10..100 => format!("{whole}.{} {name}", rest * 10 / unit),
        _ => format!("{whole}.{:02} {name}", rest * 100 / unit),
    }
}

/// How long a node works or worked, where that is worth a word. What was undone later did not work until then.
pub fn worked(node: &Node, now: Timestamp) -> Option<String> {
    let counts = matches!(
        node.status,
        StepStatus::Running | StepStatus::Ok | StepStatus::Failed | StepStatus::Warning
    );
    let worked = took(node.started_at, node.ended_at, now).filter(|_| counts)?;
    (worked.as_millis() >= 100).then(|| span(worked))
}

/// How long something took, or takes until `now`; nothing when it has not begun.
pub fn took(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> Option<SignedDuration> {
    from.map(|from| to.unwrap_or(now).duration_since(from))
}

/// A day and time in `zone`: `2026-11-20 10:45`.
pub fn date(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Names as a sentence has them: `a`, `a and b`, `a, b and c`; long lists are cut.
pub fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] if names.len() <= SHOWN => format!("{} and {last}", most.join(", ")),
        _ => {
            let shown: Vec<&str> = names.iter().copied().take(SHOWN).collect();
            format!("{} and {} more", shown.join(", "), names.len() - SHOWN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (12_345_678, "12.3 MB"),
            (456_700_000, "456 MB"),
        ];
        for (bytes, expected) in table {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(size(u64::MAX), "18446744 TB");
    }

    #[test]
    fn spans_are_short_and_clear() {
        let table = [
            (-5, "0.0s"),
            (0, "0.0s"),
            (449, "0.4s"),
            (9_999, "9.9s"),
            (12_345, "12s"),
            (185_000, "3m05s"),
            (3_720_000, "1h02m"),
        ];
        for (millis, expected) in table {
            assert_eq!(span(SignedDuration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn every_status_has_its_own_symbol() {
        let mut symbols: Vec<char> = StepStatus::ALL.into_iter().map(symbol).collect();
        symbols.sort_unstable();
        symbols.dedup();
        assert_eq!(symbols.len(), StepStatus::ALL.len());
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(&["a"; 10]), "a, a, a, a, a, a, a, a and 2 more");
    }
}
