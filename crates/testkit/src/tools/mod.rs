//! Other tools that release code: each script leaves on one server what the tool leaves there, link by link.

#![expect(clippy::expect_used, reason = "a rig that cannot be set up fails its test with a clear text")]

use std::path::Path;
use std::process::Command;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Capistrano 3.
    Capistrano,
    /// Deployer 7.
    Deployer,
    /// walle-web 2; its library is `library`, its web root `www`.
    Walle,
    /// Spug 3; its repositories are `library`, its target `www`.
    Spug,
}

impl Tool {
    fn script(self) -> &'static str {
        match self {
            Self::Capistrano => include_str!("capistrano.sh"),
            Self::Deployer => include_str!("deployer.sh"),
            Self::Walle => include_str!("walle.sh"),
            Self::Spug => include_str!("spug.sh"),
        }
    }

    /// Deploys what is in the folder `tree` as the release `name` below `root`, and says that it is `commit`.
    pub fn deploy(self, root: &Path, name: &str, commit: &str, tree: &Path) {
        self.run(root, name, commit, tree, "");
    }

    /// The same, and fails in the middle.
    pub fn fail(self, root: &Path, name: &str, commit: &str, tree: &Path) {
        self.run(root, name, commit, tree, "fails");
    }

    fn run(self, root: &Path, name: &str, commit: &str, tree: &Path, how: &str) {
        std::fs::create_dir_all(root).expect("a folder for the tool");
        let mut shell = Command::new("sh");
        shell.args(["-c", self.script(), "tool", name, commit]).arg(tree).arg(how).current_dir(root);
        let done = shell.output().expect("sh runs");
        assert!(done.status.success(), "{self:?} {name}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
