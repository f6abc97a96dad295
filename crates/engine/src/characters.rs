//! Text that arrives in pieces of bytes: characters may be cut between two of them.

/// Makes text of pieces. What is no text becomes U+FFFD.
#[derive(Debug, Default)]
pub struct Characters {
    /// The beginning of a character whose end has not come yet.
    rest: Vec<u8>,
}

impl Characters {
    /// The text of the next piece, but for a character that is not whole yet.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let rest = self.rest.split_off(self.rest.len() - begun(&self.rest));
        String::from_utf8_lossy(&std::mem::replace(&mut self.rest, rest)).into_owned()
    }

    /// What is left at the end.
    pub fn end(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }
}

/// How many bytes at the end are the beginning of a character, whatever stands before them.
pub(crate) fn begun(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last().map(|chunk| chunk.invalid()).unwrap_or_default();
    match std::str::from_utf8(last) {
        Err(error) if error.error_len().is_none() => last.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_whole_wherever_the_bytes_are_cut() {
        let bytes = "é✓\u{1f600}a".as_bytes();
        for cut in 0..bytes.len() {
            let mut characters = Characters::default();
            let text = characters.push(&bytes[..cut]) + &characters.push(&bytes[cut..]);
            assert_eq!(text, "é✓\u{1f600}a", "cut at {cut}");
        }
        let mut characters = Characters::default();
        assert_eq!(
            (characters.push(b"a\xffb\xe2\x82"), characters.end()),
            ("a\u{fffd}b".into(), "\u{fffd}".into())
        );
    }
}
