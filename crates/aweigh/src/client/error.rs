//! Why the server did not do what was asked: sentences for people, with what to do next.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use api::{Code, Problem};

use super::{At, Place};

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers there.
    #[error("cannot reach Aweigh at {place}: {why}")]
    Unreachable {
        /// Where.
        place: String,
        /// Why, as a fragment.
        why: String,
        /// What to do next.
        hint: String,
        /// Whether that is so because no server runs there.
        is_absent: bool,
    },
    /// The connection broke, or time was over, after the request was sent: it may have been done.
    #[error("the connection to Aweigh at {place} broke: {why}")]
    Lost {
        /// Where.
        place: String,
        /// Why, as a fragment.
        why: String,
    },
    /// The server refused, or is in trouble.
    #[error("{}", sentence(*.status, .problem.as_deref()))]
    Answer {
        /// The HTTP status.
        status: u16,
        /// What it said; nothing when it was not Aweigh that answered.
        problem: Option<Box<Problem>>,
    },
    /// The server sends us elsewhere, where no token goes by itself.
    #[error("{place} answers that Aweigh is at {to:?}")]
    Moved {
        /// Who says so.
        place: String,
        /// Where it is said to be.
        to: String,
    },
    /// Something answers, and it is not this version of Aweigh.
    #[error("cannot understand what {place} answers: {source}")]
    Strange {
        /// Who.
        place: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The URL of a server cannot be used.
    #[error("{url:?} is not the address of a server: {why}")]
    BadUrl {
        /// The text.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file of `aweigh login` cannot be used.
    #[error("cannot use {}: {why}", .path.display())]
    BadLogin {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// The two kinds of trouble that scripts tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Aweigh cannot be reached, does not let us in, or is broken itself.
    Unreachable,
    /// Aweigh understood, and refused.
    Refused,
}

impl Error {
    /// An answer that is not a good one.
    pub fn answer(status: u16, problem: Option<Problem>) -> Self {
        Self::Answer { status, problem: problem.map(Box::new) }
    }

    /// Which kind of trouble it is.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Moved { .. } | Self::Strange { .. } => {
                Trouble::Unreachable
            }
            Self::Answer { status: 401 | 403 | 500.., .. } => Trouble::Unreachable,
            Self::Answer { .. } | Self::BadUrl { .. } | Self::BadLogin { .. } => Trouble::Refused,
        }
    }

    /// Whether the same question may be answered a moment later: the server restarts, the network is back.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } => true,
            Self::Answer { status, .. } => matches!(status, 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// Whether no server runs there. It is not known of one that may not be asked.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Unreachable { is_absent: true, .. })
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { hint, .. } => Some(hint.clone()),
            Self::Answer { status: 401, .. } => {
                Some("say `aweigh login URL`, or set AWEIGH_TOKEN to a token of that server".to_owned())
            }
            Self::Answer { problem: Some(problem), .. } => problem.hint.clone().or_else(|| ours(problem)),
            Self::Answer { status: 500.., .. } => Some("look into the log of `aweigh serve`".to_owned()),
            Self::Answer { .. } | Self::Strange { .. } => {
                Some("check that the address is the one of an Aweigh server of this version".to_owned())
            }
            Self::Moved { .. } => Some("use that address if you trust it".to_owned()),
            Self::BadLogin { .. } => Some("say `aweigh login URL` again, or remove the file".to_owned()),
            Self::Lost { .. } | Self::BadUrl { .. } => None,
        }
    }

    /// What is wrong in which field, for people: `projects.shop.keep: must be at least 1`.
    pub fn fields(&self) -> Vec<String> {
        let Self::Answer { problem: Some(problem), .. } = self else { return Vec::new() };
        let fields = problem.errors.iter().map(ToString::to_string);
        // One error is the sentence already.
        fields.filter(|field| *field != problem.detail).collect()
    }

    pub(super) fn local(place: &Place, source: &reqwest::Error) -> Self {
        Self::Unreachable {
            place: place.to_string(),
            why: deepest(source),
            hint: "install the certificates of authorities: apt-get install ca-certificates".to_owned(),
            is_absent: false,
        }
    }

    /// Why a request got no answer: before the connection stood, or after.
    pub(super) fn sending(place: &Place, source: &reqwest::Error) -> Self {
        if !source.is_connect() {
            return Self::lost(place, source);
        }
        let kind = io_kind(source);
        let (why, hint) = match (&place.at, kind) {
            (At::Socket(_), Some(io::ErrorKind::NotFound)) => ("no server runs there".to_owned(), START),
            (At::Socket(_), Some(io::ErrorKind::ConnectionRefused)) => {
                ("the server that made this socket does not run any more".to_owned(), START)
            }
            (At::Socket(_), Some(io::ErrorKind::PermissionDenied)) => (
                "this user may not use the socket".to_owned(),
                "run this as the user that runs `aweigh serve`, or set AWEIGH_URL and AWEIGH_TOKEN",
            ),
            (At::Socket(_), _) => (deepest(source), START),
            (At::Url(_), _) if source.is_timeout() => {
                ("no answer in time".to_owned(), "check the address and the firewalls in between")
            }
            (At::Url(_), Some(io::ErrorKind::ConnectionRefused)) => (
                "the connection is refused".to_owned(),
                "start it there with `aweigh serve`, or set AWEIGH_URL to where it runs",
            ),
            (At::Url(_), _) => (deepest(source), "check the address in AWEIGH_URL or of `aweigh login`"),
        };
        let is_absent = matches!(kind, Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused));
        Self::Unreachable { place: place.to_string(), why, hint: hint.to_owned(), is_absent }
    }

    /// An answer that did not begin in time.
    pub(super) fn late(place: &Place) -> Self {
        Self::Lost { place: place.to_string(), why: "no answer in time".to_owned() }
    }

    /// Why an answer did not come to its end.
    pub(super) fn lost(place: &Place, source: &reqwest::Error) -> Self {
        if source.is_timeout() {
            return Self::late(place);
        }
        Self::Lost { place: place.to_string(), why: deepest(source) }
    }
}

/// What to do on the command line about a problem for which the server has no advice.
fn ours(problem: &Problem) -> Option<String> {
    match (problem.code, problem.release) {
        (Code::Busy, Some(id)) => {
            Some(format!("wait in the queue with --queue, or stop it: aweigh cancel {id}"))
        }
        (Code::Duplicate, Some(id)) => Some(format!("watch it: aweigh watch {id}")),
        (Code::Internal, _) => Some("look into the log of `aweigh serve`".to_owned()),
        _ => None,
    }
}

const START: &str =
    "start one with `aweigh serve`, or set AWEIGH_URL and AWEIGH_TOKEN to use one that runs elsewhere";

fn sentence(status: u16, problem: Option<&Problem>) -> String {
    match problem {
        Some(problem) => problem.detail.clone(),
        None => format!("the answer is HTTP {status} without an explanation"),
    }
}

/// The last cause in a chain: libraries put the one that people understand there.
fn deepest(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// The kind of the first failure of the operating system in a chain.
fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.raw_os_error().is_some()
        {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::answering::{answer, answering};
    use super::super::{Ask, Client};
    use super::*;
    use serde_json::json;

    async fn failure(place: Place) -> Error {
        Client::new(place).unwrap().get_text(&Ask::at(&["board"])).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_problem_becomes_a_sentence_a_hint_and_fields() {
        let busy = json!({"type": "about:blank#busy", "title": "Busy", "status": 409, "code": "busy",
            "detail": "release 41 of ann is active", "release": 41});
        let invalid = json!({"type": "about:blank#invalid", "title": "Invalid", "status": 422, "code": "invalid",
            "detail": "2 things are wrong with the input", "hint": "mend them",
            "errors": [{"field": "keep", "message": "must be at least 1"}, {"field": "", "message": "is odd"}]});
        let (client, _) =
            answering(vec![answer(409, &busy), answer(422, &invalid), answer(502, &json!("<html>"))]).await;
        let mut errors = Vec::new();
        for _ in 0..3 {
            errors.push(client.get_text(&Ask::at(&["board"])).await.unwrap_err());
        }
        let told: Vec<_> = errors.iter().map(|error| (error.to_string(), error.trouble())).collect();
        assert_eq!(told[0], ("release 41 of ann is active".to_owned(), Trouble::Refused));
        assert!(errors[0].hint().unwrap().contains("aweigh cancel 41"));
        assert_eq!(errors[1].fields(), ["keep must be at least 1", "is odd"]);
        assert_eq!(errors[1].hint().as_deref(), Some("mend them"));
        assert_eq!(told[2].1, Trouble::Unreachable);
        assert!(errors[2].is_temporary());
    }

    #[tokio::test]
    async fn nobody_there_is_said_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let absent = failure(Place::socket(folder.path())).await;
        assert!(absent.to_string().contains("no server runs there"), "{absent}");
        assert!(absent.hint().unwrap().contains("aweigh serve"), "{absent}");

        drop(std::os::unix::net::UnixListener::bind(folder.path().join("aweigh.sock")).unwrap());
        let dead = failure(Place::socket(folder.path())).await;
        assert!(dead.to_string().contains("does not run any more"), "{dead}");

        // A port that was free a moment ago: nobody listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = At::Url(format!("http://127.0.0.1:{port}").parse().unwrap());
        let refused = failure(Place { at, token: None }).await;
        assert!(refused.to_string().contains("refused"), "{refused}");
        // Whatever is there cannot be looked at, as where a user may not open the socket.
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let unknown = failure(Place::socket(&file)).await;
        assert!(!unknown.is_absent(), "{unknown}");
        assert_eq!(unknown.trouble(), Trouble::Unreachable);
        for error in [absent, dead, refused] {
            assert!(error.is_absent(), "{error}");
            assert_eq!(error.trouble(), Trouble::Unreachable);
            assert!(error.is_temporary());
        }
    }
}
