//! Why a step did not work, and why a release cannot simply go on.

use model::NodeFact;

use crate::ports::{HostError, JournalError, SourceError};

/// What happened to which thing, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One sentence without a period, naming the thing.
    pub message: String,
    /// The next step, where there is one.
    pub hint: Option<String>,
    /// The server could not be reached at all.
    pub unreachable: bool,
}

impl Failure {
    /// A failure without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, unreachable: false }
    }

    /// The same failure with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Message and advice as the reason of a node.
    pub fn reason(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}: {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self { message: error.message, hint: error.hint, unreachable: error.kind.is_unreachable() }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self { message: error.message, hint: error.hint, unreachable: false }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("the control host could not do it: {error}"))
    }
}

/// Where a release waits, and for what.
#[derive(Debug, Clone)]
pub struct Hold {
    /// For what.
    pub reason: String,
    /// The node that waits, and what is kept of it, when the release does not wait between two steps.
    pub node: Option<(NodeFact, serde_json::Value)>,
}

/// Why the pipeline stopped.
#[derive(Debug, Clone)]
pub enum Halt {
    /// A step failed; its node says why.
    Failed(Failure),
    /// Somebody asked the release to stop.
    Stopped,
    /// The server is left out because somebody asked for it.
    Skipped,
    /// The release waits for a person.
    Held(Box<Hold>),
    /// It is not known whether a hook ran; a person decides.
    Unknown(String),
    /// We do not own the release any more, or cannot record: nothing may be done or said.
    Journal(JournalError),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<JournalError> for Halt {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}
