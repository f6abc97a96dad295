//! The rows of environments.

use model::{Name, Scope, Site};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::promises::{found, unused};
use crate::sql::{execute, sql, texts, to_json};
use crate::tables::site;
use crate::writer::Tx;
use crate::{Error, secrets};

pub(super) async fn put(tx: &Tx, project: &Name, site: &Site, managed: bool) -> Result<(), Error> {
    use site::Column::{Body, Name as Key, Path, Project, UpdatedAt};
    let row = site::Model {
        project: project.to_string(),
        name: site.name.to_string(),
        path: site.path.to_string(),
        body: to_json("environment", site)?,
        managed,
        created_at: tx.micros(),
        updated_at: tx.micros(),
    };
    let put = OnConflict::columns([Project, Key]).update_columns([Body, Path, UpdatedAt]).to_owned();
    let insert = site::Entity::insert(row.into_active_model()).on_conflict(put);
    insert.exec_without_returning(tx.db()).await?;
    Ok(())
}

pub(super) async fn delete(tx: &Tx, project: &Name, site: &Name) -> Result<(), Error> {
    let key = [project.as_str().into(), site.as_str().into()];
    let unfinished = "SELECT 'release ' || id FROM release \
                      WHERE project = $1 AND environment = $2 AND ended_at IS NULL ORDER BY id";
    let by = texts(tx.db(), sql(unfinished, key.clone())).await?;
    let name = format!("{project}/{site}");
    unused(by, "environment", name.clone())?;
    for delete in [
        "DELETE FROM drift WHERE project = $1 AND environment = $2",
        "DELETE FROM site_lock WHERE project = $1 AND environment = $2",
    ] {
        execute(tx.db(), sql(delete, key.clone())).await?;
    }
    secrets::delete_all(tx, &Scope::Environment(project.clone(), site.clone())).await?;
    let delete = "DELETE FROM site WHERE project = $1 AND name = $2";
    found(execute(tx.db(), sql(delete, key)).await?, "environment", &name)
}
