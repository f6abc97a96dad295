//! Releases to draw in tests: the tree of a real plan shape with facts applied, second by second.

use jiff::{SignedDuration, Timestamp};
use model::{
    Event, Fact, Kind, Name, NodeFact, Release, ReleaseId, ReleaseName, ServerState, Status, Step, StepKind,
    StepStatus, Tree,
};

/// `secs` after the sample releases began.
pub(crate) fn at(secs: f64) -> Timestamp {
    let begin: Timestamp = "2026-11-20T10:45:12Z".parse().unwrap();
    begin + SignedDuration::from_secs_f64(secs)
}

/// A tree that facts are told to.
pub(crate) struct Told {
    pub(crate) release: Release,
    pub(crate) tree: Tree,
    pub(crate) events: Vec<Event>,
}

impl Told {
    /// Release 42 to `servers`, each with a list of hooks after the upload and a health check.
    pub(crate) fn to(servers: &[&str]) -> Self {
        let names: Vec<Name> = servers.iter().map(|name| name.parse().unwrap()).collect();
        let tree = Tree::new(steps(&names), names);
        let release = Release {
            id: ReleaseId(42),
            name: ReleaseName::new(at(0.0), ReleaseId(42)),
            project: "shop".parse().unwrap(),
            environment: "production".parse().unwrap(),
            kind: Kind::Release,
            git_ref: "main".into(),
            commit: "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".parse().unwrap(),
            rollback_to: None,
            status: Status::Queued,
            reason: None,
            stopping: false,
            pausing: false,
            position: None,
            note: String::new(),
            by: "ann".into(),
            created_at: at(0.0),
            started_at: Some(at(0.0)),
            ended_at: None,
            servers: tree.servers.clone(),
        };
        let mut told = Self { release, tree, events: Vec::new() };
        told.status(0.0, Status::Running, None);
        told
    }

    fn say(&mut self, secs: f64, fact: Fact) {
        let seq = self.tree.seq + 1;
        let event = Event { seq, at: at(secs), fact };
        self.tree.apply(&event);
        self.events.push(event);
    }

    pub(crate) fn status(&mut self, secs: f64, status: Status, reason: Option<&str>) {
        self.say(secs, Fact::Release { status, reason: reason.map(str::to_owned), release: None });
    }

    pub(crate) fn node(&mut self, secs: f64, key: &str, status: StepStatus, reason: Option<&str>) {
        let mut fact = NodeFact::new(key, status, 1);
        fact.reason = reason.map(str::to_owned);
        self.say(secs, Fact::Node(fact));
    }

    /// Each of `keys` runs for half a second and is fine.
    pub(crate) fn ok(&mut self, mut secs: f64, keys: &[&str]) {
        for key in keys {
            self.node(secs, key, StepStatus::Running, None);
            secs += 0.5;
            self.node(secs, key, StepStatus::Ok, None);
        }
    }

    /// What `name` runs now; it ran the release before.
    pub(crate) fn server(&mut self, name: &str, now: &str, state: ServerState) {
        let server = self.tree.servers.iter_mut().find(|server| server.name.as_str() == name).unwrap();
        (server.before, server.now, server.state) = (Some(OLD.into()), Some(now.into()), state);
    }
}

fn steps(servers: &[Name]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut add = |parent: Option<String>, key: String, step: StepKind, server: Option<&Name>| {
        let text = key.rsplit('/').next().unwrap().replace("batch-", "batch ");
        steps.push(Step { key: key.clone(), parent, text, step, server: server.cloned(), batch: None });
        key
    };
    let mut trunk = add(None, "start".into(), StepKind::Start, None);
    for (key, step) in [("fetch", StepKind::Fetch), ("build", StepKind::Build), ("pack", StepKind::Pack)] {
        trunk = add(Some(trunk), key.into(), step, None);
    }
    for name in servers {
        let mut last = trunk.clone();
        for (verb, step) in [
            ("upload", StepKind::Upload),
            ("after_upload", StepKind::Hook),
            ("activate", StepKind::Activate),
            ("after_activate", StepKind::Hook),
            ("verify", StepKind::Verify),
            ("prune", StepKind::Prune),
        ] {
            last = add(Some(last), format!("{name}/{verb}"), step, Some(name));
            if verb == "after_upload" {
                add(Some(last.clone()), format!("{last}/1"), StepKind::Hook, Some(name));
                add(Some(last.clone()), format!("{last}/migrate"), StepKind::Hook, Some(name));
            }
        }
    }
    trunk = add(Some(trunk), "staged".into(), StepKind::Staged, None);
    add(Some(trunk), "batch-1".into(), StepKind::Batch, None);
    steps
}

const NEW: &str = "20261120T104512Z-42";
const OLD: &str = "20261119T080000Z-41";
const TRUNK: [&str; 4] = ["start", "fetch", "build", "pack"];

fn keys(server: &str, verbs: &[&str]) -> Vec<String> {
    verbs.iter().map(|verb| format!("{server}/{verb}")).collect()
}

fn lane(told: &mut Told, secs: f64, server: &str, verbs: &[&str]) {
    let keys = keys(server, verbs);
    told.ok(secs, &keys.iter().map(String::as_str).collect::<Vec<_>>());
}

const STAGING: [&str; 4] = ["upload", "after_upload/1", "after_upload/migrate", "after_upload"];
const GOING_LIVE: [&str; 4] = ["activate", "after_activate", "verify", "prune"];

pub(crate) fn good() -> (Release, Tree) {
    let told = good_told();
    (told.release, told.tree)
}

pub(crate) fn good_told() -> Told {
    let mut told = Told::to(&["web-1", "web-2"]);
    told.ok(0.0, &TRUNK);
    for server in ["web-1", "web-2"] {
        lane(&mut told, 2.0, server, &STAGING);
    }
    told.ok(4.0, &["staged"]);
    for server in ["web-1", "web-2"] {
        lane(&mut told, 5.0, server, &GOING_LIVE);
        told.server(server, NEW, ServerState::Live);
    }
    told.ok(7.0, &["batch-1"]);
    told.status(7.5, Status::Succeeded, None);
    told.release.ended_at = Some(at(7.5));
    told
}

pub(crate) fn running() -> (Release, Tree) {
    let mut told = Told::to(&["db-1", "web-1"]);
    told.ok(0.0, &TRUNK);
    lane(&mut told, 2.0, "web-1", &STAGING);
    lane(&mut told, 2.0, "db-1", &STAGING[..2]);
    told.node(40.0, "db-1/after_upload", StepStatus::Running, None);
    told.node(57.5, "db-1/after_upload/migrate", StepStatus::Running, None);
    (told.release, told.tree)
}

pub(crate) fn failed() -> (Release, Tree) {
    let told = failed_told();
    (told.release, told.tree)
}

pub(crate) fn failed_told() -> Told {
    let mut told = Told::to(&["web-1", "web-2"]);
    told.ok(0.0, &TRUNK);
    lane(&mut told, 2.0, "web-1", &STAGING);
    told.server("web-1", OLD, ServerState::Staged);
    told.node(2.0, "web-2/upload", StepStatus::Running, None);
    told.node(
        3.0,
        "web-2/upload",
        StepStatus::Failed,
        Some("the disk is full:\n/srv/shop has \u{1b}[2J12 KB left"),
    );
    for key in ["web-1/activate", "web-2/activate", "staged", "batch-1"] {
        told.node(4.0, key, StepStatus::Cancelled, None);
    }
    told.status(4.0, Status::Failed, Some("web-2: the disk is full"));
    told.release.ended_at = Some(at(4.0));
    told
}

pub(crate) fn undone() -> (Release, Tree) {
    let mut told = Told::to(&["web-1", "web-2"]);
    told.ok(0.0, &TRUNK);
    for server in ["web-1", "web-2"] {
        lane(&mut told, 2.0, server, &STAGING);
        lane(&mut told, 5.0, server, &GOING_LIVE[..2]);
    }
    told.ok(4.0, &["staged"]);
    told.node(4.5, "batch-1", StepStatus::Running, None);
    told.ok(6.0, &["web-1/verify"]);
    told.node(6.0, "web-2/verify", StepStatus::Running, None);
    told.node(36.0, "web-2/verify", StepStatus::Failed, Some("http://127.0.0.1:8080/up answered 500"));
    for server in ["web-1", "web-2"] {
        told.node(36.0, &format!("{server}/prune"), StepStatus::Cancelled, None);
        told.node(37.0, &format!("{server}/activate"), StepStatus::Undone, None);
        told.node(37.0, &format!("{server}/after_activate"), StepStatus::Undone, None);
        let mut fact = NodeFact::new(format!("{server}/undo"), StepStatus::Running, 1);
        fact.added = Some(Step {
            key: format!("{server}/undo"),
            parent: Some(format!("{server}/verify")),
            text: "undo".into(),
            step: StepKind::Undo,
            server: Some(server.parse().unwrap()),
            batch: None,
        });
        told.say(37.0, Fact::Node(fact));
        told.node(39.5, &format!("{server}/undo"), StepStatus::Ok, None);
        told.server(server, OLD, ServerState::Undone);
    }
    told.node(36.0, "batch-1", StepStatus::Failed, None);
    told.status(40.0, Status::RolledBack, Some("web-2 was not healthy"));
    told.release.ended_at = Some(at(40.0));
    (told.release, told.tree)
}

pub(crate) fn fleet(servers: usize) -> (Release, Tree) {
    let names: Vec<String> = (1..=servers).map(|number| format!("web-{number}")).collect();
    let mut told = Told::to(&names.iter().map(String::as_str).collect::<Vec<_>>());
    told.ok(0.0, &TRUNK);
    for name in &names[..servers / 2] {
        lane(&mut told, 2.0, name, &STAGING);
        lane(&mut told, 5.0, name, &GOING_LIVE);
    }
    told.node(59.0, "web-30/upload", StepStatus::Running, None);
    told.node(58.0, "web-33/upload", StepStatus::Running, None);
    told.node(59.0, "web-33/upload", StepStatus::Failed, Some("the connection was lost"));
    (told.release, told.tree)
}
