//! Lines made of coloured parts, and how they become text: with or without colour, never wider than allowed.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a part of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As the terminal has it.
    Plain,
    /// Important.
    Bold,
    /// Not important now.
    Dim,
    /// Good.
    Green,
    /// Bad.
    Red,
    /// Worth a look.
    Yellow,
    /// Going on.
    Blue,
}

impl Paint {
    /// The SGR parameter that switches it on.
    fn code(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::Bold => Some(1),
            Self::Dim => Some(2),
            Self::Red => Some(31),
            Self::Green => Some(32),
            Self::Yellow => Some(33),
            Self::Blue => Some(34),
        }
    }
}

/// One line of a picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<(String, Paint)>);

impl Line {
    /// Adds a part. What is not ours must be cleaned before.
    #[must_use]
    pub fn with(mut self, text: impl Into<String>, paint: Paint) -> Self {
        self.0.push((text.into(), paint));
        self
    }

    /// Adds the parts of `other`.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.width()).sum()
    }

    /// The text in at most `width` columns; what is cut away shows as `…`.
    pub fn text(&self, width: usize, colours: bool) -> String {
        let cut = self.width() > width;
        let mut left = if cut { width.saturating_sub(1) } else { width };
        let mut text = String::new();
        for (part, paint) in &self.0 {
            let shown = beginning(part, left);
            left -= shown.width();
            match paint.code().filter(|_| colours && !shown.is_empty()) {
                // Writing into a string cannot fail.
                Some(code) => write!(text, "\u{1b}[{code}m{shown}\u{1b}[0m").unwrap_or_default(),
                None => text.push_str(shown),
            }
        }
        if cut {
            text.push('…');
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// The first part of `text` that fits into `columns`.
fn beginning(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, char)| {
        used += char.width().unwrap_or(0);
        used > columns
    });
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// What standard output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// A person looks at it: it can be redrawn.
    pub terminal: bool,
    /// Colours are wanted.
    pub colours: bool,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Screen {
    /// What standard output is now; the size may change while a command runs.
    pub fn stdout() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = io::stdout().is_terminal() && !dumb;
        let size = terminal_size::terminal_size().filter(|_| terminal);
        let (width, height) =
            size.map_or((usize::MAX, usize::MAX), |(width, height)| (width.0.into(), height.0.into()));
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { terminal, colours: terminal && !no_colour, width, height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_by_columns_and_not_by_colour_codes() {
        let line = Line::default().with("✓ fetch ", Paint::Green).with("0.4s", Paint::Dim);
        assert_eq!(line.width(), 12);
        assert_eq!(line.text(80, false), "✓ fetch 0.4s");
        assert_eq!(line.text(10, false), "✓ fetch 0…");
        assert_eq!(Line::default().with("发布 main", Paint::Plain).text(4, false), "发…");
        assert_eq!(line.text(12, true), "\u{1b}[32m✓ fetch \u{1b}[0m\u{1b}[2m0.4s\u{1b}[0m");
    }
}
