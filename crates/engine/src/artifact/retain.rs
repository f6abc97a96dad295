//! Retention: which artifacts of a project stay on the machine of Aweigh. Done after a release that was good; a failure of
//! it is a warning.

use std::collections::BTreeSet;

use super::folder;
use crate::error::Failure;
use crate::ports::JournalError;
use crate::run::Run;
use crate::stages::build::remove as remove_folder;

/// Removes what is not kept any more of the artifacts of the release's project.
pub async fn retain(run: &Run) {
    match remove(run).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(project = %run.plan.project.name, removed, "old artifacts removed"),
        Err(failure) => tracing::warn!(reason = failure.message, "old artifacts stay"),
    }
}

async fn remove(run: &Run) -> Result<usize, Failure> {
    let stored = |error: JournalError| Failure::new(error.to_string());
    let (artifacts, data) = (&run.ports.artifacts, &run.ports.data);
    let project = &run.plan.project.name;
    let all = artifacts.all(project).await.map_err(stored)?;
    let needed = artifacts.needed(project).await.map_err(stored)?;
    let base = |hash: &str| std::fs::read_to_string(folder(data, hash).join("base")).ok();
    let gone = to_remove(&all, &needed.into_iter().collect(), run.ports.keep_artifacts, base);
    for hash in &gone {
        let place = folder(data, hash);
        if artifacts.forget(project, hash).await.map_err(stored)? && place.exists() {
            // Out of the way in one step: nobody finds half of it.
            let aside = data.join("artifacts").join(format!(".gone-{hash}"));
            remove_folder(&aside).await?;
            tokio::fs::rename(&place, &aside).await?;
            remove_folder(&aside).await?;
        }
    }
    Ok(gone.len())
}

/// Which of `all`, the newest first, may go. Pure.
///
/// Kept are those that are `needed` (live, a way back, on its way), the newest `keep`, and whatever one of these is
/// packed upon.
pub fn to_remove(
    all: &[String],
    needed: &BTreeSet<String>,
    keep: usize,
    base: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut kept: BTreeSet<String> =
        all.iter().take(keep.max(1)).cloned().chain(needed.iter().cloned()).collect();
    let mut open: Vec<String> = kept.iter().cloned().collect();
    while let Some(hash) = open.pop() {
        if let Some(below) = base(&hash)
            && kept.insert(below.clone())
        {
            open.push(below);
        }
    }
    all.iter().filter(|hash| !kept.contains(*hash)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_needed_the_newest_and_all_that_they_build_upon_stay(
            many in 1_usize..30,
            needed in proptest::collection::btree_set(0_usize..30, 0..5),
            bases in proptest::collection::btree_map(0_usize..30, 1_usize..6, 0..20),
            keep in 0_usize..10,
        ) {
            let name = |number: usize| format!("artifact-{number}");
            // 0 is the newest; each may build upon an older one.
            let all: Vec<String> = (0..many).map(name).collect();
            let needed: BTreeSet<String> = needed.into_iter().filter(|number| *number < many).map(name).collect();
            let bases: BTreeMap<String, String> = bases
                .into_iter()
                .filter(|(number, step)| number + step < many)
                .map(|(number, step)| (name(number), name(number + step)))
                .collect();
            let gone = to_remove(&all, &needed, keep, |hash| bases.get(hash).cloned());
            let stays = |hash: &String| !gone.contains(hash);
            prop_assert!(needed.iter().all(stays));
            prop_assert!(all.iter().take(keep.max(1)).all(stays));
            for (above, below) in &bases {
                prop_assert!(!stays(above) || stays(below), "{} builds upon {}", above, below);
            }
            for hash in &gone {
                prop_assert!(!bases.iter().any(|(above, below)| below == hash && stays(above)));
            }
        }
    }
}
