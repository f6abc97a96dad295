//! The policy: one table of what may be done, and the one function that everybody asks.

use std::fmt;

use model::{Name, ReleaseId};

use crate::Actor;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read servers, groups, credentials (never their secrets), hook templates, projects and environments.
    SeeDefinitions,
    /// Create, change or delete a server, group or credential.
    ChangeServers,
    /// Create, change or delete a project or environment.
    ChangeProjects,
    /// Store or forget a secret of a project, an environment or a server.
    ChangeSecrets,
    /// Create, change or delete a hook template.
    ChangeHooks,
    /// Run a hook on a server, outside of a release.
    TryHook,
    /// Run a command on servers, outside of a release.
    RunCommand,
    /// Bring files to servers, outside of a release.
    PutFiles,
    /// Bring files from servers.
    GetFiles,
    /// Apply a fleet file, which may do all of the above.
    Apply,
    /// Log in to a server, look whether releases can run there, and ask what it is.
    CheckServer,
    /// Type to a server: run anything there, as the user that Aweigh logs in as.
    Shell,
    /// Look at what shells showed.
    SeeRecordings,
    /// Decide which host key of a server is the right one.
    TrustServer,
    /// Read branches, tags, commits, differences and trees.
    SeeRepository,
    /// Bring a mirror up to date.
    FetchRepository,
    /// Decide which host key of a git host is the right one.
    TrustGitHost,
    /// Read releases, their trees, facts and logs, and the board.
    SeeReleases,
    /// Make a release or a rollback.
    Release,
    /// Keep a tree that was built elsewhere as an artifact.
    PushArtifact,
    /// Stop a release.
    Cancel,
    /// Have a release wait.
    Pause,
    /// Take a release up again that waits.
    Resume,
    /// Let a release go on behind a batch.
    Promote,
    /// Try servers once more.
    Retry,
    /// Leave servers out.
    Skip,
    /// Say that what servers run is right so.
    AcceptDrift,
    /// Take over what another tool brought to servers.
    Adopt,
    /// Lock and unlock an environment.
    Lock,
    /// Speak beside a release or a project.
    Chat,
    /// Read who did what.
    SeeAudit,
    /// See which master key is in use, and replace it.
    ReplaceMasterKey,
    /// See how the machine of Aweigh is.
    SeeMachine,
    /// Make and remove users.
    ManageUsers,
    /// Change one's own password, sessions and tokens.
    OwnAccount,
}

/// What it is to be done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object<'a> {
    /// Everything of the installation.
    Installation,
    /// One server.
    Server(&'a Name),
    /// One credential.
    Credential(&'a Name),
    /// One hook template.
    Hook(&'a Name),
    /// One project.
    Project(&'a Name),
    /// One environment of a project.
    Environment(&'a Name, &'a Name),
    /// One release.
    Release(ReleaseId),
    /// One user.
    User(&'a Name),
}

impl fmt::Display for Object<'_> {
    /// As the audit log has it: `server:web-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Server(name) => write!(f, "server:{name}"),
            Self::Credential(name) => write!(f, "credential:{name}"),
            Self::Hook(name) => write!(f, "hook:{name}"),
            Self::Project(name) => write!(f, "project:{name}"),
            Self::Environment(project, name) => write!(f, "environment:{project}/{name}"),
            Self::Release(id) => write!(f, "release:{id}"),
            Self::User(name) => write!(f, "user:{name}"),
        }
    }
}

/// What an actor may be to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// Known, and no more.
    Nobody,
    /// May do everything.
    Administrator,
}

/// The least role that each action takes. An action without a row is denied to everybody.
const TABLE: &[(Action, Role)] = &[
    (Action::SeeDefinitions, Role::Administrator),
    (Action::ChangeServers, Role::Administrator),
    (Action::ChangeProjects, Role::Administrator),
    (Action::ChangeSecrets, Role::Administrator),
    (Action::ChangeHooks, Role::Administrator),
    (Action::TryHook, Role::Administrator),
    (Action::RunCommand, Role::Administrator),
    (Action::PutFiles, Role::Administrator),
    (Action::GetFiles, Role::Administrator),
    (Action::Apply, Role::Administrator),
    (Action::CheckServer, Role::Administrator),
    (Action::Shell, Role::Administrator),
    (Action::SeeRecordings, Role::Administrator),
    (Action::TrustServer, Role::Administrator),
    (Action::SeeRepository, Role::Administrator),
    (Action::FetchRepository, Role::Administrator),
    (Action::TrustGitHost, Role::Administrator),
    (Action::SeeReleases, Role::Administrator),
    (Action::Release, Role::Administrator),
    (Action::PushArtifact, Role::Administrator),
    (Action::Cancel, Role::Administrator),
    (Action::Pause, Role::Administrator),
    (Action::Resume, Role::Administrator),
    (Action::Promote, Role::Administrator),
    (Action::Retry, Role::Administrator),
    (Action::Skip, Role::Administrator),
    (Action::AcceptDrift, Role::Administrator),
    (Action::Adopt, Role::Administrator),
    (Action::Lock, Role::Administrator),
    (Action::Chat, Role::Administrator),
    (Action::SeeAudit, Role::Administrator),
    (Action::ReplaceMasterKey, Role::Administrator),
    (Action::SeeMachine, Role::Administrator),
    (Action::ManageUsers, Role::Administrator),
    (Action::OwnAccount, Role::Nobody),
];

/// The actor may not do that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{actor} may not do that")]
pub struct Denied {
    /// Who asked.
    pub actor: String,
}

/// Whether `actor` may do `action` to `object`. The only place where this is decided.
pub fn authorize(actor: &Actor, action: Action, object: &Object<'_>) -> Result<(), Denied> {
    let least = TABLE.iter().find(|(row, _)| *row == action).map(|(_, least)| *least);
    match least {
        Some(least) if role(actor, object) >= least => Ok(()),
        _ => Err(Denied { actor: actor.name.clone() }),
    }
}

/// The administrator is the only role so far, and it is the same everywhere.
fn role(actor: &Actor, _object: &Object<'_>) -> Role {
    if actor.administrator { Role::Administrator } else { Role::Nobody }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_one_row_and_nobody_gets_only_their_own_account() {
        let nobody = Actor { name: "nobody".into(), administrator: false };
        for (index, (action, _)) in TABLE.iter().enumerate() {
            assert!(!TABLE[..index].iter().any(|(row, _)| row == action), "{action:?} has two rows");
            assert!(authorize(&Actor::administrator("admin"), *action, &Object::Installation).is_ok());
            let own = *action == Action::OwnAccount;
            assert_eq!(authorize(&nobody, *action, &Object::Installation).is_ok(), own, "{action:?}");
            assert_eq!(
                authorize(&nobody, *action, &Object::Release(ReleaseId(1))).is_ok(),
                own,
                "{action:?}"
            );
        }
    }
}
