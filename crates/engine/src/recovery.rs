//! After a restart: what is true on the servers decides how a release goes on (DESIGN section 2).

use std::collections::BTreeSet;

use model::event::ServerFact;
use model::{HookPoint, NodeFact, OnInterrupt, Rerun, ServerState, StepStatus};

use crate::ending::BACK;
use crate::error::{Failure, Halt};
use crate::fleet;
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::planner::{point_key, server_hooks};
use crate::run::Run;
use crate::stages::job::is_known;
use crate::stages::undo::undo;
use crate::urgent;

/// How a release goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// From the first step that is not proven done.
    GoOn,
    /// Switched servers go back.
    GoBack(Failure),
    /// A person decides.
    Hold(String),
}

/// Decides how a release goes on. A release that begins simply goes on.
///
/// In this order: a server hook whose outcome stays unknown, then a failure that is more than may be, then servers that
/// are switched, then the rest.
pub async fn decide(run: &Run, lanes: &mut Lanes, taken_over: bool) -> Result<Next, Halt> {
    if run.found.values().all(|row| row.status == StepStatus::Pending) {
        return Ok(Next::GoOn);
    }
    lanes.only(|_| true, |lane| Box::pin(look(lane))).await?;
    if taken_over {
        for lane in lanes.iter_mut() {
            if let Some(why) = unknown_hook(run, lane).await? {
                return Ok(Next::Hold(why));
            }
        }
    }
    // A release that had begun to go back does not turn round again.
    if run.had_begun(BACK) {
        return Ok(Next::GoBack(first_failure(run, |_| true)));
    }
    if run.plan.now {
        // It does not turn round: who failed is left behind, and the others go on.
        return urgent::leave_failed(run, lanes).await.map(|()| Next::GoOn);
    }
    let of_no_server = |key: &str| !lanes.iter().any(|lane| lane.has(key));
    if run.found.values().any(|row| row.status == StepStatus::Failed && of_no_server(&row.key)) {
        return Ok(Next::GoBack(first_failure(run, of_no_server)));
    }
    if let Some(failure) = give_up(run, lanes).await? {
        return Ok(Next::GoBack(failure));
    }
    if taken_over && lanes.iter().any(|lane| lane.touched) {
        let why = "controller_restarted: some servers were switched already";
        match run.plan.environment.on_interrupt {
            OnInterrupt::Continue => {}
            OnInterrupt::Hold => return Ok(Next::Hold(why.to_owned())),
            OnInterrupt::RollBack => return Ok(Next::GoBack(Failure::new(why))),
        }
    }
    Ok(Next::GoOn)
}

fn first_failure(run: &Run, wanted: impl Fn(&str) -> bool) -> Failure {
    let failed = run.found.values().filter(|row| row.status == StepStatus::Failed && wanted(&row.key));
    let key = failed.map(|row| row.key.as_str()).min().unwrap_or("a step");
    Failure::new(format!("{key} did not work"))
}

/// What an owner before us began and did not end: servers that failed go back and are left out. Where that is more than
/// may be, the answer is why the release goes back.
async fn give_up(run: &Run, lanes: &mut Lanes) -> Result<Option<Failure>, Halt> {
    let mut stopped = Vec::new();
    // Whom somebody left out did not fail.
    let is_wished = |lane: &Lane| run.steering.skip_of(lane.name()).is_cancelled();
    for lane in lanes.iter_mut().filter(|lane| !lane.left_out && !is_wished(lane)) {
        let failed = |row: &&crate::ports::StepRow| {
            lane.has(&row.key)
                && (row.status == StepStatus::Failed
                    || (row.key == lane.key("undo") && row.status != StepStatus::Pending))
        };
        let Some(row) = run.found.values().find(failed) else { continue };
        stopped.push((lane.name().clone(), Halt::Failed(Failure::new(format!("{} did not work", row.key)))));
    }
    let names: BTreeSet<_> = stopped.iter().map(|(name, _)| name.clone()).collect();
    let before = lanes.iter().filter(|lane| lane.failed).map(|lane| lane.name().clone());
    if !fleet::is_too_many(&run.plan, &before.chain(names.iter().cloned()).collect()) {
        let is_open = |lane: &Lane| lane.touched && names.contains(lane.name());
        match lanes.only(is_open, |lane| Box::pin(undo(lane))).await {
            // It is left out, and shown as one that could not go back.
            Ok(()) | Err(Halt::Failed(_)) => {}
            other => other?,
        }
    }
    match fleet::tolerate(run, lanes, stopped).await {
        Err(Halt::Failed(failure)) => Ok(Some(failure)),
        other => other.map(|_| None),
    }
}

/// Reads what is true on a server that the release had contacted. A server that does not answer now is asked
/// again by the next step that needs it.
async fn look(lane: &mut Lane) -> Result<(), Halt> {
    let run = lane.run.clone();
    let upload = lane.key("upload");
    if !run.had_begun(&upload) {
        return Ok(());
    }
    lane.recall(run.found.get(&upload).and_then(|row| row.result.as_ref()));
    let switching = run.had_begun(&lane.key("activate"));
    let drain = point_key(HookPoint::BeforeActivate, Some(&lane.server));
    // What it will not do any more was said when it was given up.
    let prune = run.found.get(&lane.key("prune"));
    if prune.is_some_and(|row| matches!(row.status, StepStatus::Cancelled | StepStatus::Skipped)) {
        lane.left_out = true;
        lane.failed = prune.is_some_and(|row| row.status == StepStatus::Cancelled);
    }
    if lane.left_out {
        lane.switched = switching;
        lane.touched = (switching || run.had_begun(&drain)) && !is_back(lane);
        return Ok(());
    }
    let reached = lane.contact().await;
    let ours = lane.facts.current.as_deref() == Some(lane.path().as_str());
    // Switched: the server says so, or it cannot say and we had begun. A way back that had begun is gone to its
    // end: the link may be back already, and what runs there not.
    let going_back = run.had_begun(&lane.key("undo"));
    lane.switched = going_back || (switching && (reached.is_err() || (ours && lane.before != lane.path())));
    lane.touched = lane.switched || run.had_begun(&drain);
    // A switch that was done and not recorded is told as soon as it is known, whatever is decided next.
    let activate = lane.key("activate");
    if let Some(row) = run.found.get(&activate).filter(|row| ours && row.status == StepStatus::Running) {
        let known = ServerFact { now: lane.facts.current.clone(), ..lane.known(ServerState::Activated) };
        let fact =
            NodeFact { server: Some(known), ..NodeFact::new(activate, StepStatus::Running, row.attempt) };
        run.reporter.node(fact, None).await?;
    }
    Ok(())
}

/// Whether the way back of this server was gone to its end.
fn is_back(lane: &Lane) -> bool {
    let undo = lane.key("undo");
    let below = format!("{undo}/");
    let rows = || lane.run.found.values().filter(|row| row.key == undo || row.key.starts_with(&below));
    rows().any(|row| row.key == undo) && rows().all(|row| row.status.is_done())
}

/// The first hook of a lane that began and of which nobody knows whether it ended.
async fn unknown_hook(run: &Run, lane: &mut Lane) -> Result<Option<String>, Halt> {
    let server = lane.server.clone();
    for hook in server_hooks(&run.plan, &server) {
        let Some(row) = run.found.get(&hook.key) else { continue };
        // It was said, and the release ended before it could be held for it.
        if row.status == StepStatus::Unknown && hook.hook.rerun == Rerun::Never {
            return Ok(Some(format!("{} began, and nobody knows whether it ended", hook.key)));
        }
        if row.status != StepStatus::Running {
            continue;
        }
        let run_id = run.run_id(&hook.key, row.attempt.max(1));
        if hook.hook.rerun == Rerun::Never && !is_known(lane, &run_id).await.unwrap_or(false) {
            let fact = model::NodeFact {
                reason: Some("it began, and nobody knows whether it ended".to_owned()),
                ..model::NodeFact::new(&hook.key, StepStatus::Unknown, row.attempt.max(1))
            };
            run.reporter.node(fact, None).await?;
            return Ok(Some(format!(
                "controller_restarted: {} began, and nobody knows whether it ended",
                hook.key
            )));
        }
    }
    Ok(None)
}
