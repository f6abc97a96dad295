//! Strategy: batches and limits, as they are written and checked.

use std::fmt;
use std::time::Duration;

use model::{Amount, Batch, Selector, Take};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::build::place;
use crate::{FieldError, FieldErrors, OneOrMany, duration};

/// How many servers: a number, or a share such as `30%`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum AmountSpec {
    /// So many.
    Count(i64),
    /// So many, or so many of a hundred.
    Text(String),
}

/// Servers that are switched together: `1`, `"30%"`, or a table.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum BatchSpec {
    /// The next ones.
    Next(AmountSpec),
    /// All that can be said about it.
    Table(Box<BatchTable>),
}

/// A batch with all that can be said about it. Exactly one of `size` and `select` is given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchTable {
    /// The next servers: a number, or a share of all servers of the release, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<AmountSpec>,
    /// Selector of its servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<String>,
    /// When it is healthy, a person says whether the next batch begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
    /// When it is healthy, so long is waited before the next batch begins, such as `2m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<String>,
    /// How many of its servers may fail; a share is rounded down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<AmountSpec>,
}

impl<'de> Deserialize<'de> for AmountSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match BatchSpec::deserialize(deserializer)? {
            BatchSpec::Next(amount) => Ok(amount),
            BatchSpec::Table(_) => Err(D::Error::custom("expected a number or a share such as \"30%\"")),
        }
    }
}

/// Written by hand: an untagged enum would lose the path of an error inside.
impl<'de> Deserialize<'de> for BatchSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = BatchSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a share such as \"30%\", or a table with size or select")
            }

            fn visit_i64<E: Error>(self, count: i64) -> Result<BatchSpec, E> {
                Ok(BatchSpec::Next(AmountSpec::Count(count)))
            }

            fn visit_u64<E: Error>(self, count: u64) -> Result<BatchSpec, E> {
                Ok(BatchSpec::Next(AmountSpec::Count(i64::try_from(count).unwrap_or(i64::MAX))))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<BatchSpec, E> {
                Ok(BatchSpec::Next(AmountSpec::Text(text.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BatchSpec, A::Error> {
                BatchTable::deserialize(MapAccessDeserializer::new(map))
                    .map(|table| BatchSpec::Table(Box::new(table)))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl AmountSpec {
    /// The amount.
    pub fn check(&self) -> Result<Amount, String> {
        let wrong = |what: &dyn fmt::Display| {
            format!(
                "is {what:.40}, which is not an amount of servers: write 2, or \"30%\" for a share of them"
            )
        };
        match self {
            Self::Count(count) => u32::try_from(*count).map(Amount::Count).map_err(|_| wrong(count)),
            Self::Text(text) => text.parse().map_err(|_| wrong(&format_args!("{text:?}"))),
        }
    }
}

impl From<Amount> for AmountSpec {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Count(count) => Self::Count(count.into()),
            Amount::Percent(_) => Self::Text(amount.to_string()),
        }
    }
}

impl BatchSpec {
    /// The checked batch.
    pub fn check(&self) -> Result<Batch, Vec<FieldError>> {
        match self {
            Self::Next(amount) => {
                size(amount).map(Batch::next).map_err(|error| vec![FieldError::new("", error)])
            }
            Self::Table(table) => table.check(),
        }
    }
}

/// A size, which may not be nothing.
fn size(amount: &AmountSpec) -> Result<Amount, String> {
    match amount.check()? {
        Amount::Count(0) | Amount::Percent(0) => Err("is 0: a batch has one server at least".to_owned()),
        amount => Ok(amount),
    }
}

impl BatchTable {
    fn check(&self) -> Result<Batch, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let take = match (&self.size, &self.select) {
            (Some(amount), None) => errors.take("size", size(amount)).map(Take::Next),
            (None, Some(text)) => errors.take("select", text.parse::<Selector>()).map(Take::Select),
            (Some(_), Some(_)) => errors.take("select", Err("cannot stand beside size")),
            (None, None) => {
                errors.take("size", Err("is missing: write size = \"30%\" or select = \"role=web\""))
            }
        };
        let wait = self.wait.as_deref().map_or(Ok(Duration::ZERO), duration::parse);
        let wait = errors.take("wait", wait);
        let most = self.max_failures.as_ref().map(AmountSpec::check).transpose();
        let most = errors.take("max_failures", most);
        let whole = take.zip(wait.zip(most));
        errors.finish(whole.map(|(take, (wait, max_failures))| Batch {
            take,
            hold: self.hold,
            wait,
            max_failures,
        }))
    }
}

impl From<&Batch> for BatchSpec {
    fn from(batch: &Batch) -> Self {
        if let Take::Next(amount) = batch.take
            && *batch == Batch::next(amount)
        {
            return Self::Next(amount.into());
        }
        let (size, select) = match &batch.take {
            Take::Next(amount) => (Some((*amount).into()), None),
            Take::Select(selector) => (None, Some(selector.to_string())),
        };
        Self::Table(Box::new(BatchTable {
            size,
            select,
            hold: batch.hold,
            wait: (!batch.wait.is_zero()).then(|| duration::print(batch.wait)),
            max_failures: batch.max_failures.map(AmountSpec::from),
        }))
    }
}

/// All batches, in order.
pub(crate) fn batches(errors: &mut FieldErrors, list: &OneOrMany<BatchSpec>) -> Vec<Batch> {
    errors.add_if(
        list.items().is_empty(),
        "batches",
        "is empty: leave it out to switch all servers together",
    );
    let each = list.items().iter().enumerate();
    each.filter_map(|(index, spec)| errors.nest(&place("batches", list, index), spec.check())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> Result<Vec<Batch>, Vec<String>> {
        let list: OneOrMany<BatchSpec> = crate::read(json).map_err(|errors| texts(&errors))?;
        let mut errors = FieldErrors::default();
        let batches = batches(&mut errors, &list);
        errors.finish(Some(batches)).map_err(|errors| texts(&errors))
    }

    fn texts(errors: &[FieldError]) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn batches_come_back() {
        let written = serde_json::json!([1, "30%", {"select": "role=worker", "hold": true, "wait": "2m"},
            {"size": "100%", "max_failures": 2}]);
        let read = read(written.clone()).unwrap();
        let again: Vec<BatchSpec> = read.iter().map(BatchSpec::from).collect();
        assert_eq!(serde_json::to_value(again).unwrap(), written);
    }

    #[test]
    fn nonsense_is_told_by_name() {
        for (json, field) in [
            (serde_json::json!([0]), "batches[0]"),
            (serde_json::json!(["0%"]), "batches[0]"),
            (serde_json::json!(["1", "101%"]), "batches[1]"),
            (serde_json::json!([-1]), "batches[0]"),
            (serde_json::json!([]), "batches"),
            (serde_json::json!([{"size": 0}]), "batches[0].size"),
            (serde_json::json!([{"size": 1, "select": "all"}]), "batches[0].select"),
            (serde_json::json!([{"hold": true}]), "batches[0].size"),
            (serde_json::json!([{"select": "role=="}]), "batches[0].select"),
            (serde_json::json!([{"size": 1, "wait": "soon"}]), "batches[0].wait"),
            (serde_json::json!([{"size": 1, "max_failures": "x"}]), "batches[0].max_failures"),
        ] {
            let told = read(json.clone()).unwrap_err();
            assert!(told.len() == 1 && told[0].starts_with(field), "{json}: {told:?}");
        }
    }
}
