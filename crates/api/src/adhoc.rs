//! Ad-hoc work on many servers: what is asked for, and the lines of its answer.

use std::time::Duration;

use model::{Name, RemotePath, Selector};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{FieldError, FieldErrors, duration};

/// The longest command, in bytes: Linux takes no word of more than 128 KiB.
const LONGEST_COMMAND: usize = 64 * 1024;

/// The most that a command gets to read, in bytes.
pub const LONGEST_STDIN: usize = 1024 * 1024;

/// On how many servers at once when nothing is said, and at most.
const AT_ONCE: u32 = 100;
const MOST_AT_ONCE: u32 = 1000;

/// How long a command may run when nothing is said, and at most.
const TIMEOUT: Duration = Duration::from_hours(1);
const MOST_TIMEOUT: Duration = Duration::from_hours(24);

/// Body of `POST /run`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// Selector of the servers.
    #[serde(default)]
    #[schema(required, example = "role=web")]
    pub servers: String,
    /// What the login shell of each of them runs.
    #[serde(default)]
    #[schema(required, max_length = 65_536, example = "uptime")]
    pub command: String,
    /// What the command reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1_048_576)]
    pub stdin: Option<String>,
    /// Run in the live release of an environment of this project, on its servers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// That environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// On how many servers at once; 100 when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The longest it may run on each, such as `30s`; `1h` when nothing is said, `24h` at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// What is to be run, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// On which servers.
    pub servers: Selector,
    /// The command.
    pub command: String,
    /// What it reads.
    pub stdin: String,
    /// Project and environment in whose live release it runs.
    pub place: Option<(Name, Name)>,
    /// On how many servers at once.
    pub at_once: usize,
    /// The longest it may run on each.
    pub longest: Duration,
}

impl RunRequest {
    /// What is asked for, or everything that is wrong with it.
    pub fn check(self) -> Result<Run, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let servers = errors.take("servers", selector(&self.servers));
        errors.take("command", command(&self.command));
        let stdin = self.stdin.unwrap_or_default();
        errors.take("stdin", input(&stdin));
        let place = match (&self.project, &self.environment) {
            (None, None) => Some(None),
            (Some(project), Some(environment)) => {
                let project = errors.take("project", project.parse::<Name>());
                project.zip(errors.take("environment", environment.parse::<Name>())).map(Some)
            }
            (Some(_), None) => errors.take("environment", Err("is missing: which one of the project?")),
            (None, Some(_)) => errors.take("project", Err("is missing: whose environment is it?")),
        };
        let at_once = errors.take("limit", at_once(self.limit));
        let longest = errors.take("timeout", longest(self.timeout.as_deref()));
        let command = self.command;
        let whole = servers.zip(place).zip(at_once).zip(longest);
        errors.finish(whole.map(|(((servers, place), at_once), longest)| Run {
            servers,
            command,
            stdin,
            place,
            at_once,
            longest,
        }))
    }
}

pub(crate) fn selector(text: &str) -> Result<Selector, String> {
    if text.is_empty() {
        return Err("is missing: which servers? all is every one".to_owned());
    }
    text.parse::<Selector>().map_err(|error| format!("is {error}"))
}

pub(crate) fn at_once(limit: Option<u32>) -> Result<usize, &'static str> {
    let limit = limit.unwrap_or(AT_ONCE);
    let fits = (1..=MOST_AT_ONCE).contains(&limit).then_some(limit);
    fits.and_then(|limit| usize::try_from(limit).ok()).ok_or("must be between 1 and 1000")
}

fn command(text: &str) -> Result<(), &'static str> {
    match text {
        text if text.trim().is_empty() => Err("is missing: what is to be run?"),
        text if text.contains('\0') => Err("must not hold a NUL character"),
        text if text.len() > LONGEST_COMMAND => {
            Err("is longer than 64 KiB: bring it as a file, with `aweigh put`, and run that")
        }
        _ => Ok(()),
    }
}

fn input(text: &str) -> Result<(), &'static str> {
    match text {
        text if text.contains('\0') => {
            Err("must not hold a NUL character: bring it as a file, with `aweigh put`")
        }
        text if text.len() > LONGEST_STDIN => {
            Err("is longer than 1 MiB: bring it as a file, with `aweigh put`")
        }
        _ => Ok(()),
    }
}

fn longest(text: Option<&str>) -> Result<Duration, String> {
    let longest = text.map_or(Ok(TIMEOUT), duration::parse)?;
    if longest > MOST_TIMEOUT { Err("must be at most 24h".to_owned()) } else { Ok(longest) }
}

/// A line of the answer of `POST /run`: what happened on one server, or at the end how many did well.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct RunLine {
    /// The server; missing in the last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub server: Option<Name>,
    /// Its turn has come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub started: bool,
    /// A part of what it wrote to its standard output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// A part of what it wrote to its standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// How it ended: nothing more comes of this server.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub ended: Option<ServerEnded>,
    /// The last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
}

/// How a command ended on a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerEnded {
    /// Its exit code; `null` where there is none, and then `error` says why.
    #[serde(deserialize_with = "said")]
    pub exit: Option<i32>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Trouble>,
    /// How many bytes of what it wrote are missing, because they were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// What went wrong with a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trouble {
    /// What happened.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The end of work on many servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// On how many servers it went well.
    pub ok: usize,
    /// On how many it did not.
    pub failed: usize,
}

/// A value that may be `null`, and may not be missing: by it the end is told from all else.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    Option::deserialize(deserializer)
}

/// Body of `POST /get`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRequest {
    /// Selector of the servers.
    #[serde(default)]
    #[schema(required, example = "role=web")]
    pub servers: String,
    /// The file or folder on each of them: absolute, or from the home folder.
    #[serde(default)]
    #[schema(required, example = "/var/log/nginx")]
    pub from: String,
    /// From how many servers at once; 100 when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// What goes to servers or comes from them, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Which servers.
    pub servers: Selector,
    /// Its name there.
    pub path: RemotePath,
    /// How many servers at once.
    pub at_once: usize,
}

impl GetRequest {
    /// What is asked for, or everything that is wrong with it.
    pub fn check(&self) -> Result<Transfer, Vec<FieldError>> {
        transfer(&self.servers, "from", &self.from, self.limit)
    }
}

/// The parameters of a transfer, or everything that is wrong with them; `key` is that of the path.
pub fn transfer(
    servers: &str,
    key: &str,
    path: &str,
    limit: Option<u32>,
) -> Result<Transfer, Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    let servers = errors.take("servers", selector(servers));
    let path = errors.take(key, path.parse::<RemotePath>());
    let at_once = errors.take("limit", at_once(limit));
    let whole = servers.zip(path).zip(at_once);
    errors.finish(whole.map(|((servers, path), at_once)| Transfer { servers, path, at_once }))
}

/// A line of the answer of `POST /put` and `POST /get`: what happened on one server, how far all are, or at the end how many
/// did well.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct TransferLine {
    /// The server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub server: Option<Name>,
    /// Its turn has come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub started: bool,
    /// Bytes of files that are there: of this server, or without one of all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of how many, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The end of this server: whether all is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// How many files were brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// How many of the bytes an earlier try had brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<u64>,
    /// What went wrong with this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Trouble>,
    /// The last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// In the last line of `get`: `GET /downloads/{download}` gives what came, for some minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(body: serde_json::Value) -> Vec<String> {
        let read = crate::read::<RunRequest>(body).and_then(RunRequest::check);
        read.unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_said_is_kept_and_the_rest_has_defaults() {
        let body = serde_json::json!({"servers": "role=web", "command": "uptime", "project": "shop",
            "environment": "production", "limit": 3, "timeout": "5s", "stdin": "x"});
        let run = crate::read::<RunRequest>(body).unwrap().check().unwrap();
        assert_eq!((run.at_once, run.longest, run.stdin.as_str()), (3, Duration::from_secs(5), "x"));
        assert_eq!(run.place.unwrap().1.as_str(), "production");
        let body = serde_json::json!({"servers": "all", "command": "a\nb"});
        let run = crate::read::<RunRequest>(body).unwrap().check().unwrap();
        assert_eq!((run.at_once, run.longest, run.place), (100, TIMEOUT, None));
    }

    #[test]
    fn every_mistake_names_its_field() {
        use serde_json::json;
        for (body, field) in [
            (json!({"command": "true"}), "servers"),
            (json!({"servers": "a==b", "command": "true"}), "servers"),
            (json!({"servers": "all"}), "command"),
            (json!({"servers": "all", "command": " \n"}), "command"),
            (json!({"servers": "all", "command": "a\u{0}b"}), "command"),
            (json!({"servers": "all", "command": "x".repeat(70_000)}), "command"),
            (json!({"servers": "all", "command": "cat", "stdin": "\u{0}"}), "stdin"),
            (json!({"servers": "all", "command": "cat", "stdin": "x".repeat(LONGEST_STDIN + 1)}), "stdin"),
            (json!({"servers": "all", "command": "true", "project": "shop"}), "environment"),
            (json!({"servers": "all", "command": "true", "environment": "live"}), "project"),
            (
                json!({"servers": "all", "command": "true", "project": "Shop", "environment": "live"}),
                "project",
            ),
            (json!({"servers": "all", "command": "true", "limit": 0}), "limit"),
            (json!({"servers": "all", "command": "true", "limit": 1001}), "limit"),
            (json!({"servers": "all", "command": "true", "timeout": "soon"}), "timeout"),
            (json!({"servers": "all", "command": "true", "timeout": "2d"}), "timeout"),
            (json!({"servers": "all", "command": "true", "shell": "bash"}), "shell"),
        ] {
            let told = wrong(body);
            assert!(told.len() == 1 && told[0].starts_with(field), "{field}: {told:?}");
        }
    }

    #[test]
    fn a_line_says_only_what_happened() {
        let line = RunLine { server: Some("web-1".parse().unwrap()), ..RunLine::default() };
        let ended = ServerEnded { exit: None, error: None, left_out: 0 };
        for (line, expected) in [
            (RunLine { started: true, ..line.clone() }, r#"{"server":"web-1","started":true}"#),
            (RunLine { stdout: Some("x".into()), ..line.clone() }, r#"{"server":"web-1","stdout":"x"}"#),
            (RunLine { ended: Some(ended), ..line.clone() }, r#"{"server":"web-1","exit":null}"#),
            (
                RunLine { done: Some(Done { ok: 1, failed: 2 }), ..RunLine::default() },
                r#"{"done":{"ok":1,"failed":2}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&line).unwrap(), expected);
            assert_eq!(serde_json::from_str::<RunLine>(expected).unwrap(), line);
        }
    }
}
