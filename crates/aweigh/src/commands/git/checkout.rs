//! `git checkout`: a folder on this machine that goes from ref to ref.

use std::io;
use std::path::Path;

use futures::TryStreamExt;
use git::{CheckoutFolder, Policy, Switched};
use tokio::task::spawn_blocking;
use tokio_util::bytes::Bytes;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::advice::Advised;
use crate::client::{self, Ask, Client};
use crate::exit::Ending;
use crate::render::say;

pub(super) async fn run(
    client: &Client,
    project: &str,
    git_ref: &str,
    into: &Path,
) -> anyhow::Result<Ending> {
    let ask = Ask::at(&["projects", project, "archive"]).with("ref", git_ref).with("format", "tar").slowly();
    let (commit, pieces) = client.get_stream_with(&ask, "aweigh-commit").await?;
    let commit = commit.unwrap_or_else(|| git_ref.to_owned());
    let tar = StreamReader::new(pieces.map_ok(Bytes::from).map_err(io::Error::other));
    let (folder, name) = (into.to_owned(), commit.clone());
    let tar = SyncIoBridge::new(tar);
    let switched = spawn_blocking(move || switch(&folder, &name, tar)).await?;
    let Switched { written, kept, removed, .. } = switched.map_err(told)?;
    let commit: String = commit.chars().take(7).collect();
    let into = into.display();
    say(&format!("{into} is at {commit}: {written} written, {removed} removed, {kept} as before"))?;
    Ok(Ending::Done)
}

/// Blocks. A body that is cut short is an error of its reader, so what was read to its end is whole.
fn switch(folder: &Path, name: &str, tar: impl io::Read) -> Result<Switched, git::Error> {
    CheckoutFolder::open(folder, &Policy::default())?.stage(tar)?.switch(name)
}

/// The server's own trouble as such, and the rest with what to do next.
fn told(error: git::Error) -> anyhow::Error {
    let advised = Advised::new(&error, error.hint());
    let git::Error::Io { source, .. } = error else { return advised.into() };
    match source.downcast::<client::Error>() {
        Ok(error) => anyhow::Error::new(error),
        Err(_) => advised.into(),
    }
}
