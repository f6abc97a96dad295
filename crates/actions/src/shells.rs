//! Shells: somebody types to a server. Each has a connection of its own and is recorded; what was shown can be looked at
//! again.

mod recorded;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use engine::masker::Masker;
use engine::ports::{Host, HostError, Terminal, TerminalSize, Window};
use engine::recording::{self, Head, Recorder};
use futures::future::BoxFuture;
use jiff::Timestamp;
use model::{Name, Server};
use store::{NewRecording, RecordingRecord};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;

use crate::page::page;
use crate::{Action, Actions, Actor, Error, Object, authorize};

pub use recorded::{Screen, Shown};

/// The most recordings on a page.
pub const MOST_RECORDINGS: u64 = 200;

/// How many shells may be open at once: each holds a connection, a file and a thread that writes it.
pub(crate) const AT_ONCE: usize = 32;

/// The longest command, in bytes.
const COMMAND: usize = 8 * 1024;

/// How large a recording without a terminal is played.
const PAGE: TerminalSize = TerminalSize { columns: 80, rows: 24 };

/// What somebody wants to run on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellRequest {
    /// The terminal; without one input and output are passed through, and there must be a command.
    pub terminal: Option<Terminal>,
    /// The command; the login shell where it is `None`.
    pub command: Option<String>,
}

/// A shell that may be opened: the place is kept until this, or what becomes of it, is dropped.
pub struct Admitted {
    actor: Actor,
    server: Server,
    request: ShellRequest,
    place: OwnedSemaphorePermit,
}

/// An open shell. Dropping all of it hangs up, and its recording says that it was cut off.
pub struct OpenShell {
    /// Its number among the recordings.
    pub id: i64,
    /// What is typed; shutting it down is the end of the input where there is no terminal.
    pub input: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    /// What it shows.
    pub screen: Screen,
}

/// What runs, with or without a terminal.
struct Streams {
    input: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    output: Pin<Box<dyn AsyncRead + Send + Sync>>,
    errors: Option<Pin<Box<dyn AsyncRead + Send + Sync>>>,
    window: Option<Box<dyn Window>>,
    exit: BoxFuture<'static, Result<Option<u32>, HostError>>,
}

impl Actions {
    /// Judges whether `actor` may have a shell on this server, and keeps a place for it. Nothing is opened yet.
    pub async fn admit_shell(
        &self,
        actor: &Actor,
        name: &Name,
        request: ShellRequest,
    ) -> Result<Admitted, Error> {
        self.may_shell(actor, name)?;
        let server = self.server(name).await?;
        check(&request)?;
        let place = Arc::clone(&self.shells).try_acquire_owned().map_err(|_| Error::TooManyShells)?;
        Ok(Admitted { actor: actor.clone(), server, request, place })
    }

    /// Whether `actor` may have a shell on this server, asked again while one is open.
    pub fn may_shell(&self, actor: &Actor, name: &Name) -> Result<(), Error> {
        Ok(authorize(actor, Action::Shell, &Object::Server(name))?)
    }

    /// How long a shell stays open in which nothing is typed and nothing shown.
    pub fn shell_idle(&self) -> Duration {
        self.parts.shell_idle
    }

    /// Logs in over a connection of its own, begins to record, and only then opens the shell there. What fails behind the
    /// login is told by the recording, too.
    pub async fn open_shell(&self, admitted: Admitted) -> Result<OpenShell, Error> {
        let Admitted { actor, server, request, place } = admitted;
        let masker = Masker::new(&self.store().every_secret().await?);
        let asked = NewRecording {
            account: actor.name.clone(),
            server: server.name.clone(),
            command: request.command.as_deref().map(|command| masker.text(command)),
            is_terminal: request.terminal.is_some(),
        };
        let what = asked.command.as_deref().unwrap_or("a login shell");
        self.note(actor.deed("shell.open", &Object::Server(&server.name), what)).await?;
        let host = self.parts.hosts.connect_alone(&server).await?;
        let head = Head {
            size: request.terminal.as_ref().map_or(PAGE, |terminal| terminal.size),
            is_terminal: request.terminal.is_some(),
            at: Timestamp::now(),
            title: match &asked.command {
                Some(command) => format!("{}: {command}", asked.server),
                None => asked.server.to_string(),
            },
        };
        let id = self.store().begin_recording(asked).await?;
        let data = self.parts.data.clone();
        let begin = move || recorder(&data, id, &head, masker);
        let recording =
            recorded::record(self.store().clone(), id, begin).await.map_err(|error| Error::Local {
                message: format!("the shell cannot be recorded: {error}"),
                hint: Some(
                    "look at the disk of the data folder; nobody gets a shell that is not recorded"
                        .to_owned(),
                ),
            })?;
        let Streams { input, output, errors, window, exit } = match start(host.as_ref(), &request).await {
            Ok(streams) => streams,
            Err(error) => {
                recording.end(None, Some(error.to_string())).await;
                return Err(error);
            }
        };
        let screen = Screen::new(output, errors, window, exit, recording, Box::new((host, place)));
        Ok(OpenShell { id, input, screen })
    }

    /// Recordings with smaller numbers than `before`, the newest first, and the number behind which there may be more.
    pub async fn recordings(
        &self,
        actor: &Actor,
        server: Option<&Name>,
        before: i64,
        limit: u64,
    ) -> Result<(Vec<RecordingRecord>, Option<i64>), Error> {
        authorize(actor, Action::SeeRecordings, &Object::Installation)?;
        let limit = limit.clamp(1, MOST_RECORDINGS);
        let found = self.store().recordings(server, before, limit + 1).await?;
        Ok(page(found, limit, |record| record.id))
    }

    /// What a shell showed, open to be read from its beginning: asciicast v2, as far as it is written.
    pub async fn recording(&self, actor: &Actor, id: i64) -> Result<tokio::fs::File, Error> {
        authorize(actor, Action::SeeRecordings, &Object::Installation)?;
        let record = self.store().recording(id).await?.ok_or_else(|| Error::missing("recording", &id))?;
        if let Some(at) = record.removed_at {
            return Err(Error::RecordingRemoved { id, at });
        }
        let whose = format!("recording {id}, by {}", record.asked.account);
        self.note(actor.deed("recording.show", &Object::Server(&record.asked.server), &whose)).await?;
        let file = tokio::fs::File::open(recording::path(&self.parts.data, id)).await;
        file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::missing("recording", &id),
            _ => Error::Local { message: format!("recording {id} cannot be read: {error}"), hint: None },
        })
    }
}

/// What is wrong with a request, before anything is opened.
fn check(request: &ShellRequest) -> Result<(), Error> {
    let ShellRequest { terminal, command } = request;
    if let Some(Terminal { kind, size }) = terminal {
        if !(1..=1000).contains(&size.columns) {
            return Err(Error::invalid("columns", "must be between 1 and 1000"));
        }
        if !(1..=1000).contains(&size.rows) {
            return Err(Error::invalid("rows", "must be between 1 and 1000"));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte);
        if !(1..=64).contains(&kind.len()) || !kind.bytes().all(is_plain) {
            return Err(Error::invalid("term", "must be the name of a terminal such as xterm-256color"));
        }
    }
    match command {
        None if terminal.is_none() => {
            Err(Error::invalid("command", "is missing: without a terminal there must be one"))
        }
        Some(command) if command.trim().is_empty() => Err(Error::invalid("command", "is empty")),
        Some(command) if command.len() > COMMAND => {
            Err(Error::invalid("command", format!("is longer than {COMMAND} bytes")))
        }
        // No server can be told of it.
        Some(command) if command.contains('\0') => Err(Error::invalid("command", "has a zero byte in it")),
        _ => Ok(()),
    }
}

/// Begins the file of a recording.
fn recorder(data: &Path, id: i64, head: &Head, masker: Masker) -> io::Result<Recorder<io::BufWriter<File>>> {
    DirBuilder::new().recursive(true).mode(0o700).create(recording::folder(data))?;
    // A file of this number can only be what a database that was put back has forgotten.
    let path = recording::path(data, id);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Recorder::new(io::BufWriter::new(file), head, masker, recorded::LONGEST + recorded::REST)
}

/// Opens the shell on the server. Everything that it shows is recorded from here on.
async fn start(host: &dyn Host, request: &ShellRequest) -> Result<Streams, Error> {
    let command = request.command.as_deref();
    if let Some(terminal) = &request.terminal {
        let shell = host.shell(terminal, command).await?;
        return Ok(Streams {
            input: shell.input,
            output: shell.output,
            errors: None,
            window: Some(shell.window),
            exit: shell.exit,
        });
    }
    let channel = host.exec(command.unwrap_or_default()).await?;
    Ok(Streams {
        input: channel.stdin,
        output: channel.stdout,
        errors: Some(channel.stderr),
        window: None,
        exit: channel.exit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(columns: u16, rows: u16, kind: &str, command: Option<&str>) -> String {
        let terminal = Some(Terminal { kind: kind.into(), size: TerminalSize { columns, rows } });
        match check(&ShellRequest { terminal, command: command.map(str::to_owned) }) {
            Ok(()) => String::new(),
            Err(Error::Invalid(wrong)) => wrong[0].field.clone(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_opened() {
        assert_eq!(wrong(80, 24, "xterm-256color", None), "");
        assert_eq!(wrong(80, 24, "screen.xterm+x", Some("echo 'ä' \n ls")), "");
        for (columns, rows, kind, command, field) in [
            (0, 24, "xterm", None, "columns"),
            (1001, 24, "xterm", None, "columns"),
            (80, 0, "xterm", None, "rows"),
            (80, 65535, "xterm", None, "rows"),
            (80, 24, "", None, "term"),
            (80, 24, "x;touch y", None, "term"),
            (80, 24, "xterm\n", None, "term"),
            (80, 24, "xterm", Some(" "), "command"),
            (80, 24, "xterm", Some("a\0b"), "command"),
        ] {
            assert_eq!(wrong(columns, rows, kind, command), field, "{columns} {rows} {kind:?} {command:?}");
        }
        assert_eq!(wrong(80, 24, "xterm", Some(&"x".repeat(COMMAND + 1))), "command");
        assert!(check(&ShellRequest { terminal: None, command: None }).is_err());
    }
}
