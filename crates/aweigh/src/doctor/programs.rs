//! The programs that Aweigh uses on its own machine, and whether they are new enough.

use std::process::{Command, Stdio};

use actions::{Health, MachineFinding};

use super::{found, ok};

/// The oldest git that knows every protection: before it, GIT_CONFIG_GLOBAL meant nothing.
const GIT: (u32, u32) = (2, 32);

/// Looks for all of them.
pub(super) fn look() -> Vec<MachineFinding> {
    let install = |program: &str| format!("install {program}, for example: apt-get install {program}");
    let git = match version("git", "--version") {
        Some(said) => git(&said),
        None => found("git", Health::Failed, "not found, so no repository can be read", install("git")),
    };
    let lfs = match version("git-lfs", "version") {
        Some(said) => ok("git-lfs", said),
        None => ok("git-lfs", "not found; only builds with lfs = true need it"),
    };
    // It says its version on standard error.
    let ssh = match version("ssh", "-V") {
        Some(said) => ok("ssh", said),
        None => found(
            "ssh",
            Health::Warning,
            "not found, so repositories cannot be read over SSH (servers are reached without it)",
            install("openssh-client"),
        ),
    };
    let zstd = match version("zstd", "--version") {
        Some(said) => ok("zstd", said),
        None => {
            ok("zstd", "not found; only servers with host = \"local\" use it here, and gzip does as well")
        }
    };
    vec![git, lfs, ssh, zstd]
}

/// What git says of itself: `git version 2.47.3`.
fn git(said: &str) -> MachineFinding {
    let number = said.split_whitespace().nth(2).unwrap_or_default();
    let mut parts = number.split('.').map_while(|part| part.parse::<u32>().ok());
    match parts.next().zip(parts.next()) {
        Some(version) if version >= GIT => ok("git", said),
        _ => {
            let detail = format!("{said} is older than {}.{}", GIT.0, GIT.1);
            found("git", Health::Failed, detail, "install a newer git")
        }
    }
}

/// The first line that a program says about its version; `None` when it cannot be run.
fn version(program: &str, word: &str) -> Option<String> {
    let output = Command::new(program).arg(word).stdin(Stdio::null()).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned();
    (!said.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_git_has_failed() {
        for (said, health) in [
            ("git version 2.47.3", Health::Ok),
            ("git version 2.32.0 (Apple Git-132)", Health::Ok),
            ("git version 3.0.rc1", Health::Ok),
            ("git version 2.30.2", Health::Failed),
            ("git version 1.8.3.1", Health::Failed),
            ("command not found", Health::Failed),
        ] {
            assert_eq!(git(said).health, health, "{said}");
        }
        assert_eq!(version("no-such-program-anywhere", "--version"), None);
        assert!(version("sh", "-c").is_some(), "what is said on standard error counts");
    }
}
