//! `serve`: runs the server until it is told to stop.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use actions::{Actions, Actor};
use anyhow::Context as _;
use sha2::{Digest, Sha256};
use store::{DataLock, MasterKey, Store};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::advice::Advised;
use crate::config::Settings;
use crate::exit::Ending;
use crate::places::{self, Env};
use crate::render::note;
use crate::wiring::{public_url, wire};

pub(super) async fn run(settings: Settings) -> anyhow::Result<Ending> {
    let data = &settings.data;
    std::fs::create_dir_all(data)
        .with_context(|| format!("cannot make the data folder {}", data.display()))?;
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700))?;
    // The lock comes first: it proves that no other process works on these releases.
    let _lock = DataLock::take(data).map_err(advised)?;
    let env = Env::process();
    let key = MasterKey::load(data, env.get("AWEIGH_MASTER_KEY").map(Into::into)).map_err(advised)?;
    let store = Store::open(data, key).await.map_err(advised)?;
    store.ensure_admin().await.map_err(advised)?;
    if let Some(token) = env.get("AWEIGH_ADMIN_TOKEN") {
        ensure_token(&store, &token).await?;
    }
    let tcp = TcpListener::bind(settings.listen).await.map_err(|error| {
        Advised::new(
            format!("cannot listen on {}: {error}", settings.listen),
            "choose another one with --listen",
        )
    })?;
    let address = tcp.local_addr()?;
    let unix = socket(&places::socket(data))?;
    let stop = stop_signals()?;
    let wired = wire(&settings, &store, stop.clone());
    note(&format!("Aweigh serves on http://{address}"));
    note(&format!(
        "On this machine the command line needs no token: aweigh --data {} status",
        data.display()
    ));
    let site = web::Site::new(&public_url(&settings));
    first_way_in(&wired.actions, &site, env).await?;
    web::serve(web::AppState::new(wired.actions, site), Some(tcp), Some(unix), stop.clone()).await?;
    stop.cancel();
    wired.dispatcher.await?;
    store.close().await.map_err(advised)?;
    Ok(Ending::Done)
}

/// The administrator's token from the environment, ensured on every start.
async fn ensure_token(store: &Store, token: &str) -> anyhow::Result<()> {
    if !(20..=200).contains(&token.len()) || !token.bytes().all(|b| b.is_ascii_graphic()) {
        let advice = "make one, for example: openssl rand -hex 24";
        return Err(Advised::new(
            "AWEIGH_ADMIN_TOKEN must be 20 to 200 printable characters without spaces",
            advice,
        )
        .into());
    }
    let digest = hex::encode(Sha256::digest(token));
    store.ensure_admin_token("AWEIGH_ADMIN_TOKEN", &digest).await.map_err(advised)?;
    Ok(())
}

/// Sees that the administrator can sign in: with the password from the environment, or else with a link that sets
/// one, for as long as nobody has a password.
async fn first_way_in(actions: &Actions, site: &web::Site, env: Env<'_>) -> anyhow::Result<()> {
    let admin = Actor::administrator("admin");
    let name = admin.name.parse()?;
    if let Some(password) = env.get("AWEIGH_ADMIN_PASSWORD") {
        actions.ensure_password(&name, password.into()).await.map_err(|error| {
            let advice = "it is used only while the user admin has none";
            let why = match &error {
                actions::Error::Invalid(wrong) => wrong.iter().map(|wrong| wrong.message.clone()).collect(),
                other => other.to_string(),
            };
            Advised::new(format!("AWEIGH_ADMIN_PASSWORD {why}"), advice)
        })?;
    }
    if actions.is_new().await? {
        let link = site.setup_link(&actions.setup_code(&admin, &name).await?);
        note(&format!("Set the password of the user admin here, once and within a day: {link}"));
    }
    Ok(())
}

/// The socket that makes its caller administrator: only the owner of the data folder reaches it.
fn socket(path: &Path) -> anyhow::Result<UnixListener> {
    // The lock is ours, so a socket that is there belongs to nobody any more.
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("cannot replace {}", path.display()));
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn stop_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        note("stopping; releases that run go on by themselves on the servers, and here at the next start");
        told.cancel();
    });
    Ok(stop)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn advised(error: store::Error) -> Advised {
    let hint = error.hint().unwrap_or_default();
    Advised::new(error.to_string(), hint)
}
