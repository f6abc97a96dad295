//! The rig: a real store in a throw-away folder, and a repository, servers and keys that answer as told.

mod machines;
mod parts;
mod repository;

use std::sync::Arc;

use actions::{Actions, Actor, Parts, RepositorySays};
use engine::dispatcher::{Control, Orders};
use model::{CommitId, Project, ReleaseId, Server, Status};
use store::{Change, Entry, MasterKey, Store};
use tempfile::TempDir;

use machines::Machines;
use parts::{Nothing, Texts, Well};
use repository::Repository;

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
