//! Hook templates: what they said in each version, which one a plan takes, and trying one on a server.

use std::time::Duration;

use engine::given::variable_lines;
use engine::hook_env::{Place, variables};
use engine::masker::Masker;
use engine::ports::HostError;
use engine::trial::{self, Trial, Tried};
use model::{Hooks, Name, Picked, Scope};
use store::TemplateRecord;

use crate::releases::Back;
use crate::{Action, Actions, Actor, Error, Object, Wrong, authorize};

/// The longest that a trial may run: somebody waits for it.
const LONGEST: Duration = Duration::from_mins(5);

/// What is tried, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryRequest {
    /// The template.
    pub picked: Picked,
    /// The command itself, where it is not stored yet.
    pub run: Option<String>,
    /// The project.
    pub project: Name,
    /// The environment, in whose live release it runs.
    pub environment: Name,
    /// One of its servers.
    pub server: Name,
    /// Only the shell of the server reads it; nothing of it is run.
    pub check: bool,
}

impl Actions {
    /// The versions of a template, the newest first.
    pub async fn template_versions(&self, actor: &Actor, name: &Name) -> Result<Vec<TemplateRecord>, Error> {
        authorize(actor, Action::SeeDefinitions, &Object::Installation)?;
        let versions = self.store().template_versions(name).await?;
        if versions.is_empty() { Err(Error::missing("hook template", name)) } else { Ok(versions) }
    }

    /// Runs a template on one server of an environment, in the folder of what is live, and waits for its end; at most for
    /// five minutes. It is no release: it holds no lock, and no fact tells of it.
    pub async fn try_template(&self, actor: &Actor, request: TryRequest) -> Result<Tried, Error> {
        let TryRequest { picked, run, project, environment, server, check } = request;
        authorize(actor, Action::TryHook, &Object::Environment(&project, &environment))?;
        let stored = self.store().template(&picked).await?;
        let timeout = stored.as_ref().map_or(LONGEST, |record| record.template.timeout);
        let stored = stored.map(|record| record.template.run);
        let is_stored = run.is_none() || run == stored;
        let run = run.or(stored).ok_or_else(|| Error::missing("hook template", &picked))?;
        let site = self.site(&project, &environment).await?;
        let machine = self.server(&server).await?;
        if !site.servers.matches(&machine) {
            let message = format!("is {server}, which is not a server of {project}/{environment}");
            return Err(Error::invalid("server", message));
        }
        let good = self.back_to(&project, &environment, Back::Live).await?;
        let plan = self.plan_of(&good).await?;
        let place = Place { server: Some(&machine), ..Place::default() };
        let mut variables = variables(&plan, plan.action(), "", &place);
        // Of a variable that is said twice the last one counts.
        variables.push("AWEIGH_ACTION=try".to_owned());
        variables.push("AWEIGH_RELEASE_URL=".to_owned());
        variables.extend(variable_lines(&plan, Some(&machine)));
        let logins = self.store().logins(&plan.project, [&machine]).await?;
        let mut secrets: Vec<_> = logins.into_values().flatten().collect();
        let scopes = [
            Scope::Project(project.clone()),
            Scope::Environment(project.clone(), environment.clone()),
            Scope::Server(server.clone()),
        ];
        for scope in &scopes {
            secrets.extend(self.store().secret_values(scope).await?.into_values());
        }
        let masker = Masker::new(&secrets);
        let trial = Trial { path: site.path, run, check, variables, longest: timeout.min(LONGEST) };
        let object = Object::Environment(&project, &environment);
        let how = if check { "read by" } else { "run on" };
        // A name tells what ran only as long as the text is the one that has this name.
        let own = if is_stored { String::new() } else { format!(": {}", masker.text(&trial.run)) };
        self.note(actor.deed("hook.try", &object, &format!("{picked} {how} {server}{own}"))).await?;
        let tried = trial::run(self.parts.hosts.as_ref(), &machine, &trial, &masker).await;
        Ok(tried.map_err(|error| HostError { message: format!("{server}: {}", error.message), ..error })?)
    }

    /// Puts the commands of templates into the hooks that pick them, in the versions of this moment; what is wrong with
    /// those that pick what is not there.
    ///
    /// Hooks of an earlier plan have their commands already, and keep them.
    pub(crate) async fn fill(&self, hooks: &mut Hooks) -> Result<Vec<Wrong>, Error> {
        let mut wrong = Vec::new();
        for (point, list) in hooks {
            for (place, hook) in list.iter_mut().enumerate() {
                let Some(picked) = hook.template.clone().filter(|_| hook.run.is_empty()) else { continue };
                match self.store().template(&picked).await? {
                    Some(record) => record.template.fill(record.version, hook),
                    None => wrong.push(Wrong::new(
                        format!("hooks.{}[{place}].template", point.word()),
                        format!("names {picked}, which is not a hook template"),
                    )),
                }
            }
        }
        Ok(wrong)
    }
}
