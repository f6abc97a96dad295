//! Folders as tar streams for whoever else needs them, and the sums of what is brought to many places.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::dialog::printable;
use super::file::Hashing;
use super::tree::{self, Trouble};
use crate::Error;

/// A file or a folder of this machine that was read for its sums, so that it is not read for them again at each place that
/// it is brought to. It must not change as long as this is used.
#[derive(Clone, Debug)]
pub struct Summed {
    /// Where it is.
    pub path: PathBuf,
    /// The SHA-256 of each file, in hexadecimal digits, by its path below the folder; of a file itself by the empty path.
    pub sums: Arc<BTreeMap<PathBuf, String>>,
}

impl Summed {
    /// Reads the file or the folder at `path`. Blocks.
    ///
    /// # Errors
    /// It cannot be read, or has a name that cannot be brought.
    pub fn of(path: &Path) -> Result<Summed, Error> {
        let here = |at: &Path| {
            let at = path.join(at);
            move |source| Error::LocalFile { path: at, source }
        };
        let mut sums = BTreeMap::new();
        if fs::symlink_metadata(path).map_err(here(Path::new("")))?.is_dir() {
            let entries = tree::entries(path).map_err(|trouble| told(path, trouble))?;
            tree::can_be_brought(path, &entries).map_err(|trouble| told(path, trouble))?;
            for (name, _) in entries.iter().filter(|(_, found)| found.is_file()) {
                sums.insert(name.clone(), sum(&path.join(name)).map_err(here(name))?);
            }
        } else {
            sums.insert(PathBuf::new(), sum(path).map_err(here(Path::new("")))?);
        }
        Ok(Summed { path: path.to_owned(), sums: Arc::new(sums) })
    }
}

fn sum(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut Hashing(&mut hasher))?;
    Ok(hex::encode(hasher.finalize()))
}

/// Writes what is in `folder`, which is ours and of which nobody else knows, as a tar stream: files, folders and links, with
/// `rwxrwxrwx` and without owners. What its owner may not read, since it came so, can be read afterwards. Links are not
/// followed. Tells `count` of every few bytes of files. Blocks.
///
/// # Errors
/// Something cannot be read or is of another kind, or the stream takes no more.
pub fn pack(folder: &Path, into: impl Write, count: &mut (dyn FnMut(u64) + Send)) -> Result<(), Error> {
    let entries = tree::opened_entries(folder).map_err(|trouble| told(folder, trouble))?;
    tree::pack(folder, &entries, into, false, count).map_err(|trouble| told(folder, trouble)).map(drop)
}

/// The same with one file or one folder, by its own name.
///
/// # Errors
/// The same.
pub fn pack_one(path: &Path, into: impl Write, count: &mut (dyn FnMut(u64) + Send)) -> Result<(), Error> {
    // `.` and the like have no name of their own.
    let real = fs::canonicalize(path).map_err(|source| Error::LocalFile { path: path.to_owned(), source })?;
    let (above, name) = (real.parent().unwrap_or(Path::new("/")), real.file_name().unwrap_or_default());
    let packed = tree::entry(above, Path::new(name)).and_then(|first| {
        let mut entries = vec![first];
        if real.is_dir() {
            let below = tree::entries(&real)?;
            tree::can_be_brought(&real, &below)?;
            entries.extend(below.into_iter().map(|(below, found)| (Path::new(name).join(below), found)));
        }
        tree::pack(above, &entries, into, false, count)
    });
    packed.map_err(|trouble| told(above, trouble)).map(drop)
}

/// Reads a tar stream into `folder`, which is empty and of which nobody else knows. Whatever names stand in the stream, nothing
/// is written anywhere else. Links are made as they are: look at them before you follow them. Blocks.
///
/// # Errors
/// The stream breaks, is none, or has a name that leads elsewhere or a thing that is neither file, folder nor link. What was
/// written stays.
pub fn unpack(from: impl Read, folder: &Path, count: &mut (dyn FnMut(u64) + Send)) -> Result<(), Error> {
    tree::unpack(from, folder, count).map_err(|trouble| told(folder, trouble)).map(drop)
}

/// The same with a stream of one file or one folder, whose sums are taken while it is read; `None` when it holds more or less
/// than one, or a link.
///
/// # Errors
/// The same, or there is a name that cannot be brought on.
pub fn unpack_one(
    from: impl Read,
    folder: &Path,
    count: &mut (dyn FnMut(u64) + Send),
) -> Result<Option<Summed>, Error> {
    let sums = tree::unpack(from, folder, count).map_err(|trouble| told(folder, trouble))?;
    let here = |source| Error::LocalFile { path: PathBuf::new(), source };
    let mut entries = fs::read_dir(folder).map_err(here)?;
    let (Some(first), None) = (entries.next().transpose().map_err(here)?, entries.next()) else {
        return Ok(None);
    };
    let (path, kind) = (first.path(), first.file_type().map_err(here)?);
    if kind.is_symlink() {
        return Ok(None);
    }
    if kind.is_dir() {
        let entries = tree::entries(&path).map_err(|trouble| told(folder, trouble))?;
        tree::can_be_brought(&path, &entries).map_err(|trouble| told(folder, trouble))?;
    }
    let name = first.file_name();
    let below = |path: PathBuf| path.strip_prefix(&name).map(Path::to_owned).unwrap_or_default();
    let sums = sums.into_iter().map(|(path, sum)| (below(path), sum)).collect();
    Ok(Some(Summed { path, sums: Arc::new(sums) }))
}

/// The same trouble, with a path as it is seen from `folder`.
fn told(folder: &Path, trouble: Trouble) -> Error {
    let odd = |reason: &str| Error::Archive { reason: printable(reason) };
    match trouble {
        Trouble::Here(path, source) => {
            let path = path.strip_prefix(folder).map_or(path.clone(), Path::to_owned);
            Error::LocalFile { path, source }
        }
        Trouble::Stream(source) => odd(&format!("breaks off: {source}")),
        Trouble::Unfit(reason) => odd(&format!("makes no sense: {reason}")),
        Trouble::Hostile(name) => Error::HostileName { place: "the archive".to_owned(), name },
    }
}
