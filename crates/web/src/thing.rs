//! Things that can be defined, one by one: each is a fleet with a single thing in it.

use actions::{Action, Change, Definitions, Error, Object};
use api::{
    CredentialKind, CredentialSpec, EnvironmentSpec, FieldError, Fleet, GroupSpec, ProjectSpec, ServerSpec,
    Stored, TemplateSpec, What,
};
use model::Name;
use serde::Serialize;
use serde_json::Value;

/// What is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thing {
    Credential(Name),
    Hook(Name),
    Server(Name),
    Group(Name),
    Project(Name),
    Environment(Name, Name),
}

impl Thing {
    /// The word for people.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Credential(_) => "credential",
            Self::Hook(_) => "hook template",
            Self::Server(_) => "server",
            Self::Group(_) => "group",
            Self::Project(_) => "project",
            Self::Environment(..) => "environment",
        }
    }

    /// Its name among all things.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Credential(name)
            | Self::Hook(name)
            | Self::Server(name)
            | Self::Group(name)
            | Self::Project(name) => name.to_string(),
            Self::Environment(project, name) => api::apply::site_name(project, name),
        }
    }

    /// Where it stands in a fleet; field errors are told from there.
    pub(crate) fn prefix(&self) -> String {
        match self {
            Self::Credential(name) => format!("credentials.{name}"),
            Self::Hook(name) => format!("hooks.{name}"),
            Self::Server(name) => format!("servers.{name}"),
            Self::Group(name) => format!("groups.{name}"),
            Self::Project(name) => format!("projects.{name}"),
            Self::Environment(project, name) => format!("projects.{project}.environments.{name}"),
        }
    }

    /// Where it is found over HTTP.
    pub(crate) fn location(&self) -> String {
        match self {
            Self::Credential(name) => format!("/api/v1/credentials/{name}"),
            Self::Hook(name) => format!("/api/v1/hooks/{name}"),
            Self::Server(name) => format!("/api/v1/servers/{name}"),
            Self::Group(name) => format!("/api/v1/groups/{name}"),
            Self::Project(name) => format!("/api/v1/projects/{name}"),
            Self::Environment(project, name) => format!("/api/v1/projects/{project}/environments/{name}"),
        }
    }

    /// What changing it is called in the policy.
    pub(crate) fn action(&self) -> Action {
        match self {
            Self::Credential(_) | Self::Server(_) | Self::Group(_) => Action::ChangeServers,
            Self::Hook(_) => Action::ChangeHooks,
            Self::Project(_) | Self::Environment(..) => Action::ChangeProjects,
        }
    }

    /// What it is in the policy.
    pub(crate) fn object(&self) -> Object<'_> {
        match self {
            Self::Credential(name) => Object::Credential(name),
            Self::Hook(name) => Object::Hook(name),
            Self::Server(name) => Object::Server(name),
            Self::Group(_) => Object::Installation,
            Self::Project(name) => Object::Project(name),
            Self::Environment(project, name) => Object::Environment(project, name),
        }
    }

    /// What forgets it.
    pub(crate) fn delete(&self) -> Change {
        match self.clone() {
            Self::Credential(name) => Change::DeleteCredential(name),
            Self::Hook(name) => Change::DeleteTemplate(name),
            Self::Server(name) => Change::DeleteServer(name),
            Self::Group(name) => Change::DeleteGroup(name),
            Self::Project(name) => Change::DeleteProject(name),
            Self::Environment(project, site) => Change::DeleteSite { project, site },
        }
    }

    /// As it is stored, in the form it is written in and without any secret.
    pub(crate) fn spec(&self, stored: &Stored) -> Option<Value> {
        match self {
            Self::Credential(name) => stored
                .credentials
                .get(name)
                .map(|(kind, user)| shown(&CredentialSpec::of(*kind, user.clone()))),
            Self::Hook(name) => {
                stored.templates.get(name).map(|(template, _)| shown(&TemplateSpec::from(template)))
            }
            Self::Server(name) => stored.servers.get(name).map(|server| shown(&ServerSpec::from(server))),
            Self::Group(name) => {
                let group = stored.groups.get(name);
                group.map(|selector| shown(&GroupSpec { selector: selector.to_string() }))
            }
            Self::Project(name) => stored.projects.get(name).map(|project| {
                let own = stored.sites.iter().filter(|((of, _), _)| of == name).map(|(_, site)| site);
                shown(&ProjectSpec::of(project, own))
            }),
            Self::Environment(project, name) => {
                let site = stored.sites.get(&(project.clone(), name.clone()));
                site.map(|site| shown(&EnvironmentSpec::from(site)))
            }
        }
    }

    /// The fleet that defines it as `body` says, and nothing else.
    pub(crate) fn fleet(&self, stored: &Stored, body: Value) -> Result<Fleet, Unfit> {
        let mut fleet = Fleet::default();
        match self {
            Self::Credential(name) => {
                fleet.credentials.insert(name.to_string(), api::read(body)?);
            }
            Self::Hook(name) => {
                fleet.hooks.insert(name.to_string(), api::read(body)?);
            }
            Self::Server(name) => {
                fleet.servers.insert(name.to_string(), api::read(body)?);
            }
            Self::Group(name) => {
                let spec: GroupSpec = api::read(body)?;
                fleet.groups.insert(name.to_string(), spec.selector);
            }
            Self::Project(name) => {
                fleet.projects.insert(name.to_string(), api::read(body)?);
            }
            Self::Environment(project, name) => {
                let of = stored.projects.get(project).ok_or_else(|| Error::missing("project", project))?;
                let mut spec = ProjectSpec::of(of, []);
                spec.environments.insert(name.to_string(), api::read(body)?);
                fleet.projects.insert(project.to_string(), spec);
            }
        }
        Ok(fleet)
    }
}

/// Why a body defines nothing.
pub(crate) enum Unfit {
    /// Keys that do not fit.
    Fields(Vec<FieldError>),
    /// What it belongs to is missing.
    Missing(Error),
}

impl From<Vec<FieldError>> for Unfit {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Fields(errors)
    }
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self::Missing(error)
    }
}

fn shown(spec: &impl Serialize) -> Value {
    serde_json::to_value(spec).unwrap_or_default()
}

/// What is defined, in the terms of `api`.
pub(crate) fn stored(defined: &Definitions) -> Stored {
    let credential = |record: &actions::CredentialRecord| {
        (record.name.clone(), (kind_shown(record.kind), record.username.clone()))
    };
    let template = |record: &actions::TemplateRecord| {
        (record.template.name.clone(), (record.template.clone(), record.version))
    };
    let site = |(project, site): &(Name, model::Site)| ((project.clone(), site.name.clone()), site.clone());
    Stored {
        credentials: defined.credentials.iter().map(credential).collect(),
        templates: defined.templates.iter().map(template).collect(),
        servers: defined.servers.iter().map(|server| (server.name.clone(), server.clone())).collect(),
        groups: defined.groups.clone(),
        projects: defined.projects.iter().map(|project| (project.name.clone(), project.clone())).collect(),
        sites: defined.sites.iter().map(site).collect(),
        secrets: defined.secrets.iter().map(|one| (one.scope.clone(), one.name.clone())).collect(),
    }
}

/// What `apply` made, in the terms of `api`.
pub(crate) fn managed(defined: &Definitions) -> std::collections::BTreeSet<(What, String)> {
    let managed = &defined.managed;
    let named = |what: What| move |name: &Name| (what, name.to_string());
    managed
        .credentials
        .iter()
        .map(named(What::Credential))
        .chain(managed.templates.iter().map(named(What::Hook)))
        .chain(managed.servers.iter().map(named(What::Server)))
        .chain(managed.groups.iter().map(named(What::Group)))
        .chain(managed.projects.iter().map(named(What::Project)))
        .chain(
            managed
                .sites
                .iter()
                .map(|(project, name)| (What::Environment, api::apply::site_name(project, name))),
        )
        .collect()
}

pub(crate) fn kind_shown(kind: actions::CredentialKind) -> CredentialKind {
    match kind {
        actions::CredentialKind::SshKey => CredentialKind::SshKey,
        actions::CredentialKind::SshPassword => CredentialKind::SshPassword,
        actions::CredentialKind::SshAgent => CredentialKind::SshAgent,
        actions::CredentialKind::GitKey => CredentialKind::GitKey,
        actions::CredentialKind::GitToken => CredentialKind::GitToken,
    }
}

pub(crate) fn kind_stored(kind: CredentialKind) -> actions::CredentialKind {
    match kind {
        CredentialKind::SshKey => actions::CredentialKind::SshKey,
        CredentialKind::SshPassword => actions::CredentialKind::SshPassword,
        CredentialKind::SshAgent => actions::CredentialKind::SshAgent,
        CredentialKind::GitKey => actions::CredentialKind::GitKey,
        CredentialKind::GitToken => actions::CredentialKind::GitToken,
    }
}
