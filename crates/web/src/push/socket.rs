//! The WebSocket: one connection, any number of topics, the same batches as every other transport.
//!
//! Each subscription is a task that reads its topic and hands over one frame at a time; the socket writes them. So a
//! viewer who does not read holds back only its own subscriptions, and keeps one shared frame of each in memory.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use actions::Topic;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Caller, Reader, View};
use crate::AppState;
use crate::error::Refusal;

/// The largest message of a page, in bytes.
pub(crate) const LARGEST: usize = 64 * 1024;

/// The most topics of one socket.
const TOPICS: usize = 64;

/// How often the other end hears from us, and has to be heard.
const PING: Duration = Duration::from_secs(15);

/// Who was not heard for so long is gone.
const SILENCE: Duration = Duration::from_secs(50);

/// The longest that a viewer may take for one frame.
const SLOW: Duration = Duration::from_secs(15);

/// Why a socket is closed by us: the code (RFC 6455 section 7.4) and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Close {
    Restarting,
    SignedOut,
    BadMessage,
    TooMany,
    Slow,
}

impl Close {
    fn frame(self) -> CloseFrame {
        let (code, reason) = match self {
            Self::Restarting => (1001, "restarting"),
            Self::SignedOut => (4401, "signed_out"),
            Self::BadMessage => (4400, "bad_message"),
            Self::TooMany => (4429, "too_many"),
            Self::Slow => (4408, "slow"),
        };
        CloseFrame { code, reason: reason.into() }
    }
}

/// What a page asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asked {
    Subscribe(BTreeMap<String, Wanted>),
    Unsubscribe(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    after: u64,
    logs: Option<String>,
}

/// Something to write, from one subscription.
struct Told {
    topic: Topic,
    /// Which subscription of the topic it is from; what an ended one had to say is not written any more.
    turn: u64,
    text: Utf8Bytes,
    /// Nothing more comes from that subscription.
    last: bool,
}

/// A running subscription.
struct Subscription {
    turn: u64,
    task: AbortHandle,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Speaks with one viewer until either end has enough.
pub(crate) async fn run(mut socket: WebSocket, state: AppState, caller: Caller) {
    let (tell, mut told) = mpsc::channel(1);
    let mut viewer = Viewer { state: &state, caller: &caller, tell, subscriptions: HashMap::new(), turn: 0 };
    let hello = json!({"hello": {"version": env!("CARGO_PKG_VERSION"), "stream": state.actions.stream()}});
    let revoked = Reader::revoked(&state, &caller.proof);
    let talk = viewer.talk(&mut socket, &mut told, hello.to_string());
    let close = tokio::select! {
        close = talk => close,
        () = revoked => Some(Close::SignedOut),
        () = state.closing.cancelled() => Some(Close::Restarting),
    };
    drop(viewer);
    if let Some(close) = close {
        // Whoever does not read cannot be told; their page knows the number where it stands.
        let farewell = async {
            socket.send(Message::Close(Some(close.frame()))).await?;
            // The other end answers with its own close; what it sends before that is not read any more.
            while let Some(Ok(_)) = socket.recv().await {}
            Ok::<(), axum::Error>(())
        };
        timeout(Duration::from_secs(2), farewell).await.ok();
    }
}

struct Viewer<'s> {
    state: &'s AppState,
    caller: &'s Caller,
    tell: mpsc::Sender<Told>,
    subscriptions: HashMap<Topic, Subscription>,
    turn: u64,
}

impl Viewer<'_> {
    /// Hears and tells until the end; answers how to close, or nothing when the other end is gone.
    async fn talk(
        &mut self,
        socket: &mut WebSocket,
        told: &mut mpsc::Receiver<Told>,
        hello: String,
    ) -> Option<Close> {
        if let Err(close) = write(socket, Message::Text(hello.into())).await {
            return close;
        }
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let written = tokio::select! {
                message = socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => match self.hear(&text) {
                            Ok(refusals) => write_all(socket, refusals).await,
                            Err(close) => Err(Some(close)),
                        },
                        // Too long a message is an error.
                        Some(Ok(Message::Binary(_)) | Err(_)) => Err(Some(Close::BadMessage)),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                        Some(Ok(Message::Close(_))) | None => Err(None),
                    }
                }
                Some(told) = told.recv() => self.pass_on(socket, told).await,
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE {
                        return None;
                    }
                    // Pages cannot see the protocol's ping, the network in between cannot see ours.
                    match write(socket, Message::Text(r#"{"ping":{}}"#.into())).await {
                        Ok(()) => write(socket, Message::Ping(Bytes::new())).await,
                        slow => slow,
                    }
                }
            };
            if let Err(close) = written {
                return close;
            }
        }
    }

    async fn pass_on(&mut self, socket: &mut WebSocket, told: Told) -> Result<(), Option<Close>> {
        let current = self.subscriptions.get(&told.topic).is_some_and(|one| one.turn == told.turn);
        if !current {
            return Ok(());
        }
        if told.last {
            self.subscriptions.remove(&told.topic);
        }
        write(socket, Message::Text(told.text)).await
    }

    /// Does what a page asks for; answers the refusals to pass on, or how to close.
    fn hear(&mut self, text: &str) -> Result<Vec<Utf8Bytes>, Close> {
        let mut refusals = Vec::new();
        match serde_json::from_str(text).map_err(|_| Close::BadMessage)? {
            Asked::Unsubscribe(topics) => {
                for topic in topics.iter().filter_map(|topic| topic.parse().ok()) {
                    self.subscriptions.remove(&topic);
                }
            }
            Asked::Subscribe(wanted) => {
                for (name, wanted) in wanted {
                    let Ok(topic) = name.parse::<Topic>() else {
                        let name: String = name.chars().take(80).collect();
                        refusals.push(refusal(&name, &actions::Error::missing("topic", &name).into()));
                        continue;
                    };
                    let logs = wanted.logs.as_deref().map(Into::into).unwrap_or_default();
                    self.subscribe(View { topic, after: wanted.after, logs })?;
                }
            }
        }
        Ok(refusals)
    }

    fn subscribe(&mut self, view: View) -> Result<(), Close> {
        if self.subscriptions.len() >= TOPICS && !self.subscriptions.contains_key(&view.topic) {
            return Err(Close::TooMany);
        }
        self.turn += 1;
        let (topic, turn) = (view.topic.clone(), self.turn);
        let reading = follow(self.state.clone(), self.caller.clone(), view, turn, self.tell.clone());
        let task = tokio::spawn(reading).abort_handle();
        // The one before ends here, and its place in the presence is taken without a gap.
        self.subscriptions.insert(topic, Subscription { turn, task });
        Ok(())
    }
}

/// Reads one topic for as long as anybody listens.
async fn follow(state: AppState, caller: Caller, mut view: View, turn: u64, tell: mpsc::Sender<Told>) {
    let reader = state.reader.clone();
    let _here = reader.presence.enter(&view.topic, &caller.actor.name);
    let mut people = reader.presence.watch(&view.topic);
    people.mark_changed();
    // The first answer comes at once, even an empty one: the page knows then that it is live.
    let mut until = Some(Instant::now());
    loop {
        let topic = view.topic.clone();
        let (text, last) = tokio::select! {
            biased;
            next = reader.next(&state, &caller, &view, until) => match next {
                Ok(frame) => {
                    if until.is_none() && frame.is_empty && frame.seq == view.after {
                        // Aweigh stops.
                        return;
                    }
                    view.after = frame.seq;
                    until = None;
                    (frame.json.clone(), false)
                }
                Err(refused) => (refusal(&topic.to_string(), &refused), true),
            },
            changed = people.changed(), if until.is_none() => {
                if changed.is_err() {
                    return;
                }
                let users = people.borrow_and_update().to_vec();
                (json!({"presence": {"topic": topic.to_string(), "users": users}}).to_string().into(), false)
            }
        };
        if tell.send(Told { topic, turn, text, last }).await.is_err() || last {
            return;
        }
    }
}

fn refusal(topic: &str, refused: &Refusal) -> Utf8Bytes {
    let problem = refused.problem();
    json!({"error": {"topic": topic, "code": problem.code, "detail": problem.detail}}).to_string().into()
}

async fn write_all(socket: &mut WebSocket, texts: Vec<Utf8Bytes>) -> Result<(), Option<Close>> {
    for text in texts {
        write(socket, Message::Text(text)).await?;
    }
    Ok(())
}

/// Writes one message, or says how the socket ends.
async fn write(socket: &mut WebSocket, message: Message) -> Result<(), Option<Close>> {
    match timeout(SLOW, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(None),
        Err(_) => Err(Some(Close::Slow)),
    }
}
