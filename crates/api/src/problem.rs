//! Problems: errors on the wire, RFC 9457 with a stable code.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::FieldError;

/// Stable words by which a program tells errors apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No token, or an unknown one.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// No such thing, or a foreign one.
    NotFound,
    /// It was there, and was removed because it is old.
    Gone,
    /// The input does not fit; see `errors`.
    Invalid,
    /// The ref does not exist or is hostile.
    UnknownRef,
    /// The repository cannot be reached.
    RepositoryUnreachable,
    /// The server cannot be reached.
    ServerUnreachable,
    /// Another release holds the environment.
    Busy,
    /// The same thing exists or is under way already.
    Duplicate,
    /// The environment is locked.
    Locked,
    /// It has ended.
    Finished,
    /// Something else needs it, or holds it.
    Held,
    /// There is no good release to go back to.
    NothingToRollBack,
    /// Every server runs it already.
    UpToDate,
    /// What stands on a server cannot be adopted as it is.
    NotAdoptable,
    /// The disk of Aweigh is nearly full, and what is left is for the way back.
    NoRoom,
    /// No such method here.
    MethodNotAllowed,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON.
    NotJson,
    /// It took too long.
    Timeout,
    /// A WebSocket is expected here.
    NotUpgraded,
    /// Too many tries; `Retry-After` says when the next one counts.
    TooManyAttempts,
    /// Our fault.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 24] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Gone,
        Self::Invalid,
        Self::UnknownRef,
        Self::RepositoryUnreachable,
        Self::ServerUnreachable,
        Self::Busy,
        Self::Duplicate,
        Self::Locked,
        Self::Finished,
        Self::Held,
        Self::NothingToRollBack,
        Self::UpToDate,
        Self::NotAdoptable,
        Self::NoRoom,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::NotJson,
        Self::Timeout,
        Self::NotUpgraded,
        Self::TooManyAttempts,
        Self::Internal,
    ];

    /// The HTTP status that goes with it (RFC 9110 section 15).
    pub fn status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Timeout => 408,
            Self::Busy
            | Self::Duplicate
            | Self::Locked
            | Self::Finished
            | Self::Held
            | Self::NothingToRollBack
            | Self::UpToDate
            | Self::NotAdoptable
            | Self::NoRoom => 409,
            Self::Gone => 410,
            Self::TooLarge => 413,
            Self::NotJson => 415,
            Self::Invalid | Self::UnknownRef | Self::RepositoryUnreachable | Self::ServerUnreachable => 422,
            Self::NotUpgraded => 426,
            Self::TooManyAttempts => 429,
            Self::Internal => 500,
        }
    }

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Gone => "gone",
            Self::Invalid => "invalid",
            Self::UnknownRef => "unknown_ref",
            Self::RepositoryUnreachable => "repository_unreachable",
            Self::ServerUnreachable => "server_unreachable",
            Self::Busy => "busy",
            Self::Duplicate => "duplicate",
            Self::Locked => "locked",
            Self::Finished => "finished",
            Self::Held => "held",
            Self::NothingToRollBack => "nothing_to_roll_back",
            Self::UpToDate => "up_to_date",
            Self::NotAdoptable => "not_adoptable",
            Self::NoRoom => "no_room",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::NotJson => "not_json",
            Self::Timeout => "timeout",
            Self::NotUpgraded => "not_upgraded",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Internal => "internal",
        }
    }

    /// A few words for people, the same for every problem of this code.
    pub fn title(self) -> &'static str {
        match self {
            Self::Unauthenticated => "Not signed in",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::Gone => "Removed",
            Self::Invalid => "Invalid input",
            Self::UnknownRef => "Unknown ref",
            Self::RepositoryUnreachable => "Repository cannot be reached",
            Self::ServerUnreachable => "Server cannot be reached",
            Self::Busy => "Another release is active",
            Self::Duplicate => "Already there",
            Self::Locked => "Locked",
            Self::Finished => "Already ended",
            Self::Held => "In use",
            Self::NothingToRollBack => "Nothing to roll back to",
            Self::UpToDate => "Up to date already",
            Self::NotAdoptable => "Cannot be adopted",
            Self::NoRoom => "No room on the disk",
            Self::MethodNotAllowed => "Method not allowed",
            Self::TooLarge => "Too large",
            Self::NotJson => "Not JSON",
            Self::Timeout => "Timed out",
            Self::NotUpgraded => "Not a WebSocket",
            Self::TooManyAttempts => "Too many tries",
            Self::Internal => "Internal error",
        }
    }
}

/// An error as it is answered, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URI reference that names the kind of problem: `about:blank#CODE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: Code,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The release that is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<i64>,
    /// What is wrong with which key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem with this code and sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("about:blank#{}", code.word()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            hint: None,
            release: None,
            errors: Vec::new(),
        }
    }

    /// Input that does not fit.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.to_string(),
            many => format!("{} things are wrong with the input", many.len()),
        };
        Self { errors, ..Self::new(Code::Invalid, detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_words_of_the_contract() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.word());
            assert!((400..=500).contains(&code.status()));
        }
        let problem = Problem::new(Code::Busy, "release 7 is running");
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!((json["status"].as_u64(), json["code"].as_str()), (Some(409), Some("busy")));
        assert!(json.get("errors").is_none());
    }
}
