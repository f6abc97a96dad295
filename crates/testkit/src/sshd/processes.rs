//! Which processes belong to a server, and their end.
//!
//! Every process below a server carries a number as its limit of file locks, a limit that Linux
//! keeps, hands on to children and has not obeyed for decades. Unlike a variable it survives a
//! cleared environment, and unlike a parent it survives a `setsid` and a double fork.

use std::collections::HashSet;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How often is looked for processes at most; each look finds what was forked during the last one.
const LOOKS: usize = 100;

/// A number that no other server on this machine has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) fn new() -> Mark {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        Mark(u64::from(std::process::id()) << 32 | u64::from(COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The option of `prlimit` that starts a program with this mark.
    pub(super) fn option(self) -> String {
        format!("--locks={0}:{0}", self.0)
    }

    /// Kills the listener and the processes of its connections, but not what they run.
    pub(super) fn kill_sshd(self) {
        self.kill(|id| name(id).starts_with("sshd"));
    }

    /// Kills the listener and everything that was ever started below it.
    pub(super) fn kill_all(self) {
        self.kill(|_| true);
    }

    /// Stops them all first, and kills them then: a process that is killed on its own may have
    /// forked another one since it was found.
    fn kill(self, is_meant: impl Fn(i32) -> bool) {
        let mut stopped: HashSet<i32> = HashSet::new();
        for _ in 0..LOOKS {
            let new: Vec<i32> = processes()
                .filter(|id| self.is_carried_by(*id) && is_meant(*id) && !stopped.contains(id))
                .collect();
            if new.is_empty() {
                break;
            }
            for id in new {
                send(id, Signal::SIGSTOP);
                stopped.insert(id);
            }
        }
        for id in stopped {
            send(id, Signal::SIGKILL);
        }
    }

    fn is_carried_by(self, id: i32) -> bool {
        let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap_or_default();
        let mut locks = limits.lines().filter_map(|line| line.strip_prefix("Max file locks"));
        locks.any(|line| line.split_whitespace().next() == Some(self.0.to_string().as_str()))
    }
}

fn send(id: i32, signal: Signal) {
    // It may have ended by itself in between.
    let _ = kill(Pid::from_raw(id), signal);
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()))
}

fn name(id: i32) -> String {
    fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default()
}
