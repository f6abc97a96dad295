//! Strategy: in which batches the servers of a release are switched, and how many of them may fail.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Name, Selector, Server};

/// So many servers, or so many of a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Amount {
    /// A number of servers.
    Count(u32),
    /// A share of them, 0 to 100.
    Percent(u8),
}

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount of servers: write 2, or 30% for a share of them")]
pub struct InvalidAmount(String);

impl Amount {
    /// How many of `all` servers that are at least: a share is rounded up. What is begun may not be nothing.
    pub fn rounded_up(self, all: usize) -> usize {
        match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Self::Percent(percent) => (all * usize::from(percent)).div_ceil(100),
        }
    }

    /// How many of `all` servers that are at most: a share is rounded down. What may fail is not rounded up.
    pub fn rounded_down(self, all: usize) -> usize {
        match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Self::Percent(percent) => all * usize::from(percent) / 100,
        }
    }
}

impl Default for Amount {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let (number, is_share) = text.strip_suffix('%').map_or((text, false), |number| (number, true));
        let plain = !number.is_empty() && number.len() <= 9 && number.bytes().all(|b| b.is_ascii_digit());
        let number: Option<u32> = number.parse().ok().filter(|_| plain);
        let amount = match (number, is_share) {
            (Some(count), false) => Some(Self::Count(count)),
            (Some(percent), true) => {
                u8::try_from(percent).ok().filter(|share| *share <= 100).map(Self::Percent)
            }
            (None, _) => None,
        };
        amount.ok_or_else(|| InvalidAmount(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Amount {
    type Error = InvalidAmount;

    fn try_from(text: String) -> Result<Self, InvalidAmount> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

/// Which servers a batch takes, of those that no batch before it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// The next ones in the order of their names; a share is one of all servers of the release.
    Next(Amount),
    /// These.
    Select(Selector),
}

/// One line of `batches`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Which servers.
    pub take: Take,
    /// When it is healthy, a person says whether the next one begins.
    pub hold: bool,
    /// When it is healthy, so long is waited before the next one begins.
    pub wait: Duration,
    /// How many of its servers may fail; the limit of the whole release stands beside it.
    pub max_failures: Option<Amount>,
}

impl Batch {
    /// The batch that takes all that is left.
    pub fn all() -> Self {
        Self::next(Amount::Percent(100))
    }

    /// The batch that takes the next servers.
    pub fn next(amount: Amount) -> Self {
        Self { take: Take::Next(amount), hold: false, wait: Duration::ZERO, max_failures: None }
    }
}

/// The servers that are switched together, as a plan froze them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedBatch {
    /// Which servers, in the order of their names.
    pub servers: Vec<Name>,
    /// See [`Batch::hold`].
    pub hold: bool,
    /// See [`Batch::wait`].
    pub wait: Duration,
    /// How many of them may fail, where the batch has a limit of its own.
    pub max_failures: Option<Amount>,
}

/// Divides `servers` into batches: every server is in exactly one, and none is empty.
///
/// The last line is repeated while servers are left; where it is a selector, the rest is one more batch. Nothing said
/// means all at once. A line that finds no server any more makes no batch.
pub fn divide(servers: &[Server], lines: &[Batch]) -> Vec<PlannedBatch> {
    let all = [Batch::all()];
    let lines = if lines.is_empty() { &all } else { lines };
    let mut left: Vec<&Server> = servers.iter().collect();
    let mut batches = Vec::new();
    let rest = match lines.last() {
        Some(last) if matches!(last.take, Take::Next(_)) => last.clone(),
        _ => Batch::all(),
    };
    for line in lines.iter().chain(std::iter::repeat(&rest)) {
        if left.is_empty() {
            break;
        }
        let (taken, others): (Vec<&Server>, Vec<&Server>) = match &line.take {
            Take::Select(selector) => left.iter().partition(|server| selector.matches(server)),
            // A batch of nothing would never end.
            Take::Next(amount) => {
                let many = amount.rounded_up(servers.len()).clamp(1, left.len());
                let others = left.split_off(many);
                (left, others)
            }
        };
        left = others;
        if !taken.is_empty() {
            batches.push(PlannedBatch {
                servers: taken.into_iter().map(|server| server.name.clone()).collect(),
                hold: line.hold,
                wait: line.wait,
                max_failures: line.max_failures,
            });
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Address, Labels};

    fn fleet(many: usize) -> Vec<Server> {
        let server = |number| {
            let role = if number % 3 == 0 { "worker" } else { "web" };
            let labels = [("role".parse().unwrap(), [role.to_owned()].into())];
            Server {
                name: format!("s{number:03}").parse().unwrap(),
                address: Address::Local,
                labels: Labels::from(labels),
                variables: crate::Variables::new(),
                groups: std::collections::BTreeSet::new(),
            }
        };
        (1..=many).map(server).collect()
    }

    fn sizes(many: usize, lines: &[Batch]) -> Vec<usize> {
        divide(&fleet(many), lines).iter().map(|batch| batch.servers.len()).collect()
    }

    fn next(text: &str) -> Batch {
        Batch::next(text.parse().unwrap())
    }

    #[test]
    fn shares_are_rounded_up_and_the_last_line_is_repeated() {
        assert_eq!(sizes(10, &[]), [10]);
        assert_eq!(sizes(10, &[next("1"), next("30%"), next("100%")]), [1, 3, 6]);
        assert_eq!(sizes(7, &[next("1"), next("30%")]), [1, 3, 3]);
        assert_eq!(sizes(3, &[next("10%")]), [1, 1, 1]);
        assert_eq!(sizes(2, &[next("5")]), [2]);
    }

    #[test]
    fn selectors_take_what_they_mean_and_the_rest_follows() {
        let workers = Batch { take: Take::Select("role=worker".parse().unwrap()), ..Batch::all() };
        assert_eq!(sizes(6, std::slice::from_ref(&workers)), [2, 4]);
        assert_eq!(sizes(6, &[next("1"), workers.clone(), next("2")]), [1, 2, 2, 1]);
        let nobody = Batch { take: Take::Select("role=db".parse().unwrap()), ..Batch::all() };
        assert_eq!(sizes(3, &[nobody]), [3]);
    }

    #[test]
    fn what_may_fail_is_rounded_down() {
        let check = |text: &str, all, most| {
            assert_eq!(text.parse::<Amount>().unwrap().rounded_down(all), most, "{text} of {all}");
        };
        check("0", 9, 0);
        check("2", 9, 2);
        check("10%", 9, 0);
        check("10%", 19, 1);
        check("100%", 9, 9);
    }

    #[test]
    fn amounts_come_back_and_nonsense_is_refused() {
        for text in ["0", "12", "0%", "100%"] {
            assert_eq!(text.parse::<Amount>().unwrap().to_string(), text);
        }
        for bad in ["", "%", "-1", "101%", "1.5", "1 %", "+1", "1%%", "99999999999"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad:?}");
        }
    }

    fn lines() -> impl Strategy<Value = Vec<Batch>> {
        let amount = prop_oneof![(0_u32..40).prop_map(Amount::Count), (0_u8..=100).prop_map(Amount::Percent)];
        let select =
            prop_oneof![Just("role=web"), Just("role=worker"), Just("role=db"), Just("s001"), Just("all")];
        let take = prop_oneof![
            3 => amount.prop_map(Take::Next),
            1 => select.prop_map(|text| Take::Select(text.parse().unwrap())),
        ];
        proptest::collection::vec(take.prop_map(|take| Batch { take, ..Batch::all() }), 0..6)
    }

    proptest! {
        #[test]
        fn every_server_is_in_one_batch_and_none_is_empty(many in 0_usize..60, lines in lines()) {
            let servers = fleet(many);
            let batches = divide(&servers, &lines);
            let mut seen: Vec<&Name> = batches.iter().flat_map(|batch| &batch.servers).collect();
            prop_assert!(batches.iter().all(|batch| !batch.servers.is_empty()));
            seen.sort();
            prop_assert_eq!(seen, servers.iter().map(|server| &server.name).collect::<Vec<_>>());
            prop_assert_eq!(divide(&servers, &lines), batches, "the same again is the same");
        }

        #[test]
        fn what_may_fail_is_never_more_than_what_is_begun(percent in 0_u8..=100, all in 0_usize..1000) {
            let share = Amount::Percent(percent);
            prop_assert!(share.rounded_down(all) <= share.rounded_up(all));
            prop_assert!(share.rounded_up(all) <= all);
        }
    }
}
