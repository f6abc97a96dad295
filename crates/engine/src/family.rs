//! The processes of this machine and whose children they are: read from /proc (proc(5)), where every Linux has it.

use std::collections::{HashMap, HashSet};
use std::fs;

/// One process, as it was when /proc was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: i32,
    /// The number of its parent.
    pub parent: i32,
    /// The session it is in.
    pub session: i32,
    /// It has ended, and nobody has collected it.
    pub has_ended: bool,
}

/// Every process that can be seen; empty where there is no /proc. Blocking, for a moment.
pub fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(process).collect()
}

/// The process `id`; `None` when it is gone.
pub fn process(id: i32) -> Option<Process> {
    let stat = fs::read(format!("/proc/{id}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // Behind the name, which may hold anything: state, parent, group, session.
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace();
    let has_ended = fields.next()? == "Z";
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Process { id, parent, session, has_ended })
}

/// Those of `all` that descend from `root`, which is not one of them.
pub fn below(all: &[Process], root: i32) -> Vec<Process> {
    let parents: HashMap<i32, i32> = all.iter().map(|process| (process.id, process.parent)).collect();
    let is_below = |process: &&Process| {
        let mut seen = HashSet::new();
        let mut at = process.parent;
        // What was read at different moments may lead in a circle.
        while at != root && seen.insert(at) {
            match parents.get(&at) {
                Some(parent) => at = *parent,
                None => return false,
            }
        }
        at == root
    };
    all.iter().filter(|process| process.id != root).filter(is_below).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: i32, parent: i32) -> Process {
        Process { id, parent, session: 0, has_ended: false }
    }

    #[test]
    fn children_of_children_are_below_and_a_circle_ends() {
        let all = [of(1, 0), of(2, 1), of(3, 2), of(4, 1), of(5, 3), of(8, 9), of(9, 8)];
        let numbers = |root| below(&all, root).iter().map(|process| process.id).collect::<Vec<_>>();
        assert_eq!(numbers(2), [3, 5]);
        assert_eq!(numbers(8), [9]);
        assert_eq!(numbers(7), [0; 0]);
    }

    #[test]
    fn this_process_is_found_with_its_parent() {
        let own = i32::try_from(std::process::id()).unwrap();
        let parent = nix::unistd::getppid().as_raw();
        let all = processes();
        let found = all.iter().find(|process| process.id == own).unwrap();
        assert_eq!((found.parent, found.has_ended), (parent, false));
        assert!(below(&all, parent).contains(found));
    }
}
