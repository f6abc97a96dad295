//! Changes of definitions: a list of them in one transaction, all or nothing.

mod project;
mod server;
mod site;

use model::{Name, Project, Scope, Selector, Server, Site, Template, VariableName};

use crate::definitions::credential_of;
use crate::promises::{Promises, found};
use crate::secrets::SealedSecret;
use crate::sql::parse;
use crate::tables::credential;
use crate::writer::{Tx, Work};
use crate::{
    Deed, Error, NewCredential, NewSecret, Store, audit, credentials, groups, rotation, secrets, templates,
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
            Self::PutTemplate { template, managed } => {
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
                    Sealed::Credential(self.seal_credential(credential, managed)?)
                }
                Change::PutSecret(secret) => Sealed::Secret(self.seal_secret(secret)?),
                other => Sealed::Other(Box::new(other)),
            });
        }
        self.write(Changes { sealed, by: by.to_owned(), deeds }).await
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
                            promises.passwords.typed.insert(name, true);
                        }
                    }
                    credentials::put(tx, row).await?;
                }
                Sealed::Secret(secret) => secrets::put(tx, secret).await?,
                Sealed::Other(change) => apply(tx, *change, &self.by, &mut promises).await?,
            }
        }
        promises.keep(tx).await?;
        audit::note(tx, self.deeds).await
    }
}

async fn apply(tx: &Tx, change: Change, by: &str, promises: &mut Promises) -> Result<(), Error> {
    match change {
        Change::PutServer { server, managed } => {
            promises.needed_credentials.extend(credential_of(&server).cloned());
            promises.passwords.named.extend(credential_of(&server).cloned());
            promises.needed_servers.extend(server.jump().cloned());
            server::put(tx, &server, managed).await
        }
        Change::PutProject { project, managed } => {
            promises.needed_credentials.extend(project.credential.clone());
            promises.needed_templates.extend(templates::picked_by_project(&project));
            promises.need_groups(project.defaults.selectors());
            project::put(tx, &project, managed).await
        }
        Change::PutSite { project, site, managed } => {
            site::put(tx, &project, &site, managed).await?;
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
            server::delete(tx, &name).await?;
            promises.deleted_servers.insert(name);
            Ok(())
        }
        Change::ConfirmPassword(name) => {
            promises.passwords.typed.entry(name).or_insert(false);
            Ok(())
        }
        Change::DeleteCredential(name) => {
            credentials::delete(tx, &name).await?;
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
        Change::DeleteProject(name) => project::delete(tx, &name).await,
        Change::DeleteSite { project, site } => site::delete(tx, &project, &site).await,
        // Sealed before they came here.
        Change::PutCredential { .. } | Change::PutSecret(_) => Ok(()),
    }
}
