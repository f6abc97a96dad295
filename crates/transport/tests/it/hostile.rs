//! Servers that mean harm: whatever they send, memory and time are bounded, and others go on.

use std::time::{Duration, Instant};

use testkit::ssh_script::{Script, ScriptedServer};
use testkit::sshd::Fleet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use transport::server::Server;
use transport::{Error, Session};

use crate::rig::{PASSWORD, password, refusal, run, sshd_session, target, text, until};

/// Long enough for a loaded machine, short enough to notice a wait for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How much memory a hostile server may cost, in bytes.
pub(crate) const MEMORY: u64 = 64 << 20;

const BANNER: &[u8] = b"SSH-2.0-hostile\r\n";

/// A packet before the keys are known (RFC 4253 section 6).
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 16 - (payload.len() + 5) % 8;
    let length = u32::try_from(payload.len() + 1 + padding).unwrap();
    let padding = vec![0; padding];
    [&length.to_be_bytes()[..], &[u8::try_from(padding.len()).unwrap()], payload, &padding].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// The offer of a server (RFC 4253 section 7.1).
fn kexinit(key_exchange: &str) -> Vec<u8> {
    let cipher = "aes256-ctr";
    let (mac, none) = ("hmac-sha2-256", "none");
    let lists = [key_exchange, "ssh-ed25519", cipher, cipher, mac, mac, none, none, "", ""];
    let mut payload = vec![20];
    payload.extend([7; 16]);
    payload.extend(lists.iter().flat_map(|list| string(list.as_bytes())));
    payload.extend([0; 5]);
    packet(&payload)
}

/// A server that means well, and a connection to it that must not notice anything.
struct World {
    fleet: Fleet,
    other: Session,
}

/// The most memory that this process has had at once, in bytes.
pub(crate) fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

impl World {
    async fn new() -> World {
        let (fleet, other) = sshd_session().await;
        World { fleet, other }
    }

    /// The script is refused in time and without much memory, and the other connection goes on.
    async fn survives(&self, label: &str, script: Script) -> Error {
        let server = ScriptedServer::start(script).await;
        let mut target = self.fleet.target(0);
        target.port = server.port();
        target.timeouts.handshake = Duration::from_secs(2);
        let (before, begun) = (peak(), Instant::now());
        let attacked = timeout(PATIENCE, refusal(&target));
        let (error, said) = tokio::join!(attacked, run(&self.other, "echo goes on"));
        let error = error.unwrap_or_else(|_| panic!("{label}: it never ends"));
        assert_eq!(text(&said.stdout), "goes on\n", "{label}");
        assert!(
            begun.elapsed() < PATIENCE && peak().saturating_sub(before) < MEMORY,
            "{label}: {} bytes",
            peak().saturating_sub(before)
        );
        error
    }
}

#[tokio::test]
async fn lengths_that_cannot_be_are_refused_and_not_waited_for() {
    let world = World::new().await;
    for length in [u32::MAX, 1 << 31, 1 << 20, 300_000, 1, 0] {
        let words = [BANNER, &length.to_be_bytes(), &[0; 64]].concat();
        let error = world.survives(&format!("{length}"), Script::SaysAndWaits(words)).await;
        assert!(matches!(error, Error::Handshake { .. } | Error::HungUp { .. }), "{length}: {error}");
    }
}

#[tokio::test]
async fn floods_before_the_keys_are_known_end_in_time() {
    let world = World::new().await;
    let (offer, ext_info) =
        (kexinit("curve25519-sha256"), [&[7, 0, 0, 0, 1][..], &string(b"x"), &string(b"y")]);
    for (label, payload) in [
        ("IGNORE", [&[2][..], &string(&vec![b'x'; 30_000])].concat()),
        ("DEBUG", [&[4, 1][..], &string(&vec![b'x'; 30_000]), &string(b"en")].concat()),
        ("UNIMPLEMENTED", vec![3, 0, 0, 0, 1]),
        ("EXT_INFO", ext_info.concat()),
        ("SERVICE_ACCEPT", [&[6][..], &string(b"ssh-userauth")].concat()),
        ("CHANNEL_DATA", [&[94, 0xff, 0xff, 0xff, 0xff][..], &string(&vec![b'x'; 30_000])].concat()),
    ] {
        for first in [Vec::new(), offer.clone()] {
            let first = [BANNER, &first].concat();
            let script = Script::Floods { first, again: packet(&payload) };
            let error = world.survives(label, script).await;
            let is_told = matches!(
                error,
                Error::Handshake { .. } | Error::HandshakeTimeout { .. } | Error::HungUp { .. }
            );
            assert!(is_told, "{label}: {error}");
        }
    }
}

#[tokio::test]
async fn a_public_key_of_the_wrong_length_ends_the_handshake() {
    let world = World::new().await;
    let host_key = [string(b"ssh-ed25519"), string(&[9; 32])].concat();
    let signature = [string(b"ssh-ed25519"), string(&[9; 64])].concat();
    for key_exchange in
        ["curve25519-sha256", "ecdh-sha2-nistp256", "mlkem768x25519-sha256", "diffie-hellman-group14-sha256"]
    {
        for length in [0, 1, 31, 32, 33, 64, 65, 1120, 30_000] {
            let reply =
                [&[31][..], &string(&host_key), &string(&vec![0; length]), &string(&signature)].concat();
            let words = [BANNER, &kexinit(key_exchange), &packet(&reply)].concat();
            let label = format!("{key_exchange} {length}");
            let error = world.survives(&label, Script::SaysAndWaits(words)).await;
            // What passes as a key does not pass as a signature, or is none of those that are pinned.
            let is_told = matches!(
                error,
                Error::Handshake { .. } | Error::HungUp { .. } | Error::HostKeyChanged { .. }
            );
            assert!(is_told, "{label}: {error}");
        }
    }
}

#[tokio::test]
async fn nothing_that_a_server_opens_is_accepted() {
    let server = Server::builder().password(PASSWORD).intrude().start().await.unwrap();
    let session = Session::connect(&target(&server, vec![password(PASSWORD)])).await.unwrap();
    assert_eq!(text(&run(&session, "echo in").await.stdout), "in\n");
    until("it has tried everything", || server.attempts().len() >= 5).await;
    let tried: Vec<_> = server.attempts().into_iter().filter(|attempt| attempt != "password").collect();
    assert_eq!(tried, ["agent refused", "x11 refused", "port refused", "session refused"]);
    assert_eq!(text(&run(&session, "echo still").await.stdout), "still\n");
}

#[tokio::test]
async fn windows_and_packets_of_no_size_hold_back_nobody_else() {
    let world = World::new().await;
    for (window, packet) in [(0, 32_768), (0, 0), (1 << 20, 0), (1, 1), (u32::MAX, u32::MAX)] {
        let before = peak();
        let server = Server::builder().password(PASSWORD).sizes(window, packet).start().await.unwrap();
        let mut target = target(&server, vec![password(PASSWORD)]);
        target.timeouts.handshake = PATIENCE;
        let session = Session::connect(&target).await;
        let Ok(session) = session else {
            assert!(packet == 0 || window == u32::MAX, "{window} {packet} can be used: {:?}", session.err());
            continue;
        };
        // It may take the bytes, never take them, or end the connection: but not more than may be.
        let upload = async {
            let mut process = session.exec("cat >/dev/null").await?;
            let piece = vec![7; 1 << 20];
            for _ in 0..100 {
                if process.stdin.write_all(&piece).await.is_err() {
                    break;
                }
            }
            drop(process.stdin);
            let mut rest = Vec::new();
            process.stdout.read_to_end(&mut rest).await.ok();
            Ok::<_, Error>(())
        };
        let limited = timeout(Duration::from_secs(2), upload);
        let (ended, said) = tokio::join!(limited, run(&world.other, "echo goes on"));
        assert_eq!(text(&said.stdout), "goes on\n", "{window} {packet}");
        assert!(
            peak().saturating_sub(before) < MEMORY,
            "{window} {packet}: {} bytes",
            peak().saturating_sub(before)
        );
        drop(ended);
        timeout(PATIENCE, session.close()).await.expect("it cannot be closed");
    }
}
