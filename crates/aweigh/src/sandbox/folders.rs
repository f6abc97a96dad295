//! The folders of the system: what a job may read and run besides its own.

use std::fs;
use std::path::{Path, PathBuf};

/// Programs, libraries, settings, and what the kernel tells. Nothing in them is of Aweigh, and no home of anybody.
const SYSTEM: [&str; 18] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/usr",
    "/etc",
    "/opt",
    "/nix",
    "/gnu",
    "/snap",
    "/proc",
    "/sys",
    // Where /etc/resolv.conf leads to.
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager/resolv.conf",
    "/run/current-system",
];

/// What can be read, without `hidden`, wherever that lies; and what PATH names.
pub(super) fn of_system(hidden: &Path) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect::<Vec<_>>();
    let all = SYSTEM.iter().map(PathBuf::from).chain(named);
    let hidden = fs::canonicalize(hidden).unwrap_or_else(|_| hidden.to_owned());
    all.filter_map(|folder| fs::canonicalize(folder).ok())
        .flat_map(|folder| around(folder, &hidden))
        .collect()
}

/// `folder`; or, where `hidden` lies in it, what else is in there.
fn around(folder: PathBuf, hidden: &Path) -> Vec<PathBuf> {
    if folder.starts_with(hidden) {
        return Vec::new();
    }
    if !hidden.starts_with(&folder) {
        return vec![folder];
    }
    let inside = fs::read_dir(folder).into_iter().flatten().flatten();
    // What is only a name for another place is judged by that place.
    let inside = inside.filter_map(|entry| fs::canonicalize(entry.path()).ok());
    inside.filter(|path| path.is_dir() || path.is_file()).flat_map(|path| around(path, hidden)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_left_out_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for path in ["opt/other", "opt/aweigh/data/homes", "opt/aweigh/bin"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("opt/aweigh/data"), root.join("opt/shortcut")).unwrap();
        let hidden = root.join("opt/aweigh/data");
        let mut open = around(root.join("opt"), &hidden);
        open.sort();
        assert_eq!(open, [root.join("opt/aweigh/bin"), root.join("opt/other")]);
        assert_eq!(around(hidden.join("homes"), &hidden), Vec::<PathBuf>::new());
        assert_eq!(around(root.join("opt/other"), &hidden), [root.join("opt/other")]);
    }
}
