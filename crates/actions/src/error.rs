//! Why an action was not done.

use engine::ports::{HostError, SourceError, SourceTrouble};
use model::{Name, ReleaseId, Status};
use store::SiteLock;

use crate::Denied;

/// One key of the input that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Path of the key.
    pub field: String,
    /// What is wrong, as a fragment that reads after the path.
    pub message: String,
}

impl Wrong {
    /// `message` about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why an action was not done. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The actor may not do it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No such user, or another password.
    #[error("the user or the password is wrong")]
    WrongPassword,
    /// No such code, or it was used or is too old.
    #[error(
        "the set-up link is not valid: it was used already, a newer one was made, or it is older than a day"
    )]
    WrongCode,
    /// Too many wrong passwords.
    #[error("too many wrong passwords: try again in {}", words(*wait))]
    TooManyTries {
        /// For how long nothing is tried.
        wait: std::time::Duration,
    },
    /// More passwords wait to be compared than there is room for.
    #[error("too many people sign in at this moment")]
    Crowded,
    /// More artifacts are pushed at once than there is room for.
    #[error("too many artifacts are pushed at this moment")]
    TooManyPushes,
    /// More shells are open than there is room for.
    #[error("too many shells are open at this moment")]
    TooManyShells,
    /// There is no such thing.
    #[error("there is no {what} {name}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is such a thing already.
    #[error("there is a {what} {name} already")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The input is wrong.
    #[error("the input is wrong")]
    Invalid(Vec<Wrong>),
    /// The ref is not there, hostile or ambiguous.
    #[error("{message}")]
    UnknownRef {
        /// What is wrong with which ref.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// The repository cannot be reached or read.
    #[error("{message}")]
    Repository {
        /// What happened to which repository.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// The server cannot be reached.
    #[error("{message}")]
    Server {
        /// What happened to which server.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// Another release holds the environment.
    #[error("release {id} of {project}/{environment} by {by} is not finished")]
    Busy {
        /// Which one.
        id: ReleaseId,
        /// Its project.
        project: String,
        /// Its environment.
        environment: String,
        /// Who made it.
        by: String,
    },
    /// Somebody does not want anybody else to release there.
    #[error("{project}/{environment} is locked{}: {reason}", by(owner.as_deref(), *until))]
    Locked {
        /// The project.
        project: String,
        /// The environment.
        environment: String,
        /// Whose lock it is; nobody's where Aweigh locked it by itself.
        owner: Option<String>,
        /// Why.
        reason: String,
        /// When it ends by itself.
        until: Option<jiff::Timestamp>,
    },
    /// The same is queued or running already.
    #[error("release {id} brings the same to the same servers already")]
    Duplicate {
        /// Which one.
        id: ReleaseId,
    },
    /// It has ended.
    #[error("release {id} has ended: {status}")]
    Finished {
        /// Which one.
        id: ReleaseId,
        /// How.
        status: Status,
    },
    /// It was removed, because it is older than the past is kept.
    #[error("the logs of release {id} were removed on {}: they are kept for some time only", at.strftime("%Y-%m-%d"))]
    LogRemoved {
        /// Of which release.
        id: ReleaseId,
        /// When.
        at: jiff::Timestamp,
    },
    /// What a shell showed was removed, because it is older than recordings are kept.
    #[error("recording {id} was removed on {}: recordings are kept for some time only", at.strftime("%Y-%m-%d"))]
    RecordingRemoved {
        /// Which one.
        id: i64,
        /// When.
        at: jiff::Timestamp,
    },
    /// Where it stands that cannot be done with it.
    #[error("release {id} is {status}: cannot {verb} it")]
    NotNow {
        /// Which one.
        id: ReleaseId,
        /// What it is.
        status: Status,
        /// What was wanted.
        verb: &'static str,
        /// What to do next.
        otherwise: &'static str,
    },
    /// It waits behind a batch, for somebody who says that the batch is good.
    #[error("release {id} waits behind a batch")]
    Waits {
        /// Which one.
        id: ReleaseId,
    },
    /// No good release to go back to.
    #[error("{0}")]
    NothingToRollBack(String),
    /// There is nothing to bring.
    #[error("{0}")]
    UpToDate(String),
    /// What stands on a server cannot be adopted as it is.
    #[error("{message}")]
    NotAdoptable {
        /// What is in the way, and on which server.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// Others refer to it.
    #[error("{0}")]
    Referenced(String),
    /// It was changed by somebody else meanwhile.
    #[error("{what} {name} was changed meanwhile")]
    Changed {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The disk of this machine is nearly full, and what is left is for the way back.
    #[error("{message}")]
    NoRoom {
        /// How much there is.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// What is brought is larger than what this machine takes at once.
    #[error("{0}")]
    SpoolFull(engine::adhoc::spool::Full),
    /// A shell showed more than is recorded of one.
    #[error("the shell was closed: its recording is as long as one may be, {mib} MiB")]
    RecordingFull {
        /// How long that is.
        mib: u64,
    },
    /// This machine could not do it.
    #[error("{message}")]
    Local {
        /// What happened.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
}

impl Error {
    /// One thing that is wrong with the input.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Wrong::new(field, message)])
    }

    /// An environment is locked.
    pub(crate) fn locked(project: &Name, environment: &Name, lock: SiteLock) -> Self {
        Self::Locked {
            project: project.to_string(),
            environment: environment.to_string(),
            owner: lock.owner,
            reason: lock.reason,
            until: lock.until,
        }
    }

    /// There is no `what` called `name`.
    pub fn missing(what: &'static str, name: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound { what, name: name.to_string() }
    }

    /// What to do next, where that helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownRef { hint, .. }
            | Self::Repository { hint, .. }
            | Self::Server { hint, .. }
            | Self::NotAdoptable { hint, .. }
            | Self::NoRoom { hint, .. }
            | Self::Local { hint, .. } => hint.clone(),
            Self::Busy { id, .. } => {
                Some(format!("wait for it, queue behind it, or stop it with `aweigh cancel {id}`"))
            }
            Self::LogRemoved { .. } => {
                Some("history.logs_days in server.toml says for how long; the release and its steps are still there".to_owned())
            }
            Self::RecordingRemoved { .. } => {
                Some("history.recordings_days in server.toml says for how long".to_owned())
            }
            Self::RecordingFull { .. } => {
                Some("open another one; `aweigh get` brings large files".to_owned())
            }
            Self::TooManyShells => Some("close one that is not needed".to_owned()),
            Self::NotNow { otherwise, .. } => Some((*otherwise).to_owned()),
            Self::Waits { id } => {
                Some(format!("look at the batch, then `aweigh promote {id}` or `aweigh cancel {id}`"))
            }
            Self::Locked { project, environment, .. } => Some(format!(
                "ask first; then `aweigh unlock {project} -e {environment}` takes the lock away, and a rollback needs no unlocking"
            )),
            Self::Duplicate { id } => Some(format!("follow it with `aweigh watch {id}`")),
            Self::Changed { .. } => Some("look at it again, then repeat".to_owned()),
            Self::TooManyTries { .. } => Some(
                "if it was not you who tried, your password is still safe; on the machine of Aweigh \
                 `aweigh users link USER` makes a new way in at once"
                    .to_owned(),
            ),
            Self::SpoolFull(_) => Some(
                "bring less at once, or say more in [limits] spool_size of server.toml".to_owned(),
            ),
            Self::Crowded | Self::TooManyPushes => Some("try again in a moment".to_owned()),
            Self::WrongCode => Some(
                "ask an administrator for a new one; on the machine of Aweigh: aweigh users link USER"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let SourceError { kind, message, hint } = error;
        match kind {
            SourceTrouble::UnknownRef => Self::UnknownRef { message, hint },
            SourceTrouble::Unreachable => Self::Repository { message, hint },
            SourceTrouble::Local => Self::Local { message, hint },
            SourceTrouble::NoRoom => Self::NoRoom { message, hint },
        }
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        Self::Server { message: error.message, hint: error.hint }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound { what, name } => Self::NotFound { what, name },
            store::Error::Referenced { .. } => Self::Referenced(error.to_string()),
            other => {
                let hint = other.hint().map(str::to_owned);
                Self::Local { message: other.to_string(), hint }
            }
        }
    }
}

/// Whose lock it is, and until when.
fn by(owner: Option<&str>, until: Option<jiff::Timestamp>) -> String {
    let by = owner.map(|owner| format!(" by {owner}")).unwrap_or_default();
    let until =
        until.map(|until| format!(" until {}", until.strftime("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
    by + &until
}

/// A time to wait, as people say it.
fn words(wait: std::time::Duration) -> String {
    match wait.as_secs().max(1) {
        seconds @ ..=90 => format!("{seconds} s"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}
