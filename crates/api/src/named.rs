//! A spec with its name: how one thing of a list is created and shown.

use model::Name;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{FieldError, FieldErrors, read};

/// `name` beside the keys of a spec.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Named<T> {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// Everything else.
    #[serde(flatten)]
    pub spec: T,
}

impl<T: DeserializeOwned> Named<T> {
    /// Reads one, telling every key that does not fit.
    pub fn read(mut value: Value) -> Result<Self, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let name = value.as_object_mut().and_then(|table| table.remove("name"));
        let name = match name.unwrap_or_default() {
            Value::String(text) => errors.take("name", text.parse::<Name>()),
            Value::Null => errors.take("name", Err::<Name, _>("is missing")),
            _ => errors.take("name", Err::<Name, _>("must be a string")),
        };
        let spec = errors.nest("", read::<T>(value));
        errors.finish(name.zip(spec).map(|(name, spec)| Self { name, spec }))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(value).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            D::Error::custom(all.join("; "))
        })
    }
}
