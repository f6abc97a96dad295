//! A release as plain lines, one per change: for pipes, files and continuous integration.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{Event, Fact, Release, Tree};

use super::clean::one_line;
use super::words::{release_symbol, span, spoken, symbol, took, worked};

/// The line for one fact, after it was applied to `tree`; none for logs, and for changes that say nothing new.
pub fn line(release: &Release, tree: &Tree, event: &Event, zone: &TimeZone) -> Option<String> {
    let said = match &event.fact {
        Fact::Release { status, reason, .. } => {
            let mut said = format!("{} release {} {}", release_symbol(*status), release.id, spoken(*status));
            if status.is_terminal()
                && let Some(took) = took(tree.nodes.iter().filter_map(|n| n.started_at).min(), None, event.at)
            {
                said = format!("{said} after {}", span(took));
            }
            with_reason(said, reason.as_deref())
        }
        Fact::Node(fact) => {
            let node = tree.nodes.iter().find(|node| node.key == fact.key)?;
            let mut said = format!("{} {} {}", symbol(fact.status), one_line(&fact.key), fact.status.word());
            if fact.attempt > 1 {
                said = format!("{said} (try {})", fact.attempt);
            }
            if let Some(worked) = worked(node, event.at) {
                said = format!("{said} {worked}");
            }
            with_reason(said, fact.reason.as_deref())
        }
        Fact::Chat { user, text, .. } => format!("\" {}: {}", one_line(user), one_line(text)),
        Fact::Log(_) => return None,
    };
    Some(format!("{} {said}", clock(event.at, zone)))
}

/// Whether `event`, not yet applied to `tree`, tells people nothing: a node says its status again, with what it
/// found out about its server.
pub fn is_known(tree: &Tree, event: &Event) -> bool {
    let Fact::Node(fact) = &event.fact else { return false };
    tree.nodes.iter().any(|node| {
        node.key == fact.key
            && (node.status, node.attempt) == (fact.status, fact.attempt)
            && node.reason == fact.reason
    })
}

/// The time of day in `zone`: `10:45:12`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

fn with_reason(said: String, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{said}: {}", one_line(reason)),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, Told};
    use super::*;
    use model::StepStatus;

    fn told(told: Told) -> String {
        let Told { release, tree, events } = told;
        let names: Vec<_> = tree.servers.iter().map(|server| server.name.clone()).collect();
        let mut tree = Tree::new(Vec::new(), names.clone());
        let fresh = Told::to(&names.iter().map(model::Name::as_str).collect::<Vec<_>>()).tree;
        tree.nodes = fresh.nodes;
        let lines = events.iter().filter_map(|event| {
            tree.apply(event);
            line(&release, &tree, event, &TimeZone::UTC)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_failed_release() {
        insta::assert_snapshot!(told(sample::failed_told()), @r"
        10:45:12 ● release 42 running
        10:45:12 ● start running
        10:45:12 ✓ start ok 0.5s
        10:45:12 ● fetch running
        10:45:13 ✓ fetch ok 0.5s
        10:45:13 ● build running
        10:45:13 ✓ build ok 0.5s
        10:45:13 ● pack running
        10:45:14 ✓ pack ok 0.5s
        10:45:14 ● web-1/upload running
        10:45:14 ✓ web-1/upload ok 0.5s
        10:45:14 ● web-1/after_upload/1 running
        10:45:15 ✓ web-1/after_upload/1 ok 0.5s
        10:45:15 ● web-1/after_upload/migrate running
        10:45:15 ✓ web-1/after_upload/migrate ok 0.5s
        10:45:15 ● web-1/after_upload running
        10:45:16 ✓ web-1/after_upload ok 0.5s
        10:45:14 ● web-2/upload running
        10:45:15 ✗ web-2/upload failed 1.0s: the disk is full: /srv/shop has 12 KB left
        10:45:16 × web-1/activate cancelled
        10:45:16 × web-2/activate cancelled
        10:45:16 × staged cancelled
        10:45:16 × batch-1 cancelled
        10:45:16 ✗ release 42 failed after 4.0s: web-2: the disk is full
        ");
    }

    #[test]
    fn a_status_that_is_said_again_is_known() {
        let mut told = Told::to(&["web-1"]);
        told.node(1.0, "fetch", StepStatus::Running, None);
        let again = told.events.last().unwrap().clone();
        assert!(is_known(&told.tree, &again));
        told.node(2.0, "fetch", StepStatus::Ok, None);
        assert!(!is_known(&told.tree, &again));
    }

    #[test]
    fn times_are_local() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        assert_eq!(clock(sample::at(0.0), &zone), "18:45:12");
    }
}
