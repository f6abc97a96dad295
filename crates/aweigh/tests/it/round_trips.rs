//! How often a release waits for a server: round trips, counted on a line between Aweigh and a real sshd.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use testkit::proxy::{Line, Proxy};
use testkit::repo::file;
use tokio::runtime::{Builder, Runtime};

use crate::rig::{PATIENCE, Rig};

/// Longer than Aweigh and sshd need for a word, so that what answers the same word is heard as one.
const DELAY: Duration = Duration::from_millis(25);

/// What a new connection waits for before there are words: the handshake of TCP, and the first line of the server.
const BEFORE: u64 = 2;

/// Whose answer is on its way already: our list of algorithms.
const CROSSED: u64 = 1;

/// Whose answer nobody waits for: the end of the driver's input, and the end of its channel.
const FAREWELL: u64 = 2;

/// A rig with a line in front of its one server.
struct Measured {
    rig: Rig,
    proxy: Proxy,
    /// The proxy lives in it.
    _runtime: Runtime,
}

impl Measured {
    fn new() -> Self {
        let rig = Rig::new(1);
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let to = (Ipv4Addr::LOCALHOST, rig.server(1).port).into();
        let proxy = runtime.block_on(Proxy::start(to, Line { delay: DELAY, rate: None })).unwrap();
        let path = rig.fleet_file(&rig.shop(""));
        let text = std::fs::read_to_string(&path).unwrap();
        let port = |number: u16| format!("port = {number}\n");
        let text = text.replace(&port(rig.server(1).port), &port(proxy.address().port()));
        std::fs::write(&path, text).unwrap();
        rig.ok(["apply", "-f", path.to_str().unwrap()]);
        Self { rig, proxy, _runtime: runtime }
    }

    /// Releases a new commit over the connection with this number; how many round trips were waited for, and what was
    /// said.
    fn release(&self, text: &str, connection: usize, is_new: bool) -> (u64, String) {
        let commit = self.rig.repo.commit([("file", file(text))]);
        self.proxy.reset();
        let ended = self.sessions_ended();
        self.rig.release("main");
        self.rest(ended + 1);
        self.rig.assert_runs(&commit);
        let counts = self.proxy.counts();
        let used: Vec<_> = counts.iter().filter(|one| one.sent > 0).collect();
        assert!(used.len() == 1 && used[0].connection == connection, "one, and which: {counts:?}");
        let counted = used[0].round_trips - FAREWELL;
        (if is_new { counted - CROSSED + BEFORE } else { counted }, self.talk())
    }

    /// Waits until so many sessions have ended there, and nothing is under way any more.
    fn rest(&self, ended: usize) {
        let until = Instant::now() + PATIENCE;
        let mut before = self.proxy.counts();
        loop {
            std::thread::sleep(8 * DELAY);
            let now = self.proxy.counts();
            if now == before && self.sessions_ended() >= ended {
                return;
            }
            assert!(Instant::now() < until, "it never rests: {now:?}\n{}", self.rig.server(1).log());
            before = now;
        }
    }

    fn sessions_ended(&self) -> usize {
        self.rig.server(1).log().matches("Close session:").count()
    }

    /// What was said and answered, a line for each turn.
    fn talk(&self) -> String {
        let mut talk = String::new();
        for (number, turn) in self.proxy.turns().iter().enumerate() {
            let (at, sent, received) = (turn.at, turn.sent, turn.received);
            let (first, last) = turn.heard.unwrap_or((at, at));
            let (first, last) = (first.saturating_sub(at), last.saturating_sub(at));
            writeln!(
                talk,
                "{number:2} at {at:7.1?} {sent:5} bytes, answered {first:6.1?} to {last:6.1?} later by {received:5}"
            )
            .unwrap();
        }
        talk
    }
}

/// What each round trip is, by its place in what is printed:
///
/// | first | cold | warm | |
/// |---|---|---|---|
/// | – | – | | the handshake of TCP |
/// | 0 | 0 | | the first lines |
/// | 1 | 1 | | the lists of algorithms, which cross: not waited for |
/// | 2 | 2 | | key exchange |
/// | 3 | 3 | | the service `ssh-userauth` |
/// | 4 | 4 | | would this key do? |
/// | 5 | 5 | | its signature |
/// | 6 | 6 | | a channel (and one that is opened ahead) |
/// | 7 | 7 | 0 | the command: OpenSSH takes no input on a channel before it runs one |
/// | 8 | | | where to, and that the driver is not there |
/// | 9 | | | the driver |
/// | 10 | 8 | 1 | `acquire` |
/// | 11 | 9 | 2 | `receive` |
/// | 12 | 10 | 3 | `activate` |
/// | 13 | 11 | 4 | `prune` and `unlock` |
/// | 14 | 12 | 5 | the end of the driver's input: not waited for |
/// | 15 | 13 | 6 | the end of the channel, and the next one ahead: not waited for |
#[test]
fn a_release_waits_for_a_server_no_more_often_than_it_has_to() {
    let mut measured = Measured::new();
    let (first, talk) = measured.release("first\n", 1, true);
    println!("first {first}\n{talk}");
    assert!(first <= 14, "{first}\n{talk}");

    measured.rig.kill();
    measured.rig.start();
    let (cold, talk) = measured.release("second\n", 2, true);
    println!("cold {cold}\n{talk}");
    assert!(cold <= 12, "{cold}\n{talk}");

    let (warm, talk) = measured.release("third\n", 2, false);
    println!("warm {warm}\n{talk}");
    assert!(warm <= 5, "{warm}\n{talk}");
}
