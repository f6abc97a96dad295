//! Hook templates and their versions. A change makes the next version; what a version says is never changed and never
//! removed, and a name that comes again goes on counting.

use jiff::Timestamp;
use model::{Name, Picked, Project, Site, Template, hook};
use sea_orm::FromQueryResult;

use crate::sql::{all, execute, from_json, number, one, small, sql, texts, time, to_json};
use crate::writer::Tx;
use crate::{Error, Store};

/// One version of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRecord {
    /// What it says.
    pub template: Template,
    /// Its number, from 1.
    pub version: u32,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

#[derive(FromQueryResult)]
struct Row {
    version: i64,
    body: String,
    made_by: String,
    made_at: i64,
}

impl Row {
    fn record(&self) -> Result<TemplateRecord, Error> {
        Ok(TemplateRecord {
            template: from_json("hook template", &self.body)?,
            version: small(self.version),
            by: self.made_by.clone(),
            at: time(self.made_at)?,
        })
    }
}

impl Store {
    /// Every template in its newest version, by name.
    pub async fn templates(&self) -> Result<Vec<TemplateRecord>, Error> {
        let newest = "SELECT v.version, v.body, v.made_by, v.made_at FROM template t \
                      JOIN template_version v ON v.name = t.name AND v.version = t.version ORDER BY t.name";
        all::<Row>(self.readers(), sql(newest, [])).await?.iter().map(Row::record).collect()
    }

    /// The versions of a template, the newest first; none when there is no such template.
    pub async fn template_versions(&self, name: &Name) -> Result<Vec<TemplateRecord>, Error> {
        let versions = "SELECT v.version, v.body, v.made_by, v.made_at FROM template t \
                        JOIN template_version v ON v.name = t.name WHERE t.name = $1 ORDER BY v.version DESC";
        let rows = all::<Row>(self.readers(), sql(versions, [name.as_str().into()])).await?;
        rows.iter().map(Row::record).collect()
    }

    /// The version that is picked, or the newest.
    pub async fn template(&self, picked: &Picked) -> Result<Option<TemplateRecord>, Error> {
        let version = "SELECT v.version, v.body, v.made_by, v.made_at FROM template t \
                       JOIN template_version v ON v.name = t.name AND v.version = COALESCE($2, t.version) \
                       WHERE t.name = $1";
        let key = [picked.name.as_str().into(), picked.version.map(i64::from).into()];
        one::<Row>(self.readers(), sql(version, key)).await?.as_ref().map(Row::record).transpose()
    }
}

/// Makes a template, or its next version when it says something else than the newest.
pub(crate) async fn put(tx: &Tx, template: &Template, managed: bool, by: &str) -> Result<(), Error> {
    let (name, body) = (template.name.as_str(), to_json("hook template", template)?);
    let newest = "SELECT v.body FROM template t JOIN template_version v ON v.name = t.name AND v.version = t.version \
                  WHERE t.name = $1";
    if texts(tx.db(), sql(newest, [name.into()])).await?.first() == Some(&body) {
        return Ok(());
    }
    let last = "SELECT COALESCE(MAX(version), 0) FROM template_version WHERE name = $1";
    let version = number(tx.db(), sql(last, [name.into()])).await?.unwrap_or_default() + 1;
    let make =
        "INSERT INTO template_version (name, version, body, made_by, made_at) VALUES ($1, $2, $3, $4, $5)";
    let row = [name.into(), version.into(), body.into(), by.into(), tx.micros().into()];
    execute(tx.db(), sql(make, row)).await?;
    let point = "INSERT INTO template (name, version, managed) VALUES ($1, $2, $3) \
                 ON CONFLICT (name) DO UPDATE SET version = excluded.version";
    execute(tx.db(), sql(point, [name.into(), version.into(), managed.into()])).await?;
    Ok(())
}

/// Forgets a template; answers whether there was one. Its versions stay.
pub(crate) async fn delete(tx: &Tx, name: &Name) -> Result<u64, Error> {
    execute(tx.db(), sql("DELETE FROM template WHERE name = $1", [name.as_str().into()])).await
}

/// The templates that hooks of a project pick.
pub(crate) fn picked_by_project(project: &Project) -> impl Iterator<Item = Picked> + '_ {
    hook::picks(&project.defaults.hooks).map(|(_, _, picked)| picked.clone())
}

/// The templates that hooks of an environment pick.
pub(crate) fn picked_by_site(site: &Site) -> impl Iterator<Item = Picked> + '_ {
    hook::picks(&site.settings.hooks).map(|(_, _, picked)| picked.clone())
}

/// Whether there is such a template in such a version, as a definition needs it.
pub(crate) async fn is_there(tx: &Tx, picked: &Picked) -> Result<bool, Error> {
    let there = "SELECT COUNT(*) FROM template t JOIN template_version v \
                 ON v.name = t.name AND v.version = COALESCE($2, t.version) WHERE t.name = $1";
    let key = [picked.name.as_str().into(), picked.version.map(i64::from).into()];
    Ok(number(tx.db(), sql(there, key)).await? == Some(1))
}

/// Who still picks a template that is gone.
pub(crate) async fn users(tx: &Tx, name: &Name) -> Result<Vec<String>, Error> {
    let mut users = Vec::new();
    for body in texts(tx.db(), sql("SELECT body FROM project ORDER BY name", [])).await? {
        let project: Project = from_json("project", &body)?;
        if picked_by_project(&project).any(|picked| picked.name == *name) {
            users.push(format!("project {}", project.name));
        }
    }
    let sites = "SELECT project || '/' || name AS place, body FROM site ORDER BY project, name";
    for Placed { place, body } in all(tx.db(), sql(sites, [])).await? {
        let site: Site = from_json("environment", &body)?;
        if picked_by_site(&site).any(|picked| picked.name == *name) {
            users.push(format!("environment {place}"));
        }
    }
    Ok(users)
}

#[derive(FromQueryResult)]
struct Placed {
    place: String,
    body: String,
}
