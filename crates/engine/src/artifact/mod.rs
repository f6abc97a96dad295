//! Artifacts: a built tree as it is packed once and brought to every server.
//!
//! [`manifest`] says what is in it, [`pack`] makes it, [`kept`] finds its files again, [`stream`] puts it into the
//! form that one environment's servers receive. An artifact keeps only the files that its *base*, an earlier artifact,
//! does not have; `tar` is the one form of both.

pub mod body;
pub mod kept;
pub mod manifest;
pub mod pack;
pub mod retain;
pub mod stream;
pub mod tar;

use std::path::{Path, PathBuf};

/// Where the artifact with this hash is kept below the data folder.
pub fn folder(data: &Path, hash: &str) -> PathBuf {
    data.join("artifacts").join(hash)
}
