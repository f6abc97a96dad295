//! The rows of projects.

use model::{Name, Project, Scope};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::promises::{found, unused};
use crate::sql::{execute, sql, texts, to_json};
use crate::tables::{project, site};
use crate::writer::Tx;
use crate::{Error, secrets};

pub(super) async fn put(tx: &Tx, project: &Project, managed: bool) -> Result<(), Error> {
    use project::Column::{Body, Credential, Name as Key, UpdatedAt};
    let row = project::Model {
        name: project.name.to_string(),
        credential: project.credential.as_ref().map(Name::to_string),
        body: to_json("project", project)?,
        managed,
        created_at: tx.micros(),
        updated_at: tx.micros(),
    };
    let put = OnConflict::column(Key).update_columns([Body, Credential, UpdatedAt]).to_owned();
    let insert = project::Entity::insert(row.into_active_model()).on_conflict(put);
    insert.exec_without_returning(tx.db()).await?;
    Ok(())
}

/// Forgets a project with its environments.
pub(super) async fn delete(tx: &Tx, name: &Name) -> Result<(), Error> {
    let unfinished =
        "SELECT 'release ' || id FROM release WHERE project = $1 AND ended_at IS NULL ORDER BY id";
    let by = texts(tx.db(), sql(unfinished, [name.as_str().into()])).await?;
    unused(by, "project", name.to_string())?;
    let sites = site::Entity::delete_many().filter(site::Column::Project.eq(name.as_str()));
    sites.exec(tx.db()).await?;
    for delete in ["DELETE FROM drift WHERE project = $1", "DELETE FROM site_lock WHERE project = $1"] {
        execute(tx.db(), sql(delete, [name.as_str().into()])).await?;
    }
    secrets::delete_all(tx, &Scope::Project(name.clone())).await?;
    let gone = project::Entity::delete_by_id(name.as_str()).exec(tx.db()).await?;
    found(gone.rows_affected, "project", name)
}
