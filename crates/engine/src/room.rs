//! Room on the disk of this machine: what builds and packs leaves some, so that the way back always has it.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::error::Failure;

const MEBIBYTE: u64 = 1 << 20;

/// Refuses to begin anything that fills the disk of `folder`, when less than `reserve` bytes are free there.
pub fn check(folder: &Path, reserve: u64) -> Result<(), Failure> {
    let free = free(folder)?;
    if free >= reserve {
        return Ok(());
    }
    Err(Failure::new(format!(
        "only {} MiB are free on the disk of {}, and {} MiB are kept for rollbacks",
        free / MEBIBYTE,
        folder.display(),
        reserve.div_ceil(MEBIBYTE)
    ))
    .hint("free some there, or say less in [limits] disk_reserve; rollbacks still work"))
}

/// How many bytes this user may still write on the disk of `folder`.
pub fn free(folder: &Path) -> std::io::Result<u64> {
    let about = statvfs(folder)?;
    Ok(about.blocks_available().saturating_mul(about.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_the_reserve_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check(folder.path(), 0), Ok(()));
        assert_eq!(check(folder.path(), 1), Ok(()));
        let refused = check(folder.path(), u64::MAX).unwrap_err();
        assert!(refused.message.contains(folder.path().to_str().unwrap()), "{refused:?}");
        assert!(check(&folder.path().join("gone"), 0).is_err());
    }
}
