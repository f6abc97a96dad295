//! Prune: the last good releases stay on a server, the others go. Last of all, and a failure of it is a warning.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{HookPoint, Kind, ReleaseId, ReleaseName};

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
    let folders = |good: &[&GoodRelease]| -> Vec<ReleaseName> {
        good.iter().map(|good| good.folder_on(lane.name()).clone()).collect()
    };
    let origin = run.plan.origin.as_ref().map_or(run.plan.release, |origin| origin.release);
    let mut needed = folders(&ways_back(&run.good, origin));
    // Whatever this release ends with from here on, the way back leads there.
    needed.extend(lane.previous().and_then(|before| before.parse().ok()));
    let kept = Kept {
        live: lane.folder(),
        good: &folders(&run.good.iter().collect::<Vec<_>>()),
        needed: &needed,
        keep: run.plan.environment.keep,
    };
    let remove = to_remove(&lane.facts.releases, &kept);
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

/// What stays on a server.
struct Kept<'k> {
    /// The folder that is live.
    live: &'k ReleaseName,
    /// Those of the good releases, by last activation.
    good: &'k [ReleaseName],
    /// Those that stay however many there are.
    needed: &'k [ReleaseName],
    /// How many good ones stay.
    keep: u32,
}

/// The adopted releases that a rollback goes back to, now that the release `origin` is live, or once another one follows:
/// of them nothing is kept but their folders.
fn ways_back(good: &[GoodRelease], origin: ReleaseId) -> Vec<&GoodRelease> {
    let newest =
        |below: &dyn Fn(&GoodRelease) -> bool| good.iter().filter(|one| below(one)).max_by_key(|one| one.id);
    let both = [newest(&|one| one.id < origin), newest(&|_| true)];
    both.into_iter().flatten().filter(|one| one.kind == Kind::Adopted).collect()
}

/// Which of the folders that were found may go: pure, so that it can be proven.
///
/// Kept are the last `keep` good releases by last activation, the live one included and at least one before it, what is
/// needed, and whatever is newer than the live one: another database may know it. What another tool made goes only when it
/// was adopted.
fn to_remove(found: &[ReleaseName], stays: &Kept<'_>) -> Vec<ReleaseName> {
    let Kept { live, good, needed, keep } = *stays;
    let mut kept: BTreeSet<&ReleaseName> = BTreeSet::from([live]);
    let keep = usize::try_from(keep.max(2)).unwrap_or(usize::MAX);
    for name in good {
        if kept.len() >= keep {
            break;
        }
        kept.insert(name);
    }
    kept.extend(needed);
    // One that was adopted has no number, and is older than all that have.
    let is_older = |name: &ReleaseName| name.release().is_some_and(|id| Some(id) <= live.release());
    found
        .iter()
        .filter(|name| !kept.contains(name))
        // After a rollback newer folders are known and good, or known and bad; unknown ones are not ours to judge.
        .filter(|name| is_older(name) || good.contains(name))
        .cloned()
        .collect()
}

/// The line in `revisions.log`, as Capistrano writes it.
fn revision_line(lane: &Lane) -> String {
    let plan = &lane.run.plan;
    let clean = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    match plan.kind {
        Kind::Release | Kind::Adopted => format!(
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
    use proptest::prelude::*;

    use super::*;

    fn name(id: i64) -> ReleaseName {
        format!("20260101T000000Z-{id}").parse().unwrap()
    }

    fn check(found: &[i64], live: i64, by_activation: &[i64], keep: u32, gone: &[i64]) {
        let named = |ids: &[i64]| ids.iter().copied().map(name).collect::<Vec<_>>();
        let kept = Kept { live: &name(live), good: &named(by_activation), needed: &[], keep };
        assert_eq!(to_remove(&named(found), &kept), named(gone));
    }

    #[test]
    fn what_another_tool_made_goes_only_when_it_was_adopted() {
        let names =
            |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<ReleaseName>>();
        let found = names(&["10", "11", "12", "13", "backup-7", "20260101T000000Z-4"]);
        let check = |live: &str, good: &[&str], keep, gone: &[&str]| {
            let kept =
                Kept { live: &live.parse().unwrap(), good: &names(good), needed: &names(&["13"]), keep };
            assert_eq!(to_remove(&found, &kept), names(gone), "{live} {good:?} {keep}");
        };
        check("20260101T000000Z-4", &["12", "11", "10"], 5, &[]);
        check("20260101T000000Z-4", &["12", "11", "10"], 2, &["10", "11"]);
        check("20260101T000000Z-4", &["12"], 1, &[]);
        // Back at one that was adopted, what is ours is newer.
        check("11", &["20260101T000000Z-4", "12", "10"], 2, &["10", "12"]);
        check("11", &["12", "10"], 2, &["10"]);
        check("11", &["13", "12", "10"], 1, &["10", "12"]);
    }

    #[test]
    fn what_a_rollback_needs_and_nothing_else_keeps_stays() {
        let one = |id: i64, artifact: Option<&str>| GoodRelease {
            id: ReleaseId(id),
            name: name(id),
            elsewhere: model::plan::Elsewhere::new(),
            kind: if artifact.is_some() { Kind::Release } else { Kind::Adopted },
            origin: None,
            commit: model::CommitId::unknown(),
            artifact: artifact.map(str::to_owned),
        };
        let check = |good: &[GoodRelease], origin: i64, needed: &[i64]| {
            let found: Vec<i64> = ways_back(good, ReleaseId(origin)).iter().map(|one| one.id.0).collect();
            assert_eq!(found, needed, "back from {origin}");
        };
        let adopted = [one(1, None), one(3, None), one(2, None)];
        check(&adopted, 4, &[3, 3]);
        check(&adopted, 3, &[2, 3]);
        check(&adopted, 1, &[3]);
        let ours = [one(5, Some("a")), one(3, None)];
        check(&ours, 6, &[]);
        check(&ours, 5, &[3]);
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
            let good: Vec<_> = by_activation.iter().copied().map(name).collect();
            let removed = to_remove(&names, &Kept { live: &name(live), good: &good, needed: &[], keep });
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
