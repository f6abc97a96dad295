//! Work without the rights of root on files: root is denied nothing.

use nix::unistd::{Uid, geteuid, setfsuid};

/// Does `work` in a thread that has no more rights on files than anybody else, whoever runs the test. What it makes belongs to
/// that user.
///
/// # Panics
/// As `work` does.
pub fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let work = || {
        if geteuid().is_root() {
            // Of this thread alone.
            setfsuid(Uid::from_raw(65534));
        }
        work()
    };
    match std::thread::scope(|threads| threads.spawn(work).join()) {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
