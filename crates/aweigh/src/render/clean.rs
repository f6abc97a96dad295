//! Makes text that came from elsewhere safe for a terminal: of all control sequences only colours stay.
//!
//! A log can hold anything a server or a repository wants to print: a window title, a write to the clipboard
//! (OSC 52), a link to `javascript:` (OSC 8), cursor moves that rewrite lines above. ECMA-48 says how such
//! sequences begin and end, in their 7-bit form (`ESC [`) and in their 8-bit form (U+009B).

/// The longest colour sequence that is kept, in characters between `ESC [` and `m`.
const LONGEST_COLOUR: usize = 64;

const ESC: char = '\u{1b}';

/// Cleans a text that arrives in pieces; a sequence may be cut anywhere between two of them.
#[derive(Debug)]
pub struct Cleaner {
    colours: bool,
    state: State,
    after_return: bool,
    coloured: bool,
    /// The beginning of a character whose end has not come yet.
    rest: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Text,
    /// After `ESC`.
    Escape,
    /// After `ESC` and an intermediate character: one more ends it.
    EscapeEnd,
    /// After `ESC [`, with what came since.
    Control(String),
    /// In the text of an OSC, DCS, SOS, PM or APC.
    Hidden,
}

impl Cleaner {
    /// A cleaner that keeps colours, or drops them too.
    pub fn new(colours: bool) -> Self {
        Self { colours, state: State::Text, after_return: false, coloured: false, rest: Vec::new() }
    }

    /// The safe part of the next piece. A lone carriage return becomes a line end, so that nothing that was
    /// printed can be overwritten.
    pub fn push(&mut self, piece: &str) -> String {
        let mut clean = String::with_capacity(piece.len());
        for char in piece.chars() {
            if std::mem::take(&mut self.after_return) && char != '\n' {
                clean.push('\n');
            }
            self.next(char, &mut clean);
        }
        clean
    }

    /// As [`push`](Self::push), for bytes: characters may be cut anywhere, what is not UTF-8 becomes U+FFFD.
    pub fn push_bytes(&mut self, piece: &[u8]) -> String {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(piece);
        let mut clean = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            clean.push_str(&self.push(chunk.valid()));
            if chunks.peek().is_none() && !chunk.invalid().is_empty() {
                self.rest = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                clean.push_str(&self.push("\u{fffd}"));
            }
        }
        clean
    }

    /// What has to be printed after the last piece: a colour that was left on is switched off.
    pub fn finish(&mut self) -> &'static str {
        self.state = State::Text;
        self.after_return = false;
        if std::mem::take(&mut self.coloured) { "\u{1b}[0m" } else { "" }
    }

    fn next(&mut self, char: char, clean: &mut String) {
        // A line end closes every sequence: no log can hide the lines that follow.
        if matches!(char, '\n' | '\r') {
            self.state = State::Text;
        }
        self.state = match (std::mem::replace(&mut self.state, State::Text), char) {
            (_, ESC) => State::Escape,
            (State::Text, _) => self.text(char, clean),
            (State::Escape, _) => escape(char),
            (State::EscapeEnd, ' '..='/') => State::EscapeEnd,
            (State::Control(said), _) => self.control(said, char, clean),
            (State::Hidden, _) if !matches!(char, '\u{7}' | '\u{9c}') => State::Hidden,
            (State::EscapeEnd | State::Hidden, _) => State::Text,
        };
    }

    fn text(&mut self, char: char, clean: &mut String) -> State {
        match char {
            '\u{9b}' => return State::Control(String::new()),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => return State::Hidden,
            '\r' => self.after_return = true,
            '\n' | '\t' => clean.push(char),
            _ if char.is_control() || turns_direction(char) => {}
            _ => clean.push(char),
        }
        State::Text
    }

    fn control(&mut self, mut said: String, char: char, clean: &mut String) -> State {
        match char {
            ' '..='?' => {
                if said.len() <= LONGEST_COLOUR {
                    said.push(char);
                }
                return State::Control(said);
            }
            'm' => self.colour(&said, clean),
            _ => {}
        }
        State::Text
    }

    fn colour(&mut self, said: &str, clean: &mut String) {
        let plain = said.chars().all(|char| char.is_ascii_digit() || matches!(char, ';' | ':'));
        if self.colours && plain && said.len() <= LONGEST_COLOUR {
            clean.extend(["\u{1b}[", said, "m"]);
            self.coloured = !matches!(said, "" | "0");
        }
    }
}

/// What `ESC` and this character begin.
fn escape(char: char) -> State {
    match char {
        '[' => State::Control(String::new()),
        ']' | 'P' | 'X' | '^' | '_' => State::Hidden,
        ' '..='/' => State::EscapeEnd,
        _ => State::Text,
    }
}

/// Whether a character changes the direction of what follows, by which text can look like another one.
fn turns_direction(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

/// `text` without any control sequence, on one line: for table cells and sentences.
pub fn one_line(text: &str) -> String {
    let clean = Cleaner::new(false).push(text);
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_colours_pass() {
        let table = [
            ("plain ünïcode ✓\n\tnext", "plain ünïcode ✓\n\tnext"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
            ("\u{1b}[38;2;1;2;3mtrue\u{1b}[m", "\u{1b}[38;2;1;2;3mtrue\u{1b}[m"),
            ("\u{9b}1mbold in C1", "\u{1b}[1mbold in C1"),
            ("a\u{1b}]8;;javascript:alert(1)\u{1b}\\link\u{1b}]8;;\u{7}b", "alinkb"),
            ("a\u{1b}]52;c;ZXZpbA==\u{7}b", "ab"),
            ("a\u{9d}52;c;ZXZpbA==\u{9c}b", "ab"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}[2A\u{1b}[2K\u{1b}[1;1Hb", "ab"),
            ("a\u{1b}P1$r0m\u{1b}\\b\u{90}q\u{9c}c", "abc"),
            ("a\u{1b}(0b\u{1b}c\u{1b}7d", "abd"),
            ("a\u{1b}[?25lb\u{1b}[>4;2mc\u{1b}[!pd", "abcd"),
            ("a\u{8}\u{8}b\u{0}\u{7f}\u{85}c", "abc"),
            ("10%\r20%\r\ndone", "10%\n20%\ndone"),
            ("a\u{1b}]0;never ended\nb", "a\nb"),
            ("a\u{1b}[31\nb", "a\nb"),
            ("user\u{202e}txt.exe", "usertxt.exe"),
        ];
        for (text, expected) in table {
            assert_eq!(Cleaner::new(true).push(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_colour_left_on_is_switched_off() {
        let mut cleaner = Cleaner::new(true);
        cleaner.push("\u{1b}[31mred");
        assert_eq!(cleaner.finish(), "\u{1b}[0m");
        assert_eq!(cleaner.finish(), "");
        let mut plain = Cleaner::new(false);
        assert_eq!(plain.push("\u{1b}[31mred"), "red");
        assert_eq!(plain.finish(), "");
        assert_eq!(one_line("two\nlines \u{1b}[1mbold"), "two lines bold");
    }

    #[test]
    fn characters_may_be_cut_between_pieces() {
        let text = "é✓😀".as_bytes();
        for cut in 0..text.len() {
            let mut cleaner = Cleaner::new(true);
            let joined = cleaner.push_bytes(&text[..cut]) + &cleaner.push_bytes(&text[cut..]);
            assert_eq!(joined, "é✓😀", "cut at {cut}");
        }
        assert_eq!(Cleaner::new(true).push_bytes(b"a\xffb"), "a\u{fffd}b");
    }

    /// Whether every `ESC` in `text` begins a plain colour.
    fn is_safe(text: &str) -> bool {
        text.split(ESC).skip(1).all(|rest| {
            let end = rest.find(|char: char| !(char.is_ascii_digit() || matches!(char, '[' | ';' | ':')));
            rest.starts_with('[') && end.is_some_and(|end| rest[end..].starts_with('m'))
        }) && !text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\t' | ESC))
    }

    /// So many cases, or a hundred times as many in `make soak`.
    fn cases(few: u32) -> ProptestConfig {
        let soak = std::env::var_os("AWEIGH_SOAK").is_some();
        ProptestConfig::with_cases(if soak { few * 100 } else { few })
    }

    proptest! {
        #![proptest_config(cases(500))]

        #[test]
        fn whatever_comes_in_only_colours_come_out(
            pieces in prop::collection::vec("[\\x1b\u{9b}\u{9d}\u{9c}\\[\\]Pm0-9;:?A\\n\\r\\x07 xé\\\\]{0,12}", 0..6)
        ) {
            let mut cleaner = Cleaner::new(true);
            let cut: String = pieces.iter().map(|piece| cleaner.push(piece)).collect();
            prop_assert!(is_safe(&cut), "{cut:?}");
            prop_assert_eq!(cut, Cleaner::new(true).push(&pieces.concat()), "pieces change nothing");
        }
    }
}
