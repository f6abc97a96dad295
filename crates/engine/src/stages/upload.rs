//! Upload: first contact with a server, and the artifact becomes a complete folder in `releases/`.
//!
//! Probe: a folder in `releases/` is complete, since it gets its name last. Undo: the folder is not visible and
//! is pruned by the next good release.

use std::collections::HashMap;
use std::sync::Arc;

use model::event::ServerFact;
use model::{HookPoint, Kind, ServerState};
use serde_json::json;
use tokio::sync::Mutex;

use super::halt::halt;
use crate::artifact::kept;
use crate::artifact::manifest::Owner;
use crate::artifact::stream::{Codec, Wanted, stream};
use crate::driver::{Broken, Stream};
use crate::error::{Failure, Halt};
use crate::fault::{self, Side};
use crate::holder::Holder;
use crate::lane::{Lane, unsendable};
use crate::planner::{once_hooks, point_hooks};
use crate::remote::{Answer, Command, status};
use crate::reporter::NodeLog;
use crate::run::{Begun, Run};

/// A disk with less than this is full, in kilobytes.
const LITTLE: u64 = 1024;

/// A stream longer than this goes to the end of the driver's input, in bytes: a new driver costs less than a process that
/// copies as much.
const LARGE: u64 = 4 * 1024 * 1024;

/// What a stream is made for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Form {
    /// How it is compressed.
    codec: Codec,
    /// The artifact that its receivers have already.
    base: Option<String>,
    /// Whose the files will be there.
    owner: Owner,
}

/// The artifact of a release, in the forms that its servers receive; each form is made once.
pub struct Parcel {
    run: Arc<Run>,
    artifact: String,
    streams: Mutex<HashMap<Form, Stream>>,
}

impl Parcel {
    /// The parcel of the artifact with this hash.
    pub fn new(run: Arc<Run>, artifact: String) -> Self {
        Self { run, artifact, streams: Mutex::default() }
    }

    async fn stream(&self, form: Form) -> Result<Stream, Failure> {
        // Held while it is made, on purpose: the other lanes wait for the same bytes.
        let mut streams = self.streams.lock().await;
        if let Some(made) = streams.get(&form) {
            return Ok(made.clone());
        }
        let (run, artifact, wanted) = (Arc::clone(&self.run), self.artifact.clone(), form.clone());
        let made = tokio::task::spawn_blocking(move || {
            let environment = &run.plan.environment;
            let linked = [environment.linked_dirs.clone(), environment.linked_files.clone()].concat();
            stream(&Wanted {
                data: &run.ports.data,
                artifact: &artifact,
                base: wanted.base.as_deref(),
                codec: wanted.codec,
                linked: &linked,
                owner: wanted.owner,
                work: &run.work(),
            })
        });
        let made =
            made.await.map_err(|error| Failure::new(format!("the stream could not be made: {error}")))??;
        streams.insert(form, made.clone());
        Ok(made)
    }
}

/// Contacts the lane's server and stages the release there.
pub async fn upload(lane: &mut Lane, parcel: Option<&Parcel>) -> Result<(), Halt> {
    let run = lane.run.clone();
    let key = lane.key("upload");
    let open = match run.begin(&key).await? {
        Begun::Done(result) => {
            // Staged before a restart. Only the connection, the lock and what was found then are needed again.
            lane.recall(result.as_ref());
            return if lane.left_out { Ok(()) } else { lane.contact().await.map_err(Halt::Failed) };
        }
        Begun::Act(open) => open,
    };
    if let Err(failure) = lane.contact().await {
        if failure.unreachable && may_leave_out(lane) {
            lane.left_out = true;
            let behind = lane.known(ServerState::Behind);
            return open
                .warn(
                    format!("left out: {}", failure.reason()),
                    Some(json!({ "left_out": true })),
                    Some(behind),
                )
                .await;
        }
        return Err(open.fail(failure).await);
    }
    if let Err(failure) = usable(lane) {
        return Err(open.fail(failure).await);
    }
    let known_before = open.result.as_ref().is_some_and(|result| result.get("before").is_some());
    if known_before {
        lane.recall(open.result.as_ref());
    } else {
        lane.before = lane.facts.current.clone().unwrap_or_default();
    }
    // What ran before is a fact before anything is done; undo depends on it.
    let result = json!({ "before": lane.before, "root": lane.facts.root });
    let contact = ServerFact {
        before: Some(lane.before.clone()),
        now: Some(lane.before.clone()),
        ..lane.known(ServerState::Pending)
    };
    let taken = lane.facts.taken_from.as_deref();
    let taken = taken.and_then(|holder| match Holder::read(holder, &run.ports.installation) {
        Holder::Release(release) => Some(format!("took over the lock of release {release}, which has ended")),
        Holder::Adoption => Some("took over the lock of an adoption that did not end".to_owned()),
        Holder::Stranger(_) => None,
    });
    open.note(result, contact, taken).await?;
    if let Err(halt) = run.go_on() {
        return Err(stop(open, halt).await);
    }
    // What the release before was in the middle of would go on behind our back.
    if run.plan.now {
        match halt(lane, run.plan.release).await {
            Ok(ended) if ended.is_empty() => {}
            Ok(ended) => {
                let mut log = open.log();
                log.line(&format!("ended what still ran for other releases: {}", ended.join(", ")));
                log.end().await?;
            }
            Err(failure) => return Err(open.fail(failure).await),
        }
    }
    let warning = surprise(lane);
    match stage(lane, parcel, &open).await {
        Ok(()) => {}
        Err(Halt::Failed(failure)) => return Err(open.fail(failure).await),
        Err(other) => return Err(stop(open, other).await),
    }
    let staged = lane.known(ServerState::Staged);
    match warning {
        Some(warning) => open.warn(warning, None, Some(staged)).await,
        None => open.ok_on(None, staged).await,
    }
}

async fn stop(open: crate::run::Open<'_>, halt: Halt) -> Halt {
    match halt {
        Halt::Stopped => open.cancelled().await,
        other => other,
    }
}

async fn stage(lane: &mut Lane, parcel: Option<&Parcel>, open: &crate::run::Open<'_>) -> Result<(), Halt> {
    let seal_now = !has_staging_hooks(lane);
    if lane.facts.origin {
        return Ok(());
    }
    // A folder that comes again was there before this release began: that it is there says nothing of what we did.
    if lane.facts.staged && open.unknown && lane.run.plan.origin.is_none() {
        return if seal_now && !lane.facts.sealed { Ok(seal(lane).await?) } else { Ok(()) };
    }
    let parcel = parcel.ok_or_else(|| {
        Failure::new(format!(
            "{} is not on this server any more, and its artifact is not kept",
            lane.folder()
        ))
        .hint("release its commit again instead")
    })?;
    let codec = codec(lane)?;
    let mut log = open.log();
    let mut base = base(lane);
    let answer = loop {
        match send(lane, parcel, codec, base.as_ref(), &mut log).await? {
            // Something in the release that it builds upon is not what it was: it is left alone, and all is sent.
            answer if base.is_some() && matches!(answer.status, status::TOOL | status::INCOMPLETE) => {
                let why = answer.first_said();
                log.line(&format!("what runs there cannot be built upon ({why}); everything is sent"));
                base = None;
                lane.start_anew();
            }
            answer => break answer,
        }
    };
    log.end().await?;
    if answer.status == status::DONE {
        return Ok(());
    }
    lane.start_anew();
    let free: Option<u64> = answer.get("space").and_then(|kilobytes| kilobytes.trim().parse().ok());
    let mut failure = lane.refused(&answer, "stage the release");
    if answer.status == status::TOOL && free.is_some_and(|free| free < LITTLE) {
        failure.message = format!("No space left on the disk of {}: {}", lane.root, failure.message);
        failure.hint = Some("free some; old releases go by themselves with a smaller keep".to_owned());
    }
    Err(failure.into())
}

/// A release on the server that the new one can share files with.
struct Base {
    folder: String,
    artifact: String,
}

fn base(lane: &Lane) -> Option<Base> {
    let folder = lane.facts.current.as_deref()?.strip_prefix("releases/")?.to_owned();
    let artifact = lane.facts.base.clone()?;
    kept::chain(&lane.run.ports.data, &artifact)?;
    Some(Base { folder, artifact })
}

/// Sends the artifact, over a new connection where the line is cut, until somebody wishes that the release stops.
async fn send(
    lane: &mut Lane,
    parcel: &Parcel,
    codec: Codec,
    base: Option<&Base>,
    log: &mut NodeLog,
) -> Result<Answer, Halt> {
    let form = Form { codec, base: base.map(|base| base.artifact.clone()), owner: lane.facts.owner };
    let stream = parcel.stream(form).await?;
    let environment = &lane.run.plan.environment;
    let seal_now = !has_staging_hooks(lane);
    // A hook that writes in place would change the live release through a shared file.
    let own = has_hooks_before_the_switch(lane);
    let folder = base.map_or("", |base| base.folder.as_str());
    let is_large = stream.size() > LARGE;
    let command = || {
        let command = Command::new("receive")
            .value("folder", lane.folder().as_str())?
            .value("codec", codec.word())?
            .value("base", folder)?
            .number(u64::from(own))
            .number(u64::from(seal_now));
        let command =
            command.list("linked folder", environment.linked_dirs.iter().map(model::TreePath::as_str))?;
        let command =
            command.list("linked file", environment.linked_files.iter().map(model::TreePath::as_str))?;
        if is_large { command.value("size", "") } else { Ok(command.number(stream.size())) }
    };
    let command = command().map_err(unsendable)?;
    let shared = if base.is_some() { ", the rest is shared with what runs there" } else { "" };
    log.line(&format!("{} files, {} bytes of {}{shared}", stream.files, stream.size(), codec.word()));
    let meter = parcel.run.ports.uploads.begin(parcel.run.plan.release, &lane.key("upload"), stream.size());
    let mut again = Lane::tries();
    let stop = lane.run.steering.stopped().clone();
    loop {
        let asked = async {
            lane.point("receive", Side::Before).await?;
            if fault::is_asked_twice() {
                lane.driver().await?.upload(&command, &stream, is_large, |_| ()).await?;
                if is_large {
                    lane.start_anew();
                }
            }
            let driver = lane.driver().await?;
            let answer = driver.upload(&command, &stream, is_large, |bytes| meter.sent(bytes)).await?;
            lane.point("receive", Side::After).await?;
            Ok(answer)
        };
        let asked: Result<Answer, Broken> = tokio::select! {
            asked = asked => asked,
            () = stop.cancelled() => {
                // The server hears the end of its input, and takes away what came.
                lane.start_anew();
                return Err(Halt::Stopped);
            }
        };
        match asked {
            Ok(answer) => {
                if is_large {
                    lane.start_anew();
                }
                return Ok(answer);
            }
            Err(broken) => lane.wait_again(broken, &mut again).await?,
        }
    }
}

/// Takes the seal: from here on the release must not change.
pub async fn seal(lane: &mut Lane) -> Result<(), Failure> {
    let command = Command::new("seal").value("folder", lane.folder().as_str()).map_err(unsendable)?;
    let answer = lane.ask(&command).await?;
    if answer.status == status::DONE { Ok(()) } else { Err(lane.refused(&answer, "seal the release")) }
}

/// Whether the release was complete on this server, hooks included, before this ownership began.
pub fn was_staged(lane: &Lane) -> bool {
    let hooks = point_hooks(&lane.run.plan, HookPoint::AfterUpload, Some(&lane.server));
    lane.run.was_done(&lane.key("upload")) && hooks.iter().all(|hook| lane.run.was_done(&hook.key))
}

/// Whether hooks will still change the staged release on this server.
pub fn has_staging_hooks(lane: &Lane) -> bool {
    !point_hooks(&lane.run.plan, HookPoint::AfterUpload, Some(&lane.server)).is_empty()
}

fn has_hooks_before_the_switch(lane: &Lane) -> bool {
    let points = [HookPoint::AfterUpload, HookPoint::BeforeActivate];
    points.iter().any(|point| !point_hooks(&lane.run.plan, *point, Some(&lane.server)).is_empty())
}

fn may_leave_out(lane: &Lane) -> bool {
    let plan = &lane.run.plan;
    let skip = plan.environment.unreachable == model::Unreachable::Skip || plan.kind != Kind::Release;
    // What only this server runs cannot be left out with it.
    let is_alone = once_hooks(plan, &lane.server).next().is_some();
    skip && !is_alone && plan.servers.len() > 1
}

fn usable(lane: &Lane) -> Result<(), Failure> {
    if lane.facts.current_is_other {
        return Err(Failure::new(format!("{}/current is a real file or folder, not a link", lane.root))
            .hint("move it away by hand, for example: mv current current.old"));
    }
    for tool in ["tar", "setsid", "stat", "xargs", "head", "cmp"] {
        if !lane.facts.tools.contains(tool) {
            return Err(Failure::new(format!("{tool} is not installed on this server"))
                .hint("install it; Debian: apt-get install tar util-linux coreutils findutils diffutils"));
        }
    }
    codec(lane).map(|_| ())
}

fn codec(lane: &Lane) -> Result<Codec, Failure> {
    match (lane.facts.tools.contains("zstd"), lane.facts.tools.contains("gzip")) {
        (true, _) => Ok(Codec::Zstd),
        (false, true) => Ok(Codec::Gzip),
        (false, false) => Err(Failure::new("neither zstd nor gzip is installed on this server")
            .hint("install one of them; Debian: apt-get install zstd")),
    }
}

/// A `current` that is not what the last good release left is used, put back by undo, and told.
fn surprise(lane: &Lane) -> Option<String> {
    let current = lane.facts.current.as_deref()?;
    if lane.previous().is_none() {
        return Some(format!("current points to {current}, outside releases/; undo puts it back"));
    }
    if let Some(by_hand) = &lane.facts.by_hand {
        return Some(format!("{current} was brought back {by_hand}"));
    }
    let last = lane.run.good.first()?;
    let last = last.folder_on(lane.name());
    (current != format!("releases/{last}"))
        .then(|| format!("current points to {current}; the last good release is {last}"))
}
