//! How a release ends, whatever happened before: servers that were switched go back when it failed, no node is left
//! open, the lock is given back, and the last fact says what became of it.

use std::sync::Arc;

use model::{HookPoint, NodeFact, Status, Step, StepKind, StepStatus};

use crate::artifact::retain::retain;
use crate::control::{Trouble, control_hooks};
use crate::error::{Failure, Halt};
use crate::fleet;
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::ports::JournalError;
use crate::run::{Begun, Open, Run, Tries};
use crate::stages::undo::undo;

/// The node of the way back of the whole release.
pub const BACK: &str = "undo";

/// What follows from how the way forward ended.
pub async fn end(run: &Arc<Run>, lanes: &mut Lanes, outcome: Result<(), Halt>) -> Result<(), JournalError> {
    // Who stopped it in the same moment in which it began to wait does not want it to wait.
    let outcome = match outcome {
        Err(Halt::Held(_)) if run.go_on().is_err() => Err(Halt::Stopped),
        outcome => outcome,
    };
    let (status, reason) = match outcome {
        Ok(()) => went_on(run, lanes),
        Err(Halt::Journal(error)) => return Err(error),
        Err(Halt::Unknown(why)) => {
            lanes.leave();
            return run.reporter.release(Status::Interrupted, Some(why)).await;
        }
        Err(Halt::Held(hold)) => {
            lanes.leave();
            return run.reporter.hold(*hold).await;
        }
        Err(Halt::Failed(failure)) => {
            let (status, also) = back(run, lanes, Status::Failed).await?;
            (status, Some(join(&failure.reason(), also)))
        }
        Err(Halt::Stopped | Halt::Skipped) => {
            let (status, also) = back(run, lanes, Status::Cancelled).await?;
            (status, Some(join("stopped on request", also)))
        }
    };
    settle_rest(run, status).await?;
    if matches!(status, Status::Failed | Status::RolledBack | Status::Partial) {
        after_failure(run, lanes).await?;
    }
    lanes.close().await;
    run.reporter.release(status, reason).await?;
    if status == Status::Succeeded {
        retain(run).await;
    }
    // Nothing reads the work folder any more; what cannot be removed is only in the way of the disk.
    if let Err(failure) = crate::stages::build::remove(&run.work()).await {
        tracing::warn!(release = %run.plan.release, reason = failure.message, "the work folder stays");
    }
    Ok(())
}

fn join(first: &str, second: Option<String>) -> String {
    second.map_or_else(|| first.to_owned(), |second| format!("{first}; {second}"))
}

/// How a release ended that went on to its end: some servers may not have come with it.
fn went_on(run: &Run, lanes: &Lanes) -> (Status, Option<String>) {
    // Who goes back at once does not turn round again: a server that could not is what it was, or nobody knows.
    let is_lost = |lane: &Lane| lane.left_out && (lane.touched || (run.plan.now && lane.failed));
    let names = |wanted: &dyn Fn(&Lane) -> bool| -> String {
        let wanted = lanes.iter().filter(|lane| wanted(lane));
        wanted.map(|lane| lane.name().as_str()).collect::<Vec<_>>().join(", ")
    };
    let kinds = [
        ("left out", names(&|lane| lane.left_out && !lane.failed && !is_lost(lane))),
        ("failed and went back", names(&|lane| lane.failed && !is_lost(lane))),
        ("could not go back", names(&is_lost)),
    ];
    let said = kinds.iter().filter(|(_, names)| !names.is_empty());
    let mut said: Vec<String> = said.map(|(what, names)| format!("{what}: {names}")).collect();
    if run.go_on().is_err() {
        // Servers are let go one by one: from there on there is no way back for all of them.
        said.push("the stop came too late".to_owned());
    }
    let status = if lanes.iter().any(is_lost) { Status::Partial } else { Status::Succeeded };
    // Where none could, none was left switched.
    let is_in_vain = run.plan.now && !lanes.iter().any(|lane| lane.switched);
    let status = if is_in_vain { Status::Failed } else { status };
    (status, (!said.is_empty()).then(|| said.join("; ")))
}

/// Puts every server back that is not what it was. `otherwise` is the status when none was switched.
async fn back(
    run: &Run,
    lanes: &mut Lanes,
    otherwise: Status,
) -> Result<(Status, Option<String>), JournalError> {
    let gone = if lanes.iter().any(|lane| lane.switched) { Status::RolledBack } else { otherwise };
    if !lanes.iter().any(|lane| lane.touched) {
        return Ok((gone, None));
    }
    // Some of them may be half way back already.
    let run = &run.renewed().await?;
    lanes.iter_mut().for_each(|lane| lane.run = Arc::clone(run));
    let open = match begin_back(run).await {
        Ok(open) => open,
        Err(Halt::Journal(error)) => return Err(error),
        Err(_) => None,
    };
    let halt = lanes.only(|lane| lane.touched, |lane| Box::pin(undo(lane))).await.err();
    let why = match halt {
        None => None,
        Some(Halt::Journal(error)) => return Err(error),
        Some(Halt::Failed(failure)) => Some(format!("going back failed: {}", failure.reason())),
        Some(Halt::Unknown(why)) => Some(format!("going back stopped: {why}")),
        Some(Halt::Stopped | Halt::Skipped | Halt::Held(_)) => Some("going back was stopped".to_owned()),
    };
    // Their links may be back; what runs there nobody knows.
    for lane in lanes.iter_mut().filter(|lane| lane.touched) {
        lane.left_out = true;
        if let Err(Halt::Journal(error)) =
            fleet::settle(lane, StepStatus::Cancelled, "it could not go back").await
        {
            return Err(error);
        }
    }
    if let Some(open) = open {
        let ended = match &why {
            None => open.ok(None).await,
            Some(why) => Err(open.fail(Failure::new(why.clone())).await),
        };
        if let Err(Halt::Journal(error)) = ended {
            return Err(error);
        }
    }
    Ok(match why {
        None => (gone, None),
        Some(why) => (Status::Partial, Some(why)),
    })
}

/// The node of the way back: from here on the release does not turn round again.
async fn begin_back(run: &Run) -> Result<Option<Open<'_>>, Halt> {
    let added = Step {
        key: BACK.to_owned(),
        parent: Some("staged".to_owned()),
        text: "undo".to_owned(),
        step: StepKind::Undo,
        server: None,
        batch: None,
    };
    match run.begin_as(BACK, Some(added), Tries::New).await? {
        Begun::Act(open) => Ok(Some(open)),
        Begun::Done(_) => Ok(None),
    }
}

/// No node is left open when a release ends: what did not begin will not, what was around a failure failed.
async fn settle_rest(run: &Run, status: Status) -> Result<(), JournalError> {
    let rows = run.ports.journal.steps(run.plan.release).await?;
    let rest = rows.into_iter().filter_map(|row| {
        let last = match row.status {
            // Of a server that was left out.
            StepStatus::Pending if status == Status::Succeeded => StepStatus::Skipped,
            StepStatus::Pending | StepStatus::Paused => StepStatus::Cancelled,
            StepStatus::Running if status == Status::Cancelled => StepStatus::Cancelled,
            StepStatus::Running => StepStatus::Failed,
            _ => return None,
        };
        Some((NodeFact::new(row.key, last, row.attempt), None))
    });
    let rest: Vec<_> = rest.collect();
    for part in rest.chunks(500) {
        run.reporter.nodes(part.to_vec()).await?;
    }
    Ok(())
}

/// Runs `on_failure`; its own failure changes nothing any more.
async fn after_failure(run: &Arc<Run>, lanes: &Lanes) -> Result<(), JournalError> {
    let rows = run.ports.journal.steps(run.plan.release).await?;
    let failed: Vec<&str> =
        rows.iter().filter(|row| row.status == StepStatus::Failed).map(|row| row.key.as_str()).collect();
    let servers: Vec<&str> = lanes
        .iter()
        .map(|lane| lane.server.name.as_str())
        .filter(|name| failed.iter().any(|key| key.split('/').next() == Some(name)))
        .collect();
    let step = failed.first().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let trouble = Trouble { servers: servers.join(","), step };
    match control_hooks(run, HookPoint::OnFailure, Some(&trouble)).await {
        Err(Halt::Journal(error)) => Err(error),
        _ => Ok(()),
    }
}
