//! Field errors: what is wrong with which key, collected until all of the input was looked at.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that is wrong with the input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Path of the key, such as `projects.shop.environments.production.path`; empty for the input as a whole.
    pub field: String,
    /// What is wrong, as a fragment that reads after the path.
    pub message: String,
}

impl FieldError {
    /// `message` about `field`.
    pub fn new(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }

    /// The same, seen from the table `prefix` is in.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.field = join(prefix, &self.field);
        self
    }

    /// The same, seen from inside the table `prefix`; unchanged where it is about something else.
    #[must_use]
    pub fn inside(mut self, prefix: &str) -> Self {
        if let Some(rest) = self.field.strip_prefix(prefix)
            && (rest.is_empty() || rest.starts_with(['.', '[']))
        {
            self.field = rest.trim_start_matches('.').to_owned();
        }
        self
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{} {}", self.field, self.message)
        }
    }
}

/// `outer.inner`, without a dot where one of them is empty or `inner` begins with an index.
fn join(outer: &str, inner: &str) -> String {
    let dot = if outer.is_empty() || inner.is_empty() || inner.starts_with('[') { "" } else { "." };
    format!("{outer}{dot}{inner}")
}

/// Everything found wrong so far.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Adds `message` about `field`.
    pub fn add(&mut self, field: impl Into<String>, message: impl fmt::Display) {
        self.0.push(FieldError::new(field, message));
    }

    /// Adds `message` about `field` when `wrong`.
    pub fn add_if(&mut self, wrong: bool, field: impl Into<String>, message: impl fmt::Display) {
        if wrong {
            self.add(field, message);
        }
    }

    /// The value, or `None` and its error about `field`.
    pub fn take<T, E: fmt::Display>(&mut self, field: impl Into<String>, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error)).ok()
    }

    /// The value of a table, or `None` and its errors, each under `prefix`.
    pub fn nest<T>(&mut self, prefix: &str, result: Result<T, Vec<FieldError>>) -> Option<T> {
        result.map_err(|errors| self.extend(prefix, errors)).ok()
    }

    /// Adds `errors`, each under `prefix`.
    pub fn extend(&mut self, prefix: &str, errors: impl IntoIterator<Item = FieldError>) {
        self.0.extend(errors.into_iter().map(|error| error.under(prefix)));
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` when nothing is wrong, else all errors. A missing value must have left an error.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_and_come_apart() {
        let error = FieldError::new("timeout", "is missing").under("health[0]").under("projects.shop");
        assert_eq!(error.to_string(), "projects.shop.health[0].timeout is missing");
        assert_eq!(error.clone().inside("projects.shop").field, "health[0].timeout");
        assert_eq!(error.clone().inside("projects.sho").field, error.field);
        assert_eq!(FieldError::new("[1]", "x").under("linked_files").field, "linked_files[1]");
    }
}
