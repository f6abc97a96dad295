//! A command on many servers at once: what it writes is told as it comes, and no server holds another one.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use model::{DeployPath, Name, Server};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::Sender;

use super::heard::{End, Heard, Hears};
use super::script;
use crate::masker::Masker;
use crate::ports::{Channel, Host, HostError, Hosts};
use crate::question::{BY_HAND, shown};

/// How much of what one server writes is told, in bytes of both outputs together.
pub const TOLD: u64 = 8 * 1024 * 1024;

/// How long the end of what was ended is waited for; a little more than the script gives it.
const GRACE: Duration = Duration::from_secs(10);

/// What is run, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The command, for the login shell of each server.
    pub command: String,
    /// What it reads. Without NUL.
    pub input: String,
    /// The folder of an environment, in whose live release it runs.
    pub root: Option<DeployPath>,
    /// How many servers at once, from 1.
    pub at_once: usize,
    /// How long it may run on each.
    pub longest: Duration,
}

/// Something that happened on a server.
#[derive(Debug, Clone)]
pub struct Told {
    /// The server.
    pub server: Name,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// Its turn has come.
    Started,
    /// It wrote this to its standard output.
    Stdout(String),
    /// It wrote this to its standard error.
    Stderr(String),
    /// The last of it.
    Ended(Ended),
}

/// How a command ended on a server.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Its exit code; `None` where it has none.
    pub exit: Option<i32>,
    /// Why it has none.
    pub error: Option<HostError>,
    /// How many bytes of what it wrote were not told.
    pub left_out: u64,
}

/// Runs `order` on all of `servers` and tells `tell` what happens on them, until all have ended. A server that fails is told
/// and holds nobody. What runs is ended when nobody listens any more, or when this is dropped.
pub async fn run(hosts: &dyn Hosts, servers: &[Server], order: &Order, masker: &Masker, tell: &Sender<Told>) {
    let each: Vec<BoxFuture<'_, ()>> = servers
        .iter()
        .map(|server| {
            let one = One {
                server: &server.name,
                order,
                masker,
                tell,
                told: AtomicU64::new(0),
                left_out: AtomicU64::new(0),
            };
            Box::pin(one.run(hosts, server)) as BoxFuture<'_, ()>
        })
        .collect();
    futures::stream::iter(each).for_each_concurrent(order.at_once, |one| one).await;
}

/// One server's part.
struct One<'a> {
    server: &'a Name,
    order: &'a Order,
    masker: &'a Masker,
    tell: &'a Sender<Told>,
    told: AtomicU64,
    left_out: AtomicU64,
}

impl One<'_> {
    async fn run(self, hosts: &dyn Hosts, server: &Server) {
        self.say(What::Started).await;
        let ended = async {
            let host = tokio::select! {
                host = hosts.connect(server) => host?,
                () = self.tell.closed() => return Err(HostError::other("nobody waits for it any more")),
            };
            self.on(host.as_ref()).await
        };
        let (exit, error) = match ended.await {
            Ok(exit) => (Some(exit), None),
            Err(error) => (None, Some(error)),
        };
        let left_out = self.left_out.load(Ordering::Relaxed);
        self.say(What::Ended(Ended { exit, error, left_out })).await;
    }

    /// The exit code.
    async fn on(&self, host: &dyn Host) -> Result<i32, HostError> {
        let late = tokio::time::sleep(self.order.longest);
        tokio::pin!(late);
        let channel = tokio::select! {
            biased;
            channel = host.exec(script::COMMAND) => channel?,
            () = &mut late => return Err(self.given_up(host, true, false)),
            () = self.tell.closed() => return Err(self.given_up(host, false, false)),
        };
        let Channel { stdin, stdout, stderr, exit } = channel;
        let nonce = script::nonce();
        let answer = async {
            let out = self.hear(stdout, &nonce, What::Stdout);
            let heard = futures::future::join(out, self.hear(stderr, &nonce, What::Stderr)).await;
            ended(heard, exit).await
        };
        tokio::pin!(answer);
        let mut feeding = Box::pin(feed(stdin, script::said(self.order, &nonce)));
        let is_late = tokio::select! {
            biased;
            answer = &mut answer => return answer,
            () = &mut late => true,
            () = self.tell.closed() => false,
            never = &mut feeding => match never {},
        };
        // The end of its input ends it.
        drop(feeding);
        let is_gone = matches!(tokio::time::timeout(GRACE, &mut answer).await, Ok(Ok(_)));
        Err(self.given_up(host, is_late, is_gone))
    }

    /// Why nobody waits for it any more, and whether it still runs.
    fn given_up(&self, host: &dyn Host, is_late: bool, is_gone: bool) -> HostError {
        let why = if is_late {
            format!("it ran for more than {:?}", self.order.longest)
        } else {
            "nobody waits for it any more".to_owned()
        };
        if is_gone {
            let hint = "give it more time, or look on the server why it does not end";
            return HostError::other(format!("{why}, and was ended")).hint(hint);
        }
        host.distrust();
        let hint = "look on the server whether it still runs";
        HostError::other(format!("{why}, and may still run")).hint(hint)
    }

    /// Tells what comes of one output, and answers how that ended.
    async fn hear(
        &self,
        mut output: Pin<Box<dyn AsyncRead + Send + Sync>>,
        nonce: &str,
        what: fn(String) -> What,
    ) -> Ending {
        let mut hears = Hears::new(nonce, self.masker);
        loop {
            match hears.next(&mut output).await? {
                Heard::Text(text) => self.text(text, what).await,
                Heard::Over(end) => return Ok(end),
            }
        }
    }

    /// Tells what a command wrote, as long as it is not too much.
    async fn text(&self, mut text: String, what: fn(String) -> What) {
        let length = text.len() as u64;
        let room = TOLD.saturating_sub(self.told.fetch_add(length, Ordering::Relaxed));
        if length > room {
            text.truncate(text.floor_char_boundary(usize::try_from(room).unwrap_or(0)));
            self.left_out.fetch_add(length - text.len() as u64, Ordering::Relaxed);
        }
        if !text.is_empty() {
            self.say(what(text)).await;
        }
    }

    async fn say(&self, what: What) {
        // Where nobody listens the command is ended; there is nothing else to do.
        self.tell.send(Told { server: self.server.clone(), what }).await.ok();
    }
}

/// Says what the script reads, and keeps its input open: dropping this is the end of it.
async fn feed(mut stdin: Pin<Box<dyn AsyncWrite + Send + Sync>>, said: Vec<u8>) -> Infallible {
    // Whoever does not take it says why, or ends.
    if stdin.write_all(&said).await.is_ok() {
        stdin.flush().await.ok();
    }
    std::future::pending().await
}

/// How an output ended.
type Ending = std::io::Result<Option<End>>;

async fn ended(
    (out, err): (Ending, Ending),
    exit: BoxFuture<'static, Result<Option<u32>, HostError>>,
) -> Result<i32, HostError> {
    match (out, err) {
        (_, Ok(Some(End::Bad(why)))) => {
            Err(HostError::other(shown(&why)).hint("release to it first, or leave --in out"))
        }
        (Ok(Some(End::Status(status))), _) => Ok(status),
        // A lost connection explains an output that broke, not the other way round.
        (Err(error), _) => {
            exit.await?;
            Err(HostError::lost(format!("the connection ended: {error}")))
        }
        (Ok(_), _) => {
            let code = exit.await?.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            Err(HostError::other(format!("it ended without an answer ({code})")).hint(BY_HAND))
        }
    }
}
