//! Steering a release that is under way: stop it, have it wait, let it go on, leave servers out, try them once more.
//!
//! A wish is stored before whoever works on the release hears of it.

use engine::planner;
use engine::ports::Claim;
use model::{Name, Release, ReleaseId, Selector, Status};
use store::{Deed, Steered, Stop};

use crate::{Action, Actions, Actor, Error, Object, authorize};

impl Actions {
    /// Stops a release: at once where it has not begun, else as soon as the servers in hand are done.
    pub async fn cancel(&self, actor: &Actor, id: ReleaseId) -> Result<Release, Error> {
        authorize(actor, Action::Cancel, &Object::Release(id))?;
        let deed = actor.deed("release.cancel", &Object::Release(id), "");
        match self.store().request_stop(id, &actor.name, deed).await? {
            Stop::Unknown => return Err(Error::missing("release", &id)),
            Stop::AlreadyEnded(status) => return Err(Error::Finished { id, status }),
            // Its place in the queue is free now.
            Stop::Ended => self.parts.control.wake(),
            Stop::Asked => {
                if let Some(steering) = self.parts.control.steering(id) {
                    steering.stop();
                }
                // Nobody works on a release that waits, so somebody has to, in order to stop it.
                self.take_up(id, None).await?;
            }
        }
        self.release(id).await
    }

    /// Has a running release wait at the next border between steps; servers in hand are finished first.
    pub async fn pause(&self, actor: &Actor, id: ReleaseId) -> Result<Release, Error> {
        authorize(actor, Action::Pause, &Object::Release(id))?;
        let deed = actor.deed("release.pause", &Object::Release(id), "");
        let stored = self.store().request_pause(id, &actor.name, deed).await?;
        stored_for(id, stored, "pause", "a running release can be paused")?;
        if let Some(steering) = self.parts.control.steering(id) {
            steering.pause(&actor.name);
        }
        self.release(id).await
    }

    /// Takes a paused or interrupted release up again.
    pub async fn resume(&self, actor: &Actor, id: ReleaseId) -> Result<Release, Error> {
        authorize(actor, Action::Resume, &Object::Release(id))?;
        if self.store().is_held(id).await? {
            return Err(Error::Waits { id });
        }
        let deed = actor.deed("release.resume", &Object::Release(id), "");
        let is_ours = self.take_up(id, Some(deed)).await?;
        let release = self.release(id).await?;
        if is_ours { Ok(release) } else { Err(not_now(id, release.status, "resume", "it does not wait")) }
    }

    /// Lets a release go on that waits behind a batch.
    pub async fn promote(&self, actor: &Actor, id: ReleaseId) -> Result<Release, Error> {
        authorize(actor, Action::Promote, &Object::Release(id))?;
        let deed = actor.deed("release.promote", &Object::Release(id), "");
        let stored = self.store().request_promote(id, deed).await?;
        stored_for(id, stored, "promote", "nothing of it waits for a promotion")?;
        self.go_on(id, "promote").await
    }

    /// Tries servers of a paused or interrupted release once more, and takes it up again: these, or all that failed or
    /// were left out.
    pub async fn retry(
        &self,
        actor: &Actor,
        id: ReleaseId,
        servers: Option<&Selector>,
    ) -> Result<Release, Error> {
        authorize(actor, Action::Retry, &Object::Release(id))?;
        let servers = match servers {
            Some(selector) => Some(self.meant(id, selector).await?),
            None => None,
        };
        let names = servers.as_deref().map(listed).unwrap_or_default();
        let deed = actor.deed("release.retry", &Object::Release(id), &names);
        let stored = self.store().request_retry(id, servers, deed).await?;
        stored_for(
            id,
            stored,
            "retry",
            "pause it first, or wait for its end and bring the servers up to date",
        )?;
        self.go_on(id, "retry").await
    }

    /// Leaves servers out of a release that has begun: they go back where they were switched.
    pub async fn skip(&self, actor: &Actor, id: ReleaseId, servers: &Selector) -> Result<Release, Error> {
        authorize(actor, Action::Skip, &Object::Release(id))?;
        let servers = self.meant(id, servers).await?;
        self.none_is_needed(id, &servers).await?;
        let deed = actor.deed("release.skip", &Object::Release(id), &listed(&servers));
        let stored = self.store().request_skip(id, servers, deed).await?;
        let servers = stored_for(
            id,
            stored,
            "skip servers of",
            "it has not begun; cancel it and release to fewer servers",
        )?;
        if let Some(steering) = self.parts.control.steering(id) {
            for server in &servers {
                steering.skip(server);
            }
        }
        self.release(id).await
    }

    /// A server that alone runs a `once` hook which is not done cannot be left out.
    async fn none_is_needed(&self, id: ReleaseId, servers: &[Name]) -> Result<(), Error> {
        let plan = self.store().plan(id).await?.ok_or_else(|| Error::missing("release", &id))?;
        let rows = self.store().steps(id).await?;
        let is_done = |key: &str| rows.iter().any(|row| row.key == key && row.status.is_done());
        for server in plan.servers.iter().filter(|server| servers.contains(&server.name)) {
            let open = planner::once_hooks(&plan, server).find(|hook| !is_done(&hook.key));
            if let Some(hook) = open {
                let (name, key) = (&server.name, &hook.key);
                return Err(Error::invalid(
                    "servers",
                    format!("has {name}, which alone runs {key}: cancel instead"),
                ));
            }
        }
        Ok(())
    }

    /// The servers of a release that a selector means.
    async fn meant(&self, id: ReleaseId, selector: &Selector) -> Result<Vec<Name>, Error> {
        let plan = self.store().plan(id).await?.ok_or_else(|| Error::missing("release", &id))?;
        let names: Vec<Name> = plan
            .servers
            .into_iter()
            .filter(|server| selector.matches(server))
            .map(|server| server.name)
            .collect();
        if names.is_empty() {
            return Err(Error::invalid(
                "servers",
                format!("is {selector}, which matches no server of release {id}"),
            ));
        }
        Ok(names)
    }

    /// Has somebody work on a release that a stored wish is about.
    async fn go_on(&self, id: ReleaseId, verb: &'static str) -> Result<Release, Error> {
        let is_ours = self.take_up(id, None).await?;
        let release = self.release(id).await?;
        // Whoever was faster has read the wish.
        if is_ours || release.status == Status::Running {
            return Ok(release);
        }
        Err(not_now(id, release.status, verb, "it does not wait"))
    }

    /// Whether the release waited, and is worked on now. That is a deed of its own, or part of one that is recorded.
    async fn take_up(&self, id: ReleaseId, deed: Option<Deed>) -> Result<bool, Error> {
        let Some(claimed) = self.store().reopen(id, deed).await? else { return Ok(false) };
        let claim = Claim {
            release: claimed.id,
            epoch: claimed.epoch,
            status: Status::Running,
            wishes: claimed.wishes,
        };
        self.parts.control.run(claim);
        Ok(true)
    }
}

/// Names, for the audit log.
fn listed(servers: &[Name]) -> String {
    servers.iter().map(Name::as_str).collect::<Vec<_>>().join(" ")
}

fn not_now(id: ReleaseId, status: Status, verb: &'static str, otherwise: &'static str) -> Error {
    if status.is_terminal() {
        Error::Finished { id, status }
    } else {
        Error::NotNow { id, status, verb, otherwise }
    }
}

/// The servers of a wish that was stored; why it was not otherwise.
fn stored_for(
    id: ReleaseId,
    steered: Steered,
    verb: &'static str,
    otherwise: &'static str,
) -> Result<Vec<Name>, Error> {
    match steered {
        Steered::Stored(servers) => Ok(servers),
        Steered::Unknown => Err(Error::missing("release", &id)),
        Steered::NotNow(status) => Err(not_now(id, status, verb, otherwise)),
        Steered::NoServer(Some(name)) => {
            Err(Error::invalid("servers", format!("has {name}, of which release {id} has nothing to {verb}")))
        }
        Steered::NoServer(None) => {
            Err(Error::invalid("servers", format!("are none: nothing of release {id} failed")))
        }
    }
}
