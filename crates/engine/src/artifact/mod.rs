//! Artifacts: a built tree as it is packed once and brought to every server.
//!
//! [`manifest`] says what is in it, [`pack`] makes it ([`pushed`] from an `archive` that was built elsewhere), [`kept`] finds
//! its files again, [`stream`] puts it into the form that one environment's servers receive. An artifact keeps only the files
//! that its *base*, an earlier artifact, does not have; `tar` is the one form of both.

mod archive;
pub mod body;
pub mod kept;
pub mod manifest;
pub mod pack;
pub mod pushed;
pub mod retain;
pub mod stream;
pub mod tar;

use std::path::{Path, PathBuf};

/// Removes what a process that was killed left of artifacts that it made or removed. Only for who owns the data folder, and
/// before anything else uses it. Blocking.
///
/// # Errors
/// Something in the folder cannot be read or removed.
pub fn sweep(data: &Path) -> std::io::Result<()> {
    let found = match std::fs::read_dir(data.join("artifacts")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    for entry in found {
        let entry = entry?;
        let name = entry.file_name();
        if [".new-", ".gone-"].iter().any(|mark| name.to_string_lossy().starts_with(mark)) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Where the artifact with this hash is kept below the data folder.
pub fn folder(data: &Path, hash: &str) -> PathBuf {
    data.join("artifacts").join(hash)
}
