//! Prune: the last good releases stay on a server, the others go. Last of all, and a failure of it is a warning.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{HookPoint, Kind, ReleaseName};

use crate::error::Halt;
use crate::lane::{Lane, unsendable};
use crate::planner::point_hooks;
use crate::ports::GoodRelease;
use crate::remote::{Answer, Command, status};
use crate::run::Begun;

/// Removes what is not kept any more from the lane's server, and writes `revisions.log`.
pub async fn prune(lane: &mut Lane) -> Result<(), Halt> {
    let run = lane.run.clone();
    let key = lane.key("prune");
    let Begun::Act(open) = run.begin(&key).await? else { return Ok(()) };
    let remove = to_remove(&lane.facts.releases, lane.folder(), &run.good, run.plan.environment.keep);
    // An earlier try may have written its line.
    let note = if open.unknown { String::new() } else { revision_line(lane) };
    let build = || {
        let command = Command::new("prune").value("folder", lane.folder().as_str())?.value("note", &note)?;
        command.list("release", remove.iter().map(ReleaseName::as_str))
    };
    let command = match build() {
        Ok(command) => command,
        Err(error) => return Err(open.fail(unsendable(error)).await),
    };
    // Where nothing follows that could lead back, it is the last word to this server.
    let is_last = point_hooks(&run.plan, HookPoint::AfterRelease, None).is_empty();
    let answer = if is_last { lane.ask_last(&command).await } else { lane.ask(&command).await };
    // A lock that is free was given back by a first try whose answer was lost: all of it was done.
    let is_done = |answer: &Answer| {
        let is_free = is_last && answer.status == status::LOCKED && answer.get("holder") == Some("");
        answer.status == status::DONE || is_free
    };
    match answer {
        Ok(answer) if is_done(&answer) => {
            let removed: Vec<&str> = answer.all("removed").collect();
            let mut log = open.log();
            if !removed.is_empty() {
                log.line(&format!("removed {}", removed.join(", ")));
            }
            log.end().await?;
            open.ok(None).await
        }
        Ok(answer) => {
            let failure = lane.refused(&answer, "remove old releases");
            open.warn(failure.reason(), None, None).await
        }
        Err(failure) => open.warn(failure.reason(), None, None).await,
    }
}

/// Which of the folders that were found may go: pure, so that it can be proven.
///
/// Kept are the last `keep` good releases by last activation, the live one included and at least one before it,
/// and whatever is newer than the live one: another database may know it.
pub fn to_remove(
    found: &[ReleaseName],
    live: &ReleaseName,
    good: &[GoodRelease],
    keep: u32,
) -> Vec<ReleaseName> {
    let mut kept: BTreeSet<&ReleaseName> = BTreeSet::from([live]);
    let keep = usize::try_from(keep.max(2)).unwrap_or(usize::MAX);
    for release in good {
        if kept.len() >= keep {
            break;
        }
        kept.insert(&release.name);
    }
    let newest = found.iter().map(ReleaseName::release).filter(|id| *id > live.release());
    let newer: BTreeSet<_> = newest.collect();
    let known: BTreeSet<_> = good.iter().map(|release| release.name.release()).collect();
    found
        .iter()
        .filter(|name| !kept.contains(name))
        // After a rollback newer folders are known and good, or known and bad; unknown ones are not ours to judge.
        .filter(|name| !newer.contains(&name.release()) || known.contains(&name.release()))
        .cloned()
        .collect()
}

/// The line in `revisions.log`, as Capistrano writes it.
fn revision_line(lane: &Lane) -> String {
    let plan = &lane.run.plan;
    let clean = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    match plan.kind {
        Kind::Release => format!(
            "Branch {} (at {}) deployed as release {} by {} at {}",
            clean(&plan.git_ref),
            plan.commit,
            lane.folder(),
            clean(&plan.by),
            Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ")
        ),
        Kind::CatchUp => format!("{} caught up with release {}", clean(&plan.by), lane.folder()),
        Kind::Rollback => format!("{} rolled back to release {}", clean(&plan.by), lane.folder()),
    }
}

#[cfg(test)]
mod tests {
    use model::ReleaseId;
    use proptest::prelude::*;

    use super::*;

    fn name(id: i64) -> ReleaseName {
        format!("20260101T000000Z-{id}").parse().unwrap()
    }

    fn good(ids: &[i64]) -> Vec<GoodRelease> {
        let one = |id: &i64| GoodRelease {
            id: ReleaseId(*id),
            name: name(*id),
            kind: Kind::Release,
            origin: None,
            commit: "a".repeat(40).parse().unwrap(),
            artifact: None,
        };
        ids.iter().map(one).collect()
    }

    fn check(found: &[i64], live: i64, by_activation: &[i64], keep: u32, gone: &[i64]) {
        let found: Vec<_> = found.iter().copied().map(name).collect();
        let removed = to_remove(&found, &name(live), &good(by_activation), keep);
        assert_eq!(removed, gone.iter().copied().map(name).collect::<Vec<_>>());
    }

    #[test]
    fn failed_ones_go_and_never_push_out_good_ones() {
        check(&[1, 2, 3, 4, 5, 6], 6, &[2, 1], 3, &[3, 4, 5]);
        check(&[1, 2, 3, 4], 4, &[3, 2, 1], 2, &[1, 2]);
        check(&[1, 2], 2, &[1], 1, &[]);
    }

    #[test]
    fn after_a_rollback_the_order_is_that_of_activation() {
        check(&[1, 2, 3], 1, &[3, 2, 1], 2, &[2]);
        check(&[1, 2, 9], 2, &[1], 2, &[]);
    }

    proptest! {
        /// Releases 1 to 30: those that are on the server, which are good in the order of their last activation, and which
        /// of the good ones is live.
        #[test]
        fn retention_keeps_what_is_live_what_was_before_it_and_what_it_does_not_know(
            found in proptest::collection::btree_set(1_i64..30, 1..20),
            good_ids in Just((1_i64..30).collect::<Vec<_>>()).prop_shuffle(),
            many in 0_usize..20,
            keep in 0_u32..12,
            pick in any::<prop::sample::Index>(),
        ) {
            let found: Vec<i64> = found.into_iter().collect();
            let live = *pick.get(&found);
            let by_activation: Vec<i64> = good_ids.into_iter().take(many).filter(|id| *id != live).collect();
            let names: Vec<_> = found.iter().copied().map(name).collect();
            let removed = to_remove(&names, &name(live), &good(&by_activation), keep);
            let gone = |id: i64| removed.contains(&name(id));
            prop_assert!(!gone(live));
            if let Some(previous) = by_activation.first() {
                prop_assert!(!gone(*previous), "the good one before it is the way back");
            }
            let room = usize::try_from(keep.max(2)).unwrap() - 1;
            for id in &found {
                let rank = by_activation.iter().position(|good| good == id);
                // One that never became good goes, unless another installation may know it.
                let expected = rank.map_or(*id < live, |rank| rank >= room);
                prop_assert_eq!(gone(*id), expected, "release {}", id);
            }
        }
    }
}
