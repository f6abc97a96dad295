//! Becomes the job: builds the walls around this process, one after another, and then runs the user's text in them. What
//! cannot be built ends it: a job without its walls does not run.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, anyhow};
use engine::sandbox::Walls;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{User, geteuid, setgid, setgroups, setuid};
use rustix::thread::{CapabilitySet, capability_is_in_bounding_set, remove_capability_from_bounding_set};

use super::room::Inside;
use super::{PROCESSES, cgroup, devices, landlock, walls};

/// The most open files of a job.
const OPEN_FILES: u64 = 65_536;

/// The longest file that a job may write, in bytes. No job can raise it again, and neither can what it starts.
pub(super) const LONGEST_FILE: u64 = 64 << 30;

/// How many times the processes that it may be the user of a job may have.
const BACKSTOP: u64 = 4;

/// What root keeps: what builds do to their own files. The files of all others are root's as well: only Landlock closes them
/// ([`landlock::restrict`]).
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID);

/// Runs the job of the run folder `folder` in its `room`, in the cgroup `group`. Comes back only with an error.
pub(super) fn enter(folder: &Path, room: &Path, group: Option<&Path>) -> anyhow::Error {
    match prepared(folder, room, group) {
        Ok(mut command) => {
            let what = format!("cannot run {}", command.get_program().display());
            anyhow!(command.exec()).context(what)
        }
        Err(error) => error,
    }
}

fn prepared(folder: &Path, room: &Path, group: Option<&Path>) -> anyhow::Result<Command> {
    let walls = walls(folder)?;
    let inside = Inside::of(room);
    let user = walls.user.as_deref().map(user).transpose()?;
    if let Some(group) = group {
        cgroup::join(group).with_context(|| format!("cannot enter {}", group.display()))?;
    }
    if walls.devices {
        devices::separate().context("cannot have terminals and shared memory of its own")?;
    }
    limit(&walls)?;
    let mut command = command(&inside)?;
    command.env("TMPDIR", &inside.temporary);
    prctl::set_no_new_privs().context("cannot give up new privileges")?;
    match &user {
        Some(user) => {
            setgroups(&[])
                .and_then(|()| setgid(user.gid))
                .and_then(|()| setuid(user.uid))
                .with_context(|| format!("cannot become the user {}", user.name))?;
            command.env("USER", &user.name).env("LOGNAME", &user.name);
        }
        None if geteuid().is_root() => give_up_powers()?,
        None => {}
    }
    if walls.files {
        landlock::restrict(&walls, &inside)?;
    }
    Ok(command)
}

/// The user of this machine with this name.
pub(super) fn user(name: &str) -> anyhow::Result<User> {
    User::from_name(name)?.with_context(|| format!("there is no user {name} on this machine"))
}

/// What the text is run by: itself, when it says so in its first line.
fn command(inside: &Inside) -> anyhow::Result<Command> {
    let text = std::fs::read(&inside.script)?;
    if text.starts_with(b"#!") {
        return Ok(Command::new(&inside.script));
    }
    let mut command = Command::new("sh");
    command.args([OsString::from("-e"), inside.script.clone().into_os_string()]);
    Ok(command)
}

fn limit(walls: &Walls) -> anyhow::Result<()> {
    let mut limits = vec![
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
        (Resource::RLIMIT_FSIZE, LONGEST_FILE),
    ];
    // The user of Aweigh may be anybody, with any number of processes.
    if walls.user.is_some() {
        limits.push((Resource::RLIMIT_NPROC, backstop(walls.processes)));
    }
    for (resource, most) in limits {
        let (_, hard) = getrlimit(resource)?;
        let most = most.min(hard);
        setrlimit(resource, most, most).with_context(|| format!("cannot limit {resource:?}"))?;
    }
    Ok(())
}

/// How many processes, threads counted, the user of a job may have that may be `processes`. The kernel counts those of all
/// its jobs together: it is far above what one may be, so that none stands in the way of another, and it ends what grows faster
/// than whoever keeps the job can count. What one job may be, its cgroup holds it to, and else who keeps it.
fn backstop(processes: Option<u32>) -> u64 {
    u64::from(processes.unwrap_or_default().max(PROCESSES)) * BACKSTOP
}

/// Root that can load a module, or mount, is behind no wall.
fn give_up_powers() -> anyhow::Result<()> {
    for power in CapabilitySet::all().difference(KEPT).iter() {
        // A kernel knows no more than it knows.
        if capability_is_in_bounding_set(power).unwrap_or(false) {
            remove_capability_from_bounding_set(power)
                .with_context(|| format!("cannot give up {power:?}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processes_of_a_user_are_held_far_above_those_of_one_job() {
        assert_eq!([None, Some(1), Some(50_000)].map(backstop), [16_384, 16_384, 200_000]);
    }
}
