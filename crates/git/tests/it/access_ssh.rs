//! Keys over SSH, against the real sshd: only a pinned host is talked to, and only with the key that was lent.

use std::{
    fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use git::{Access, Error, GitRepository};
use tempfile::TempDir;
use testkit::repo::{Repo, file};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    http_server::{Behaviour, HttpServer},
    lfs::TRACKED,
    rig::{Rig, files_with, local, open},
};

/// An sshd for each connection, as inetd would start it.
struct Sshd {
    folder: TempDir,
    port: u16,
    user: String,
    accepting: JoinHandle<()>,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Sshd {
    async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same, with more lines of its configuration.
    async fn start_with(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        key(&at("host"), "");
        key(&at("mine"), "");
        key(&at("locked"), "open sesame");
        key(&at("stranger"), "");
        let public = |name: &str| fs::read_to_string(at(name).with_extension("pub")).unwrap();
        fs::write(at("authorized"), public("mine") + &public("locked")).unwrap();
        let config = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\n{more}",
            at("host").display(),
            at("authorized").display()
        );
        fs::write(at("config"), config).unwrap();
        // Without it sshd does not start as root; a running system makes it.
        let _ = fs::create_dir_all("/run/sshd");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = at("config");
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let stream = stream.into_std().unwrap();
                stream.set_nonblocking(false).unwrap();
                let input = OwnedFd::from(stream.try_clone().unwrap());
                let mut sshd = tokio::process::Command::new("/usr/sbin/sshd");
                sshd.args(["-i", "-e", "-f"]).arg(&config).stdin(input).stdout(OwnedFd::from(stream));
                let mut child = sshd.stderr(Stdio::null()).spawn().unwrap();
                tokio::spawn(async move { child.wait().await });
            }
        });
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        Self { folder, port, user: String::from_utf8(user).unwrap().trim().into(), accepting }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn known_hosts(&self, key: &str) -> String {
        let public = fs::read_to_string(self.path(key).with_extension("pub")).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }

    fn access(&self, key: &str, passphrase: Option<&str>, known_hosts: Option<String>) -> Access {
        let private_key = fs::read_to_string(self.path(key)).unwrap().into();
        Access::Key { private_key, passphrase: passphrase.map(Into::into), known_hosts }
    }

    async fn mirror(&self, folder: &Path, repository: &Path) -> GitRepository {
        let url = format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, repository.display());
        open(folder, &url, local()).await.unwrap()
    }
}

fn key(path: &Path, passphrase: &str) {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", passphrase, "-f"]).arg(path).status();
    assert!(made.unwrap().success());
}

#[tokio::test]
async fn a_key_opens_a_repository_on_a_pinned_host() {
    let (sshd, repo, folder) = (Sshd::start().await, Repo::new(), tempfile::tempdir().unwrap());
    let first = repo.commit([("a", file("1"))]);
    // Neither a space nor a percent sign nor a quote in the folder of the mirror confuses ssh.
    let mirror = sshd.mirror(&folder.path().join("a b%h'\"$x"), &repo.path()).await;
    for (key, passphrase) in [("mine", None), ("locked", Some("open sesame"))] {
        let access = sshd.access(key, passphrase, Some(sshd.known_hosts("host")));
        mirror.fetch(&access, |_| ()).await.unwrap();
    }
    assert_eq!(mirror.branches().await.unwrap()[0].commit.id.as_str(), first);
    assert_eq!(files_with(folder.path(), "PRIVATE KEY"), [""; 0]);
}

#[tokio::test]
async fn every_refusal_has_its_name() {
    let (sshd, repo, folder) = (Sshd::start().await, Repo::new(), tempfile::tempdir().unwrap());
    repo.commit([("a", file("1"))]);
    let mirror = sshd.mirror(folder.path(), &repo.path()).await;
    let pinned = || Some(sshd.known_hosts("host"));
    let check = async |access: Access, expected: fn(&Error) -> bool| {
        let error = mirror.fetch(&access, |_| ()).await.unwrap_err();
        assert!(expected(&error), "{access:?} {error:?}");
    };
    check(sshd.access("stranger", None, pinned()), |error| matches!(error, Error::Denied { .. })).await;
    check(sshd.access("mine", None, None), |error| matches!(error, Error::HostKeyUnknown { .. })).await;
    check(Access::None, |error| matches!(error, Error::HostKeyUnknown { .. })).await;
    let other = Some(sshd.known_hosts("stranger"));
    check(sshd.access("mine", None, other), |error| matches!(error, Error::HostKeyChanged { .. })).await;
    let is_unusable = |error: &Error| matches!(error, Error::KeyUnusable { .. });
    check(sshd.access("locked", Some("wrong"), pinned()), is_unusable).await;
    check(sshd.access("locked", None, pinned()), is_unusable).await;
    let garbage = Access::Key { private_key: "garbage".into(), passphrase: None, known_hosts: pinned() };
    check(garbage, is_unusable).await;
    let token = Access::Token { username: None, token: "hunter2".into() };
    check(token, |error| matches!(error, Error::WrongAccess { .. })).await;
    let gone = sshd.mirror(&folder.path().join("gone"), Path::new("/no/such/repository")).await;
    let error = gone.fetch(&sshd.access("mine", None, pinned()), |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
}

/// The host of a repository tells, over SSH, where objects are and what opens them.
#[tokio::test]
async fn objects_of_git_lfs_come_with_the_key() {
    let (repo, folder) = (Repo::new(), tempfile::tempdir().unwrap());
    let commit = repo.commit([(".gitattributes", file(TRACKED)), ("a.bin", repo.lfs(b"picture\n"))]);
    let lent = "Basic bGVudDpmb3ItYS13aGlsZQ==";
    let server = HttpServer::start(repo.path(), Behaviour::default()).await;
    let script = folder.path().join("host");
    let answer = format!(
        "{{\"href\":\"{}/.git/info/lfs\",\"header\":{{\"Authorization\":\"{lent}\"}}}}",
        server.origin
    );
    let text = format!(
        "#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in\n  git-lfs-authenticate*) echo '{answer}' ;;\n  \
         git-lfs-*) exit 1 ;;\n  *) eval \"exec $SSH_ORIGINAL_COMMAND\" ;;\nesac\n"
    );
    fs::write(&script, text).unwrap();
    let sshd = Sshd::start_with(&format!("ForceCommand sh {}\n", script.display())).await;
    for (key, passphrase) in [("mine", None), ("locked", Some("open sesame"))] {
        let access = sshd.access(key, passphrase, Some(sshd.known_hosts("host")));
        let folder = tempfile::tempdir().unwrap();
        let mirror = sshd.mirror(&folder.path().join("a b%h'\"$x"), &repo.path()).await;
        mirror.fetch(&access, |_| ()).await.unwrap();
        let rig = Rig { repo: Repo::new(), mirror, folder };
        let tree = rig.folder.path().join("tree");
        rig.whole_into(&commit, &tree, &access).await.unwrap();
        assert_eq!(fs::read_to_string(tree.join("a.bin")).unwrap(), "picture\n");
        assert_eq!(files_with(rig.folder.path(), "PRIVATE KEY"), [""; 0]);
    }
    assert_eq!(server.authorizations(), [lent; 2], "each time the question, and not the object");
}
