//! The verbs that steer a release which is under way. Each asks for one thing and says what happens now; what comes of
//! it takes its time, and can be watched.

use api::ServersRequest;
use model::{Release, ReleaseId, Selector, Status};

use super::number;
use crate::cli::{RetryArgs, SkipArgs, WhichArgs};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::say;
use crate::render::words::spoken;

/// Stops a release; what was switched goes back.
pub(super) async fn cancel(client: &Client, args: &WhichArgs) -> anyhow::Result<Ending> {
    let id = number(client, args).await?;
    let release = ask(client, id, "cancel", None).await?;
    if release.status.is_terminal() {
        say(&format!("release {id} is {}", spoken(release.status)))?;
        return Ok(Ending::Done);
    }
    done(id, "is stopping")
}

/// Has it wait at the next border between steps.
pub(super) async fn pause(client: &Client, args: &WhichArgs) -> anyhow::Result<Ending> {
    let id = number(client, args).await?;
    ask(client, id, "pause", None).await?;
    say(&format!("release {id} waits at the next border between steps; let it go on: aweigh resume {id}"))?;
    Ok(Ending::Done)
}

/// Lets it go on from the first step that is not proven done.
pub(super) async fn resume(client: &Client, args: &WhichArgs) -> anyhow::Result<Ending> {
    let id = number(client, args).await?;
    ask(client, id, "resume", None).await?;
    done(id, "goes on")
}

/// Lets it go on with the next batch.
pub(super) async fn promote(client: &Client, args: &WhichArgs) -> anyhow::Result<Ending> {
    let id = number(client, args).await?;
    ask(client, id, "promote", None).await?;
    done(id, "goes on with the next batch")
}

/// Tries servers once more.
pub(super) async fn retry(client: &Client, args: &RetryArgs) -> anyhow::Result<Ending> {
    let id = number(client, &args.which).await?;
    ask(client, id, "retry", args.servers.as_ref()).await?;
    done(id, "tries the servers once more")
}

/// Leaves servers out.
pub(super) async fn skip(client: &Client, args: &SkipArgs) -> anyhow::Result<Ending> {
    let id = number(client, &args.which).await?;
    let release = ask(client, id, "skip", Some(&args.servers)).await?;
    if release.status == Status::Running {
        return done(id, &format!("goes on without {}", args.servers));
    }
    say(&format!("{} is left out when release {id} goes on", args.servers))?;
    Ok(Ending::Done)
}

async fn ask(
    client: &Client,
    id: ReleaseId,
    verb: &str,
    servers: Option<&Selector>,
) -> anyhow::Result<Release> {
    let body = ServersRequest { servers: servers.map(ToString::to_string) };
    let answer = client.post(&Ask::at(&["releases", &id.to_string(), verb]), &body).await?;
    Ok(client.decode(&answer)?)
}

fn done(id: ReleaseId, what: &str) -> anyhow::Result<Ending> {
    say(&format!("release {id} {what}; watch it: aweigh watch {id}"))?;
    Ok(Ending::Done)
}
