//! The audit log: what people did is recorded beside it, and read here.
//!
//! What changes the database is recorded when it is done; what happens outside of it, on servers, before it begins: a
//! command that nobody recorded is never run.

use store::{AuditFilter, AuditRecord, Deed};

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// The most deeds of one answer.
pub const MOST_DEEDS: u64 = 1000;

/// How much is kept of what there is to say, in characters.
const LONGEST_DETAIL: usize = 2000;

impl Actions {
    /// What people did, the latest first, at most `limit`.
    pub async fn audit(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        limit: u64,
    ) -> Result<Vec<AuditRecord>, Error> {
        authorize(actor, Action::SeeAudit, &Object::Installation)?;
        Ok(self.store().audit(filter, limit.clamp(1, MOST_DEEDS)).await?)
    }

    /// Records that `actor` does `what` to `object`; durable on return. `detail` holds no secret.
    pub(crate) async fn note(
        &self,
        actor: &Actor,
        what: &'static str,
        object: &Object<'_>,
        detail: &str,
    ) -> Result<(), Error> {
        let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
        tracing::info!(%actor, what, %object, ?detail);
        let deed = Deed { who: actor.name.clone(), what, object: object.to_string(), detail };
        Ok(self.store().note(vec![deed]).await?)
    }
}
