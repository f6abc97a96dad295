//! Fetch: the commit is in the mirror. Probe and run are one question: a commit that is there is not fetched.

use crate::error::Halt;
use crate::room;
use crate::run::{Begun, Run};

/// Brings the plan's commit into the mirror.
pub async fn fetch(run: &Run) -> Result<(), Halt> {
    let Begun::Act(open) = run.begin("fetch").await? else { return Ok(()) };
    // From here on the disk is filled: mirror, tree, artifact. A rollback needs none of them.
    let check = || room::check(&run.ports.data, run.ports.disk_reserve).map(drop);
    let room = run.out_of_room().map_or_else(check, Err);
    if let Err(failure) = room {
        return Err(open.fail(failure).await);
    }
    let (project, commit) = (&run.plan.project, run.plan.commit.as_str());
    let mut log = open.log();
    if run.ports.source.resolve(project, commit).await.is_err() {
        let stopped = run.steering.stopped().cancelled();
        let mut say = |line: &str| log.line(line);
        let fetched = tokio::select! {
            fetched = run.ports.source.fetch(project, &mut say) => Some(fetched),
            () = stopped => None,
        };
        log.end().await?;
        match fetched {
            None => return Err(open.cancelled().await),
            Some(Err(error)) => return Err(open.fail(error.into()).await),
            Some(Ok(())) => {}
        }
        if let Err(error) = run.ports.source.resolve(project, commit).await {
            return Err(open.fail(error.into()).await);
        }
    } else {
        log.line(&format!("commit {commit} is in the mirror"));
        log.end().await?;
    }
    open.ok(None).await
}
