//! A fleet of real OpenSSH servers on loopback, each with its own port, host key and home.
//!
//! Nothing of the machine's own sshd is used, and nothing is left behind: dropping the fleet
//! kills its servers and every command that they started, detached ones too.

#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a rig that cannot be set up fails its test with a clear text"
)]

mod config;
mod keys;
mod processes;

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use processes::Mark;
use tempfile::TempDir;
use transport::{Auth, HostKey, KeyExchange, Target, Timeouts};

/// How long one sshd may take to listen. Generous: a loaded machine starts fifty of them.
const PATIENCE: Duration = Duration::from_secs(30);
/// Ports that are tried before the rig gives up; somebody else may take one in between.
const TRIES: usize = 10;

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct FleetSpec {
    /// How many servers.
    pub servers: usize,
    /// What each of them is like.
    pub each: ServerSpec,
    /// Servers that differ, by index.
    pub special: Vec<(usize, ServerSpec)>,
}

/// What one server is like.
#[derive(Clone, Debug, Default)]
pub struct ServerSpec {
    /// Lines of `sshd_config` that win over the rig's own; no `Match` blocks.
    pub extra_config: String,
    /// `$PATH` of commands; sshd's default otherwise.
    pub path: Option<String>,
    /// What runs commands.
    pub shell: Shell,
    /// Lets the user in by this password too. Needs root, and mount namespaces
    /// ([`can_set_passwords`]), since sshd checks it against `/etc/shadow`.
    pub password: Option<String>,
    /// Host keys of these types of `ssh-keygen -t`, the presented one first; ed25519 when empty.
    pub host_key_types: Vec<&'static str>,
}

/// What runs the commands of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// The login shell of the user.
    #[default]
    Login,
    /// `busybox sh`, with a `$PATH` that holds nothing but links to busybox.
    Busybox,
    /// `fish -c`, as for a user whose login shell it is.
    Fish,
    /// `tcsh -c`, in the same way.
    Tcsh,
}

/// Running servers. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Fleet {
    /// In the order of the specification.
    pub servers: Vec<Server>,
    /// The private key that all servers let in, as text.
    pub client_key: String,
    folder: TempDir,
}

/// One sshd.
#[derive(Debug)]
pub struct Server {
    /// On 127.0.0.1.
    pub port: u16,
    /// Whom it lets in: the user who runs the tests.
    pub user: String,
    /// The line to pin, `ssh-ed25519 AAAA…`: its first host key.
    pub host_key: String,
    /// `$HOME` of its commands; they start in the real home of the user.
    pub home: PathBuf,
    /// An empty folder for releases and the like.
    pub root: PathBuf,
    folder: PathBuf,
    spec: ServerSpec,
    mark: Mark,
    listener: Option<Child>,
}

impl Fleet {
    /// Starts all servers and waits until each of them listens.
    pub fn start(spec: FleetSpec) -> Fleet {
        require("sshd", "openssh-server");
        require("ssh-keygen", "openssh-client");
        if nix::unistd::geteuid().is_root() {
            // Debian's sshd wants its empty folder, which its service makes.
            create(Path::new("/run/sshd"));
        }
        let folder = tempfile::Builder::new()
            .prefix("fleet-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let client = keys::generate(&folder.path().join("client"), "ed25519");
        let mut fleet = Fleet { servers: Vec::new(), client_key: client.private, folder };
        let FleetSpec { servers, each, special } = spec;
        let mut special: HashMap<usize, ServerSpec> = special.into_iter().collect();
        for index in 0..servers {
            let spec = special.remove(&index).unwrap_or_else(|| each.clone());
            let home = fleet.folder.path().join(format!("server-{index}"));
            let mut server = Server::prepare(home, spec, &client.public);
            server.listen();
            fleet.servers.push(server);
        }
        for server in &mut fleet.servers {
            server.wait();
        }
        fleet
    }

    /// How to reach the server with this index, with the fleet's key and the pinned host key.
    pub fn target(&self, index: usize) -> Target {
        let Some(server) = self.servers.get(index) else { panic!("the fleet has no server {index}") };
        server.target(vec![Auth::Key { openssh: self.client_key.clone().into(), passphrase: None }])
    }
}

impl Server {
    /// How to reach this server with these credentials.
    pub fn target(&self, auth: Vec<Auth>) -> Target {
        let host_key = HostKey::parse(&self.host_key).unwrap_or_else(|error| panic!("{error}"));
        Target {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: self.user.clone(),
            auth,
            host_keys: vec![host_key],
            authorities: Vec::new(),
            key_exchange: KeyExchange::default(),
            legacy_algorithms: false,
            timeouts: Timeouts::default(),
            jump: None,
        }
    }

    /// What sshd has logged so far, at level VERBOSE.
    pub fn log(&self) -> String {
        fs::read(self.folder.join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Kills sshd and its connections, as a crash of sshd does: the commands live on.
    pub fn stop(&mut self) {
        self.mark.kill_sshd();
        self.reap();
    }

    /// Kills sshd, its connections and all commands, as a power cut does.
    pub fn power_off(&mut self) {
        self.mark.kill_all();
        self.reap();
    }

    fn reap(&mut self) {
        if let Some(mut listener) = self.listener.take() {
            drop(listener.wait());
        }
    }

    /// Starts it again, on the same port, after [`Server::stop`] or [`Server::power_off`].
    pub fn start(&mut self) {
        if self.listener.is_none() {
            self.spawn();
            self.wait();
        }
    }

    fn prepare(folder: PathBuf, spec: ServerSpec, client: &str) -> Server {
        let (home, root) = (folder.join("home"), folder.join("root"));
        create(&home);
        create(&root);
        write(&folder.join("authorized_keys"), client);
        let types =
            if spec.host_key_types.is_empty() { vec!["ed25519"] } else { spec.host_key_types.clone() };
        let mut host_keys =
            types.iter().map(|kind| keys::generate(&folder.join(format!("host-{kind}")), kind));
        let Some(first) = host_keys.next() else { panic!("a server has no host key") };
        host_keys.for_each(drop);
        if let Some(password) = &spec.password {
            keys::write_shadow(&folder.join("shadow"), &user(), password);
        }
        if spec.shell == Shell::Busybox {
            config::link_busybox(&folder.join("applets"));
        }
        Server {
            port: 0,
            user: user(),
            host_key: first.public.trim().to_owned(),
            home,
            root,
            mark: Mark::new(),
            folder,
            spec,
            listener: None,
        }
    }

    /// Starts it on a free port.
    fn listen(&mut self) {
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        self.port = free.unwrap_or_else(|error| panic!("no free port: {error}")).port();
        self.spawn();
    }

    fn spawn(&mut self) {
        write(&self.folder.join("config"), &config::text(self));
        // An old log would say that it listens already.
        drop(fs::remove_file(self.folder.join("log")));
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("sshd cannot be started: {error}"));
        self.listener = Some(child);
    }

    fn command(&self) -> Command {
        let sshd = find("sshd").unwrap_or_default();
        let mut command = Command::new(require("prlimit", "util-linux"));
        command.arg(self.mark.option());
        if self.spec.password.is_some() {
            // A view of the file system in which only /etc/shadow differs.
            command.args(["unshare", "--mount", "sh", "-c"]);
            command.arg(r#"mount --bind "$1" /etc/shadow && shift && exec "$@""#);
            command.arg("sh").arg(self.folder.join("shadow"));
        }
        command.arg(&sshd);
        command.arg("-D").arg("-f").arg(self.folder.join("config")).arg("-E").arg(self.folder.join("log"));
        command
    }

    /// Waits until it listens; takes another port when somebody else has this one.
    fn wait(&mut self) {
        let start = Instant::now();
        for _ in 0..TRIES {
            let said = format!("Server listening on 127.0.0.1 port {}.", self.port);
            loop {
                if self.log().contains(&said) {
                    return;
                }
                let has_ended =
                    self.listener.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
                if has_ended {
                    assert!(
                        self.log().contains("Address already in use"),
                        "sshd did not start: {}",
                        self.log()
                    );
                    break;
                }
                assert!(start.elapsed() < PATIENCE, "sshd does not listen: {}", self.log());
                sleep(Duration::from_millis(5));
            }
            self.listen();
        }
        panic!("sshd finds no free port: {}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.power_off();
    }
}

/// Whether [`ServerSpec::password`] works here: it needs root and mount namespaces.
pub fn can_set_passwords() -> bool {
    let probe =
        Command::new("unshare").args(["--mount", "mount", "--bind", "/etc/shadow", "/etc/shadow"]).output();
    probe.is_ok_and(|output| output.status.success())
}

fn user() -> String {
    let found = nix::unistd::User::from_uid(nix::unistd::geteuid());
    found.ok().flatten().map_or_else(|| panic!("the user of this process has no name"), |user| user.name)
}

/// A program in `$PATH` or in the folders of system programs, which are not in everybody's.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Panics with the name of the package when a program is missing.
fn require(program: &str, package: &str) -> PathBuf {
    find(program)
        .unwrap_or_else(|| panic!("{program} is missing; install it with: apt-get install {package}"))
}

fn create(folder: &Path) {
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
