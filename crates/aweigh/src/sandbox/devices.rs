//! Terminals and shared memory of a job's own. In /dev/pts and /dev/shm a user may open whatever else of theirs is there: the
//! terminals of who is logged in, and what other programs and other builds keep in memory. A job sees empty ones instead
//! (mount_namespaces(7), ipc_namespaces(7)), which are gone when the last of its processes is.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::Group;

/// The terminals that programs make.
pub(super) const TERMINALS: &str = "/dev/pts";

/// Files in memory.
pub(super) const MEMORY: &str = "/dev/shm";

/// Gives this thread, and all that it starts from now on, terminals and shared memory of their own.
pub(super) fn separate() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC)?;
    let none = None::<&str>;
    // What is mounted here stays here. What is mounted or unmounted outside later is so here, too: a job keeps no disk busy.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some("devpts"), TERMINALS, Some("devpts"), flags, Some(options().as_str()))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), MEMORY, Some("tmpfs"), flags, Some("mode=1777"))
}

/// Older C libraries give nobody a terminal that is not of the group tty.
fn options() -> String {
    let own = "newinstance,ptmxmode=0666,mode=0620".to_owned();
    match Group::from_name("tty") {
        Ok(Some(tty)) => format!("{own},gid={}", tty.gid),
        _ => own,
    }
}

/// Whether [`separate`] works here; else why not. It is done in a thread, and ends with that.
pub(super) fn tried() -> Result<(), String> {
    let tried = std::thread::spawn(separate).join();
    tried.map_err(|_| "it cannot be tried".to_owned())?.map_err(|error| error.to_string())
}
