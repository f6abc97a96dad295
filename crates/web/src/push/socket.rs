//! The WebSocket: one connection, any number of topics, the same batches as every other transport.
//!
//! A socket is one task: it reads its topics and writes frame by frame. So a viewer who does not read holds back only
//! itself, with one frame in memory.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use actions::{Actor, Topic};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures::stream::{self, BoxStream, SelectAll, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::gauge::Figures;
use super::presence::{Here, Names};
use super::{Caller, Reader, View, Viewing};
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
    text: Utf8Bytes,
    /// This topic is refused; nothing more comes of it.
    refused: Option<Topic>,
}

/// Speaks with one viewer until either end has enough.
pub(crate) async fn run(mut socket: WebSocket, state: AppState, caller: Caller) {
    let mut viewer =
        Viewer { state: &state, caller: &caller, topics: HashMap::new(), tellings: SelectAll::new() };
    let hello = json!({"hello": {"version": env!("CARGO_PKG_VERSION"), "stream": state.actions.stream()}});
    let revoked = Reader::revoked(&state, &caller.proof);
    let talk = viewer.talk(&mut socket, hello.to_string());
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
    /// The subscriptions. Dropping an entry ends its telling, before the next thing that it would say.
    topics: HashMap<Topic, oneshot::Sender<()>>,
    tellings: SelectAll<BoxStream<'static, Told>>,
}

impl Viewer<'_> {
    /// Hears and tells until the end; answers how to close, or nothing when the other end is gone.
    async fn talk(&mut self, socket: &mut WebSocket, hello: String) -> Option<Close> {
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
                Some(told) = self.tellings.next() => self.pass_on(socket, told).await,
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
        if let Some(topic) = told.refused {
            self.topics.remove(&topic);
        }
        write(socket, Message::Text(told.text)).await
    }

    /// Does what a page asks for; answers the refusals to pass on, or how to close.
    fn hear(&mut self, text: &str) -> Result<Vec<Utf8Bytes>, Close> {
        let mut refusals = Vec::new();
        match serde_json::from_str(text).map_err(|_| Close::BadMessage)? {
            Asked::Unsubscribe(topics) => {
                for topic in topics.iter().filter_map(|topic| topic.parse().ok()) {
                    self.topics.remove(&topic);
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
        if self.topics.len() >= TOPICS && !self.topics.contains_key(&view.topic) {
            return Err(Close::TooMany);
        }
        let (end, ended) = oneshot::channel();
        let following = Following::new(self.state.clone(), &self.caller.actor, &view);
        self.topics.insert(view.topic, end);
        self.tellings.push(stream::unfold(following, Following::step).take_until(ended).boxed());
        Ok(())
    }
}

/// A subscription: what there is to tell of one topic.
struct Following {
    topic: Topic,
    viewing: Viewing,
    people: watch::Receiver<Names>,
    figures: Option<Figures>,
    /// The first answer comes at once, even an empty one: the page knows then that it is live.
    first: bool,
    over: bool,
    _here: Here,
}

impl Following {
    fn new(state: AppState, actor: &Actor, view: &View) -> Self {
        let here = state.reader.presence.enter(&view.topic, &actor.name);
        let mut people = state.reader.presence.watch(&view.topic);
        people.mark_changed();
        let figures = state.reader.gauge.join(&state, actor, &view.topic);
        let viewing = Viewing::new(state, actor.clone(), view.clone());
        Self { topic: view.topic.clone(), viewing, people, figures, first: true, over: false, _here: here }
    }

    /// The next thing to tell; nothing more when Aweigh stops or after a refusal.
    async fn step(mut self) -> Option<(Told, Self)> {
        if self.over {
            return None;
        }
        let told = tokio::select! {
            biased;
            frame = self.viewing.next(self.first.then(Instant::now)) => match frame {
                Ok(frame) => {
                    if frame.is_empty && !std::mem::take(&mut self.first) {
                        return None;
                    }
                    self.first = false;
                    Told { text: frame.json.clone(), refused: None }
                }
                Err(refused) => {
                    self.over = true;
                    Told { text: refusal(&self.topic.to_string(), &refused), refused: Some(self.topic.clone()) }
                }
            },
            changed = self.people.changed(), if !self.first => {
                changed.ok()?;
                let users = self.people.borrow_and_update().to_vec();
                let text = json!({"presence": {"topic": self.topic.to_string(), "users": users}}).to_string();
                Told { text: text.into(), refused: None }
            }
            text = next_figures(&mut self.figures), if !self.first => Told { text, refused: None },
        };
        Some((told, self))
    }
}

/// The next figures; waits for ever where none will come.
async fn next_figures(figures: &mut Option<Figures>) -> Utf8Bytes {
    if let Some(newest) = figures
        && newest.changed().await.is_ok()
    {
        return newest.borrow_and_update().clone();
    }
    *figures = None;
    std::future::pending().await
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
