//! How far uploads are: bytes that went, per server and in total, with rate and remaining time. Not a fact: it is kept in
//! memory, nobody waits for it, and it is gone when the release ends.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::ReleaseId;
use tokio::sync::watch;

/// Over how long a rate is taken.
const SPAN: Duration = Duration::from_secs(4);

/// How far apart two looks are that count for a rate.
const STRIDE: Duration = Duration::from_millis(200);

/// The uploads of all releases. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Uploads {
    fleets: Arc<Mutex<HashMap<ReleaseId, Fleet>>>,
    begun: watch::Sender<()>,
}

/// The uploads of one release.
#[derive(Debug, Default)]
struct Fleet {
    now: BTreeMap<String, Upload>,
    /// Of those that have ended.
    ended: u64,
    pace: Pace,
}

#[derive(Debug)]
struct Upload {
    sent: Arc<AtomicU64>,
    total: u64,
    pace: Pace,
}

/// An upload that is under way for as long as this lives.
#[derive(Debug)]
pub struct Meter {
    uploads: Uploads,
    release: ReleaseId,
    node: String,
    sent: Arc<AtomicU64>,
}

/// How far something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Bytes that went.
    pub sent: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes per second over the last seconds, once something is known.
    pub rate: Option<u64>,
    /// What the rest takes at this rate, in seconds.
    pub remaining: Option<u64>,
}

/// How far the uploads of a release are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// All that have begun, those that have ended too.
    pub whole: Amount,
    /// Those that are under way, by the key of their node.
    pub nodes: BTreeMap<String, Amount>,
}

impl Uploads {
    /// An upload of `total` bytes begins; it ends when the meter is dropped.
    pub fn begin(&self, release: ReleaseId, node: &str, total: u64) -> Meter {
        let sent = Arc::new(AtomicU64::new(0));
        let upload = Upload { sent: Arc::clone(&sent), total, pace: Pace::default() };
        self.fleets().entry(release).or_default().now.insert(node.to_owned(), upload);
        self.begun.send_replace(());
        Meter { uploads: self.clone(), release, node: node.to_owned(), sent }
    }

    /// Changes whenever an upload begins, of any release.
    pub fn begun(&self) -> watch::Receiver<()> {
        self.begun.subscribe()
    }

    /// How far the uploads of `release` are; nothing when none is under way.
    pub fn of(&self, release: ReleaseId) -> Option<Progress> {
        self.at(release, Instant::now())
    }

    fn at(&self, release: ReleaseId, now: Instant) -> Option<Progress> {
        let mut fleets = self.fleets();
        let fleet = fleets.get_mut(&release).filter(|fleet| !fleet.now.is_empty())?;
        let mut whole = (fleet.ended, fleet.ended);
        let mut nodes = BTreeMap::new();
        for (node, upload) in &mut fleet.now {
            let sent = upload.sent.load(Ordering::Relaxed);
            whole = (whole.0 + sent, whole.1 + upload.total);
            nodes.insert(node.clone(), upload.pace.amount(sent, upload.total, now));
        }
        Some(Progress { whole: fleet.pace.amount(whole.0, whole.1, now), nodes })
    }

    /// The release says no more.
    pub fn forget(&self, release: ReleaseId) {
        self.fleets().remove(&release);
    }

    fn fleets(&self) -> MutexGuard<'_, HashMap<ReleaseId, Fleet>> {
        self.fleets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    /// So many bytes went, from the beginning.
    pub fn sent(&self, bytes: u64) {
        self.sent.store(bytes, Ordering::Relaxed);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let mut fleets = self.uploads.fleets();
        let Some(fleet) = fleets.get_mut(&self.release) else { return };
        // A second try has taken its place.
        if fleet.now.get(&self.node).is_none_or(|upload| !Arc::ptr_eq(&upload.sent, &self.sent)) {
            return;
        }
        if fleet.now.remove(&self.node).is_some() {
            fleet.ended += self.sent.load(Ordering::Relaxed);
        }
    }
}

/// Looks at a growing number, and tells how fast it grows.
#[derive(Debug, Default)]
struct Pace(VecDeque<(Instant, u64)>);

impl Pace {
    fn amount(&mut self, sent: u64, total: u64, now: Instant) -> Amount {
        let rate = self.rate(sent, now);
        let left = total.saturating_sub(sent);
        Amount { sent, total, rate, remaining: rate.filter(|rate| *rate > 0).map(|rate| left.div_ceil(rate)) }
    }

    fn rate(&mut self, sent: u64, now: Instant) -> Option<u64> {
        if self.0.back().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= STRIDE) {
            self.0.push_back((now, sent));
        }
        while self.0.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= SPAN) {
            self.0.pop_front();
        }
        let (since, before) = self.0.front()?;
        let millis = u64::try_from(now.saturating_duration_since(*since).as_millis()).ok()?;
        (millis >= 200).then(|| sent.saturating_sub(*before).saturating_mul(1000) / millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASE: ReleaseId = ReleaseId(7);

    #[test]
    fn bytes_become_a_rate_and_a_time() {
        let uploads = Uploads::default();
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        assert_eq!(uploads.at(RELEASE, start), None);
        let one = uploads.begin(RELEASE, "web-1/upload", 1_000);
        let two = uploads.begin(RELEASE, "web-2/upload", 3_000);
        let first = uploads.at(RELEASE, start).unwrap();
        assert_eq!(first.whole, Amount { sent: 0, total: 4_000, rate: None, remaining: None });
        one.sent(500);
        two.sent(100);
        let then = uploads.at(RELEASE, after(1_000)).unwrap();
        assert_eq!(then.whole, Amount { sent: 600, total: 4_000, rate: Some(600), remaining: Some(6) });
        let amount = Amount { sent: 100, total: 3_000, rate: Some(100), remaining: Some(29) };
        assert_eq!(then.nodes["web-2/upload"], amount);
        // What has ended stays in the sum; a rate forgets what is long ago, and says nothing of a standstill's end.
        one.sent(1_000);
        drop(one);
        for second in 2..=9 {
            uploads.at(RELEASE, after(second * 1_000));
        }
        let late = uploads.at(RELEASE, after(10_000)).unwrap();
        assert_eq!(late.whole, Amount { sent: 1_100, total: 4_000, rate: Some(0), remaining: None });
        assert_eq!(late.nodes.keys().collect::<Vec<_>>(), ["web-2/upload"]);
        drop(two);
        assert_eq!(uploads.at(RELEASE, after(11_000)), None);
        uploads.forget(RELEASE);
        assert!(uploads.fleets().is_empty());
    }

    #[test]
    fn a_second_try_is_not_ended_by_the_first() {
        let uploads = Uploads::default();
        let first = uploads.begin(RELEASE, "web-1/upload", 10);
        first.sent(9);
        let second = uploads.begin(RELEASE, "web-1/upload", 10);
        second.sent(2);
        drop(first);
        assert_eq!(uploads.of(RELEASE).unwrap().whole.sent, 2);
    }
}
