//! Files and folders between this machine and another one.
//!
//! ```text
//! Put ─┬─▶ file ───┬─▶ dialog with a constant script ─▶ temporary name ─▶ checked by SHA-256 ─▶ renamed
//! Get ─┴─▶ folder ─┘          │ refused
//!                             └─▶ sftp ─▶ temporary name ─▶ checked by size ─▶ renamed
//! ```
//!
//! A server needs `sh`, `cat`, `head`, `tail`, `wc`, `stat`, `mv` and a program for SHA-256; for folders `tar` and
//! `find`, too; or SFTP, where it runs no commands. Nothing that a user or the other machine names is ever part of a command, and no name that comes from
//! there is used here before it is judged.

mod archive;
mod bridge;
mod dialog;
mod file;
mod folder;
mod last_words;
mod script;
mod sftp;
mod tree;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

pub use archive::{Summed, pack, pack_one, unpack, unpack_one};

use crate::{Error, Session};

/// What is brought to a machine.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file or a folder of this machine.
    Path(PathBuf),
    /// The bytes of a file.
    Bytes(Arc<[u8]>),
    /// A file or a folder of this machine whose sums are known: for many places.
    Summed(Summed),
}

impl From<Summed> for Source {
    fn from(summed: Summed) -> Source {
        Source::Summed(summed)
    }
}

impl From<&str> for Source {
    fn from(path: &str) -> Source {
        Source::Path(path.into())
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Source {
        Source::Path(path.into())
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Source {
        Source::Path(path)
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Source {
        Source::Bytes(bytes.into())
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of files that are there, those included that were there from an earlier try.
    pub done: u64,
    /// Bytes of files in all, where that is known: not of a folder that comes from another machine.
    pub total: Option<u64>,
}

/// What a transfer brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of these, bytes that an earlier try had brought already.
    pub resumed: u64,
}

/// How many names more what goes aside may have, where what had the first one cannot be removed.
const OLDS: u32 = 9;

/// What became of what was sent through a command.
enum Sent {
    Whole(Transferred),
    /// The server runs no commands, and how it said so. Nothing was changed.
    Refused(Tell, Error),
}

/// Told how far a transfer is, again and again.
type Tell = Box<dyn FnMut(Progress) + Send>;

/// A transfer to a machine; it begins when it is awaited. See [`Session::put`].
#[must_use = "nothing happens until it is awaited"]
pub struct Put<'a> {
    session: &'a Session,
    from: Source,
    to: String,
    mode: Option<u32>,
    replaces: bool,
    tell: Tell,
}

/// A transfer from a machine; it begins when it is awaited. See [`Session::get`].
#[must_use = "nothing happens until it is awaited"]
pub struct Get<'a> {
    session: &'a Session,
    from: String,
    to: PathBuf,
    tell: Tell,
}

impl<'a> Put<'a> {
    pub(crate) fn new(session: &'a Session, from: Source, to: String) -> Put<'a> {
        Put { session, from, to, mode: None, replaces: true, tell: Box::new(|_| ()) }
    }

    /// The permissions of the file, instead of those it has here; of bytes they are `0o644` otherwise. Only the nine
    /// bits of `rwxrwxrwx` count.
    pub fn mode(mut self, mode: u32) -> Put<'a> {
        self.mode = Some(mode);
        self
    }

    /// Whether a folder takes the place of what is there; it does unless this says no. A file always does.
    pub fn replace(mut self, replaces: bool) -> Put<'a> {
        self.replaces = replaces;
        self
    }

    /// Is told how far it is, after every few KiB.
    pub fn progress(mut self, tell: impl FnMut(Progress) + Send + 'static) -> Put<'a> {
        self.tell = Box::new(tell);
        self
    }
}

impl<'a> Get<'a> {
    pub(crate) fn new(session: &'a Session, from: String, to: PathBuf) -> Get<'a> {
        Get { session, from, to, tell: Box::new(|_| ()) }
    }

    /// Is told how far it is, after every few KiB. When the transfer was given up, `tell` is dropped as soon as nothing is
    /// written here any more.
    pub fn progress(mut self, tell: impl FnMut(Progress) + Send + 'static) -> Get<'a> {
        self.tell = Box::new(tell);
        self
    }
}

impl<'a> IntoFuture for Put<'a> {
    type Output = Result<Transferred, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Put { session, from, to, mode, replaces, tell } = self;
            let to = remote_path(&to)?;
            let sent = match &from {
                _ if session.has_no_shell() => {
                    return sftp::put(session, &from, &to, mode, replaces, tell, None).await;
                }
                Source::Path(path) if path.is_dir() => {
                    folder::put(session, path, None, &to, replaces, tell).await?
                }
                Source::Summed(Summed { path, sums }) if path.is_dir() => {
                    folder::put(session, path, Some(sums.as_ref()), &to, replaces, tell).await?
                }
                from => file::put(session, from, &to, mode, tell).await?,
            };
            match sent {
                Sent::Whole(transferred) => Ok(transferred),
                Sent::Refused(tell, refusal) => {
                    sftp::put(session, &from, &to, mode, replaces, tell, Some(refusal)).await
                }
            }
        })
    }
}

impl<'a> IntoFuture for Get<'a> {
    type Output = Result<Transferred, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Get { session, from, to, tell } = self;
            let from = remote_path(&from)?;
            if session.has_no_shell() {
                return sftp::get(session, &from, &to, tell, None).await;
            }
            match file::get(session, &from, &to, tell).await? {
                file::Got::File(transferred) => Ok(transferred),
                file::Got::Folder(tell) => folder::get(session, &from, &to, tell).await,
                file::Got::Refused(tell, refusal) => {
                    sftp::get(session, &from, &to, tell, Some(refusal)).await
                }
            }
        })
    }
}

impl fmt::Debug for Put<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Put").field("to", &self.to).finish_non_exhaustive()
    }
}

impl fmt::Debug for Get<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Get").field("from", &self.from).finish_non_exhaustive()
    }
}

/// A path as the scripts read it: one line, and never a flag of a program.
fn remote_path(path: &str) -> Result<String, Error> {
    let path = path.trim_end_matches('/');
    if path.is_empty()
        || path.contains(['\n', '\r', '\0'])
        || path.ends_with("/..")
        || [".", "..", "~"].contains(&path)
    {
        return Err(Error::RemotePath { path: path.to_owned() });
    }
    Ok(if path.starts_with('/') || path.starts_with("~/") { path.to_owned() } else { format!("./{path}") })
}

/// The name beside a path that what is not complete has.
fn part_of(path: &str) -> String {
    let (folder, name) =
        path.rsplit_once('/').map_or(("", path), |(_, name)| (path.trim_end_matches(name), name));
    format!("{folder}.{name}.part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_is_taken_for_a_flag_or_for_two_lines() {
        for (path, expected) in [
            ("/srv/app/", Some("/srv/app")),
            ("app.conf", Some("./app.conf")),
            ("-rf", Some("./-rf")),
            ("~/app", Some("~/app")),
            ("~deploy/app", Some("./~deploy/app")),
            ("/", None),
            ("", None),
            ("..", None),
            ("/srv/..", None),
            ("a\nb", None),
        ] {
            assert_eq!(remote_path(path).ok().as_deref(), expected, "{path:?}");
        }
    }

    #[test]
    fn what_is_not_complete_stands_beside_its_place() {
        for (path, expected) in [
            ("/srv/app", "/srv/.app.part"),
            ("./a/a", "./a/.a.part"),
            ("~/x", "~/.x.part"),
            ("/x", "/.x.part"),
        ] {
            assert_eq!(part_of(path), expected);
        }
    }
}
