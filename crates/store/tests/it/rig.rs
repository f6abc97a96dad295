//! A store in a throw-away folder, and the shortest way to a release in it.

use std::path::{Path, PathBuf};

use model::plan::{Elsewhere, Origin};
use model::{
    Address, CommitId, Epoch, Kind, Name, NodeFact, Plan, Project, ReleaseId, ReleaseName, SecretString,
    Server, Settings, Site, SshAddress, Status, Step, StepKind, StepStatus,
};
use sea_orm::{Database, DatabaseConnection};
use store::{
    AuditFilter, Created, CredentialKind, Deed, DeedFn, Entry, MasterKey, NewCredential, NewRelease, Others,
    Store,
};
use tempfile::TempDir;

pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).await;
        Self { dir, store }
    }

    pub(crate) async fn reopen(&mut self) {
        self.store.close().await.unwrap();
        self.store = open(self.dir.path()).await;
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join(store::DATABASE)
    }

    /// A connection past the store, for tampering and counting.
    pub(crate) async fn raw(&self) -> DatabaseConnection {
        Database::connect(format!("sqlite://{}", self.database().display())).await.unwrap()
    }

    /// What the audit log says that was done, the first deed first.
    pub(crate) async fn deeds(&self) -> Vec<String> {
        let all = self.store.audit(&AuditFilter::default(), u64::MAX).await.unwrap();
        all.into_iter().rev().map(|record| record.what).collect()
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        use sea_orm::{ConnectionTrait, DbBackend, Statement};
        let row = self.raw().await.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
        row.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    /// A running release of `shop` in `environment`.
    pub(crate) async fn running(&self, environment: &str) -> (ReleaseId, Epoch) {
        let created = self.store.create(release("shop", environment, 'a'), made_by_ann()).await.unwrap();
        let Created::New(id) = created else { panic!("{created:?}") };
        let claimed = self.store.claim().await.unwrap().unwrap();
        assert_eq!(claimed.id, id);
        (id, claimed.epoch)
    }

    pub(crate) async fn end(&self, (id, epoch): (ReleaseId, Epoch), status: Status) {
        let end = Entry::Release { status, reason: None };
        self.store.record(id, epoch, vec![end]).await.unwrap();
    }
}

pub(crate) fn key(dir: &Path) -> MasterKey {
    MasterKey::load(dir, None).unwrap()
}

pub(crate) async fn open(dir: &Path) -> Store {
    Store::open(dir, key(dir)).await.unwrap()
}

/// A credential with what every kind may have; a secret where there is one.
pub(crate) fn credential(text: &str, kind: CredentialKind, secret: Option<&str>) -> NewCredential {
    NewCredential {
        name: name(text),
        kind,
        fingerprint: None,
        public_key: None,
        username: None,
        secret: secret.map(SecretString::from),
        passphrase: None,
    }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn commit(digit: char) -> CommitId {
    digit.to_string().repeat(40).parse().unwrap()
}

pub(crate) fn server(text: &str, credential: &str) -> Server {
    let address = SshAddress {
        host: "10.0.0.1".into(),
        port: 22,
        user: "deploy".into(),
        credential: name(credential),
        host_keys: Vec::new(),
        jump: None,
        legacy_algorithms: false,
    };
    Server {
        name: name(text),
        address: Address::Ssh(address),
        labels: model::Labels::new(),
        variables: model::Variables::new(),
        groups: std::collections::BTreeSet::new(),
    }
}

pub(crate) fn project(text: &str) -> Project {
    Project {
        name: name(text),
        repository: "https://git.example.com/shop.git".into(),
        credential: None,
        build: model::Build::default(),
        defaults: Settings::default(),
        variables: model::Variables::new(),
    }
}

pub(crate) fn site(text: &str, path: &str) -> Site {
    Site {
        name: name(text),
        servers: "all".parse().unwrap(),
        path: path.parse().unwrap(),
        settings: Settings::default(),
        variables: model::Variables::new(),
    }
}

pub(crate) fn step(key: &str) -> Step {
    let server = key.split_once('/').map(|(server, _)| name(server));
    let parent = (key != "start").then(|| "start".to_owned());
    Step { key: key.into(), parent, text: key.into(), step: StepKind::Upload, server, batch: None }
}

pub(crate) const STEPS: [&str; 5] = ["start", "fetch", "build", "web-1/upload", "web-2/upload"];

pub(crate) const SERVERS: [&str; 2] = ["web-1", "web-2"];

/// A deed of which it does not matter what it is.
pub(crate) fn by_ann() -> Deed {
    Deed::new("ann", "test.deed", "installation", "")
}

/// The same of a release.
pub(crate) fn made_by_ann() -> DeedFn {
    Box::new(|id| Deed::new("ann", "release.create", format!("release:{id}"), ""))
}

/// A request to bring a commit to `web-1` and `web-2`.
pub(crate) fn release(of: &str, environment: &str, digit: char) -> NewRelease {
    let (project, site) = (project(of), site(environment, "/srv/shop"));
    let plan = move |id: ReleaseId, at| Plan {
        release: id,
        name: ReleaseName::new(at, id),
        kind: Kind::Release,
        environment: site.effective(&project),
        project,
        servers: SERVERS.map(|text| server(text, "deploy")).into(),
        git_ref: "main".into(),
        branch: Some("main".into()),
        tag: None,
        commit: commit(digit),
        origin: None,
        now: false,
        artifact: None,
        by: "ann".into(),
        batches: Vec::new(),
        steps: STEPS.map(step).into(),
    };
    NewRelease {
        project: name(of),
        environment: name(environment),
        kind: Kind::Release,
        git_ref: "main".into(),
        commit: commit(digit),
        rollback_to: None,
        servers: SERVERS.map(name).into(),
        note: String::new(),
        by: "ann".into(),
        others: Others::Refuse,
        locks: false,
        idempotency: None,
        plan: Box::new(plan),
    }
}

/// A request to bring `origin` back.
pub(crate) fn rollback(environment: &str, origin: &model::Release) -> NewRelease {
    let forward = release(origin.project.as_str(), environment, 'a');
    let (name, elsewhere) = (origin.name.clone(), Elsewhere::new());
    let from = Origin { release: origin.id, name, elsewhere, artifact: Some("a1".into()) };
    let commit = origin.commit.clone();
    let plan = forward.plan;
    NewRelease {
        kind: Kind::Rollback,
        rollback_to: Some(origin.id),
        commit: commit.clone(),
        plan: Box::new(move |id, at| Plan {
            kind: Kind::Rollback,
            origin: Some(from),
            commit,
            ..plan(id, at)
        }),
        ..forward
    }
}

pub(crate) fn node(key: &str, status: StepStatus, attempt: u32) -> Entry {
    Entry::Node { fact: NodeFact::new(key, status, attempt), result: None }
}

pub(crate) fn said(key: &str, text: &str) -> Entry {
    Entry::Log { node: key.into(), text: text.into() }
}
