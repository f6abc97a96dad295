//! Files and folders where a server runs no commands, but speaks SFTP: storage boxes, `ForceCommand internal-sftp`.
//!
//! ```text
//! packet (bytes) ◀─ client (a talk) ◀─ listing ◀─ file, folder ─▶ place (the last rename)
//! ```
//!
//! The temporary names and the renames are those of the other way. No program there tells a SHA-256, so sizes are
//! compared, and nothing that an earlier try left is gone on with: each try begins anew.
//!
//! Our own few packets, and no library: names and handles must go back to the server byte for byte, and the last rename is
//! an extension of OpenSSH.

mod client;
mod file;
mod folder;
mod listing;
mod packet;
mod place;

use std::fs;
use std::path::{Path, PathBuf};

use client::Client;
use packet::Thing;

use super::file::{KEPT, local_part, mode_of, open, size_of};
use super::folder::remove;
use super::{Progress, Source, Summed, Tell, Transferred, part_of};
use crate::{Error, Session};

/// Brings `from` to a server that refuses commands; `refusal` says how it did, and is the error where it has no SFTP
/// either.
pub(super) async fn put(
    session: &Session,
    from: &Source,
    to: &str,
    mode: Option<u32>,
    replaces: bool,
    mut tell: Tell,
    refusal: Option<Error>,
) -> Result<Transferred, Error> {
    let to = there(to);
    let mut client = start(session, &to, refusal).await?;
    let path = match from {
        Source::Path(path) | Source::Summed(Summed { path, .. }) => path.clone(),
        Source::Bytes(_) => PathBuf::from("the bytes"),
    };
    if path.is_dir() && !matches!(from, Source::Bytes(_)) {
        return folder::put(&mut client, &path, &to, replaces, tell).await;
    }
    let mode = mode.map_or_else(|| mode_of(from), Ok)? & KEPT;
    let (total, bytes, part) = (size_of(from)?, open(from, 0).await?, part_of(&to));
    if client.look(to.as_bytes()).await?.is_some_and(|found| found.thing() == Thing::Folder) {
        return Err(client.bad("it is a folder"));
    }
    client.remove_all(part.as_bytes()).await?;
    let mut done = 0;
    tell(Progress { done, total: Some(total) });
    let mut count = |bytes| {
        done += bytes;
        tell(Progress { done, total: Some(total) });
    };
    let sent = file::write(&mut client, bytes, &path, part.as_bytes(), mode, &mut count).await?;
    place::over(&mut client, part.as_bytes(), to.as_bytes()).await?;
    Ok(Transferred { files: 1, bytes: sent, resumed: 0 })
}

/// Brings `from` of such a server to this machine.
pub(super) async fn get(
    session: &Session,
    from: &str,
    to: &Path,
    mut tell: Tell,
    refusal: Option<Error>,
) -> Result<Transferred, Error> {
    let (from, part) = (there(from), local_part(to)?);
    let mut client = start(session, &from, refusal).await?;
    let found = client.look(from.as_bytes()).await?;
    let found = found.ok_or_else(|| client.bad("it is not there"))?;
    match found.thing() {
        Thing::Folder => return folder::get(&mut client, &from, found, to, tell).await,
        Thing::File => {}
        Thing::Link | Thing::Other => return Err(client.bad("it is no file")),
    }
    remove(&part).map_err(|source| Error::LocalFile { path: part.clone(), source })?;
    let mut tell = |done, total| tell(Progress { done, total: Some(total) });
    let bytes = file::read(&mut client, from.as_bytes(), &part, &mut tell).await?;
    fs::rename(&part, to).map_err(|source| Error::LocalFile { path: to.to_owned(), source })?;
    Ok(Transferred { files: 1, bytes, resumed: 0 })
}

/// Begins to talk, about `path`. When that works, the session needs to ask for no shell any more.
async fn start(session: &Session, path: &str, refusal: Option<Error>) -> Result<Client, Error> {
    let started = match session.sftp().await {
        Some(Ok(process)) => Client::start(process, session.place(), path).await,
        Some(Err(error)) => Err(error),
        None => Err(Error::Closed),
    };
    match (started, refusal) {
        (Ok(client), _) => {
            session.note_no_shell();
            Ok(client)
        }
        (Err(_), Some(refusal)) if !session.is_closed() => Err(refusal),
        (Err(error), _) => Err(error),
    }
}

/// A path as SFTP has it: what is relative begins at the home folder.
fn there(path: &str) -> String {
    path.strip_prefix("~/").map_or_else(|| path.to_owned(), |below| format!("./{below}"))
}
