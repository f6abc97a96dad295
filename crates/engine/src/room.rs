//! Room on the disk of this machine: what builds and packs leaves some, so that the way back always has it.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::error::Failure;

const MEBIBYTE: u64 = 1 << 20;

/// Refuses to begin anything that fills the disk of `folder`, when less than `reserve` bytes are free there. Else it answers
/// how much may be added: half of the reserve is for what goes on meanwhile.
pub fn check(folder: &Path, reserve: u64) -> Result<u64, Failure> {
    let free = free(folder)?;
    if free >= reserve {
        return Ok(free.saturating_sub(reserve / 2));
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
        let free = free(folder.path()).unwrap();
        assert!(check(folder.path(), 0).unwrap() > 0);
        let may_come = check(folder.path(), free / 2).unwrap();
        assert!(may_come < free, "{may_come} of {free}");
        let refused = check(folder.path(), u64::MAX).unwrap_err();
        assert!(refused.message.contains(folder.path().to_str().unwrap()), "{refused:?}");
        assert!(check(&folder.path().join("gone"), 0).is_err());
    }
}
