//! `server.toml`: what may stand in it, and the real types it becomes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::{FieldError, FieldErrors};
use engine::sandbox::HIGHEST;
use serde::Deserialize;
use store::KeepHistory;

use crate::sandbox::BuildSettings;
use crate::toml_text::TomlText;

use super::{DISK_RESERVE, DRIFT, HISTORY, RECORDINGS, SHELL_IDLE, SPOOL, Ssh};

/// Every key, as it is written in its table.
#[cfg(test)]
pub(super) const KEYS: &[&str] = &[
    "listen",
    "data",
    "database",
    "public_url",
    "allow_protocols",
    "post_quantum",
    "keep_open",
    "git_idle_timeout",
    "git_timeout",
    "repository_size",
    "repository_files",
    "disk_reserve",
    "shell_idle",
    "spool_size",
    "logs_days",
    "facts_days",
    "recordings_days",
    "look_every",
    "user",
    "min_sandbox",
    "read",
    "write",
];

/// Those for which nothing is said by default.
#[cfg(test)]
pub(super) const KEYS_WITHOUT_DEFAULT: [&str; 2] = ["proxy", "ca_file"];

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    listen: Option<String>,
    data: Option<PathBuf>,
    database: Option<String>,
    public_url: Option<String>,
    git: RawGit,
    ssh: RawSsh,
    limits: RawLimits,
    artifacts: RawArtifacts,
    history: RawHistory,
    drift: RawDrift,
    build: RawBuild,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBuild {
    user: Option<String>,
    min_sandbox: Option<i64>,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawGit {
    allow_protocols: Option<Vec<String>>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    hosts: BTreeMap<String, RawWay>,
}

/// How a host is reached over HTTP.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawWay {
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSsh {
    post_quantum: Option<bool>,
    keep_open: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawArtifacts {
    keep: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "they are called as the keys of the file are")]
struct RawHistory {
    logs_days: Option<i64>,
    facts_days: Option<i64>,
    recordings_days: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawDrift {
    look_every: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLimits {
    git_idle_timeout: Option<String>,
    git_timeout: Option<String>,
    repository_size: Option<String>,
    repository_files: Option<u64>,
    disk_reserve: Option<String>,
    shell_idle: Option<String>,
    spool_size: Option<String>,
}

/// The file, checked. What can also be said by a flag or a variable is still text.
#[derive(Debug)]
pub(super) struct File {
    pub(super) listen: Option<String>,
    pub(super) data: Option<PathBuf>,
    pub(super) database: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) git: git::Policy,
    pub(super) ssh: Ssh,
    pub(super) keep_artifacts: Option<usize>,
    pub(super) disk_reserve: u64,
    pub(super) spool_size: u64,
    pub(super) history: KeepHistory,
    pub(super) keep_recordings: Option<Duration>,
    pub(super) shell_idle: Duration,
    pub(super) look_for_drift: Option<Duration>,
    pub(super) build: BuildSettings,
}

impl Default for File {
    /// What is said without a file.
    fn default() -> Self {
        Self {
            listen: None,
            data: None,
            database: None,
            public_url: None,
            git: git::Policy::default(),
            ssh: Ssh::default(),
            keep_artifacts: None,
            disk_reserve: DISK_RESERVE,
            spool_size: SPOOL,
            history: HISTORY,
            keep_recordings: RECORDINGS,
            shell_idle: SHELL_IDLE,
            look_for_drift: DRIFT,
            build: BuildSettings::default(),
        }
    }
}

/// What is wrong with the settings file: all of it.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used", .path.display())]
pub struct FileError {
    path: PathBuf,
    lines: Vec<String>,
}

impl FileError {
    /// What is wrong, one line each.
    pub fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }
}

impl File {
    /// Reads the file at `path`; relative paths in it are beside it.
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let bad = |lines| FileError { path: path.to_owned(), lines };
        let text = fs::read_to_string(path).map_err(|error| bad(vec![error.to_string()]))?;
        let text = TomlText::parse(&text).map_err(|line| bad(vec![line]))?;
        let raw: Raw = text.read().map_err(bad)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut file = raw.check(folder).map_err(|errors| bad(text.told(&errors)))?;
        file.data = file.data.map(|data| folder.join(data));
        Ok(file)
    }
}

impl Raw {
    fn check(self, folder: &Path) -> Result<File, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let keep = self.artifacts.keep.map(|keep| {
            let keep = usize::try_from(keep).ok().filter(|keep| (1..=10_000).contains(keep));
            keep.ok_or("must be between 1 and 10000")
        });
        let keep_artifacts = errors.take("artifacts.keep", keep.transpose()).flatten();
        let (mut history, mut keep_recordings) = (HISTORY, RECORDINGS);
        for (key, said, into) in [
            ("history.recordings_days", self.history.recordings_days, &mut keep_recordings),
            ("history.logs_days", self.history.logs_days, &mut history.logs),
            ("history.facts_days", self.history.facts_days, &mut history.facts),
        ] {
            if let Some(Some(kept)) = errors.take(key, said.map(days).transpose()) {
                *into = kept;
            }
        }
        let look_for_drift = match self.drift.look_every.as_deref() {
            None => DRIFT,
            Some("0s") => None,
            Some(text) => errors.take("drift.look_every", often(text)),
        };
        let build = self.build.check(&mut errors);
        let mut git = git::Policy::default();
        if let Some(protocols) = self.git.allow_protocols {
            for (place, name) in protocols.iter().enumerate() {
                errors.take(format!("git.allow_protocols[{place}]"), protocol(name));
            }
            git.allow_protocols = protocols;
        }
        let mut way = |key: &str, said: RawWay| git::Way {
            proxy: errors
                .take(format!("{key}.proxy"), said.proxy.map(|text| proxy(&text)).transpose())
                .flatten(),
            ca_file: errors
                .take(
                    format!("{key}.ca_file"),
                    said.ca_file.map(|path| ca_file(&folder.join(path))).transpose(),
                )
                .flatten(),
        };
        git.way = way("git", RawWay { proxy: self.git.proxy, ca_file: self.git.ca_file });
        let ways: Vec<_> = self
            .git
            .hosts
            .into_iter()
            .map(|(host, said)| (way(&format!("git.hosts.{host}"), said), host))
            .collect();
        for (way, name) in ways {
            if let Some(host) = errors.take(format!("git.hosts.{name}"), host(&name)) {
                git.ways.insert(host, way);
            }
        }
        let mut time = |key: &str, text: Option<String>, into: &mut std::time::Duration| {
            let read = text.map(|text| api::duration::parse(&text)).transpose();
            if let Some(Some(read)) = errors.take(format!("limits.{key}"), read) {
                *into = read;
            }
        };
        time("git_idle_timeout", self.limits.git_idle_timeout, &mut git.idle_timeout);
        time("git_timeout", self.limits.git_timeout, &mut git.total_timeout);
        let mut shell_idle = SHELL_IDLE;
        time("shell_idle", self.limits.shell_idle, &mut shell_idle);
        let mut ssh = Ssh::default();
        ssh.post_quantum = self.ssh.post_quantum.unwrap_or(ssh.post_quantum);
        let keep_open = self.ssh.keep_open.map(|text| match text.as_str() {
            "0s" => Ok(Duration::ZERO),
            text => api::duration::parse(text),
        });
        if let Some(Some(keep_open)) = errors.take("ssh.keep_open", keep_open.transpose()) {
            ssh.keep_open = keep_open;
        }
        let bytes = self.limits.repository_size.map(|text| api::bytes::parse(&text)).transpose();
        if let Some(Some(bytes)) = errors.take("limits.repository_size", bytes) {
            git.max_bytes = bytes;
        }
        let reserve = self.limits.disk_reserve.map(|text| match text.as_str() {
            "0" => Ok(0),
            text => api::bytes::parse(text),
        });
        let disk_reserve = errors.take("limits.disk_reserve", reserve.transpose()).flatten();
        let spool = self.limits.spool_size.map(|text| api::bytes::parse(&text)).transpose();
        let spool_size = errors.take("limits.spool_size", spool);
        errors.add_if(
            self.limits.repository_files == Some(0),
            "limits.repository_files",
            "must be at least 1",
        );
        git.max_files = self.limits.repository_files.unwrap_or(git.max_files);
        errors.finish(Some(File {
            listen: self.listen,
            data: self.data,
            database: self.database,
            public_url: self.public_url,
            git,
            ssh,
            keep_artifacts,
            disk_reserve: disk_reserve.unwrap_or(DISK_RESERVE),
            spool_size: spool_size.flatten().unwrap_or(SPOOL),
            history,
            keep_recordings,
            shell_idle,
            look_for_drift,
            build,
        }))
    }
}

impl RawBuild {
    fn check(self, errors: &mut FieldErrors) -> BuildSettings {
        errors.add_if(self.user.as_deref() == Some(""), "build.user", "must not be empty");
        let level = self.min_sandbox.map(|level| {
            let level = u8::try_from(level).ok().filter(|level| *level <= HIGHEST);
            level.ok_or("must be 0, 1 or 2")
        });
        let min_sandbox = errors.take("build.min_sandbox", level.transpose()).flatten().unwrap_or(0);
        for (key, folders) in [("read", &self.read), ("write", &self.write)] {
            for (place, folder) in folders.iter().enumerate() {
                let key = format!("build.{key}[{place}]");
                errors.add_if(!folder.is_absolute(), key, "must be an absolute path");
            }
        }
        BuildSettings { user: self.user, min_sandbox, read: self.read, write: self.write }
    }
}

fn protocol(name: &str) -> Result<(), String> {
    match name.parse::<git::Protocol>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("must be https, http, ssh or file, not {name:?}")),
    }
}

fn proxy(text: &str) -> Result<git::Proxy, String> {
    text.parse().map_err(|error: git::Error| format!("cannot be used: {error}"))
}

fn ca_file(path: &Path) -> Result<git::CaFile, String> {
    git::CaFile::open(path).map_err(|error| format!("cannot be used: {error}"))
}

fn host(text: &str) -> Result<git::HttpHost, String> {
    text.parse().map_err(|error: git::Error| format!("is refused: {error}"))
}

/// A time between two looks: each of them asks every server.
fn often(text: &str) -> Result<Duration, String> {
    let every = api::duration::parse(text)?;
    if every < Duration::from_mins(1) {
        Err("must be 1m at least, or 0s for never".to_owned())
    } else {
        Ok(every)
    }
}

/// For how long so many days are; 0 is for ever.
fn days(number: i64) -> Result<Option<Duration>, &'static str> {
    let days =
        u64::try_from(number).ok().filter(|days| *days <= 36_500).ok_or("must be between 0 and 36500")?;
    Ok((days > 0).then(|| Duration::from_hours(days * 24)))
}
