//! Keeps secrets out of what is said: every value is replaced before anything is numbered or stored.

use aho_corasick::{AhoCorasick, MatchKind};
use model::{ExposeSecret, SecretString};

/// What stands in the place of a secret.
pub const MASK: &str = "[secret]";

/// Shorter values would turn every log into masks; they are not masked.
pub const SHORTEST: usize = 6;

/// All secrets of one release.
pub struct Masker {
    values: Option<AhoCorasick>,
    patterns: Vec<Vec<u8>>,
}

/// The unfinished end of one stream. The masker must see whole secrets, so it holds back what may begin one.
#[derive(Debug, Default)]
pub struct Held {
    bytes: Vec<u8>,
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
}

/// How long the longest end of `bytes` is that begins `pattern` and is not all of it.
fn begins(pattern: &[u8], bytes: &[u8]) -> usize {
    let most = pattern.len().saturating_sub(1).min(bytes.len());
    (1..=most).rev().find(|n| bytes.ends_with(pattern.get(..*n).unwrap_or_default())).unwrap_or(0)
}

impl Masker {
    /// A masker for these values, and for each line of those that have several (private keys).
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut patterns: Vec<String> = Vec::new();
        for secret in secrets {
            let secret = secret.expose_secret();
            patterns.push(secret.trim().to_owned());
            patterns.extend(secret.lines().map(|line| line.trim().to_owned()));
        }
        // The frame around a key is no secret; masking it would only puzzle.
        patterns.retain(|p| p.len() >= SHORTEST && !p.starts_with("-----"));
        let build = || AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns).ok();
        let values = if patterns.is_empty() { None } else { build() };
        Self { values, patterns: patterns.into_iter().map(String::into_bytes).collect() }
    }

    /// Masks `bytes`, the next part of the stream behind `held`. Only an end that really may be the beginning of
    /// a secret stays there: everything else is said at once.
    pub fn mask(&self, held: &mut Held, bytes: &[u8]) -> Vec<u8> {
        let Some(values) = &self.values else { return bytes.to_vec() };
        held.bytes.extend_from_slice(bytes);
        let begun = self.patterns.iter().map(|pattern| begins(pattern, &held.bytes)).max().unwrap_or(0);
        let safe = held.bytes.len() - begun;
        // A secret across the border must not be cut: the border moves behind it.
        let border = values
            .find_iter(&held.bytes)
            .filter(|found| found.start() < safe)
            .map(|found| found.end())
            .max()
            .map_or(safe, |end| end.max(safe));
        let rest = held.bytes.split_off(border);
        let out = values.replace_all_bytes(&held.bytes, &vec![MASK; values.patterns_len()]);
        held.bytes = rest;
        out
    }

    /// What was held back, at the end of the stream.
    pub fn end(&self, held: &mut Held) -> Vec<u8> {
        let bytes = std::mem::take(&mut held.bytes);
        match &self.values {
            Some(values) => values.replace_all_bytes(&bytes, &vec![MASK; values.patterns_len()]),
            None => bytes,
        }
    }

    /// Masks one whole text.
    pub fn text(&self, text: &str) -> String {
        let mut held = Held { bytes: text.as_bytes().to_vec() };
        String::from_utf8_lossy(&self.end(&mut held)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker() -> Masker {
        Masker::new(&[
            "hunter2hunter".to_owned().into(),
            "short".to_owned().into(),
            "line-one\nline-two\n".to_owned().into(),
        ])
    }

    #[test]
    fn a_secret_is_masked_wherever_the_stream_is_cut() {
        let text = b"a hunter2hunter b line-two hunter2";
        for cut in 0..text.len() {
            let (masker, mut held) = (masker(), Held::default());
            let mut out = masker.mask(&mut held, &text[..cut]);
            out.extend(masker.mask(&mut held, &text[cut..]));
            out.extend(masker.end(&mut held));
            assert_eq!(String::from_utf8(out).unwrap(), "a [secret] b [secret] hunter2", "cut at {cut}");
        }
    }

    #[test]
    fn what_begins_no_secret_is_said_at_once() {
        let (masker, mut held) = (masker(), Held::default());
        assert_eq!(masker.mask(&mut held, b"line 1\n"), b"line 1\n");
        assert_eq!(masker.mask(&mut held, b"hunt"), b"");
        assert_eq!(masker.mask(&mut held, b"ing\n"), b"hunting\n");
    }

    #[test]
    fn short_values_are_left_alone() {
        assert_eq!(masker().text("short"), "short");
    }
}
