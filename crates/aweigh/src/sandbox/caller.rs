//! Who calls through the Unix socket. Landlock does not close sockets before its tenth version, so whoever comes out of a
//! sandbox is known by what they cannot get rid of.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};

use super::enter::LONGEST_FILE;

/// Whether whoever is at the other end of `socket` comes out of a sandbox of ours; one that is gone may have.
pub fn is_confined(socket: &impl AsFd) -> bool {
    let Ok(caller) = getsockopt(socket, sockopt::PeerCredentials) else { return true };
    match getsockopt(socket, sockopt::PeerPidfd) {
        Ok(held) => is_job(caller.pid()) || has_lost(&held, caller.pid()),
        // Before Linux 6.5 its number is all that is known of it.
        Err(Errno::ENOPROTOOPT) => is_job(caller.pid()),
        // It is gone, unless it is where it cannot be seen.
        Err(_) => caller.pid() > 0,
    }
}

/// Whether the process behind `held` is gone, so that its number `id` may be that of another one.
fn has_lost(held: &OwnedFd, id: i32) -> bool {
    let about = fs::read_to_string(format!("/proc/self/fdinfo/{}", held.as_raw_fd())).unwrap_or_default();
    let number = about.lines().find_map(|line| line.strip_prefix("Pid:"));
    number.and_then(|number| number.trim().parse().ok()) != Some(id)
}

/// Whether the process `id` comes out of a sandbox of ours.
///
/// Whoever is in one has given up new privileges, for ever and with everything it starts (prctl(2), PR_SET_NO_NEW_PRIVS).
/// Where Aweigh itself was started that way, its callers may be, too. There a job is known by the longest file that it may
/// write, which it cannot raise either (getrlimit(2)). Whose child it is tells nothing: whoever kept it may have been killed.
fn is_job(id: i32) -> bool {
    // It is in a world of processes that cannot be seen from here; ours are below us.
    if id <= 0 {
        return false;
    }
    let all_have = has_given_up("self") == Some(true);
    is_marked(id, all_have).unwrap_or(true)
}

/// Whether a process bears the marks of a job; `all_have` says that having given up new privileges is none. `None` when it
/// is gone.
fn is_marked(id: i32, all_have: bool) -> Option<bool> {
    let id = id.to_string();
    Some(has_given_up(&id)? && (!all_have || is_limited(&id)?))
}

/// Whether a process has given up new privileges; `None` when it is gone.
fn has_given_up(id: &str) -> Option<bool> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    // Kernels before 4.10 do not tell.
    Some(status.lines().any(|line| line.strip_prefix("NoNewPrivs:").is_some_and(|set| set.trim() == "1")))
}

/// Whether a process may write no longer files than a job; `None` when it is gone, or does not tell.
fn is_limited(id: &str) -> Option<bool> {
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).ok()?;
    let longest = limits.lines().find_map(|line| line.strip_prefix("Max file size"))?;
    // What holds now, and how far that may be raised: a number, or `unlimited`.
    let most = longest.split_whitespace().nth(1)?;
    Some(most.parse::<u64>().is_ok_and(|most| most <= LONGEST_FILE))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    /// A process that `words` start, once `is_there` says so of it; it is ended afterwards.
    fn with(words: &[&str], is_there: impl Fn(i32) -> bool, then: impl FnOnce(i32)) {
        let mut child = Command::new(words[0]).args(&words[1..]).args(["sleep", "60"]).spawn().unwrap();
        let id = i32::try_from(child.id()).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while !is_there(id) {
            assert!(Instant::now() < until, "{words:?} does not start");
            std::thread::yield_now();
        }
        then(id);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_job(id), "it is gone");
    }

    /// The number of this process.
    fn own() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    fn sleeps(id: i32) -> bool {
        fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|words| words.starts_with(b"sleep"))
    }

    #[test]
    fn who_gave_up_new_privileges_is_known_by_it_and_who_is_gone_is_not_let_in() {
        assert!(!is_job(own()));
        with(&["setpriv", "--no-new-privs"], is_job, |_| ());
    }

    #[test]
    fn where_all_gave_them_up_a_job_is_known_by_the_limit_that_it_cannot_raise() {
        with(&["setpriv", "--no-new-privs"], sleeps, |id| assert_eq!(is_marked(id, true), Some(false)));
        let limit = format!("--fsize={LONGEST_FILE}");
        let job = ["prlimit", &limit, "setpriv", "--no-new-privs"];
        with(&job, sleeps, |id| assert_eq!(is_marked(id, true), Some(true)));
        // Its own limit may be lower.
        let job = ["prlimit", "--fsize=1000000:2000000", "setpriv", "--no-new-privs"];
        with(&job, sleeps, |id| assert_eq!(is_marked(id, true), Some(true)));
        // Somebody with a limit, and with their privileges.
        with(&["prlimit", &limit], sleeps, |id| assert_eq!(is_marked(id, true), Some(false)));
    }

    #[test]
    fn who_is_gone_is_not_taken_for_who_has_their_number_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let mut caller =
            Command::new("curl").args(["-s", "--unix-socket"]).arg(&path).arg("http://x/").spawn().unwrap();
        let (socket, _) = listener.accept().unwrap();
        assert!(!is_confined(&socket));
        let id = i32::try_from(caller.id()).unwrap();
        let held = getsockopt(&socket, sockopt::PeerPidfd);
        let has_number = |id| held.as_ref().ok().map(|held| !has_lost(held, id));
        assert!(has_number(id) != Some(false));
        caller.kill().unwrap();
        caller.wait().unwrap();
        assert!(is_confined(&socket));
        // This process bears no mark, and its number could be the one that was free.
        assert!(!is_job(own()) && has_number(own()) != Some(true) && has_number(id) != Some(true));
    }
}
