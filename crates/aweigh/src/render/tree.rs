//! The tree of a release as a picture: the trunk, one row per server, the end of the trunk. Pure.
//!
//! ```text
//! release 42 · shop production · main 1a2b3c4 · by ann
//! ● running 14s
//! ✓ start  ✓ fetch 0.4s  ✓ build 9.1s  ✓ pack 0.6s
//!   web-1  running  ✓ upload 0.3s  ● after_upload 2.1s (✓ 1 0.4s, ● migrate 1.7s)  ○ activate  ○ verify  ○ prune
//!   web-2  failed   ✗ upload 0.2s
//!          ✗ upload: the disk of web-2 is full
//! ○ staged  ○ batch 1
//! ```

use std::collections::BTreeMap;

use api::{Bytes, Progress};
use jiff::{SignedDuration, Timestamp};
use model::{Kind, Name, Node, Release, StepKind, StepStatus, Tree};

use super::clean::one_line;
use super::paint::{Line, Paint};
use super::words::{release_paint, release_symbol, size, span, spoken, step_paint, symbol, took, worked};

/// Rows of a picture that are not servers: head, status, trunk, end of the trunk, the note on what is left out.
const OTHER_ROWS: usize = 6;

/// How many servers are shown with their bytes, where there is room.
const SLOWEST: usize = 5;

/// The steps of a plan: the same rows before anything has happened.
pub fn steps(tree: &Tree) -> Vec<Line> {
    let (before, lanes, after) = parts(tree);
    let all = |nodes: &[&Node]| row(tree, nodes, Timestamp::UNIX_EPOCH, Inner::All);
    let column = lanes.keys().map(|name| name.as_str().len()).max().unwrap_or_default();
    let mut lines = vec![all(&before)];
    for (name, nodes) in &lanes {
        let start = Line::default().with(format!("  {:column$}  ", name.as_str()), Paint::Bold);
        lines.push(start.then(all(nodes)));
    }
    lines.push(all(&after));
    lines
}

/// The whole picture at `now`, at most about `height` rows.
///
/// `release` says what is released; where everything stands is in `tree`, which is newer.
pub fn picture(
    release: &Release,
    tree: &Tree,
    progress: Option<&Progress>,
    now: Timestamp,
    width: usize,
    height: usize,
) -> Vec<Line> {
    let mut lines = vec![head(release), status(release, tree, now)];
    lines.extend(rows(tree, now, width, height));
    lines.extend(progress.into_iter().flat_map(|progress| uploads(progress, tree, height)));
    lines
}

/// The uploads in bytes: all of them in one line, and below it the servers that are behind, the last ones first.
fn uploads(progress: &Progress, tree: &Tree, height: usize) -> Vec<Line> {
    let told = |bytes: &Bytes| {
        let mut text = format!("{} of {}", size(bytes.sent), size(bytes.total));
        if let Some(rate) = bytes.rate {
            text = format!("{text} · {}/s", size(rate));
        }
        match bytes.remaining {
            Some(left) => format!(
                "{text} · {} left",
                span(SignedDuration::from_secs(i64::try_from(left).unwrap_or(i64::MAX)))
            ),
            None => text,
        }
    };
    let mut lines =
        vec![Line::default().with("uploading ", Paint::Bold).with(told(&progress.whole), Paint::Plain)];
    let mut nodes: Vec<(&String, &Bytes)> = progress.nodes.iter().collect();
    nodes.sort_by_key(|(_, bytes)| (bytes.sent.saturating_mul(1000) / bytes.total.max(1), bytes.total));
    let room = height.saturating_sub(OTHER_ROWS + 2 + parts(tree).1.len()).min(SLOWEST);
    if nodes.len() > 1 {
        let servers = nodes.into_iter().take(room);
        lines.extend(servers.map(|(node, bytes)| {
            let server = node.split('/').next().unwrap_or_default();
            Line::default().with(format!("  {server}  "), Paint::Bold).with(told(bytes), Paint::Dim)
        }));
    }
    lines
}

fn rows(tree: &Tree, now: Timestamp, width: usize, height: usize) -> Vec<Line> {
    let (before, lanes, after) = parts(tree);
    let mut lines = vec![chain(tree, &before, now, width)];
    lines.extend(reasons(&before, 2));
    let column = lanes.keys().map(|name| name.as_str().len()).max().unwrap_or_default();
    let (shown, left_out) = chosen(&lanes, height.saturating_sub(OTHER_ROWS + 1).max(1));
    for (name, nodes) in shown {
        let (word, paint) = lane_word(nodes);
        let start = Line::default()
            .with(format!("  {:column$}  ", name.as_str()), Paint::Bold)
            .with(format!("{word:9}  "), paint);
        let room = width.saturating_sub(start.width());
        lines.push(start.then(chain(tree, nodes, now, room)));
        lines.extend(reasons(nodes, column + 4));
    }
    if !left_out.is_empty() {
        lines.push(summary(&left_out));
    }
    lines.push(chain(tree, &after, now, width));
    lines.extend(reasons(&after, 2));
    lines
}

/// `release 42 · shop production · main 1a2b3c4 · by ann`
pub fn head(release: &Release) -> Line {
    let what = match (release.kind, release.rollback_to) {
        (Kind::Rollback, Some(to)) => format!("rollback to release {to} ({})", release.commit.short()),
        (Kind::Rollback, None) => format!("rollback to {}", release.commit.short()),
        (Kind::CatchUp, _) => format!("catch up with {}", release.commit.short()),
        (Kind::Adopted, _) => format!("adopted {} {}", one_line(&release.git_ref), release.commit.short()),
        (Kind::Release, _) => format!("{} {}", one_line(&release.git_ref), release.commit.short()),
    };
    Line::default()
        .with(format!("release {}", release.id), Paint::Bold)
        .with(format!(" · {} {} · {what} · by ", release.project, release.environment), Paint::Plain)
        .with(one_line(&release.by), Paint::Plain)
}

fn status(release: &Release, tree: &Tree, now: Timestamp) -> Line {
    let begin = release.started_at.or_else(|| tree.nodes.iter().filter_map(|node| node.started_at).min());
    let last = tree.nodes.iter().filter_map(|node| node.ended_at).max();
    let end = if tree.status.is_terminal() { release.ended_at.or(last) } else { None };
    let mut text = format!("{} {}", release_symbol(tree.status), spoken(tree.status));
    if let Some(took) = took(begin, end, now) {
        text = format!("{text} {}", span(took));
    }
    let line = Line::default().with(text, release_paint(tree.status));
    match &tree.reason {
        Some(reason) => line.with(format!("  {}", one_line(reason)), Paint::Plain),
        None => line,
    }
}

/// The nodes that have a place of their own: before the servers, by server, after the servers. A hook of a list
/// is shown inside the node of its point.
fn parts(tree: &Tree) -> (Vec<&Node>, BTreeMap<&Name, Vec<&Node>>, Vec<&Node>) {
    let (mut before, mut lanes, mut after) = (Vec::new(), BTreeMap::<_, Vec<_>>::new(), Vec::new());
    for node in tree.nodes.iter().filter(|node| !is_inner(tree, node)) {
        match &node.server {
            Some(server) => lanes.entry(server).or_default().push(node),
            None if lanes.is_empty() && node.step != StepKind::Staged => before.push(node),
            None => after.push(node),
        }
    }
    (before, lanes, after)
}

fn is_inner(tree: &Tree, node: &Node) -> bool {
    node.step == StepKind::Hook
        && node.parent.as_deref().is_some_and(|parent| {
            node.key.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/'))
                && tree.nodes.iter().any(|other| other.key == parent && other.step == StepKind::Hook)
        })
}

/// Which hooks of a list are shown beside the node of their point.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    /// All: what is shown is a plan.
    All,
    /// Those of a point that is at work or in trouble.
    Telling,
}

/// Nodes in a row. Where there is no room, those that are done at the beginning become `✓ 4 done`.
fn chain(tree: &Tree, nodes: &[&Node], now: Timestamp, width: usize) -> Line {
    let line = row(tree, nodes, now, Inner::Telling);
    let done = nodes.iter().take_while(|node| node.status == StepStatus::Ok).count();
    if line.width() <= width || done < 2 {
        return line;
    }
    let rest = nodes.get(done..).unwrap_or_default();
    let start = Line::default().with(format!("✓ {done} done"), Paint::Green).with("  ", Paint::Plain);
    start.then(row(tree, rest, now, Inner::Telling))
}

fn row(tree: &Tree, nodes: &[&Node], now: Timestamp, inner: Inner) -> Line {
    nodes.iter().enumerate().fold(Line::default(), |line, (place, node)| {
        let gap = if place == 0 { "" } else { "  " };
        line.with(gap, Paint::Plain).then(with_inner(tree, node, now, inner))
    })
}

fn with_inner(tree: &Tree, node: &Node, now: Timestamp, inner: Inner) -> Line {
    let line = one(node, now);
    let quiet = matches!(node.status, StepStatus::Pending | StepStatus::Ok);
    let mut hooks = tree
        .nodes
        .iter()
        .filter(|other| other.parent.as_deref() == Some(&node.key) && is_inner(tree, other))
        .peekable();
    if hooks.peek().is_none() || (quiet && inner == Inner::Telling) {
        return line;
    }
    let line = hooks.enumerate().fold(line.with(" (", Paint::Plain), |line, (place, node)| {
        line.with(if place == 0 { "" } else { ", " }, Paint::Plain).then(one(node, now))
    });
    line.with(")", Paint::Plain)
}

/// `✓ upload 0.3s`
fn one(node: &Node, now: Timestamp) -> Line {
    let paint = step_paint(node.status);
    let line = Line::default().with(format!("{} {}", symbol(node.status), one_line(&node.text)), paint);
    match worked(node, now) {
        Some(worked) => line.with(format!(" {worked}"), Paint::Dim),
        None => line,
    }
}

/// Why nodes are not simply good, one line each.
fn reasons<'a>(nodes: &'a [&'a Node], indent: usize) -> impl Iterator<Item = Line> + 'a {
    nodes.iter().filter_map(move |node| {
        let told = matches!(
            node.status,
            StepStatus::Failed | StepStatus::Warning | StepStatus::Unknown | StepStatus::Paused
        );
        let reason = node.reason.as_ref().filter(|_| told)?;
        let text = format!("{}{} {}: ", " ".repeat(indent), symbol(node.status), one_line(&node.text));
        Some(Line::default().with(text, step_paint(node.status)).with(one_line(reason), Paint::Plain))
    })
}

/// What is said about a server's row; a server that is done with a part and has to wait for others is `waiting`.
fn lane_word(nodes: &[&Node]) -> (&'static str, Paint) {
    match lane_status(nodes) {
        StepStatus::Pending if nodes.iter().any(|node| node.status == StepStatus::Ok) => {
            ("waiting", Paint::Dim)
        }
        status => (status.word(), step_paint(status)),
    }
}

/// The status of a server's row: the worst that happened, else what goes on.
fn lane_status(nodes: &[&Node]) -> StepStatus {
    use StepStatus::{Cancelled, Failed, Ok, Paused, Pending, Running, Skipped, Undone, Unknown, Warning};
    let has = |status| nodes.iter().any(|node| node.status == status);
    if nodes.iter().all(|node| matches!(node.status, Ok | Skipped)) {
        return if has(Ok) { Ok } else { Skipped };
    }
    [Failed, Unknown, Running, Paused, Undone, Cancelled, Pending, Warning]
        .into_iter()
        .find(|status| has(*status))
        .unwrap_or(Pending)
}

type Lane<'a, 'b> = (&'a Name, &'b Vec<&'a Node>);

/// The servers that have room, those in trouble or at work first, in the order of their names; and the others.
fn chosen<'a, 'b>(
    lanes: &'b BTreeMap<&'a Name, Vec<&'a Node>>,
    room: usize,
) -> (Vec<Lane<'a, 'b>>, Vec<Lane<'a, 'b>>) {
    let mut by_need: Vec<Lane<'a, 'b>> = lanes.iter().map(|(name, nodes)| (*name, nodes)).collect();
    if by_need.len() <= room {
        return (by_need, Vec::new());
    }
    by_need.sort_by_key(|(_, nodes)| match lane_status(nodes) {
        StepStatus::Failed | StepStatus::Unknown => 0,
        StepStatus::Undone | StepStatus::Warning | StepStatus::Paused => 1,
        StepStatus::Running => 2,
        StepStatus::Pending | StepStatus::Cancelled => 3,
        StepStatus::Ok | StepStatus::Skipped => 4,
    });
    let left_out = by_need.split_off(room);
    by_need.sort_by_key(|(name, _)| *name);
    (by_need, left_out)
}

/// `  and 37 more: 30 ok, 7 pending`
fn summary(lanes: &[Lane<'_, '_>]) -> Line {
    let count = |status| lanes.iter().filter(|(_, nodes)| lane_status(nodes) == status).count();
    let counts: Vec<String> = StepStatus::ALL
        .into_iter()
        .map(|status| (status, count(status)))
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", status.word()))
        .collect();
    Line::default().with(format!("  and {} more: {}", lanes.len(), counts.join(", ")), Paint::Dim)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn drawn(release: &Release, tree: &Tree, width: usize, height: usize) -> String {
        let lines = picture(release, tree, None, sample::at(60.0), width, height);
        lines.iter().map(|line| line.text(width, false)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_good_release() {
        let (release, tree) = sample::good();
        insta::assert_snapshot!(drawn(&release, &tree, 160, 50), @r"
        release 42 · shop production · main 1a2b3c4 · by ann
        ✓ succeeded 7.5s
        ✓ start 0.5s  ✓ fetch 0.5s  ✓ build 0.5s  ✓ pack 0.5s
          web-1  ok         ✓ upload 0.5s  ✓ after_upload 0.5s  ✓ activate 0.5s  ✓ after_activate 0.5s  ✓ verify 0.5s  ✓ prune 0.5s
          web-2  ok         ✓ upload 0.5s  ✓ after_upload 0.5s  ✓ activate 0.5s  ✓ after_activate 0.5s  ✓ verify 0.5s  ✓ prune 0.5s
        ✓ staged 0.5s  ✓ batch 1 0.5s
        ");
    }

    #[test]
    fn uploads_are_told_in_bytes_and_the_slowest_by_name() {
        let (release, tree) = sample::running();
        let bytes = |sent, rate, remaining| Bytes { sent, total: 45_000_000, rate, remaining };
        let nodes = [
            ("db-1/upload".to_owned(), bytes(44_000_000, Some(9_000_000), Some(1))),
            ("web-1/upload".to_owned(), bytes(1_200_000, None, None)),
        ];
        let whole =
            Bytes { sent: 45_200_000, total: 90_000_000, rate: Some(12_300_000), remaining: Some(65) };
        let progress = Progress { whole, nodes: nodes.into() };
        let lines = picture(&release, &tree, Some(&progress), sample::at(60.0), 72, 50);
        let text: Vec<String> = lines.iter().skip(6).map(|line| line.text(72, false)).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        uploading 45.2 MB of 90.0 MB · 12.3 MB/s · 1m05s left
          web-1  1.20 MB of 45.0 MB
          db-1  44.0 MB of 45.0 MB · 9.00 MB/s · 1.0s left
        ");
    }

    #[test]
    fn a_release_at_work_on_a_narrow_terminal() {
        let (release, tree) = sample::running();
        insta::assert_snapshot!(drawn(&release, &tree, 72, 50), @r"
        release 42 · shop production · main 1a2b3c4 · by ann
        ● running 1m00s
        ✓ start 0.5s  ✓ fetch 0.5s  ✓ build 0.5s  ✓ pack 0.5s
          db-1   running    ✓ upload 0.5s  ● after_upload 20s (✓ 1 0.5s, ● migr…
          web-1  waiting    ✓ 2 done  ○ activate  ○ after_activate  ○ verify  ○…
        ○ staged  ○ batch 1
        ");
    }

    #[test]
    fn a_failed_release() {
        let (release, tree) = sample::failed();
        insta::assert_snapshot!(drawn(&release, &tree, 160, 50), @r"
        release 42 · shop production · main 1a2b3c4 · by ann
        ✗ failed 4.0s  web-2: the disk is full
        ✓ start 0.5s  ✓ fetch 0.5s  ✓ build 0.5s  ✓ pack 0.5s
          web-1  cancelled  ✓ upload 0.5s  ✓ after_upload 0.5s  × activate  ○ after_activate  ○ verify  ○ prune
          web-2  failed     ✗ upload 1.0s  ○ after_upload  × activate  ○ after_activate  ○ verify  ○ prune
                 ✗ upload: the disk is full: /srv/shop has 12 KB left
        × staged  × batch 1
        ");
    }

    #[test]
    fn an_undone_release() {
        let (release, tree) = sample::undone();
        insta::assert_snapshot!(drawn(&release, &tree, 160, 50), @r"
        release 42 · shop production · main 1a2b3c4 · by ann
        ↩ rolled back 40s  web-2 was not healthy
        ✓ start 0.5s  ✓ fetch 0.5s  ✓ build 0.5s  ✓ pack 0.5s
          web-1  undone     ✓ upload 0.5s  ✓ after_upload 0.5s  ↩ activate  ↩ after_activate  ✓ verify 0.5s  × prune  ✓ undo 2.5s
          web-2  failed     ✓ upload 0.5s  ✓ after_upload 0.5s  ↩ activate  ↩ after_activate  ✗ verify 30s  × prune  ✓ undo 2.5s
                 ✗ verify: http://127.0.0.1:8080/up answered 500
        ✓ staged 0.5s  ✗ batch 1 31s
        ");
    }

    #[test]
    fn a_plan() {
        let tree = sample::Told::to(&["web-1"]).tree;
        let lines: Vec<String> = steps(&tree).iter().map(|line| line.text(200, false)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        ○ start  ○ fetch  ○ build  ○ pack
          web-1  ○ upload  ○ after_upload (○ 1, ○ migrate)  ○ activate  ○ after_activate  ○ verify  ○ prune
        ○ staged  ○ batch 1
        ");
    }

    #[test]
    fn a_fleet_that_is_higher_than_the_terminal() {
        let (release, tree) = sample::fleet(40);
        insta::assert_snapshot!(drawn(&release, &tree, 100, 12), @r"
        release 42 · shop production · main 1a2b3c4 · by ann
        ● running 1m00s
        ✓ start 0.5s  ✓ fetch 0.5s  ✓ build 0.5s  ✓ pack 0.5s
          web-21  pending    ○ upload  ○ after_upload  ○ activate  ○ after_activate  ○ verify  ○ prune
          web-22  pending    ○ upload  ○ after_upload  ○ activate  ○ after_activate  ○ verify  ○ prune
          web-23  pending    ○ upload  ○ after_upload  ○ activate  ○ after_activate  ○ verify  ○ prune
          web-30  running    ● upload 1.0s  ○ after_upload  ○ activate  ○ after_activate  ○ verify  ○ prune
          web-33  failed     ✗ upload 1.0s  ○ after_upload  ○ activate  ○ after_activate  ○ verify  ○ prune
                  ✗ upload: the connection was lost
          and 35 more: 15 pending, 20 ok
        ○ staged  ○ batch 1
        ");
    }
}
