//! `serve`: runs the server until it is told to stop.

use actions::digest;
use futures::future::select_all;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use web::site::SAFE_WAYS;

use crate::advice::Advised;
use crate::config::Settings;
use crate::exit::Ending;
use crate::places::Env;
use crate::render::note;
use crate::server::{ADMIN, Server};

pub(super) async fn run(settings: Settings) -> anyhow::Result<Ending> {
    let env = Env::process();
    let token = env.get("AWEIGH_ADMIN_TOKEN").map(|token| token_digest(&token)).transpose()?;
    // Not when the terminal closes: `nohup` is there for whoever wants that to mean nothing.
    let stop = stop_on(
        &[SignalKind::interrupt(), SignalKind::terminate()],
        "stopping; releases that run go on by themselves on the servers, and here at the next start",
    )?;
    let server = Server::open(&settings, env.get("AWEIGH_MASTER_KEY").map(Into::into), stop).await?;
    if let Some(digest) = token {
        server.ensure_token("AWEIGH_ADMIN_TOKEN", &digest).await?;
    }
    if let Some(password) = env.get("AWEIGH_ADMIN_PASSWORD") {
        let advice = "it is used only while the user admin has none";
        let wrong = |why| Advised::new(format!("AWEIGH_ADMIN_PASSWORD {why}"), advice);
        server.ensure_password(password.into()).await.map_err(wrong)?;
    }
    note(&format!("Aweigh serves on http://{}", server.address));
    note(&format!(
        "On this machine the command line needs no token: aweigh --data {} status",
        settings.data.display()
    ));
    if !server.site.is_safe() {
        let address = server.site.address();
        note(&format!(
            "Nobody can sign in at {address}, where passwords would not be protected: {SAFE_WAYS}"
        ));
    }
    if let Some(link) = server.first_link().await? {
        note(&format!("Set the password of the user {ADMIN} here, once and within a day: {link}"));
    }
    server.run().await?;
    Ok(Ending::Done)
}

/// What is known of the administrator's token from the environment, ensured on every start.
fn token_digest(token: &str) -> anyhow::Result<String> {
    if (20..=200).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(digest(token));
    }
    let what = "AWEIGH_ADMIN_TOKEN must be 20 to 200 printable characters without spaces";
    Err(Advised::new(what, "make one, for example: openssl rand -hex 24").into())
}

/// Cancelled by the first of `signals`; says `farewell` then.
pub(super) fn stop_on(signals: &[SignalKind], farewell: &'static str) -> anyhow::Result<CancellationToken> {
    let mut handlers = signals.iter().map(|kind| signal(*kind)).collect::<Result<Vec<_>, _>>()?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        select_all(handlers.iter_mut().map(|handler| Box::pin(handler.recv()))).await;
        note(farewell);
        told.cancel();
    });
    Ok(stop)
}
