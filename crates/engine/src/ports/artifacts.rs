//! What is remembered of artifacts.

use async_trait::async_trait;
use model::{CommitId, Name};

use super::JournalError;

/// Remembers which artifact is which; the files themselves are the engine's.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// The artifact of this commit and these build settings.
    async fn find(
        &self,
        project: &Name,
        commit: &CommitId,
        build: &str,
    ) -> Result<Option<String>, JournalError>;
    /// What is remembered of an artifact.
    async fn get(&self, hash: &str) -> Result<Option<KeptArtifact>, JournalError>;
    /// The newest artifact of the project.
    async fn latest(&self, project: &Name) -> Result<Option<String>, JournalError>;
    /// The hashes of a project's artifacts, the newest first.
    async fn all(&self, project: &Name) -> Result<Vec<String>, JournalError>;
    /// Those that are live somewhere, that something can go back to, or that are on their way.
    async fn needed(&self, project: &Name) -> Result<Vec<String>, JournalError>;
    /// Forgets one; answers whether no other project has the same.
    async fn forget(&self, project: &Name, hash: &str) -> Result<bool, JournalError>;
    /// Remembers one.
    async fn keep(&self, artifact: &KeptArtifact) -> Result<(), JournalError>;
}

/// What is remembered of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptArtifact {
    /// SHA-256 of its manifest.
    pub hash: String,
    /// The project.
    pub project: Name,
    /// The commit it was made from.
    pub commit: CommitId,
    /// SHA-256 of the build settings.
    pub build: String,
    /// How many entries.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
}
