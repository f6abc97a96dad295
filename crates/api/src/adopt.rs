//! Adoption: what another tool brought, and what becomes of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST …/adopt`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptRequest {
    /// Selector: only these servers of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "role=web")]
    pub servers: Option<String>,
    /// A link elsewhere that leads to what runs: the web root of walle-web, the target of Spug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/data/www/shop")]
    pub link: Option<String>,
}

/// What stands on the servers of an environment, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptReport {
    /// The servers, by name.
    pub servers: Vec<AdoptServer>,
    /// The releases that come, the oldest first; numbered once they came.
    pub releases: Vec<AdoptRelease>,
    /// Folders of releases that were adopted before, on servers where they get a seal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<AdoptPlace>,
    /// The servers that run something else than what is live.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<String>,
    /// Folders that do not become releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<AdoptLeftOut>,
    /// With `plan`: why nothing would be adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What to do about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What stands on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptServer {
    /// Its name.
    pub server: String,
    /// Who deployed there, where something says so: `Capistrano`, `Deployer`, `walle-web` or `Spug`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The folder that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<String>,
    /// The text of the link that leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The folders that can become releases, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<AdoptFolder>,
    /// Why it cannot be adopted as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One folder on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptFolder {
    /// Its name.
    pub folder: String,
    /// The commit that it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// One release that comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptRelease {
    /// Its number, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Its folder.
    pub folder: String,
    /// The servers on which its folder has another name, and that name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<AdoptPlace>,
    /// Its commit, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When its folder was made.
    pub made_at: Timestamp,
    /// Who made it.
    pub tool: String,
    /// Whether it is live.
    pub live: bool,
}

/// The folder of a release on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptPlace {
    /// The server.
    pub server: String,
    /// The folder there.
    pub folder: String,
}

/// A folder that does not become a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptLeftOut {
    /// On this server.
    pub server: String,
    /// Its name.
    pub folder: String,
    /// Why.
    pub reason: String,
}
