//! Artifacts: which packed tree was made from which commit. The files themselves are kept elsewhere.

use jiff::Timestamp;
use model::{CommitId, Name};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select};

use crate::sql::{count, execute, number, parse, sql, texts, time};
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

    /// The artifacts of a project that releases need: those of unfinished ones and of what they bring back, and those of
    /// the last good ones of each environment, `keep` of them.
    pub async fn needed_artifacts(&self, project: &Name, keep: &[(Name, u32)]) -> Result<Vec<String>, Error> {
        let db = self.moment().await?;
        let unfinished = "SELECT artifact FROM release WHERE project = $1 AND artifact IS NOT NULL AND (ended_at IS NULL \
                          OR id IN (SELECT rollback_to FROM release WHERE project = $1 AND ended_at IS NULL))";
        let mut needed = texts(&db, sql(unfinished, [project.as_str().into()])).await?;
        for (environment, keep) in keep {
            let good = "SELECT artifact FROM release WHERE project = $1 AND environment = $2 \
                        AND good_at IS NOT NULL AND artifact IS NOT NULL \
                        GROUP BY artifact ORDER BY MAX(good_at) DESC LIMIT $3";
            let key =
                [project.as_str().into(), environment.as_str().into(), i64::from((*keep).max(2)).into()];
            needed.extend(texts(&db, sql(good, key)).await?);
        }
        Ok(needed)
    }

    /// Forgets an artifact of a project; answers whether no other project has the same.
    pub async fn forget_artifact(&self, project: &Name, hash: &str) -> Result<bool, Error> {
        self.write(Forget { project: project.clone(), hash: hash.to_owned() }).await
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

struct Forget {
    project: Name,
    hash: String,
}

impl Work for Forget {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let forget = "DELETE FROM artifact WHERE project = $1 AND hash = $2";
        execute(tx.db(), sql(forget, [self.project.as_str().into(), self.hash.as_str().into()])).await?;
        let others = "SELECT COUNT(*) FROM artifact WHERE hash = $1";
        Ok(number(tx.db(), sql(others, [self.hash.into()])).await? == Some(0))
    }
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
