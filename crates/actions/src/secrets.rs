//! Variables and secrets: which there are and who says them, storing and forgetting secrets, and whether a plan has all
//! that its hooks ask for.

use std::collections::BTreeSet;

use engine::masker::is_masked;
use jiff::Timestamp;
use model::{Environment, Hook, Name, Scope, SecretString, Server, VariableName, Variables};
use store::{Change, NewSecret, SecretRecord};

use crate::{Action, Actions, Actor, Error, Object, Wrong, authorize};

/// A variable or a secret, and who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who says it.
    pub scope: Scope,
    /// Its name.
    pub name: VariableName,
    /// Its value; `None` of a secret.
    pub value: Option<String>,
    /// Whether the environment says something else under this name.
    pub hidden: bool,
    /// Whether a secret is long enough to be masked where it is written.
    pub masked: Option<bool>,
    /// When a secret was stored last.
    pub updated_at: Option<Timestamp>,
}

impl Actions {
    /// The variables and secrets of a scope; of an environment with those of its project and of its servers, by name.
    pub async fn variables(&self, actor: &Actor, scope: &Scope) -> Result<Vec<Said>, Error> {
        authorize(actor, Action::SeeDefinitions, &object(scope))?;
        let mut scopes = vec![(scope.clone(), self.variables_of(scope).await?)];
        if let Scope::Environment(project, name) = scope {
            let site = self.site(project, name).await?;
            let project = Scope::Project(project.clone());
            scopes.push((project.clone(), self.variables_of(&project).await?));
            let servers = self.store().servers().await?;
            for server in servers.into_iter().filter(|server| site.servers.matches(server)) {
                scopes.push((Scope::Server(server.name), server.variables));
            }
        }
        let secrets = self.store().secrets().await?;
        let mut said = Vec::new();
        for (scope, variables) in scopes {
            let own = secrets.iter().filter(|secret| secret.scope == scope);
            said.extend(own.map(of_secret));
            said.extend(variables.into_iter().map(|(name, value)| of_variable(&scope, name, value)));
        }
        let own: BTreeSet<VariableName> =
            said.iter().filter(|one| one.scope == *scope).map(|one| one.name.clone()).collect();
        for one in said.iter_mut().filter(|one| matches!(one.scope, Scope::Project(_)) && one.scope != *scope)
        {
            one.hidden = own.contains(&one.name);
        }
        said.sort_by(|a, b| (&a.name, &a.scope).cmp(&(&b.name, &b.scope)));
        Ok(said)
    }

    /// Stores a secret, sealed, in the place of what was stored under this name.
    pub async fn put_secret(
        &self,
        actor: &Actor,
        scope: Scope,
        name: VariableName,
        value: SecretString,
    ) -> Result<Said, Error> {
        authorize(actor, Action::ChangeSecrets, &object(&scope))?;
        let _alone = self.defining.lock().await;
        if self.variables_of(&scope).await?.contains_key(&name) {
            let message = format!("is a variable of {scope}; choose another name, or take that one away");
            return Err(Error::invalid("name", message));
        }
        let masked = is_masked(model::ExposeSecret::expose_secret(&value));
        let new = NewSecret { scope: scope.clone(), name: name.clone(), value, masked };
        self.store().change(vec![Change::PutSecret(new)], &actor.name).await?;
        let stored = self.store().secrets().await?;
        let stored = stored.iter().find(|secret| secret.scope == scope && secret.name == name);
        stored.map(of_secret).ok_or_else(|| Error::missing("secret", &name))
    }

    /// Forgets a secret.
    pub async fn forget_secret(&self, actor: &Actor, scope: Scope, name: VariableName) -> Result<(), Error> {
        authorize(actor, Action::ChangeSecrets, &object(&scope))?;
        let _alone = self.defining.lock().await;
        Ok(self.store().change(vec![Change::DeleteSecret { scope, name }], &actor.name).await?)
    }

    /// What the hooks of a plan ask for and nobody has stored. It is looked at before a release is made: its hooks would
    /// fail in the middle of it.
    pub(crate) async fn missing_secrets(
        &self,
        project: &Name,
        environment: &Environment,
        servers: &[Server],
    ) -> Result<Vec<Wrong>, Error> {
        let asks = environment.hooks.values().flatten().any(|hook| !hook.secrets.is_empty());
        if !asks {
            return Ok(Vec::new());
        }
        let stored = self.store().secrets().await?;
        let common =
            [Scope::Project(project.clone()), Scope::Environment(project.clone(), environment.name.clone())];
        let is_stored = |name: &VariableName, server: Option<&Server>| {
            let server = server.map(|server| Scope::Server(server.name.clone()));
            let mut scopes = common.iter().chain(&server);
            scopes.any(|scope| stored.iter().any(|one| one.scope == *scope && one.name == *name))
        };
        let mut wrong = Vec::new();
        for (point, list) in &environment.hooks {
            for (place, hook) in list.iter().enumerate() {
                let here: Vec<Option<&Server>> = if point.on_control_host() {
                    vec![None]
                } else {
                    servers.iter().filter(|server| hook.runs_on(server, servers)).map(Some).collect()
                };
                for name in &hook.secrets {
                    let Some(server) = here.iter().find(|server| !is_stored(name, **server)) else {
                        continue;
                    };
                    wrong.push(missing(
                        (project, &environment.name),
                        name,
                        *server,
                        &field(point.word(), place, hook),
                    ));
                }
            }
        }
        Ok(wrong)
    }

    /// The variables that a scope says itself; an error where it does not exist.
    async fn variables_of(&self, scope: &Scope) -> Result<Variables, Error> {
        Ok(match scope {
            Scope::Project(project) => self.project(project).await?.variables,
            Scope::Environment(project, name) => self.site(project, name).await?.variables,
            Scope::Server(server) => self.server(server).await?.variables,
        })
    }
}

fn field(point: &str, place: usize, hook: &Hook) -> String {
    let place = hook.name.as_ref().map_or_else(|| place.to_string(), ToString::to_string);
    format!("hooks.{point}[{place}].secrets")
}

fn missing(site: (&Name, &Name), name: &VariableName, server: Option<&Server>, field: &str) -> Wrong {
    let (project, environment) = site;
    let on = server.map(|server| format!(" on {}", server.name)).unwrap_or_default();
    let how = format!("store it: aweigh secrets set {project} -e {environment} {name}");
    Wrong::new(field, format!("names {name}, which is not stored{on}; {how}"))
}

fn of_secret(secret: &SecretRecord) -> Said {
    Said {
        scope: secret.scope.clone(),
        name: secret.name.clone(),
        value: None,
        hidden: false,
        masked: Some(secret.masked),
        updated_at: Some(secret.updated_at),
    }
}

fn of_variable(scope: &Scope, name: VariableName, value: String) -> Said {
    Said { scope: scope.clone(), name, value: Some(value), hidden: false, masked: None, updated_at: None }
}

fn object(scope: &Scope) -> Object<'_> {
    match scope {
        Scope::Project(project) => Object::Project(project),
        Scope::Environment(project, name) => Object::Environment(project, name),
        Scope::Server(server) => Object::Server(server),
    }
}
