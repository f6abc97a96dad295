//! One file each way: what an earlier try brought is not brought again, and only what has the right SHA-256 gets its
//! name.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::archive::Summed;
use super::dialog::{Dialog, First};
use super::folder::remove;
use super::{Progress, Sent, Source, Tell, Transferred, part_of, script};
use crate::{Error, Session};

/// What is read at once, in bytes.
const CHUNK: usize = 64 * 1024;
/// The mode of a file that has none here.
pub(super) const MODE: u32 = 0o644;
/// The bits of a mode that are kept.
pub(super) const KEPT: u32 = 0o777;

/// What was found under a name.
pub(super) enum Got {
    File(Transferred),
    Folder(Tell),
    /// The server runs no commands, and how it said so.
    Refused(Tell, Error),
}

pub(super) async fn put(
    session: &Session,
    from: &Source,
    to: &str,
    mode: Option<u32>,
    mut tell: Tell,
) -> Result<Sent, Error> {
    let mode = mode.map_or_else(|| mode_of(from), Ok)? & KEPT;
    let lines = [to, &part_of(to), &format!("{mode:o}")];
    let mut dialog = Dialog::start(session, script::PUT_FILE, &lines).await?;
    let answer = match dialog.first().await? {
        First::Answer(answer) => answer,
        First::Refused(error) => return Ok(Sent::Refused(tell, error)),
    };
    let had = number(&answer, 1).unwrap_or(0);
    let sums = wanted(from, had).await?;
    let resumed = if had > 0 && answer.get(2) == sums.first.as_ref() { had } else { 0 };
    dialog.say(if resumed > 0 { "more" } else { "anew" }).await;
    dialog.say(&sums.whole).await;

    let mut bytes = open(from, resumed).await?;
    let (mut buffer, mut done) = (vec![0; CHUNK], resumed);
    loop {
        tell(Progress { done, total: Some(sums.size) });
        let read = bytes.read(&mut buffer).await.map_err(|source| local(from, source))?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
        // Its answer says why it takes no more.
        if dialog.stdin.write_all(chunk).await.is_err() {
            break;
        }
        done += u64::try_from(read).unwrap_or_default();
    }
    dialog.finish().await;
    dialog.answer().await?;
    Ok(Sent::Whole(Transferred { files: 1, bytes: sums.size, resumed }))
}

pub(super) async fn get(session: &Session, from: &str, to: &Path, mut tell: Tell) -> Result<Got, Error> {
    let part = local_part(to)?;
    let on_disk = |source| Error::LocalFile { path: part.clone(), source };
    let is_there = fs::symlink_metadata(&part).is_ok_and(|found| found.is_file() && found.uid() == own());
    let earlier = if is_there { Some(summed(Source::Path(part.clone()), 0).await?) } else { None };
    let had = earlier.as_ref().map_or(0, |sums| sums.size);
    let mut dialog = Dialog::start(session, script::GET_FILE, &[from, &had.to_string()]).await?;
    let answer = match dialog.first().await? {
        First::Answer(answer) => answer,
        First::Refused(error) => return Ok(Got::Refused(tell, error)),
    };
    if answer.first().is_some_and(|word| word == "folder") {
        return Ok(Got::Folder(tell));
    }
    let unclear = || dialog.bad("it gave an answer that makes no sense");
    let size = number(&answer, 1).ok_or_else(unclear)?;
    let mode = answer.get(2).and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(MODE) & KEPT;
    let earlier = earlier.filter(|sums| sums.size > 0 && answer.get(3) == Some(&sums.whole));
    let resumed = earlier.as_ref().map_or(0, |sums| sums.size);
    dialog.say(&resumed.to_string()).await;

    let mut hasher = earlier.map_or_else(Sha256::new, |sums| sums.hasher);
    let mut file = tokio::fs::File::from_std(part_file(&part, resumed > 0).map_err(on_disk)?);
    let (mut buffer, mut done) = (vec![0; CHUNK], resumed);
    while done < size {
        tell(Progress { done, total: Some(size) });
        let most = usize::try_from(size - done).unwrap_or(CHUNK).min(CHUNK);
        let Some(room) = buffer.get_mut(..most) else { break };
        let read = dialog.stdout.read(room).await;
        let read = match read {
            // The rest is fetched by the next try.
            Ok(0) | Err(_) => {
                file.flush().await.map_err(on_disk)?;
                return Err(dialog.silent().await);
            }
            Ok(read) => read,
        };
        let chunk = room.get(..read).unwrap_or_default();
        hasher.update(chunk);
        file.write_all(chunk).await.map_err(on_disk)?;
        done += u64::try_from(read).unwrap_or_default();
    }
    tell(Progress { done, total: Some(size) });
    file.flush().await.map_err(on_disk)?;
    let sum = dialog.answer().await?;
    if sum.get(1) != Some(&hex::encode(hasher.finalize())) {
        fs::remove_file(&part).ok();
        return Err(dialog.differs());
    }
    fs::set_permissions(&part, Permissions::from_mode(mode)).map_err(on_disk)?;
    fs::rename(&part, to).map_err(|source| Error::LocalFile { path: to.to_owned(), source })?;
    Ok(Got::File(Transferred { files: 1, bytes: size, resumed }))
}

/// The name beside a path of this machine that what is not complete has.
pub(super) fn local_part(to: &Path) -> Result<PathBuf, Error> {
    let no_name = || Error::LocalFile { path: to.to_owned(), source: io::ErrorKind::InvalidInput.into() };
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().ok_or_else(no_name)?);
    name.push(".part");
    Ok(to.with_file_name(name))
}

/// Nobody else's file is gone on with: they would read what is written into it.
fn own() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The file that is not complete yet. Nothing is written through a link.
fn part_file(part: &Path, is_old: bool) -> io::Result<File> {
    if is_old {
        let follow_none = nix::fcntl::OFlag::O_NOFOLLOW.bits();
        return OpenOptions::new().append(true).custom_flags(follow_none).open(part);
    }
    remove(part)?;
    new_file(part)
}

/// A file where nothing is, ours alone.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Sizes and sums of what is sent.
struct Sums {
    size: u64,
    whole: String,
    /// The state behind `whole`, to go on from; of what was known before it is new.
    hasher: Sha256,
    /// The sum of the first bytes, when there are as many.
    first: Option<String>,
}

/// The sums of what is put. Where the whole is known, only the part that is there already is read for them.
async fn wanted(from: &Source, had: u64) -> Result<Sums, Error> {
    let Source::Summed(known) = from else { return summed(from.clone(), had).await };
    let size = fs::metadata(&known.path).map_err(|source| local(from, source))?.len();
    let whole = known.sums.get(Path::new("")).cloned().unwrap_or_default();
    if had == 0 || had > size {
        return Ok(Sums { size, whole, hasher: Sha256::new(), first: None });
    }
    let path = known.path.clone();
    let summing = tokio::task::spawn_blocking(move || sums(File::open(path)?.take(had), had));
    let part = summing.await.map_err(|_| local(from, io::ErrorKind::Interrupted.into()))?;
    let part = part.map_err(|source| local(from, source))?;
    Ok(Sums { size, whole, ..part })
}

async fn summed(from: Source, first: u64) -> Result<Sums, Error> {
    let name = from.clone();
    let summing = tokio::task::spawn_blocking(move || match &from {
        Source::Path(path) | Source::Summed(Summed { path, .. }) => sums(File::open(path)?, first),
        Source::Bytes(bytes) => sums(&**bytes, first),
    });
    let summed = summing.await.map_err(|_| local(&name, io::ErrorKind::Interrupted.into()))?;
    summed.map_err(|source| local(&name, source))
}

fn sums(mut bytes: impl Read, first: u64) -> io::Result<Sums> {
    let mut hasher = Sha256::new();
    let begin = io::copy(&mut (&mut bytes).take(first), &mut Hashing(&mut hasher))?;
    let sum_of_first = (begin == first).then(|| hex::encode(hasher.clone().finalize()));
    let rest = io::copy(&mut bytes, &mut Hashing(&mut hasher))?;
    let whole = hex::encode(hasher.clone().finalize());
    Ok(Sums { size: begin + rest, whole, hasher, first: sum_of_first })
}

/// Writes into a hash.
pub(super) struct Hashing<'a>(pub(super) &'a mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How long it is, in bytes.
pub(super) fn size_of(from: &Source) -> Result<u64, Error> {
    match from {
        Source::Bytes(bytes) => Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
        Source::Path(path) | Source::Summed(Summed { path, .. }) => {
            fs::metadata(path).map(|found| found.len()).map_err(|source| local(from, source))
        }
    }
}

pub(super) fn mode_of(from: &Source) -> Result<u32, Error> {
    match from {
        Source::Bytes(_) => Ok(MODE),
        Source::Path(path) | Source::Summed(Summed { path, .. }) => {
            fs::metadata(path).map(|found| found.mode()).map_err(|source| local(from, source))
        }
    }
}

pub(super) async fn open(from: &Source, at: u64) -> Result<Box<dyn AsyncRead + Send + Unpin>, Error> {
    match from {
        Source::Bytes(bytes) => {
            let mut rest = io::Cursor::new(Arc::clone(bytes));
            rest.set_position(at);
            Ok(Box::new(rest))
        }
        Source::Path(path) | Source::Summed(Summed { path, .. }) => {
            use tokio::io::AsyncSeekExt;
            let open = async {
                let mut file = tokio::fs::File::open(path).await?;
                file.seek(io::SeekFrom::Start(at)).await?;
                io::Result::Ok(file)
            };
            Ok(Box::new(open.await.map_err(|source| local(from, source))?))
        }
    }
}

fn local(from: &Source, source: io::Error) -> Error {
    let path = match from {
        Source::Path(path) | Source::Summed(Summed { path, .. }) => path.clone(),
        Source::Bytes(_) => PathBuf::from("the bytes"),
    };
    Error::LocalFile { path, source }
}

fn number(answer: &[String], at: usize) -> Option<u64> {
    answer.get(at)?.parse().ok()
}
