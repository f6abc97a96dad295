//! Artifacts: a built tree as it is packed once and brought to every server.
//!
//! [`manifest`] says what is in it, [`pack`] makes it from a folder, [`stream`] puts it into the form that one
//! environment's servers receive.

pub mod manifest;
pub mod pack;
pub mod stream;

use std::path::{Path, PathBuf};

/// Where the artifact with this hash is kept below the data folder.
pub fn folder(data: &Path, hash: &str) -> PathBuf {
    data.join("artifacts").join(hash)
}
