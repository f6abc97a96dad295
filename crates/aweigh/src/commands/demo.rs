//! `demo`: shows a whole installation on this machine alone, and leaves nothing behind.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use api::request::RollbackTo;
use api::{Page, ReleaseRequest};
use model::{Release, Status};
use serde_json::json;
use tokio::signal::unix::SignalKind;
use tokio_util::sync::CancellationToken;

use crate::advice::Advised;
use crate::cli::DemoArgs;
use crate::client::{Ask, Client, Place};
use crate::config::Settings;
use crate::demo::{BROKEN, ENVIRONMENT, FIRST, Fleet, PROJECT, Shop, VERSIONS};
use crate::exit::Ending;
use crate::follow::follow_until;
use crate::render::{note, say};
use crate::server::{ADMIN, Server};

use super::serve::stop_on;

/// What is said when somebody has had enough.
const GOODBYE: &str = "the demonstration ends; everything of it is removed";
const GOODBYE_KEPT: &str = "the demonstration ends; what it made is kept";

/// How long releases may take to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest folder, in bytes: `data/aweigh.sock` below it is a socket.
const LONGEST: usize = 85;

/// How long the sample's scripts rest, in seconds: so that people see them run.
const PAUSE: &str = "0.4";

pub(super) async fn run(args: &DemoArgs) -> anyhow::Result<Ending> {
    let (folder, _throw_away) = folder(args)?;
    let pause = if args.once { "0" } else { PAUSE };
    let shop = Shop::create(&folder.join("shop"), pause)?;
    let fleet = Fleet::start(&folder.join("servers"), args.hosts).await?;
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let enough = stop_on(&signals, if args.keep.is_some() { GOODBYE_KEPT } else { GOODBYE })?;
    let stop = CancellationToken::new();
    let server = Server::open(&settings(&folder, args)?, None, stop.clone()).await?;
    let address = server.address;
    let password = format!("demo-{}", hex::encode(rand::random::<[u8; 5]>()));
    server.ensure_password(password.clone().into()).await.map_err(anyhow::Error::msg)?;
    let serving = tokio::spawn(server.run());
    let client = Client::new(Place::socket(&data(&folder)))?;
    let shown = tokio::select! {
        shown = show(&client, &shop, &fleet, args.once) => shown,
        () = enough.cancelled() => Ok(Ending::Done),
    };
    if !args.once && shown.as_ref().is_ok_and(|ending| *ending == Ending::Done) && !enough.is_cancelled() {
        invite(&format!("http://{address}"), &password)?;
        enough.cancelled().await;
    }
    // What runs would be left running on the servers, which live as long as this process.
    if tokio::time::timeout(PATIENCE, cancel_all(&client)).await.is_err() {
        note("a release did not stop in time; its last command may still run");
    }
    stop.cancel();
    serving.await??;
    fleet.stop().await;
    shown
}

/// Cancels every release, and waits until they have ended.
async fn cancel_all(client: &Client) -> anyhow::Result<()> {
    loop {
        let page: Page<Release> = client.get(&Ask::at(&["releases"]).with("limit", 100)).await?;
        let active: Vec<_> = page.items.iter().filter(|release| !release.status.is_terminal()).collect();
        if active.is_empty() {
            return Ok(());
        }
        for release in active.iter().filter(|release| !release.stopping) {
            // One that ends by itself meanwhile refuses.
            client.post(&Ask::at(&["releases", &release.id.to_string(), "cancel"]), &json!({})).await.ok();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Where everything is kept: a folder that goes at the end, unless one was named.
fn folder(args: &DemoArgs) -> anyhow::Result<(PathBuf, Option<ThrowAway>)> {
    if let Some(folder) = &args.keep {
        let folder = std::path::absolute(folder)?;
        usable(&folder, "name a folder with a plain and short path")?;
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        if std::fs::read_dir(&folder)?.next().is_some() {
            let what = format!("{} is not empty", folder.display());
            return Err(Advised::new(what, "name a new folder").into());
        }
        return Ok((folder, None));
    }
    let name = format!("aweigh-demo-{}", hex::encode(rand::random::<[u8; 6]>()));
    let folder = std::env::temp_dir().join(name);
    usable(&folder, "set TMPDIR to another folder, for example: TMPDIR=/tmp aweigh demo")?;
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok((folder.clone(), Some(ThrowAway(folder))))
}

/// Refuses a folder in which a part of the demonstration could not work: a socket's path is short (unix(7)), and the
/// homes of the servers stand in paths of releases.
fn usable(folder: &Path, advice: &str) -> Result<(), Advised> {
    let path = folder.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !path.chars().all(plain) {
        let what = format!("{path:?} has characters that are not plain letters, digits, '.', '_' or '-'");
        return Err(Advised::new(what, advice));
    }
    if path.len() > LONGEST {
        let what = format!("{path} is too long for the sockets in it, by {} letters", path.len() - LONGEST);
        return Err(Advised::new(what, advice));
    }
    Ok(())
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
        from: None,
        artifact: None,
        catch_up: false,
        servers: None,
        note: String::new(),
        queue: false,
        supersede: false,
        now: false,
    };
    let made: Release = client.decode(&client.post_once(&Ask::at(&["releases"]), &request).await?)?;
    let ended = follow_until(std::future::pending(), client, made.id, None).await?;
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
