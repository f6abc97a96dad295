//! The fleet: its servers are switched batch by batch. One that fails goes back at once; so many of them may, before all
//! go back.

use std::collections::BTreeSet;

use futures::future::{BoxFuture, join_all};
use model::event::ServerFact;
use model::{HookPoint, Kind, Name, NodeFact, Plan, PlannedBatch, ServerState, StepStatus};
use serde_json::json;

use crate::error::{Halt, Hold};
use crate::lane::{Lane, named};
use crate::lanes::{Lanes, gravest};
use crate::planner::{batch_key, once_hooks, point_hooks};
use crate::run::{Begun, Run};
use crate::stages::hook::{self, Scene};
use crate::stages::job::kill;
use crate::stages::{activate::activate, undo::undo, verify::verify};

/// A server that did not get to the end of a stage, and why.
pub type Stopped = (Name, Halt);

/// Runs `stage` on the wanted lanes that take part, all at once, and waits for all of them; each may be left out meanwhile.
/// Answers every lane that did not get to the end.
pub async fn each<F>(lanes: &mut Lanes, wanted: impl Fn(&Lane) -> bool, stage: F) -> Vec<Stopped>
where
    F: for<'l> Fn(&'l mut Lane) -> BoxFuture<'l, Result<(), Halt>> + Sync,
{
    let stage = &stage;
    let work = lanes.iter_mut().filter(|lane| !lane.left_out && wanted(lane)).map(|lane| async move {
        let server = lane.server.name.clone();
        let (skip, hands) = (lane.run.steering.skip_of(&server), lane.hands.clone());
        let wished = async {
            skip.cancelled().await;
            // A switch that is under way is finished first: dropped, it would still happen, behind our back.
            hands.lock().await
        };
        let outcome = tokio::select! {
            biased;
            _free = wished => None,
            outcome = stage(lane) => Some(outcome),
        };
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => leave_out(lane).await,
        };
        outcome.map_err(|halt| (server.clone(), named(&server, halt)))
    });
    join_all(work).await.into_iter().filter_map(Result::err).collect()
}

/// Switches the servers of one batch, from drained to healthy, and waits behind it as the plan says.
pub async fn batch(
    run: &Run,
    lanes: &mut Lanes,
    number: usize,
    batch: &PlannedBatch,
    is_last: bool,
) -> Result<(), Halt> {
    let begun = run.begin(&batch_key(number)).await?;
    // A server that is tried once more may belong to a batch that is done.
    let stopped =
        each(lanes, |lane| batch.servers.contains(lane.name()), |lane| Box::pin(switch(lane))).await;
    let tolerated = tolerate(run, lanes, stopped).await;
    if let Begun::Act(open) = begun {
        match tolerated {
            Ok(failed) if failed.is_empty() => open.ok(None).await?,
            Ok(failed) => {
                open.warn(format!("failed and went back: {}", failed.join(", ")), None, None).await?;
            }
            Err(Halt::Failed(failure)) => return Err(open.fail(failure).await),
            Err(other) => return Err(other),
        }
    } else {
        tolerated?;
    }
    if is_last { Ok(()) } else { pause_after(run, number, batch).await }
}

/// Leaves out whom somebody wants to be left out, whatever batch they belong to.
pub async fn leave_out_wished(run: &Run, lanes: &mut Lanes) -> Result<(), Halt> {
    let is_wished = |lane: &Lane| run.steering.skip_of(lane.name()).is_cancelled();
    let stopped = each(lanes, is_wished, |_| Box::pin(std::future::pending())).await;
    tolerate(run, lanes, stopped).await.map(drop)
}

/// One server from drained to healthy; when it fails it goes back before anybody else is asked.
///
/// A wish to stop does not interrupt it: a server in hand is finished.
async fn switch(lane: &mut Lane) -> Result<(), Halt> {
    match onward(lane).await {
        Err(Halt::Failed(failure)) if lane.touched => match undo(lane).await {
            // Where it could not, everybody is told at the end.
            Ok(()) | Err(Halt::Failed(_)) => Err(Halt::Failed(failure)),
            Err(other) => Err(other),
        },
        outcome => outcome,
    }
}

/// The way of one server through its switch: drained, switched, restarted, healthy, back in service.
pub async fn onward(lane: &mut Lane) -> Result<(), Halt> {
    if lane.run.plan.kind == Kind::Rollback && !lane.before.is_empty() {
        let leaving =
            Scene { folder: lane.before.clone(), ..Scene::forward(lane, HookPoint::BeforeRollback, false) };
        hook::point(lane, &leaving).await?;
    }
    let is_drained = !point_hooks(&lane.run.plan, HookPoint::BeforeActivate, Some(&lane.server)).is_empty();
    // Who was taken out of service comes back into it, whatever happens next.
    lane.touched |= is_drained;
    hook::point(lane, &Scene::forward(lane, HookPoint::BeforeActivate, false)).await?;
    activate(lane).await?;
    hook::point(lane, &Scene::forward(lane, HookPoint::AfterActivate, false)).await?;
    verify(lane).await?;
    hook::point(lane, &Scene::forward(lane, HookPoint::AfterVerify, false)).await
}

/// Waits behind a healthy batch: for a while, or for a person.
async fn pause_after(run: &Run, number: usize, batch: &PlannedBatch) -> Result<(), Halt> {
    let next = batch_key(number + 1);
    let found = run.found.get(&next);
    if found.is_some_and(|row| !matches!(row.status, StepStatus::Pending | StepStatus::Paused)) {
        return Ok(());
    }
    if run.steering.is_promoted(number + 1) {
        return Ok(());
    }
    // Where it is held already it waited before.
    let was_held = found.and_then(|row| row.result.as_ref()).is_some_and(|said| said.get("held").is_some());
    if !batch.wait.is_zero() && !was_held {
        let mut fact = NodeFact::new(&next, StepStatus::Paused, 0);
        fact.reason = Some(format!("begins {:?} after batch {number}", batch.wait));
        run.reporter.node(fact, None).await?;
        let over = tokio::time::sleep(batch.wait);
        tokio::pin!(over);
        loop {
            let changed = run.steering.changed();
            run.border()?;
            tokio::select! {
                () = &mut over => break,
                () = changed => {}
            }
        }
    }
    // Who stopped it while the batch was at work wants no hold.
    run.border()?;
    if batch.hold {
        let reason = format!("batch {number} is healthy; promote it to go on with the next one, or cancel");
        let mut fact = NodeFact::new(&next, StepStatus::Paused, 0);
        fact.reason = Some(reason.clone());
        return Err(Halt::Held(Box::new(Hold { reason, node: Some((fact, json!({ "held": true }))) })));
    }
    Ok(())
}

/// Takes servers that failed out of the release and answers their names; when more failed than may, that is the halt.
pub async fn tolerate(run: &Run, lanes: &mut Lanes, stopped: Vec<Stopped>) -> Result<Vec<String>, Halt> {
    let failed = failed_of(stopped)?;
    let names: BTreeSet<Name> = failed.iter().map(|(name, _)| name.clone()).collect();
    let before = lanes.iter().filter(|lane| lane.failed).map(|lane| lane.name().clone());
    let all: BTreeSet<Name> = before.chain(names.iter().cloned()).collect();
    // What only one server runs cannot be left out with it.
    let mut is_alone = false;
    for lane in lanes.iter().filter(|lane| names.contains(lane.name())) {
        is_alone |= has_once_to_run(lane).await?;
    }
    if is_alone || is_too_many(&run.plan, &all) {
        gravest(failed.into_iter().map(|(_, halt)| halt).collect())?;
    }
    for lane in lanes.iter_mut().filter(|lane| names.contains(lane.name())) {
        (lane.failed, lane.left_out) = (true, true);
        settle(lane, StepStatus::Cancelled, "this server failed, and the others go on without it").await?;
    }
    Ok(names.into_iter().map(String::from).collect())
}

/// The servers that failed, when nothing graver happened. Who was left out on request is dealt with already.
pub fn failed_of(stopped: Vec<Stopped>) -> Result<Vec<Stopped>, Halt> {
    let (failed, others): (Vec<Stopped>, Vec<Stopped>) =
        stopped.into_iter().partition(|(_, halt)| matches!(halt, Halt::Failed(_)));
    let others = others.into_iter().map(|(_, halt)| halt).filter(|halt| !matches!(halt, Halt::Skipped));
    gravest(others.collect())?;
    Ok(failed)
}

/// Whether a hook that runs once, on this server alone, is not done.
async fn has_once_to_run(lane: &Lane) -> Result<bool, Halt> {
    let mut hooks = once_hooks(&lane.run.plan, &lane.server).peekable();
    if hooks.peek().is_none() {
        return Ok(false);
    }
    let rows = lane.rows().await?;
    let is_done = |key: &str| rows.iter().any(|row| row.key == key && row.status.is_done());
    Ok(hooks.any(|hook| !is_done(&hook.key)))
}

/// Whether more servers failed than the plan allows, in all or in one batch. Pure.
pub fn is_too_many(plan: &Plan, failed: &BTreeSet<Name>) -> bool {
    let most = plan.environment.max_failures.rounded_down(plan.servers.len());
    let in_a_batch = |batch: &PlannedBatch| {
        let here = batch.servers.iter().filter(|name| failed.contains(*name)).count();
        batch.max_failures.is_some_and(|most| here > most.rounded_down(batch.servers.len()))
    };
    failed.len() > most || plan.batches.iter().any(in_a_batch)
}

/// Leaves a server out because somebody asked for it: what runs there for this release is ended, and it goes back where
/// it was switched. It did not fail.
pub async fn leave_out(lane: &mut Lane) -> Result<(), Halt> {
    // The work on it was dropped in the middle of a word, and may have begun to go back.
    lane.start_anew();
    lane.left_out = true;
    lane.run = lane.run.renewed().await?;
    let run = lane.run.clone();
    for row in lane.rows().await?.into_iter().filter(|row| row.status == StepStatus::Running) {
        if run.plan.steps.iter().any(|step| step.key == row.key && step.step == model::StepKind::Hook) {
            kill(lane, &run.run_id(&row.key, row.attempt)).await;
        }
        let mut fact = NodeFact::new(row.key, StepStatus::Cancelled, row.attempt);
        fact.reason = Some("the server was left out on request".to_owned());
        run.reporter.node(fact, None).await?;
    }
    if lane.touched {
        match undo(lane).await {
            // What cannot go back is shown as such; it was left out because nobody wants to wait for it.
            Err(Halt::Failed(failure)) => {
                tracing::warn!(server = %lane.name(), reason = failure.message, "left out and not back");
            }
            other => other?,
        }
    }
    settle(lane, StepStatus::Skipped, "the server was left out on request").await?;
    Err(Halt::Skipped)
}

/// Says of everything that a server will not do any more that it will not, and that the server is behind.
pub async fn settle(lane: &Lane, status: StepStatus, why: &str) -> Result<(), Halt> {
    let state = if lane.touched { ServerState::Unknown } else { ServerState::Behind };
    let known = ServerFact { state: Some(state), ..lane.known(state) };
    let mut facts: Vec<_> = lane
        .rows()
        .await?
        .into_iter()
        .filter(|row| row.status == StepStatus::Pending)
        .map(|row| {
            let fact = NodeFact::new(row.key, status, row.attempt);
            (NodeFact { reason: Some(why.to_owned()), ..fact }, None)
        })
        .collect();
    if let Some((fact, _)) = facts.last_mut() {
        fact.server = Some(known);
    }
    Ok(lane.run.reporter.nodes(facts).await?)
}
