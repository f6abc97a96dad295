//! The last lines of a log that comes in pieces, in bounded memory.

use std::collections::VecDeque;

use super::clean::Cleaner;

/// The longest line that is kept, in bytes of cleaned text.
const LONGEST: usize = 4096;

/// Keeps the last lines.
#[derive(Debug)]
pub struct Tail {
    lines: VecDeque<String>,
    most: usize,
    open: String,
    cleaner: Cleaner,
    left_out: usize,
}

impl Tail {
    /// Keeps the last `most` lines, without colours.
    pub fn new(most: usize) -> Self {
        Self { lines: VecDeque::new(), most, open: String::new(), cleaner: Cleaner::new(false), left_out: 0 }
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        for part in self.cleaner.push_bytes(piece).split_inclusive('\n') {
            let (text, ends) = part.strip_suffix('\n').map_or((part, false), |text| (text, true));
            let room = LONGEST.saturating_sub(self.open.len());
            self.open.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
            if ends {
                self.close();
            }
        }
    }

    /// The lines, and how many were before them.
    pub fn finish(mut self) -> (Vec<String>, usize) {
        if !self.open.is_empty() {
            self.close();
        }
        (self.lines.into(), self.left_out)
    }

    fn close(&mut self) {
        self.lines.push_back(std::mem::take(&mut self.open));
        if self.lines.len() > self.most {
            self.lines.pop_front();
            self.left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_stay() {
        let mut tail = Tail::new(2);
        for piece in ["one\ntw", "o\n\u{1b}[31mthr", "ee\u{1b}[0m\nfour"] {
            tail.push(piece.as_bytes());
        }
        assert_eq!(tail.finish(), (vec!["three".to_owned(), "four".to_owned()], 2));
        assert_eq!(Tail::new(2).finish(), (vec![], 0));
    }

    #[test]
    fn an_endless_line_is_cut() {
        let mut tail = Tail::new(2);
        for _ in 0..100 {
            tail.push("é".repeat(1000).as_bytes());
        }
        let (lines, _) = tail.finish();
        assert_eq!(lines[0].len(), LONGEST);
    }
}
