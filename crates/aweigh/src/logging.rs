//! What the program says about itself: tracing to standard error, chosen by `AWEIGH_LOG`.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::places::Env;

/// What is logged when nothing is said: our own notes, and of the libraries only what is wrong. `russh` would write a line
/// for each odd packet, with the words of a server in it; what matters of that `transport` tells.
const DEFAULT: &str =
    "warn,russh=off,aweigh=info,engine=info,web=info,actions=info,store=info,transport=info,git=info";

/// Starts logging for `serve`. `AWEIGH_LOG` takes a level or directives such as `info,engine=debug`;
/// `AWEIGH_LOG_FORMAT=json` prints one JSON object per line.
///
/// # Errors
/// The directives or the format make no sense, or logging has been started before.
pub fn start(env: Env<'_>) -> anyhow::Result<()> {
    start_with(env, DEFAULT)
}

/// The same for a program that people look at: only what is wrong is logged unless they ask for more.
///
/// # Errors
/// As [`start`].
pub fn quietly(env: Env<'_>) -> anyhow::Result<()> {
    start_with(env, "warn,russh=off")
}

fn start_with(env: Env<'_>, usual: &str) -> anyhow::Result<()> {
    let directives = env.get("AWEIGH_LOG").unwrap_or_else(|| usual.to_owned());
    let filter = EnvFilter::try_new(&directives)
        .map_err(|error| anyhow::anyhow!("AWEIGH_LOG={directives} cannot be read: {error}"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(io::stderr().is_terminal() && env.get("NO_COLOR").is_none());
    match env.get("AWEIGH_LOG_FORMAT").as_deref() {
        None | Some("text") => lines.try_init(),
        Some("json") => lines.json().flatten_event(true).try_init(),
        Some(other) => anyhow::bail!("AWEIGH_LOG_FORMAT={other} is not known: say text or json"),
    }
    .map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
