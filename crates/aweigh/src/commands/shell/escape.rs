//! The way out of a shell that hangs: Enter, then `~.`, as ssh has it. Every other key belongs to the server.

/// Looks at what is typed.
#[derive(Debug)]
pub(super) struct Escape {
    /// A line begins here.
    begins: bool,
    /// A `~` stood at the beginning of the line and is not passed on yet.
    holds: bool,
}

impl Default for Escape {
    fn default() -> Self {
        Self { begins: true, holds: false }
    }
}

impl Escape {
    /// What of it goes to the server; `None` when it says to hang up.
    pub(super) fn pass(&mut self, typed: &[u8]) -> Option<Vec<u8>> {
        let mut passed = Vec::with_capacity(typed.len() + 1);
        for byte in typed.iter().copied() {
            match (std::mem::take(&mut self.holds), byte) {
                (true, b'.') => return None,
                (true, b'~') => passed.push(b'~'),
                (false, b'~') if self.begins => self.holds = true,
                (held, _) => {
                    passed.extend(held.then_some(b'~'));
                    passed.push(byte);
                }
            }
            self.begins = matches!(byte, b'\r' | b'\n');
        }
        Some(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tilde_and_a_dot_at_the_beginning_of_a_line_hang_up() {
        for (typed, passed) in [
            ("ls\r", Some("ls\r")),
            ("~.", None),
            ("ls\r~.", None),
            ("cd ~.\r", Some("cd ~.\r")),
            ("~~.\r", Some("~.\r")),
            ("~/x\r", Some("~/x\r")),
            ("\r~", Some("\r")),
        ] {
            let whole = Escape::default().pass(typed.as_bytes());
            assert_eq!(whole.as_deref(), passed.map(str::as_bytes), "{typed:?}");
            // The keys come one by one, too.
            let mut escape = Escape::default();
            let parts: Option<Vec<Vec<u8>>> = typed.bytes().map(|byte| escape.pass(&[byte])).collect();
            assert_eq!(parts.map(|parts| parts.concat()), whole, "{typed:?}");
        }
    }
}
