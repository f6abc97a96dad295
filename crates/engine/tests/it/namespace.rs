//! A namespace of its own, in which a test may mount what it likes. It ends with the test, however that ends.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::machine::program;

/// A process that keeps a namespace open; it ends when its standard input does.
#[derive(Debug)]
pub(crate) struct Namespace {
    keeper: Child,
    inside: u32,
    kinds: Vec<&'static str>,
}

impl Namespace {
    /// A mount namespace in which `setup` ran with the path `at` as `$1`; `None` where the kernel forbids it.
    pub(crate) fn mounts(setup: &str, at: &Path) -> Option<Self> {
        Self::new(&["--mount"], setup, at)
    }

    /// A namespace of processes whose first one collects nobody, as in many containers.
    pub(crate) fn processes() -> Option<Self> {
        Self::new(&["--mount", "--pid", "--fork", "--mount-proc"], "", Path::new("/"))
    }

    fn new(kinds: &[&'static str], setup: &str, at: &Path) -> Option<Self> {
        let mut kinds = kinds.to_vec();
        if !nix::unistd::Uid::effective().is_root() {
            kinds.extend(["--user", "--map-root-user"]);
        }
        let text = format!("set -e; {setup}\necho ready; exec cat");
        let mut keeper = Command::new("unshare")
            .args(&kinds)
            .args(["sh", "-c", &text, "sh"])
            .arg(at)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut said = String::new();
        BufReader::new(keeper.stdout.take()?).read_line(&mut said).ok()?;
        if said != "ready\n" {
            eprintln!("left out: this machine gives no namespaces to tests");
            let _ = keeper.wait();
            return None;
        }
        let mut inside = keeper.id();
        if kinds.contains(&"--fork") {
            let children = std::fs::read_to_string(format!("/proc/{inside}/task/{inside}/children")).ok()?;
            inside = children.trim().parse().ok()?;
        }
        Some(Self { keeper, inside, kinds })
    }

    /// The words in front of a command that runs it inside.
    pub(crate) fn enter(&self) -> Vec<OsString> {
        let enter = |kind: &&str| ["--mount", "--pid", "--user"].contains(kind);
        let mut words = vec![program("nsenter").into(), "--target".into(), self.inside.to_string().into()];
        words.extend(self.kinds.iter().filter(|kind| enter(kind)).map(|kind| OsString::from(*kind)));
        words.push("--".into());
        words
    }

    /// A path as it is inside.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.inside)).join(path.strip_prefix("/").unwrap())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
