//! All the ways in which a stream is read at once.

use super::escapes::Escapes;
use super::letters::{Base64, Hex};
use super::values::{Trace, Values};

/// Where each way of reading one stream stands.
#[derive(Debug)]
pub(super) struct Readings {
    plain: Trace,
    base64: Base64,
    hex: Hex,
    percent: Escapes,
    backslash: Escapes,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            plain: Trace::default(),
            base64: Base64::default(),
            hex: Hex::default(),
            percent: Escapes::percent(),
            backslash: Escapes::backslash(),
        }
    }
}

impl Readings {
    /// Reads the byte at the place `at`; what it ends is added to `found`, from where to where.
    pub(super) fn read(&mut self, values: &Values, at: u64, byte: u8, found: &mut Vec<(u64, u64)>) {
        if let Some(from) = self.plain.step(values, byte, at) {
            found.push((from, at + 1));
        }
        self.base64.read(values, at, byte, found);
        self.hex.read(values, at, byte, found);
        self.percent.read(values, at, byte, found);
        self.backslash.read(values, at, byte, found);
    }

    /// The first place where something begins that may become a secret.
    pub(super) fn begun(&self, values: &Values) -> Option<u64> {
        let all = [
            self.plain.begun(),
            self.base64.begun(values),
            self.hex.begun(values),
            self.percent.begun(),
            self.backslash.begun(),
        ];
        all.into_iter().flatten().min()
    }
}
