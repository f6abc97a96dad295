//! What was said on each connection, and how often the client waited for an answer before it went on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What was said on one connection, as its client sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The first connection that was accepted is 1.
    pub connection: usize,
    /// Bytes that the client has sent.
    pub sent: u64,
    /// Bytes that the client has received.
    pub received: u64,
    /// How often the client sent something after it had received something: a request that answers what was heard.
    /// Neither the handshake of TCP nor the client's first words are one.
    pub round_trips: u64,
}

/// What a client said in one go, and what it heard before it spoke again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which connection, as in [`Counts::connection`].
    pub connection: usize,
    /// When it began, after the start or the last reset of the proxy.
    pub at: Duration,
    /// Bytes that the client sent.
    pub sent: u64,
    /// When the first and the last byte of the answer came, counted as `at` is.
    pub heard: Option<(Duration, Duration)>,
    /// Bytes of the answer.
    pub received: u64,
}

impl Turn {
    /// How many turns of each connection are kept; later ones are only counted.
    pub const KEPT: usize = 256;
}

/// One connection: counts and turns. Moments come from outside.
#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    turns: Vec<Turn>,
    /// The turn that goes on is not kept.
    is_full: bool,
    /// The server spoke last.
    is_answered: bool,
    is_over: bool,
}

impl Tally {
    fn said(&mut self, bytes: usize, at: Duration) {
        if self.is_answered || self.counts.sent == 0 {
            self.turn(at);
        }
        self.counts.round_trips += u64::from(self.is_answered);
        self.is_answered = false;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.counts.sent += bytes;
        if let Some(turn) = self.last() {
            turn.sent += bytes;
        }
    }

    fn heard(&mut self, bytes: usize, at: Duration) {
        if self.turns.is_empty() {
            self.turn(at);
        }
        self.is_answered = true;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.counts.received += bytes;
        if let Some(turn) = self.last() {
            turn.heard = Some((turn.heard.map_or(at, |(first, _)| first), at));
            turn.received += bytes;
        }
    }

    fn turn(&mut self, at: Duration) {
        self.is_full = self.turns.len() >= Turn::KEPT;
        if !self.is_full {
            let connection = self.counts.connection;
            self.turns.push(Turn { connection, at, sent: 0, heard: None, received: 0 });
        }
    }

    /// The turn that goes on, where it is kept.
    fn last(&mut self) -> Option<&mut Turn> {
        if self.is_full { None } else { self.turns.last_mut() }
    }

    fn reset(&mut self) {
        // Whoever spoke last: what comes next does not belong to it any more.
        self.is_answered |= self.counts.sent + self.counts.received > 0;
        let connection = self.counts.connection;
        self.counts = Counts { connection, ..Counts::default() };
        self.turns.clear();
        self.is_full = false;
    }
}

/// All connections of one proxy.
#[derive(Debug)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Debug)]
struct Pages {
    begun: Instant,
    accepted: usize,
    tallies: BTreeMap<usize, Tally>,
}

impl Default for Book {
    fn default() -> Book {
        Book(Mutex::new(Pages { begun: Instant::now(), accepted: 0, tallies: BTreeMap::new() }))
    }
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a new connection.
    pub(super) fn open(self: &Arc<Self>) -> Talk {
        let mut pages = self.pages();
        pages.accepted += 1;
        let connection = pages.accepted;
        let counts = Counts { connection, ..Counts::default() };
        pages.tallies.insert(connection, Tally { counts, ..Tally::default() });
        Talk { connection, book: Arc::clone(self) }
    }

    pub(super) fn counts(&self) -> Vec<Counts> {
        self.pages().tallies.values().map(|tally| tally.counts.clone()).collect()
    }

    pub(super) fn turns(&self) -> Vec<Turn> {
        self.pages().tallies.values().flat_map(|tally| tally.turns.iter().cloned()).collect()
    }

    pub(super) fn reset(&self) {
        let mut pages = self.pages();
        pages.begun = Instant::now();
        pages.tallies.retain(|_, tally| !tally.is_over);
        pages.tallies.values_mut().for_each(Tally::reset);
    }
}

/// The page of one connection; dropping it says that the connection is over.
#[derive(Debug)]
pub(super) struct Talk {
    connection: usize,
    book: Arc<Book>,
}

impl Talk {
    /// The client sends.
    pub(super) fn said(&self, bytes: usize) {
        self.note(|tally, at| tally.said(bytes, at));
    }

    /// The client receives.
    pub(super) fn heard(&self, bytes: usize) {
        self.note(|tally, at| tally.heard(bytes, at));
    }

    fn note(&self, note: impl FnOnce(&mut Tally, Duration)) {
        let mut pages = self.book.pages();
        let at = pages.begun.elapsed();
        if let Some(tally) = pages.tallies.get_mut(&self.connection) {
            note(tally, at);
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.note(|tally, _| tally.is_over = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_millis(1);

    /// `>` is a byte of the client, `<` one of the server.
    fn tally(talk: &str) -> Tally {
        let mut tally = Tally::default();
        go_on(&mut tally, talk);
        tally
    }

    fn go_on(tally: &mut Tally, talk: &str) {
        for letter in talk.chars() {
            if letter == '>' { tally.said(1, NOW) } else { tally.heard(1, NOW) }
        }
    }

    fn round_trips(talk: &str) -> u64 {
        tally(talk).counts.round_trips
    }

    #[test]
    fn what_answers_something_heard_is_a_round_trip() {
        assert_eq!(round_trips(""), 0);
        assert_eq!(round_trips(">"), 0);
        assert_eq!(round_trips("><"), 0);
        assert_eq!(round_trips("<>"), 1);
        assert_eq!(round_trips(">>><<<"), 0);
        assert_eq!(round_trips("><><"), 1);
        assert_eq!(round_trips(">><<>><<>"), 2);
    }

    #[test]
    fn bytes_and_turns_add_up() {
        let tally = tally(">><>><<<>");
        assert_eq!((tally.counts.sent, tally.counts.received), (5, 4));
        let turns: Vec<_> = tally.turns.iter().map(|turn| (turn.sent, turn.received)).collect();
        assert_eq!(turns, [(2, 1), (2, 3), (1, 0)]);
        assert_eq!(tally.turns.last().unwrap().heard, None);
    }

    #[test]
    fn after_a_reset_the_next_request_is_a_round_trip() {
        for talk in ["><><", "><>"] {
            let mut tally = tally(talk);
            tally.reset();
            assert_eq!((tally.counts.clone(), tally.turns.len()), (Counts::default(), 0));
            tally.reset();
            go_on(&mut tally, ">><");
            assert_eq!((tally.counts.round_trips, tally.turns.len()), (1, 1));
        }
        let mut fresh = Tally::default();
        fresh.reset();
        go_on(&mut fresh, "><");
        assert_eq!(fresh.counts.round_trips, 0);
    }

    #[test]
    fn turns_are_kept_up_to_a_limit_and_counted_beyond() {
        let count = Turn::KEPT + 10;
        let tally = tally(&"><".repeat(count));
        assert_eq!((tally.counts.round_trips, tally.counts.sent), (count as u64 - 1, count as u64));
        assert_eq!(tally.turns.len(), Turn::KEPT);
        assert!(tally.turns.iter().all(|turn| (turn.sent, turn.received) == (1, 1)));
    }
}
