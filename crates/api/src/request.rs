//! What is asked for when a release is made.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

use crate::Node;

/// Body of `POST /releases`. Exactly one of `ref`, `rollback_to`, `catch_up`, `from` and `artifact` is given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one key that people write")]
pub struct ReleaseRequest {
    /// The project's name.
    #[serde(default)]
    #[schema(required)]
    pub project: String,
    /// The environment's name.
    #[serde(default)]
    #[schema(required)]
    pub environment: String,
    /// A branch, a tag or a commit.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// A good release of this environment, or `previous`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = rollback_to)]
    pub rollback_to: Option<RollbackTo>,
    /// Another environment of the project: bring what is live there, the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The hash of an artifact of the project, or its first six digits and more: bring it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
    /// Bring the live release to servers that do not run it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub catch_up: bool,
    /// Selector: only these servers of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<String>,
    /// A sentence for the others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 2000)]
    pub note: String,
    /// Wait for another release of this environment instead of being refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub queue: bool,
    /// Wait, too, and take the place of those that wait already: they end `superseded`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub supersede: bool,
    /// Only for a rollback: end the release that is under way wherever it stands, and go back at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub now: bool,
}

/// Body of `PUT …/environments/{environment}/lock`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockRequest {
    /// Why nobody is to release there.
    #[serde(default)]
    #[schema(required, max_length = 2000)]
    pub reason: String,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The lock of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockView {
    /// Who may release all the same; nobody where Aweigh locked it behind a rollback.
    pub owner: Option<String>,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
}

/// Body of `POST /releases/{release}/skip` and `/retry`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServersRequest {
    /// Selector of servers of the release. `retry` without it means all that failed or were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "web-3")]
    pub servers: Option<String>,
}

/// Which release comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollbackTo {
    /// The newest good one older than the origin of the live one.
    Previous,
    /// This one.
    Release(i64),
}

impl Serialize for RollbackTo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Previous => serializer.serialize_str("previous"),
            Self::Release(id) => serializer.serialize_i64(*id),
        }
    }
}

impl<'de> Deserialize<'de> for RollbackTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = RollbackTo;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a release's number or \"previous\"")
            }

            fn visit_i64<E: Error>(self, id: i64) -> Result<RollbackTo, E> {
                Ok(RollbackTo::Release(id))
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<RollbackTo, E> {
                // No release has a number beyond the largest; it is unknown, not malformed.
                Ok(RollbackTo::Release(i64::try_from(id).unwrap_or(i64::MAX)))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<RollbackTo, E> {
                let wrong = || E::invalid_value(serde::de::Unexpected::Str(word), &self);
                if word == "previous" { Ok(RollbackTo::Previous) } else { Err(wrong()) }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

fn rollback_to() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["previous"]));
    OneOfBuilder::new().item(number).item(word).into()
}

/// Answer of `POST /releases?plan=1`: what a release would do. Nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleasePlan {
    /// What was asked for.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// What that is.
    pub commit: String,
    /// The servers.
    pub servers: Vec<String>,
    /// The tree, parents first.
    pub nodes: Vec<Node>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_names_a_number_or_previous() {
        for (json, expected) in [
            ("7", Some(RollbackTo::Release(7))),
            ("\"previous\"", Some(RollbackTo::Previous)),
            ("\"7\"", None),
            ("1.5", None),
            ("null", None),
        ] {
            assert_eq!(serde_json::from_str::<RollbackTo>(json).ok(), expected, "{json}");
        }
    }
}
