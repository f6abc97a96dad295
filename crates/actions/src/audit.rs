//! The audit log: what people did is recorded beside it, and read here.
//!
//! What changes the database hands its deed to the store, which records it in the same transaction; what happens outside
//! of it, on servers, is recorded before it begins: a command that nobody recorded is never run.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use store::{AuditFilter, AuditRecord, Deed};

use crate::page::page;
use crate::{Action, Actions, Actor, Error, Object, authorize};

/// The most deeds of one answer.
pub const MOST_DEEDS: u64 = 1000;

/// How much is kept of what there is to say, in characters. Commands may be longer.
const LONGEST_DETAIL: usize = 2000;

impl Actions {
    /// What people did, the latest first, at most `limit`, and the number before which there is more.
    pub async fn audit(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        limit: u64,
    ) -> Result<(Vec<AuditRecord>, Option<i64>), Error> {
        authorize(actor, Action::SeeAudit, &Object::Installation)?;
        let limit = limit.clamp(1, MOST_DEEDS);
        let found = self.store().audit(filter, limit + 1).await?;
        Ok(page(found, limit, |record| record.id))
    }

    /// Records a deed that is no write of the store, before it begins; durable on return.
    pub(crate) async fn note(&self, deed: Deed) -> Result<(), Error> {
        Ok(self.store().note(deed).await?)
    }
}

/// What the audit log is told: `who` does `what` to `object`. `detail` holds no secret.
pub(crate) fn deed(who: &str, what: &'static str, object: &Object<'_>, detail: &str) -> Deed {
    Deed::new(who, what, object, kept(detail))
}

/// What is kept of a detail: all of it, or its beginning with how long it is and what it hashes to, by which whoever has
/// the whole can show that it is the one.
fn kept(detail: &str) -> Cow<'_, str> {
    let Some((end, _)) = detail.char_indices().nth(LONGEST_DETAIL) else { return Cow::Borrowed(detail) };
    let beginning = detail.get(..end).unwrap_or_default();
    let (bytes, hash) = (detail.len(), hex::encode(Sha256::digest(detail)));
    Cow::Owned(format!("{beginning}… [cut: {bytes} bytes in all, SHA-256 {hash}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_is_cut_and_says_what_the_whole_was() {
        let short = "ä".repeat(LONGEST_DETAIL);
        assert_eq!(kept(&short), short);
        let long = format!("{short}b");
        let cut = kept(&long);
        assert!(cut.starts_with(&format!("{short}… [cut: 4001 bytes in all, SHA-256 ")), "{cut}");
        assert!(cut.ends_with(&format!("{}]", hex::encode(Sha256::digest(&long)))), "{cut}");
    }
}
