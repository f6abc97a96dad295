//! Releases: ask for one, look at them.

use engine::planner;
use engine::ports::Resolved;
use jiff::Timestamp;
use model::{Kind, Name, Plan, Project, Release, ReleaseId, Selector, Server, Site};
use sha2::{Digest, Sha256};
use store::{Created, Filter, Idempotency, NewRelease};

use crate::rollback::origin;
use crate::{Action, Actions, Actor, Error, Object, RepositorySays, authorize, repository_file};

/// A wish for a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// What is to run there.
    pub wanted: Wanted,
    /// Only these servers of the environment.
    pub servers: Option<Selector>,
    /// A sentence for the others.
    pub note: String,
    /// Wait for other releases of the environment instead of being refused.
    pub queue: bool,
}

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A branch, a tag or a commit.
    Ref(String),
    /// An earlier release.
    Back(Back),
}

/// Which earlier release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// The newest good one older than the origin of the live one.
    Previous,
    /// This one.
    Release(ReleaseId),
}

/// A page of releases, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The releases.
    pub items: Vec<Release>,
    /// Ask for those before this one next; `None` on the last page.
    pub next: Option<ReleaseId>,
}

/// The most releases on a page.
pub const MOST: u64 = 200;

/// The longest note, in characters.
const LONGEST_NOTE: usize = 2000;

impl Actions {
    /// Makes a release and answers it, durable and queued.
    ///
    /// The ref is resolved first: an unknown one makes no release. With the same `key` a repeated request
    /// answers the release of the first.
    pub async fn request(
        &self,
        actor: &Actor,
        request: Request,
        key: Option<String>,
    ) -> Result<Release, Error> {
        let idempotency = match key {
            Some(key) => Some(Idempotency { key: sound_key(key)?, request_hash: hash(&request) }),
            None => None,
        };
        let planned = self.planned(actor, &request).await?;
        let new = NewRelease {
            project: request.project.clone(),
            environment: request.environment.clone(),
            kind: if planned.origin.is_some() { Kind::Rollback } else { Kind::Release },
            git_ref: planned.git_ref.clone(),
            commit: planned.commit.clone(),
            rollback_to: planned.origin.as_ref().map(|origin| origin.release),
            servers: planned.servers.iter().map(|server| server.name.clone()).collect(),
            note: request.note,
            by: actor.name.clone(),
            queue: request.queue,
            idempotency,
            plan: Box::new(move |id, at| planner::plan(planned, id, at)),
        };
        let id = match self.store().create(new).await? {
            Created::New(id) => {
                tracing::info!(%actor, release = %id, "release queued");
                self.parts.control.wake();
                id
            }
            Created::Again(id) => id,
            Created::Busy { id, by } => {
                let (project, environment) = (request.project.to_string(), request.environment.to_string());
                return Err(Error::Busy { id, project, environment, by });
            }
            Created::Duplicate { id } => return Err(Error::Duplicate { id }),
            Created::KeyReused => {
                return Err(Error::invalid("Idempotency-Key", "was used for another request before"));
            }
        };
        self.release(id).await
    }

    /// What [`request`](Self::request) would plan. Nothing is stored.
    pub async fn preview(&self, actor: &Actor, request: &Request) -> Result<Plan, Error> {
        let planned = self.planned(actor, request).await?;
        Ok(planner::plan(planned, ReleaseId(0), Timestamp::now()))
    }

    /// Releases, newest first: `limit` of them (at most [`MOST`]) older than `before`.
    pub async fn releases(
        &self,
        actor: &Actor,
        project: Option<Name>,
        environment: Option<Name>,
        before: Option<ReleaseId>,
        limit: u64,
    ) -> Result<Page, Error> {
        authorize(actor, Action::SeeReleases, &Object::Installation)?;
        let limit = limit.clamp(1, MOST);
        // One more than is shown tells whether there is a next page.
        let filter = Filter { project, environment, before, limit: limit + 1, ..Filter::default() };
        let mut items = self.store().releases(&filter).await?;
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        if items.is_empty()
            && let Some(project) = &filter.project
        {
            // Releases of a project outlive it; only a name that never was is unknown.
            self.project(project).await?;
        }
        let more = items.len() > shown;
        items.truncate(shown);
        let next = items.last().map(|release| release.id).filter(|_| more);
        Ok(Page { items, next })
    }

    pub(crate) async fn release(&self, id: ReleaseId) -> Result<Release, Error> {
        self.store().release(id).await?.ok_or_else(|| Error::missing("release", &id))
    }

    /// Everything a plan is made from.
    async fn planned(&self, actor: &Actor, request: &Request) -> Result<planner::Request, Error> {
        authorize(actor, Action::Release, &Object::Environment(&request.project, &request.environment))?;
        sound_note(&request.note)?;
        let project = self.project(&request.project).await?;
        let site = self.store().site(&request.project, &request.environment).await?;
        let site = site.ok_or_else(|| {
            Error::missing("environment", &format!("{}/{}", request.project, request.environment))
        })?;
        let servers = self.chosen(&site, request.servers.as_ref()).await?;
        let by = actor.name.clone();
        match &request.wanted {
            Wanted::Ref(git_ref) => self.forward(project, &site, servers, git_ref, by).await,
            Wanted::Back(back) => self.backward(project, &site, servers, *back, by).await,
        }
    }

    /// A plan that brings a commit.
    async fn forward(
        &self,
        project: Project,
        site: &Site,
        servers: Vec<Server>,
        git_ref: &str,
        by: String,
    ) -> Result<planner::Request, Error> {
        let source = &self.parts.source;
        source.fetch(&project, &mut |_| {}).await?;
        let Resolved { commit, branch, tag } = source.resolve(&project, git_ref).await?;
        let says = self.says(&project, &commit, site).await?;
        let says = says.map_err(|errors| repository_file::wrong(&commit, errors))?;
        let (project, environment) = repository_file::under(project, site, &says);
        let git_ref = git_ref.to_owned();
        Ok(planner::Request { project, environment, servers, git_ref, branch, tag, commit, origin: None, by })
    }

    /// A plan that brings an earlier release back. It needs nothing from the repository: a rollback has to work
    /// while the git host is away.
    async fn backward(
        &self,
        project: Project,
        site: &Site,
        servers: Vec<Server>,
        back: Back,
        by: String,
    ) -> Result<planner::Request, Error> {
        let good = self.back_to(&project.name, &site.name, back).await?;
        let origin = origin(&good)?;
        let before =
            self.store().plan(good.id).await?.ok_or_else(|| Error::missing("plan of release", &good.id))?;
        let says = match self.says(&project, &good.commit, site).await {
            Ok(Ok(says)) => says,
            // The mirror is gone or the file is not understood any more: what that release did then.
            Ok(Err(_)) | Err(_) => {
                RepositorySays { build: before.environment.build.clone(), settings: as_it_was(&before) }
            }
        };
        let (project, environment) = repository_file::under(project, site, &says);
        Ok(planner::Request {
            project,
            environment,
            servers,
            git_ref: before.git_ref,
            branch: before.branch,
            tag: before.tag,
            commit: good.commit,
            origin: Some(origin),
            by,
        })
    }

    /// The servers of an environment, or those of them that are wanted.
    async fn chosen(&self, site: &Site, wanted: Option<&Selector>) -> Result<Vec<Server>, Error> {
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
    }
}

/// A note is one paragraph that people read.
fn sound_note(note: &str) -> Result<(), Error> {
    if note.chars().count() > LONGEST_NOTE {
        return Err(Error::invalid("note", format!("is longer than {LONGEST_NOTE} characters")));
    }
    let odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    if note.contains(odd) {
        return Err(Error::invalid("note", "must not hold control characters"));
    }
    Ok(())
}

pub(crate) fn sound_key(key: String) -> Result<String, Error> {
    if (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(key)
    } else {
        Err(Error::invalid("Idempotency-Key", "must be 1 to 200 printable ASCII characters"))
    }
}

/// A hash of all that was asked for; what a ref resolves to is not part of it.
fn hash(request: &Request) -> String {
    let wanted = match &request.wanted {
        Wanted::Ref(git_ref) => serde_json::json!({ "ref": git_ref }),
        Wanted::Back(Back::Previous) => serde_json::json!("previous"),
        Wanted::Back(Back::Release(id)) => serde_json::json!(id),
    };
    let all = serde_json::json!([
        request.project,
        request.environment,
        wanted,
        request.servers,
        request.note,
        request.queue
    ]);
    hex::encode(Sha256::digest(all.to_string()))
}
