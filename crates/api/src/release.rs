//! Releases as they are shown.

use jiff::Timestamp;
use model::{CommitId, Kind, Name, ReleaseId, ReleaseName, ServerRecord, ServerState, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words;

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// Its number, from 1.
    #[schema(value_type = i64)]
    pub id: ReleaseId,
    /// Its folder on the servers; of an adopted one, the name that another tool gave it.
    #[schema(value_type = String, example = "20261120T104512Z-42")]
    pub name: ReleaseName,
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// The environment.
    #[schema(value_type = String)]
    pub environment: Name,
    /// Forward or back.
    #[schema(schema_with = words::kind)]
    pub kind: Kind,
    /// What was asked for.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// What that was. Only zeros, as git writes it, where nobody knows: an adopted release may not say.
    #[schema(value_type = String)]
    pub commit: CommitId,
    /// The earlier release that a rollback brings back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub rollback_to: Option<ReleaseId>,
    /// Where it stands.
    #[schema(schema_with = words::status)]
    pub status: Status,
    /// Why, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Somebody asked it to stop and it has not ended yet.
    pub stopping: bool,
    /// Somebody asked it to wait at the next border between steps, and it does not wait yet.
    #[serde(default)]
    pub pausing: bool,
    /// Place in the queue, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// What its author wrote.
    pub note: String,
    /// Who pressed Release.
    pub by: String,
    /// When it was pressed; of an adopted one, when its folder was made.
    pub created_at: Timestamp,
    /// When work began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its servers.
    pub servers: Vec<ReleaseServer>,
}

/// What one server ran before, and runs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseServer {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// What `current` was at first contact.
    pub before: Option<String>,
    /// What `current` is, as far as this release knows.
    pub now: Option<String>,
    /// Where it stands.
    #[schema(schema_with = words::server_state)]
    pub state: ServerState,
}

impl From<model::Release> for Release {
    fn from(release: model::Release) -> Self {
        Self {
            id: release.id,
            name: release.name,
            project: release.project,
            environment: release.environment,
            kind: release.kind,
            git_ref: release.git_ref,
            commit: release.commit,
            rollback_to: release.rollback_to,
            status: release.status,
            reason: release.reason,
            stopping: release.stopping,
            pausing: release.pausing,
            position: release.position,
            note: release.note,
            by: release.by,
            created_at: release.created_at,
            started_at: release.started_at,
            ended_at: release.ended_at,
            servers: release.servers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ServerRecord> for ReleaseServer {
    fn from(record: ServerRecord) -> Self {
        Self { name: record.name, before: record.before, now: record.now, state: record.state }
    }
}

impl From<ReleaseServer> for ServerRecord {
    fn from(server: ReleaseServer) -> Self {
        Self { name: server.name, before: server.before, now: server.now, state: server.state }
    }
}
