//! What checkouts brought into a folder, as it is remembered there.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::Path,
};

use super::switch::{Kind, Tree};
use crate::Error;

/// The file in the folder of the state.
const FILE: &str = "brought";

/// Its first line.
const HEAD: &[u8] = b"aweigh checkout 1\n";

/// What checkouts brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Brought {
    at: Option<String>,
    /// Paths below the folder, a folder before what is in it.
    pub(super) paths: BTreeMap<Vec<u8>, Kind>,
}

impl Brought {
    pub(super) fn new(paths: BTreeMap<Vec<u8>, Kind>) -> Self {
        Self { at: None, paths }
    }

    /// What the folder was brought to; nothing in the middle of a switch.
    pub(super) fn at(&self) -> Option<&str> {
        self.at.as_deref()
    }

    pub(super) fn has(&self, path: &[u8], kind: Kind) -> bool {
        self.paths.get(path) == Some(&kind)
    }

    /// All of it, and a tree that is about to come. A path that is both is a file: a folder is removed only when it is
    /// empty, and so needs no proof.
    pub(super) fn with(&self, tree: &Tree) -> Self {
        let mut paths = self.paths.clone();
        for (path, kind) in &tree.entries {
            paths.entry(path.clone()).and_modify(|known| *known = (*known).max(*kind)).or_insert(*kind);
        }
        Self { at: None, paths }
    }

    /// Reads it; nothing when no checkout has come to its end there.
    pub(super) fn read(state: &Path) -> Result<Self, Error> {
        let path = state.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => Self::parse(&bytes).ok_or(Error::UnknownCheckout { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io("cannot read", path)(error)),
        }
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, state: &Path, at: Option<&str>) -> Result<(), Error> {
        let path = state.join(FILE);
        let written = tempfile::NamedTempFile::new_in(state).and_then(|mut file| {
            file.write_all(&self.text(at.unwrap_or_default()))?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)
        });
        written.map(drop).map_err(Error::io("cannot write", path))
    }

    /// A line with the name, then a letter and a path for each, with NUL behind it.
    fn text(&self, at: &str) -> Vec<u8> {
        let mut text = [HEAD, at.as_bytes(), b"\n"].concat();
        for (path, kind) in &self.paths {
            text.push(if *kind == Kind::Folder { b'd' } else { b'f' });
            text.extend_from_slice(path);
            text.push(0);
        }
        text
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let rest = text.strip_prefix(HEAD)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (at, rest) = rest.split_at_checked(end)?;
        let mut paths = BTreeMap::new();
        let mut records = rest.get(1..)?.split(|byte| *byte == 0);
        // Behind the last NUL there is nothing; a text that was cut has something there.
        records.next_back().filter(|last| last.is_empty())?;
        for record in records {
            let (letter, path) = record.split_first()?;
            let kind = match letter {
                b'd' => Kind::Folder,
                b'f' => Kind::File,
                _ => return None,
            };
            let is_inside = path.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."));
            if !is_inside {
                return None;
            }
            paths.insert(path.to_vec(), kind);
        }
        let at = str::from_utf8(at).ok()?;
        Some(Self { at: Some(at.to_owned()).filter(|at| !at.is_empty()), paths })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(Brought::read(state.path()).unwrap(), Brought::default());
        let paths = [(&b"a"[..], Kind::Folder), (&b"a/\xff\n"[..], Kind::File)];
        let brought = Brought::new(paths.map(|(path, kind)| (path.to_vec(), kind)).into());
        brought.write(state.path(), Some("v1")).unwrap();
        let read = Brought::read(state.path()).unwrap();
        assert_eq!((read.at(), &read.paths), (Some("v1"), &brought.paths));
        brought.write(state.path(), None).unwrap();
        assert_eq!(Brought::read(state.path()).unwrap().at(), None);
    }

    #[test]
    fn what_is_cut_or_leads_out_is_not_believed() {
        for text in [
            "",
            "aweigh checkout 2\nv1\n",
            "aweigh checkout 1\n",
            "aweigh checkout 1\nv1\nfa",
            "aweigh checkout 1\nv1\nf../a\0",
            "aweigh checkout 1\nv1\nf/etc/passwd\0",
            "aweigh checkout 1\nv1\nf\0",
            "aweigh checkout 1\nv1\nxa\0",
        ] {
            assert!(Brought::parse(text.as_bytes()).is_none(), "{text:?}");
        }
    }
}
