//! Fault points: named places before and after every effect, at which a test kills this process, has the effect fail, or
//! makes it late. Only debug builds look.
//!
//! ```text
//! AWEIGH_FAULT=web-1/activate:effect          SIGKILL after that effect, before its result is recorded
//! AWEIGH_FAULT=web-1/receive:after=error      the answer of that verb of the driver is lost
//! AWEIGH_FAULT=record/fetch=ok:before=delay   the database is late by half a second
//! AWEIGH_FAULT_LOG=FILE                       writes down every point that is passed
//! AWEIGH_FAULT_TWICE=1                        everything that a server is asked, it is asked twice in a row
//! ```
//!
//! Points are `STEP:intent` and `STEP:effect` (around what a step does), `SERVER/VERB:before` and `:after` (around each
//! word to a driver, `connect` too), and `record/WHAT:before` and `:after` (around each transaction). Each fault happens
//! once in the life of a process.

/// Which side of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The intent of a step is recorded, nothing has been done.
    Intent,
    /// A step has been done, nothing of it is recorded.
    Effect,
    /// Before one effect.
    Before,
    /// After one effect.
    After,
}

/// A test has the effect fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injected;

/// What it is called in messages.
pub const INJECTED: &str = "a fault that a test injected";

/// Passes the point `name`: dies, is late, or answers that the effect is to fail, if a test said so.
#[cfg(debug_assertions)]
pub async fn point(name: impl FnOnce() -> String, side: Side) -> Result<(), Injected> {
    debug::point(name, side).await
}

/// Nothing in a program that people use.
#[cfg(not(debug_assertions))]
#[expect(clippy::unused_async, reason = "in debug builds it may wait")]
pub async fn point(_name: impl FnOnce() -> String, _side: Side) -> Result<(), Injected> {
    Ok(())
}

/// Whether a test has everything asked twice: each word to a driver has to do once what it is told twice.
pub fn is_asked_twice() -> bool {
    #[cfg(debug_assertions)]
    let twice = debug::is_asked_twice();
    #[cfg(not(debug_assertions))]
    let twice = false;
    twice
}

#[cfg(debug_assertions)]
mod debug {
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::{Injected, Side};

    /// How late an effect is.
    const LATE: Duration = Duration::from_millis(500);

    struct Wanted {
        point: String,
        action: String,
        done: AtomicBool,
    }

    static WANTED: LazyLock<Option<Wanted>> = LazyLock::new(|| {
        let said = std::env::var("AWEIGH_FAULT").ok().filter(|said| !said.is_empty())?;
        // A status stands behind an equals sign, too; an action is the last word.
        let action =
            ["error", "delay", "kill"].into_iter().find(|action| said.ends_with(&format!("={action}")));
        let point =
            action.map_or(said.as_str(), |action| said.trim_end_matches(action).trim_end_matches('='));
        let (point, action) = (point.to_owned(), action.unwrap_or("kill").to_owned());
        Some(Wanted { point, action, done: AtomicBool::new(false) })
    });

    static LOG: LazyLock<Option<std::ffi::OsString>> = LazyLock::new(|| std::env::var_os("AWEIGH_FAULT_LOG"));

    static TWICE: LazyLock<bool> = LazyLock::new(|| std::env::var_os("AWEIGH_FAULT_TWICE").is_some());

    pub(super) fn is_asked_twice() -> bool {
        *TWICE
    }

    pub(super) async fn point(name: impl FnOnce() -> String, side: Side) -> Result<(), Injected> {
        if WANTED.is_none() && LOG.is_none() {
            return Ok(());
        }
        let side = match side {
            Side::Intent => "intent",
            Side::Effect => "effect",
            Side::Before => "before",
            Side::After => "after",
        };
        let name = format!("{}:{side}", name());
        if let Some(path) = &*LOG {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            // One write, so that points of many tasks stay lines.
            file.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes())).ok();
        }
        let Some(wanted) = WANTED.as_ref().filter(|wanted| wanted.point == name) else { return Ok(()) };
        if wanted.done.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        match wanted.action.as_str() {
            "error" => Err(Injected),
            "delay" => {
                tokio::time::sleep(LATE).await;
                Ok(())
            }
            _ => {
                let me = std::process::id().to_string();
                // The shell's own kill: this crate has no unsafe code and needs no other reason for libc.
                let _ = std::process::Command::new("kill").args(["-KILL", &me]).status();
                std::process::abort()
            }
        }
    }
}
