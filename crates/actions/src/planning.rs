//! Planning: from what somebody wants to everything that a plan is made from.

use engine::planner;
use engine::ports::Resolved;
use model::plan::Origin;
use model::{CommitId, Kind, Name, Plan, Project, ReleaseId, Selector, Server, Site};
use store::Good;

use crate::releases::{Back, Others, Request, Wanted, sound_text};
use crate::rollback::{artifact, origin};
use crate::{Action, Actions, Actor, Error, Object, RepositorySays, authorize, repository_file};

/// What is brought to the servers, and how it is configured.
struct Brought {
    kind: Kind,
    git_ref: String,
    branch: Option<String>,
    tag: Option<String>,
    commit: CommitId,
    origin: Option<Origin>,
    artifact: Option<String>,
    says: RepositorySays,
}

impl Actions {
    /// Everything a plan is made from. `ends` is the release that has begun and is ended for it.
    pub(crate) async fn planned(
        &self,
        actor: &Actor,
        request: &Request,
        ends: Option<ReleaseId>,
    ) -> Result<planner::Request, Error> {
        authorize(actor, Action::Release, &Object::Environment(&request.project, &request.environment))?;
        sound_text("note", &request.note)?;
        let project = self.project(&request.project).await?;
        let site = self.site(&request.project, &request.environment).await?;
        let servers = self.chosen(&site, request.servers.as_ref()).await?;
        let now = request.others == Others::End;
        if now && !matches!(request.wanted, Wanted::Back(_)) {
            return Err(Error::invalid("now", "is only for a rollback"));
        }
        let brought = match &request.wanted {
            Wanted::Ref(git_ref) => self.forward(&project, &site, git_ref).await?,
            Wanted::From(other) => self.sideways(&project, &site, other).await?,
            Wanted::Artifact(hash) => self.as_built(&project, &site, hash).await?,
            Wanted::Back(back) => {
                let back = match ends {
                    Some(ended) if *back == Back::Previous => self.before(ended).await?,
                    _ => *back,
                };
                self.backward(&project, &site, back).await?
            }
            Wanted::CatchUp => {
                Brought { kind: Kind::CatchUp, ..self.backward(&project, &site, Back::Live).await? }
            }
        };
        let servers = match request.wanted {
            Wanted::CatchUp => self.left_behind(actor, &site, &project.name, servers).await?,
            _ => servers,
        };
        let (project, mut environment) = repository_file::under(project, &site, &brought.says);
        let mut wrong = self.fill(&mut environment.hooks).await?;
        wrong.extend(self.missing_secrets(&project.name, &environment, &servers).await?);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        Ok(planner::Request {
            project,
            environment,
            servers,
            git_ref: brought.git_ref,
            branch: brought.branch,
            tag: brought.tag,
            commit: brought.commit,
            kind: brought.kind,
            origin: brought.origin,
            artifact: brought.artifact,
            now,
            by: actor.name.clone(),
        })
    }

    /// A commit.
    async fn forward(&self, project: &Project, site: &Site, git_ref: &str) -> Result<Brought, Error> {
        let source = &self.parts.source;
        source.fetch(project, &mut |_| {}).await?;
        let Resolved { commit, branch, tag } = source.resolve(project, git_ref).await?;
        let says = self.says(project, &commit, site).await?;
        let says = says.map_err(|errors| repository_file::wrong(&commit, errors))?;
        let git_ref = git_ref.to_owned();
        Ok(Brought { kind: Kind::Release, git_ref, branch, tag, commit, origin: None, artifact: None, says })
    }

    /// What is live in another environment, as it was built for that one.
    async fn sideways(&self, project: &Project, site: &Site, other: &Name) -> Result<Brought, Error> {
        if *other == site.name {
            return Err(Error::invalid("from", "is the environment itself"));
        }
        self.site(&project.name, other).await?;
        let good = self.back_to(&project.name, other, Back::Live).await?;
        let artifact = Some(artifact(&good)?);
        let before = self.plan_of(&good).await?;
        let says = self.says(project, &good.commit, site).await?;
        let says = says.map_err(|errors| repository_file::wrong(&good.commit, errors))?;
        Ok(Brought { artifact, ..again(Kind::Release, before, good.commit, says) })
    }

    /// An artifact that is kept, as it was built.
    async fn as_built(&self, project: &Project, site: &Site, hash: &str) -> Result<Brought, Error> {
        let record = self.artifact(&project.name, hash).await?;
        let says = self.says(project, &record.commit, site).await?;
        let says = says.map_err(|errors| repository_file::wrong(&record.commit, errors))?;
        Ok(Brought {
            kind: Kind::Release,
            git_ref: record.commit.to_string(),
            branch: None,
            tag: None,
            commit: record.commit,
            origin: None,
            artifact: Some(record.hash),
            says,
        })
    }

    /// An earlier release. It needs nothing from the repository: a rollback has to work while the git host is away.
    async fn backward(&self, project: &Project, site: &Site, back: Back) -> Result<Brought, Error> {
        let good = self.back_to(&project.name, &site.name, back).await?;
        let origin = Some(origin(&good)?);
        let before = self.plan_of(&good).await?;
        let says = match self.says(project, &good.commit, site).await {
            Ok(Ok(says)) => says,
            // The mirror is gone or the file is not understood any more: what that release did then.
            Ok(Err(_)) | Err(_) => {
                RepositorySays { build: before.environment.build.clone(), settings: as_it_was(&before) }
            }
        };
        Ok(Brought { origin, ..again(Kind::Rollback, before, good.commit, says) })
    }

    /// What ran before a release that is ended, or what it was about to bring back.
    async fn before(&self, ended: ReleaseId) -> Result<Back, Error> {
        let ended = self.release(ended).await?;
        Ok(match (ended.kind, ended.rollback_to) {
            // Somebody is on the way back already, and somebody wants to be faster.
            (Kind::Rollback, Some(to)) => Back::Release(to),
            (Kind::CatchUp, _) => Back::Previous,
            // Nothing of it was good yet: what ran before it is the last good one.
            _ => Back::Live,
        })
    }

    pub(crate) async fn plan_of(&self, good: &Good) -> Result<Plan, Error> {
        self.store().plan(good.id).await?.ok_or_else(|| Error::missing("plan of release", &good.id))
    }

    /// Those of `servers` that can be reached and do not run what is live.
    async fn left_behind(
        &self,
        actor: &Actor,
        site: &Site,
        project: &Name,
        servers: Vec<Server>,
    ) -> Result<Vec<Server>, Error> {
        let behind = self.behind(actor, project, &site.name, servers).await?;
        if behind.is_empty() {
            return Err(Error::UpToDate(format!(
                "every server of {project}/{} that can be reached runs what is live",
                site.name
            )));
        }
        Ok(behind)
    }

    /// The servers of an environment, or those of them that are wanted.
    pub(crate) async fn chosen(&self, site: &Site, wanted: Option<&Selector>) -> Result<Vec<Server>, Error> {
        let mut servers = self.store().servers().await?;
        servers.retain(|server| site.servers.matches(server));
        if servers.is_empty() {
            let message = format!("{} of {} matches no server", site.servers, site.name);
            return Err(Error::invalid("environment", message));
        }
        if let Some(wanted) = wanted {
            servers.retain(|server| wanted.matches(server));
            if servers.is_empty() {
                return Err(Error::invalid(
                    "servers",
                    format!("is {wanted}, which matches no server of {}", site.name),
                ));
            }
        }
        Ok(servers)
    }
}

/// What an earlier plan brought, brought once more.
fn again(kind: Kind, before: Plan, commit: CommitId, says: RepositorySays) -> Brought {
    let (git_ref, branch, tag) = (before.git_ref, before.branch, before.tag);
    Brought { kind, git_ref, branch, tag, commit, origin: None, artifact: None, says }
}

/// The settings that a plan froze.
fn as_it_was(plan: &Plan) -> model::Settings {
    let environment = plan.environment.clone();
    model::Settings {
        keep: Some(environment.keep),
        linked_files: Some(environment.linked_files),
        linked_dirs: Some(environment.linked_dirs),
        health: Some(environment.health),
        hooks: environment.hooks,
        on_interrupt: Some(environment.on_interrupt),
        unreachable: Some(environment.unreachable),
        batches: Some(environment.batches),
        max_failures: Some(environment.max_failures),
        lock_after_rollback: Some(environment.lock_after_rollback),
        env_file: environment.env_file,
    }
}
