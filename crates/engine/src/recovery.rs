//! After a restart: what is true on the servers decides how a release goes on (DESIGN section 2).

use model::event::ServerFact;
use model::{HookPoint, NodeFact, OnInterrupt, Rerun, ServerState, StepStatus};

use crate::error::{Failure, Halt};
use crate::lane::{Lane, unsendable};
use crate::lanes::Lanes;
use crate::planner::point_hooks;
use crate::remote::{Command, status};
use crate::run::Run;

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
/// In this order: a server hook whose outcome stays unknown, then servers that are switched, then the rest.
pub async fn decide(run: &Run, lanes: &mut Lanes, taken_over: bool) -> Result<Next, Halt> {
    if run.found.values().all(|row| row.status == StepStatus::Pending) {
        return Ok(Next::GoOn);
    }
    for lane in lanes.iter_mut() {
        look(run, lane).await?;
    }
    if taken_over {
        for lane in lanes.iter_mut() {
            if let Some(why) = unknown_hook(run, lane).await? {
                return Ok(Next::Hold(why));
            }
        }
    }
    // A release that had begun to go back does not turn round again.
    let failed =
        run.found.values().find(|row| row.status == StepStatus::Failed || row.key.ends_with("/undo"));
    if let Some(row) = failed {
        return Ok(Next::GoBack(Failure::new(format!("{} did not work", row.key))));
    }
    if taken_over && lanes.iter().any(|lane| lane.switched) {
        let why = "controller_restarted: some servers were switched already";
        match run.plan.environment.on_interrupt {
            OnInterrupt::Continue => {}
            OnInterrupt::Hold => return Ok(Next::Hold(why.to_owned())),
            OnInterrupt::RollBack => return Ok(Next::GoBack(Failure::new(why))),
        }
    }
    Ok(Next::GoOn)
}

/// Reads what is true on a server that the release had contacted. A server that does not answer now is asked
/// again by the next step that needs it.
async fn look(run: &Run, lane: &mut Lane) -> Result<(), Halt> {
    let upload = lane.key("upload");
    if !run.had_begun(&upload) {
        return Ok(());
    }
    lane.recall(run.found.get(&upload).and_then(|row| row.result.as_ref()));
    let switching = run.had_begun(&lane.key("activate"));
    if lane.left_out {
        return Ok(());
    }
    let reached = lane.contact().await;
    let ours = lane.facts.current.as_deref() == Some(lane.path().as_str());
    // Switched: the server says so, or it cannot say and we had begun. A way back that had begun is gone to its
    // end: the link may be back already, and what runs there not.
    let going_back = run.had_begun(&lane.key("undo"));
    lane.switched = going_back || (switching && (reached.is_err() || (ours && lane.before != lane.path())));
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

/// The first hook of a lane that began and of which nobody knows whether it ended.
async fn unknown_hook(run: &Run, lane: &mut Lane) -> Result<Option<String>, Halt> {
    for point in HookPoint::ALL.into_iter().filter(|point| !point.on_control_host()) {
        for hook in point_hooks(&run.plan, point, Some(&lane.server)) {
            let Some(row) = run.found.get(&hook.key).filter(|row| row.status == StepStatus::Running) else {
                continue;
            };
            let run_id = run.run_id(&hook.key, row.attempt.max(1));
            if hook.hook.rerun == Rerun::Never && !is_known(lane, &run_id).await {
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
    }
    Ok(None)
}

/// Whether the server knows what became of a run: it never started, it runs, or it left its exit code.
pub async fn is_known(lane: &mut Lane, run_id: &str) -> bool {
    let command = match Command::new("state").value("run", run_id).map_err(unsendable) {
        Ok(command) => command,
        Err(failure) => {
            tracing::error!(reason = failure.message, "a run id that cannot be sent");
            return false;
        }
    };
    match lane.ask(&command).await {
        Ok(answer) => answer.status == status::NO_RUN || answer.get("unknown").is_none(),
        Err(_) => false,
    }
}
