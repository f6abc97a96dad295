//! Definitions: servers, credentials, hook templates, projects and environments, read as a whole and changed as a whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Name, Project, SecretString, Server, Site};
use store::{Change, CredentialRecord, Managed, NewCredential, TemplateRecord};

use crate::{Action, Actions, Actor, Error, KeyTrouble, Object, authorize};

/// Everything that is defined, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// Credentials, without their secrets.
    pub credentials: Vec<CredentialRecord>,
    /// Hook templates, in their newest versions.
    pub templates: Vec<TemplateRecord>,
    /// Servers.
    pub servers: Vec<Server>,
    /// Projects.
    pub projects: Vec<Project>,
    /// Environments, each with its project.
    pub sites: Vec<(Name, Site)>,
    /// What `apply` made.
    pub managed: Managed,
    /// Of the credentials that are to be stored: those whose secret differs from the stored one.
    pub new_secrets: BTreeSet<Name>,
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
    /// `secrets` are the credentials that may be stored; [`Definitions::new_secrets`] tells which of them differ.
    pub async fn define<T, E: From<Error>>(
        &self,
        actor: &Actor,
        action: Action,
        object: &Object<'_>,
        secrets: &[NewCredential],
        judge: impl FnOnce(&Definitions) -> Result<(Vec<Change>, T), E> + Send,
    ) -> Result<T, E> {
        authorize(actor, action, object).map_err(Error::from)?;
        let _alone = self.defining.lock().await;
        let mut defined = self.read_definitions().await?;
        for new in secrets {
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

    /// The fingerprint of a private key that is about to be stored.
    pub async fn fingerprint(
        &self,
        actor: &Actor,
        private_key: SecretString,
        passphrase: Option<SecretString>,
    ) -> Result<Result<String, KeyTrouble>, Error> {
        authorize(actor, Action::ChangeServers, &Object::Installation)?;
        let keys = Arc::clone(&self.parts.keys);
        let read = move || keys.fingerprint(&private_key, passphrase.as_ref());
        let read = tokio::task::spawn_blocking(read).await;
        // A key that makes the parser panic is an unreadable key.
        Ok(read.unwrap_or_else(|_| Err(KeyTrouble::Unreadable("it cannot be read".to_owned()))))
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
            projects,
            sites,
            managed: store.managed().await?,
            new_secrets: BTreeSet::new(),
        })
    }
}
