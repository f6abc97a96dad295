//! A folder as a tar stream: packed here, and unpacked here without believing any name in it.

mod unpack;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::file::KEPT;
pub(super) use unpack::unpack;

/// Why a thing of another kind is not brought.
pub(super) const NEITHER: &str = "it is neither a file nor a folder nor a link";

/// The SHA-256 of each file, by its path below the folder.
pub(super) type Sums = BTreeMap<PathBuf, String>;

/// Why a tree is not packed or unpacked.
#[derive(Debug)]
pub(super) enum Trouble {
    /// With something here.
    Here(PathBuf, io::Error),
    /// The stream ended or broke.
    Stream(io::Error),
    /// What comes in the stream is no tree that is taken.
    Unfit(String),
    /// A name that leads elsewhere, or a thing that is neither file, folder nor link.
    Hostile(String),
}

/// Told of every few bytes of files.
pub(super) type Count<'a> = &'a mut (dyn FnMut(u64) + Send);

/// What is at `name` in `folder`.
pub(super) fn entry(folder: &Path, name: &Path) -> Result<(PathBuf, fs::Metadata), Trouble> {
    let here = folder.join(name);
    let found = fs::symlink_metadata(&here).map_err(|error| Trouble::Here(here, error))?;
    Ok((name.to_owned(), found))
}

/// Everything below a folder, sorted: folders before what is in them. Links are not followed.
pub(super) fn entries(folder: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, Trouble> {
    walk(folder, false)
}

/// The same of a folder of which nobody else knows: all of it can be read afterwards. What is told of a thing is how it was.
pub(super) fn opened_entries(folder: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, Trouble> {
    let entries = walk(folder, true)?;
    // When all is known: a file may have several names.
    for (name, found) in entries.iter().filter(|(_, found)| found.is_file()) {
        let here = folder.join(name);
        allow(&here, found, 0o400).map_err(|error| Trouble::Here(here, error))?;
    }
    Ok(entries)
}

/// Adds these bits to the mode of what is there, where it lacks them.
fn allow(here: &Path, found: &fs::Metadata, bits: u32) -> io::Result<()> {
    let mode = found.permissions().mode();
    if mode & bits == bits { Ok(()) } else { fs::set_permissions(here, Permissions::from_mode(mode | bits)) }
}

fn walk(folder: &Path, is_ours: bool) -> Result<Vec<(PathBuf, fs::Metadata)>, Trouble> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let here = folder.join(&below);
        let told = |error| Trouble::Here(here.clone(), error);
        for entry in fs::read_dir(&here).map_err(told)? {
            let entry = entry.map_err(told)?;
            let metadata = entry.metadata().map_err(|error| Trouble::Here(entry.path(), error))?;
            let name = below.join(entry.file_name());
            if metadata.is_dir() {
                if is_ours {
                    allow(&entry.path(), &metadata, 0o500)
                        .map_err(|error| Trouble::Here(entry.path(), error))?;
                }
                open.push(name.clone());
            }
            found.push((name, metadata));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

/// Whether all `entries` of `folder` have names that can be brought to another machine.
pub(super) fn can_be_brought(folder: &Path, entries: &[(PathBuf, fs::Metadata)]) -> Result<(), Trouble> {
    // The list of sums has one name a line, and the programs that read it differ about what else is in one.
    let odd = |name: &Path| name.as_os_str().as_bytes().iter().any(|byte| b"\n\r\\".contains(byte));
    let Some((name, _)) = entries.iter().find(|(name, _)| odd(name)) else { return Ok(()) };
    let why = "a name with a line break or a backslash cannot be brought";
    Err(Trouble::Here(folder.join(name), io::Error::new(io::ErrorKind::InvalidInput, why)))
}

/// Writes `entries` of `folder` as a tar stream; their sums where these are wanted.
pub(super) fn pack(
    folder: &Path,
    entries: &[(PathBuf, fs::Metadata)],
    into: impl Write,
    wants_sums: bool,
    count: Count<'_>,
) -> Result<Sums, Trouble> {
    let mut sums = Sums::new();
    let mut tar = Builder::new(into);
    for (name, metadata) in entries {
        let here = folder.join(name);
        let mut header = Header::new_gnu();
        header.set_mode(metadata.permissions().mode() & KEPT);
        header.set_size(0);
        let seconds =
            metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        header.set_mtime(seconds.map_or(0, |since| since.as_secs()));
        if metadata.is_dir() {
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, name, io::empty()).map_err(Trouble::Stream)?;
        } else if metadata.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            let text = fs::read_link(&here).map_err(|error| Trouble::Here(here.clone(), error))?;
            tar.append_link(&mut header, name, text).map_err(Trouble::Stream)?;
        } else if metadata.is_file() {
            let file = fs::File::open(&here).map_err(|error| Trouble::Here(here.clone(), error))?;
            header.set_size(metadata.len());
            let mut read = Reading {
                file: file.take(metadata.len()),
                hasher: wants_sums.then(Sha256::new),
                left: metadata.len(),
                count,
            };
            tar.append_data(&mut header, name, &mut read).map_err(Trouble::Stream)?;
            if read.left > 0 {
                let why = "it became shorter while it was read";
                return Err(Trouble::Here(here, io::Error::new(io::ErrorKind::UnexpectedEof, why)));
            }
            if let Some(hasher) = read.hasher {
                sums.insert(name.clone(), hex::encode(hasher.finalize()));
            }
        } else {
            return Err(Trouble::Here(here, io::Error::new(io::ErrorKind::InvalidInput, NEITHER)));
        }
    }
    tar.into_inner().and_then(|mut into| into.flush()).map_err(Trouble::Stream)?;
    Ok(sums)
}

struct Reading<'a> {
    file: io::Take<fs::File>,
    hasher: Option<Sha256>,
    left: u64,
    count: Count<'a>,
}

impl Read for Reading<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(into.get(..read).unwrap_or_default());
        }
        let bytes = u64::try_from(read).unwrap_or_default();
        self.left = self.left.saturating_sub(bytes);
        (self.count)(bytes);
        Ok(read)
    }
}
