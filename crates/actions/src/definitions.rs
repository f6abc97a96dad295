//! Definitions: servers, credentials, hook templates, projects and environments, read as a whole and changed as a whole.

use std::collections::BTreeSet;

use model::{Groups, Name, Project, Scope, SecretString, Server, Site, VariableName};
use store::{Change, CredentialRecord, Managed, NewCredential, NewSecret, SecretRecord, TemplateRecord};

use crate::{Action, Actions, Actor, Error, KeyTrouble, Object, PublicHalf, authorize};

/// Everything that is defined, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// Credentials, without their secrets.
    pub credentials: Vec<CredentialRecord>,
    /// Hook templates, in their newest versions.
    pub templates: Vec<TemplateRecord>,
    /// Servers.
    pub servers: Vec<Server>,
    /// Groups of servers.
    pub groups: Groups,
    /// Projects.
    pub projects: Vec<Project>,
    /// Environments, each with its project.
    pub sites: Vec<(Name, Site)>,
    /// Secrets of projects, environments and servers, without their values.
    pub secrets: Vec<SecretRecord>,
    /// What `apply` made.
    pub managed: Managed,
    /// Of the credentials that are to be stored: those whose secret differs from the stored one.
    pub new_secrets: BTreeSet<Name>,
    /// The same of the other secrets.
    pub new_values: BTreeSet<(Scope, VariableName)>,
}

/// Everything secret that a request brings and that may be stored.
#[derive(Debug, Default)]
pub struct Brought {
    /// Credentials.
    pub credentials: Vec<NewCredential>,
    /// Secrets of projects, environments and servers.
    pub secrets: Vec<NewSecret>,
}

impl Actions {
    /// Everything that is defined.
    pub async fn definitions(&self, actor: &Actor) -> Result<Definitions, Error> {
        authorize(actor, Action::SeeDefinitions, &Object::Installation)?;
        self.read_definitions().await
    }

    /// Lets `judge` look at everything that is defined and makes the changes it wants: all or none, and nobody
    /// else changes anything between the look and the change. An empty list changes nothing.
    ///
    /// [`Definitions::new_secrets`] and [`Definitions::new_values`] tell what of `brought` differs from what is stored.
    pub async fn define<T, E: From<Error>>(
        &self,
        actor: &Actor,
        action: Action,
        object: &Object<'_>,
        brought: &Brought,
        judge: impl FnOnce(&Definitions) -> Result<(Vec<Change>, T), E> + Send,
    ) -> Result<T, E> {
        authorize(actor, action, object).map_err(Error::from)?;
        let _alone = self.defining.lock().await;
        let mut defined = self.read_definitions().await?;
        for new in &brought.secrets {
            if self.store().secret_differs(new).await.map_err(Error::from)? {
                defined.new_values.insert((new.scope.clone(), new.name.clone()));
            }
        }
        for new in &brought.credentials {
            let before = self.store().secret_digest(&new.name).await.map_err(Error::from)?;
            let after = self.store().secret_digest_after(new).await.map_err(Error::from)?;
            if before.as_ref() != Some(&after) {
                defined.new_secrets.insert(new.name.clone());
            }
        }
        let (changes, answer) = judge(&defined)?;
        if !changes.is_empty() {
            let made = changes.len();
            self.store().change(changes, &actor.name).await.map_err(Error::from)?;
            tracing::info!(%actor, ?action, made, "definitions changed");
        }
        Ok(answer)
    }

    /// The public half of a private key that is about to be stored.
    pub async fn public_half(
        &self,
        actor: &Actor,
        private_key: SecretString,
        passphrase: Option<SecretString>,
    ) -> Result<Result<PublicHalf, KeyTrouble>, Error> {
        authorize(actor, Action::ChangeServers, &Object::Installation)?;
        self.read_key(private_key, passphrase).await
    }

    async fn read_definitions(&self) -> Result<Definitions, Error> {
        let store = self.store();
        let projects = store.projects().await?;
        let mut sites = Vec::new();
        for project in &projects {
            let own = store.sites(&project.name).await?;
            sites.extend(own.into_iter().map(|site| (project.name.clone(), site)));
        }
        Ok(Definitions {
            credentials: store.credentials().await?,
            templates: store.templates().await?,
            servers: store.servers().await?,
            groups: store.groups().await?,
            projects,
            sites,
            secrets: store.secrets().await?,
            managed: store.managed().await?,
            new_secrets: BTreeSet::new(),
            new_values: BTreeSet::new(),
        })
    }
}
