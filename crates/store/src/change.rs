//! Changes of definitions: a list of them in one transaction, all or nothing.

use std::collections::BTreeSet;

use model::{
    ExposeSecret, Name, Project, Scope, SecretString, Selector, Server, Site, Template, VariableName,
};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::credentials::place;
use crate::definitions::credential_of;
use crate::promises::{Promises, found, unused};
use crate::secrets::SealedSecret;
use crate::sql::{execute, parse, sql, texts, to_json, to_word};
use crate::tables::{credential, project, server, site};
use crate::writer::{Tx, Work};
use crate::{
    CredentialKind, Deed, Error, NewCredential, NewSecret, Store, audit, groups, places, rotation, secrets,
    templates,
};

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
    /// A stored password was typed once more: it is good for every server that names it now.
    ConfirmPassword(Name),
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
    /// Makes or replaces a group.
    PutGroup {
        /// Its name.
        name: Name,
        /// Who is in it.
        selector: Selector,
        /// Made by `apply`.
        managed: bool,
    },
    /// Forgets a group that no selector names.
    DeleteGroup(Name),
    /// Makes or replaces a project.
    PutProject {
        /// The project.
        project: Project,
        /// Made by `apply`.
        managed: bool,
    },
    /// Forgets a project with its environments; its releases stay.
    DeleteProject(Name),
    /// Makes or replaces a secret of a project, an environment or a server.
    PutSecret(NewSecret),
    /// Forgets a secret.
    DeleteSecret {
        /// Who says it.
        scope: Scope,
        /// Its name.
        name: VariableName,
    },
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
        let of = |kind: &str, name: &Name| format!("{kind}:{name}");
        let site = |project: &Name, name: &Name| format!("environment:{project}/{name}");
        let from = |managed: bool| if managed { "from a fleet file".to_owned() } else { String::new() };
        let (what, object, detail) = match self {
            Self::PutServer { server, managed } => ("server.put", of("server", &server.name), from(*managed)),
            Self::DeleteServer(name) => ("server.delete", of("server", name), String::new()),
            Self::PutCredential { credential, managed } => {
                ("credential.put", of("credential", &credential.name), from(*managed))
            }
            Self::ConfirmPassword(name) => ("credential.retype", of("credential", name), String::new()),
            Self::DeleteCredential(name) => ("credential.delete", of("credential", name), String::new()),
            Self::PutTemplate { template, managed, .. } => {
                ("hook.put", of("hook", &template.name), from(*managed))
            }
            Self::DeleteTemplate(name) => ("hook.delete", of("hook", name), String::new()),
            Self::PutGroup { name, managed, .. } => ("group.put", of("group", name), from(*managed)),
            Self::DeleteGroup(name) => ("group.delete", of("group", name), String::new()),
            Self::PutProject { project, managed } => {
                ("project.put", of("project", &project.name), from(*managed))
            }
            Self::DeleteProject(name) => ("project.delete", of("project", name), String::new()),
            Self::PutSite { project, site: put, managed } => {
                ("environment.put", site(project, &put.name), from(*managed))
            }
            Self::DeleteSite { project, site: name } => {
                ("environment.delete", site(project, name), String::new())
            }
            Self::PutSecret(secret) => ("secret.put", said_by(&secret.scope), secret.name.to_string()),
            Self::DeleteSecret { scope, name } => ("secret.delete", said_by(scope), name.to_string()),
        };
        Deed { who: by.to_owned(), what, object, detail }
    }
}

fn said_by(scope: &Scope) -> String {
    match scope {
        Scope::Project(project) => format!("project:{project}"),
        Scope::Environment(project, name) => format!("environment:{project}/{name}"),
        Scope::Server(server) => format!("server:{server}"),
    }
}

impl Store {
    /// Makes all `changes`, in order, or none of them, and records that `by` did it.
    ///
    /// What refers to what is looked at when all are made, so their order does not matter for it. Refused are
    /// deleting what is missing ([`Error::NotFound`]) or in use ([`Error::Referenced`]), and naming a credential,
    /// project, server or group that does not exist.
    pub async fn change(&self, changes: Vec<Change>, by: &str) -> Result<(), Error> {
        let deeds = changes.iter().map(|change| change.deed(by)).collect();
        self.make(changes, by, deeds).await
    }

    /// The same where `deed` says better what was done than the changes say themselves.
    pub async fn change_as(&self, changes: Vec<Change>, deed: Deed) -> Result<(), Error> {
        let by = deed.who.clone();
        self.make(changes, &by, vec![deed]).await
    }

    async fn make(&self, changes: Vec<Change>, by: &str, deeds: Vec<Deed>) -> Result<(), Error> {
        // Held over the write, on purpose: what was sealed with a key is stored before that key goes.
        let _sealing = self.0.sealing.read().await;
        let mut sealed = Vec::with_capacity(changes.len());
        for change in changes {
            sealed.push(match change {
                Change::PutCredential { credential, managed } => {
                    Sealed::Credential(self.seal(credential, managed)?)
                }
                Change::PutSecret(secret) => Sealed::Secret(self.seal_secret(secret)?),
                other => Sealed::Other(Box::new(other)),
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
            public_key: new.public_key,
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
    Secret(SealedSecret),
    Other(Box<Change>),
}

struct Changes {
    sealed: Vec<Sealed>,
    by: String,
    deeds: Vec<Deed>,
}

/// The kind of credential that is sent to a server as it is.
const PASSWORD: &str = "ssh-password";

impl Work for Changes {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let mut promises = Promises::default();
        for change in self.sealed {
            match change {
                Sealed::Credential(row) => {
                    if row.secret.is_some() {
                        let name: Name = parse("name of a credential", &row.name)?;
                        rotation::forget(tx, &name).await?;
                        if row.kind == PASSWORD {
                            promises.typed.insert(name, true);
                        }
                    }
                    put_credential(tx, row).await?;
                }
                Sealed::Secret(secret) => secrets::put(tx, secret).await?,
                Sealed::Other(change) => apply(tx, *change, &self.by, &mut promises).await?,
            }
        }
        for (credential, is_new) in &promises.typed {
            places::typed(tx, credential, *is_new).await?;
        }
        for credential in &promises.named {
            places::named(tx, credential).await?;
        }
        promises.check(tx).await?;
        audit::note(tx, self.deeds).await
    }
}

async fn apply(tx: &Tx, change: Change, by: &str, promises: &mut Promises) -> Result<(), Error> {
    match change {
        Change::PutServer { server, managed } => {
            promises.needed_credentials.extend(credential_of(&server).cloned());
            promises.named.extend(credential_of(&server).cloned());
            promises.needed_servers.extend(server.jump().cloned());
            put_server(tx, &server, managed).await
        }
        Change::PutProject { project, managed } => {
            promises.needed_credentials.extend(project.credential.clone());
            promises.needed_templates.extend(templates::picked_by_project(&project));
            promises.need_groups(project.defaults.selectors());
            put_project(tx, &project, managed).await
        }
        Change::PutSite { project, site, managed } => {
            put_site(tx, &project, &site, managed).await?;
            promises.needed_templates.extend(templates::picked_by_site(&site));
            promises.need_groups(site.selectors());
            promises.needed_projects.insert(project);
            Ok(())
        }
        Change::PutGroup { name, selector, managed } => {
            promises.need_groups([&selector]);
            groups::put(tx, &name, &selector, managed).await
        }
        Change::DeleteGroup(name) => {
            found(groups::delete(tx, &name).await?, "group", &name)?;
            promises.deleted_groups.insert(name);
            Ok(())
        }
        Change::DeleteServer(name) => {
            let gone = server::Entity::delete_by_id(name.as_str()).exec(tx.db()).await?;
            found(gone.rows_affected, "server", &name)?;
            secrets::delete_all(tx, &Scope::Server(name.clone())).await?;
            promises.deleted_servers.insert(name);
            Ok(())
        }
        Change::ConfirmPassword(name) => {
            promises.typed.entry(name).or_insert(false);
            Ok(())
        }
        Change::DeleteCredential(name) => {
            let gone = credential::Entity::delete_by_id(name.as_str()).exec(tx.db()).await?;
            found(gone.rows_affected, "credential", &name)?;
            rotation::forget(tx, &name).await?;
            places::forget(tx, &name).await?;
            promises.deleted_credentials.insert(name);
            Ok(())
        }
        Change::PutTemplate { template, managed } => templates::put(tx, &template, managed, by).await,
        Change::DeleteTemplate(name) => {
            found(templates::delete(tx, &name).await?, "hook template", &name)?;
            promises.deleted_templates.insert(name);
            Ok(())
        }
        Change::DeleteSecret { scope, name } => {
            found(secrets::delete(tx, &scope, &name).await?, "secret", &name)
        }
        Change::DeleteProject(name) => delete_project(tx, &name).await,
        Change::DeleteSite { project, site } => delete_site(tx, &project, &site).await,
        // Sealed before they came here.
        Change::PutCredential { .. } | Change::PutSecret(_) => Ok(()),
    }
}

async fn put_server(tx: &Tx, server: &Server, managed: bool) -> Result<(), Error> {
    use server::Column::{Body, Credential, Name as Key, UpdatedAt};
    let row = server::Model {
        name: server.name.to_string(),
        credential: credential_of(server).map(Name::to_string),
        // Which groups it is in follows from what both say when it is read.
        body: to_json("server", &Server { groups: BTreeSet::new(), ..server.clone() })?,
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
    secrets::delete_all(tx, &Scope::Project(name.clone())).await?;
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
    secrets::delete_all(tx, &Scope::Environment(project.clone(), site.clone())).await?;
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
        public_key: Set(row.public_key),
        username: Set(row.username),
        secret: Set(kept(row.secret, stored.secret)),
        passphrase: Set(kept(row.passphrase, stored.passphrase)),
        updated_at: Set(row.updated_at),
        ..Default::default()
    };
    credential::Entity::update(update).exec(tx.db()).await?;
    Ok(())
}
