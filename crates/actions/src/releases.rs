//! Releases: ask for one, look at them.

use engine::planner;
use jiff::Timestamp;
use model::{Kind, Name, Plan, Release, ReleaseId, Selector, Status};
use sha2::{Digest, Sha256};
use store::{Created, Filter, Idempotency, NewRelease};

use crate::audit::deed;
use crate::page::page;
use crate::{Action, Actions, Actor, Error, Object, authorize};

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
    /// The artifact of the project whose hash begins so.
    Artifact(String),
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
        authorize(actor, Action::Release, &Object::Environment(&request.project, &request.environment))?;
        let idempotency = match key {
            Some(key) => Some(Idempotency { key: sound_key(key)?, request_hash: hash(&request) }),
            None => None,
        };
        // Asked before anything is planned: what the first request found may be otherwise by now.
        if let Some(known) = &idempotency
            && let Some(before) = self.store().repeated(&actor.name, known).await?
        {
            return match before {
                Created::Again(id) => self.release(id).await,
                _ => Err(reused()),
            };
        }
        let id = loop {
            let ends = self.ends(&request).await?;
            let created = self.create(actor, &request, ends, idempotency.clone()).await?;
            match created {
                Created::New(id) => {
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
                Created::KeyReused => return Err(reused()),
            }
        };
        self.release(id).await
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
        let (by, detail) = (actor.name.clone(), told(request));
        let deed = move |id| deed(&by, "release.create", &Object::Release(id), &detail);
        Ok(self.store().create(new, Box::new(deed)).await?)
    }

    /// What [`request`](Self::request) would plan. Nothing is stored.
    pub async fn preview(&self, actor: &Actor, request: &Request) -> Result<Plan, Error> {
        authorize(actor, Action::Release, &Object::Environment(&request.project, &request.environment))?;
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
        let filter = Filter { project, environment, before, limit: limit + 1, ..Filter::default() };
        let found = self.store().releases(&filter).await?;
        if found.is_empty()
            && let Some(project) = &filter.project
        {
            // Releases of a project outlive it; only a name that never was is unknown.
            self.project(project).await?;
        }
        let (items, next) = page(found, limit, |release| release.id);
        Ok(Page { items, next })
    }

    pub(crate) async fn release(&self, id: ReleaseId) -> Result<Release, Error> {
        self.store().release(id).await?.ok_or_else(|| Error::missing("release", &id))
    }
}

fn reused() -> Error {
    Error::invalid("Idempotency-Key", "was used for another request before")
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

/// What is asked for, for the audit log.
fn told(request: &Request) -> String {
    let place = format!("{}/{}", request.project, request.environment);
    let servers = request.servers.as_ref().map(|servers| format!(" on {servers}")).unwrap_or_default();
    let what = match &request.wanted {
        Wanted::Ref(git_ref) => format!("{git_ref} to {place}"),
        Wanted::Back(Back::Previous) => format!("{place} back to the previous one"),
        Wanted::Back(Back::Live) => format!("{place} back to the live one"),
        Wanted::Back(Back::Release(id)) => format!("{place} back to {id}"),
        Wanted::CatchUp => format!("{place} catches up"),
        Wanted::From(other) => format!("what runs in {other} to {place}"),
        Wanted::Artifact(hash) => format!("artifact {hash} to {place}"),
    };
    what + &servers
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
        Wanted::Artifact(hash) => serde_json::json!({ "artifact": hash }),
    };
    let others = match request.others {
        Others::Refuse => "refuse",
        Others::Queue => "queue",
        Others::Supersede => "supersede",
        Others::End => "end",
    };
    let all = serde_json::json!([
        request.project,
        request.environment,
        wanted,
        request.servers,
        request.note,
        others
    ]);
    hex::encode(Sha256::digest(all.to_string()))
}
