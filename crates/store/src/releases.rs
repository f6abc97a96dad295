//! Releases: reading them, their plans, and which of them are good.

use std::collections::HashMap;

use jiff::Timestamp;
use model::plan::{Elsewhere, folder_on};
use model::{CommitId, Kind, Name, Plan, Release, ReleaseId, ReleaseName, ServerRecord, Status};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
};

use crate::sql::{all, from_json, from_word, number, parse, small, sql, texts, time};
use crate::tables::{release, release_server};
use crate::{Error, Store};

/// Which releases are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Only of this project.
    pub project: Option<Name>,
    /// Only of environments with this name.
    pub environment: Option<Name>,
    /// Only with one of these statuses; empty for any.
    pub status: Vec<Status>,
    /// Only older than this one: the last of a page gives the next page.
    pub before: Option<ReleaseId>,
    /// At most so many.
    pub limit: u64,
}

impl Default for Filter {
    fn default() -> Self {
        Self { project: None, environment: None, status: Vec::new(), before: None, limit: 50 }
    }
}

/// A release that succeeded, and so can be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// Its number.
    pub id: ReleaseId,
    /// Its folder.
    pub name: ReleaseName,
    /// The servers on which its folder has another name.
    pub elsewhere: Elsewhere,
    /// Forward or back.
    pub kind: Kind,
    /// For a rollback: the release it brought back.
    pub origin: Option<ReleaseId>,
    /// Its commit.
    pub commit: CommitId,
    /// The artifact it brought.
    pub artifact: Option<String>,
    /// When it was asked for; of an adopted one, when its folder was made.
    pub created_at: Timestamp,
    /// When it was last made live: by itself, or by a rollback to it.
    pub good_at: Timestamp,
}

impl Good {
    /// Its folder on `server`.
    pub fn folder_on(&self, server: &Name) -> &ReleaseName {
        folder_on(&self.name, &self.elsewhere, server)
    }
}

impl Store {
    /// The release with this number.
    pub async fn release(&self, id: ReleaseId) -> Result<Option<Release>, Error> {
        read(&self.moment().await?, id).await.map(|found| found.map(|(release, _)| release))
    }

    /// The releases that `filter` wants, newest first.
    pub async fn releases(&self, filter: &Filter) -> Result<Vec<Release>, Error> {
        let db = self.moment().await?;
        let words = filter.status.iter().map(|status| status.word());
        let rows = release::Entity::find()
            .apply_if(filter.project.as_ref(), |q, name| q.filter(release::Column::Project.eq(name.as_str())))
            .apply_if(filter.environment.as_ref(), |q, name| {
                q.filter(release::Column::Environment.eq(name.as_str()))
            })
            .apply_if(filter.before, |q, id| q.filter(release::Column::Id.lt(id.0)))
            .apply_if((!filter.status.is_empty()).then_some(words), |q, words| {
                q.filter(release::Column::Status.is_in(words))
            })
            .order_by_desc(release::Column::Id)
            .limit(filter.limit)
            .all(&db)
            .await?;
        let mut servers = servers(&db, rows.iter().map(|row| row.id)).await?;
        let mut releases = Vec::with_capacity(rows.len());
        for row in rows {
            let servers = servers.remove(&row.id).unwrap_or_default();
            releases.push(complete(&db, row, servers).await?);
        }
        Ok(releases)
    }

    /// The frozen plan of a release.
    pub async fn plan(&self, id: ReleaseId) -> Result<Option<Plan>, Error> {
        let body = "SELECT body FROM release_plan WHERE release_id = $1";
        let found = texts(self.readers(), sql(body, [id.0.into()])).await?;
        found.first().map(|body| from_json("plan", body)).transpose()
    }

    /// The good releases of an environment, the last activated first; a rollback comes before the release it
    /// brought back.
    pub async fn good(&self, project: &Name, environment: &Name) -> Result<Vec<Good>, Error> {
        let db = self.moment().await?;
        let rows = of_good(project, environment).all(&db).await?;
        let mut elsewhere = elsewhere(&db, project, environment).await?;
        rows.into_iter()
            .map(|row| {
                Ok(Good {
                    id: ReleaseId(row.id),
                    name: parse("name of a release", &row.name)?,
                    elsewhere: elsewhere.remove(&row.id).unwrap_or_default(),
                    created_at: time(row.created_at)?,
                    kind: from_word("kind of release", &row.kind)?,
                    origin: row.rollback_to.map(ReleaseId),
                    commit: parse("commit", &row.commit_id)?,
                    artifact: row.artifact,
                    good_at: time(row.good_at.unwrap_or_default())?,
                })
            })
            .collect()
    }

    /// The release that was activated last in an environment: the first of [`good`](Self::good).
    pub async fn live(&self, project: &Name, environment: &Name) -> Result<Option<Release>, Error> {
        let db = self.moment().await?;
        let Some(row) = of_good(project, environment).one(&db).await? else { return Ok(None) };
        let servers = servers(&db, [row.id]).await?.remove(&row.id).unwrap_or_default();
        complete(&db, row, servers).await.map(Some)
    }

    /// Whether a release of this installation has ended; `false` for one that does not exist.
    pub async fn ended(&self, id: ReleaseId) -> Result<bool, Error> {
        let ended = "SELECT COUNT(*) FROM release WHERE id = $1 AND ended_at IS NOT NULL";
        Ok(number(self.readers(), sql(ended, [id.0.into()])).await? == Some(1))
    }
}

/// The good releases of an environment, the last activated first.
fn of_good(project: &Name, environment: &Name) -> Select<release::Entity> {
    release::Entity::find()
        .filter(release::Column::Project.eq(project.as_str()))
        .filter(release::Column::Environment.eq(environment.as_str()))
        .filter(release::Column::GoodAt.is_not_null())
        .order_by_desc(release::Column::GoodAt)
        .order_by_desc(release::Column::Id)
}

/// A release and the number of its last fact.
pub(crate) async fn read(db: &impl ConnectionTrait, id: ReleaseId) -> Result<Option<(Release, u64)>, Error> {
    let Some(row) = release::Entity::find_by_id(id.0).one(db).await? else { return Ok(None) };
    let servers = servers(db, [row.id]).await?.remove(&row.id).unwrap_or_default();
    let seq = crate::sql::count(row.last_seq);
    Ok(Some((complete(db, row, servers).await?, seq)))
}

/// The status that a row's word is.
pub(crate) fn status(word: &str) -> Result<Status, Error> {
    Status::from_word(word).ok_or_else(|| Error::unreadable("status of a release", word))
}

/// What is known of one server.
pub(crate) fn server(row: release_server::Model) -> Result<ServerRecord, Error> {
    Ok(ServerRecord {
        name: parse("name of a server", &row.name)?,
        before: row.before_link,
        now: row.now_link,
        state: from_word("state of a server", &row.state)?,
    })
}

async fn servers(
    db: &impl ConnectionTrait,
    releases: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, Vec<ServerRecord>>, Error> {
    let query = release_server::Entity::find()
        .filter(release_server::Column::ReleaseId.is_in(releases))
        .order_by_asc(release_server::Column::Position);
    let mut servers = HashMap::<_, Vec<_>>::new();
    for row in query.all(db).await? {
        servers.entry(row.release_id).or_default().push(server(row)?);
    }
    Ok(servers)
}

/// Where the folders of the adopted releases of an environment have other names than these, by release.
async fn elsewhere(
    db: &impl ConnectionTrait,
    project: &Name,
    environment: &Name,
) -> Result<HashMap<i64, Elsewhere>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        release_id: i64,
        name: String,
        folder: String,
    }
    let find = "SELECT release_id, name, folder FROM release_server WHERE folder IS NOT NULL \
                AND release_id IN (SELECT id FROM release WHERE project = $1 AND environment = $2 AND kind = 'adopted')";
    let rows: Vec<Row> = all(db, sql(find, [project.as_str().into(), environment.as_str().into()])).await?;
    let mut elsewhere = HashMap::<_, Elsewhere>::new();
    for row in rows {
        let (server, folder) =
            (parse("name of a server", &row.name)?, parse("name of a release", &row.folder)?);
        elsewhere.entry(row.release_id).or_default().insert(server, folder);
    }
    Ok(elsewhere)
}

async fn complete(
    db: &impl ConnectionTrait,
    row: release::Model,
    servers: Vec<ServerRecord>,
) -> Result<Release, Error> {
    let status = status(&row.status)?;
    let position = if status == Status::Queued {
        let ahead = "SELECT COUNT(*) FROM release \
                     WHERE project = $1 AND environment = $2 AND status = 'queued' AND id <= $3";
        let key = [row.project.as_str().into(), row.environment.as_str().into(), row.id.into()];
        number(db, sql(ahead, key)).await?.map(small)
    } else {
        None
    };
    Ok(Release {
        id: ReleaseId(row.id),
        name: parse("name of a release", &row.name)?,
        project: parse("name of a project", &row.project)?,
        environment: parse("name of an environment", &row.environment)?,
        kind: from_word("kind of release", &row.kind)?,
        commit: parse("commit", &row.commit_id)?,
        rollback_to: row.rollback_to.map(ReleaseId),
        // One that was adopted may be made by a clock that is fast; nothing is made after it has ended.
        created_at: time(row.ended_at.map_or(row.created_at, |ended| ended.min(row.created_at)))?,
        started_at: row.started_at.map(time).transpose()?,
        ended_at: row.ended_at.map(time).transpose()?,
        git_ref: row.git_ref,
        reason: row.reason,
        stopping: row.stopping,
        pausing: row.pausing_by.is_some(),
        note: row.note,
        by: row.author,
        status,
        position,
        servers,
    })
}
