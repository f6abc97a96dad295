//! Pack: the built tree becomes an artifact, addressed by its hash, which is kept and can be released again.
//!
//! It is made under a name of its own and renamed when it is whole, so that a crash leaves nothing half.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::build::{Built, keep_caches, settings_hash};
use crate::artifact::manifest::{Entry, Manifest};
use crate::artifact::pack::{Order, Packed, Packing, pack as pack_tree};
use crate::artifact::{self, kept};
use crate::error::{Failure, Halt};
use crate::ports::{JournalError, KeptArtifact, TreeItem};
use crate::reporter::NodeLog;
use crate::run::{Begun, Run};

/// The most paths that are asked of git by name, and their bytes: they stand on a command line.
const MOST_NAMED: usize = 2000;
const MOST_NAMED_BYTES: usize = 100_000;

/// Packs what was built; the artifact's hash.
pub async fn pack(run: &Run, built: Built) -> Result<String, Halt> {
    let open = match (run.begin("pack").await?, built) {
        (Begun::Done(Some(Value::String(hash))), _) => return Ok(hash),
        (Begun::Done(_), _) => return Err(Halt::Failed(Failure::new("the artifact is gone"))),
        (Begun::Act(open), Built::Kept(hash)) => {
            run.reporter.artifact(&hash).await?;
            open.skip("the artifact of this commit is kept", Some(json!(hash))).await?;
            return Ok(hash);
        }
        (Begun::Act(open), built) => (open, built),
    };
    let (open, built) = open;
    if let Some(failure) = run.out_of_room() {
        return Err(open.fail(failure).await);
    }
    let mut log = open.log();
    match make(run, built, &mut log).await {
        Ok((kept, packed)) => {
            let (files, bytes, hash) = (kept.files, kept.bytes, &kept.hash);
            log.line(&format!("{files} entries, {bytes} bytes, {packed} of them new, artifact {hash}"));
            log.end().await?;
            run.reporter.artifact(&kept.hash).await?;
            open.ok(Some(json!(kept.hash))).await?;
            Ok(kept.hash)
        }
        Err(failure) => {
            log.end().await?;
            Err(open.fail(failure).await)
        }
    }
}

/// Makes the artifact and remembers it; how many bytes of files were packed for it.
async fn make(run: &Run, built: Built, log: &mut NodeLog) -> Result<(KeptArtifact, u64), Failure> {
    let data = &run.ports.data;
    let previous = previous(run).await?;
    let new = place_of_new(run);
    super::build::remove(&new).await?;
    let packed = match built {
        Built::Tree { folder, mtime } => {
            let order = order(run, mtime, previous);
            let into = new.clone();
            blocking(move || pack_tree(&order, &folder, &into)).await?
        }
        Built::Commit | Built::Kept(_) => of_commit(run, previous, &new, log).await?,
    };
    let place = artifact::folder(data, &packed.hash);
    if kept::chain(data, &packed.hash).is_some() {
        super::build::remove(&new).await?;
    } else {
        super::build::remove(&place).await?;
        tokio::fs::rename(&new, &place).await?;
    }
    let kept = KeptArtifact {
        hash: packed.hash,
        project: run.plan.project.name.clone(),
        commit: run.plan.commit.clone(),
        build: settings_hash(run),
        files: packed.manifest.entries.len() as u64,
        bytes: packed.manifest.bytes(),
    };
    run.ports.artifacts.keep(&kept).await.map_err(stored)?;
    keep_caches(run)?;
    Ok((kept, packed.packed_bytes))
}

/// Where an artifact is made, before it is whole and has its name.
pub fn place_of_new(run: &Run) -> PathBuf {
    run.ports.data.join("artifacts").join(format!(".new-{}-{}", run.plan.release, run.epoch))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn stored(error: JournalError) -> Failure {
    Failure::new(error.to_string())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::new(format!("packing stopped: {error}")))?
}

/// An earlier artifact of the project, with which the new one shares what did not change.
struct Previous {
    kept: KeptArtifact,
    manifest: Manifest,
    /// Whether the new one may leave out what this one has.
    is_base: bool,
}

/// What the servers of the environment run, or else the newest artifact of the project.
async fn previous(run: &Run) -> Result<Option<Previous>, Failure> {
    let live = run.good.first().and_then(|good| good.artifact.clone());
    let latest = run.ports.artifacts.latest(&run.plan.project.name).await.map_err(stored)?;
    for hash in live.into_iter().chain(latest) {
        let Some(kept) = run.ports.artifacts.get(&hash).await.map_err(stored)? else { continue };
        let data = run.ports.data.clone();
        let Some((manifest, is_base)) = blocking(move || kept::before(&data, &hash)).await? else { continue };
        return Ok(Some(Previous { kept, manifest, is_base }));
    }
    Ok(None)
}

fn order(run: &Run, mtime: i64, previous: Option<Previous>) -> Order {
    let (base, previous) = match previous {
        Some(previous) => (previous.is_base.then_some(previous.kept.hash), Some(previous.manifest)),
        None => (None, None),
    };
    Order {
        exclude: run.plan.environment.build.exclude.clone(),
        mtime,
        revision: run.plan.commit.to_string(),
        previous,
        base,
    }
}

/// Packs the commit as git gives it: only what changed since the previous artifact where that is enough, else all.
async fn of_commit(
    run: &Run,
    previous: Option<Previous>,
    into: &Path,
    log: &mut NodeLog,
) -> Result<Packed, Failure> {
    let (project, commit) = (&run.plan.project, &run.plan.commit);
    let changed = match &previous {
        Some(previous) if is_comparable(run, previous) => {
            let source = &run.ports.source;
            let changed = source.changed_paths(project, &previous.kept.commit, commit);
            let (changed, has_attributes) = tokio::join!(changed, source.has_attributes(project, commit));
            changed.ok().filter(|_| matches!(has_attributes, Ok(false)))
        }
        _ => None,
    };
    let changed = changed.filter(|changed| can_be_named(changed));
    let mtime = run.ports.source.commit_time(project, commit).await?;
    let packing = Arc::new(Mutex::new(Some(Packing::begin(order(run, mtime, previous), into)?)));
    let paths = changed.map(|changed| {
        let all: BTreeSet<Vec<u8>> = changed.iter().map(|(path, _)| path.clone()).collect();
        if let Some(packing) = packing.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            packing.keep(&all);
        }
        changed.into_iter().filter(|(_, is_there)| *is_there).map(|(path, _)| path).collect::<Vec<_>>()
    });
    if paths.as_ref().is_none_or(|paths| !paths.is_empty()) {
        let taking = Arc::clone(&packing);
        let take = move |path: &[u8], item: TreeItem<'_>| {
            let mut packing = taking.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(packing) = packing.as_mut() else { return Ok(()) };
            match item {
                TreeItem::Folder => packing.folder(path),
                TreeItem::Link(target) => packing.link(path, target),
                TreeItem::File { executable, size, bytes } => packing
                    .file(path, executable, size, bytes)
                    .map_err(|failure| std::io::Error::other(failure.reason()))?,
            }
            Ok(())
        };
        let left_out = run.ports.source.read_tree(project, commit, paths, Box::new(take)).await?;
        left_out.lines().iter().for_each(|line| log.line(line));
    }
    let packing = packing.lock().unwrap_or_else(PoisonError::into_inner).take();
    let packing = packing.ok_or_else(|| Failure::new("packing stopped"))?;
    blocking(move || packing.finish()).await
}

/// Whether the difference between two commits says all about the difference between their artifacts: made with the
/// same settings, and without a `REVISION` of the repository's own. Attributes are for the commits to tell: a manifest lacks
/// those that are not packed themselves.
fn is_comparable(run: &Run, previous: &Previous) -> bool {
    let entries = &previous.manifest.entries;
    let revision = format!("{}\n", previous.kept.commit);
    let time = match entries.get(b"REVISION".as_slice()) {
        Some(Entry::File { mtime, .. }) => format!("{mtime}\n"),
        _ => return false,
    };
    let is_ours = |name: &[u8], text: &str| {
        let ours = hex::encode(Sha256::digest(text));
        matches!(entries.get(name), Some(Entry::File { sha256, .. }) if *sha256 == ours)
    };
    previous.kept.build == settings_hash(run)
        && is_ours(b"REVISION", &revision)
        && is_ours(b"REVISION_TIME", &time)
}

fn can_be_named(changed: &[(Vec<u8>, bool)]) -> bool {
    let attributes = |path: &[u8]| path.ends_with(b".gitattributes");
    changed.len() <= MOST_NAMED
        && changed.iter().map(|(path, _)| path.len() + 1).sum::<usize>() <= MOST_NAMED_BYTES
        && !changed.iter().any(|(path, _)| attributes(path))
}
