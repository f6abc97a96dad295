//! `lock` and `unlock`: nobody but the owner of a lock releases to that environment. A rollback always may.

use api::LockRequest;
use jiff::Timestamp;

use crate::cli::{LockArgs, Place};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::say;

pub(super) async fn lock(client: &Client, args: &LockArgs) -> anyhow::Result<Ending> {
    let (project, environment) = (&args.place.project, &args.place.environment);
    let after = args.time.map(|time| Timestamp::now().checked_add(time)).transpose()?;
    let request = LockRequest { reason: args.reason.clone(), until: args.until.or(after) };
    client.put(&at(&args.place), &request).await?;
    say(&format!(
        "{project} {environment} is locked; take the lock away: aweigh unlock {project} -e {environment}"
    ))?;
    Ok(Ending::Done)
}

pub(super) async fn unlock(client: &Client, place: &Place) -> anyhow::Result<Ending> {
    client.delete(&at(place)).await?;
    say(&format!("{} {} is not locked any more", place.project, place.environment))?;
    Ok(Ending::Done)
}

fn at(place: &Place) -> Ask<'_> {
    Ask::at(&["projects", place.project.as_str(), "environments", place.environment.as_str(), "lock"])
}
