//! What a job on the control host uses, and whether that is more than it may: read from /proc (proc(5)), where every Linux
//! has it, for root and for others. It is looked at now and then, so a job can pass its limits for a moment.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::family;
use crate::room;
use crate::run::Run;

/// What the processes of one job may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Memory that is theirs alone, in bytes, of all together.
    memory: Option<u64>,
    /// How many they may be.
    processes: Option<u32>,
    /// How much of the disk of this folder has to stay free, in bytes.
    disk: Option<(PathBuf, u64)>,
    /// The file in which the driver notes the session of the job.
    pid: PathBuf,
}

impl Limits {
    /// The limits of a build of this release that has this folder; `None` where there are none.
    pub fn of(run: &Run, folder: &Path) -> Option<Self> {
        let (build, ports) = (&run.plan.environment.build, &run.ports);
        // Half of what is kept free for the way back: the journal needs the rest meanwhile.
        let disk = (ports.disk_reserve > 0).then(|| (ports.data.clone(), ports.disk_reserve / 2));
        let limits = Self { memory: build.memory, processes: build.processes, disk, pid: folder.join("pid") };
        let is_limited = limits.memory.is_some() || limits.processes.is_some() || limits.disk.is_some();
        is_limited.then_some(limits)
    }

    /// What the job uses too much of, for a sentence that begins with its name; `None` while it keeps within its limits, or
    /// is gone. Blocking, for a moment.
    pub fn exceeded(&self) -> Option<String> {
        let mebibytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
        if let Some((folder, least)) = &self.disk
            && let Ok(free) = room::free(folder)
            && free < *least
        {
            let (left, folder) = (mebibytes(free), folder.display());
            return Some(format!("left only {left} MiB free on the disk of {folder}"));
        }
        if self.memory.is_none() && self.processes.is_none() {
            return None;
        }
        let session = fs::read_to_string(&self.pid).ok()?.trim().parse().ok()?;
        let used = used(session)?;
        if let Some(most) = self.memory.filter(|most| used.memory > *most) {
            let (used, most) = (mebibytes(used.memory), mebibytes(most));
            return Some(format!("used {used} MiB of memory, more than the {most} MiB that it may"));
        }
        if let Some(most) = self.processes.filter(|most| used.processes > *most) {
            return Some(format!("had {} processes, more than the {most} that it may", used.processes));
        }
        None
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Used {
    memory: u64,
    processes: u32,
}

/// What a job uses whose session is `session`: everything in it, and everything that was started there, in whatever
/// session that is by now. `None` where there is no /proc.
fn used(session: i32) -> Option<Used> {
    let all = family::processes();
    if all.is_empty() {
        return None;
    }
    let mut of_job: BTreeSet<i32> =
        all.iter().filter(|process| process.session == session).map(|process| process.id).collect();
    for process in family::below(&all, session) {
        // Who keeps the sandbox has a session of its own, and is none of the job's.
        let is_keeper = process.parent == session && process.session == process.id;
        if !is_keeper {
            of_job.insert(process.id);
        }
    }
    let mut used = Used::default();
    for id in of_job {
        // What ends meanwhile uses nothing.
        let Ok(pages) = fs::read_to_string(format!("/proc/{id}/statm")) else { continue };
        used.processes += 1;
        let mut pages = pages.split_whitespace().map(|field| field.parse::<u64>().unwrap_or(0));
        // Size, resident, and what of that is shared with others.
        let (resident, shared) = (pages.nth(1).unwrap_or(0), pages.next().unwrap_or(0));
        used.memory += resident.saturating_sub(shared) * *PAGE;
    }
    Some(used)
}

/// The size of a page as the kernel counts them, in bytes: 4 KiB nearly everywhere, 16 or 64 on some ARM machines.
static PAGE: LazyLock<u64> = LazyLock::new(|| {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let said = maps.lines().find_map(|line| line.strip_prefix("KernelPageSize:"));
    let kilobytes: Option<u64> = said.and_then(|said| said.split_whitespace().next()?.parse().ok());
    1024 * kilobytes.unwrap_or(4)
});

#[cfg(test)]
mod tests {
    use nix::unistd::getsid;

    use super::*;

    #[test]
    fn the_processes_of_a_session_are_counted_with_what_they_hold() {
        let session = getsid(None).unwrap().as_raw();
        let before = used(session).unwrap();
        assert!(before.processes >= 1 && before.memory > 0, "{before:?}");
        let held = vec![7_u8; 64 << 20];
        let after = used(session).unwrap();
        assert!(after.memory >= before.memory + (60 << 20), "{before:?} {after:?} {}", held.len());
        assert_eq!(used(i32::MAX), Some(Used::default()));
    }
}
