//! Where Aweigh keeps its things on this machine, asked by `serve` and by every other command alike.

use std::path::{Path, PathBuf};

/// The environment as a function, so that tests have their own. A variable that is empty counts as unset.
#[derive(Clone, Copy)]
pub struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl std::fmt::Debug for Env<'_> {
    /// Shows nothing: tokens stand in the environment.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}

impl<'a> Env<'a> {
    /// An environment made of `read`.
    pub fn new(read: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(read)
    }

    /// The value of a variable, unless it is unset, empty or not UTF-8.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

impl Env<'static> {
    /// The environment of this process.
    pub fn process() -> Self {
        Self(&|name| std::env::var(name).ok())
    }
}

/// The name of the socket in the data folder.
pub const SOCKET: &str = "aweigh.sock";

/// What in the data folder only the user of Aweigh may open: keys, the database with its log, the socket that makes its
/// caller administrator, and the lock, which whoever opens it could hold.
pub const SECRET: [&str; 7] =
    ["master.key", "master.key.next", "aweigh.db", "aweigh.db-wal", "aweigh.db-shm", "aweigh.lock", SOCKET];

/// The data folder: `AWEIGH_DATA`, else `/var/lib/aweigh` for root, else `aweigh` in the user's data folder
/// (XDG base directories). A `--data` flag stands above it and is not asked here.
pub fn data_folder(env: Env<'_>) -> PathBuf {
    if let Some(folder) = env.get("AWEIGH_DATA") {
        return PathBuf::from(folder);
    }
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/aweigh");
    }
    users_folder(env, "XDG_DATA_HOME", ".local/share")
}

/// The socket of the Aweigh that uses `data`.
pub fn socket(data: &Path) -> PathBuf {
    data.join(SOCKET)
}

/// The file that `aweigh login` writes.
pub fn login_file(env: Env<'_>) -> PathBuf {
    users_folder(env, "XDG_CONFIG_HOME", ".config").join("login.toml")
}

/// `aweigh` below the folder in `variable`, or below `fallback` in the home folder. A relative value is
/// ignored, as the XDG specification says.
fn users_folder(env: Env<'_>, variable: &str, fallback: &str) -> PathBuf {
    let named = env.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || PathBuf::from(env.get("HOME").unwrap_or_else(|| "/".to_owned())).join(fallback);
    named.unwrap_or_else(home).join("aweigh")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_follow_the_environment() {
        let read = |name: &str| match name {
            "HOME" => Some("/home/ann".to_owned()),
            "XDG_CONFIG_HOME" => Some(String::new()),
            _ => None,
        };
        let env = Env::new(&read);
        assert_eq!(login_file(env), Path::new("/home/ann/.config/aweigh/login.toml"));
        assert_eq!(
            users_folder(env, "XDG_DATA_HOME", ".local/share"),
            Path::new("/home/ann/.local/share/aweigh")
        );
        let read = |name: &str| (name == "AWEIGH_DATA").then(|| "/tmp/a".to_owned());
        assert_eq!(socket(&data_folder(Env::new(&read))), Path::new("/tmp/a/aweigh.sock"));
        let read = |name: &str| (name == "XDG_CONFIG_HOME").then(|| "relative".to_owned());
        assert_eq!(login_file(Env::new(&read)), Path::new("/.config/aweigh/login.toml"));
    }
}
