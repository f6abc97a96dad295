//! The plan of an adopted release: what it would have been, had Aweigh brought it. It is never run; whoever goes back to it
//! finds the environment of then in it.

use model::event::ServerFact;
use model::{
    Environment, Kind, Name, Plan, Project, ReleaseId, ReleaseName, Server, ServerState, Step, StepKind,
};

use super::agree::Agreement;

/// What all releases of one adoption have in common.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The project as it is now.
    pub project: Project,
    /// The effective environment as it is now.
    pub environment: Environment,
    /// The servers that were adopted, in the order of their names.
    pub servers: Vec<Server>,
    /// Who adopts.
    pub by: String,
}

/// Freezes `release` as release `id`.
pub fn plan(frame: Frame, release: Agreement, id: ReleaseId) -> Plan {
    let step = |key: &str, text: &str, step: StepKind, server: Option<&Name>| Step {
        key: key.to_owned(),
        parent: server.map(|_| "start".to_owned()),
        text: text.to_owned(),
        step,
        server: server.cloned(),
        batch: None,
    };
    let adopt = |server: &Server| {
        step(&format!("{}/adopt", server.name), "adopt", StepKind::Adopt, Some(&server.name))
    };
    let start = std::iter::once(step("start", "start", StepKind::Start, None));
    let steps = start.chain(frame.servers.iter().map(adopt)).collect();
    // A hook that asks for the ref is given something that git knows, where anything is known.
    let git_ref = release.commit.known().map_or_else(|| release.name.to_string(), ToString::to_string);
    Plan {
        release: id,
        name: release.name,
        kind: Kind::Adopted,
        project: frame.project,
        environment: frame.environment,
        servers: frame.servers,
        git_ref,
        branch: None,
        tag: None,
        commit: release.commit,
        origin: None,
        artifact: None,
        now: false,
        by: frame.by,
        batches: Vec::new(),
        steps,
    }
}

/// What `server`, which runs the folder `runs`, is to `release`. One that is not live was left behind by nobody: what it had
/// then is what it would have again.
pub fn server_fact(server: &Name, release: &Agreement, is_live: bool, runs: &ReleaseName) -> ServerFact {
    let folder = release.folder_on(server);
    let is_there = !is_live || folder == runs;
    let (now, state) = if is_there { (folder, ServerState::Live) } else { (runs, ServerState::Behind) };
    ServerFact {
        name: server.clone(),
        before: None,
        now: Some(format!("releases/{now}")),
        state: Some(state),
    }
}
