//! Rollbacks: which earlier release comes back.

use model::plan::Origin;
use model::{Kind, Name, ReleaseId};
use store::Good;

use crate::releases::Back;
use crate::{Actions, Error};

impl Actions {
    /// The good release that `back` means, always one that brought a commit and never another rollback.
    pub(crate) async fn back_to(
        &self,
        project: &Name,
        environment: &Name,
        back: Back,
    ) -> Result<Good, Error> {
        let good = self.store().good(project, environment).await?;
        match back {
            Back::Previous => previous(&good).cloned().ok_or_else(|| {
                let what =
                    if good.is_empty() { "no good release" } else { "no good release before the live one" };
                Error::NothingToRollBack(format!("{project}/{environment} has {what}"))
            }),
            Back::Live => live(&good).cloned().ok_or_else(|| {
                Error::NothingToRollBack(format!("{project}/{environment} has no good release"))
            }),
            Back::Release(id) => match named(&good, id) {
                Some(found) => Ok(found.clone()),
                None => Err(self.not_good(project, environment, id).await?),
            },
        }
    }

    /// Why release `id` cannot come back to this environment.
    async fn not_good(&self, project: &Name, environment: &Name, id: ReleaseId) -> Result<Error, Error> {
        let Some(release) = self.store().release(id).await? else {
            return Ok(Error::missing("release", &id));
        };
        let why = if (&release.project, &release.environment) == (project, environment) {
            format!("release {id} ended {}; only one that succeeded can come back", release.status)
        } else {
            format!("release {id} is of {}/{}", release.project, release.environment)
        };
        Ok(Error::NothingToRollBack(why))
    }
}

/// The newest good release older than the origin of the live one.
///
/// Counted from the origin: after a rollback the next one goes further back instead of forward again.
fn previous(good: &[Good]) -> Option<&Good> {
    let live = good.first()?;
    let origin = live.origin.unwrap_or(live.id);
    good.iter().filter(|one| one.kind.has_folder() && one.id < origin).max_by_key(|one| one.id)
}

/// The good release `id`, or the one that the good rollback `id` brought back.
fn named(good: &[Good], id: ReleaseId) -> Option<&Good> {
    let found = good.iter().find(|one| one.id == id)?;
    let origin = found.origin.unwrap_or(found.id);
    good.iter().find(|one| one.id == origin)
}

/// The release whose tree is live: the one that was activated last, or what it brought back.
pub(crate) fn live(good: &[Good]) -> Option<&Good> {
    named(good, good.first()?.id)
}

/// What a plan needs to know of it.
///
/// What was adopted has no artifact: it comes back where its folder is as it was.
pub(crate) fn origin(good: &Good) -> Result<Origin, Error> {
    if good.artifact.is_none() && good.kind != Kind::Adopted {
        return Err(nothing_kept(good));
    }
    let (name, elsewhere) = (good.name.clone(), good.elsewhere.clone());
    Ok(Origin { release: good.id, name, elsewhere, artifact: good.artifact.clone() })
}

/// The artifact that a good release brought.
pub(crate) fn artifact(good: &Good) -> Result<String, Error> {
    good.artifact.clone().ok_or_else(|| nothing_kept(good))
}

fn nothing_kept(good: &Good) -> Error {
    let again = good.commit.known().map(|commit| format!("; release its commit {commit} again"));
    let again = again.unwrap_or_default();
    Error::NothingToRollBack(format!("nothing is kept of release {}{again}", good.id))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::ReleaseName;
    use model::plan::Elsewhere;

    use super::*;

    /// Good releases, the last activated first; `(id, origin)`.
    fn good(list: &[(i64, Option<i64>)]) -> Vec<Good> {
        let one = |(id, origin): &(i64, Option<i64>)| Good {
            id: ReleaseId(*id),
            name: ReleaseName::new(Timestamp::UNIX_EPOCH, ReleaseId(*id)),
            elsewhere: Elsewhere::new(),
            created_at: Timestamp::UNIX_EPOCH,
            kind: if origin.is_some() { Kind::Rollback } else { Kind::Release },
            origin: origin.map(ReleaseId),
            commit: "a".repeat(40).parse().unwrap(),
            artifact: None,
            good_at: Timestamp::UNIX_EPOCH,
        };
        list.iter().map(one).collect()
    }

    #[test]
    fn two_rollbacks_go_back_twice() {
        let back = |list: &[(i64, Option<i64>)]| previous(&good(list)).map(|one| one.id.0);
        assert_eq!(back(&[]), None);
        assert_eq!(back(&[(1, None)]), None);
        assert_eq!(back(&[(3, None), (2, None), (1, None)]), Some(2));
        assert_eq!(back(&[(4, Some(2)), (2, None), (3, None), (1, None)]), Some(1));
        assert_eq!(back(&[(5, Some(1)), (1, None), (4, Some(2)), (2, None), (3, None)]), None);
    }

    #[test]
    fn what_was_adopted_comes_back_without_an_artifact_and_is_never_sent_elsewhere() {
        let mut list = good(&[(2, None), (1, None)]);
        for one in &mut list {
            one.kind = Kind::Adopted;
        }
        let back = previous(&list).unwrap();
        assert_eq!((back.id.0, origin(back).unwrap().artifact), (1, None));
        assert!(artifact(back).is_err());
        assert!(origin(&good(&[(1, None)])[0]).is_err(), "of ours something is kept");
    }

    #[test]
    fn a_rollback_that_is_named_means_its_origin() {
        let list = good(&[(4, Some(2)), (2, None), (3, None), (1, None)]);
        assert_eq!(named(&list, ReleaseId(4)).map(|one| one.id.0), Some(2));
        assert_eq!(named(&list, ReleaseId(9)), None);
    }
}
