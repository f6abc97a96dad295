//! The story of a release, from the commit to healthy servers, and back again when it fails.

use std::sync::Arc;

use model::{HookPoint, Kind, NodeFact, Rerun, Status, StepStatus};

use crate::error::{Failure, Halt};
use crate::hook_env::{Place, variables};
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::planner::{PlannedHook, point_hooks};
use crate::ports::JournalError;
use crate::recovery::{self, Next};
use crate::run::{Begun, Run, Tries};
use crate::stages::build::{build, control_variables};
use crate::stages::hook::{self, Scene};
use crate::stages::job::{Job, run_job};
use crate::stages::upload::{Parcel, has_staging_hooks, seal, upload};
use crate::stages::{activate::activate, fetch::fetch, pack::pack, prune::prune, undo::undo, verify::verify};

/// Runs a release from wherever it stands to an end, or to where a person has to decide.
///
/// `taken_over` says that an owner before us ended in the middle of it. An error means that nothing more may be
/// said: the release is not ours any more, or the journal cannot be written.
pub async fn run(run: Arc<Run>, taken_over: bool) -> Result<(), JournalError> {
    let mut lanes =
        Lanes::new(run.plan.servers.iter().map(|server| Lane::new(run.clone(), server.clone())).collect());
    let outcome = match recovery::decide(&run, &mut lanes, taken_over).await {
        Ok(Next::GoOn) => forward(&run, &mut lanes).await,
        Ok(Next::GoBack(failure)) => Err(Halt::Failed(failure)),
        Ok(Next::Hold(why)) => Err(Halt::Unknown(why)),
        Err(halt) => Err(halt),
    };
    end(&run, &mut lanes, outcome).await
}

/// The way forward. Every stage takes what the one before it made.
async fn forward(run: &Arc<Run>, lanes: &mut Lanes) -> Result<(), Halt> {
    if let Begun::Act(open) = run.begin("start").await? {
        open.ok(None).await?;
    }
    run.go_on()?;
    // Whoever waits for a build need not wait for logins afterwards.
    lanes.iter_mut().for_each(Lane::connect_ahead);
    let artifact = artifact(run).await?;
    let parcel = artifact.map(|artifact| Arc::new(Parcel::new(run.clone(), artifact)));

    // Nothing that a visitor can see has changed when these are done.
    stage(run, lanes, parcel).await?;
    if let Begun::Act(open) = run.begin("staged").await? {
        open.ok(None).await?;
    }
    run.go_on()?;

    if let Begun::Act(open) = run.begin("batch-1").await? {
        match lanes.all(|lane| Box::pin(switch(lane))).await {
            Ok(()) => open.ok(None).await?,
            Err(Halt::Failed(failure)) => return Err(open.fail(failure).await),
            Err(other) => return Err(other),
        }
    }
    // Whoever asks for a stop from here on is answered by going back.
    run.go_on()?;
    lanes.all(|lane| Box::pin(prune(lane))).await?;
    control_hooks(run, HookPoint::AfterRelease, None).await
}

/// Fetch, build and pack; a rollback brings what it brought before.
async fn artifact(run: &Arc<Run>) -> Result<Option<String>, Halt> {
    if let Some(origin) = &run.plan.origin {
        for key in ["fetch", "build", "pack"] {
            run.skip(key, &format!("release {} is brought back", origin.release)).await?;
        }
        let kept = !origin.artifact.is_empty()
            && crate::artifact::kept::chain(&run.ports.data, &origin.artifact).is_some();
        if kept {
            run.reporter.artifact(&origin.artifact).await?;
        }
        return Ok(kept.then(|| origin.artifact.clone()));
    }
    control_hooks(run, HookPoint::BeforeFetch, None).await?;
    run.go_on()?;
    fetch(run).await?;
    run.go_on()?;
    let mut control = Lane::control(run.clone()).map_err(Halt::Failed)?;
    let built = build(&mut control).await;
    control.close().await;
    let built = built?;
    run.go_on()?;
    pack(run, built).await.map(Some)
}

/// Upload and `after_upload`: the hooks are barriers, one after another, over all servers.
async fn stage(run: &Arc<Run>, lanes: &mut Lanes, parcel: Option<Arc<Parcel>>) -> Result<(), Halt> {
    lanes
        .all(|lane| {
            let parcel = parcel.clone();
            Box::pin(async move { upload(lane, parcel.as_deref()).await })
        })
        .await?;
    if lanes.iter().all(|lane| lane.left_out) {
        let failure = Failure::new("no server of the environment could be reached");
        return Err(Halt::Failed(failure.hint("look at the servers: aweigh servers check")));
    }
    run.go_on()?;
    let places = run.plan.environment.hooks.get(&HookPoint::AfterUpload).map_or(0, Vec::len);
    for place in 0..places {
        lanes.all(|lane| Box::pin(staging_hook(lane, place))).await?;
        run.go_on()?;
    }
    if !run.was_done("staged") {
        lanes
            .only(has_staging_hooks, |lane| Box::pin(async move { seal(lane).await.map_err(Halt::Failed) }))
            .await?;
    }
    Ok(())
}

async fn staging_hook(lane: &mut Lane, place: usize) -> Result<(), Halt> {
    let hooks = point_hooks(&lane.run.plan, HookPoint::AfterUpload, Some(&lane.server));
    let Some(hook) = hooks.iter().find(|hook| hook.place == place) else { return Ok(()) };
    let scene = scene(lane, HookPoint::AfterUpload, true);
    if hooks.first().is_some_and(|first| first.place == place) {
        hook::begin_point(lane, &scene, &hooks).await?;
    }
    hook::one(lane, &scene, hook).await?;
    if hooks.last().is_some_and(|last| last.place == place) {
        hook::end_point(lane, &scene, &hooks).await?;
    }
    Ok(())
}

/// One server from drained to healthy. It is not interrupted by a wish to stop: a server in hand is finished.
async fn switch(lane: &mut Lane) -> Result<(), Halt> {
    if lane.run.plan.kind == Kind::Rollback && !lane.before.is_empty() {
        let leaving = Scene { folder: lane.before.clone(), ..scene(lane, HookPoint::BeforeRollback, false) };
        hook::point(lane, &leaving).await?;
    }
    hook::point(lane, &scene(lane, HookPoint::BeforeActivate, false)).await?;
    activate(lane).await?;
    hook::point(lane, &scene(lane, HookPoint::AfterActivate, false)).await?;
    verify(lane).await?;
    hook::point(lane, &scene(lane, HookPoint::AfterVerify, false)).await
}

fn scene(lane: &Lane, point: HookPoint, may_stop: bool) -> Scene {
    Scene { point, action: lane.run.plan.action(), folder: lane.path(), below: None, may_stop }
}

/// The lane of the control host, with its driver ready in the work folder.
async fn control(run: &Arc<Run>) -> Result<Lane, Halt> {
    let mut control = Lane::control(run.clone()).map_err(Halt::Failed)?;
    control.contact().await.map_err(Halt::Failed)?;
    Ok(control)
}

/// Which servers failed and where, for `on_failure`.
struct Trouble {
    servers: String,
    step: String,
}

/// The hooks of one point on the control host, one after another.
async fn control_hooks(run: &Arc<Run>, point: HookPoint, trouble: Option<&Trouble>) -> Result<(), Halt> {
    let hooks = point_hooks(&run.plan, point, None);
    if hooks.is_empty() {
        return Ok(());
    }
    let mut control = control(run).await?;
    let mut place = Place::default();
    if let Some(trouble) = trouble {
        place.failed_servers = &trouble.servers;
        place.failed_step = &trouble.step;
    }
    let mut env = variables(&run.plan, run.plan.action(), &run.ports.public_url, &place);
    env.extend(control_variables(run)?);
    let outcome = control_list(&mut control, point, &hooks, &env).await;
    control.close().await;
    outcome
}

async fn control_list(
    control: &mut Lane,
    point: HookPoint,
    hooks: &[PlannedHook],
    env: &[String],
) -> Result<(), Halt> {
    let run = control.run.clone();
    let own = !hooks.iter().any(|hook| hook.key == point.word());
    // What only a failed release says is not in its plan.
    let step = |key: &str, parent: &str, text: &str| model::Step {
        key: key.to_owned(),
        parent: Some(parent.to_owned()),
        text: text.to_owned(),
        step: model::StepKind::Hook,
        server: None,
        batch: None,
    };
    let unplanned = point == HookPoint::OnFailure;
    if own && !run.was_done(point.word()) {
        let added = unplanned.then(|| step(point.word(), "batch-1", point.word()));
        run.begin_as(point.word(), added, Tries::Same).await?;
    }
    for planned in hooks {
        let parent = if own { point.word() } else { "batch-1" };
        let added = unplanned.then(|| step(&planned.key, parent, &planned.text));
        let Begun::Act(open) = run.begin_as(&planned.key, added, Tries::Same).await? else { continue };
        let run_id = run.run_id(&planned.key, open.attempt);
        if open.unknown && planned.hook.rerun == Rerun::Never && !recovery::is_known(control, &run_id).await {
            return Err(open.lost("it began, and nobody knows whether it ended".to_owned()).await);
        }
        let may_stop = point == HookPoint::BeforeFetch;
        let job = Job {
            run_id,
            hook: &planned.hook,
            folder: ".".to_owned(),
            variables: env,
            may_stop,
            log_read: open.log_read,
        };
        run_job(control, open, &job, &planned.text).await?;
    }
    if own && !run.was_done(point.word()) {
        run.reporter.node(NodeFact::new(point.word(), StepStatus::Ok, 1), None).await?;
    }
    Ok(())
}

/// What follows from how the way forward ended.
async fn end(run: &Arc<Run>, lanes: &mut Lanes, outcome: Result<(), Halt>) -> Result<(), JournalError> {
    let (status, reason) = match outcome {
        Ok(()) => (Status::Succeeded, left_out(lanes)),
        Err(Halt::Journal(error)) => return Err(error),
        Err(Halt::Unknown(why)) => {
            lanes.leave();
            return run.reporter.release(Status::Interrupted, Some(why)).await;
        }
        Err(Halt::Failed(failure)) => match back(run, lanes, Status::Failed).await {
            Ok((status, also)) => (status, Some(join(&failure.reason(), also))),
            Err(error) => return Err(error),
        },
        Err(Halt::Stopped) => {
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
    // Nothing reads the work folder any more; what cannot be removed is only in the way of the disk.
    if let Err(failure) = crate::stages::build::remove(&run.work()).await {
        tracing::warn!(release = %run.plan.release, reason = failure.message, "the work folder stays");
    }
    Ok(())
}

fn join(first: &str, second: Option<String>) -> String {
    second.map_or_else(|| first.to_owned(), |second| format!("{first}; {second}"))
}

fn left_out(lanes: &Lanes) -> Option<String> {
    let names: Vec<String> =
        lanes.iter().filter(|lane| lane.left_out).map(|lane| lane.server.name.to_string()).collect();
    (!names.is_empty()).then(|| format!("left out: {}", names.join(", ")))
}

/// Puts every switched server back. `otherwise` is the status when none was switched.
async fn back(
    run: &Run,
    lanes: &mut Lanes,
    otherwise: Status,
) -> Result<(Status, Option<String>), JournalError> {
    if !lanes.iter().any(|lane| lane.switched) {
        return Ok((otherwise, None));
    }
    match lanes.only(|lane| lane.switched, |lane| Box::pin(undo(lane))).await {
        Ok(()) => Ok((Status::RolledBack, None)),
        Err(Halt::Journal(error)) => Err(error),
        Err(Halt::Failed(failure)) => {
            Ok((Status::Partial, Some(format!("going back failed: {}", failure.reason()))))
        }
        Err(Halt::Unknown(why)) => Ok((Status::Partial, Some(format!("going back stopped: {why}")))),
        Err(Halt::Stopped) => {
            tracing::error!(release = %run.plan.release, "an undo was stopped");
            Ok((Status::Partial, None))
        }
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
