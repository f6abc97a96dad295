//! Bodies: JSON, of limited size, without duplicate keys.

use std::fmt;
use std::time::Duration;

use api::{Code, FieldError, Problem};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::Refusal;

/// The longest that a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// The JSON value of a body; `null` where there is no body at all.
pub(crate) struct Json(pub(crate) Value);

impl Json {
    /// The value as a `T`, or every key that does not fit.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Refusal> {
        Ok(api::read(self.0)?)
    }

    /// The same; an absent body is a `T` that says nothing.
    pub(crate) fn read_or_default<T: DeserializeOwned + Default>(self) -> Result<T, Refusal> {
        if self.0.is_null() { Ok(T::default()) } else { self.read() }
    }
}

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let json = is_json(request.headers());
        let bytes = tokio::time::timeout(ARRIVAL, Bytes::from_request(request, state)).await;
        let late = || Problem::new(Code::Timeout, "the body did not arrive in time");
        let bytes = bytes.map_err(|_| late())?.map_err(|rejection| {
            if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(Code::TooLarge, "the body is too large")
            } else {
                Problem::new(Code::Invalid, "the body could not be read")
            }
        })?;
        if bytes.is_empty() {
            return Ok(Self(Value::Null));
        }
        if !json {
            return Err(Problem::new(
                Code::NotJson,
                "the body must be sent as Content-Type: application/json",
            )
            .into());
        }
        let Strict(value) = serde_json::from_slice(&bytes)
            .map_err(|error| FieldError::new("", format_args!("the body is not JSON: {error}")))?;
        Ok(Self(value))
    }
}

/// Whether the body says that it is JSON. A form of another site cannot say so.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/merge-patch+json"].iter().any(|json| kind.eq_ignore_ascii_case(json))
}

/// A JSON value in which no table has a key twice: of two equal keys people and programs read different ones.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((key, Strict(value))) = table.next_entry::<String, Strict>()? {
            if values.contains_key(&key) {
                let key: String = key.chars().take(60).collect();
                return Err(A::Error::custom(format_args!("the key {key:?} is given twice")));
            }
            values.insert(key, value);
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_json_is_read() {
        let read = |text: &str| serde_json::from_str::<Strict>(text).map(|strict| strict.0);
        let good = r#"{"a": [1, -2, 1.5, null, true, "x"], "b": {"a": 1}}"#;
        assert_eq!(read(good).unwrap(), serde_json::from_str::<Value>(good).unwrap());
        let deep = "[".repeat(100_000);
        for bad in [
            r#"{"a": 1, "a": 2}"#,
            r#"{"x": {"a": 1, "a": 1}}"#,
            "NaN",
            "1e999",
            r#""\ud800""#,
            "{} x",
            &deep,
        ] {
            assert!(read(bad).is_err(), "{}", bad.chars().take(40).collect::<String>());
        }
    }
}
