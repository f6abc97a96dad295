//! `shell`: a login shell or one command on a server, as if the terminal stood there.

mod escape;

use std::io::{self, IsTerminal, Write};

use anyhow::Context as _;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, stdin};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_tungstenite::tungstenite::{Error as Broken, Message};

use crate::advice::Advised;
use crate::cli::ShellArgs;
use crate::client::{Ask, Client, Socket};
use crate::exit::Ending;
use crate::raw_mode::RawMode;

use escape::Escape;

/// How much is typed at once, in bytes.
const PIECE: usize = 32 * 1024;

/// The exit code where a signal ended the command, as ssh has it.
const SIGNALLED: u8 = 255;

/// What the server says beside what the shell shows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Exit(Option<u32>),
    Error(Trouble),
    Stderr(String),
}

#[derive(Debug, Deserialize)]
struct Trouble {
    message: String,
    hint: Option<String>,
}

pub(super) async fn run(client: &Client, args: &ShellArgs) -> anyhow::Result<Ending> {
    let command = (!args.command.is_empty()).then(|| args.command.join(" "));
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if !is_terminal && command.is_none() {
        let what = "a login shell needs a terminal on standard input and output";
        return Err(
            Advised::new(what, "give a command after --, such as: aweigh shell web-1 -- uptime").into()
        );
    }
    let mut ask = Ask::at(&["servers", args.server.as_str(), "shell"]).maybe("command", command);
    if is_terminal {
        let (columns, rows) = size();
        let term = std::env::var("TERM").ok().filter(|term| !term.is_empty());
        ask = ask.with("columns", columns).with("rows", rows).maybe("term", term);
    }
    let (sink, stream) = client.socket(&ask).await?.split();
    let raw = if is_terminal { Some(RawMode::enter().context("the terminal cannot be used")?) } else { None };
    // Whoever ends this command gets their terminal back, too.
    let mut ends =
        [SignalKind::hangup(), SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit()]
            .into_iter()
            .map(signal)
            .collect::<Result<Vec<_>, _>>()?;
    let ended = tokio::select! {
        ended = show(client, stream) => ended,
        hung_up = send(client, sink, is_terminal) => hung_up,
        () = first(&mut ends) => Err(client.cut("this command was told to end").into()),
    };
    drop(raw);
    ended
}

/// The size of the terminal; one that does not know it is as large as they were.
fn size() -> (u16, u16) {
    let size = terminal_size::terminal_size().filter(|(columns, rows)| columns.0 > 0 && rows.0 > 0);
    size.map_or((80, 24), |(columns, rows)| (columns.0.min(1000), rows.0.min(1000)))
}

async fn first(signals: &mut [Signal]) {
    futures::future::select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
}

/// Shows what the server sends, until the shell ends.
async fn show(client: &Client, mut stream: SplitStream<Socket>) -> anyhow::Result<Ending> {
    while let Some(message) = stream.next().await {
        match message.map_err(|error| broken(client, &error))? {
            Message::Binary(bytes) => {
                let mut out = io::stdout().lock();
                out.write_all(&bytes)?;
                out.flush()?;
            }
            Message::Text(text) => match client.decode(&text)? {
                Told::Stderr(text) => io::stderr().write_all(text.as_bytes())?,
                Told::Exit(code) => {
                    let code = code.map_or(SIGNALLED, |code| u8::try_from(code).unwrap_or(SIGNALLED));
                    return Ok(Ending::Command(code));
                }
                Told::Error(Trouble { message, hint }) => {
                    return Err(Advised::new(message, hint.unwrap_or_default()).into());
                }
            },
            Message::Close(Some(frame)) if frame.reason == "signed_out" => {
                return Err(client.cut("the right to this shell was taken back").into());
            }
            Message::Close(Some(frame)) => {
                return Err(client.cut(&format!("the server says: {}", frame.reason)).into());
            }
            Message::Close(None) => break,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
    Err(client.cut("the server closed it").into())
}

/// Sends what is typed, and the size of the terminal when it changes, for as long as the shell goes on.
async fn send(
    client: &Client,
    mut sink: SplitSink<Socket, Message>,
    is_terminal: bool,
) -> anyhow::Result<Ending> {
    let mut resized = signal(SignalKind::window_change())?;
    let mut input = stdin();
    let mut typed = vec![0; PIECE];
    let mut escape = Escape::default();
    let mut is_over = false;
    loop {
        let message = tokio::select! {
            read = input.read(&mut typed), if !is_over => match read? {
                0 => {
                    is_over = true;
                    text(&json!({"end": true}))
                }
                count => {
                    let bytes = typed.get(..count).unwrap_or_default();
                    let Some(bytes) = (if is_terminal { escape.pass(bytes) } else { Some(bytes.to_vec()) })
                    else {
                        return Err(client.cut("hung up by ~.").into());
                    };
                    Message::binary(bytes)
                }
            },
            Some(()) = resized.recv(), if is_terminal => {
                let (columns, rows) = size();
                text(&json!({"resize": [columns, rows]}))
            }
            // All was typed, and there is no terminal: what is left is to listen.
            else => return std::future::pending().await,
        };
        // When it cannot be sent, whoever listens is told why.
        if sink.send(message).await.is_err() {
            return std::future::pending().await;
        }
    }
}

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

fn broken(client: &Client, error: &Broken) -> crate::client::Error {
    client.cut(&error.to_string())
}
