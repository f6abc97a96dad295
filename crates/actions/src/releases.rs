//! Releases: ask for one, look at them.

use engine::planner;
use engine::ports::Resolved;
use jiff::Timestamp;
use model::{Kind, Name, Plan, Project, Release, ReleaseId, Selector, Server, Site, Status};
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
    /// What becomes of the unfinished releases of the environment.
    pub others: Others,
}

/// What becomes of the unfinished releases of an environment when another one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Others {
    /// The new one is refused.
    #[default]
    Refuse,
    /// The new one waits behind them.
    Queue,
    /// It waits behind the one that has begun, in the place of those that wait.
    Supersede,
    /// They are ended wherever they stand. Only what goes back may do that.
    End,
}

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A branch, a tag or a commit.
    Ref(String),
    /// An earlier release.
    Back(Back),
    /// The live release, on servers that do not run it.
    CatchUp,
    /// What is live in another environment of the project: the same bytes.
    From(Name),
}

/// Which earlier release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// The newest good one older than the origin of the live one.
    Previous,
    /// The one that was activated last.
    Live,
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
        let id = loop {
            let ends = self.ends(&request).await?;
            let created = self.create(actor, &request, ends, idempotency.clone()).await?;
            match created {
                Created::New(id) => {
                    tracing::info!(%actor, release = %id, "release queued");
                    // What it ended may not do anything any more.
                    if let Some(steering) = ends.and_then(|ended| self.parts.control.steering(ended)) {
                        steering.cut_off();
                    }
                    self.parts.control.wake();
                    break id;
                }
                Created::Again(id) => break id,
                // Another one has begun or ended since we looked.
                Created::Changed => {}
                Created::Busy { id, by } => {
                    let (project, environment) =
                        (request.project.to_string(), request.environment.to_string());
                    return Err(Error::Busy { id, project, environment, by });
                }
                Created::Locked(lock) => {
                    return Err(Error::locked(&request.project, &request.environment, lock));
                }
                Created::Duplicate { id } => return Err(Error::Duplicate { id }),
                Created::KeyReused => {
                    return Err(Error::invalid("Idempotency-Key", "was used for another request before"));
                }
            }
        };
        self.release(id).await
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

    /// The release that has begun and is to be ended for this one.
    async fn ends(&self, request: &Request) -> Result<Option<ReleaseId>, Error> {
        if request.others != Others::End {
            return Ok(None);
        }
        let active = Filter {
            project: Some(request.project.clone()),
            environment: Some(request.environment.clone()),
            status: Status::ALL.into_iter().filter(|status| status.is_active()).collect(),
            limit: 1,
            ..Filter::default()
        };
        Ok(self.store().releases(&active).await?.first().map(|release| release.id))
    }

    async fn create(
        &self,
        actor: &Actor,
        request: &Request,
        ends: Option<ReleaseId>,
        idempotency: Option<Idempotency>,
    ) -> Result<Created, Error> {
        let planned = self.planned(actor, request, ends).await?;
        let new = NewRelease {
            project: request.project.clone(),
            environment: request.environment.clone(),
            kind: planned.kind,
            git_ref: planned.git_ref.clone(),
            commit: planned.commit.clone(),
            rollback_to: planned.origin.as_ref().map(|origin| origin.release),
            servers: planned.servers.iter().map(|server| server.name.clone()).collect(),
            note: request.note.clone(),
            by: actor.name.clone(),
            others: match request.others {
                Others::Refuse => store::Others::Refuse,
                Others::Queue => store::Others::Queue,
                Others::Supersede => store::Others::Supersede,
                Others::End => store::Others::End(ends),
            },
            locks: planned.kind == Kind::Rollback && planned.environment.lock_after_rollback,
            idempotency,
            plan: Box::new(move |id, at| planner::plan(planned, id, at)),
        };
        Ok(self.store().create(new).await?)
    }

    /// What [`request`](Self::request) would plan. Nothing is stored.
    pub async fn preview(&self, actor: &Actor, request: &Request) -> Result<Plan, Error> {
        let ends = self.ends(request).await?;
        let planned = self.planned(actor, request, ends).await?;
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
    async fn planned(
        &self,
        actor: &Actor,
        request: &Request,
        ends: Option<ReleaseId>,
    ) -> Result<planner::Request, Error> {
        authorize(actor, Action::Release, &Object::Environment(&request.project, &request.environment))?;
        sound_text("note", &request.note)?;
        let project = self.project(&request.project).await?;
        let site = self.store().site(&request.project, &request.environment).await?;
        let site = site.ok_or_else(|| {
            Error::missing("environment", &format!("{}/{}", request.project, request.environment))
        })?;
        let servers = self.chosen(&site, request.servers.as_ref()).await?;
        let by = actor.name.clone();
        let now = request.others == Others::End;
        match &request.wanted {
            Wanted::Ref(_) | Wanted::CatchUp | Wanted::From(_) if now => {
                Err(Error::invalid("now", "is only for a rollback"))
            }
            Wanted::From(other) => self.sideways(project, &site, servers, other, by).await,
            Wanted::Ref(git_ref) => self.forward(project, &site, servers, git_ref, by).await,
            Wanted::Back(back) => {
                let back = match ends {
                    Some(ended) if *back == Back::Previous => self.before(ended).await?,
                    _ => *back,
                };
                let plan = self.backward(project, &site, servers, back, by).await?;
                Ok(planner::Request { now, ..plan })
            }
            Wanted::CatchUp => {
                let plan = self.backward(project.clone(), &site, servers, Back::Live, by).await?;
                let behind = self.behind(actor, &project.name, &site.name, plan.servers).await?;
                if behind.is_empty() {
                    return Err(Error::UpToDate(format!(
                        "every server of {}/{} that can be reached runs what is live",
                        project.name, site.name
                    )));
                }
                Ok(planner::Request { kind: Kind::CatchUp, servers: behind, ..plan })
            }
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
        Ok(planner::Request {
            project,
            environment,
            servers,
            git_ref,
            branch,
            tag,
            commit,
            kind: Kind::Release,
            origin: None,
            artifact: None,
            now: false,
            by,
        })
    }

    /// A plan that brings what is live in another environment, as it was built for that one.
    async fn sideways(
        &self,
        project: Project,
        site: &Site,
        servers: Vec<Server>,
        other: &Name,
        by: String,
    ) -> Result<planner::Request, Error> {
        if *other == site.name {
            return Err(Error::invalid("from", "is the environment itself"));
        }
        let known = self.store().site(&project.name, other).await?;
        known.ok_or_else(|| Error::missing("environment", &format!("{}/{other}", project.name)))?;
        let good = self.back_to(&project.name, other, Back::Live).await?;
        let artifact = origin(&good)?.artifact;
        let before =
            self.store().plan(good.id).await?.ok_or_else(|| Error::missing("plan of release", &good.id))?;
        let says = self.says(&project, &good.commit, site).await?;
        let says = says.map_err(|errors| repository_file::wrong(&good.commit, errors))?;
        let (project, environment) = repository_file::under(project, site, &says);
        Ok(planner::Request {
            project,
            environment,
            servers,
            git_ref: before.git_ref,
            branch: before.branch,
            tag: before.tag,
            commit: good.commit,
            kind: Kind::Release,
            origin: None,
            artifact: Some(artifact),
            now: false,
            by,
        })
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
            kind: Kind::Rollback,
            origin: Some(origin),
            artifact: None,
            now: false,
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
        lock_after_rollback: Some(environment.lock_after_rollback),
    }
}

/// A text of people is one paragraph that people read.
pub(crate) fn sound_text(field: &'static str, text: &str) -> Result<(), Error> {
    if text.chars().count() > LONGEST_NOTE {
        return Err(Error::invalid(field, format!("is longer than {LONGEST_NOTE} characters")));
    }
    let odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(odd) {
        return Err(Error::invalid(field, "must not hold control characters"));
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
        Wanted::Back(Back::Live) => serde_json::json!("live"),
        Wanted::Back(Back::Release(id)) => serde_json::json!(id),
        Wanted::CatchUp => serde_json::json!("catch_up"),
        Wanted::From(other) => serde_json::json!({ "from": other }),
    };
    let all = serde_json::json!([
        request.project,
        request.environment,
        wanted,
        request.servers,
        request.note,
        format!("{:?}", request.others)
    ]);
    hex::encode(Sha256::digest(all.to_string()))
}
