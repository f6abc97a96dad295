//! Undo: a server that was switched gets its previous link back, and what runs there runs the previous release
//! again, healthy. Probe and run are one, as for activate.

use model::event::ServerFact;
use model::{Action, HookPoint, Kind, NodeFact, ServerState, Step, StepKind, StepStatus};

use super::hook::{self, Scene};
use super::verify::verify_undone;
use crate::error::Halt;
use crate::lane::{Lane, unsendable};
use crate::planner::once_hooks;
use crate::remote::{Command, status};
use crate::run::{Begun, Tries};

/// Puts the lane's server back to what it ran before, and sees it healthy there.
pub async fn undo(lane: &mut Lane) -> Result<(), Halt> {
    let key = lane.key("undo");
    lane.contact().await.map_err(Halt::Failed)?;
    if !lane.before.is_empty() {
        match hooks(lane, HookPoint::BeforeActivate, &key).await {
            // Its node says so; the way back matters more than a clean drain.
            Ok(()) | Err(Halt::Failed(_)) => {}
            other => other?,
        }
    }
    switch_back(lane, &key).await?;
    taken_back(lane).await?;
    // Without a previous release there is nothing to run.
    if !lane.before.is_empty() {
        hooks(lane, HookPoint::AfterActivate, &key).await?;
        let folder = lane.before.clone();
        verify_undone(lane, &key, &folder).await?;
        hooks(lane, HookPoint::AfterVerify, &key).await?;
    }
    lane.touched = false;
    Ok(())
}

/// Says of everything that the switch did on this server that it was taken back. What runs once stays done.
async fn taken_back(lane: &Lane) -> Result<(), Halt> {
    let run = &lane.run;
    let once: Vec<String> = once_hooks(&run.plan, &lane.server).map(|hook| hook.key).collect();
    let steps = run.plan.steps.iter().filter(|step| step.batch.is_some() && lane.has(&step.key));
    let switch: Vec<&String> = steps.map(|step| &step.key).filter(|key| !once.contains(key)).collect();
    let rows = lane.rows().await?;
    let done = rows.into_iter().filter(|row| {
        switch.contains(&&row.key) && row.status.is_done() && row.status.may_become(StepStatus::Undone)
    });
    let facts = done.map(|row| (NodeFact::new(row.key, StepStatus::Undone, row.attempt), None)).collect();
    Ok(run.reporter.nodes(facts).await?)
}

async fn hooks(lane: &mut Lane, point: HookPoint, below: &str) -> Result<(), Halt> {
    let folder = lane.before.clone();
    let scene = Scene { point, action: Action::Undo, folder, below: Some(below.to_owned()), may_stop: false };
    hook::point(lane, &scene).await
}

async fn switch_back(lane: &mut Lane, key: &str) -> Result<(), Halt> {
    let run = lane.run.clone();
    let added = Step {
        key: key.to_owned(),
        parent: Some(lane.key("activate")),
        text: "undo".to_owned(),
        step: StepKind::Undo,
        server: Some(lane.server.name.clone()),
        batch: None,
    };
    let Begun::Act(open) = run.begin_as(key, Some(added), Tries::New).await? else { return Ok(()) };
    let hands = lane.hands.clone();
    let _held = hands.lock().await;
    // What goes back behind `after_release` was called good already. A release that comes again was good before.
    let spoiled = if run.plan.kind == Kind::Release { lane.folder().as_str() } else { "" };
    let build = || {
        let command = Command::new("undo").value("folder", lane.folder().as_str())?;
        command.value("before", &lane.before)?.value("spoiled", spoiled)
    };
    let command = match build() {
        Ok(command) => command,
        Err(error) => return Err(open.fail(unsendable(error)).await),
    };
    let answer = match lane.ask(&command).await {
        Ok(answer) if answer.status == status::DONE => answer,
        Ok(answer) => {
            let failure = lane.refused(&answer, "undo");
            return Err(open.fail_on(failure, Some(lane.known(ServerState::Unknown))).await);
        }
        Err(failure) => return Err(open.fail_on(failure, Some(lane.known(ServerState::Unknown))).await),
    };
    let now = Some(answer.get("now").unwrap_or_default().to_owned());
    open.ok_on(None, ServerFact { now, ..lane.known(ServerState::Undone) }).await
}
