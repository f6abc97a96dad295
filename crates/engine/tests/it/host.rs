//! A host without SSH: a command line runs on this machine, through a login shell of the test's choice.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use async_trait::async_trait;
use engine::ports::{
    Brought, Channel, Duplex, Host, HostError, HostTrouble, Hosts, Parcel, ScannedKey, Shell, TellBytes,
    Terminal,
};
use model::{SecretString, Server, SshAddress};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

/// Runs command lines as `sshd` would: with a small environment, through the user's login shell.
#[derive(Debug)]
pub(crate) struct LocalHost {
    /// The login shell and its words; the command line is the last one.
    pub(crate) login: Vec<OsString>,
    /// The environment of a session.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Where a session begins.
    pub(crate) home: PathBuf,
    /// Sessions are over, their last words unread, before anything is written to them.
    pub(crate) ends_at_once: bool,
    sessions: Mutex<Vec<Pid>>,
}

impl LocalHost {
    /// A host with this search path, on which `sh` is the login shell.
    pub(crate) fn new(path: OsString, home: PathBuf) -> Self {
        Self {
            login: vec!["sh".into(), "-c".into()],
            environment: vec![("PATH".into(), path), ("HOME".into(), home.clone().into())],
            home,
            ends_at_once: false,
            sessions: Mutex::default(),
        }
    }

    /// The same host, with sessions of its own.
    pub(crate) fn again(&self) -> Self {
        let Self { login, environment, home, .. } = self;
        Self {
            login: login.clone(),
            environment: environment.clone(),
            home: home.clone(),
            ends_at_once: false,
            sessions: Mutex::default(),
        }
    }

    /// Adds a variable to the environment of sessions.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.into(), value.into()));
    }

    /// Kills all processes of all sessions, as a server does that runs out of memory. What has a session of its
    /// own, as hooks have, lives on.
    pub(crate) fn kill_sessions(&self) {
        for session in self.sessions.lock().unwrap().drain(..) {
            // One that has ended is no trouble.
            let _ = killpg(session, Signal::SIGKILL);
        }
    }
}

#[async_trait]
impl Host for LocalHost {
    async fn exec(&self, command: &str) -> Result<Channel, HostError> {
        let (shell, words) = self.login.split_first().unwrap();
        let mut child = Command::new(shell)
            .args(words)
            .arg(command)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(&self.home)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| trouble(&error))?;
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        self.sessions.lock().unwrap().push(Pid::from_raw(pid));
        let stdin = child.stdin.take().unwrap();
        let stdout = child.stdout.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        if self.ends_at_once {
            child.wait().await.map_err(|error| trouble(&error))?;
        }
        Ok(Channel {
            stdin: Box::pin(stdin),
            stdout: Box::pin(stdout),
            stderr: Box::pin(stderr),
            exit: Box::pin(async move {
                let status = child.wait().await.map_err(|error| trouble(&error))?;
                Ok(status.code().and_then(|code| u32::try_from(code).ok()))
            }),
        })
    }

    async fn shell(&self, _: &Terminal, _: Option<&str>) -> Result<Shell, HostError> {
        Err(trouble(&std::io::Error::other("no test of the engine needs a terminal")))
    }

    async fn forward(&self, _: &str, _: u16) -> Result<Box<dyn Duplex>, HostError> {
        Err(HostError { kind: HostTrouble::ForwardRefused, message: "no ports here".to_owned(), hint: None })
    }

    async fn put(&self, _: &Parcel, _: &str, _: bool, _: TellBytes) -> Result<Brought, HostError> {
        Err(no_files())
    }

    async fn get(&self, _: &str, _: &Path, _: TellBytes) -> Result<Brought, HostError> {
        Err(no_files())
    }

    fn distrust(&self) {}
}

fn no_files() -> HostError {
    HostError { kind: HostTrouble::Other, message: "no files here".to_owned(), hint: None }
}

fn trouble(error: &std::io::Error) -> HostError {
    HostError { kind: HostTrouble::Other, message: error.to_string(), hint: None }
}

/// What a server is to whoever connects to it.
pub(crate) trait Open: Send + Sync {
    fn open(&self, server: &Server) -> Result<Box<dyn Host>, HostError>;
}

/// Servers that are opened alike for everybody, whatever key they bring, and show no host key.
pub(crate) struct Doors<'d>(pub(crate) &'d dyn Open);

#[async_trait]
impl Hosts for Doors<'_> {
    async fn connect(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        self.0.open(server)
    }

    async fn connect_alone(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        self.0.open(server)
    }

    async fn connect_with(&self, server: &Server, _: &SecretString) -> Result<Box<dyn Host>, HostError> {
        self.0.open(server)
    }

    async fn scan(&self, _: &SshAddress) -> Result<Vec<ScannedKey>, HostError> {
        Ok(Vec::new())
    }
}
