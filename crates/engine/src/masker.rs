//! Keeps secrets out of what is said: every value is replaced before anything is numbered or stored.
//!
//! One automaton knows the values as they are. The stream is read in several ways at once (`masker/readings.rs`): as it
//! is, and as what stands behind base64, hexadecimal digits, percent signs and backslashes. So one search finds every
//! form of a value, and its memory grows with the values alone.

mod escapes;
mod letters;
mod readings;
mod values;

use model::SecretString;
use readings::Readings;
use values::Values;

/// What stands in the place of a secret.
pub const MASK: &str = "[secret]";

/// Shorter values would turn every log into masks, so they are not masked; in bytes, without white space at the ends.
pub const SHORTEST: usize = 6;

/// Whether a value is masked where it is written: it is long enough, and not the frame of a key alone.
pub fn is_masked(value: &str) -> bool {
    values::is_masked(value.trim())
}

/// All secrets of one release.
pub struct Masker {
    values: Option<Values>,
}

/// The unfinished end of one stream. The masker must see whole secrets, so it holds back what may begin one.
#[derive(Debug, Default)]
pub struct Held {
    readings: Readings,
    /// What was read and not said.
    bytes: Vec<u8>,
    /// The place in the stream where `bytes` begins.
    from: u64,
    /// Where secrets stand that are not said yet: from, and to.
    found: Vec<(u64, u64)>,
    /// The end of the secret for which a mask was said last.
    masked: u64,
}

impl Held {
    /// How many bytes are held back.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is held back.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The place in the stream behind all that was read.
    fn end(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }

    /// Says everything before `border`, with masks in it. No secret that is found later begins before it. One that
    /// reaches over it is said as a whole: it stays a secret, however far it turns out to reach.
    fn say(&mut self, border: u64) -> Vec<u8> {
        self.found.sort_unstable();
        let settled = self.found.partition_point(|(from, _)| *from < border);
        let mut out = Vec::with_capacity(self.bytes.len());
        let mut said = self.from;
        for (from, to) in self.found.drain(..settled) {
            // One that begins inside of another is the same mask.
            if from >= self.masked {
                out.extend_from_slice(part(&self.bytes, self.from, said, from));
                out.extend_from_slice(MASK.as_bytes());
            }
            self.masked = self.masked.max(to);
            said = said.max(to);
        }
        out.extend_from_slice(part(&self.bytes, self.from, said, border));
        said = said.max(border);
        let gone = usize::try_from(said - self.from).unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.drain(..gone);
        self.from = said;
        out
    }
}

/// The bytes between two places of a stream, of which `bytes` begins at `start`.
fn part(bytes: &[u8], start: u64, from: u64, to: u64) -> &[u8] {
    let at = |place: u64| usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX);
    bytes.get(at(from)..at(to)).unwrap_or_default()
}

impl Masker {
    /// A masker for these values, and for each line of those that have several (private keys).
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        Self { values: Values::of(secrets) }
    }

    /// Masks `bytes`, the next part of the stream behind `held`. Only an end that really may be the beginning of
    /// a secret stays there: everything else is said at once.
    pub fn mask(&self, held: &mut Held, bytes: &[u8]) -> Vec<u8> {
        let Some(values) = &self.values else { return bytes.to_vec() };
        for (at, byte) in (held.end()..).zip(bytes) {
            held.readings.read(values, at, *byte, &mut held.found);
        }
        held.bytes.extend_from_slice(bytes);
        let border = held.readings.begun(values).unwrap_or(held.end());
        held.say(border)
    }

    /// What was held back, at the end of the stream.
    pub fn end(&self, held: &mut Held) -> Vec<u8> {
        held.readings = Readings::default();
        held.say(held.end())
    }

    /// Masks one whole text.
    pub fn text(&self, text: &str) -> String {
        let mut held = Held::default();
        let mut out = self.mask(&mut held, text.as_bytes());
        out.extend(self.end(&mut held));
        String::from_utf8_lossy(&out).into_owned()
    }
}

#[cfg(test)]
mod tests;
