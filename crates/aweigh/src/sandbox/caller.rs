//! Who calls through the Unix socket. Landlock does not close sockets before its tenth version, so whoever comes out of a
//! sandbox is known by what they cannot get rid of.

use std::fs;
use std::path::Path;

use engine::family::process;

use super::VERB;

/// Whether the process `id` comes out of a sandbox of ours; one that is gone may have.
///
/// Whoever is in one has given up new privileges, for ever and with everything it starts (prctl(2), PR_SET_NO_NEW_PRIVS).
/// Where Aweigh itself was started that way, its callers may be, too: there the way up to who keeps the job is looked for.
pub fn is_confined(id: i32) -> bool {
    // It is in a world of processes that cannot be seen from here; ours are below us.
    if id <= 0 {
        return false;
    }
    let Some(given_up) = has_given_up(&id.to_string()) else { return true };
    (given_up && has_given_up("self") == Some(false)) || is_kept(id)
}

/// Whether a process has given up new privileges; `None` when it is gone.
fn has_given_up(id: &str) -> Option<bool> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    // Kernels before 4.10 do not tell.
    Some(status.lines().any(|line| line.strip_prefix("NoNewPrivs:").is_some_and(|set| set.trim() == "1")))
}

/// Whether one of the processes above `id` is our own verb.
fn is_kept(id: i32) -> bool {
    let program = std::env::current_exe().unwrap_or_default();
    let mut at = id;
    while let Some(found) = process(at).filter(|found| found.parent > 0) {
        at = found.parent;
        let words = fs::read(format!("/proc/{at}/cmdline")).unwrap_or_default();
        let is_verb = words.split(|byte| *byte == 0).nth(1) == Some(VERB.as_bytes());
        if is_verb && fs::read_link(format!("/proc/{at}/exe")).is_ok_and(|other| is_same(&other, &program)) {
            return true;
        }
    }
    false
}

/// Whether both are our program, which may have been replaced since by a newer one.
fn is_same(other: &Path, program: &Path) -> bool {
    let name = |path: &Path| path.to_string_lossy().trim_end_matches(" (deleted)").to_owned();
    name(other) == name(program)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn who_gave_up_new_privileges_is_known_by_it_and_who_is_gone_is_not_let_in() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(!is_confined(own));
        let mut child = Command::new("setpriv").args(["--no-new-privs", "sleep", "60"]).spawn().unwrap();
        let id = i32::try_from(child.id()).unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !is_confined(id) {
            assert!(std::time::Instant::now() < until, "setpriv does not start");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_confined(id), "it is gone");
    }
}
