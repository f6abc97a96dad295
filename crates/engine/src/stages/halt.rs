//! Halt: whatever runs for a release that was cut off is ended, with all its processes. It may be asked twice.

use std::sync::Arc;

use model::ReleaseId;

use super::build::remove;
use crate::error::Failure;
use crate::lane::{Lane, unsendable};
use crate::remote::{Command, status};
use crate::run::Run;

/// Ends every hook that still runs on the lane's server, but for those of `release`: TERM, two seconds, KILL. Answers what
/// had to be ended.
pub async fn halt(lane: &mut Lane, release: ReleaseId) -> Result<Vec<String>, Failure> {
    let command = Command::new("halt").value("release", &release.to_string()).map_err(unsendable)?;
    let answer = lane.ask(&command).await?;
    if answer.status != status::DONE {
        return Err(lane.refused(&answer, "end what still runs"));
    }
    Ok(answer.all("ended").map(str::to_owned).collect())
}

/// The same on the machine of Aweigh, where the release built and ran its own hooks; its work folder goes.
pub async fn on_this_machine(run: Arc<Run>) -> Result<(), Failure> {
    let work = run.work();
    if work.join(".aweigh").exists() {
        let mut control = Lane::control(run)?;
        // In its work folder there is nothing but what it started itself.
        let ended = halt(&mut control, ReleaseId(0)).await;
        control.leave();
        ended?;
    }
    remove(&work).await
}
