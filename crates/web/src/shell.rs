//! A shell over a WebSocket: binary frames are bytes both ways, text frames are JSON beside them.
//!
//! One task hears, types, shows and waits. While the server does not take what is typed nothing more is heard, and while
//! the other end does not take what is shown nothing more is read: so neither piles up here.

use std::time::Duration;

use actions::{Actor, Admitted, Error, OpenShell, Screen, Shown, TerminalSize};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use model::Name;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::AppState;
use crate::error::Refusal;
use crate::push::{Caller, Reader};

/// The largest message of the other end, in bytes.
pub(crate) const LARGEST: usize = 64 * 1024;

/// How often the other end hears from us.
const PING: Duration = Duration::from_secs(15);

/// Who was not heard for so long is gone.
const SILENCE: Duration = Duration::from_secs(50);

/// How long the last words may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// The largest terminal, in characters.
const WIDEST: u16 = 1000;

/// What the other end says beside what it types.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    /// The terminal has another size: columns and rows.
    Resize(u16, u16),
    /// Nothing more is typed: the end of the input, where there is no terminal.
    End(bool),
}

/// How it came to its end.
enum Over {
    /// By itself, with this exit code.
    Exit(Option<u32>),
    Failed(Error),
    /// The other end is gone.
    Gone,
    BadMessage,
    /// Nothing happened for so long.
    Idle(Duration),
    /// The right to be here was taken back.
    Barred,
    Restarting,
}

impl Over {
    /// Why, for the recording; nothing where it ended by itself.
    fn reason(&self) -> Option<String> {
        let words = match self {
            Self::Exit(_) => return None,
            Self::Failed(error) => return Some(error.to_string()),
            Self::Gone => "the other end went away",
            Self::BadMessage => "the other end sent what is no message",
            Self::Idle(_) => "nothing was typed and nothing shown for too long",
            Self::Barred => "the right to it was taken back",
            Self::Restarting => "Aweigh stopped",
        };
        Some(words.to_owned())
    }

    /// The last text, and how the socket is closed (RFC 6455 section 7.4).
    fn farewell(self) -> (Option<Value>, u16, &'static str) {
        match self {
            Self::Exit(code) => (Some(json!({"exit": code})), 1000, "ended"),
            Self::Failed(error) => (Some(told(error)), 1000, "failed"),
            Self::Idle(after) => {
                let message = format!("nothing was typed and nothing shown for {} seconds", after.as_secs());
                let hint = "limits.shell_idle in server.toml says how long a shell waits";
                (Some(json!({"error": {"code": "timeout", "message": message, "hint": hint}})), 4408, "idle")
            }
            Self::Gone => (None, 1000, "gone"),
            Self::BadMessage => (None, 4400, "bad_message"),
            Self::Barred => (None, 4401, "signed_out"),
            Self::Restarting => (None, 1001, "restarting"),
        }
    }
}

/// An error as it is told on a socket.
fn told(error: Error) -> Value {
    let refusal = Refusal::from(error);
    let problem = refusal.problem();
    json!({"error": {"code": problem.code, "message": problem.detail, "hint": problem.hint}})
}

/// Opens the shell and carries it until either end has enough.
pub(crate) async fn run(
    mut socket: WebSocket,
    state: AppState,
    caller: Caller,
    server: Name,
    admitted: Admitted,
) {
    let may = |actor: &Actor| state.actions.may_shell(actor, &server).is_ok();
    let barred = Reader::barred(&state, &caller.proof, may);
    tokio::pin!(barred);
    let opened = tokio::select! {
        opened = state.actions.open_shell(admitted) => opened.map_err(Over::Failed),
        () = &mut barred => Err(Over::Barred),
        () = state.closing.cancelled() => Err(Over::Restarting),
    };
    let over = match opened {
        Err(over) => over,
        Ok(OpenShell { input, mut screen, .. }) => {
            let idle = state.actions.shell_idle();
            let mut talk = Talk { socket: &mut socket, screen: &mut screen, idle };
            let over = tokio::select! {
                over = talk.until_it_ends(input) => over,
                () = &mut barred => Over::Barred,
                () = state.closing.cancelled() => Over::Restarting,
            };
            let exit = if let Over::Exit(code) = over { code } else { None };
            screen.end(exit, over.reason()).await;
            over
        }
    };
    let (text, code, reason) = over.farewell();
    // Whoever does not read cannot be told.
    let farewell = async {
        if let Some(text) = text {
            socket.send(Message::Text(text.to_string().into())).await?;
        }
        socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
        while let Some(Ok(_)) = socket.recv().await {}
        Ok::<(), axum::Error>(())
    };
    timeout(FAREWELL, farewell).await.ok();
}

struct Talk<'s> {
    socket: &'s mut WebSocket,
    screen: &'s mut Screen,
    idle: Duration,
}

type Input = std::pin::Pin<Box<dyn AsyncWrite + Send + Sync>>;

impl Talk<'_> {
    async fn until_it_ends(&mut self, input: Input) -> Over {
        let mut input = Some(input);
        let mut typed = Bytes::new();
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut busy = Instant::now();
        loop {
            let done = tokio::select! {
                shown = self.screen.next() => {
                    busy = Instant::now();
                    match shown {
                        Ok(Shown::Exit(code)) => Err(Over::Exit(code)),
                        Ok(Shown::Screen(bytes)) => self.write(Message::Binary(bytes)).await,
                        Ok(Shown::Errors(text)) => {
                            self.write(Message::Text(json!({"stderr": text}).to_string().into())).await
                        }
                        Err(error) => Err(Over::Failed(error)),
                    }
                }
                message = self.socket.recv(), if typed.is_empty() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Binary(bytes))) => {
                            busy = heard;
                            typed = bytes;
                            Ok(())
                        }
                        Some(Ok(Message::Text(text))) => self.hear(&text, &mut input).await,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                        // Too long a message is an error, and so is a connection that broke.
                        Some(Err(error)) => Err(broken(&error)),
                        Some(Ok(Message::Close(_))) | None => Err(Over::Gone),
                    }
                }
                written = type_in(&mut input, &typed), if !typed.is_empty() => {
                    // What reads no more ends, or goes on without: its exit tells.
                    typed = written.map_or(Bytes::new(), |count| typed.slice(count..));
                    heard = Instant::now();
                    Ok(())
                }
                _ = ping.tick() => {
                    if typed.is_empty() && heard.elapsed() > SILENCE {
                        return Over::Gone;
                    }
                    self.write(Message::Ping(Bytes::new())).await
                }
                () = sleep_until(busy + self.idle) => Err(Over::Idle(self.idle)),
            };
            if let Err(over) = done {
                return over;
            }
        }
    }

    async fn hear(&mut self, text: &str, input: &mut Option<Input>) -> Result<(), Over> {
        match serde_json::from_str(text) {
            Ok(Said::Resize(columns @ 1..=WIDEST, rows @ 1..=WIDEST)) => {
                self.screen.resize(TerminalSize { columns, rows }).await.map_err(Over::Failed)
            }
            Ok(Said::End(true)) => {
                if let Some(mut input) = input.take() {
                    // What does not read any more needs no end.
                    input.shutdown().await.ok();
                }
                Ok(())
            }
            Ok(Said::Resize(..) | Said::End(false)) | Err(_) => Err(Over::BadMessage),
        }
    }

    /// Writes one message. Whoever takes none of it for as long as a shell may be idle is gone.
    async fn write(&mut self, message: Message) -> Result<(), Over> {
        match timeout(self.idle, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over::Gone),
        }
    }
}

/// Types some of it; how many bytes were taken. After the end of the input everything is taken by nobody.
async fn type_in(input: &mut Option<Input>, typed: &[u8]) -> Option<usize> {
    match input {
        Some(input) => match input.write(typed).await {
            Ok(count @ 1..) => Some(count),
            Ok(0) | Err(_) => None,
        },
        None => None,
    }
}

/// A message that is too long, or a connection that is gone.
fn broken(error: &axum::Error) -> Over {
    if error.to_string().to_lowercase().contains("too long") { Over::BadMessage } else { Over::Gone }
}
