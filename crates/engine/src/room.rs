//! Room on the disk of this machine, and making some: what builds and packs leaves some, so that the way back always has it.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
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

/// Removes a folder of ours with all that is in it, folders that forbid it too; nothing where there is none. No link is
/// followed.
pub fn clear(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.is_dir() => return fs::remove_file(folder),
        Ok(_) => {}
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
        other => return other,
    }
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    fs::remove_dir_all(folder)
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
