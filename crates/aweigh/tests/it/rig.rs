//! The rig: a fleet of sshd, a repository, and a running Aweigh that releases the one to the other.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use testkit::repo::{Listed, Listing, Repo, tree_listing};
use testkit::sshd::{Fleet, FleetSpec, Server};

/// How long anything may take before the test is wrong. Generous: the machine is shared.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

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
        assert!(self.process.is_none(), "it runs already");
        self.environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let mut command = self.command();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(self.folder.path().join("server.toml"));
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

    /// The status of a release, when Aweigh answers.
    fn try_status(&self, id: i64) -> Option<String> {
        let url = format!("{}/api/v1/releases/{id}", self.url);
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let answer = reqwest::Client::new().get(url).bearer_auth(TOKEN).send().await.ok()?;
            let snapshot: Value = answer.json().await.ok()?;
            Some(snapshot["release"]["status"].as_str()?.to_owned())
        })
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

    /// One call of the HTTP API; status and body.
    pub(crate) fn http(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method: reqwest::Method = method.parse().unwrap();
        let url = format!("{}/api/v1{path}", self.url);
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let client = reqwest::Client::builder().build().unwrap();
            let mut request = client.request(method, url).bearer_auth(TOKEN);
            if let Some(body) = body {
                request = request.json(&body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
        })
    }

    /// GET that must be 200.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.http("GET", path, None);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// The snapshot of a release.
    pub(crate) fn snapshot(&self, id: i64) -> Value {
        self.get(&format!("/releases/{id}"))
    }

    /// The status of a release.
    pub(crate) fn status(&self, id: i64) -> String {
        self.snapshot(id)["release"]["status"].as_str().unwrap().to_owned()
    }

    /// Waits until a release has this status.
    pub(crate) fn wait_for(&self, id: i64, status: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.snapshot(id);
            if snapshot["release"]["status"] == status {
                return snapshot;
            }
            assert!(Instant::now() < until, "release {id} is not {status}: {snapshot:#}\n{}", self.said());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits until a node of a release has this status.
    pub(crate) fn wait_for_node(&self, id: i64, key: &str, status: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.snapshot(id);
            let node = snapshot["nodes"].as_array().unwrap().iter().find(|node| node["key"] == key).cloned();
            if node.as_ref().is_some_and(|node| node["status"] == status) {
                return;
            }
            assert!(Instant::now() < until, "{key} is not {status}: {snapshot:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The status of one node.
    pub(crate) fn node(&self, id: i64, key: &str) -> Value {
        let snapshot = self.snapshot(id);
        let nodes = snapshot["nodes"].as_array().unwrap();
        nodes
            .iter()
            .find(|node| node["key"] == key)
            .cloned()
            .unwrap_or_else(|| panic!("no node {key} in {snapshot:#}"))
    }

    /// All facts of a release.
    pub(crate) fn events(&self, id: i64) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event["seq"].as_i64().unwrap());
            let batch = self.get(&format!("/events?topic=release:{id}&after={after}"));
            let events = batch["events"].as_array().unwrap().clone();
            if events.is_empty() {
                return all;
            }
            all.extend(events);
        }
    }

    /// The log of one node, from the facts.
    pub(crate) fn log(&self, id: i64, node: &str) -> String {
        let facts = self.events(id);
        let texts = facts.iter().filter(|e| e["kind"] == "log" && e["data"]["node"] == node);
        texts.filter_map(|event| event["data"]["text"].as_str()).collect()
    }

    /// Writes `text` as fleet.toml, behind the fleet's servers and credential.
    pub(crate) fn fleet_file(&self, text: &str) -> PathBuf {
        let mut all = "[credentials.deploy]\nkind = \"ssh-key\"\nfile = \"id\"\n".to_owned();
        for (number, server) in self.fleet.servers.iter().enumerate() {
            write!(
                all,
                "[servers.web-{}]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\ncredential = \"deploy\"\nhost_key = \"{}\"\n\
                 labels = {{ env = \"production\", role = [\"web\"{}] }}\n",
                number + 1,
                server.port,
                server.user,
                server.host_key.trim(),
                if number == 0 { ", \"db\"" } else { "" },
            )
            .unwrap();
        }
        all.push_str(text);
        let path = self.folder.path().join("fleet.toml");
        std::fs::write(&path, all).unwrap();
        path
    }

    /// Applies the project `shop` with one environment, `more` being more keys of the environment or tables of
    /// the project.
    pub(crate) fn apply(&self, more: &str) {
        let path = self.fleet_file(&self.shop(more));
        self.ok(["apply", "-f", path.to_str().unwrap()]);
    }

    /// The tables of the project `shop`.
    pub(crate) fn shop(&self, more: &str) -> String {
        format!(
            "[projects.shop]\nrepository = \"{}\"\n[projects.shop.environments.production]\nservers = \"env=production\"\npath = \"~/shop\"\n{more}\n",
            self.repo.url()
        )
    }

    /// A server of the fleet, from 1 as in its name.
    pub(crate) fn server(&self, number: usize) -> &Server {
        &self.fleet.servers[number - 1]
    }

    /// The folder of the environment on a server.
    pub(crate) fn root(&self, number: usize) -> PathBuf {
        self.server(number).home.join("shop")
    }

    /// The text of `current` on a server.
    pub(crate) fn current(&self, number: usize) -> Option<String> {
        std::fs::read_link(self.root(number).join("current"))
            .ok()
            .map(|link| link.to_str().unwrap().to_owned())
    }

    /// The commit that a server runs, by its `REVISION`.
    pub(crate) fn revision(&self, number: usize) -> Option<String> {
        std::fs::read_to_string(self.root(number).join("current/REVISION"))
            .ok()
            .map(|text| text.trim().to_owned())
    }

    /// Every server runs exactly `commit`: the tree is that of `git archive`, plus `REVISION` and `REVISION_TIME`.
    pub(crate) fn assert_runs(&self, commit: &str) {
        let expected = self.repo.archive_listing(commit);
        for number in 1..=self.fleet.servers.len() {
            let mut found: Listing =
                tree_listing(&std::fs::canonicalize(self.root(number).join("current")).unwrap());
            for name in ["REVISION", "REVISION_TIME"] {
                let file = found.remove(Path::new(name));
                assert!(
                    matches!(file, Some(Listed::File { executable: false, .. })),
                    "web-{number} has no {name}"
                );
            }
            assert_eq!(self.revision(number).as_deref(), Some(commit), "web-{number}");
            assert_eq!(found, expected, "web-{number}");
        }
    }

    /// A file in `shared/` of every server, the folder made by hand as an operator does.
    pub(crate) fn share(&self, name: &str, text: impl Fn(usize) -> String) {
        for number in 1..=self.fleet.servers.len() {
            let path = self.root(number).join("shared").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text(number)).unwrap();
        }
    }
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
