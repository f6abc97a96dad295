//! What a machine is and what is on it, asked by one constant script. A machine says what it likes: every text is cut, and
//! what could move a cursor is spelled out.

use std::time::Duration;

use crate::ports::{Host, HostError};
use crate::question::{Question, Said, no_answer, shown};

/// Reads the script. Constant: no user text is part of it.
const START: &str = "sh -c 'eval \"$(cat)\"'";

const SCRIPT: &str = include_str!("scripts/facts.sh");

const QUESTION: Question<'_> =
    Question { command: START, input: SCRIPT, longest: 64 * 1024, wait: Duration::from_secs(30) };

/// The tools that the script asks for; a server tells of no others.
const TOOLS: [&str; 12] =
    ["tar", "setsid", "stat", "xargs", "head", "cmp", "zstd", "gzip", "curl", "wget", "sudo", "systemctl"];

/// What a machine says of itself. What it does not know is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub os: Option<String>,
    /// `Linux 6.1.0-28-amd64`.
    pub kernel: Option<String>,
    /// `x86_64`.
    pub architecture: Option<String>,
    /// How many processors there are.
    pub cpus: Option<u64>,
    /// Its memory.
    pub memory: Option<Room>,
    /// Its disk: where `/` is.
    pub disk: Option<Room>,
    /// How long it has been running.
    pub uptime: Option<Duration>,
    /// Its clock, in seconds since 1970.
    pub now: Option<i64>,
    /// Its time zone, with the difference from UTC: `Europe/Berlin +0100`.
    pub zone: Option<String>,
    /// Who logs in there.
    pub user: Option<String>,
    /// The login shell of that user.
    pub shell: Option<String>,
    /// The tools that were found, in the order in which they are asked for.
    pub tools: Vec<Tool>,
}

/// How much there is, and how much of it is free, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// All of it.
    pub total: u64,
    /// What is free.
    pub free: u64,
}

/// A tool that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// `GNU 1.34`, `BusyBox 1.36.1`, `5.2.4`; missing when it does not tell.
    pub version: Option<String>,
    /// It knows the options that a release needs.
    pub works: bool,
}

/// Asks over a connection.
///
/// # Errors
/// It is lost, there is no answer within 30 seconds, or it is none.
pub async fn of(host: &dyn Host) -> Result<Facts, HostError> {
    let answer = QUESTION.ask(host).await?;
    Facts::understood(&answer).ok_or_else(|| no_answer(&answer))
}

impl Facts {
    /// The tool `name`, where there is one.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// What an answer says; `None` when it is not whole. Whatever a login prints besides is passed over.
    fn understood(answer: &str) -> Option<Self> {
        let mut facts = Self::default();
        for (key, value) in Said::read(answer)?.pairs() {
            facts.hear(key, value.trim());
        }
        Some(facts)
    }

    fn hear(&mut self, key: &str, value: &str) {
        let text = || Some(value).filter(|value| !value.is_empty()).map(shown);
        let number = || value.parse::<u64>().ok();
        match key {
            "os" => self.os = text(),
            "kernel" => self.kernel = text(),
            "architecture" => self.architecture = text(),
            "cpus" => self.cpus = number(),
            "memory" => self.memory = number().map(|total| Room { total: bytes(total), free: 0 }),
            "memory_free" => {
                if let (Some(memory), Some(free)) = (&mut self.memory, number()) {
                    memory.free = bytes(free);
                }
            }
            "disk" => self.disk = room(value),
            "uptime" => self.uptime = number().map(Duration::from_secs),
            "now" => self.now = value.parse().ok(),
            "zone" => self.zone = text(),
            "user" => self.user = text(),
            "shell" => self.shell = text(),
            "tool" => self.tools.extend(tool(value).filter(|tool| self.tool(&tool.name).is_none())),
            "version" => {
                let (name, said) = value.split_once(' ').unwrap_or((value, ""));
                if let Some(tool) = self.tools.iter_mut().find(|tool| tool.name == name) {
                    tool.version = version(said);
                }
            }
            "works" => {
                if let Some(tool) = self.tools.iter_mut().find(|tool| tool.name == value) {
                    tool.works = true;
                }
            }
            _ => {}
        }
    }
}

fn bytes(kilobytes: u64) -> u64 {
    kilobytes.saturating_mul(1024)
}

fn room(value: &str) -> Option<Room> {
    let (total, free) = value.split_once(' ')?;
    Some(Room { total: bytes(total.parse().ok()?), free: bytes(free.parse().ok()?) })
}

fn tool(value: &str) -> Option<Tool> {
    let (name, path) = value.split_once(' ').filter(|(name, _)| TOOLS.contains(name))?;
    Some(Tool { name: name.to_owned(), path: shown(path), version: None, works: false })
}

/// The first number with a dot, and whose tool it is where that matters.
fn version(said: &str) -> Option<String> {
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let words = said.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
    let words = words.map(|word| word.strip_prefix('v').unwrap_or(word));
    let number = words.clone().find(is_number);
    let number = number.or_else(|| words.clone().find(|word| word.starts_with(|c: char| c.is_ascii_digit())));
    let makers = [("BusyBox", "BusyBox "), ("busybox", "BusyBox "), ("GNU", "GNU "), ("bsdtar", "bsdtar ")];
    let whose = makers.into_iter().find(|(word, _)| said.contains(word)).map_or("", |(_, whose)| whose);
    number.map(|number| shown(&format!("{whose}{number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_plain() {
        crate::question::assert_plain(START);
    }

    #[test]
    fn versions_are_found_in_what_tools_say() {
        for (said, expected) in [
            ("tar (GNU tar) 1.34 Copyright (C) 2021", Some("GNU 1.34")),
            ("setsid from util-linux 2.38.1", Some("2.38.1")),
            ("*** Zstandard CLI (64-bit) v1.5.4, by Yann Collet ***", Some("1.5.4")),
            (
                "head: unrecognized option '--version' BusyBox v1.36.1 (Debian) multi-call binary.",
                Some("BusyBox 1.36.1"),
            ),
            ("systemd 252 (252.30-1~deb12u2) +PAM", Some("252.30-1")),
            ("stat: illegal option -- -", None),
            ("", None),
        ] {
            assert_eq!(version(said).as_deref(), expected, "{said}");
        }
    }

    #[test]
    fn the_script_asks_for_these_tools() {
        assert!(SCRIPT.contains(&format!("for tool in {}; do", TOOLS.join(" "))));
    }

    /// T27, T29: texts are short, control characters are spelled out, and no name of a server's choice is taken.
    #[test]
    fn what_a_hostile_machine_says_is_cut_and_spelled_out() {
        let long = "x".repeat(5000);
        let answer = format!(
            "@os \u{1b}]0;owned\u{7}\u{202e}\n@kernel {long}\n@cpus -1\n@memory 99999999999999999999\n@disk 10\n\
             @tool tar\n@version tar 1.2\n@tool ../../etc/\u{1b}[2J x\n@tool cmp /bin/\u{1b}c\n@tool cmp /again\n@uptime 1e9\n@unknown x\nno line\n@whole \n"
        );
        let facts = Facts::understood(&answer).unwrap();
        assert_eq!(facts.os.as_deref(), Some("\\u{1b}]0;owned\\u{7}\\u{202e}"));
        assert_eq!(facts.kernel.unwrap().len(), 200);
        assert_eq!((facts.cpus, facts.memory, facts.disk, facts.uptime), (None, None, None, None));
        let tools: Vec<_> = facts.tools.iter().map(|tool| (tool.name.as_str(), tool.path.as_str())).collect();
        assert_eq!(tools, [("cmp", "/bin/\\u{1b}c")], "only what was asked for, and once");
        assert_eq!(Facts::understood("@os Debian\n@cpus 4\n"), None, "half an answer is none");
    }
}
