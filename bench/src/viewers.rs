//! Many viewers of one topic over WebSockets. They read frames by hand (RFC 6455 section 5.2), as cheaply as possible:
//! the load generator shares the machine with what it measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc};

use crate::open_files;

/// How many connections are opened at the same time: fewer than a listener's queue holds.
const AT_ONCE: usize = 64;

/// How long the last facts may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The words of `viewers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server's address and port
    #[arg(long)]
    address: std::net::SocketAddr,
    /// An API token, from the environment
    #[arg(long, env = "AWEIGH_TOKEN", hide_env_values = true)]
    token: String,
    /// What they watch
    #[arg(long)]
    topic: String,
    /// How many
    #[arg(long)]
    count: usize,
    /// How many of them read nothing
    #[arg(long, default_value_t = 0)]
    idle: usize,
    /// Whose log text they want: all, none, or keys of nodes
    #[arg(long, default_value = "all")]
    logs: String,
    /// Say this many chat messages, and measure how long they are on their way
    #[arg(long)]
    say: Option<u64>,
    /// How many messages a second
    #[arg(long, default_value_t = 5.0)]
    rate: f64,
}

/// What all viewers have in common.
struct Crowd {
    begun: Instant,
    /// How many batches and facts have come, over all viewers, and how many bytes.
    batches: AtomicU64,
    facts: AtomicU64,
    bytes: AtomicU64,
    /// Viewers who have seen a terminal `release` fact.
    ended: AtomicU64,
    news: Notify,
}

/// Opens all viewers, then either talks, or watches until the release ends.
pub(crate) async fn run(args: Args) -> anyhow::Result<Value> {
    open_files(args.count as u64 + 200)?;
    ensure!(args.idle < args.count, "somebody has to read");
    let crowd = Arc::new(Crowd {
        begun: Instant::now(),
        batches: AtomicU64::new(0),
        facts: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        ended: AtomicU64::new(0),
        news: Notify::new(),
    });
    let mut sockets = Vec::new();
    while sockets.len() < args.count {
        let part = AT_ONCE.min(args.count - sockets.len());
        sockets.extend(try_join_all((0..part).map(|_| open(&args))).await?);
    }
    let connected = crowd.begun.elapsed();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut silent = Vec::new();
    let mut readers = Vec::new();
    for (number, mut socket) in sockets.into_iter().enumerate() {
        let ask = json!({"subscribe": {&args.topic: {"after": 0, "logs": args.logs}}}).to_string();
        socket.write_all(&frame(&ask)).await?;
        if number < args.idle {
            silent.push(socket);
        } else {
            readers.push(tokio::spawn(read(socket, Arc::clone(&crowd), tell.clone())));
        }
    }
    drop(tell);
    let reading = (args.count - args.idle) as u64;
    // Everybody is live: each has been answered once.
    wait_for(&crowd, |crowd| crowd.batches.load(Relaxed) >= reading).await?;
    let live = crowd.begun.elapsed();
    let mut answer = json!({
        "viewers": args.count, "idle": args.idle,
        "connect_s": round(connected.as_secs_f64()), "live_s": round(live.as_secs_f64()),
    });
    if let Some(messages) = args.say {
        said(&args, &crowd, messages, reading, &mut answer).await?;
        let mut ways = Vec::new();
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        while let Some(micros) = told.recv().await {
            ways.push(micros);
        }
        ways.sort_unstable();
        for (name, part) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0)] {
            merge(&mut answer, name, json!(round(quantile(&ways, part) / 1000.0)));
        }
        let expected = messages * reading;
        merge(&mut answer, "lost", json!(expected.saturating_sub(ways.len() as u64)));
    } else {
        #[expect(clippy::print_stderr, reason = "whoever started this waits for it")]
        {
            eprintln!("live");
        }
        let mut seen = Vec::new();
        for reader in readers {
            seen.push(reader.await??);
        }
        let (fewest, most) = (seen.iter().min().copied(), seen.iter().max().copied());
        merge(&mut answer, "facts_fewest", json!(fewest));
        merge(&mut answer, "facts_most", json!(most));
        merge(&mut answer, "ended", json!(crowd.ended.load(Relaxed)));
        merge(&mut answer, "megabytes", json!(round(crowd.bytes.load(Relaxed) as f64 / 1e6)));
    }
    drop(silent);
    Ok(answer)
}

/// Says `messages` at the asked rate, each with the moment it was said in it.
async fn said(
    args: &Args,
    crowd: &Arc<Crowd>,
    messages: u64,
    reading: u64,
    answer: &mut Value,
) -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().tcp_nodelay(true).build()?;
    let release = args.topic.replace(':', "s/");
    let url = format!("http://{}/api/v1/{release}/chat", args.address);
    let begun = Instant::now();
    let before = crowd.facts.load(Relaxed);
    let mut posts = Vec::new();
    for number in 0..messages {
        let due = begun + Duration::from_secs_f64(number as f64 / args.rate);
        tokio::time::sleep_until(due.into()).await;
        let text = format!("@T{}@ {}", crowd.begun.elapsed().as_nanos(), "x".repeat(120));
        let post = client.post(&url).bearer_auth(&args.token).json(&json!({ "text": text }));
        posts.push(tokio::spawn(async move { post.send().await?.error_for_status() }));
    }
    for post in posts {
        post.await??;
    }
    let saying = begun.elapsed().as_secs_f64();
    let expected = before + messages * reading;
    wait_for(crowd, |crowd| crowd.facts.load(Relaxed) >= expected).await.ok();
    let delivered = crowd.facts.load(Relaxed) - before;
    let total = begun.elapsed().as_secs_f64();
    merge(answer, "said_per_s", json!(round(messages as f64 / saying)));
    merge(answer, "delivered", json!(delivered));
    merge(answer, "delivered_per_s", json!((delivered as f64 / total).round()));
    Ok(())
}

/// Reads batches until the release has ended or the connection has; answers how many facts came, which must be all
/// from the first on, once.
async fn read(
    mut socket: TcpStream,
    crowd: Arc<Crowd>,
    tell: mpsc::UnboundedSender<u64>,
) -> anyhow::Result<u64> {
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut seq = 0;
    loop {
        let mut from = 0;
        while let Some((opcode, body, end)) = parse(buffer.get(from..).unwrap_or_default()) {
            let text = buffer.get(from + body..from + end).unwrap_or_default();
            match opcode {
                1 => {
                    crowd.bytes.fetch_add(text.len() as u64, Relaxed);
                    if take(text, &mut seq, &crowd, &tell)? {
                        crowd.ended.fetch_add(1, Relaxed);
                        return Ok(seq);
                    }
                }
                8 => bail!("the server closed a viewer: {:?}", String::from_utf8_lossy(text)),
                9 => socket.write_all(&[0x8A, 0x80, 0, 0, 0, 0]).await?,
                _ => {}
            }
            from += end;
        }
        buffer.drain(..from);
        ensure!(socket.read_buf(&mut buffer).await? > 0, "a viewer lost its connection");
    }
}

/// Takes one message in; whether the release has ended with it.
fn take(
    text: &[u8],
    seq: &mut u64,
    crowd: &Crowd,
    tell: &mpsc::UnboundedSender<u64>,
) -> anyhow::Result<bool> {
    let text = std::str::from_utf8(text)?;
    // Everything but batches has no numbers; a batch is not parsed as a whole, which would cost more than all else.
    if !text.starts_with("{\"topic\"") {
        ensure!(!text.starts_with("{\"error\""), "refused: {text}");
        return Ok(false);
    }
    let mut facts = 0;
    for fact in text.split("{\"seq\":").skip(1) {
        let number: u64 = fact.split(',').next().unwrap_or_default().parse().context("a number")?;
        ensure!(number == *seq + 1, "fact {number} follows {seq}");
        *seq = number;
        facts += 1;
    }
    let now = crowd.begun.elapsed().as_nanos();
    for said in text.split("@T").skip(1) {
        let nanos: u128 = said.split('@').next().unwrap_or_default().parse().context("a moment")?;
        tell.send(u64::try_from(now.saturating_sub(nanos) / 1000)?).ok();
    }
    crowd.batches.fetch_add(1, Relaxed);
    crowd.facts.fetch_add(facts, Relaxed);
    crowd.news.notify_waiters();
    Ok(["succeeded", "failed", "rolled_back", "cancelled", "partial"]
        .iter()
        .any(|end| text.contains(&format!("\"kind\":\"release\",\"data\":{{\"status\":\"{end}\""))))
}

async fn wait_for(crowd: &Crowd, there: impl Fn(&Crowd) -> bool) -> anyhow::Result<()> {
    let waiting = async {
        loop {
            let news = crowd.news.notified();
            if there(crowd) {
                return;
            }
            tokio::time::timeout(Duration::from_millis(50), news).await.ok();
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.context("not every viewer was told in time")
}

/// Connects and asks for the upgrade.
async fn open(args: &Args) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // A viewer that does not read shall be felt soon, as on a real network.
    socket.set_recv_buffer_size(64 * 1024)?;
    let mut stream = socket.connect(args.address).await?;
    stream.set_nodelay(true)?;
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let head = format!(
        "GET /api/v1/push HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n",
        args.address, args.token
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await?);
    }
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.starts_with("HTTP/1.1 101"), "no upgrade: {answer}");
    Ok(stream)
}

/// A masked text frame of at most 64 KiB. The mask is zero: nobody in between is to be protected here.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    if length < 126 {
        frame.push(0x80 | u8::try_from(length).unwrap_or(0));
    } else {
        frame.push(0x80 | 0x7E);
        frame.extend_from_slice(&length.to_be_bytes());
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// The first whole frame of a server in `bytes`: its opcode, where its body begins, where it ends.
fn parse(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (opcode, short) = (bytes.first()? & 0x0F, bytes.get(1)? & 0x7F);
    let (body, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    (bytes.len() >= body + length).then_some((opcode, body, body + length))
}

fn quantile(sorted: &[u64], part: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and the last"
    )]
    let at = (sorted.len().saturating_sub(1) as f64 * part) as usize;
    sorted.get(at).copied().unwrap_or(0) as f64
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn merge(answer: &mut Value, key: &str, value: Value) {
    if let Some(fields) = answer.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}
