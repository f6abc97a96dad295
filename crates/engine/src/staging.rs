//! Staging: the release is brought to every server and made ready there. Nothing that a visitor can see changes.

use std::sync::Arc;

use model::HookPoint;

use crate::error::{Failure, Halt};
use crate::fleet::{each, tolerate};
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::planner::point_hooks;
use crate::run::Run;
use crate::stages::env_file::env_file;
use crate::stages::hook::{self, Scene};
use crate::stages::upload::{Parcel, has_staging_hooks, seal, upload, was_staged};

/// Upload, the file of variables, and `after_upload`: the hooks are barriers, one after another, over all servers.
pub async fn stage(run: &Arc<Run>, lanes: &mut Lanes, parcel: Option<Arc<Parcel>>) -> Result<(), Halt> {
    run.border()?;
    let stopped = each(
        lanes,
        |_| true,
        |lane| {
            let parcel = parcel.clone();
            Box::pin(async move { upload(lane, parcel.as_deref()).await })
        },
    )
    .await;
    tolerate(run, lanes, stopped).await?;
    if lanes.iter().all(|lane| lane.left_out) {
        let failure = Failure::new("no server of the environment could be reached");
        return Err(Halt::Failed(failure.hint("look at the servers: aweigh servers check")));
    }
    let stopped =
        each(lanes, |_| run.plan.environment.env_file.is_some(), |lane| Box::pin(env_file(lane))).await;
    tolerate(run, lanes, stopped).await?;
    let places = run.plan.environment.hooks.get(&HookPoint::AfterUpload).map_or(0, Vec::len);
    for place in 0..places {
        run.border()?;
        let stopped = each(lanes, |_| true, |lane| Box::pin(staging_hook(lane, place))).await;
        tolerate(run, lanes, stopped).await?;
    }
    run.border()?;
    let is_staged = run.was_done("staged");
    let unsealed = |lane: &Lane| has_staging_hooks(lane) && (!is_staged || !was_staged(lane));
    let stopped =
        each(lanes, unsealed, |lane| Box::pin(async move { seal(lane).await.map_err(Halt::Failed) })).await;
    tolerate(run, lanes, stopped).await.map(drop)
}

/// One server is staged by itself, without a barrier.
pub async fn stage_alone(lane: &mut Lane, parcel: Option<&Parcel>) -> Result<(), Halt> {
    upload(lane, parcel).await?;
    if lane.left_out {
        return Ok(());
    }
    env_file(lane).await?;
    let places = lane.run.plan.environment.hooks.get(&HookPoint::AfterUpload).map_or(0, Vec::len);
    for place in 0..places {
        staging_hook(lane, place).await?;
    }
    if has_staging_hooks(lane) && !was_staged(lane) { seal(lane).await.map_err(Halt::Failed) } else { Ok(()) }
}

async fn staging_hook(lane: &mut Lane, place: usize) -> Result<(), Halt> {
    let hooks = point_hooks(&lane.run.plan, HookPoint::AfterUpload, Some(&lane.server));
    let Some(hook) = hooks.iter().find(|hook| hook.place == place) else { return Ok(()) };
    let scene = Scene::forward(lane, HookPoint::AfterUpload, true);
    if hooks.first().is_some_and(|first| first.place == place) {
        hook::begin_point(lane, &scene, &hooks).await?;
    }
    hook::one(lane, &scene, hook).await?;
    if hooks.last().is_some_and(|last| last.place == place) {
        hook::end_point(lane, &scene, &hooks).await?;
    }
    Ok(())
}
