//! Servers that take no more logins at this moment: OpenSSH closes a connection before it says who it is while more than
//! `MaxStartups` others log in. It is tried again after longer and longer pauses, each a little other than those of
//! whoever else tries.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Error;

/// The first pause.
const FIRST: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(2);

/// How long it is tried, at most.
const MOST: Duration = Duration::from_secs(10);

/// Tries until the server lets somebody log in or refuses for another reason, for `limit` at most.
pub(super) async fn patiently<T, F>(limit: Duration, mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let end = Instant::now() + limit.min(MOST);
    let mut ramp = Ramp::default();
    loop {
        match attempt().await {
            Err(Error::TurnedAway { address, text, .. }) => {
                let (tries, pause) = ramp.next();
                if is_punished(text.as_deref()) || Instant::now() + pause > end {
                    return Err(Error::TurnedAway { address, text, tries });
                }
                tracing::debug!(%address, tries, "turned away, trying again");
                sleep(pause).await;
            }
            other => return other,
        }
    }
}

/// The pauses between tries.
struct Ramp {
    tries: u32,
    pause: Duration,
}

impl Default for Ramp {
    fn default() -> Ramp {
        Ramp { tries: 0, pause: FIRST }
    }
}

impl Ramp {
    /// How often it was tried so far, and how long to wait now.
    fn next(&mut self) -> (u32, Duration) {
        let pause = varied(self.pause);
        self.pause = (self.pause * 2).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        (self.tries, pause)
    }
}

/// Whoever comes again too soon is kept out for longer (`PerSourcePenalties`).
fn is_punished(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.contains("Not allowed at this time"))
}

/// Between half of it and all of it.
fn varied(pause: Duration) -> Duration {
    let chance = RandomState::new().build_hasher().finish() % 1000;
    pause / 2 + pause.mul_f64(f64::from(u32::try_from(chance).unwrap_or(0)) / 2000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_longest_one_and_differ_by_half_at_most() {
        let mut ramp = Ramp::default();
        let mut expected = FIRST;
        for tries in 1..20 {
            let (told, pause) = ramp.next();
            assert_eq!(told, tries);
            assert!(pause >= expected / 2 && pause <= expected, "{tries}: {pause:?}");
            expected = (expected * 2).min(LONGEST);
        }
        assert_eq!(expected, LONGEST);
    }

    #[tokio::test]
    async fn only_being_turned_away_is_tried_again() {
        let mut tried = 0;
        let mut refuse = |error: fn() -> Error| {
            tried += 1;
            async move { Err::<(), _>(error()) }
        };
        let long = Duration::from_secs(20);
        let refused = patiently(long, || refuse(|| Error::Closed)).await;
        assert!(matches!(refused, Err(Error::Closed)));
        // Whoever is punished makes it worse by coming again.
        let punished = || Error::TurnedAway {
            address: "h:22".to_owned(),
            text: Some("Not allowed at this time".to_owned()),
            tries: 1,
        };
        let refused = patiently(long, || refuse(punished)).await;
        assert!(matches!(refused, Err(Error::TurnedAway { tries: 1, .. })));
        assert_eq!(tried, 2);
        let full = || Error::TurnedAway { address: "h:22".to_owned(), text: None, tries: 1 };
        let mut left = 3;
        let entered = patiently(long, || {
            left -= 1;
            let answer = if left > 0 { Err(full()) } else { Ok(()) };
            async move { answer }
        });
        assert!(entered.await.is_ok() && left == 0);
    }
}
