//! The rig: a real store in a throw-away folder, and a repository, servers and keys that answer as told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use actions::{
    Actions, Actor, Doctor, Examined, FileChange, FileDiff, FileDiffs, Health, KeyTrouble, Keys,
    MachineFinding, Packing, Parts, PublicHalf, Repositories, RepositorySays, SshHost,
};
use async_trait::async_trait;
use engine::dispatcher::{Control, Orders};
use engine::ports::{
    Besides, Exported, Host, HostError, HostTrouble, Hosts, LeftOut, Parcel, ParcelError, Parcels, RefEntry,
    RefQuery, Resolved, Say, ScannedKey, Source, SourceError, SourceTrouble, TakeItem,
};
use engine::sandbox::{Sandbox, Walls};
use model::{CommitId, ExposeSecret, Project, ReleaseId, SecretString, Server, Status};
use store::{Change, Entry, MasterKey, Store};
use tempfile::TempDir;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// A repository with these refs.
#[derive(Default)]
pub(crate) struct Repository {
    pub(crate) refs: Mutex<BTreeMap<String, CommitId>>,
    pub(crate) away: AtomicBool,
    pub(crate) file: Mutex<Option<String>>,
    /// What its host presents over SSH; nothing when it is not reached so.
    pub(crate) host: Mutex<Option<Vec<ScannedKey>>>,
}

impl Repository {
    fn reach(&self) -> Result<(), SourceError> {
        if !self.away.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = "https://git.example.com/shop.git cannot be reached".to_owned();
        Err(SourceError {
            kind: SourceTrouble::Unreachable,
            message,
            hint: Some("look at the network".into()),
        })
    }
}

#[async_trait]
impl Source for Repository {
    async fn fetch(&self, _: &Project, _: &mut Say<'_>) -> Result<(), SourceError> {
        self.reach()
    }

    async fn resolve(&self, _: &Project, git_ref: &str) -> Result<Resolved, SourceError> {
        let commit = self.refs.lock().unwrap().get(git_ref).cloned();
        let unknown = || SourceError {
            kind: SourceTrouble::UnknownRef,
            message: format!("there is no branch, tag or commit {git_ref:?}"),
            hint: None,
        };
        commit
            .map(|commit| Resolved { commit, branch: Some(git_ref.to_owned()), tag: None })
            .ok_or_else(unknown)
    }

    async fn read_tree(
        &self,
        _: &Project,
        _: &CommitId,
        _: Option<Vec<Vec<u8>>>,
        _: Box<TakeItem>,
    ) -> Result<LeftOut, SourceError> {
        Ok(LeftOut::default())
    }

    async fn changed_paths(
        &self,
        _: &Project,
        _: &CommitId,
        _: &CommitId,
    ) -> Result<Vec<(Vec<u8>, bool)>, SourceError> {
        Ok(Vec::new())
    }

    async fn commit_time(&self, _: &Project, _: &CommitId) -> Result<i64, SourceError> {
        Ok(0)
    }

    async fn export(
        &self,
        _: &Project,
        _: &CommitId,
        _: Besides,
        _: &Path,
        _: &mut Say<'_>,
    ) -> Result<Exported, SourceError> {
        Ok(Exported::default())
    }

    async fn refs(&self, _: &Project, _: &RefQuery, limit: usize) -> Result<Vec<RefEntry>, SourceError> {
        self.reach()?;
        let entry = |(name, commit): (&String, &CommitId)| RefEntry {
            name: name.clone(),
            commit: commit.clone(),
            author: "Ada".into(),
            at: 1_700_000_000,
            summary: "work".into(),
        };
        Ok(self.refs.lock().unwrap().iter().map(entry).take(limit).collect())
    }

    async fn commits_without(
        &self,
        _: &Project,
        of: &CommitId,
        without: &CommitId,
        limit: usize,
    ) -> Result<Vec<RefEntry>, SourceError> {
        let entry = |commit: &CommitId| RefEntry {
            name: commit.to_string(),
            commit: commit.clone(),
            author: "Ada".into(),
            at: 1_700_000_000,
            summary: "work".into(),
        };
        Ok(if of == without { Vec::new() } else { vec![entry(of)].into_iter().take(limit).collect() })
    }

    async fn read(&self, _: &Project, _: &CommitId, _: &str) -> Result<Option<String>, SourceError> {
        Ok(self.file.lock().unwrap().clone())
    }
}

#[async_trait]
impl Repositories for Repository {
    async fn diff(
        &self,
        _: &Project,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<FileDiffs, SourceError> {
        let file = |change, path: &str, lines| FileDiff { change, path: path.into(), before: None, lines };
        let mut files =
            vec![file(FileChange::Modified, "a", Some((2, 1))), file(FileChange::Added, "picture", None)];
        let more = files.len() > most;
        files.truncate(most);
        Ok(if from == to { FileDiffs::default() } else { FileDiffs { files, more } })
    }

    async fn patch(
        &self,
        _: &Project,
        from: &CommitId,
        to: &CommitId,
        _: usize,
    ) -> Result<(String, bool), SourceError> {
        Ok((format!("from {from} to {to}\n"), false))
    }

    fn check(&self, packing: &Packing) -> Result<(), SourceError> {
        let refused = || SourceError {
            kind: SourceTrouble::Unreachable,
            message: "folder .. is refused".into(),
            hint: None,
        };
        if packing.prefix.contains("..") { Err(refused()) } else { Ok(()) }
    }

    async fn archive(
        &self,
        _: &Project,
        commit: &CommitId,
        packing: &Packing,
        mut out: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Result<(), SourceError> {
        let text = format!("{:?} of {commit}", packing.format);
        out.write_all(text.as_bytes()).await.unwrap();
        self.reach()?;
        out.shutdown().await.unwrap();
        Ok(())
    }

    async fn ssh_host(&self, _: &Project) -> Result<Option<SshHost>, SourceError> {
        let host = self.host.lock().unwrap();
        let known = SshHost { host: "git.example.com".into(), port: 22, pinned: vec!["ssh-rsa OLD".into()] };
        Ok(host.as_ref().map(|_| known))
    }

    async fn scan(&self, _: &SshHost) -> Result<Vec<ScannedKey>, SourceError> {
        Ok(self.host.lock().unwrap().clone().unwrap_or_default())
    }
}

/// Takes no archive.
struct Nothing;

fn unfit() -> ParcelError {
    ParcelError { message: "it is no archive".to_owned(), is_unfit: true }
}

impl Parcels for Nothing {
    fn unpack_one(&self, _: &mut dyn std::io::Read, _: &Path) -> Result<Option<Parcel>, ParcelError> {
        Err(unfit())
    }

    fn pack(&self, _: &Path, _: &mut dyn std::io::Write) -> Result<(), ParcelError> {
        Err(unfit())
    }
}

/// Servers that nobody can log in to, and that present these keys.
#[derive(Default)]
pub(crate) struct Machines {
    pub(crate) keys: Mutex<Vec<ScannedKey>>,
    /// They take connections and say nothing.
    pub(crate) silent: AtomicBool,
}

#[async_trait]
impl Hosts for Machines {
    async fn connect_with(&self, server: &Server, _: &SecretString) -> Result<Box<dyn Host>, HostError> {
        self.connect(server).await
    }

    async fn connect(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        if self.silent.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let message = format!("{} refuses the connection", server.place());
        Err(HostError { kind: HostTrouble::Unreachable, message, hint: Some("start sshd there".into()) })
    }

    async fn connect_alone(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        self.connect(server).await
    }

    async fn scan(&self, address: &model::SshAddress) -> Result<Vec<ScannedKey>, HostError> {
        let keys = self.keys.lock().unwrap().clone();
        let message = format!("{}:{} refuses the connection", address.host, address.port);
        if keys.is_empty() {
            Err(HostError { kind: HostTrouble::Unreachable, message, hint: None })
        } else {
            Ok(keys)
        }
    }
}

/// A machine on which all is well.
struct Well;

impl Doctor for Well {
    fn examine(&self) -> Examined {
        let sandbox = Sandbox {
            level: 2,
            least: 0,
            words: "sandbox level 2".into(),
            missing: vec!["no cgroup".into()],
            program: "/aweigh".into(),
            walls: Walls::default(),
        };
        let finding = MachineFinding { what: "git", health: Health::Ok, detail: "2.47".into(), hint: None };
        Examined { sandbox, findings: vec![finding] }
    }
}

/// Keys whose text says what is wrong with them.
struct Texts;

impl Keys for Texts {
    fn generate(&self, comment: &str) -> Result<(SecretString, PublicHalf), KeyTrouble> {
        let half =
            PublicHalf { fingerprint: "SHA256:new".into(), line: format!("ssh-ed25519 AAAA {comment}") };
        Ok(("-----BEGIN a new key".into(), half))
    }

    fn public_half(
        &self,
        key: &SecretString,
        passphrase: Option<&SecretString>,
    ) -> Result<PublicHalf, KeyTrouble> {
        match (key.expose_secret(), passphrase.map(ExposeSecret::expose_secret)) {
            (text, _) if text.contains("BROKEN") => Err(KeyTrouble::Unreadable("it is cut off".into())),
            (text, None) if text.contains("ENCRYPTED") => Err(KeyTrouble::NeedsPassphrase),
            (text, Some(wrong)) if text.contains("ENCRYPTED") && wrong != "right" => {
                Err(KeyTrouble::WrongPassphrase)
            }
            (text, _) => {
                let line = format!("ssh-ed25519 {}", text.len());
                Ok(PublicHalf { fingerprint: format!("SHA256:{}", text.len()), line })
            }
        }
    }
}

/// Everything a test needs; the folder goes when it is dropped.
pub(crate) struct Rig {
    pub(crate) actions: Arc<Actions>,
    pub(crate) store: Store,
    pub(crate) repository: Arc<Repository>,
    pub(crate) machines: Arc<Machines>,
    /// Kept, so that what is sent to the dispatcher has somewhere to go.
    _orders: Orders,
    _dir: TempDir,
}

/// The administrator.
pub(crate) fn admin() -> Actor {
    Actor::administrator("admin")
}

/// The commit whose id is all `digit`.
pub(crate) fn commit(digit: char) -> CommitId {
    digit.to_string().repeat(40).parse().unwrap()
}

impl Rig {
    /// A rig in which nothing is defined yet; branches `main` (aaa…) and `next` (bbb…).
    pub(crate) async fn new() -> Self {
        Self::reading(|_, _| Ok(RepositorySays::default())).await
    }

    /// The same with this reader of `aweigh.toml`.
    pub(crate) async fn reading(repository_file: actions::RepositoryFileReader) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), MasterKey::load(dir.path(), None).unwrap()).await.unwrap();
        let repository = Arc::new(Repository::default());
        let refs = [
            ("main".to_owned(), commit('a')),
            ("next".to_owned(), commit('b')),
            ("v3".to_owned(), commit('c')),
        ];
        repository.refs.lock().unwrap().extend(refs);
        let machines = Arc::new(Machines::default());
        let (control, orders) = Control::new();
        let actions = Arc::new(Actions::new(Parts {
            store: store.clone(),
            source: repository.clone(),
            repositories: repository.clone(),
            hosts: machines.clone(),
            parcels: Arc::new(Nothing),
            spool: engine::adhoc::spool::Spool::open(dir.path(), 1 << 20).unwrap(),
            control,
            uploads: engine::progress::Uploads::default(),
            disk_reserve: 0,
            limits: actions::TreeLimits { bytes: 1 << 20, entries: 1000 },
            data: dir.path().to_owned(),
            shell_idle: std::time::Duration::from_mins(30),
            doctor: Arc::new(Well),
            keys: Arc::new(Texts),
            repository_file,
        }));
        Self { actions, store, repository, machines, _orders: orders, _dir: dir }
    }

    /// Project `shop` with environment `live` on `web-1` and `web-2`.
    pub(crate) async fn with_shop(self) -> Self {
        let server = |name: &str, host: &str| Server {
            name: name.parse().unwrap(),
            address: model::Address::Ssh(model::SshAddress {
                host: host.to_owned(),
                port: 22,
                user: "deploy".into(),
                credential: "agent".parse().unwrap(),
                host_keys: Vec::new(),
                jump: None,
                legacy_algorithms: false,
            }),
            labels: model::Labels::new(),
            variables: model::Variables::new(),
            groups: std::collections::BTreeSet::new(),
        };
        let credential = store::NewCredential {
            name: "agent".parse().unwrap(),
            kind: store::CredentialKind::SshAgent,
            fingerprint: None,
            public_key: None,
            username: None,
            secret: None,
            passphrase: None,
        };
        let project = Project {
            name: "shop".parse().unwrap(),
            repository: "https://git.example.com/shop.git".into(),
            credential: None,
            build: model::Build::default(),
            defaults: model::Settings::default(),
            variables: model::Variables::new(),
        };
        let site = model::Site {
            name: "live".parse().unwrap(),
            servers: "web-1,web-2".parse().unwrap(),
            path: "/srv/shop".parse().unwrap(),
            settings: model::Settings::default(),
            variables: model::Variables::new(),
        };
        let managed = false;
        let changes = vec![
            Change::PutCredential { credential, managed },
            Change::PutServer { server: server("web-1", "10.0.0.1"), managed },
            Change::PutServer { server: server("web-2", "10.0.0.2"), managed },
            Change::PutProject { project, managed },
            Change::PutSite { project: "shop".parse().unwrap(), site, managed },
        ];
        self.store.change(changes, "li").await.unwrap();
        self
    }

    /// Does what a dispatcher does: claims the oldest queued release and ends it as `status`.
    pub(crate) async fn end_next(&self, status: Status) -> ReleaseId {
        let claimed = self.store.claim().await.unwrap().unwrap();
        let artifact = Entry::Artifact { hash: format!("artifact-{}", claimed.id) };
        let end = Entry::Release { status, reason: None };
        self.store.record(claimed.id, claimed.epoch, vec![artifact, end]).await.unwrap();
        claimed.id
    }
}
