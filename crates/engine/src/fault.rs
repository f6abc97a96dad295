//! Fault points: places where a test kills this process, named after the step and the side of its effect.
//!
//! `AWEIGH_FAULT=web-1/activate:effect` ends the process by SIGKILL after that effect and before its result is
//! recorded; `:intent` after the intent is recorded and before the effect. Only debug builds look.

/// Which side of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The intent is recorded, nothing has been done.
    Intent,
    /// It has been done, nothing of it is recorded.
    Effect,
}

/// Dies here if a test said so.
pub fn point(key: &str, side: Side) {
    #[cfg(debug_assertions)]
    {
        let side = match side {
            Side::Intent => "intent",
            Side::Effect => "effect",
        };
        let wanted = std::env::var("AWEIGH_FAULT").unwrap_or_default();
        if wanted.rsplit_once(':').is_some_and(|(k, s)| k == key && s == side) {
            let me = std::process::id().to_string();
            // The shell's own kill: this crate has no unsafe code and needs no other reason for libc.
            let _ = std::process::Command::new("kill").args(["-KILL", &me]).status();
            std::process::abort();
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = (key, side);
}
