//! A folder each way over SFTP, one file after the other, under a temporary name.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::client::Client;
use super::listing::{Room, below};
use super::packet::{Attributes, Thing};
use super::{file, place};
use crate::Error;
use crate::transfer::file::KEPT;
use crate::transfer::folder::{broken, fresh, placed, told_of};
use crate::transfer::{Progress, Tell, Transferred, part_of, tree};

/// The mode of a folder for which a server says none.
const MODE: u32 = 0o755;

pub(super) async fn put(
    client: &mut Client,
    from: &Path,
    to: &str,
    replaces: bool,
    mut tell: Tell,
) -> Result<Transferred, Error> {
    let (here, folder) = (|source| Error::LocalFile { path: from.to_owned(), source }, from.to_owned());
    let mode = fs::metadata(from).map_err(here)?.permissions().mode() & KEPT;
    let listed = spawn_blocking(move || tree::entries(&folder)).await.map_err(|_| broken(from))?;
    let told = |trouble| told_of(client.place(), trouble);
    let entries = listed.map_err(told)?;
    tree::can_be_brought(from, &entries).map_err(told)?;
    let total = entries.iter().filter(|(_, found)| found.is_file()).map(|(_, found)| found.len()).sum();

    let part = part_of(to);
    let (to, part) = (to.as_bytes(), part.as_bytes());
    if !replaces && client.look_at_link(to).await?.is_some() {
        return Err(client.bad("there is something already"));
    }
    client.remove_all(part).await?;
    client.make_folder(part, 0o700).await?;
    let has_links = entries.iter().any(|(_, found)| found.is_symlink());
    let is_text_first = if has_links { takes_text_first(client, part).await? } else { true };
    let (mut files, mut done, mut links, mut folders) = (0, 0, Vec::new(), Vec::new());
    for (name, found) in &entries {
        let (here, there) = (from.join(name), below(part, name.as_os_str().as_bytes()));
        let local = |source| Error::LocalFile { path: here.clone(), source };
        client.about(&there);
        if found.is_dir() {
            client.make_folder(&there, 0o700).await?;
            folders.push((there, found.permissions().mode() & KEPT));
        } else if found.is_symlink() {
            links.push((there, fs::read_link(&here).map_err(local)?.into_os_string().into_vec()));
        } else if found.is_file() {
            let bytes = tokio::fs::File::open(&here).await.map_err(local)?;
            let mode = found.permissions().mode() & KEPT;
            let mut count = |bytes| {
                done += bytes;
                tell(Progress { done, total: Some(total) });
            };
            file::write(client, bytes, &here, &there, mode, &mut count).await?;
            files += 1;
        } else {
            return Err(local(io::Error::new(io::ErrorKind::InvalidInput, tree::NEITHER)));
        }
    }
    // Nothing is written through a link, and no folder forbids what is still to come.
    for (place, text) in &links {
        client.about(place);
        let (first, second) = if is_text_first { (text, place) } else { (place, text) };
        client.link(first, second).await?;
    }
    for (there, mode) in folders.iter().rev() {
        client.about(there);
        client.change(there, *mode).await?;
    }
    client.about(to);
    client.change(part, mode).await?;
    place::aside(client, part, to).await?;
    Ok(Transferred { files, bytes: done, resumed: 0 })
}

/// Which way round the server takes the two halves of a link: tried in `part`, which is empty, with two names that both
/// lie in it. The wrong way round would make a link wherever the text of one leads.
async fn takes_text_first(client: &mut Client, part: &[u8]) -> Result<bool, Error> {
    let (first, second) = (below(part, b"first"), below(part, b"second"));
    client.link(&first, &second).await?;
    for (made, is_text_first) in [(&second, true), (&first, false)] {
        if client.look_at_link(made).await?.is_some() {
            client.remove(made).await?;
            return Ok(is_text_first);
        }
    }
    Err(client.bad("the server makes no links"))
}

pub(super) async fn get(
    client: &mut Client,
    from: &str,
    found: Attributes,
    to: &Path,
    mut tell: Tell,
) -> Result<Transferred, Error> {
    let part = fresh(to)?;
    let (mut folders, mut links) = (vec![(PathBuf::new(), found.mode)], Vec::new());
    let (mut looked, mut files, mut done, mut room) = (0, 0, 0, Room::new());
    while let Some((folder, _)) = folders.get(looked).cloned() {
        looked += 1;
        let place =
            if looked == 1 { from.into() } else { below(from.as_bytes(), folder.as_os_str().as_bytes()) };
        client.about(&place);
        for entry in client.list(&place, &mut room).await? {
            let (name, there) = (folder.join(OsStr::from_bytes(&entry.name)), below(&place, &entry.name));
            let here = part.join(&name);
            client.about(&there);
            match entry.found.thing() {
                Thing::Folder => {
                    let made = DirBuilder::new().mode(0o700).create(&here);
                    made.map_err(|source| Error::LocalFile { path: here, source })?;
                    folders.push((name, entry.found.mode));
                }
                Thing::File => {
                    let before = done;
                    let mut count = |bytes, _| tell(Progress { done: before + bytes, total: None });
                    done += file::read(client, &there, &here, &mut count).await?;
                    files += 1;
                }
                Thing::Link => links.push((here, client.read_link(&there).await?)),
                Thing::Other => return Err(client.hostile(&entry.name)),
            }
        }
    }
    // When all else is there, so that nothing is written through one.
    for (here, text) in links {
        let made = symlink(OsStr::from_bytes(&text), &here);
        made.map_err(|source| Error::LocalFile { path: here, source })?;
    }
    for (name, mode) in folders.iter().rev() {
        // A path that ends in a slash would be another one in messages.
        let here = if name.as_os_str().is_empty() { part.clone() } else { part.join(name) };
        let changed = fs::set_permissions(&here, Permissions::from_mode(mode.unwrap_or(MODE) & KEPT));
        changed.map_err(|source| Error::LocalFile { path: here, source })?;
    }
    placed(&part, to)?;
    Ok(Transferred { files, bytes: done, resumed: 0 })
}
