//! Refusals: the one place where errors become statuses. Problems are `application/problem+json` (RFC 9457).

use actions::Error;
use api::{Code, FieldError, Problem};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// A problem as an answer; with it the seconds after which to try again, where that is known.
#[derive(Debug)]
pub struct Refusal(Box<Problem>, Option<u64>);

impl Refusal {
    /// What is wrong.
    pub(crate) fn problem(&self) -> &Problem {
        &self.0
    }

    /// The same with other field errors; unchanged where there are none.
    pub(crate) fn map_errors(self, map: impl FnOnce(Vec<FieldError>) -> Vec<FieldError>) -> Self {
        if self.0.code == Code::Invalid && !self.0.errors.is_empty() {
            map(self.0.errors).into()
        } else {
            self
        }
    }
}

/// The refusal of what a browser sends with somebody's cookie, but not from a page of ours.
pub(crate) fn foreign() -> Refusal {
    let mut problem = Problem::new(Code::Forbidden, "the request does not come from Aweigh's own page");
    problem.hint = Some(
        "open the page under its own address; a proxy in front has to pass the header Host on as it is"
            .to_owned(),
    );
    problem.into()
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem), None)
    }
}

impl From<Vec<FieldError>> for Refusal {
    fn from(errors: Vec<FieldError>) -> Self {
        Problem::invalid(errors).into()
    }
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        vec![error].into()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if let Error::Invalid(wrong) = error {
            let fields = wrong.into_iter().map(|wrong| FieldError::new(wrong.field, wrong.message));
            return fields.collect::<Vec<_>>().into();
        }
        if let Error::Local { message, .. } = &error {
            tracing::error!(%message, "a request failed");
        }
        let wait = match &error {
            // Up to whole seconds: who comes earlier is refused again.
            Error::TooManyTries { wait } => Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            Error::Crowded => Some(1),
            Error::TooManyPushes | Error::TooManyShells => Some(30),
            _ => None,
        };
        let mut problem = Problem::new(code(&error), error.to_string());
        problem.hint = error.hint();
        problem.release = match &error {
            Error::Busy { id, .. }
            | Error::Duplicate { id }
            | Error::Finished { id, .. }
            | Error::Waits { id } => Some(id.0),
            _ => None,
        };
        Self(Box::new(problem), wait)
    }
}

fn code(error: &Error) -> Code {
    match error {
        Error::Denied(_) => Code::Forbidden,
        Error::WrongPassword => Code::Unauthenticated,
        Error::TooManyTries { .. } | Error::Crowded | Error::TooManyPushes | Error::TooManyShells => {
            Code::TooManyAttempts
        }
        Error::NotFound { .. } => Code::NotFound,
        Error::LogRemoved { .. } | Error::RecordingRemoved { .. } => Code::Gone,
        Error::Exists { .. } | Error::Duplicate { .. } => Code::Duplicate,
        Error::Invalid(_) | Error::WrongCode => Code::Invalid,
        Error::UnknownRef { .. } => Code::UnknownRef,
        Error::Repository { .. } => Code::RepositoryUnreachable,
        Error::Server { .. } => Code::ServerUnreachable,
        Error::Busy { .. } | Error::NotNow { .. } => Code::Busy,
        Error::Locked { .. } => Code::Locked,
        Error::Finished { .. } => Code::Finished,
        Error::NothingToRollBack(_) => Code::NothingToRollBack,
        Error::UpToDate(_) => Code::UpToDate,
        Error::NotAdoptable { .. } => Code::NotAdoptable,
        Error::Referenced(_) | Error::Changed { .. } | Error::Waits { .. } => Code::Held,
        Error::NoRoom { .. } => Code::NoRoom,
        Error::SpoolFull(_) | Error::RecordingFull { .. } => Code::TooLarge,
        Error::Local { .. } => Code::Internal,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A problem is texts and numbers only, which always serialize.
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut answer = (status, [(CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.1 {
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        answer
    }
}
