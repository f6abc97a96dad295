//! The story of a release, from the commit to healthy servers, and back again when it fails.

use std::sync::Arc;

use model::HookPoint;

use crate::control::control_hooks;
use crate::ending::end;
use crate::error::{Failure, Halt};
use crate::lane::Lane;
use crate::lanes::Lanes;
use crate::planner::point_hooks;
use crate::ports::JournalError;
use crate::recovery::{self, Next};
use crate::run::{Begun, Run};
use crate::stages::build::build;
use crate::stages::upload::Parcel;
use crate::stages::{fetch::fetch, pack::pack, prune::prune};
use crate::staging::stage;
use crate::{fleet, urgent};

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
        urgent::at_once(run, lanes, parcel).await?;
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
        if run.plan.now {
            return Ok(());
        }
        return Err(Halt::Failed(Failure::new("no server runs it")));
    }
    lanes.all(|lane| Box::pin(prune(lane))).await?;
    match control_hooks(run, HookPoint::AfterRelease, None).await {
        // Every server is where it should be; it must not turn round for what comes after.
        Err(Halt::Failed(failure)) if run.plan.now => {
            tracing::warn!(release = %run.plan.release, reason = failure.message, "after_release failed");
            Ok(())
        }
        // While they ran the servers were still held, and whoever asked for a stop was told that it is heard.
        Ok(()) if !run.plan.now && !point_hooks(&run.plan, HookPoint::AfterRelease, None).is_empty() => {
            run.go_on()
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
        let is_kept = |hash: &&String| crate::artifact::kept::chain(&run.ports.data, hash).is_some();
        let kept = origin.artifact.as_ref().filter(is_kept);
        if let Some(hash) = kept {
            run.reporter.artifact(hash).await?;
        }
        return Ok(kept.cloned());
    }
    if let Some(hash) = &run.plan.artifact {
        for key in ["fetch", "build", "pack"] {
            run.skip(key, "an artifact that is kept is brought as it is").await?;
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
