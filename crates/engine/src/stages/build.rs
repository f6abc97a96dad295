//! Build: a fresh tree of the commit, in which the build commands run on the control host.
//!
//! After a crash the tree is thrown away and built again: a build is always safe to repeat. What an earlier try
//! left running is killed first.

use std::path::{Path, PathBuf};

use model::{Hook, HookPoint};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::job::{Ended, Job, execute, kill};
use super::usage::Limits;
use crate::besides::Besides;
use crate::error::{Failure, Halt};
use crate::hook_env::{Place, variables};
use crate::lane::Lane;
use crate::reporter::NodeLog;
use crate::room;
use crate::run::{Begun, Run};

/// A tree that is ready to be packed, or an artifact that makes one needless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// The folder to pack, and the commit's time in seconds since 1970.
    Tree {
        /// The folder.
        folder: PathBuf,
        /// The time.
        mtime: i64,
    },
    /// The commit itself: there is nothing to build.
    Commit,
    /// This commit was packed before, with the same settings.
    Kept(String),
}

/// SHA-256 of everything that decides what a commit becomes.
pub fn settings_hash(run: &Run) -> String {
    let build = &run.plan.environment.build;
    let mut said = vec![json!(build.run), json!(build.output), json!(build.exclude), json!(build.cache)];
    // What is not asked for is not said: a key that most projects do without makes no new artifact for them.
    if build.submodules {
        said.push(json!("submodules"));
    }
    if build.lfs {
        said.push(json!("lfs"));
    }
    hex::encode(Sha256::digest(json!(said).to_string()))
}

/// Builds the plan's commit on the lane of the control host, which is contacted when there is something to build.
pub async fn build(control: &mut Lane) -> Result<Built, Halt> {
    let run = control.run.clone();
    // Without a tree there is nothing to pack: a build that was done is redone until its artifact is kept.
    if let Some(kept) = kept(&run).await? {
        if !run.was_done("build") {
            run.skip("build", "the artifact of this commit is kept").await?;
        }
        return Ok(Built::Kept(kept));
    }
    let settings = &run.plan.environment.build;
    if settings.run.is_empty() && settings.output == "." && !Besides::of(settings).is_any() {
        run.skip("build", "there is nothing to build").await?;
        return Ok(Built::Commit);
    }
    let tree = run.work().join("tree");
    // What was built is gone, too; it is the packing that does not work.
    if let Some(failure) = run.out_of_room().filter(|_| run.was_done("build"))
        && let Begun::Act(open) = run.begin("pack").await?
    {
        return Err(open.fail(failure).await);
    }
    if let Some(done) =
        run.found.get("build").filter(|row| row.status.is_done()).and_then(|row| row.result.as_ref())
        && let Some(mtime) = done.get("mtime").and_then(serde_json::Value::as_i64)
    {
        return Ok(Built::Tree { folder: output(&run, &tree)?, mtime });
    }
    let Begun::Act(open) = run.begin("build").await? else {
        return Err(Halt::Failed(Failure::new("the built tree is gone")));
    };
    if let Some(failure) = run.out_of_room() {
        return Err(open.fail(failure).await);
    }
    if let Some(refusal) = run.ports.sandbox.refusal() {
        return Err(open.fail(refusal).await);
    }
    if let Err(failure) = control.contact().await {
        return Err(open.fail(failure).await);
    }
    let mut log = open.log();
    log.line(&run.ports.sandbox.words);
    for earlier in 1..open.attempt {
        for number in 0..run.plan.environment.build.run.len() {
            kill(control, &run_id(&run, earlier, number)).await;
        }
    }
    let stopped = run.steering.stopped().cancelled();
    let built = tokio::select! {
        built = fresh_tree(&run, &tree, &mut log) => Some(built),
        () = stopped => None,
    };
    let mtime = match built {
        Some(Ok(mtime)) => mtime,
        None => {
            log.end().await?;
            return Err(open.cancelled().await);
        }
        Some(Err(failure)) => {
            log.end().await?;
            return Err(open.fail(failure).await);
        }
    };
    let place = Place::default();
    let mut env = variables(&run.plan, run.plan.action(), &run.ports.public_url, &place);
    env.extend(control_variables(&run)?);
    for (number, text) in run.plan.environment.build.run.iter().enumerate() {
        log.line(&format!("$ {}", text.trim()));
        let mut hook = Hook::plain(HookPoint::BeforeFetch, text.clone());
        hook.timeout = run.plan.environment.build.timeout;
        let run_id = run_id(&run, open.attempt, number);
        let job = Job {
            limits: Limits::of(&run, &run.work().join(".aweigh/runs").join(&run_id)),
            run_id,
            hook: &hook,
            folder: "tree".to_owned(),
            walls: Some(run.ports.sandbox.around(&run, tree.clone())),
            variables: &env,
            secrets: &[],
            may_stop: true,
            log_read: 0,
        };
        let ended = execute(control, &job, &mut log).await;
        let failure = match ended {
            Err(halt) => return Err(halt),
            Ok(Ended::Exit(0)) => continue,
            Ok(Ended::Stopped) => {
                log.end().await?;
                return Err(open.cancelled().await);
            }
            Ok(other) => Failure::new(format!("build command {} {}", number + 1, other.words())),
        };
        log.end().await?;
        return Err(open.fail(failure).await);
    }
    log.end().await?;
    match output(&run, &tree) {
        Ok(folder) => {
            open.ok(Some(json!({ "mtime": mtime }))).await?;
            Ok(Built::Tree { folder, mtime })
        }
        Err(halt) => match halt {
            Halt::Failed(failure) => Err(open.fail(failure).await),
            other => Err(other),
        },
    }
}

/// The artifact of this commit and these settings, when its files are still there.
pub async fn kept(run: &Run) -> Result<Option<String>, Halt> {
    let plan = &run.plan;
    let kept = run.ports.artifacts.find(&plan.project.name, &plan.commit, &settings_hash(run)).await?;
    Ok(kept.filter(|hash| crate::artifact::kept::chain(&run.ports.data, hash).is_some()))
}

fn run_id(run: &Run, attempt: u32, number: usize) -> String {
    format!("{}/build-{attempt}-{number}", run.plan.release)
}

async fn fresh_tree(run: &Run, tree: &Path, log: &mut NodeLog) -> Result<i64, Failure> {
    remove(tree).await?;
    std::fs::create_dir_all(run.work())?;
    let (plan, settings) = (&run.plan, &run.plan.environment.build);
    let mut say = |line: &str| log.line(line);
    let besides = Besides::of(settings);
    let exported = run.ports.source.export(&plan.project, &plan.commit, besides, tree, &mut say).await?;
    exported.left_out.lines().iter().for_each(|line| log.line(line));
    for cache in &settings.cache {
        let (kept, place) = (cache_folder(run, cache.as_str()), tree.join(cache.as_str()));
        if kept.exists() && !place.exists() {
            if let Some(parent) = place.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::rename(&kept, &place)?;
        }
    }
    Ok(exported.mtime)
}

/// Puts the cache folders of a built tree aside for the next build of the project.
pub fn keep_caches(run: &Run) -> Result<(), Failure> {
    for cache in &run.plan.environment.build.cache {
        let (kept, place) = (cache_folder(run, cache.as_str()), run.work().join("tree").join(cache.as_str()));
        if place.is_dir() && !kept.exists() {
            if let Some(parent) = kept.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::rename(&place, &kept)?;
        }
    }
    Ok(())
}

fn cache_folder(run: &Run, cache: &str) -> PathBuf {
    run.ports.data.join("caches").join(run.plan.project.name.as_str()).join(cache.replace('/', "%"))
}

/// What the users' commands on the control host get besides: a home of the project's own.
pub fn control_variables(run: &Run) -> Result<Vec<String>, Halt> {
    let home = run.home();
    std::fs::create_dir_all(&home).map_err(|error| Halt::Failed(error.into()))?;
    Ok(vec![format!("HOME={}", home.display()), "CI=true".to_owned()])
}

fn output(run: &Run, tree: &Path) -> Result<PathBuf, Halt> {
    let output = &run.plan.environment.build.output;
    let folder = if output == "." { tree.to_owned() } else { tree.join(output) };
    let real = std::fs::canonicalize(&folder).ok().zip(std::fs::canonicalize(tree).ok());
    match real {
        Some((folder, tree)) if folder.is_dir() && folder.starts_with(&tree) => Ok(folder),
        _ => Err(Halt::Failed(
            Failure::new(format!("the build made no folder {output}"))
                .hint("name the folder that the build writes under build.output"),
        )),
    }
}

/// Removes a folder of ours, whatever is in it.
pub async fn remove(folder: &Path) -> Result<(), Failure> {
    let ours = folder.to_owned();
    let removed = tokio::task::spawn_blocking(move || room::clear(&ours)).await;
    let failed = |error| Failure::new(format!("cannot remove {}: {error}", folder.display()));
    removed.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(failed)
}
