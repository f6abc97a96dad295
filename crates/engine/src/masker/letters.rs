//! Words of base64 and of hexadecimal digits, read as the bytes that they stand for, wherever in a word a value begins.

use super::values::{Trace, Values};

/// A line of so many letters was broken by an encoder (at 60, 64 or 76): what follows goes on with it.
const FULL_LINE: usize = 56;

/// A word goes on behind the end of a line when so many bytes of a value were read before it.
const TOLD: usize = 3;

/// Between two letters may stand so many line ends, or other things that are passed over.
const MOST_BETWEEN: usize = 2;

/// A word of letters, and how far it was read.
#[derive(Debug, Default)]
struct Word {
    /// The last letter and its place, where a byte may begin in it.
    last: Option<(u8, u64)>,
    /// How many letters were read since it began; and since the line began.
    count: usize,
    in_line: usize,
    /// How many bytes since the last letter were passed over.
    between: usize,
}

impl Word {
    /// Takes the next letter; the one before it.
    fn next(&mut self, letter: u8, at: u64) -> Option<(u8, u64)> {
        self.count += 1;
        self.in_line += 1;
        self.between = 0;
        self.last.replace((letter, at))
    }

    /// Whether the word may go on behind the end of a line; `depth` bytes of a value were read.
    fn goes_on(&mut self, depth: usize) -> bool {
        let goes_on = self.between > 0 || self.in_line >= FULL_LINE || depth >= TOLD;
        self.between += 1;
        self.in_line = 0;
        goes_on && self.count > 0 && self.between <= MOST_BETWEEN
    }
}

/// A stream read as base64 (RFC 4648) of both alphabets. Four letters are three bytes; which letter is the first of four
/// is not known, so all four ways are followed.
#[derive(Debug, Default)]
pub(super) struct Base64 {
    word: Word,
    ways: [Trace; 4],
}

impl Base64 {
    /// Reads one byte of the stream.
    pub(super) fn read(&mut self, values: &Values, at: u64, byte: u8, found: &mut Vec<(u64, u64)>) {
        let letter = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'\r' | b'\n' if self.goes_on() => return,
            _ if self.word.count == 0 => return,
            _ => {
                self.word = Word::default();
                self.ways.iter_mut().for_each(Trace::cut);
                return;
            }
        };
        let Some((before, place)) = self.word.next(letter, at) else { return };
        let count = self.word.count;
        for (way, trace) in self.ways.iter_mut().enumerate() {
            // Which of the four this letter is; with the first of them no byte is whole.
            let byte = match (count + way) % 4 {
                1 => (before << 2) | (letter >> 4),
                2 => (before << 4) | (letter >> 2),
                3 => (before << 6) | letter,
                _ => continue,
            };
            if let Some(from) = trace.step(values, byte, place) {
                found.push((from, at + 1));
            }
        }
    }

    fn goes_on(&mut self) -> bool {
        let depth = self.ways.iter().map(Trace::depth).max().unwrap_or_default();
        self.word.goes_on(depth)
    }

    /// The first place where something begins that may become a secret.
    pub(super) fn begun(&self, values: &Values) -> Option<u64> {
        let may = |letter: &u8| [2, 4, 6].iter().any(|bits| values.may_begin(*letter, *bits));
        let last = self.word.last.filter(|(letter, _)| may(letter)).map(|(_, place)| place);
        self.ways.iter().filter_map(Trace::begun).chain(last).min()
    }
}

/// A stream read as hexadecimal digits of both cases, which may stand in pairs. Which digit is the first of two is not
/// known, so both ways are followed.
#[derive(Debug, Default)]
pub(super) struct Hex {
    word: Word,
    ways: [Trace; 2],
}

impl Hex {
    /// Reads one byte of the stream.
    pub(super) fn read(&mut self, values: &Values, at: u64, byte: u8, found: &mut Vec<(u64, u64)>) {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' | b'\n' if self.goes_on() => return,
            b' ' | b':' if self.parts() => return,
            _ if self.word.count == 0 => return,
            _ => {
                self.word = Word::default();
                self.ways.iter_mut().for_each(Trace::cut);
                return;
            }
        };
        let Some((before, place)) = self.word.next(digit, at) else { return };
        if let Some(trace) = self.ways.get_mut(self.word.count % 2)
            && let Some(from) = trace.step(values, (before << 4) | digit, place)
        {
            found.push((from, at + 1));
        }
    }

    fn goes_on(&mut self) -> bool {
        let depth = self.ways.iter().map(Trace::depth).max().unwrap_or_default();
        self.word.goes_on(depth)
    }

    /// Between pairs something may stand; then only the way whose pair has just ended goes on.
    fn parts(&mut self) -> bool {
        let whole = self.word.count % 2;
        if let Some(other) = self.ways.get_mut(1 - whole) {
            other.cut();
        }
        self.word.between += 1;
        self.word.last = None;
        let begun = self.ways.get(whole).is_some_and(|trace| trace.depth() > 0);
        begun && self.word.between <= MOST_BETWEEN
    }

    /// The first place where something begins that may become a secret.
    pub(super) fn begun(&self, values: &Values) -> Option<u64> {
        let last = self.word.last.filter(|(digit, _)| values.may_begin(*digit, 4)).map(|(_, place)| place);
        self.ways.iter().filter_map(Trace::begun).chain(last).min()
    }
}
