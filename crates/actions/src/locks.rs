//! Locks of environments: nobody but their owner releases there. What goes back is never locked out.

use jiff::Timestamp;
use model::Name;
use store::{Locked, SiteLock};

use crate::releases::sound_text;
use crate::{Action, Actions, Actor, Error, Object, authorize};

impl Actions {
    /// Locks an environment in the name of `actor`, until somebody unlocks it or `until` is over.
    pub async fn lock(
        &self,
        actor: &Actor,
        project: &Name,
        environment: &Name,
        reason: &str,
        until: Option<Timestamp>,
    ) -> Result<SiteLock, Error> {
        authorize(actor, Action::Lock, &Object::Environment(project, environment))?;
        sound_text("reason", reason)?;
        if until.is_some_and(|until| until <= Timestamp::now()) {
            return Err(Error::invalid("until", "is over already"));
        }
        self.site(project, environment).await?;
        let deed = actor.deed("environment.lock", &Object::Environment(project, environment), reason);
        match self.store().lock_site(project, environment, &actor.name, reason, until, deed).await? {
            Locked::Done => {}
            Locked::Held(lock) => return Err(Error::locked(project, environment, lock)),
        }
        let lock = self.store().site_lock(project, environment).await?;
        lock.ok_or_else(|| Error::missing("lock", &format!("{project}/{environment}")))
    }

    /// Takes the lock of an environment away, whoever holds it; what waits there goes on.
    pub async fn unlock(&self, actor: &Actor, project: &Name, environment: &Name) -> Result<(), Error> {
        authorize(actor, Action::Lock, &Object::Environment(project, environment))?;
        self.site(project, environment).await?;
        let deed = actor.deed("environment.unlock", &Object::Environment(project, environment), "");
        if !self.store().unlock_site(project, environment, deed).await? {
            return Err(Error::missing("lock", &format!("of {project}/{environment}")));
        }
        self.parts.control.wake();
        Ok(())
    }
}
