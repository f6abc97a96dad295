//! `get`: a file or a folder from servers. What came to Aweigh is fetched as one tar stream, and believed in nothing.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use api::GetRequest;
use engine::room::clear;
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use tokio::signal::unix::SignalKind;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use super::serve::stop_on;
use super::transfer::{Bar, Outcome, follow};
use crate::advice::Advised;
use crate::cli::GetArgs;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::note;

pub(super) async fn run(client: &Client, args: GetArgs) -> anyhow::Result<Ending> {
    let request = GetRequest {
        servers: args.servers.to_string(),
        from: args.from.to_string(),
        limit: args.moving.limit,
    };
    let landing = Landing { to: &args.to, replaces: args.replace, last: args.from.last() };
    bring(client, &Ask::at(&["get"]), &request, landing, args.moving.json).await
}

/// Where what comes is put.
#[derive(Clone, Copy)]
pub(super) struct Landing<'a> {
    /// Its name here, or that of the folder for what comes from several servers.
    pub(super) to: &'a Path,
    /// It may take the place of what is here.
    pub(super) replaces: bool,
    /// The last word of its path there.
    pub(super) last: &'a str,
}

/// Has what `ask` and `request` name brought to Aweigh, and fetches it.
pub(super) async fn bring(
    client: &Client,
    ask: &Ask<'_>,
    request: &(impl Serialize + Sync),
    landing: Landing<'_>,
    json: bool,
) -> anyhow::Result<Ending> {
    let to = std::path::absolute(landing.to)?;
    if !landing.replaces && fs::symlink_metadata(&to).is_ok() {
        let what = format!("{} is there already", landing.to.display());
        return Err(Advised::new(what, "name another place, or say --replace").into());
    }
    let lines = client.post_lines(ask, request).await?;
    let Outcome { done, download } = follow(lines, json).await?;
    if let Some(id) = download.filter(|_| done.ok > 0) {
        // Whoever ends this command finds nothing of it beside TO.
        let ends =
            [SignalKind::hangup(), SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit()];
        let end = stop_on(&ends, "ending; what has come is removed")?;
        let beside = to.parent().unwrap_or(Path::new("/"));
        let folder = tempfile::Builder::new().prefix(".aweigh-get-").tempdir_in(beside);
        let folder = folder.with_context(|| format!("cannot write into {}", beside.display()))?;
        let brought = fetch(client, &id, folder.path(), &end).await.and_then(|()| {
            let placed = place(folder.path(), &to, landing.last, done.ok + done.failed == 1);
            placed.with_context(|| format!("cannot write {}", landing.to.display()))
        });
        // With what forbids to be removed.
        clear(folder.path()).ok();
        brought?;
        // It goes by itself in any case.
        client.delete(&Ask::at(&["downloads", &id])).await.ok();
    }
    Ok(if done.failed == 0 { Ending::Done } else { Ending::ServerFailed })
}

/// Unpacks what came into a new folder. When it is to `end`, nothing is written any more afterwards.
async fn fetch(client: &Client, id: &str, into: &Path, end: &CancellationToken) -> anyhow::Result<()> {
    let told_to_end = || client.cut("this command was told to end");
    let ask = Ask::at(&["downloads", id]).slowly();
    let pieces = tokio::select! {
        pieces = client.get_stream(&ask) => pieces?,
        () = end.cancelled() => return Err(told_to_end().into()),
    };
    let pieces = pieces.map_ok(io::Cursor::new).map_err(io::Error::other);
    let pieces = pieces.take_until(end.clone().cancelled_owned()).boxed();
    let from = SyncIoBridge::new(StreamReader::new(pieces));
    let into = into.to_owned();
    let unpacking = tokio::task::spawn_blocking(move || {
        let (mut bar, mut come) = (Bar::new(), 0);
        transport::unpack(from, &into, &mut |bytes| {
            come += bytes;
            bar.show("fetched", come, None);
        })
    });
    let unpacked = unpacking.await?;
    if end.is_cancelled() {
        return Err(told_to_end().into());
    }
    Ok(unpacked?)
}

/// Gives what came its name: the thing itself from one server, a folder for each server from several.
fn place(come: &Path, to: &Path, name: &str, only_one: bool) -> io::Result<()> {
    let mut servers: Vec<PathBuf> =
        fs::read_dir(come)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    servers.sort();
    if let ([server], true) = (servers.as_slice(), only_one) {
        return replace(&server.join(name), to);
    }
    fs::create_dir_all(to)?;
    for server in servers {
        replace(&server, &to.join(server.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// Moves a thing to its place. What was there stands beside it under a hidden name for the time of two renames; it is removed
/// when the new one is there, and is there again when that cannot be.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let name = to.file_name().ok_or_else(|| io::Error::other("a place needs a name of its own"))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    // Nobody else has this name: what lies beside it is somebody's.
    hidden.push(format!(".{:016x}.old", rand::random::<u64>()));
    // In the same folder: a folder that cannot be changed can be renamed in it, and not moved out of it.
    let old = to.with_file_name(hidden);
    let was_there = match fs::rename(to, &old) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let placed = moved(from, to);
    match (placed, was_there) {
        (Ok(()), true) => {
            if let Err(error) = clear(&old) {
                let (to, old) = (to.display(), old.display());
                note(&format!("warning: what was at {to} cannot be removed, and is {old} now: {error}"));
            }
            Ok(())
        }
        (Err(error), true) => {
            fs::rename(&old, to).map_err(|again| {
                let (to, old) = (to.display(), old.display());
                io::Error::other(format!("{error}; what was at {to} is {old} now: {again}"))
            })?;
            Err(error)
        }
        (placed, false) => placed,
    }
}

/// Renames a thing into another folder, which writes into a folder that is renamed: one that forbids it is opened for that long.
fn moved(from: &Path, to: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(from)?;
    let mode = found.permissions().mode();
    if !found.is_dir() || mode & 0o200 != 0 {
        return fs::rename(from, to);
    }
    fs::set_permissions(from, Permissions::from_mode(mode | 0o200))?;
    fs::rename(from, to)?;
    fs::set_permissions(to, found.permissions())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn come(files: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join("come").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    #[test]
    fn one_is_the_thing_itself_and_several_have_a_folder_each() {
        let folder = come(&["web-1/log"]);
        let (from, to) = (folder.path().join("come"), folder.path().join("to"));
        fs::write(&to, "old").unwrap();
        place(&from, &to, "log", true).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "web-1/log");

        let folder = come(&["web-1/log", "web-2/log/a"]);
        let (from, to) = (folder.path().join("come"), folder.path().join("to"));
        fs::create_dir_all(to.join("web-1/log")).unwrap();
        fs::write(to.join("mine"), "stays").unwrap();
        place(&from, &to, "log", false).unwrap();
        assert_eq!(fs::read_to_string(to.join("web-1/log")).unwrap(), "web-1/log");
        assert_eq!(fs::read_to_string(to.join("web-2/log/a")).unwrap(), "web-2/log/a");
        assert_eq!(fs::read_to_string(to.join("mine")).unwrap(), "stays");

        // One of several that did well is still one of several.
        let folder = come(&["web-1/log"]);
        place(&folder.path().join("come"), &folder.path().join("to"), "log", false).unwrap();
        assert!(folder.path().join("to/web-1/log").is_file());
    }

    /// What lies in a folder, with the text of each file, hidden names too.
    fn found(folder: &Path) -> Vec<(String, String)> {
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut all: Vec<_> =
            entries.map(|entry| (entry.file_name().into_string().unwrap(), read(entry.path()))).collect();
        all.sort();
        all
    }

    #[test]
    fn what_only_has_a_like_name_stays() {
        let folder = come(&["a.b/log", "a.c/log"]);
        let to = folder.path().join("to");
        for (server, text) in
            [("a.b", "old b"), ("a.c", "old c"), ("a.old", "mine"), (".a.b.old", "mine too")]
        {
            fs::create_dir_all(to.join(server)).unwrap();
            fs::write(to.join(server).join("log"), text).unwrap();
        }
        place(&folder.path().join("come"), &to, "log", false).unwrap();
        for (server, text) in
            [("a.b", "a.b/log"), ("a.c", "a.c/log"), ("a.old", "mine"), (".a.b.old", "mine too")]
        {
            assert_eq!(fs::read_to_string(to.join(server).join("log")).unwrap(), text, "{server}");
        }
        assert_eq!(found(&to).len(), 4, "nothing of what was replaced is left: {:?}", found(&to));
    }

    #[test]
    fn a_folder_that_forbids_to_be_changed_takes_its_place_as_it_came_and_goes_again() {
        testkit::nobody::as_nobody(|| {
            let folder = come(&["web-1/log/inner/a"]);
            let (come, to) = (folder.path().join("come"), folder.path().join("to"));
            let closed = Permissions::from_mode(0o555);
            for name in ["web-1/log/inner", "web-1/log"] {
                fs::set_permissions(come.join(name), closed.clone()).unwrap();
            }
            place(&come, &to, "log", true).unwrap();
            assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o555);
            fs::create_dir_all(come.join("web-1/log")).unwrap();
            place(&come, &to, "log", true).unwrap();
            assert!(!to.join("inner").exists());
            assert_eq!(found(folder.path()).len(), 2, "{:?}", found(folder.path()));
        });
    }

    #[test]
    fn what_cannot_take_its_place_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("log");
        fs::write(&to, "old").unwrap();
        assert!(replace(&folder.path().join("never came"), &to).is_err());
        assert_eq!(found(folder.path()), [("log".to_owned(), "old".to_owned())]);
        assert!(replace(&to, Path::new("/")).is_err(), "it has no name");
        assert_eq!(found(folder.path()).len(), 1);
    }
}
