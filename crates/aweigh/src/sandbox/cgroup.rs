//! Control groups, version 2 (cgroups(7)): limits for all processes of a job together, and an end for all of them at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use engine::sandbox::Walls;
use nix::unistd::{AccessFlags, access};

/// What is asked of the kernel, in its words.
const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];

/// Where a server goes to make room for limits. In a unit of systemd, `DelegateSubgroup` says the same name.
const SERVER: &str = "aweigh-server";

/// What a job gets of the processor when others want it, too; what is not said is 100.
const WEIGHT: &str = "50";

/// A cgroup below which jobs get theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// Where it is.
    pub(super) folder: PathBuf,
    /// Which of [`CONTROLLERS`] work there.
    pub(super) controllers: Vec<&'static str>,
}

/// Makes the base of this process; the error says why there is none. Where limits need it, this process moves into a
/// cgroup beside that, since one that has limits may not hold processes itself.
pub(super) fn base() -> Result<Base, String> {
    let above = Above::find()?;
    let folder = above.folder.join("aweigh-jobs");
    match fs::create_dir(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(above.denied(&error)),
        _ => {}
    }
    // To be allowed to make a folder there is not yet to be allowed to move processes.
    let procs = folder.join("cgroup.procs");
    fs::OpenOptions::new().write(true).open(procs).map_err(|error| above.denied(&error))?;
    if !above.controllers.is_empty() && !above.is_root {
        let beside = above.folder.join(SERVER);
        fs::create_dir(&beside).unwrap_or_default();
        fs::write(beside.join("cgroup.procs"), "0").unwrap_or_default();
    }
    let on = |at: &Path, name: &str| fs::write(at.join("cgroup.subtree_control"), format!("+{name}")).is_ok();
    let mut controllers = above.controllers.clone();
    controllers.retain(|name| on(&above.folder, name) && on(&folder, name));
    Ok(Base { folder, controllers })
}

/// What [`base`] would answer, as far as that can be seen.
pub(super) fn look() -> Result<Base, String> {
    let above = Above::find()?;
    access(&above.folder, AccessFlags::W_OK).map_err(|error| above.denied(&error.into()))?;
    Ok(Base { folder: above.folder, controllers: above.controllers })
}

/// The cgroup that this process was given.
struct Above {
    folder: PathBuf,
    /// It is the first of all, in which processes and limits may be at the same time.
    is_root: bool,
    /// What may be switched on there.
    controllers: Vec<&'static str>,
}

impl Above {
    fn find() -> Result<Self, String> {
        let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
        let mount = mount(&read("/proc/self/mountinfo")?).ok_or("version 2 is not mounted")?;
        let own = read("/proc/self/cgroup")?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/")).ok_or("this process is in none")?;
        let folder = mount.join(given(Path::new(own)));
        let known = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
        let is_known = |name: &&str| known.split_whitespace().any(|known| known == *name);
        // The first of all has no type; the first that a container sees does.
        let is_root = !folder.join("cgroup.type").exists();
        Ok(Self { controllers: CONTROLLERS.into_iter().filter(is_known).collect(), folder, is_root })
    }

    fn denied(&self, error: &io::Error) -> String {
        format!("{} cannot be used: {error}", self.folder.display())
    }
}

/// The cgroup that was given to a process which is in `own`: that, or the one above, where it stands aside for limits, as
/// after a restart in the same place.
fn given(own: &Path) -> &Path {
    own.parent().filter(|_| own.ends_with(SERVER)).unwrap_or(own)
}

/// Where cgroups of version 2 are mounted, by the text of /proc/self/mountinfo (proc(5)).
fn mount(mounts: &str) -> Option<PathBuf> {
    let cgroup2 = |line: &&str| line.split(" - ").nth(1).is_some_and(|behind| behind.starts_with("cgroup2 "));
    let line = mounts.lines().find(cgroup2)?;
    Some(PathBuf::from(line.split_whitespace().nth(4)?))
}

/// The cgroup of one job.
#[derive(Debug)]
pub(super) struct Cgroup(PathBuf);

impl Cgroup {
    /// Makes one below `base` with the limits of `walls`. What is not switched on there is not limited.
    pub(super) fn make(base: &Path, walls: &Walls, most: u32) -> io::Result<Self> {
        let folder = base.join(format!("job-{}", hex::encode(rand::random::<[u8; 8]>())));
        fs::create_dir(&folder)?;
        let cgroup = Self(folder);
        cgroup.set("pids.max", &most.to_string());
        cgroup.set("cpu.weight", WEIGHT);
        cgroup.set("memory.oom.group", "1");
        if let Some(memory) = walls.memory {
            cgroup.set("memory.max", &memory.to_string());
            cgroup.set("memory.swap.max", "0");
        }
        Ok(cgroup)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Ends everything in it, at once and before anything new begins (Linux 5.14).
    pub(super) fn kill(&self) {
        self.set("cgroup.kill", "1");
    }

    /// Holds everything in it (Linux 5.2); it can still be killed.
    pub(super) fn freeze(&self) {
        self.set("cgroup.freeze", "1");
    }

    /// Whether the kernel ended the job because it used more memory than it may.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.0.join("memory.events")).unwrap_or_default();
        events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|times| times != "0"))
    }

    /// How many processes are in it; `None` when it cannot be asked.
    pub(super) fn processes(&self) -> Option<usize> {
        Some(fs::read_to_string(self.0.join("cgroup.procs")).ok()?.lines().count())
    }

    /// Removes it; it has to be empty.
    pub(super) fn remove(&self) {
        fs::remove_dir(&self.0).unwrap_or_default();
    }

    fn set(&self, file: &str, value: &str) {
        fs::write(self.0.join(file), value).unwrap_or_default();
    }
}

/// Moves this process into the cgroup at `folder`.
pub(super) fn join(folder: &Path) -> io::Result<()> {
    fs::write(folder.join("cgroup.procs"), "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found_beside_those_of_version_1() {
        let text = "31 22 0:27 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
                    32 22 0:28 / /sys/fs/cgroup/unified rw,relatime shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(mount(text).unwrap(), Path::new("/sys/fs/cgroup/unified"));
        assert_eq!(mount("31 22 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"), None);
    }

    #[test]
    fn a_server_that_stands_aside_was_given_the_cgroup_above() {
        for (own, above) in [
            ("system.slice/aweigh.service/aweigh-server", "system.slice/aweigh.service"),
            ("system.slice/aweigh.service", "system.slice/aweigh.service"),
            ("system.slice/my-aweigh-server", "system.slice/my-aweigh-server"),
            ("aweigh-server", ""),
            ("", ""),
        ] {
            assert_eq!(given(Path::new(own)), Path::new(above), "{own}");
        }
    }
}
