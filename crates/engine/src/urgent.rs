//! Going back at once: no server waits for another, and none turns round again.

use std::sync::Arc;

use model::StepStatus;

use crate::error::Halt;
use crate::fleet::{each, failed_of, onward, settle};
use crate::lane::Lane;
use crate::lanes::{Lanes, gravest};
use crate::planner::batch_key;
use crate::run::{Begun, Run};
use crate::stages::upload::Parcel;
use crate::staging::stage_alone;

/// Every server goes back as fast as it can and waits for no other. One that cannot keeps nobody else from it, and none
/// turns round again: what is left behind is worse.
pub async fn at_once(run: &Run, lanes: &mut Lanes, parcel: Option<Arc<Parcel>>) -> Result<(), Halt> {
    run.skip("staged", "no server waits for another").await?;
    let begun = run.begin(&batch_key(1)).await?;
    let stopped = each(
        lanes,
        |_| true,
        |lane| {
            let parcel = parcel.clone();
            Box::pin(async move {
                stage_alone(lane, parcel.as_deref()).await?;
                if lane.left_out { Ok(()) } else { onward(lane).await }
            })
        },
    )
    .await;
    let failed = failed_of(stopped)?;
    for lane in lanes.iter_mut().filter(|lane| failed.iter().any(|(name, _)| name == lane.name())) {
        could_not(lane).await?;
    }
    let Begun::Act(open) = begun else { return Ok(()) };
    match gravest(failed.into_iter().map(|(_, halt)| halt).collect()) {
        Ok(()) => open.ok(None).await,
        Err(Halt::Failed(failure)) => open.warn(failure.reason(), None, None).await,
        Err(other) => Err(other),
    }
}

/// What an owner before us found out of a release that goes back at once: servers that failed are left behind.
pub async fn leave_failed(run: &Run, lanes: &mut Lanes) -> Result<(), Halt> {
    for lane in lanes.iter_mut().filter(|lane| !lane.left_out) {
        if run.found.values().any(|row| row.status == StepStatus::Failed && lane.has(&row.key)) {
            could_not(lane).await?;
        }
    }
    Ok(())
}

async fn could_not(lane: &mut Lane) -> Result<(), Halt> {
    (lane.failed, lane.left_out) = (true, true);
    settle(lane, StepStatus::Cancelled, "this server could not go back").await
}
