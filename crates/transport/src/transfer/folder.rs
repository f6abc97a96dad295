//! A folder each way, as one tar stream under a temporary name; it takes its place when every file has the right
//! SHA-256.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio::task::spawn_blocking;

use super::bridge::with_stream;
use super::dialog::{Dialog, First};
use super::file::{KEPT, local_part};
use super::tree::{self, Sums, Trouble};
use super::{OLDS, Progress, Sent, Tell, Transferred, part_of, script};
use crate::{Error, Session};

/// The longest line of a list of sums, in bytes.
const LINE: u64 = 16 * 1024;

pub(super) async fn put(
    session: &Session,
    from: &Path,
    known: Option<&Sums>,
    to: &str,
    replaces: bool,
    mut tell: Tell,
) -> Result<Sent, Error> {
    let here = |source| Error::LocalFile { path: from.to_owned(), source };
    let (folder, part) = (from.to_owned(), part_of(to));
    let mode = fs::metadata(from).map_err(here)?.permissions().mode() & KEPT;
    let listed = spawn_blocking(move || tree::entries(&folder)).await.map_err(|_| broken(from))?;
    let entries = listed.map_err(|trouble| told(session, trouble))?;
    tree::can_be_brought(from, &entries).map_err(|trouble| told(session, trouble))?;
    let files = || entries.iter().filter(|(_, found)| found.is_file()).map(|(_, found)| found.len());
    let (count, total) = (files().map(|_| 1).sum(), files().sum());

    let lines = [to, &part, if replaces { "replace" } else { "new" }];
    let mut dialog = Dialog::start(session, script::PUT_FOLDER, &lines).await?;
    if let First::Refused(error) = dialog.first().await? {
        return Ok(Sent::Refused(tell, error));
    }
    let (mut dialog, stdin) = dialog.without_input();
    let (folder, wants_sums) = (from.to_owned(), known.is_none());
    let packing = with_stream(stdin, move |mut into| {
        let mut done = 0;
        let packed = tree::pack(&folder, &entries, &mut into, wants_sums, &mut |bytes| {
            done += bytes;
            tell(Progress { done, total: Some(total) });
        });
        // Only a whole stream is ended in good order.
        if packed.is_ok() {
            into.shutdown().map_err(Trouble::Stream)?;
        }
        packed
    });
    let packed = packing.await.map_err(|_| broken(from))?;
    let sums = match packed {
        Ok(sums) => sums,
        // Its answer says why it takes no more.
        Err(Trouble::Stream(error)) => {
            dialog.answer().await?;
            return Err(Error::Read { source: error });
        }
        Err(trouble) => return Err(told(session, trouble)),
    };
    dialog.answer().await?;

    let sums = known.unwrap_or(&sums);
    let lines = [to, &part, &format!("{mode:o}"), if sums.is_empty() { "no" } else { "sums" }];
    let mut dialog = Dialog::start(session, script::PLACE_FOLDER, &lines).await?;
    dialog.say_all(&list(sums)).await;
    dialog.finish().await;
    dialog.answer().await?;
    Ok(Sent::Whole(Transferred { files: count, bytes: total, resumed: 0 }))
}

pub(super) async fn get(
    session: &Session,
    from: &str,
    to: &Path,
    mut tell: Tell,
) -> Result<Transferred, Error> {
    let part = fresh(to)?;
    let mut dialog = Dialog::start(session, script::GET_FOLDER, &[from]).await?;
    dialog.answer().await?;
    let (mut dialog, stdout) = dialog.without_output();
    let into = part.clone();
    let unpacking = with_stream(stdout, move |source| {
        let mut done = 0;
        let sums = tree::unpack(source, &into, &mut |bytes| {
            done += bytes;
            tell(Progress { done, total: None });
        })?;
        Ok((sums, done))
    });
    let unpacked = unpacking.await.map_err(|_| broken(&part))?;
    let (sums, bytes) = match unpacked {
        Ok(unpacked) if dialog.is_good().await? => unpacked,
        Ok(_) | Err(Trouble::Stream(_)) => return Err(dialog.silent().await),
        // It may go on without end.
        Err(Trouble::Unfit(why)) => return Err(dialog.bad(&why)),
        Err(trouble) => return Err(told(session, trouble)),
    };
    if !are_theirs(session, from, &sums).await? {
        remove(&part).map_err(|source| Error::LocalFile { path: part, source })?;
        return Err(dialog.differs());
    }
    placed(&part, to)?;
    let files = u64::try_from(sums.len()).unwrap_or(u64::MAX);
    Ok(Transferred { files, bytes, resumed: 0 })
}

/// A new folder beside `to`, ours alone, for what is not whole yet. What an earlier try left goes.
pub(super) fn fresh(to: &Path) -> Result<PathBuf, Error> {
    let part = local_part(to)?;
    let made = remove(&part).and_then(|()| DirBuilder::new().mode(0o700).create(&part));
    made.map(|()| part.clone()).map_err(|source| Error::LocalFile { path: part, source })
}

/// The whole folder takes its place here. What was there goes away when the new one is there, or is left beside it where it
/// cannot be removed.
pub(super) fn placed(part: &Path, to: &Path) -> Result<(), Error> {
    let first = local_part(part)?;
    let placed = free(&first).and_then(|old| match fs::rename(to, &old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        moved => match fs::rename(part, to) {
            Ok(()) => {
                remove(&old).ok();
                Ok(())
            }
            // What was there is there again.
            Err(error) => moved.and_then(|()| fs::rename(&old, to)).and(Err(error)),
        },
    });
    placed.map_err(|source| Error::LocalFile { path: to.to_owned(), source })
}

/// A name for what goes aside, which nothing has any more.
fn free(first: &Path) -> io::Result<PathBuf> {
    let mut old = first.to_owned();
    for number in 1.. {
        match remove(&old) {
            Err(error) if number > OLDS => return Err(error),
            Err(_) => old = with_end(first, &format!(".{number}")),
            Ok(()) => break,
        }
    }
    Ok(old)
}

/// The same path with this behind it.
fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut longer = path.as_os_str().to_owned();
    longer.push(end);
    longer.into()
}

/// Whether these are the files as they are there now. Whatever else that machine says ends it.
async fn are_theirs(session: &Session, from: &str, sums: &Sums) -> Result<bool, Error> {
    let mut dialog = Dialog::start(session, script::SUMS, &[from]).await?;
    dialog.answer().await?;
    let mut seen = 0;
    loop {
        let mut line = Vec::new();
        let read = (&mut dialog.stdout).take(LINE).read_until(b'\n', &mut line).await;
        if read.map_err(|source| Error::Read { source })? == 0 {
            break;
        }
        match listed(&line) {
            // Each once: as many as there are, and one more is one too many.
            Some((name, sum)) if seen < sums.len() && sums.get(&name) == Some(&sum) => seen += 1,
            _ => return Ok(false),
        }
    }
    if dialog.is_good().await? { Ok(seen == sums.len()) } else { Err(dialog.silent().await) }
}

/// One line of a list of sums. A backslash in front says that the name is escaped.
fn listed(line: &[u8]) -> Option<(PathBuf, String)> {
    let line = line.strip_suffix(b"\n")?;
    let (is_escaped, line) = line.strip_prefix(b"\\").map_or((false, line), |line| (true, line));
    let (sum, rest) = line.split_at_checked(64)?;
    let name = rest.get(2..)?;
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let name = if is_escaped { unescaped(name) } else { name.to_vec() };
    Some((PathBuf::from(std::ffi::OsString::from_vec(name)), String::from_utf8_lossy(sum).into_owned()))
}

fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        match (byte, byte == &b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => plain.push(b'\n'),
                Some(b'r') => plain.push(b'\r'),
                Some(other) => plain.push(*other),
                None => {}
            },
            (byte, false) => plain.push(*byte),
        }
    }
    plain
}

/// The list that `sha256sum -c` reads.
fn list(sums: &Sums) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    let mut list = Vec::new();
    for (name, sum) in sums {
        list.extend_from_slice(sum.as_bytes());
        list.extend_from_slice(b"  ./");
        list.extend_from_slice(name.as_os_str().as_bytes());
        list.push(b'\n');
    }
    list
}

/// Removes a folder, file or link; nothing where there is none. Links are not followed.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => open_all(path).and_then(|()| fs::remove_dir_all(path)),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// A folder that came from elsewhere may forbid that anything is taken out of it.
fn open_all(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_all(&entry.path())?;
        }
    }
    Ok(())
}

fn told(session: &Session, trouble: Trouble) -> Error {
    told_of(session.place(), trouble)
}

/// The same trouble, with whatever messages call the other machine.
pub(super) fn told_of(place: String, trouble: Trouble) -> Error {
    match trouble {
        Trouble::Here(path, source) => Error::LocalFile { path, source },
        Trouble::Stream(source) => Error::Read { source },
        Trouble::Unfit(reason) => Error::Archive { reason },
        Trouble::Hostile(name) => Error::HostileName { place, name },
    }
}

/// A task of ours that did not end by itself.
pub(super) fn broken(path: &Path) -> Error {
    Error::LocalFile { path: path.to_owned(), source: io::ErrorKind::Interrupted.into() }
}

#[cfg(test)]
mod tests {
    use testkit::nobody::as_nobody;

    use super::*;

    #[test]
    fn what_forbids_to_be_removed_is_removed_and_what_a_link_names_is_not() {
        let here = tempfile::tempdir().unwrap();
        let (folder, kept) = (here.path().join("folder"), here.path().join("kept"));
        let inner = folder.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "").unwrap();
        std::os::unix::fs::symlink(&kept, inner.join("link")).unwrap();
        for closed in [&kept, &inner, &folder.join("a"), &folder] {
            fs::set_permissions(closed, Permissions::from_mode(0o500)).unwrap();
        }
        open_all(&folder).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            [mode(&folder), mode(&folder.join("a")), mode(&inner), mode(&kept)],
            [0o700, 0o700, 0o700, 0o500]
        );
        remove(&folder).unwrap();
        assert!(!folder.exists() && kept.join("file").exists());
        fs::set_permissions(&kept, Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_folder_takes_its_place_where_the_old_one_cannot_be_removed() {
        // Only root can make what another one cannot remove.
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let here = as_nobody(|| tempfile::tempdir().unwrap());
        let (part, to) = (here.path().join(".to.part"), here.path().join("to"));
        for count in [2, 3] {
            as_nobody(|| fs::create_dir_all(&to).unwrap());
            fs::create_dir(to.join("theirs")).unwrap();
            as_nobody(|| {
                fs::create_dir(&part).unwrap();
                placed(&part, &to).unwrap();
            });
            assert!(!to.join("theirs").exists());
            assert_eq!(fs::read_dir(here.path()).unwrap().count(), count);
        }
    }
}
