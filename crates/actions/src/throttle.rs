//! The throttle of sign-ins: whoever guesses has to wait, longer and longer. Counted per account, and per address
//! where addresses tell people apart. What time it is stands in every call.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

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
    /// The current password, asked for by who is signed in as this user already: those who guess from outside must
    /// not keep them from changing it.
    Change(String),
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
        let from = from.map(network).filter(|from| !from.is_loopback());
        from.map(Self::Address)
    }

    fn shared_by(&self) -> u32 {
        match self {
            Self::Account(_) | Self::Change(_) => 1,
            Self::Address(_) => PER_ADDRESS,
        }
    }
}

/// One customer's network: an IPv4 address, or the first half of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if v6.is_loopback() => v6.into(),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Throttle {
    /// Counts a try before it is known whether it is right, so that many at the same time are many. Refused tries are
    /// not counted.
    ///
    /// # Errors
    /// It is too early; for how long still.
    pub(crate) fn attempt(&self, keys: &[Key], now: Instant) -> Result<(), Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = keys.iter().filter_map(|key| counts.get(key)?.until.checked_duration_since(now));
        if let Some(wait) = waits.max().filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        make_room(&mut counts, now);
        for key in keys {
            let count = counts.entry(key.clone()).or_insert(Count { wrong: 0, last: now, until: now });
            if count.last + MEMORY < now {
                count.wrong = 0;
            }
            count.wrong += 1;
            count.last = now;
            count.until = now + delay(count.wrong / key.shared_by());
        }
        Ok(())
    }

    /// The try was right after all: its account begins anew. Of its address only this try is forgotten, or one right
    /// password would buy guesses.
    pub(crate) fn right(&self, keys: &[Key], now: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            let Key::Address(_) = key else {
                counts.remove(key);
                continue;
            };
            if let Some(count) = counts.get_mut(key) {
                count.wrong = count.wrong.saturating_sub(1);
                count.until = count.until.min(now + delay(count.wrong / key.shared_by()));
            }
        }
    }
}

/// How long to wait after so many wrong tries: nothing, then 1, 2, 4, 8, 16 seconds, then the lock.
fn delay(wrong: u32) -> Duration {
    match wrong {
        0..=FREE => Duration::ZERO,
        LOCKED.. => LOCK,
        more => Duration::from_secs(1 << (more - FREE - 1)),
    }
}

/// Forgets what is old; when that is not enough, the half that may try again the soonest.
fn make_room(counts: &mut HashMap<Key, Count>, now: Instant) {
    if counts.len() < MOST {
        return;
    }
    counts.retain(|_, count| count.last + MEMORY > now);
    let mut ends: Vec<Instant> = counts.values().map(|count| count.until).collect();
    ends.sort_unstable();
    if let Some(middle) = ends.get(ends.len() / 2).filter(|_| ends.len() >= MOST) {
        counts.retain(|_, count| count.until > *middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries as soon as a try counts; answers when that was.
    fn guess_patiently(throttle: &Throttle, keys: &[Key], now: Instant) -> Instant {
        let Err(wait) = throttle.attempt(keys, now) else { return now };
        assert_eq!(throttle.attempt(keys, now + wait), Ok(()));
        now + wait
    }

    #[test]
    fn guessing_takes_longer_and_longer_and_then_is_locked_for_a_while() {
        let (throttle, keys) = (Throttle::default(), Key::of("li", None));
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..LOCKED {
            assert_eq!(throttle.attempt(&keys, now), Ok(()));
            // Tries in between are refused, and make nothing longer.
            let wait = throttle.0.lock().unwrap()[&keys[0]].until - now;
            if !wait.is_zero() {
                assert_eq!(throttle.attempt(&keys, now), Err(wait));
            }
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 900]);
        assert_eq!(throttle.attempt(&keys, now), Ok(()));
        assert_eq!(throttle.attempt(&keys, now), Err(LOCK), "the lock has ended, the suspicion has not");
        assert_eq!(throttle.attempt(&Key::of("wang", None), now), Ok(()), "others are free");
        now += LOCK;
        assert_eq!(throttle.attempt(&keys, now), Ok(()));
        throttle.right(&keys, now);
        for _ in 0..FREE {
            assert_eq!(throttle.attempt(&keys, now), Ok(()), "a right password begins anew");
        }
        assert_eq!(throttle.attempt(&keys, now + MEMORY), Ok(()));
    }

    #[test]
    fn many_accounts_from_one_address_are_one_guesser() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        let from = |address: &str| Key::of("li", Some(address.parse().unwrap()));
        for guess in 0..LOCKED * PER_ADDRESS {
            let keys = Key::of(&format!("user-{guess}"), Some("2001:db8::1".parse().unwrap()));
            now = guess_patiently(&throttle, &keys, now);
        }
        assert!(throttle.attempt(&from("2001:db8::2"), now).is_err_and(|wait| wait <= LOCK), "one network");
        for other in ["2001:db9::1", "127.0.0.1", "::ffff:127.0.0.1", "::1"] {
            assert_eq!(throttle.attempt(&from(other), now), Ok(()), "{other}");
            throttle.right(&from(other), now);
        }
        assert_eq!(throttle.attempt(&from("2001:db8::1"), now + LOCK), Ok(()));
    }

    #[test]
    fn an_office_behind_one_address_signs_in_as_often_as_it_likes() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for person in 0..3 * LOCKED * PER_ADDRESS {
            let keys = Key::of(&format!("user-{person}"), Some("192.0.2.1".parse().unwrap()));
            assert_eq!(throttle.attempt(&keys, now), Ok(()), "{person}");
            throttle.right(&keys, now);
        }
        // But an own account does not buy guesses of another.
        let wrong = Key::of("admin", Some("192.0.2.1".parse().unwrap()));
        let right = Key::of("me", Some("192.0.2.1".parse().unwrap()));
        let mut refused = 0;
        for _ in 0..LOCKED {
            refused += u32::from(throttle.attempt(&wrong, now).is_err());
            throttle.attempt(&right, now).ok();
            throttle.right(&right, now);
        }
        assert_eq!(refused, LOCKED - FREE - 1);
    }

    #[test]
    fn guesses_do_not_fill_the_memory_and_do_not_lift_a_lock() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        let admin = Key::of("admin", None);
        for _ in 0..LOCKED {
            now = guess_patiently(&throttle, &admin, now);
        }
        assert!(throttle.attempt(&admin, now).is_err());
        for guess in 0..3 * MOST {
            throttle.attempt(&Key::of(&format!("user-{guess}"), None), now).unwrap();
            now += Duration::from_millis(1);
        }
        let counts = throttle.0.lock().unwrap();
        assert!(counts.len() <= MOST);
        assert!(counts.contains_key(&Key::of(&format!("user-{}", 3 * MOST - 1), None)[0]));
        assert!(counts.contains_key(&admin[0]), "what is locked stays locked");
    }
}
