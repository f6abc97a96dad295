//! What a server says of a folder: whose it is, who may write there, and who may put something else in its place.
//!
//! Whoever may write to the folder, or to one that it is in, can replace it in the middle of a release.

use super::Verdict;
use super::room::Free;
use crate::question::{Said, shown};

/// The bits of a mode.
const BY_ALL: u32 = 0o002;
const BY_GROUP: u32 = 0o020;
/// In such a folder only the owner of a file may replace it.
const STICKY: u32 = 0o1000;

/// What the folder is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    There,
    Missing,
    Dangling(String),
    Closed(String),
    Other(String),
}

/// A folder and whose it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folder {
    owner: u32,
    mode: u32,
    path: String,
}

/// What a server said of the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) state: State,
    me: u32,
    writable: bool,
    pub(super) room: Option<Free>,
    /// The folder, or the one that it would be made in, and all that it is in; `/` is the last one.
    pub(super) folders: Vec<Folder>,
    /// The folder of Aweigh in it.
    inner: Option<Folder>,
    inner_link: Option<String>,
}

/// How bad it is, what it is, and what to do.
pub(super) type Complaint = (Verdict, String, String);

impl Found {
    /// What an answer says; `None` when it is not whole.
    pub(super) fn understood(answer: &str) -> Option<Self> {
        let answer = Said::read(answer)?;
        let said = |key| answer.first(key).map(str::trim);
        let state = if let Some(at) = said("dangling") {
            State::Dangling(shown(at))
        } else if let Some(at) = said("closed") {
            State::Closed(shown(at))
        } else if let Some(at) = said("other") {
            State::Other(shown(at))
        } else if said("missing").is_some() {
            State::Missing
        } else {
            State::There
        };
        Some(Self {
            state,
            me: said("me")?.parse().ok()?,
            writable: said("writable") == Some("yes"),
            room: said("room").and_then(Free::read),
            folders: answer.all("folder").filter_map(folder).collect(),
            inner: said("inner").and_then(folder),
            inner_link: said("inner_link").map(shown),
        })
    }

    /// What is wrong with the folder that is called `root`.
    pub(super) fn complaints(&self, root: &str) -> Vec<Complaint> {
        let mut all = Vec::new();
        let mut folders = self.folders.iter();
        let Some(own) = folders.next() else { return all };
        let chown = match self.state {
            State::Missing => "make the folder as root, and give it to the user who logs in".to_owned(),
            _ => format!("as root: chown {} {}", self.me, own.path),
        };
        if !self.writable {
            let told = match self.state {
                State::Missing => {
                    format!("{root} is not there, and the user may not make it in {}", own.path)
                }
                _ => format!("the user may not write to {root}"),
            };
            all.push((Verdict::Failed, told, chown.clone()));
        }
        let is_there = self.state == State::There;
        if is_there && self.writable && own.owner != self.me {
            let told =
                format!("{root} belongs to the user with the number {}, who may take it away", own.owner);
            all.push((Verdict::Warning, told, chown));
        }
        if is_there {
            all.extend(open_to(own, root));
        } else {
            all.extend(self.replaceable(own, root));
        }
        all.extend(folders.filter_map(|folder| self.replaceable(folder, root)));
        if let Some(text) = &self.inner_link {
            let told = format!("{root}/.aweigh is a link to {text}, and has to be a folder");
            all.push((Verdict::Failed, told, "find out who made it, and remove it".to_owned()));
        }
        if let Some(inner) = &self.inner {
            let path = format!("{root}/.aweigh");
            if inner.owner != self.me {
                let told = format!("{path} belongs to the user with the number {}", inner.owner);
                all.push((Verdict::Failed, told, "let one user do all releases to a folder".to_owned()));
            }
            all.extend(open_to(inner, &path));
        }
        all
    }

    /// Whether others can put something in the place of what is in this folder.
    fn replaceable(&self, folder: &Folder, root: &str) -> Option<Complaint> {
        let path = &folder.path;
        if folder.mode & BY_ALL != 0 && folder.mode & STICKY == 0 {
            let told = format!("everybody may write to {path}, and so replace {root}");
            return Some((Verdict::Failed, told, format!("chmod o-w {path}")));
        }
        if folder.mode & BY_GROUP != 0 && folder.mode & STICKY == 0 {
            let told = format!("the group of {path} may write to it, and so replace {root}");
            return Some((Verdict::Warning, told, format!("chmod g-w {path}")));
        }
        (folder.owner != 0 && folder.owner != self.me).then(|| {
            let told = format!(
                "{path} belongs to the user with the number {}, who may replace {root}",
                folder.owner
            );
            (
                Verdict::Warning,
                told,
                "choose a path in a folder of root or of the user who logs in".to_owned(),
            )
        })
    }
}

/// Who else may write to a folder of ours.
fn open_to(folder: &Folder, path: &str) -> Option<Complaint> {
    if folder.mode & BY_ALL != 0 {
        return Some((
            Verdict::Failed,
            format!("everybody may write to {path}"),
            format!("chmod o-w {path}"),
        ));
    }
    (folder.mode & BY_GROUP != 0).then(|| {
        (Verdict::Warning, format!("the group of {path} may write to it"), format!("chmod g-w {path}"))
    })
}

fn folder(value: &str) -> Option<Folder> {
    let mut words = value.splitn(3, ' ');
    let owner = words.next()?.parse().ok()?;
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    Some(Folder { owner, mode, path: shown(words.next().unwrap_or_default()) })
}
