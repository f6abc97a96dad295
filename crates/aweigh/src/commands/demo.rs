//! `demo`: shows a whole installation on this machine alone, and leaves nothing behind.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use api::ReleaseRequest;
use api::request::RollbackTo;
use model::{Release, Status};
use tokio_util::sync::CancellationToken;

use crate::advice::Advised;
use crate::cli::DemoArgs;
use crate::client::{Ask, Client, Place};
use crate::config::Settings;
use crate::demo::{BROKEN, ENVIRONMENT, FIRST, Fleet, PROJECT, Shop, VERSIONS};
use crate::exit::Ending;
use crate::follow::follow;
use crate::render::{note, say};
use crate::server::{ADMIN, Server};

use super::serve::stop_signals;

/// How long the sample's scripts rest, in seconds: so that people see them run.
const PAUSE: &str = "0.4";

pub(super) async fn run(args: &DemoArgs) -> anyhow::Result<Ending> {
    let (folder, _throw_away) = folder(args)?;
    let pause = if args.once { "0" } else { PAUSE };
    let shop = Shop::create(&folder.join("shop"), pause)?;
    let fleet = Fleet::start(&folder.join("servers"), args.hosts).await?;
    let stop = stop_signals("the demonstration ends; everything of it is removed")?;
    let server = Server::open(&settings(&folder, args)?, None, stop.clone()).await?;
    let address = server.address;
    let password = format!("demo-{}", hex::encode(rand::random::<[u8; 5]>()));
    server.ensure_password(password.clone().into()).await.map_err(anyhow::Error::msg)?;
    let serving = tokio::spawn(server.run());
    let client = Client::new(Place::socket(&data(&folder)))?;
    let shown = tokio::select! {
        shown = show(&client, &shop, &fleet, args.once) => shown,
        () = stop.cancelled() => Ok(Ending::Done),
    };
    if !args.once && shown.as_ref().is_ok_and(|ending| *ending == Ending::Done) && !stop.is_cancelled() {
        invite(&format!("http://{address}"), &password)?;
        stop.cancelled().await;
    }
    finish(&stop, serving, fleet).await?;
    shown
}

async fn finish(
    stop: &CancellationToken,
    serving: tokio::task::JoinHandle<anyhow::Result<()>>,
    fleet: Fleet,
) -> anyhow::Result<()> {
    stop.cancel();
    serving.await??;
    fleet.stop().await;
    Ok(())
}

/// Where everything is kept: a folder that goes at the end, unless one was named.
fn folder(args: &DemoArgs) -> anyhow::Result<(PathBuf, Option<ThrowAway>)> {
    if let Some(folder) = &args.keep {
        let folder = std::path::absolute(folder)?;
        if folder.join("shop").exists() {
            let what = format!("{} holds a demonstration already", folder.display());
            return Err(Advised::new(what, "name a new folder, or remove this one").into());
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        return Ok((folder, None));
    }
    let name = format!("aweigh-demo-{}", hex::encode(rand::random::<[u8; 6]>()));
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok((folder.clone(), Some(ThrowAway(folder))))
}

/// A folder that is removed with all that is in it.
struct ThrowAway(PathBuf);

impl Drop for ThrowAway {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            note(&format!("could not remove {}: {error}", self.0.display()));
        }
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn settings(folder: &Path, args: &DemoArgs) -> anyhow::Result<Settings> {
    // A check needs no known address; people like to find the same one again.
    let listen = args.listen.clone().or_else(|| args.once.then(|| "127.0.0.1:0".to_owned()));
    let mut settings = Settings::local(data(folder), listen.as_deref())?;
    settings.git.allow_protocols.push("file".to_owned());
    Ok(settings)
}

/// Registers everything and makes the first release; with `all` the others too, looking at what the servers run.
async fn show(client: &Client, shop: &Shop, fleet: &Fleet, all: bool) -> anyhow::Result<Ending> {
    client.post(&Ask::at(&["apply"]), &fleet.describe(shop)).await?;
    release(client, Some(FIRST), Status::Succeeded).await?;
    runs(fleet, FIRST)?;
    if !all {
        return Ok(Ending::Done);
    }
    for version in VERSIONS.iter().skip(1) {
        release(client, Some(version), Status::Succeeded).await?;
        runs(fleet, version)?;
    }
    // A broken version is put back by itself.
    release(client, Some(BROKEN), Status::RolledBack).await?;
    runs(fleet, "v1.2.0")?;
    release(client, None, Status::Succeeded).await?;
    runs(fleet, "v1.1.0")?;
    say("every server ran what it should, each time")?;
    Ok(Ending::Done)
}

/// Releases a version, or rolls back, and sees that it ends as it should.
async fn release(client: &Client, version: Option<&str>, expected: Status) -> anyhow::Result<()> {
    let request = ReleaseRequest {
        project: PROJECT.to_owned(),
        environment: ENVIRONMENT.to_owned(),
        git_ref: version.map(str::to_owned),
        rollback_to: version.is_none().then_some(RollbackTo::Previous),
        servers: None,
        note: String::new(),
        queue: false,
    };
    let made: Release = client.decode(&client.post_once(&Ask::at(&["releases"]), &request).await?)?;
    let ended = follow(client, made.id, None).await?;
    anyhow::ensure!(
        matches!(ended, Ending::Release(status) if status == expected),
        "release {} ended as {ended:?}, which is not {expected}",
        made.id
    );
    Ok(())
}

/// Sees that every server runs `version`, by what lies in the folder that is live there.
fn runs(fleet: &Fleet, version: &str) -> anyhow::Result<()> {
    let expected = crate::demo::page_of(version);
    for (name, home) in fleet.homes() {
        let file = home.join("shop/current/public/index.html");
        let page = std::fs::read_to_string(&file).with_context(|| format!("{name} has no live page"))?;
        anyhow::ensure!(page.contains(expected), "{name} does not run {version}");
    }
    Ok(())
}

fn invite(address: &str, password: &str) -> anyhow::Result<()> {
    say("")?;
    say(&format!("  Open      {address}"))?;
    say(&format!("  User      {ADMIN}"))?;
    say(&format!("  Password  {password}"))?;
    say("")?;
    say(&format!(
        "  Now you: press Release, choose v1.2.0, and watch. {BROKEN} shows how a fleet goes back."
    ))?;
    say("  Ctrl-C ends the demonstration and removes everything.")?;
    Ok(())
}
