//! Keeps a job together: starts it, passes on what it writes, and ends everything that it leaves behind, wherever that hid.
//!
//! Whatever a job starts and abandons becomes a child of this process (PR_SET_CHILD_SUBREAPER). It stands in a session of
//! its own, so that a KILL for the whole job does not reach it: it then ends what left that session.

use std::fs::File;
use std::io::{self, PipeReader};
use std::os::fd::AsFd;
use std::os::unix::fs::fchown;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use engine::family::{Process, below, processes};
use engine::stages::job::GRACE;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getsid, setsid};

use super::cgroup::Cgroup;
use super::enter::user;
use super::room::{Room, give};
use super::{PROCESSES, VERB, walls};
use crate::render::note;

/// How often is looked for what is left.
const LOOK: Duration = Duration::from_millis(10);

/// How often processes are counted.
const COUNT: Duration = Duration::from_millis(50);

/// How long what was killed may take to be gone: a process that waits for a disk ends when that answers.
const LONGEST: Duration = Duration::from_secs(10);

/// How long the last of what was written may take.
const REST: Duration = Duration::from_secs(2);

/// Runs the job of the run folder `folder` to its end, and ends all that it started.
///
/// # Errors
/// It could not be started in its sandbox; then nothing of it ran.
pub(super) fn keep(folder: &Path) -> anyhow::Result<u8> {
    let walls = walls(folder)?;
    let user = walls.user.as_deref().map(user).transpose()?;
    prctl::set_child_subreaper(true).context("cannot keep processes")?;
    if let Some(user) = &user {
        for own in &walls.own {
            give(own, user).with_context(|| format!("cannot give {} to {}", own.display(), user.name))?;
        }
    }
    let room = Room::make(&walls.rooms, &folder.join("script"), user.as_ref())?;
    let most = walls.processes.unwrap_or(PROCESSES);
    // A machine that lost its cgroups since the start is one that has none.
    let group = walls.cgroup.as_deref().and_then(|base| Cgroup::make(base, &walls, most).ok()).map(Arc::new);
    let (reader, writer) = io::pipe()?;
    if let Some(user) = &user {
        // What opens /dev/stderr opens it anew.
        fchown(&writer, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(VERB).arg(folder).arg(room.folder()).args(group.as_ref().map(|group| group.folder()));
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn().context("cannot start the job")?;
    drop(command);
    let (session, job) = (getsid(None)?, Pid::from_raw(i32::try_from(child.id())?));
    // The job is still at work on its walls, in the session that is signalled.
    setsid().context("cannot begin a session")?;
    let written = pass_on(reader);
    let brake =
        Brake { most: usize::try_from(most)?, is_told: walls.processes.is_some(), group: group.clone() };
    std::thread::spawn(|| brake.watch());
    let ended = wait_for(job);
    if ended == Ended::Signal(Signal::SIGTERM) {
        give_time(session);
    }
    let left = end_all(group.as_deref());
    collect();
    written.recv_timeout(REST).unwrap_or_default();
    if group.as_ref().is_some_and(|group| group.ran_out_of_memory()) {
        note("it used more memory than it may, and the kernel ended it");
    }
    if left > 0 {
        note(&format!("what it left running was ended: {left} processes"));
    }
    if let Some(group) = group {
        group.remove();
    }
    Ok(ended.code())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Code(i32),
    Signal(Signal),
}

impl Ended {
    /// As a shell tells it.
    fn code(self) -> u8 {
        let code = match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal as i32,
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

/// Copies what the job writes to where this process writes, to its end.
fn pass_on(mut from: PipeReader) -> mpsc::Receiver<()> {
    let (done, written) = mpsc::channel();
    std::thread::spawn(move || {
        let out = io::stdout().as_fd().try_clone_to_owned().map(File::from);
        if out.and_then(|mut out| io::copy(&mut from, &mut out)).is_err() {
            // A job whose log is full goes on.
            io::copy(&mut from, &mut io::sink()).unwrap_or_default();
        }
        done.send(()).unwrap_or_default();
    });
    written
}

/// Waits for the job, and collects what it abandons meanwhile.
fn wait_for(job: Pid) -> Ended {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(id, code)) if id == job => return Ended::Code(code),
            Ok(WaitStatus::Signaled(id, signal, _)) if id == job => return Ended::Signal(signal),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Ended::Code(i32::from(u8::MAX)),
        }
    }
}

/// Stops a job that has too many processes, before it can have too many for this machine: the kernel counts them only where
/// a user or a cgroup is the job's own.
struct Brake {
    most: usize,
    /// The limit is one that the project told: the engine looks too, more seldom, and ends the job in its own words. Until
    /// then it is held.
    is_told: bool,
    group: Option<Arc<Cgroup>>,
}

impl Brake {
    /// Looks for as long as this process lives.
    fn watch(self) {
        loop {
            std::thread::sleep(COUNT);
            if self.count() > self.most {
                self.stop();
            }
        }
    }

    fn count(&self) -> usize {
        // Asking the cgroup costs next to nothing.
        self.group.as_ref().and_then(|group| group.processes()).unwrap_or_else(|| left().len())
    }

    fn stop(&self) {
        if !self.is_told {
            note(&format!("it has more than the {} processes that are ever allowed; killing it", self.most));
            end_all(self.group.as_deref());
            return;
        }
        if let Some(group) = &self.group {
            group.freeze();
        }
        // Whoever starts others meanwhile is met at the next look.
        for process in left() {
            kill(Pid::from_raw(process.id), Signal::SIGSTOP).unwrap_or_default();
        }
    }
}

/// What descends from this process and has not ended.
fn left() -> Vec<Process> {
    let mut left = below(&processes(), getpid().as_raw());
    left.retain(|process| !process.has_ended);
    left
}

/// Whoever was asked to end may be at it. What left the session was not asked.
fn give_time(session: Pid) {
    let until = Instant::now() + GRACE;
    while Instant::now() < until && left().iter().any(|process| process.session == session.as_raw()) {
        std::thread::sleep(LOOK);
    }
}

/// Kills everything that is left, and what that starts meanwhile; answers how many there were at first.
fn end_all(group: Option<&Cgroup>) -> usize {
    let (first, until) = (left().len(), Instant::now() + LONGEST);
    if let Some(group) = group {
        group.kill();
    }
    loop {
        let left = left();
        if left.is_empty() || Instant::now() > until {
            return first;
        }
        for process in &left {
            // One that is held cannot start others while the rest is killed.
            kill(Pid::from_raw(process.id), Signal::SIGSTOP).unwrap_or_default();
        }
        for process in &left {
            kill(Pid::from_raw(process.id), Signal::SIGKILL).unwrap_or_default();
        }
        std::thread::sleep(LOOK);
    }
}

/// Collects what has ended.
fn collect() {
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            return;
        }
    }
}
