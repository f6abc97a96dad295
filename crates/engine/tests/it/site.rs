//! A site: a machine with a home folder and the folder of one environment, thrown away after the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::driver::Driver;
use model::DeployPath;
use tempfile::TempDir;

use crate::asks::ask;
use crate::host::LocalHost;
use crate::machine::Machine;

/// Who speaks, unless a test says otherwise: installation, release and epoch.
pub(crate) const ME: &str = "here:42:1";

/// How long a condition may take to come true: far longer than it ever takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// A machine, and the folder of one environment on it.
pub(crate) struct Site {
    pub(crate) host: LocalHost,
    pub(crate) root: DeployPath,
    at: PathBuf,
    folder: TempDir,
}

impl Site {
    /// A site that nobody has contacted yet.
    pub(crate) fn new(machine: Machine) -> Self {
        eprintln!("on {machine:?}");
        let folder = tempfile::Builder::new().prefix("site-").tempdir().unwrap();
        let path = machine.install(&folder.path().join("bin"));
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        let host = LocalHost::new(path, home);
        let at = folder.path().join("shop");
        Self { host, root: at.to_str().unwrap().parse().unwrap(), at, folder }
    }

    /// The same site with another folder for its environment, below the one that is thrown away.
    pub(crate) fn at(mut self, below: &str) -> Self {
        self.at = self.folder.path().join(below);
        self.root = self.at.to_str().unwrap().parse().unwrap();
        self
    }

    /// The same site with the folder `~/below`.
    pub(crate) fn at_home(mut self, below: &str) -> Self {
        self.at = self.home().join(below);
        self.root = format!("~/{below}").parse().unwrap();
        self
    }

    /// What is thrown away after the test.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The home folder of the login user.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path below the folder of the environment.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.at.join(below)
    }

    /// A driver that speaks as `me`, was heard, and has taken no lock.
    pub(crate) async fn driver(&self, me: &str) -> Driver {
        let mut driver = Driver::start(&self.host, &self.root, me).await.unwrap();
        assert_eq!(ask(&mut driver, "probe", &["", ""]).await.status, 0);
        driver
    }

    /// A driver that holds the lock as [`ME`].
    pub(crate) async fn locked(&self) -> Driver {
        let mut driver = self.driver(ME).await;
        let answer = ask(&mut driver, "acquire", &["", "", "", "0"]).await;
        assert_eq!(answer.status, 0, "{answer:?}");
        driver
    }

    /// The text of the link at `below`; empty where there is none.
    pub(crate) fn link(&self, below: &str) -> String {
        fs::read_link(self.path(below)).map(|text| text.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The names in the folder `below`, in order.
    pub(crate) fn names(&self, below: &str) -> Vec<String> {
        names(&self.path(below))
    }
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until something is there.
pub(crate) async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until something is true.
pub(crate) async fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    wait_for(what, || is_true().then_some(())).await;
}
