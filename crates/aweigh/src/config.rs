//! The settings of `serve`: flags over environment over file over defaults. What a person wrote becomes real
//! types here, once.

mod file;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use store::KeepHistory;

use crate::advice::Advised;
use crate::cli::ServeArgs;
use crate::client;
use crate::places::{self, Env};
use crate::sandbox::BuildSettings;

use file::File;
pub use file::FileError;

/// Where `serve` listens when nothing is said.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7171);

/// Everything `serve` can be told. Each key stands in `server.example.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where HTTP is spoken; port 0 means any free one.
    pub listen: SocketAddr,
    /// Where everything is kept.
    pub data: PathBuf,
    /// How people reach the server from outside; `None` means by what it listens on.
    pub public_url: Option<Url>,
    /// What git may do.
    pub git: git::Policy,
    /// How servers are reached.
    pub ssh: Ssh,
    /// How many of the newest artifacts of a project stay beside those that are needed.
    pub keep_artifacts: usize,
    /// How many bytes of the disk stay free of what releases build.
    pub disk_reserve: u64,
    /// How many bytes may wait on this machine on their way to servers or from them.
    pub spool_size: u64,
    /// How long logs and facts stay.
    pub history: KeepHistory,
    /// How long recordings of shells stay; `None` for ever.
    pub keep_recordings: Option<Duration>,
    /// How long a shell stays open in which nothing happens.
    pub shell_idle: Duration,
    /// How often servers are asked what they run; `None` for never.
    pub look_for_drift: Option<Duration>,
    /// How builds and hooks run on this machine.
    pub build: BuildSettings,
}

/// How many artifacts stay when nothing is said.
pub(crate) const KEEP_ARTIFACTS: usize = 20;

/// How much of the disk stays free of what releases build when nothing is said, in bytes.
pub(crate) const DISK_RESERVE: u64 = 1 << 30;

/// How many bytes may wait on their way when nothing is said.
pub(crate) const SPOOL: u64 = 10 << 30;

/// How long logs and facts stay when nothing is said: what people said and what happened is small and stays, what steps
/// wrote is not.
pub(crate) const HISTORY: KeepHistory =
    KeepHistory { logs: Some(Duration::from_hours(365 * 24)), facts: None };

/// How long recordings of shells stay when nothing is said.
pub(crate) const RECORDINGS: Option<Duration> = Some(Duration::from_hours(90 * 24));

/// How long a shell stays open in which nothing happens when nothing is said.
pub(crate) const SHELL_IDLE: Duration = Duration::from_mins(30);

/// How often servers are asked what they run when nothing is said.
pub(crate) const DRIFT: Option<Duration> = Some(Duration::from_hours(1));

/// How servers are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// A key exchange that a quantum computer does not break is asked for first.
    pub post_quantum: bool,
    /// How long a connection that nobody uses stays open; zero closes it at once.
    pub keep_open: Duration,
}

impl Default for Ssh {
    fn default() -> Self {
        Self { post_quantum: false, keep_open: Duration::from_mins(5) }
    }
}

impl Settings {
    /// Finds the settings: `data` is the `--data` flag.
    ///
    /// # Errors
    /// A value makes no sense, or the file has mistakes: all of them are told.
    pub fn load(data: Option<&Path>, flags: &ServeArgs, env: Env<'_>) -> anyhow::Result<Self> {
        let path = flags.config.clone().or_else(|| env.get("AWEIGH_CONFIG").map(PathBuf::from));
        let file = path.map(|path| File::read(&path)).transpose()?.unwrap_or_default();
        let said = |flag: &Option<String>, variable: &str, file: Option<String>| {
            flag.clone().or_else(|| env.get(variable)).or(file)
        };
        let database = said(&flags.database, "AWEIGH_DATABASE", file.database);
        if let Some(database) = database.filter(|database| database != "sqlite") {
            let kind = database.split(':').next().unwrap_or_default();
            let what =
                format!("the database {kind:?} is not built yet: SQLite in the data folder is the only one");
            return Err(Advised::new(what, "leave `database` out, or say sqlite").into());
        }
        let listen = said(&flags.listen, "AWEIGH_LISTEN", file.listen);
        let public_url = said(&None, "AWEIGH_PUBLIC_URL", file.public_url);
        let named = data.map(Path::to_owned).or_else(|| env.get("AWEIGH_DATA").map(PathBuf::from));
        let data = named.or(file.data).unwrap_or_else(|| places::data_folder(env));
        Ok(Self {
            listen: listen.as_deref().map_or(Ok(LISTEN), address)?,
            // Hooks and builds run in folders of their own, where a relative path would mean another place.
            data: std::path::absolute(data)?,
            public_url: public_url.as_deref().map(public).transpose()?,
            git: file.git,
            ssh: file.ssh,
            keep_artifacts: file.keep_artifacts.unwrap_or(KEEP_ARTIFACTS),
            disk_reserve: file.disk_reserve,
            spool_size: file.spool_size,
            history: file.history,
            keep_recordings: file.keep_recordings,
            shell_idle: file.shell_idle,
            look_for_drift: file.look_for_drift,
            build: file.build,
        })
    }
}

impl Settings {
    /// The settings of a server for this machine alone, with its data in `data`.
    ///
    /// # Errors
    /// `listen` is no address.
    pub fn local(data: PathBuf, listen: Option<&str>) -> anyhow::Result<Self> {
        let listen = listen.map_or(Ok(LISTEN), address)?;
        Ok(Self {
            listen,
            data,
            public_url: None,
            git: git::Policy::default(),
            ssh: Ssh::default(),
            keep_artifacts: KEEP_ARTIFACTS,
            // What is thrown away needs no way back tomorrow.
            disk_reserve: 0,
            spool_size: SPOOL,
            history: HISTORY,
            keep_recordings: RECORDINGS,
            shell_idle: SHELL_IDLE,
            look_for_drift: DRIFT,
            build: BuildSettings::default(),
        })
    }
}

fn public(text: &str) -> anyhow::Result<Url> {
    let url = client::url(text)?;
    if url.path() != "/" {
        let what = format!("public_url {url} has a path, but the page needs a host name of its own");
        return Err(Advised::new(what, "write it like https://aweigh.example.com").into());
    }
    Ok(url)
}

fn address(text: &str) -> Result<SocketAddr, Advised> {
    let host = text.replacen("localhost:", "127.0.0.1:", 1);
    let bad = |_| {
        Advised::new(
            format!("{text:?} is not an address and port to listen on"),
            "write it like 127.0.0.1:7171, 0.0.0.0:7171 for every IPv4 address, or [::]:7171",
        )
    };
    host.parse().map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, env: &[(&str, &str)], flags: &ServeArgs) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        std::fs::write(&path, file).unwrap();
        let read = |name: &str| match name {
            "AWEIGH_CONFIG" => Some(path.to_str().unwrap().to_owned()),
            _ => env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        };
        Settings::load(None, flags, Env::new(&read)).map_err(|error| {
            let lines = error.downcast_ref::<FileError>().map(|error| error.lines().join("\n"));
            lines.unwrap_or_else(|| format!("{error:#}"))
        })
    }

    #[test]
    fn flags_stand_over_the_environment_and_that_over_the_file() {
        let file = "listen = \"127.0.0.1:1\"\ndata = \"/from/file\"\n";
        let flags = ServeArgs { listen: Some("localhost:3".into()), ..ServeArgs::default() };
        let port = |env: &[(&str, &str)], flags: &ServeArgs| load(file, env, flags).unwrap().listen.port();
        assert_eq!(port(&[], &ServeArgs::default()), 1);
        assert_eq!(port(&[("AWEIGH_LISTEN", "127.0.0.1:2")], &ServeArgs::default()), 2);
        assert_eq!(port(&[("AWEIGH_LISTEN", "")], &ServeArgs::default()), 1, "empty means unset");
        assert_eq!(port(&[("AWEIGH_LISTEN", "127.0.0.1:2")], &flags), 3);
        let data = |env: &[(&str, &str)]| load(file, env, &ServeArgs::default()).unwrap().data;
        assert_eq!(data(&[]), Path::new("/from/file"));
        assert_eq!(data(&[("AWEIGH_DATA", "/from/env")]), Path::new("/from/env"));
        let settings = load("", &[("AWEIGH_DATA", "/d")], &ServeArgs::default()).unwrap();
        assert_eq!((settings.listen, settings.git), (LISTEN, git::Policy::default()));
    }

    #[test]
    fn mistakes_are_told_all_at_once() {
        let file = "[git]\nallow_protocols = [\"https\", \"ext\"]\n[limits]\ngit_timeout = \"soon\"\n\
                    repository_size = \"much\"\nrepository_files = 0\nspool_size = \"10GB\"\n[artifacts]\nkeep = 0\n\
                    [build]\nmin_sandbox = 3\nread = [\"/srv\", \"tools\"]\nuser = \"\"\n";
        insta::assert_snapshot!(load(file, &[], &ServeArgs::default()).unwrap_err(), @r#"
        line 2: git.allow_protocols[1] must be https, http, ssh or file, not "ext"
        line 4: limits.git_timeout is not a duration: write 5s, 2m or 1h30m, not "soon"
        line 5: limits.repository_size is not a size: write 500MiB or 5GiB, not "much"
        line 6: limits.repository_files must be at least 1
        line 7: limits.spool_size is not a size: write 500MiB or 5GiB, not "10GB"
        line 9: artifacts.keep must be between 1 and 10000
        line 11: build.min_sandbox must be 0, 1 or 2
        line 12: build.read[1] must be an absolute path
        line 13: build.user must not be empty
        "#);
        let file = "lisen = \"x\"\n[git]\nprotocols = []\n";
        insta::assert_snapshot!(load(file, &[], &ServeArgs::default()).unwrap_err(), @r"
        line 1: lisen is not a known key; did you mean `listen`?
        line 3: git.protocols is not a known key
        ");
    }

    #[test]
    fn a_proxy_and_authorities_are_for_all_hosts_or_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, "-----BEGIN CERTIFICATE-----\n").unwrap();
        let file = format!(
            "[git]\nproxy = \"http://proxy.example.com:3128\"\n\
             [git.hosts.\"git.example.com:8443\"]\nproxy = \"none\"\nca_file = {ca:?}\n"
        );
        let git = load(&file, &[], &ServeArgs::default()).unwrap().git;
        assert_eq!(git.way.proxy, Some("http://proxy.example.com:3128".parse().unwrap()));
        let way = &git.ways[&"git.example.com:8443".parse().unwrap()];
        assert_eq!(way.proxy, Some("none".parse().unwrap()));
        assert_eq!(way.ca_file, Some(git::CaFile::open(&ca).unwrap()));
        std::fs::write(&ca, "nothing").unwrap();
        let file = format!(
            "[git]\nproxy = \"http://me:hunter2@proxy:3128\"\nca_file = \"/nowhere.pem\"\n\
             [git.hosts.\"https://h\"]\nproxy = \"ftp://x\"\n[git.hosts.h]\nca_file = {ca:?}\nca = 1\n"
        );
        let told = load(&file, &[], &ServeArgs::default()).unwrap_err();
        assert!(told.contains("ca is not a known key"), "{told}");
        let told = load(&file.replace("ca = 1\n", ""), &[], &ServeArgs::default()).unwrap_err();
        for line in [
            "git.proxy cannot be used: proxy proxy:3128 is refused: a login cannot be kept secret there",
            "git.ca_file cannot be used: cannot read /nowhere.pem",
            "git.hosts.https://h is refused: https://h is not a host, or a host and a port",
            "git.hosts.https://h.proxy cannot be used: proxy ftp://x is refused: its protocol is not",
            "ca.pem has no certificate in PEM",
        ] {
            assert!(told.contains(line), "{line} is not in:\n{told}");
        }
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn values_without_sense_are_refused_and_secrets_in_them_are_not_repeated() {
        for (key, value) in [
            ("AWEIGH_LISTEN", "7171"),
            ("AWEIGH_DATABASE", "postgres://me:secret@db/aweigh"),
            ("AWEIGH_PUBLIC_URL", "https://me:secret@example.com"),
            ("AWEIGH_PUBLIC_URL", "https://example.com/aweigh"),
        ] {
            let told = load("", &[(key, value)], &ServeArgs::default()).unwrap_err();
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn the_example_shows_every_key_with_its_default() {
        let example = include_str!("../../../server.example.toml");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        // What is commented out shows a default; read both ways, the settings are the same.
        let shown: Vec<&str> = example.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect();
        let bare = shown.join("\n");
        for text in [example.to_owned(), bare.clone()] {
            std::fs::write(&path, text).unwrap();
            let env = |name: &str| match name {
                "AWEIGH_CONFIG" => Some(path.to_str().unwrap().to_owned()),
                "HOME" => Some("/root".to_owned()),
                _ => None,
            };
            let settings = Settings::load(None, &ServeArgs::default(), Env::new(&env)).unwrap();
            assert_eq!((settings.listen, &settings.git), (LISTEN, &git::Policy::default()));
            assert_eq!(settings.ssh, Ssh::default());
            assert_eq!(settings.spool_size, SPOOL);
            let build = BuildSettings { user: settings.build.user.clone(), ..BuildSettings::default() };
            assert_eq!(settings.build, build, "all but the user, who is on no machine");
        }
        for key in file::KEYS {
            assert!(bare.contains(&format!("\n{key} = ")), "{key} is not in server.example.toml");
        }
        for key in file::KEYS_WITHOUT_DEFAULT {
            assert!(example.contains(&format!("\n# {key} = ")), "{key} is not in server.example.toml");
        }
    }
}
