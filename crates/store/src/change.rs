//! Changes of definitions: a list of them in one transaction, all or nothing.

use std::collections::BTreeSet;

use model::{ExposeSecret, Name, Picked, Project, SecretString, Server, Site, Template};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::credentials::place;
use crate::definitions::{credential_of, servers};
use crate::sql::{execute, number, sql, texts, to_json, to_word};
use crate::tables::{credential, project, server, site};
use crate::writer::{Tx, Work};
use crate::{CredentialKind, Deed, Error, NewCredential, Store, audit, templates};

/// One change. `managed` says that `apply` makes it; it counts only when the thing is new and then stays, so
/// that neither a later change by hand nor a later `apply` moves a thing from one to the other.
#[derive(Debug)]
pub enum Change {
    /// Makes or replaces a server.
    PutServer {
        /// The server.
        server: Server,
        /// Made by `apply`.
        managed: bool,
    },
    /// Forgets a server.
    DeleteServer(Name),
    /// Makes or replaces a credential.
    PutCredential {
        /// The credential.
        credential: NewCredential,
        /// Made by `apply`.
        managed: bool,
    },
    /// Forgets a credential that nothing uses.
    DeleteCredential(Name),
    /// Makes a hook template, or its next version.
    PutTemplate {
        /// The template.
        template: Template,
        /// Made by `apply`.
        managed: bool,
    },
    /// Forgets a hook template that no hook picks; what its versions said is kept.
    DeleteTemplate(Name),
    /// Makes or replaces a project.
    PutProject {
        /// The project.
        project: Project,
        /// Made by `apply`.
        managed: bool,
    },
    /// Forgets a project with its environments; its releases stay.
    DeleteProject(Name),
    /// Makes or replaces an environment.
    PutSite {
        /// Its project.
        project: Name,
        /// The environment as it was written.
        site: Site,
        /// Made by `apply`.
        managed: bool,
    },
    /// Forgets an environment; its releases stay.
    DeleteSite {
        /// Its project.
        project: Name,
        /// Its name.
        site: Name,
    },
}

impl Change {
    /// What the audit log says of it.
    fn deed(&self, by: &str) -> Deed {
        let (what, kind, name, managed) = match self {
            Self::PutServer { server, managed } => ("server.put", "server", &server.name, *managed),
            Self::DeleteServer(name) => ("server.delete", "server", name, false),
            Self::PutCredential { credential, managed } => {
                ("credential.put", "credential", &credential.name, *managed)
            }
            Self::DeleteCredential(name) => ("credential.delete", "credential", name, false),
            Self::PutTemplate { template, managed, .. } => ("hook.put", "hook", &template.name, *managed),
            Self::DeleteTemplate(name) => ("hook.delete", "hook", name, false),
            Self::PutProject { project, managed } => ("project.put", "project", &project.name, *managed),
            Self::DeleteProject(name) => ("project.delete", "project", name, false),
            Self::PutSite { site, managed, .. } => ("environment.put", "environment", &site.name, *managed),
            Self::DeleteSite { site, .. } => ("environment.delete", "environment", site, false),
        };
        let object = match self {
            Self::PutSite { project, .. } | Self::DeleteSite { project, .. } => {
                format!("{kind}:{project}/{name}")
            }
            _ => format!("{kind}:{name}"),
        };
        let detail = if managed { "from a fleet file" } else { "" };
        Deed { who: by.to_owned(), what, object, detail: detail.to_owned() }
    }
}

impl Store {
    /// Makes all `changes`, in order, or none of them, and records that `by` did it.
    ///
    /// What refers to what is looked at when all are made, so their order does not matter for it. Refused are
    /// deleting what is missing ([`Error::NotFound`]) or in use ([`Error::Referenced`]), and naming a credential,
    /// project or server that does not exist.
    pub async fn change(&self, changes: Vec<Change>, by: &str) -> Result<(), Error> {
        let deeds = changes.iter().map(|change| change.deed(by)).collect();
        let mut sealed = Vec::with_capacity(changes.len());
        for change in changes {
            sealed.push(match change {
                Change::PutCredential { credential, managed } => {
                    Sealed::Credential(self.seal(credential, managed)?)
                }
                other => Sealed::Other(other),
            });
        }
        self.write(Changes { sealed, by: by.to_owned(), deeds }).await
    }

    /// Seals on the caller's task, so that the writer never sees a secret.
    fn seal(&self, new: NewCredential, managed: bool) -> Result<credential::Model, Error> {
        let name = new.name.as_str();
        let seal = |field, secret: Option<SecretString>| {
            secret
                .filter(|_| new.kind != CredentialKind::SshAgent)
                .map(|secret| self.0.vault.seal(place(name, field), secret.expose_secret().as_bytes()))
                .transpose()
        };
        Ok(credential::Model {
            secret: seal("secret", new.secret)?,
            passphrase: seal("passphrase", new.passphrase)?,
            kind: to_word("kind of credential", &new.kind)?,
            fingerprint: new.fingerprint,
            username: new.username,
            managed,
            created_at: 0,
            updated_at: 0,
            name: new.name.into(),
        })
    }
}

enum Sealed {
    Credential(credential::Model),
    Other(Change),
}

struct Changes {
    sealed: Vec<Sealed>,
    by: String,
    deeds: Vec<Deed>,
}

/// What has to hold once all changes are made.
#[derive(Default)]
struct Promises {
    needed_credentials: BTreeSet<Name>,
    needed_projects: BTreeSet<Name>,
    needed_templates: BTreeSet<Picked>,
    deleted_templates: BTreeSet<Name>,
    needed_servers: BTreeSet<Name>,
    deleted_credentials: BTreeSet<Name>,
    deleted_servers: BTreeSet<Name>,
}

impl Work for Changes {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let mut promises = Promises::default();
        for change in self.sealed {
            match change {
                Sealed::Credential(row) => put_credential(tx, row).await?,
                Sealed::Other(change) => apply(tx, change, &self.by, &mut promises).await?,
            }
        }
        promises.check(tx).await?;
        audit::note(tx, self.deeds).await
    }
}

async fn apply(tx: &Tx, change: Change, by: &str, promises: &mut Promises) -> Result<(), Error> {
    match change {
        Change::PutServer { server, managed } => {
            promises.needed_credentials.extend(credential_of(&server).cloned());
            promises.needed_servers.extend(server.jump().cloned());
            put_server(tx, &server, managed).await
        }
        Change::PutProject { project, managed } => {
            promises.needed_credentials.extend(project.credential.clone());
            promises.needed_templates.extend(templates::picked_by_project(&project));
            put_project(tx, &project, managed).await
        }
        Change::PutSite { project, site, managed } => {
            put_site(tx, &project, &site, managed).await?;
            promises.needed_templates.extend(templates::picked_by_site(&site));
            promises.needed_projects.insert(project);
            Ok(())
        }
        Change::DeleteServer(name) => {
            let gone = server::Entity::delete_by_id(name.as_str()).exec(tx.db()).await?;
            found(gone.rows_affected, "server", &name)?;
            promises.deleted_servers.insert(name);
            Ok(())
        }
        Change::DeleteCredential(name) => {
            let gone = credential::Entity::delete_by_id(name.as_str()).exec(tx.db()).await?;
            found(gone.rows_affected, "credential", &name)?;
            promises.deleted_credentials.insert(name);
            Ok(())
        }
        Change::PutTemplate { template, managed } => templates::put(tx, &template, managed, by).await,
        Change::DeleteTemplate(name) => {
            found(templates::delete(tx, &name).await?, "hook template", &name)?;
            promises.deleted_templates.insert(name);
            Ok(())
        }
        Change::DeleteProject(name) => delete_project(tx, &name).await,
        Change::DeleteSite { project, site } => delete_site(tx, &project, &site).await,
        // Sealed before it came here.
        Change::PutCredential { .. } => Ok(()),
    }
}

async fn put_server(tx: &Tx, server: &Server, managed: bool) -> Result<(), Error> {
    use server::Column::{Body, Credential, Name as Key, UpdatedAt};
    let row = server::Model {
        name: server.name.to_string(),
        credential: credential_of(server).map(Name::to_string),
        body: to_json("server", server)?,
        managed,
        created_at: tx.micros(),
        updated_at: tx.micros(),
    };
    let put = OnConflict::column(Key).update_columns([Body, Credential, UpdatedAt]).to_owned();
    let insert = server::Entity::insert(row.into_active_model()).on_conflict(put);
    insert.exec_without_returning(tx.db()).await?;
    Ok(())
}

async fn put_project(tx: &Tx, project: &Project, managed: bool) -> Result<(), Error> {
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

async fn put_site(tx: &Tx, project: &Name, site: &Site, managed: bool) -> Result<(), Error> {
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

async fn delete_project(tx: &Tx, name: &Name) -> Result<(), Error> {
    let unfinished =
        "SELECT 'release ' || id FROM release WHERE project = $1 AND ended_at IS NULL ORDER BY id";
    let by = texts(tx.db(), sql(unfinished, [name.as_str().into()])).await?;
    unused(by, "project", name.to_string())?;
    let sites = site::Entity::delete_many().filter(site::Column::Project.eq(name.as_str()));
    sites.exec(tx.db()).await?;
    execute(tx.db(), sql("DELETE FROM drift WHERE project = $1", [name.as_str().into()])).await?;
    let gone = project::Entity::delete_by_id(name.as_str()).exec(tx.db()).await?;
    found(gone.rows_affected, "project", name)
}

async fn delete_site(tx: &Tx, project: &Name, site: &Name) -> Result<(), Error> {
    let key = [project.as_str().into(), site.as_str().into()];
    let unfinished = "SELECT 'release ' || id FROM release \
                      WHERE project = $1 AND environment = $2 AND ended_at IS NULL ORDER BY id";
    let by = texts(tx.db(), sql(unfinished, key.clone())).await?;
    let name = format!("{project}/{site}");
    unused(by, "environment", name.clone())?;
    let drift = "DELETE FROM drift WHERE project = $1 AND environment = $2";
    execute(tx.db(), sql(drift, key.clone())).await?;
    let delete = "DELETE FROM site WHERE project = $1 AND name = $2";
    found(execute(tx.db(), sql(delete, key)).await?, "environment", &name)
}

async fn put_credential(tx: &Tx, mut row: credential::Model) -> Result<(), Error> {
    row.created_at = tx.micros();
    row.updated_at = row.created_at;
    let Some(stored) = credential::Entity::find_by_id(row.name.as_str()).one(tx.db()).await? else {
        credential::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
        return Ok(());
    };
    let same_kind = row.kind == stored.kind;
    let kept = |new: Option<Vec<u8>>, stored: Option<Vec<u8>>| new.or(stored.filter(|_| same_kind));
    let update = credential::ActiveModel {
        name: Set(row.name),
        kind: Set(row.kind),
        fingerprint: Set(row.fingerprint),
        username: Set(row.username),
        secret: Set(kept(row.secret, stored.secret)),
        passphrase: Set(kept(row.passphrase, stored.passphrase)),
        updated_at: Set(row.updated_at),
        ..Default::default()
    };
    credential::Entity::update(update).exec(tx.db()).await?;
    Ok(())
}

impl Promises {
    async fn check(self, tx: &Tx) -> Result<(), Error> {
        for name in &self.needed_credentials {
            // When it was deleted in the same list, saying who uses it tells more.
            if !self.deleted_credentials.contains(name) {
                let stored = "SELECT COUNT(*) FROM credential WHERE name = $1";
                let stored = number(tx.db(), sql(stored, [name.as_str().into()])).await?;
                found(stored.unwrap_or_default().cast_unsigned(), "credential", name)?;
            }
        }
        for name in &self.needed_projects {
            let stored = "SELECT COUNT(*) FROM project WHERE name = $1";
            let stored = number(tx.db(), sql(stored, [name.as_str().into()])).await?;
            found(stored.unwrap_or_default().cast_unsigned(), "project", name)?;
        }
        for picked in &self.needed_templates {
            if !self.deleted_templates.contains(&picked.name) {
                found(u64::from(templates::is_there(tx, picked).await?), "hook template", picked)?;
            }
        }
        for name in &self.deleted_templates {
            // Made again in the same list.
            if templates::is_there(tx, &Picked { name: name.clone(), version: None }).await? {
                continue;
            }
            unused(templates::users(tx, name).await?, "hook template", name.to_string())?;
        }
        for name in &self.deleted_credentials {
            let users = "SELECT 'project ' || name AS used FROM project \
                         WHERE credential = $1 AND NOT EXISTS (SELECT 1 FROM credential WHERE name = $1) \
                         UNION ALL SELECT 'server ' || name FROM server \
                         WHERE credential = $1 AND NOT EXISTS (SELECT 1 FROM credential WHERE name = $1) \
                         ORDER BY used";
            let by = texts(tx.db(), sql(users, [name.as_str().into()])).await?;
            unused(by, "credential", name.to_string())?;
        }
        self.check_servers(tx).await
    }

    /// Who goes through which server stands in the bodies alone, and few changes ask for it.
    async fn check_servers(&self, tx: &Tx) -> Result<(), Error> {
        if self.needed_servers.is_empty() && self.deleted_servers.is_empty() {
            return Ok(());
        }
        let servers = servers(tx.db()).await?;
        for name in
            self.deleted_servers.iter().filter(|name| servers.iter().all(|server| server.name != **name))
        {
            let behind = servers.iter().filter(|server| server.jump() == Some(name));
            unused(
                behind.map(|server| format!("server {}", server.name)).collect(),
                "server",
                name.to_string(),
            )?;
        }
        for name in &self.needed_servers {
            let there = servers.iter().filter(|server| server.name == *name).count();
            found(u64::try_from(there).unwrap_or(u64::MAX), "server", name)?;
        }
        Ok(())
    }
}

fn found(rows: u64, what: &'static str, name: &impl ToString) -> Result<(), Error> {
    if rows == 0 { Err(Error::NotFound { what, name: name.to_string() }) } else { Ok(()) }
}

fn unused(by: Vec<String>, what: &'static str, name: String) -> Result<(), Error> {
    if by.is_empty() { Ok(()) } else { Err(Error::Referenced { what, name, by }) }
}
