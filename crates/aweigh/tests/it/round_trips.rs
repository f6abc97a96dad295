//! How often a release waits for a server: round trips, counted on a line between Aweigh and a real sshd.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use testkit::proxy::{Line, Proxy, Turn};
use testkit::repo::file;
use tokio::runtime::{Builder, Runtime};

use crate::rig::{PATIENCE, Rig};

/// Longer than what both sides say by themselves is apart: what comes sooner after a word than a round trip was on its
/// way before.
const DELAY: Duration = Duration::from_millis(40);

/// The last turns of a release, for which nobody waits: the end of the driver's input, and that of its channel.
const FAREWELL: usize = 2;

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

    /// Releases a new commit, by the connection with this number alone; what was said, and after what.
    fn release(&self, text: &str, connection: usize) -> Vec<Turn> {
        let commit = self.rig.repo.commit([("file", file(text))]);
        self.proxy.reset();
        let ended = self.sessions_ended();
        self.rig.release("main");
        self.rest(ended + 1);
        self.rig.assert_runs(&commit);
        let turns = self.proxy.turns();
        assert!(turns.iter().all(|turn| turn.connection == connection), "{}", talk(&turns));
        turns
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
}

/// How often it was waited for an answer.
fn waits(turns: &[Turn]) -> usize {
    let is_round_trip =
        |turn: &&Turn| turn.heard.is_some_and(|(_, last)| last.saturating_sub(turn.at) >= 2 * DELAY);
    turns[..turns.len() - FAREWELL].iter().filter(is_round_trip).count()
}

/// A line for each turn.
fn talk(turns: &[Turn]) -> String {
    let mut talk = String::new();
    for turn in turns {
        let (at, sent, received) = (turn.at.as_millis(), turn.sent, turn.received);
        let (first, last) = turn.heard.unwrap_or((turn.at, turn.at));
        let (first, last) = (first.saturating_sub(turn.at), last.saturating_sub(turn.at));
        writeln!(
            talk,
            "at {at:4} ms {sent:5} bytes, answered {first:7.1?} to {last:7.1?} later by {received:5}"
        )
        .unwrap();
    }
    talk
}

/// What is waited for on a new connection, beside the handshake of TCP that no proxy sees: the first lines, the key
/// exchange, the service `ssh-userauth`, whether this key will do, its signature, and a channel. For the driver that is not
/// there yet: where to go, and the driver. Then on every connection: the command (OpenSSH takes no input before it runs
/// one), `acquire`, `receive`, `activate`, and `prune` with `unlock`. The lists of algorithms cross on their way.
#[test]
fn a_release_waits_for_a_server_no_more_often_than_it_has_to() {
    let mut measured = Measured::new();
    let first = measured.release("first\n", 1);
    measured.rig.kill();
    measured.rig.start();
    let cold = measured.release("second\n", 2);
    let warm = measured.release("third\n", 2);
    for (what, turns, most) in [("first", first, 13), ("cold", cold, 11), ("warm", warm, 5)] {
        let (waits, talk) = (waits(&turns), talk(&turns));
        println!("{what} {waits}\n{talk}");
        assert!(waits <= most, "{what}: {waits}\n{talk}");
    }
}
