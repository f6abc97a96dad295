//! The rig: a fleet of sshd, a repository, and a running Aweigh that releases the one to the other.

mod asking;
mod servers;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::repo::Repo;
use testkit::sshd::{Fleet, FleetSpec};

/// How long anything may take before the test is wrong. Generous: the machine is shared.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until `is_so`.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The administrator's token.
const TOKEN: &str = "test-token-of-the-administrator";

/// A running Aweigh with its fleet and its repository.
pub(crate) struct Rig {
    pub(crate) fleet: Fleet,
    pub(crate) repo: Repo,
    pub(crate) folder: TempDir,
    url: String,
    process: Option<Child>,
    said: Arc<Mutex<String>>,
    environment: Vec<(String, String)>,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Rig {
    /// An Aweigh that knows nothing yet, and `servers` sshd.
    pub(crate) fn new(servers: usize) -> Self {
        Self::with(FleetSpec { servers, ..FleetSpec::default() })
    }

    /// The same with servers of a kind.
    pub(crate) fn with(spec: FleetSpec) -> Self {
        // Whatever speaks HTTP in a test needs it; another test of this process may have been first.
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::Builder::new().prefix("aweigh-").tempdir().unwrap();
        std::fs::write(
            folder.path().join("server.toml"),
            "[git]\nallow_protocols = [\"file\", \"https\", \"ssh\"]\n",
        )
        .unwrap();
        let fleet = Fleet::start(spec);
        std::fs::write(folder.path().join("id"), &fleet.client_key).unwrap();
        let mut rig = Self {
            fleet,
            repo: Repo::new(),
            folder,
            url: String::new(),
            process: None,
            said: Arc::default(),
            environment: Vec::new(),
        };
        rig.start();
        rig
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where it answers over the network.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The command line, as a user of this rig calls it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aweigh"));
        for name in [
            "AWEIGH_URL",
            "AWEIGH_TOKEN",
            "AWEIGH_DATA",
            "AWEIGH_CONFIG",
            "AWEIGH_FAULT",
            "AWEIGH_FAULT_LOG",
            "AWEIGH_FAULT_TWICE",
        ] {
            command.env_remove(name);
        }
        command.env("HOME", self.folder.path()).env("NO_COLOR", "1").env("AWEIGH_LOG", "info");
        command.arg("--data").arg(self.data());
        command
    }

    /// Starts Aweigh and waits until it answers.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts Aweigh with more in its environment, such as a fault point.
    pub(crate) fn start_with(&mut self, environment: &[(&str, &str)]) {
        let command = self.serve();
        self.start_as(command, environment);
    }

    /// Starts Aweigh by `words`, such as those of a program that takes something away from it.
    pub(crate) fn start_by(&mut self, words: &[&str]) {
        let command = by(words, &self.serve());
        self.start_as(command, &[]);
    }

    fn serve(&self) -> Command {
        let mut command = self.command();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(self.folder.path().join("server.toml"));
        command
    }

    fn start_as(&mut self, mut command: Command, environment: &[(&str, &str)]) {
        assert!(self.process.is_none(), "it runs already");
        self.environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        command.env("AWEIGH_ADMIN_TOKEN", TOKEN).envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        for line in lines.by_ref() {
            let line = line.unwrap();
            let found = line.split("http://").nth(1).map(|rest| format!("http://{}", rest.trim()));
            writeln!(self.said.lock().unwrap(), "{line}").unwrap();
            if found.is_some() {
                address = found;
                break;
            }
        }
        match address {
            Some(address) => self.url = address,
            // What it takes over may lead to the fault point before it says where it is.
            None if environment.iter().any(|(name, _)| *name == "AWEIGH_FAULT") => {}
            None => panic!("it did not start:\n{}", self.said.lock().unwrap()),
        }
        let said = self.said.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                writeln!(said.lock().unwrap(), "{line}").unwrap();
            }
        });
        self.process = Some(child);
    }

    /// Starts Aweigh again with more in its settings file.
    pub(crate) fn restart_with(&mut self, settings: &str) {
        let path = self.folder.path().join("server.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{text}{settings}")).unwrap();
        self.kill();
        self.start();
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// Kills Aweigh as a power cut does.
    pub(crate) fn kill(&mut self) {
        let mut child = self.process.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until a fault point has killed Aweigh.
    pub(crate) fn wait_for_death(&mut self) {
        let mut child = self.process.take().expect("it runs");
        let until = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > until {
                child.kill().unwrap();
                panic!(
                    "the fault point {:?} was not reached:\n{}",
                    self.environment,
                    self.said.lock().unwrap()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until a fault point has killed Aweigh, or release `id` has ended without passing it; whether it died.
    pub(crate) fn died_in(&mut self, id: i64) -> bool {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut child = self.process.take().expect("it runs");
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            self.process = Some(child);
            let ended = ["succeeded", "failed", "rolled_back", "partial", "cancelled", "interrupted"];
            if self.try_status(id).is_some_and(|status| ended.contains(&status.as_str())) {
                return false;
            }
            assert!(Instant::now() < until, "release {id} does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The most memory that Aweigh has had at once, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let id = self.process.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// What Aweigh has said so far, through all its starts.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Runs a command of the command line to its end.
    pub(crate) fn run<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Ran {
        let mut command = self.command();
        command.args(words).stdin(Stdio::null());
        let output = command.output().unwrap();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }

    /// Runs a command that must end with 0; what it printed.
    pub(crate) fn ok<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> String {
        let words: Vec<&str> = words.into_iter().collect();
        let ran = self.run(words.iter().copied());
        assert_eq!(ran.code, 0, "{words:?}\n{}\n{}\n--- serve\n{}", ran.out, ran.err, self.said());
        ran.out
    }

    /// A release that must succeed.
    pub(crate) fn release(&self, git_ref: &str) -> String {
        self.ok(["release", "shop", "-e", "production", git_ref])
    }
}

/// `command`, started by `words`.
pub(crate) fn by(words: &[&str], command: &Command) -> Command {
    let mut by = Command::new(words[0]);
    by.args(&words[1..]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => by.env(name, value),
            None => by.env_remove(name),
        };
    }
    by
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().ok();
            child.wait().ok();
        }
        if !std::thread::panicking() {
            assert!(!self.said().contains("panicked"), "{}", self.said());
        }
    }
}
