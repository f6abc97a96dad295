//! What stands in the URL: names and numbers in the path, parameters in the query.

use std::collections::HashMap;
use std::str::FromStr;

use actions::Error;
use api::FieldError;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use model::{Name, ReleaseId};

use crate::error::Refusal;

/// The values in the path.
pub(crate) struct Place(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // What is no UTF-8 names nothing.
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        Ok(Self(path.map(|Path(values)| values).unwrap_or_default()))
    }
}

impl Place {
    /// The name of a `what`. What cannot be a name names nothing, so it is not found.
    pub(crate) fn name(&self, what: &'static str) -> Result<Name, Refusal> {
        let text = self.text(what);
        text.parse().map_err(|_| Error::missing(what, &cut(text)).into())
    }

    /// The number of a release.
    pub(crate) fn release(&self) -> Result<ReleaseId, Refusal> {
        let text = self.text("release");
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let id = text.parse().ok().filter(|_| digits).map(ReleaseId);
        id.ok_or_else(|| Error::missing("release", &cut(text)).into())
    }

    /// The text itself, which may be anything.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0.get(key).map(String::as_str).unwrap_or_default()
    }
}

/// What is echoed back is cut, so that a hostile text cannot flood a log.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// What makes a repeated request known as such.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Option<String> {
    headers.get("idempotency-key").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The parameters of the query, read by name.
pub(crate) struct Parameters(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = Query::<HashMap<String, String>>::from_request_parts(parts, state).await;
        query
            .map(|Query(values)| Self(values))
            .map_err(|_| FieldError::new("", "the query of the URL cannot be read").into())
    }
}

impl Parameters {
    /// The text of `key`; an empty one counts as absent.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Whether `key` is set: `1` or `true`.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, FieldError> {
        match self.text(key) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(FieldError::new(key, "must be 1 or 0")),
        }
    }

    /// The value of `key`, or that it is not `expected`.
    pub(crate) fn value<T: FromStr>(&self, key: &str, expected: &str) -> Result<Option<T>, FieldError> {
        let wrong = |_| FieldError::new(key, format_args!("must be {expected}"));
        self.text(key).map(str::parse).transpose().map_err(wrong)
    }

    /// A number from 0.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, FieldError> {
        if self.text(key).is_some_and(|text| text.starts_with('+')) {
            return Err(FieldError::new(key, "must be a number from 0"));
        }
        self.value(key, "a number from 0")
    }

    /// How many things are wanted, at most `most`.
    pub(crate) fn limit(&self, usual: u64, most: u64) -> Result<u64, FieldError> {
        let expected = format!("a number from 1 to {most}");
        let said = self.value("limit", &expected)?.unwrap_or(usual);
        let wrong = || FieldError::new("limit", format_args!("must be {expected}"));
        Some(said).filter(|said| (1..=most).contains(said)).ok_or_else(wrong)
    }
}
