//! The story of a release, from the commit to healthy servers, and back again when it fails.

use std::sync::Arc;

use model::{HookPoint, NodeFact, Rerun, StepStatus};

use crate::ending::{Trouble, end};
use crate::error::{Failure, Halt};
use crate::fleet;
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
use crate::stages::upload::{Parcel, has_staging_hooks, seal, upload, was_staged};
use crate::stages::{fetch::fetch, pack::pack, prune::prune};

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
    run.border()?;
    // Whoever waits for a build need not wait for logins afterwards.
    lanes.iter_mut().for_each(Lane::connect_ahead);
    let artifact = artifact(run).await?;
    let parcel = artifact.map(|artifact| Arc::new(Parcel::new(run.clone(), artifact)));

    if run.plan.now {
        fleet::at_once(run, lanes, parcel).await?;
        return finish(run, lanes).await;
    }
    // Nothing that a visitor can see has changed when these are done.
    stage(run, lanes, parcel).await?;
    if let Begun::Act(open) = run.begin("staged").await? {
        open.ok(None).await?;
    }

    let batches = run.plan.batches();
    for (number, batch) in (1..).zip(&batches) {
        run.border()?;
        fleet::leave_out_wished(run, lanes).await?;
        fleet::batch(run, lanes, number, batch, number == batches.len()).await?;
    }
    finish(run, lanes).await
}

/// What follows when every server runs the release.
async fn finish(run: &Arc<Run>, lanes: &mut Lanes) -> Result<(), Halt> {
    // Whoever asks for a stop from here on is answered by going back.
    run.go_on()?;
    fleet::leave_out_wished(run, lanes).await?;
    if lanes.iter().all(|lane| lane.left_out) {
        return Err(Halt::Failed(Failure::new("no server runs it")));
    }
    lanes.all(|lane| Box::pin(prune(lane))).await?;
    match control_hooks(run, HookPoint::AfterRelease, None).await {
        // Every server is where it should be; it must not turn round for what comes after.
        Err(Halt::Failed(failure)) if run.plan.now => {
            tracing::warn!(release = %run.plan.release, reason = failure.message, "after_release failed");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Fetch, build and pack; a rollback brings what it brought before.
async fn artifact(run: &Arc<Run>) -> Result<Option<String>, Halt> {
    if let Some(origin) = &run.plan.origin {
        for key in ["fetch", "build", "pack"] {
            run.skip(key, &format!("release {} comes again", origin.release)).await?;
        }
        let kept = !origin.artifact.is_empty()
            && crate::artifact::kept::chain(&run.ports.data, &origin.artifact).is_some();
        if kept {
            run.reporter.artifact(&origin.artifact).await?;
        }
        return Ok(kept.then(|| origin.artifact.clone()));
    }
    if let Some(hash) = &run.plan.artifact {
        for key in ["fetch", "build", "pack"] {
            run.skip(key, "the artifact of another environment is brought as it is").await?;
        }
        if crate::artifact::kept::chain(&run.ports.data, hash).is_none() {
            let gone = Failure::new(format!("artifact {hash} is not kept any more"));
            return Err(Halt::Failed(gone.hint("release the commit itself; it is built again")));
        }
        run.reporter.artifact(hash).await?;
        return Ok(Some(hash.clone()));
    }
    control_hooks(run, HookPoint::BeforeFetch, None).await?;
    run.border()?;
    fetch(run).await?;
    run.border()?;
    let mut control = Lane::control(run.clone()).map_err(Halt::Failed)?;
    let built = build(&mut control).await;
    control.close().await;
    let built = built?;
    run.border()?;
    pack(run, built).await.map(Some)
}

/// Upload and `after_upload`: the hooks are barriers, one after another, over all servers.
async fn stage(run: &Arc<Run>, lanes: &mut Lanes, parcel: Option<Arc<Parcel>>) -> Result<(), Halt> {
    run.border()?;
    let stopped = lanes
        .each(
            |_| true,
            |lane| {
                let parcel = parcel.clone();
                Box::pin(async move { upload(lane, parcel.as_deref()).await })
            },
        )
        .await;
    fleet::tolerate(run, lanes, stopped).await?;
    if lanes.iter().all(|lane| lane.left_out) {
        let failure = Failure::new("no server of the environment could be reached");
        return Err(Halt::Failed(failure.hint("look at the servers: aweigh servers check")));
    }
    let places = run.plan.environment.hooks.get(&HookPoint::AfterUpload).map_or(0, Vec::len);
    for place in 0..places {
        run.border()?;
        let stopped = lanes.each(|_| true, |lane| Box::pin(staging_hook(lane, place))).await;
        fleet::tolerate(run, lanes, stopped).await?;
    }
    run.border()?;
    let is_staged = run.was_done("staged");
    let unsealed = |lane: &Lane| has_staging_hooks(lane) && (!is_staged || !was_staged(lane));
    let stopped =
        lanes.each(unsealed, |lane| Box::pin(async move { seal(lane).await.map_err(Halt::Failed) })).await;
    fleet::tolerate(run, lanes, stopped).await.map(drop)
}

/// One server is staged by itself, without a barrier.
pub(crate) async fn stage_alone(lane: &mut Lane, parcel: Option<&Parcel>) -> Result<(), Halt> {
    upload(lane, parcel).await?;
    if lane.left_out {
        return Ok(());
    }
    let places = lane.run.plan.environment.hooks.get(&HookPoint::AfterUpload).map_or(0, Vec::len);
    for place in 0..places {
        staging_hook(lane, place).await?;
    }
    if has_staging_hooks(lane) && !was_staged(lane) { seal(lane).await.map_err(Halt::Failed) } else { Ok(()) }
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

/// What surrounds the hooks of `point` on the way forward.
pub(crate) fn scene(lane: &Lane, point: HookPoint, may_stop: bool) -> Scene {
    Scene { point, action: lane.run.plan.action(), folder: lane.path(), below: None, may_stop }
}

/// The lane of the control host, with its driver ready in the work folder.
async fn control(run: &Arc<Run>) -> Result<Lane, Halt> {
    let mut control = Lane::control(run.clone()).map_err(Halt::Failed)?;
    control.contact().await.map_err(Halt::Failed)?;
    Ok(control)
}

/// The hooks of one point on the control host, one after another.
pub(crate) async fn control_hooks(
    run: &Arc<Run>,
    point: HookPoint,
    trouble: Option<&Trouble>,
) -> Result<(), Halt> {
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
