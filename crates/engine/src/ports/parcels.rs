//! Files and folders of this machine, on their way to servers or from them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Archives and sums. All of it blocks.
pub trait Parcels: Send + Sync {
    /// Reads the one file or folder of a tar stream into `folder`, which is empty and of which nobody else knows, and takes
    /// its sums, once for all servers that it goes to; `None` when it holds more or less. Nothing is written anywhere else,
    /// whatever names stand in the stream.
    fn unpack_one(&self, from: &mut dyn Read, folder: &Path) -> Result<Option<Parcel>, ParcelError>;
    /// Writes what is in `folder` as a tar stream.
    fn pack(&self, folder: &Path, into: &mut dyn Write) -> Result<(), ParcelError>;
}

/// A file or a folder that was read for its sums and does not change any more.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// The SHA-256 of each file, by its path below the folder; of a file itself by the empty path.
    pub sums: Arc<BTreeMap<PathBuf, String>>,
}

/// Why an archive is not taken or made: what happened to what, as a lower-case fragment.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ParcelError {
    /// What is wrong.
    pub message: String,
    /// What came is wrong; else this machine could not do it.
    pub is_unfit: bool,
}
