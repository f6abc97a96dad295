//! A throw-away repository and its mirror.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use git::{Access, Besides, CommitId, Error, ExportStats, GitRepository, Policy, RefName, Url};
use tempfile::TempDir;
use testkit::repo::Repo;

/// A policy with which repositories on this machine can be used.
pub(crate) fn local() -> Policy {
    Policy {
        allow_protocols: ["https", "http", "ssh", "file"].map(String::from).to_vec(),
        idle_timeout: Duration::from_secs(20),
        total_timeout: Duration::from_mins(1),
        ..Policy::default()
    }
}

pub(crate) fn name(text: &str) -> RefName {
    RefName::parse(text).unwrap()
}

pub(crate) fn id(text: &str) -> CommitId {
    CommitId::parse(text).unwrap()
}

/// A repository and a mirror of it.
pub(crate) struct Rig {
    pub(crate) repo: Repo,
    pub(crate) mirror: GitRepository,
    pub(crate) folder: TempDir,
}

impl Rig {
    /// With a mirror that has not been filled yet.
    pub(crate) async fn new(repo: Repo) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mirror = open(folder.path(), &repo.url(), local()).await.unwrap();
        Self { repo, mirror, folder }
    }

    /// With a mirror that has been filled once, by a git that writes down how it is called.
    pub(crate) async fn noted(repo: Repo) -> (Self, Noted) {
        let (noted, folder) = (Noted::new(), tempfile::tempdir().unwrap());
        let mirror = open(folder.path(), &repo.url(), noted.policy()).await.unwrap();
        let rig = Self { repo, mirror, folder };
        rig.fetch().await.unwrap();
        (rig, noted)
    }

    /// With a mirror that has been filled once.
    pub(crate) async fn fetched(repo: Repo) -> Self {
        let rig = Self::new(repo).await;
        rig.fetch().await.unwrap();
        rig
    }

    pub(crate) async fn fetch(&self) -> Result<(), Error> {
        self.mirror.fetch(&Access::None, |_| ()).await
    }

    /// Exports the whole of a commit, with submodules and large files, to a new folder.
    pub(crate) async fn whole(&self, commit: &str) -> Result<PathBuf, Error> {
        let tree = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        self.whole_into(commit, &tree, &Access::None).await.map(|_| tree)
    }

    /// The same with a credential, into a folder.
    pub(crate) async fn whole_into(
        &self,
        commit: &str,
        tree: &Path,
        access: &Access,
    ) -> Result<ExportStats, Error> {
        let mirrors = self.folder.path().join("modules");
        let besides = Besides { submodules: true, lfs: true, access, owner: "me", mirrors: &mirrors };
        self.mirror.export_whole(&id(commit), tree, &besides, &mut |_| ()).await
    }

    /// Runs git in the mirror, as somebody does by hand.
    pub(crate) fn by_hand(&self, args: &[&str]) -> String {
        let git_dir = format!("--git-dir={}", self.mirror_dir().display());
        let output = Command::new("git").arg(git_dir).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The bare repository.
    pub(crate) fn mirror_dir(&self) -> PathBuf {
        self.folder.path().join("mirror.git")
    }

    /// The commit that a name means.
    pub(crate) async fn commit(&self, text: &str) -> Result<String, Error> {
        Ok(self.mirror.resolve(&name(text)).await?.commit.to_string())
    }
}

/// A git that writes down how it is called.
pub(crate) struct Noted {
    folder: TempDir,
}

impl Noted {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let noted = folder.path().join("verbs").display().to_string();
        let script = r#"#!/bin/sh
for word; do
    if [ "$found" ]; then break; fi
    case $word in --git-dir=*) found=yes ;; esac
    word=init
done
echo "$word" >>'NOTED'
exec git "$@"
"#;
        fs::write(folder.path().join("git"), script.replace("NOTED", &noted)).unwrap();
        fs::set_permissions(folder.path().join("git"), fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// A policy with this git.
    pub(crate) fn policy(&self) -> Policy {
        Policy { program: self.folder.path().join("git"), ..local() }
    }

    /// What git was called for since this was asked last.
    pub(crate) fn verbs(&self) -> Vec<String> {
        let noted = self.folder.path().join("verbs");
        let verbs = fs::read_to_string(&noted).unwrap_or_default();
        fs::write(noted, "").unwrap();
        verbs.lines().map(str::to_owned).collect()
    }
}

pub(crate) async fn open(folder: &Path, url: &str, policy: Policy) -> Result<GitRepository, Error> {
    GitRepository::open(folder, &Url::parse(url, &policy)?, policy).await
}

/// The command lines and environments of all processes that have `word` in one of them.
pub(crate) fn processes_with(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
        let text = [read("cmdline"), read("environ")].concat();
        let text = String::from_utf8_lossy(&text).replace('\0', " ");
        if text.contains(word) {
            found.push(text);
        }
    }
    found
}

/// Waits for something that happens elsewhere, and fails when it does not.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// Every file below a folder that has `word` in its bytes.
pub(crate) fn files_with(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_with(&path, word));
        } else if fs::read(&path).unwrap().windows(word.len()).any(|window| window == word.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}
