//! Which processes belong to a server, and their end.

use std::collections::HashSet;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How often is looked for processes at most; each look finds what was forked during the last one.
const LOOKS: usize = 100;

#[derive(Debug)]
struct Process {
    id: i32,
    parent: i32,
    name: String,
}

/// Kills the listener and the processes of its connections, but not what they run.
pub(super) fn kill_sshd(listener: u32) {
    let tree = family(i32::try_from(listener).unwrap_or_default());
    // The listener first: it would start new ones.
    for process in tree.iter().filter(|process| process.name.starts_with("sshd")) {
        send(process.id, Signal::SIGKILL);
    }
}

/// Kills the listener, all its descendants, and whatever carries the mark in its environment.
///
/// They are stopped first, all of them, and killed then: killed one by one, a parent could leave
/// a child behind that has neither its ancestor any more nor, before its `exec`, the mark.
pub(super) fn kill_all(listener: Option<u32>, mark: &str) {
    let listener = listener.and_then(|id| i32::try_from(id).ok());
    let mut stopped: HashSet<i32> = HashSet::new();
    for _ in 0..LOOKS {
        let mut found: HashSet<i32> = marked(mark).collect();
        found.extend(listener.iter().flat_map(|id| family(*id)).map(|process| process.id));
        let new: Vec<i32> = found.difference(&stopped).copied().collect();
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

fn send(id: i32, signal: Signal) {
    // It may have ended by itself in between.
    let _ = kill(Pid::from_raw(id), signal);
}

/// The process itself, first, and all its descendants.
fn family(ancestor: i32) -> Vec<Process> {
    let mut strangers: Vec<Process> = numbers().filter_map(read).collect();
    let mut members: Vec<Process> = Vec::new();
    let mut next = vec![ancestor];
    while let Some(id) = next.pop() {
        let (found, rest): (Vec<_>, Vec<_>) =
            strangers.into_iter().partition(|process| process.id == id || process.parent == id);
        strangers = rest;
        next.extend(found.iter().map(|process| process.id).filter(|found| *found != id));
        members.extend(found);
    }
    members.sort_by_key(|process| process.id != ancestor);
    members
}

fn marked(mark: &str) -> impl Iterator<Item = i32> {
    numbers().filter(move |id| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    })
}

fn numbers() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()))
}

/// `id (name) state parent …`; the name may hold anything, so the last bracket counts.
fn read(id: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let parent = rest.split(' ').nth(1)?.parse().ok()?;
    Some(Process { id, parent, name: name.to_owned() })
}
