//! Reading: from any JSON value to a spec, with the path of everything that does not fit.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::closest::suggestion;
use crate::{FieldError, FieldErrors};

/// After so many errors the rest is not looked at.
const MOST: usize = 50;

/// Reads a `T`.
///
/// A key that does not fit is told with its full path, then left out, so that one call finds them all. Unknown
/// keys and words get a suggestion.
pub fn read<T: DeserializeOwned>(mut value: Value) -> Result<T, Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    loop {
        match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(read) => return errors.finish(Some(read)),
            Err(error) => {
                let (field, message) = told(error.path(), &error.inner().to_string());
                errors.add(field, message);
                if errors.len() >= MOST || !leave_out(&mut value, error.path()) {
                    return errors.finish(None);
                }
            }
        }
    }
}

/// What serde says of `path`, in our words.
fn told(path: &Path, message: &str) -> (String, String) {
    let field = if path.iter().len() == 0 { String::new() } else { path.to_string() };
    // The words between backticks: what was written first, then what was expected.
    let mut words = message.split('`').skip(1).step_by(2);
    let first = words.next().unwrap_or_default();
    if message.starts_with("unknown field") {
        return (field, format!("is not a known key{}", suggestion(first, words)));
    }
    if message.starts_with("unknown variant") {
        let expected: Vec<&str> = words.collect();
        let near = suggestion(first, expected.iter().copied());
        return (field, format!("must be one of {}, not {first}{near}", expected.join(", ")));
    }
    if message.starts_with("missing field") {
        return (FieldError::new(first, "").under(&field).field, "is missing".to_owned());
    }
    if message.starts_with("duplicate field") {
        return (field, "is given twice".to_owned());
    }
    let kind = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let said = match kind.and_then(|rest| rest.split_once(", expected ")) {
        Some((found, expected)) => format!("must be {}, not {}", wanted(expected), kind_of(found)),
        None => message.to_owned(),
    };
    (field, said)
}

/// What is expected there, in words of people.
fn wanted(expected: &str) -> &str {
    match expected {
        "i64" | "u64" | "i32" | "u32" | "u16" | "u8" | "usize" => "a whole number",
        "a boolean" => "true or false",
        "a string" => "a text",
        _ if expected.starts_with("struct ") => "a table",
        _ => expected,
    }
}

/// What was found, without its value: that may be a secret in the wrong place.
fn kind_of(found: &str) -> &str {
    let word = |text: &'static str, kind: &'static str| found.starts_with(text).then_some(kind);
    let words = [
        word("string", "a text"),
        word("integer", "a number"),
        word("floating point", "a number"),
        word("boolean", "true or false"),
        word("null", "nothing"),
        word("unit", "nothing"),
        word("sequence", "a list"),
        word("map", "a table"),
    ];
    words.into_iter().flatten().next().unwrap_or("something else")
}

/// Removes the key at `path`; `false` when its last part is not a key of a table.
fn leave_out(value: &mut Value, path: &Path) -> bool {
    let mut keys = path.iter().collect::<Vec<_>>();
    let Some(Segment::Map { key: last }) = keys.pop() else { return false };
    let mut table = value;
    for key in keys {
        let inner = match key {
            Segment::Map { key } => table.get_mut(key.as_str()),
            Segment::Seq { index } => table.get_mut(*index),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        match inner {
            Some(inner) => table = inner,
            None => return false,
        }
    }
    table.as_object_mut().is_some_and(|table| table.remove(last.as_str()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fleet;

    #[test]
    fn every_misfit_is_told_with_its_path() {
        let value = serde_json::json!({
            "servrs": {},
            "servers": {"web-1": {"hots": "10.0.0.1", "port": "22", "labels": {"role": 5}}},
            "credentials": {"deploy": {"kind": "ssh-kee"}},
            "projects": {"shop": {"defaults": {"hooks": {"after_upload": [{"runn": "x"}]}, "keep": true}}},
        });
        let mut told: Vec<String> =
            read::<Fleet>(value).unwrap_err().iter().map(ToString::to_string).collect();
        told.sort();
        assert_eq!(
            told,
            [
                "credentials.deploy.kind must be one of ssh-key, ssh-password, ssh-agent, git-key, git-token, \
                 not ssh-kee; did you mean `ssh-key`?",
                "projects.shop.defaults.hooks.after_upload[0].runn is not a known key; did you mean `run`?",
                "projects.shop.defaults.keep must be a whole number, not true or false",
                "servers.web-1.hots is not a known key; did you mean `host`?",
                "servers.web-1.labels.role must be a string or a list, not a number",
                "servers.web-1.port must be a whole number, not a text",
                "servrs is not a known key; did you mean `servers`?",
            ]
        );
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_told() {
        let value = serde_json::json!({
            "projects": {"shop": {"secrets": {"TOKEN": "s3cr3t-value"}}},
            "credentials": {"deploy": {"kind": "ssh-password", "secret": 918_273_645}},
        });
        let mut told: Vec<String> =
            read::<Fleet>(value).unwrap_err().iter().map(ToString::to_string).collect();
        told.sort();
        assert_eq!(
            told,
            [
                "credentials.deploy.secret must be a text, not a number",
                "projects.shop.secrets.TOKEN must be a table, not a text",
            ]
        );
    }

    #[test]
    fn a_flood_of_errors_ends() {
        let wild: serde_json::Map<String, Value> = (0..500).map(|n| (format!("x{n}"), Value::Null)).collect();
        assert_eq!(read::<Fleet>(Value::Object(wild)).unwrap_err().len(), MOST);
        assert_eq!(read::<Fleet>(Value::Null).unwrap_err().len(), 1);
    }
}
