//! Artifacts: which packed tree was made from which commit. The files themselves are kept elsewhere.

use jiff::Timestamp;
use model::{CommitId, Name};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select};

use crate::sql::{count, parse, time};
use crate::tables::artifact::{Column, Entity, Model};
use crate::writer::{Tx, Work};
use crate::{Error, Store};

/// What is remembered of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRecord {
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
    /// When it was made; [`Store::put_artifact`] sets it.
    pub created_at: Timestamp,
}

impl Store {
    /// Remembers an artifact as the newest of its project.
    pub async fn put_artifact(&self, artifact: &ArtifactRecord) -> Result<(), Error> {
        self.write(Put(artifact.clone())).await
    }

    /// An artifact by its hash.
    pub async fn artifact(&self, hash: &str) -> Result<Option<ArtifactRecord>, Error> {
        self.first(newest().filter(Column::Hash.eq(hash))).await
    }

    /// The artifacts of a project, newest first.
    pub async fn artifacts(&self, project: &Name) -> Result<Vec<ArtifactRecord>, Error> {
        let rows = newest().filter(Column::Project.eq(project.as_str())).all(self.readers()).await?;
        rows.into_iter().map(record).collect()
    }

    /// The newest artifact made from this commit with these build settings.
    pub async fn find_artifact(
        &self,
        project: &Name,
        commit: &CommitId,
        build: &str,
    ) -> Result<Option<ArtifactRecord>, Error> {
        let made = newest()
            .filter(Column::Project.eq(project.as_str()))
            .filter(Column::CommitId.eq(commit.as_str()))
            .filter(Column::Build.eq(build));
        self.first(made).await
    }

    /// The newest artifact of a project.
    pub async fn latest_artifact(&self, project: &Name) -> Result<Option<ArtifactRecord>, Error> {
        self.first(newest().filter(Column::Project.eq(project.as_str()))).await
    }

    async fn first(&self, query: Select<Entity>) -> Result<Option<ArtifactRecord>, Error> {
        query.one(self.readers()).await?.map(record).transpose()
    }
}

fn newest() -> Select<Entity> {
    Entity::find().order_by_desc(Column::CreatedAt).order_by_asc(Column::Hash)
}

struct Put(ArtifactRecord);

impl Work for Put {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let row = Model {
            project: self.0.project.into(),
            commit_id: self.0.commit.into(),
            build: self.0.build,
            hash: self.0.hash,
            files: self.0.files.cast_signed(),
            bytes: self.0.bytes.cast_signed(),
            created_at: tx.micros(),
        };
        let key = [Column::Project, Column::CommitId, Column::Build, Column::Hash];
        let again = OnConflict::columns(key)
            .update_columns([Column::Files, Column::Bytes, Column::CreatedAt])
            .to_owned();
        Entity::insert(row.into_active_model()).on_conflict(again).exec_without_returning(tx.db()).await?;
        Ok(())
    }
}

fn record(row: Model) -> Result<ArtifactRecord, Error> {
    Ok(ArtifactRecord {
        hash: row.hash,
        project: parse("name of a project", &row.project)?,
        commit: parse("commit", &row.commit_id)?,
        build: row.build,
        files: count(row.files),
        bytes: count(row.bytes),
        created_at: time(row.created_at)?,
    })
}
