//! People: signing in, users, sessions and tokens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// Signs in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The user's name.
    pub user: String,
    /// The user's password.
    #[schema(value_type = String, write_only)]
    pub password: Secret,
}

/// Sets a password with the one-time code of a set-up link, and signs in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// What stands behind `#` in the link.
    #[schema(value_type = String, write_only)]
    pub code: Secret,
    /// The new password: 10 characters or more.
    #[schema(value_type = String, write_only)]
    pub password: Secret,
}

/// Changes one's own password.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    #[schema(value_type = String, write_only)]
    pub current: Secret,
    /// The new one: 10 characters or more.
    #[schema(value_type = String, write_only)]
    pub password: Secret,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user's name.
    pub user: String,
    /// Whether they may do everything.
    pub administrator: bool,
    /// The session, where they signed in with a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionView>,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// What it is called.
    pub id: String,
    /// When somebody signed in.
    pub created_at: Timestamp,
    /// When it was used last, to a few minutes.
    pub seen_at: Timestamp,
    /// When it ends if it is not used any more.
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
    /// What the browser said that it is.
    pub agent: String,
}

/// A user. Every user is an administrator until there are roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// The name.
    pub name: String,
    /// Whether they may do everything.
    pub administrator: bool,
    /// When the user was made.
    pub created_at: Timestamp,
    /// Whether they have a password, so that they can sign in.
    pub has_password: bool,
    /// The link that sets their password: works once and for 24 hours. Told only when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
}

/// A new user, or a new token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewName {
    /// Its name.
    pub name: String,
}

/// The link that sets a user's password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetUpLink {
    /// Works once and for 24 hours.
    pub setup: String,
}

/// An API token as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// What it is called by programs.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The token itself. Told only when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}
