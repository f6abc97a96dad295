//! The line in between: what it counts, how long it takes, and that it holds back whoever sends too fast.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use testkit::proxy::{Counts, Line, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How long anything may take before the test is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that sends back what it gets, and ends when its client does.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (mut reader, mut writer) = socket.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut reader, &mut writer).await });
        }
    });
    address
}

async fn ask(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
    let mut answer = vec![0; text.len()];
    timeout(PATIENCE, client.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, text.as_bytes());
}

#[tokio::test]
async fn round_trips_and_bytes_are_counted_per_connection() {
    let proxy = Proxy::start(echo().await, Line::default()).await.unwrap();
    let mut one = TcpStream::connect(proxy.address()).await.unwrap();
    for text in ["first words", "second", "third"] {
        ask(&mut one, text).await;
    }
    let mut two = TcpStream::connect(proxy.address()).await.unwrap();
    ask(&mut two, "x").await;
    let counts =
        |connection, bytes, round_trips| Counts { connection, sent: bytes, received: bytes, round_trips };
    assert_eq!(proxy.counts(), [counts(1, 22, 2), counts(2, 1, 0)]);
    let turns: Vec<_> = proxy.turns().iter().map(|turn| (turn.connection, turn.sent)).collect();
    assert_eq!(turns, [(1, 11), (1, 6), (1, 5), (2, 1)]);

    proxy.reset();
    assert_eq!(proxy.counts(), [counts(1, 0, 0), counts(2, 0, 0)]);
    ask(&mut one, "again").await;
    assert_eq!(proxy.counts(), [counts(1, 5, 1), counts(2, 0, 0)]);
}

#[tokio::test]
async fn each_direction_takes_the_delay_and_the_handshake_a_round_trip() {
    let delay = Duration::from_millis(30);
    let proxy = Proxy::start(echo().await, Line { delay, rate: None }).await.unwrap();
    let begun = Instant::now();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    ask(&mut client, "first").await;
    assert!(begun.elapsed() >= 4 * delay, "{:?}", begun.elapsed());
    let begun = Instant::now();
    ask(&mut client, "second").await;
    assert!(begun.elapsed() >= 2 * delay, "{:?}", begun.elapsed());
    let turns = proxy.turns();
    let is_late = turns.iter().map(|turn| turn.heard.is_some_and(|(first, _)| first >= turn.at + 2 * delay));
    assert_eq!(is_late.collect::<Vec<_>>(), [true, true], "{turns:?}");
}

#[tokio::test]
async fn everything_arrives_and_the_end_behind_it() {
    let line = Line { delay: Duration::from_millis(5), rate: None };
    let proxy = Proxy::start(echo().await, line).await.unwrap();
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut reader, mut writer) = client.into_split();
    let sent: Vec<u8> = (0..9_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let bytes = sent.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&bytes).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    timeout(PATIENCE, reader.read_to_end(&mut received)).await.unwrap().unwrap();
    writing.await.unwrap();
    assert!(received == sent);
}

#[tokio::test]
async fn a_narrow_line_takes_its_time_and_holds_the_sender_back() {
    let line = Line { delay: Duration::ZERO, rate: Some(400_000) };
    let proxy = Proxy::start(echo().await, line).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let begun = Instant::now();
    ask(&mut client, &"x".repeat(40_000)).await;
    assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());

    let much = vec![0; 64 << 20];
    assert!(timeout(Duration::from_millis(200), client.write_all(&much)).await.is_err());
    // What the line has taken in is little; the rest waits in the kernel, and with the sender.
    let taken: u64 = proxy.counts().iter().map(|counts| counts.sent).sum();
    assert!(taken < 1 << 20, "{taken} bytes");
}

#[tokio::test]
async fn when_the_server_is_not_there_the_client_is_told() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let proxy = Proxy::start(gone, Line::default()).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let mut nothing = Vec::new();
    // An end, or a reset: both tell.
    let told = timeout(PATIENCE, client.read_to_end(&mut nothing)).await.unwrap();
    assert!(told.is_err() || nothing.is_empty());
}
