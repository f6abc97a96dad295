//! The folders of the system: what a job may read and run besides its own.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
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

/// What is for everybody as a whole: what packages bring, and what the kernel tells and closes itself. It is far too much to
/// look through before each job.
const PUBLIC: [&str; 15] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libx32",
    "/usr/libexec",
    "/usr/include",
    "/usr/share",
    "/usr/src",
    "/nix",
    "/gnu",
    "/snap",
    "/proc",
    "/sys",
];

/// What is open of the system.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// What can be read, with all that lies in it.
    pub(super) read: Vec<PathBuf>,
    /// Folders whose names can be read, with those of all folders in them.
    pub(super) list: Vec<PathBuf>,
}

/// What can be read, without `hidden` and [`SETTINGS`], wherever these lie; and what PATH names. With `for_all`, only what
/// everybody on this machine may read.
pub(super) fn of_system(hidden: &Path, for_all: bool) -> Open {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect::<Vec<_>>();
    let all = SYSTEM.iter().map(PathBuf::from).chain(named);
    let hidden = [hidden, Path::new(SETTINGS)].into_iter().filter_map(really).collect();
    let mut walk = Walk { hidden, for_all, list: Vec::new() };
    let folders = all.filter_map(|folder| fs::canonicalize(folder).ok());
    let read = folders.flat_map(|folder| walk.around(folder)).collect();
    Open { read, list: walk.list }
}

/// Where `path` leads; `None` when it leads nowhere, and there is nothing to hide.
fn really(path: &Path) -> Option<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => Some(found.unwrap_or_else(|_| path.to_owned())),
    }
}

/// A walk through folders of the system.
struct Walk {
    /// What is open in no case.
    hidden: Vec<PathBuf>,
    /// Only what is for everybody is open.
    for_all: bool,
    /// See [`Open`].
    list: Vec<PathBuf>,
}

impl Walk {
    /// `folder`; or, where something lies in it that is not open, what else is in there. Links are passed over: what they name
    /// is open where it lies, or it is not.
    fn around(&mut self, folder: PathBuf) -> Vec<PathBuf> {
        if self.hidden.iter().any(|hidden| folder.starts_with(hidden)) {
            return Vec::new();
        }
        let hides = self.hidden.iter().any(|hidden| hidden.starts_with(&folder));
        let is_public = !self.for_all || PUBLIC.iter().any(|public| folder.starts_with(public));
        if !hides && is_public {
            return vec![folder];
        }
        let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
        let (mut open, mut is_whole) = (Vec::new(), !hides);
        for entry in entries.flatten() {
            let Ok(about) = entry.metadata() else { continue };
            let path = entry.path();
            let inside = match about.file_type() {
                kind if kind.is_symlink() => continue,
                _ if self.for_all && !is_for_all(&about) => Vec::new(),
                kind if kind.is_dir() => self.around(path.clone()),
                _ => vec![path.clone()],
            };
            is_whole &= inside == [path];
            open.extend(inside);
        }
        if is_whole {
            return vec![folder];
        }
        if !hides {
            self.list.push(folder);
        }
        open
    }
}

/// Whether everybody may read a file, or list and pass a folder.
fn is_for_all(about: &fs::Metadata) -> bool {
    let needed = if about.is_dir() { 0o005 } else { 0o004 };
    about.permissions().mode() & needed == needed
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
        let mut walk = Walk { hidden: hidden.to_vec(), for_all: false, list: Vec::new() };
        let mut open = walk.around(root.join("opt"));
        open.sort();
        assert_eq!(open, ["opt/aweigh/bin", "opt/conf/passwd", "opt/other"].map(|path| root.join(path)));
        assert_eq!(walk.around(hidden[0].join("homes")), Vec::<PathBuf>::new());
        assert_eq!(walk.around(root.join("opt/other")), [root.join("opt/other")]);
        assert_eq!(walk.list, Vec::<PathBuf>::new(), "names in what is hidden are hidden, too");
        assert_eq!(really(&root.join("opt/shortcut/homes")), Some(hidden[0].join("homes")));
        assert_eq!(really(&root.join("opt/conf/none")), None);
    }

    #[test]
    fn what_is_not_for_everybody_is_closed_to_root_and_what_is_beside_it_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let etc = fs::canonicalize(folder.path()).unwrap().join("etc");
        for (path, mode) in [
            ("passwd", 0o644),
            ("shadow", 0o640),
            ("ssl/certs/ca.pem", 0o444),
            ("ssl/private/key.pem", 0o644),
            ("apt/sources.list", 0o664),
            ("aweigh/environment", 0o644),
            ("app/conf.d/main", 0o644),
            ("app/conf.d/token", 0o600),
        ] {
            let path = etc.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(etc.join("ssl/private"), fs::Permissions::from_mode(0o711)).unwrap();
        std::os::unix::fs::symlink("../app/conf.d/token", etc.join("apt/link")).unwrap();
        let at = |paths: &[&str]| paths.iter().map(|path| etc.join(path)).collect::<Vec<_>>();
        let mut walk = Walk { hidden: at(&["aweigh"]), for_all: true, list: Vec::new() };
        let mut open = walk.around(etc.clone());
        open.sort();
        walk.list.sort();
        assert_eq!(open, at(&["app/conf.d/main", "apt", "passwd", "ssl/certs"]));
        assert_eq!(walk.list, at(&["app", "app/conf.d", "ssl"]));
    }
}
