//! Pack: the built tree becomes an artifact, addressed by its hash, which is kept and can be released again.
//!
//! It is made under a name of its own and renamed when it is whole, so that a crash leaves nothing half.

use std::fs::File;
use std::io::BufReader;

use serde_json::{Value, json};

use super::build::{Built, keep_caches, settings_hash};
use crate::artifact::{self, manifest::Manifest, pack as packing};
use crate::error::{Failure, Halt};
use crate::ports::KeptArtifact;
use crate::run::{Begun, Run};

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
        (Begun::Act(open), Built::Tree { folder, mtime }) => (open, folder, mtime),
    };
    let (open, folder, mtime) = open;
    let mut log = open.log();
    match make(run, folder, mtime).await {
        Ok(kept) => {
            log.line(&format!("{} entries, {} bytes, artifact {}", kept.files, kept.bytes, kept.hash));
            log.end().await?;
            run.reporter.artifact(&kept.hash).await?;
            open.ok(Some(json!(kept.hash))).await?;
            Ok(kept.hash)
        }
        Err(failure) => Err(open.fail(failure).await),
    }
}

async fn make(run: &Run, tree: std::path::PathBuf, mtime: i64) -> Result<KeptArtifact, Failure> {
    let data = &run.ports.data;
    let stored = |error: crate::ports::JournalError| Failure::new(error.to_string());
    let latest = run.ports.artifacts.latest(&run.plan.project.name).await.map_err(stored)?;
    let previous = latest.and_then(|hash| {
        let file = File::open(artifact::folder(data, &hash).join("manifest.jsonl")).ok()?;
        Manifest::read(BufReader::new(file)).ok()
    });
    let order = packing::Order {
        tree,
        exclude: run.plan.environment.build.exclude.clone(),
        mtime,
        revision: run.plan.commit.to_string(),
        previous,
    };
    let new = data.join("artifacts").join(format!(".new-{}-{}", run.plan.release, run.epoch));
    super::build::remove(&new).await?;
    let at = new.clone();
    let packed = tokio::task::spawn_blocking(move || packing::pack(&order, &at))
        .await
        .map_err(|error| Failure::new(format!("packing stopped: {error}")))??;
    let place = artifact::folder(data, &packed.hash);
    if place.exists() {
        super::build::remove(&new).await?;
    } else {
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
    Ok(kept)
}
