//! The throttle of sign-ins: whoever guesses has to wait, longer and longer. Counted per account, and per address
//! where addresses tell people apart. What time it is stands in every call.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many wrong passwords of one account are free.
const FREE: u32 = 4;

/// So many lock it.
const LOCKED: u32 = 10;

/// For this long; the socket of the data folder stays open to the administrator.
const LOCK: Duration = Duration::from_mins(15);

/// An address has so many times as many: people behind one may be many.
const PER_ADDRESS: u32 = 5;

/// What is older is forgotten.
const MEMORY: Duration = Duration::from_hours(1);

/// So many are remembered; then the oldest are forgotten, so that nobody fills the memory by guessing names.
const MOST: usize = 10_000;

/// Counts wrong passwords.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Count>>);

/// Whom a wrong password is counted against.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Account(String),
    Address(IpAddr),
}

struct Count {
    wrong: u32,
    last: Instant,
    until: Instant,
}

impl Key {
    /// The keys of one attempt. An address on this machine belongs to a proxy, and tells nobody apart.
    pub(crate) fn of(user: &str, from: Option<IpAddr>) -> Vec<Self> {
        let account = Self::Account(user.chars().take(64).collect());
        [Some(account), Self::address(from)].into_iter().flatten().collect()
    }

    /// The key of an address alone.
    pub(crate) fn address(from: Option<IpAddr>) -> Option<Self> {
        from.filter(|from| !from.is_loopback()).map(|from| Self::Address(network(from)))
    }

    fn shared_by(&self) -> u32 {
        match self {
            Self::Account(_) => 1,
            Self::Address(_) => PER_ADDRESS,
        }
    }
}

/// One customer's network: an IPv4 address, or the first half of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Throttle {
    /// How long somebody has to wait before the next try counts.
    pub(crate) fn wait(&self, keys: &[Key], now: Instant) -> Option<Duration> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = keys.iter().filter_map(|key| counts.get(key)?.until.checked_duration_since(now));
        waits.max().filter(|wait| !wait.is_zero())
    }

    /// A password was wrong.
    pub(crate) fn wrong(&self, keys: &[Key], now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST {
            counts.retain(|_, count| count.last + MEMORY > now);
            let mut ages: Vec<Instant> = counts.values().map(|count| count.last).collect();
            ages.sort_unstable();
            if let Some(middle) = ages.get(ages.len() / 2).filter(|_| ages.len() >= MOST) {
                counts.retain(|_, count| count.last > *middle);
            }
        }
        for key in keys {
            let shared = key.shared_by();
            let count = counts.entry(key.clone()).or_insert(Count { wrong: 0, last: now, until: now });
            if count.last + MEMORY < now {
                count.wrong = 0;
            }
            count.wrong += 1;
            count.last = now;
            let tries = count.wrong / shared;
            count.until = now
                + match tries {
                    0..=FREE => Duration::ZERO,
                    LOCKED.. => LOCK,
                    // 1, 2, 4, 8, 16 seconds
                    more => Duration::from_secs(1 << (more - FREE - 1)),
                };
        }
    }

    /// A password was right: its account begins anew. Its address does not, or one right password would buy guesses.
    pub(crate) fn right(&self, keys: &[Key]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys.iter().filter(|key| matches!(key, Key::Account(_))) {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_takes_longer_and_longer_and_then_is_locked_for_a_while() {
        let (throttle, keys) = (Throttle::default(), Key::of("li", None));
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..LOCKED {
            throttle.wrong(&keys, now);
            let wait = throttle.wait(&keys, now).unwrap_or_default();
            waits.push(wait.as_secs());
            now += wait;
            assert_eq!(throttle.wait(&keys, now), None);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 900]);
        throttle.wrong(&keys, now);
        assert_eq!(throttle.wait(&keys, now), Some(LOCK));
        assert_eq!(throttle.wait(&Key::of("wang", None), now), None, "others are free");
        throttle.right(&keys);
        throttle.wrong(&keys, now);
        assert_eq!(throttle.wait(&keys, now), None, "a right password begins anew");
    }

    #[test]
    fn many_accounts_from_one_address_are_one_guesser() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let from: IpAddr = "2001:db8::1".parse().unwrap();
        for guess in 0..LOCKED * PER_ADDRESS {
            throttle.wrong(&Key::of(&format!("user-{guess}"), Some(from)), now);
        }
        let wait = |from: &str, now| throttle.wait(&Key::of("li", Some(from.parse().unwrap())), now);
        assert_eq!(wait("2001:db8::2", now), Some(LOCK), "the same network");
        assert_eq!(wait("2001:db9::1", now), None);
        assert_eq!(wait("127.0.0.1", now), None);
        assert_eq!(wait("2001:db8::1", now + LOCK), None);
    }

    #[test]
    fn guesses_do_not_fill_the_memory() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        for guess in 0..3 * MOST {
            throttle.wrong(&Key::of(&format!("user-{guess}"), None), now);
            now += Duration::from_millis(1);
        }
        assert!(throttle.0.lock().unwrap().len() <= MOST);
        assert!(
            throttle.0.lock().unwrap().contains_key(&Key::of(&format!("user-{}", 3 * MOST - 1), None)[0])
        );
    }
}
