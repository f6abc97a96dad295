//! The folders of the system: what a job may read and run besides its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Programs, libraries, settings, and what the kernel tells. Nothing in them is of Aweigh, and no home of anybody, but for
/// [`SETTINGS`].
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

/// What is of Aweigh among them all the same: its environment, which may hold the master key.
pub(super) const SETTINGS: &str = "/etc/aweigh";

/// What can be read, without `hidden` and [`SETTINGS`], wherever these lie; and what PATH names.
pub(super) fn of_system(hidden: &Path) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect::<Vec<_>>();
    let all = SYSTEM.iter().map(PathBuf::from).chain(named);
    let hidden: Vec<PathBuf> = [hidden, Path::new(SETTINGS)].into_iter().filter_map(really).collect();
    all.filter_map(|folder| fs::canonicalize(folder).ok())
        .flat_map(|folder| around(folder, &hidden))
        .collect()
}

/// Where `path` leads; `None` when it leads nowhere, and there is nothing to hide.
fn really(path: &Path) -> Option<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => Some(found.unwrap_or_else(|_| path.to_owned())),
    }
}

/// `folder`; or, where something of `hidden` lies in it, what else is in there. Links are passed over: what they name is open
/// where it lies, or it is not.
fn around(folder: PathBuf, hidden: &[PathBuf]) -> Vec<PathBuf> {
    if hidden.iter().any(|hidden| folder.starts_with(hidden)) {
        return Vec::new();
    }
    if !hidden.iter().any(|hidden| hidden.starts_with(&folder)) {
        return vec![folder];
    }
    let inside = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_thing = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_file());
    inside.filter(is_thing).flat_map(|entry| around(entry.path(), hidden)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_left_out_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for path in ["opt/other", "opt/aweigh/data/homes", "opt/aweigh/bin", "opt/conf/aweigh", "home/ann"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        fs::write(root.join("opt/conf/passwd"), "").unwrap();
        for (link, to) in [
            ("opt/shortcut", root.join("opt/aweigh/data")),
            ("opt/aweigh/up", root.clone()),
            ("opt/aweigh/all", PathBuf::from("/")),
            ("opt/ann", root.join("home/ann")),
        ] {
            std::os::unix::fs::symlink(to, root.join(link)).unwrap();
        }
        let hidden = [root.join("opt/aweigh/data"), root.join("opt/conf/aweigh")];
        let mut open = around(root.join("opt"), &hidden);
        open.sort();
        assert_eq!(open, ["opt/aweigh/bin", "opt/conf/passwd", "opt/other"].map(|path| root.join(path)));
        assert_eq!(around(hidden[0].join("homes"), &hidden), Vec::<PathBuf>::new());
        assert_eq!(around(root.join("opt/other"), &hidden), [root.join("opt/other")]);
        assert_eq!(really(&root.join("opt/shortcut/homes")), Some(hidden[0].join("homes")));
        assert_eq!(really(&root.join("opt/conf/none")), None);
    }
}
