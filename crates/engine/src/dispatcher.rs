//! The dispatcher: claims queued releases, owns the running ones, and passes on the wish to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Epoch, ReleaseId, Status};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::error::Halt;
use crate::masker::Masker;
use crate::pipeline;
use crate::ports::{Claim, JournalError};
use crate::reporter::Reporter;
use crate::retry;
use crate::run::{Ports, Run};
use crate::stages::build::remove;
use crate::stages::{halt, pack};
use crate::steering::Steering;

/// How often is looked for releases whose environment was locked.
const LOOK: Duration = Duration::from_secs(15);

/// How long is waited before a release is taken up again.
const PAUSE: Duration = Duration::from_secs(5);

/// A handle by which others speak to the dispatcher. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    wake: Arc<Notify>,
    resumed: mpsc::UnboundedSender<Claim>,
    running: Arc<Mutex<HashMap<ReleaseId, (Epoch, Steering)>>>,
}

impl Control {
    /// A handle, and what its dispatcher listens to.
    pub fn new() -> (Self, Orders) {
        let (resumed, orders) = mpsc::unbounded_channel();
        let control = Self { wake: Arc::default(), resumed, running: Arc::default() };
        (control.clone(), Orders { control, resumed: orders })
    }

    /// Says that a release may have become ready to run.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// The helm of `release`, while it runs here.
    pub fn steering(&self, release: ReleaseId) -> Option<Steering> {
        self.running().get(&release).map(|(_, steering)| steering.clone())
    }

    /// Hands over a release that was taken up again.
    pub fn run(&self, claim: Claim) {
        // Nobody listens any more only while Aweigh stops; the next start takes the release over.
        self.resumed.send(claim).ok();
    }

    /// Puts `steering` at the helm of a release; `false` where somebody is there whose epoch is newer.
    fn take_helm(&self, claim: &Claim, steering: &Steering) -> bool {
        let mut running = self.running();
        if running.get(&claim.release).is_some_and(|(epoch, _)| *epoch > claim.epoch) {
            return false;
        }
        running.insert(claim.release, (claim.epoch, steering.clone()));
        true
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<ReleaseId, (Epoch, Steering)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a dispatcher listens to.
#[derive(Debug)]
pub struct Orders {
    control: Control,
    resumed: mpsc::UnboundedReceiver<Claim>,
}

/// Takes over what a dead owner left, then claims and runs releases until `stop`.
///
/// On a stop the running releases are left as they are: their hooks go on by themselves on the servers, and the
/// next start takes them over.
pub async fn dispatch(ports: Ports, mut orders: Orders, stop: CancellationToken) -> Result<(), JournalError> {
    let mut tasks = JoinSet::new();
    for claim in ports.queue.take_over().await? {
        if claim.status == Status::Running {
            start(&mut tasks, &ports, &orders.control, claim, true);
        }
    }
    clear_up(&ports).await;
    loop {
        match ports.queue.claim().await {
            Ok(Some(claim)) => {
                start(&mut tasks, &ports, &orders.control, claim, false);
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "cannot look for queued releases"),
        }
        tokio::select! {
            () = orders.control.wake.notified() => {}
            Some(claim) = orders.resumed.recv() => start(&mut tasks, &ports, &orders.control, claim, false),
            Some(ended) = tasks.join_next() => note_end(ended),
            // A lock that ends by itself wakes nobody.
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => break,
        }
    }
    tasks.shutdown().await;
    Ok(())
}

/// Removes the work folders of releases that have ended and could not remove them: cut off while they waited, or ended
/// while the disk refused.
async fn clear_up(ports: &Ports) {
    let Ok(folders) = std::fs::read_dir(ports.data.join("work")) else { return };
    for folder in folders.flatten() {
        let number = folder.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(number) = number else { continue };
        if ports.journal.has_ended(ReleaseId(number)).await.unwrap_or(false)
            && let Err(failure) = remove(&folder.path()).await
        {
            tracing::warn!(release = number, reason = failure.message, "the work folder stays");
        }
    }
}

fn note_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a release ended without an answer; the next start takes it over");
    }
}

fn start(tasks: &mut JoinSet<()>, ports: &Ports, control: &Control, claim: Claim, taken_over: bool) {
    let (release, steering) = (claim.release, Steering::new(&claim.wishes));
    if !control.take_helm(&claim, &steering) {
        // Taken up by a person before the start took it over; what was wished is stored, and was heard then.
        return;
    }
    let (ports, control) = (ports.clone(), control.clone());
    tasks.spawn(async move {
        keep_at_it(&ports, claim, &steering, taken_over).await;
        // It may have been taken up again already, by a person who was quick.
        let mut running = control.running();
        if running.get(&release).is_some_and(|(_, other)| other.is(&steering)) {
            running.remove(&release);
        }
        drop(running);
        ports.uploads.forget(release);
        control.wake();
    });
}

/// Works on a release until it ends, is held, or belongs to somebody else.
///
/// Invariant: a release never runs without an owner. When the journal cannot be written, or a bug ends the task,
/// it is taken up again from what is recorded, as after a restart.
async fn keep_at_it(ports: &Ports, mut claim: Claim, steering: &Steering, mut taken_over: bool) {
    // What was wished between the claim and the moment from which the helm can be found.
    match ports.queue.wishes(claim.release).await {
        Ok(wishes) => steering.hear(&wishes),
        Err(error) => tracing::warn!(release = %claim.release, %error, "a wish may have been missed"),
    }
    let mut ran_out = false;
    loop {
        // A wish that is granted twice would take back what the first time did.
        let work = match retry::grant(ports, &mut claim).await {
            Ok(()) => {
                let mine = (claim.clone(), ran_out);
                tokio::spawn(own(ports.clone(), mine, steering.clone(), taken_over))
            }
            Err(error) => tokio::spawn(async { Err(error) }),
        };
        let work = AbortOnDropHandle::new(work);
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = steering.is_cut_off().cancelled() => {
                tracing::info!(release = %claim.release, "cut off");
                abandon(ports, &claim).await;
                return;
            }
        };
        match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error @ JournalError::Fenced(_))) => {
                tracing::warn!(release = %claim.release, %error, "the release was let go");
                // It may have heard so before it was told that it is cut off. Who goes on with it minds what runs.
                if ports.journal.has_ended(claim.release).await.unwrap_or(false) {
                    abandon(ports, &claim).await;
                }
                return;
            }
            Ok(Err(error @ JournalError::Full)) => {
                tracing::error!(release = %claim.release, %error, "it is tried again");
                ran_out |= make_room(ports, &claim).await;
            }
            Ok(Err(error)) => tracing::error!(release = %claim.release, %error, "it is tried again"),
            Err(error) => tracing::error!(release = %claim.release, %error, "it is taken up again"),
        }
        taken_over = true;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn own(
    ports: Ports,
    (claim, ran_out): (Claim, bool),
    steering: Steering,
    taken_over: bool,
) -> Result<(), JournalError> {
    let run = Run { ran_out, ..assemble(ports, &claim, steering).await? };
    // Not where it is read: where the disk is full, room is made by what was assembled.
    run.ports.secrets.note_use(&run.plan, &run.secrets).await?;
    pipeline::run(Arc::new(run), taken_over).await
}

/// Everything that somebody needs who works on a release.
async fn assemble(ports: Ports, claim: &Claim, steering: Steering) -> Result<Run, JournalError> {
    let plan = ports.journal.plan(claim.release).await?;
    let secrets = Arc::new(ports.secrets.of(&plan).await?);
    let masker = Masker::new(secrets.all());
    let reporter = Reporter::new(ports.journal.clone(), claim.release, claim.epoch, masker);
    let rows = ports.journal.steps(claim.release).await?;
    let mut good = ports.journal.good(&plan.project.name, &plan.environment.name).await?;
    // A rollback has no folder of its own; what it brought back counts as activated then.
    good.retain(|release| release.kind.has_folder());
    let found = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
    Ok(Run { plan, epoch: claim.epoch, ports, reporter, secrets, steering, good, found, ran_out: false })
}

/// Removes what a release has made on this machine, when it may be what filled the disk; answers whether it was. What is
/// packed is needed, and takes no more room.
async fn make_room(ports: &Ports, claim: &Claim) -> bool {
    let Ok(run) = assemble(ports.clone(), claim, Steering::default()).await else { return false };
    let brings_again = run.plan.origin.is_some() || run.plan.artifact.is_some();
    let has_begun = ["fetch", "build", "pack"].into_iter().any(|key| run.had_begun(key));
    if brings_again || !has_begun || run.was_done("pack") {
        return false;
    }
    let (tree, new) = (run.work().join("tree"), pack::place_of_new(&run));
    let removed = async {
        // The tree first: what ends the rest needs a little room itself.
        remove(&tree).await?;
        remove(&new).await?;
        halt::on_this_machine(Arc::new(run)).await
    };
    if let Err(failure) = removed.await {
        tracing::warn!(release = %claim.release, reason = failure.message, "something of it may still be there");
    }
    true
}

/// Ends what a release that was cut off left running on this machine. On servers its successor does that.
async fn abandon(ports: &Ports, claim: &Claim) {
    let ended = async {
        let run = assemble(ports.clone(), claim, Steering::default()).await.map_err(Halt::Journal)?;
        halt::on_this_machine(Arc::new(run)).await.map_err(Halt::Failed)
    };
    if let Err(halt) = ended.await {
        tracing::warn!(release = %claim.release, ?halt, "something of it may still run on this machine");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_took_a_release_up_later_has_the_helm() {
        let (control, _orders) = Control::new();
        let release = ReleaseId(1);
        let claim = |epoch| Claim {
            release,
            epoch: Epoch(epoch),
            status: Status::Running,
            wishes: model::Wishes::default(),
        };
        let [one, two, three] = [(); 3].map(|()| Steering::default());
        let steers = |steering: &Steering| control.steering(release).unwrap().is(steering);
        assert!(control.take_helm(&claim(2), &one) && steers(&one));
        assert!(!control.take_helm(&claim(1), &two) && steers(&one));
        assert!(control.take_helm(&claim(3), &three) && steers(&three));
    }
}
