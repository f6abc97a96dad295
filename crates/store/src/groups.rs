//! Groups: selectors that were given a name.

use std::collections::BTreeSet;

use model::{Groups, Name, Project, Selector, Site};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::promises::{found, unused};
use crate::sql::{all, execute, from_json, parse, sql, texts};
use crate::writer::Tx;
use crate::{Error, Store};

#[derive(FromQueryResult)]
struct Row {
    name: String,
    selector: String,
}

#[derive(FromQueryResult)]
struct Placed {
    place: String,
    body: String,
}

impl Store {
    /// Every group.
    pub async fn groups(&self) -> Result<Groups, Error> {
        groups(self.readers()).await
    }
}

/// Every group.
pub(crate) async fn groups(db: &impl ConnectionTrait) -> Result<Groups, Error> {
    let rows = all::<Row>(db, sql("SELECT name, selector FROM server_group ORDER BY name", [])).await?;
    rows.iter().map(|row| Ok((parse("group name", &row.name)?, parse("selector", &row.selector)?))).collect()
}

/// Makes or replaces a group.
pub(crate) async fn put(tx: &Tx, name: &Name, selector: &Selector, managed: bool) -> Result<(), Error> {
    let put = "INSERT INTO server_group (name, selector, managed) VALUES ($1, $2, $3) \
               ON CONFLICT (name) DO UPDATE SET selector = excluded.selector";
    let row = [name.as_str().into(), selector.as_str().into(), managed.into()];
    execute(tx.db(), sql(put, row)).await.map(drop)
}

/// Forgets a group; answers how many there were.
pub(crate) async fn delete(tx: &Tx, name: &Name) -> Result<u64, Error> {
    execute(tx.db(), sql("DELETE FROM server_group WHERE name = $1", [name.as_str().into()])).await
}

/// Who means a group: other groups, the defaults of projects, environments.
pub(crate) async fn users(tx: &Tx, name: &Name) -> Result<Vec<String>, Error> {
    let means = |selector: &Selector| selector.groups().any(|group| group == name);
    let groups = groups(tx.db()).await?;
    let mut users: Vec<String> = groups
        .iter()
        .filter(|(_, selector)| means(selector))
        .map(|(name, _)| format!("group {name}"))
        .collect();
    for body in texts(tx.db(), sql("SELECT body FROM project ORDER BY name", [])).await? {
        let project: Project = from_json("project", &body)?;
        if project.defaults.selectors().any(means) {
            users.push(format!("project {}", project.name));
        }
    }
    let sites = "SELECT project || '/' || name AS place, body FROM site ORDER BY project, name";
    for Placed { place, body } in all(tx.db(), sql(sites, [])).await? {
        let site: Site = from_json("environment", &body)?;
        if site.selectors().any(means) {
            users.push(format!("environment {place}"));
        }
    }
    Ok(users)
}

/// Whether all groups of `needed` are there, and nothing means one of `gone` that was not made again.
pub(crate) async fn judge(tx: &Tx, needed: &BTreeSet<Name>, gone: &BTreeSet<Name>) -> Result<(), Error> {
    if needed.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let there = groups(tx.db()).await?;
    for name in gone.iter().filter(|name| !there.contains_key(*name)) {
        unused(users(tx, name).await?, "group", name.to_string())?;
    }
    needed.iter().try_for_each(|name| found(u64::from(there.contains_key(name)), "group", name))
}
