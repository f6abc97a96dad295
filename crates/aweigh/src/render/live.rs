//! What follows a release on standard output: a picture redrawn in place on a terminal, plain lines elsewhere.

use std::fmt::Write;
use std::io;

use api::Progress;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{Event, Release, Tree};

use super::paint::{Line, Paint, Screen};
use super::{lines, print, say, tree};

/// Shows one release while it goes on.
#[derive(Debug)]
pub struct View {
    terminal: bool,
    zone: TimeZone,
    /// How many rows of the terminal the picture takes.
    drawn: usize,
    note: Option<String>,
    progress: Option<Progress>,
}

impl View {
    /// A view for what standard output is.
    pub fn stdout() -> Self {
        Self {
            terminal: Screen::stdout().terminal,
            zone: TimeZone::system(),
            drawn: 0,
            note: None,
            progress: None,
        }
    }

    /// Shows where the release stands when we begin to look.
    ///
    /// # Errors
    /// Standard output is closed or broken; so for every function here.
    pub fn begin(&mut self, release: &Release, tree: &Tree) -> io::Result<()> {
        if self.terminal {
            return self.draw(release, tree);
        }
        let head = tree::head(release).text(usize::MAX, false);
        say(&format!(
            "{} {head} · {}",
            lines::clock(Timestamp::now(), &self.zone),
            super::words::spoken(tree.status)
        ))
    }

    /// Shows one fact, already applied to `tree`.
    pub fn event(&mut self, release: &Release, tree: &Tree, event: &Event) -> io::Result<()> {
        match lines::line(release, tree, event, &self.zone) {
            Some(line) if !self.terminal => say(&line),
            _ => Ok(()),
        }
    }

    /// Brings the picture up to date: after a batch of facts, and every second for the clocks in it.
    pub fn refresh(&mut self, release: &Release, tree: &Tree) -> io::Result<()> {
        if self.terminal { self.draw(release, tree) } else { Ok(()) }
    }

    /// Whether how far uploads are would be seen.
    pub fn shows_progress(&self) -> bool {
        self.terminal
    }

    /// Notes how far uploads are; seen with the next picture.
    pub fn progress(&mut self, progress: Option<Progress>) {
        self.progress = progress.filter(|progress| !progress.nodes.is_empty());
    }

    /// Says something about the watching itself, such as a lost connection; `None` takes it back.
    pub fn note(&mut self, note: Option<&str>) -> io::Result<()> {
        let news = self.note.as_deref() != note;
        self.note = note.map(str::to_owned);
        match note {
            Some(note) if news && !self.terminal => {
                say(&format!("{} {note}", lines::clock(Timestamp::now(), &self.zone)))
            }
            _ => Ok(()),
        }
    }

    fn draw(&mut self, release: &Release, tree: &Tree) -> io::Result<()> {
        let screen = Screen::stdout();
        let now = Timestamp::now();
        let mut picture =
            tree::picture(release, tree, self.progress.as_ref(), now, screen.width, screen.height);
        if let Some(note) = &self.note {
            picture.push(Line::default().with(note.clone(), Paint::Yellow));
        }
        // What is higher than the terminal cannot be redrawn: its first rows have left the screen.
        picture.truncate(screen.height.saturating_sub(1).max(1));
        let frame = frame(&picture, self.drawn, &screen);
        self.drawn = picture.len();
        print(&frame)
    }
}

/// The text that replaces a picture of `drawn` rows by `picture`, in one write so that nothing flickers.
fn frame(picture: &[Line], drawn: usize, screen: &Screen) -> String {
    let mut frame = String::new();
    if drawn > 0 {
        // Writing into a string cannot fail.
        write!(frame, "\u{1b}[{drawn}A\r").unwrap_or_default();
    }
    for line in picture {
        frame.push_str(&line.text(screen.width, screen.colours));
        frame.push_str("\u{1b}[K\n");
    }
    frame.push_str("\u{1b}[J");
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_goes_up_over_the_one_before() {
        let screen = Screen { terminal: true, colours: false, width: 5, height: 10 };
        let picture =
            [Line::default().with("one", Paint::Green), Line::default().with("two and", Paint::Red)];
        assert_eq!(frame(&picture, 0, &screen), "one\u{1b}[K\ntwo …\u{1b}[K\n\u{1b}[J");
        assert_eq!(frame(&picture[..1], 2, &screen), "\u{1b}[2A\rone\u{1b}[K\n\u{1b}[J");
    }
}
