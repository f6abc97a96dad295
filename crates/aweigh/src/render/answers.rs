//! What many servers answered: each line behind its server's name, and equal answers told once.

use std::collections::BTreeMap;
use std::io;

use api::ServerEnded;
use model::Name;
use sha2::{Digest, Sha256};

use super::clean::{Cleaner, one_line};
use super::paint::{Line, Paint};

/// Colours that tell servers apart. Red is for what is wrong.
const COLOURS: [Paint; 4] = [Paint::Green, Paint::Yellow, Paint::Blue, Paint::Bold];

/// The colour of a server: always the same one.
pub fn colour(server: &Name) -> Paint {
    let sum: usize = server.as_str().bytes().map(usize::from).sum();
    COLOURS.get(sum % COLOURS.len()).copied().unwrap_or(Paint::Plain)
}

/// One output of one server, cut into lines.
#[derive(Debug)]
pub struct Output {
    cleaner: Cleaner,
    open: String,
    digest: Sha256,
}

impl Output {
    /// An output of which nothing is known yet.
    pub fn new(colours: bool) -> Self {
        Self { cleaner: Cleaner::new(colours), open: String::new(), digest: Sha256::new() }
    }

    /// Takes the next piece, and gives each line that is whole.
    ///
    /// # Errors
    /// As `say`.
    pub fn push(&mut self, piece: &str, mut say: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        self.digest.update(piece);
        self.open.push_str(&self.cleaner.push(piece));
        let Some(end) = self.open.rfind('\n') else { return Ok(()) };
        let rest = self.open.split_off(end + 1);
        let whole = std::mem::replace(&mut self.open, rest);
        whole.lines().try_for_each(&mut say)
    }

    /// Gives the last line, when it has no end.
    ///
    /// # Errors
    /// As `say`.
    pub fn finish(&mut self, say: impl FnOnce(&str) -> io::Result<()>) -> io::Result<()> {
        let last = std::mem::take(&mut self.open) + self.cleaner.finish();
        if last.is_empty() { Ok(()) } else { say(&last) }
    }

    /// What tells it from any other output.
    fn fingerprint(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }
}

/// Two answers with the same key are equal: what was written, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    outputs: [[u8; 32]; 2],
    left_out: u64,
    ending: Ending,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Code(i32),
    Trouble(String),
}

impl Key {
    /// The key of an answer.
    pub fn of(stdout: &Output, stderr: &Output, ended: &ServerEnded) -> Self {
        let trouble = || ended.error.as_ref().map(|error| one_line(&error.message)).unwrap_or_default();
        Self {
            outputs: [stdout.fingerprint(), stderr.fingerprint()],
            left_out: ended.left_out,
            ending: ended.exit.map_or_else(|| Ending::Trouble(trouble()), Ending::Code),
        }
    }

    /// Whether the command did well.
    pub fn is_good(&self) -> bool {
        self.ending == Ending::Code(0)
    }

    /// How it ended, where that was not well.
    fn ending(&self) -> Option<String> {
        match &self.ending {
            Ending::Code(0) => None,
            Ending::Code(code) => Some(format!("exit code {code}")),
            Ending::Trouble(why) => Some(why.clone()),
        }
    }
}

/// Servers with equal answers; the largest group first, what failed last.
pub fn groups(answers: impl IntoIterator<Item = (Name, Key)>) -> Vec<(Key, Vec<Name>)> {
    let mut by_key: BTreeMap<Key, Vec<Name>> = BTreeMap::new();
    for (server, key) in answers {
        by_key.entry(key).or_default().push(server);
    }
    let mut groups: Vec<(Key, Vec<Name>)> = by_key.into_iter().collect();
    for (_, servers) in &mut groups {
        servers.sort_by_cached_key(numbered);
    }
    groups.sort_by(|(one, its), (other, theirs)| {
        (!one.is_good(), theirs.len(), its.first().map(numbered)).cmp(&(
            !other.is_good(),
            its.len(),
            theirs.first().map(numbered),
        ))
    });
    groups
}

/// The head of a group: `3 servers: web-1 web-2 web-3`, and how it ended where that was not well.
pub fn head(key: &Key, servers: &[Name]) -> Line {
    let many = if servers.len() == 1 { "server" } else { "servers" };
    let names: Vec<&str> = servers.iter().map(Name::as_str).collect();
    let line = Line::default().with(format!("{} {many}: {}", servers.len(), names.join(" ")), Paint::Bold);
    match key.ending() {
        Some(why) => line.with(format!("  {why}"), Paint::Red),
        None => line,
    }
}

/// A name by which `web-10` comes behind `web-9`: its words and numbers in turns.
fn numbered(name: &Name) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name.as_str();
    while !rest.is_empty() {
        let word = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(word);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        parts.push((text.to_owned(), number.parse().unwrap_or(u64::MAX)));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn key(stdout: &str, exit: Option<i32>) -> Key {
        let mut output = Output::new(false);
        output.push(stdout, |_| Ok(())).unwrap();
        let error = exit.is_none().then(|| api::Trouble { message: "it is gone".into(), hint: None });
        Key::of(&output, &Output::new(false), &ServerEnded { exit, error, left_out: 0 })
    }

    fn heads(answers: &[(&str, &str, Option<i32>)]) -> Vec<String> {
        let answers = answers.iter().map(|(server, stdout, exit)| (name(server), key(stdout, *exit)));
        groups(answers).iter().map(|(key, servers)| head(key, servers).text(200, false)).collect()
    }

    #[test]
    fn equal_answers_are_told_once_and_what_failed_last() {
        assert_eq!(heads(&[("a", "x", Some(0))]), ["1 server: a"]);
        assert_eq!(
            heads(&[
                ("web-10", "6.1\n", Some(0)),
                ("db-1", "6.1\n", Some(2)),
                ("web-9", "6.1\n", Some(0)),
                ("gone", "", None),
                ("old", "5.4\n", Some(0)),
                ("web-2", "6.1\n", Some(0)),
            ]),
            [
                "3 servers: web-2 web-9 web-10",
                "1 server: old",
                "1 server: db-1  exit code 2",
                "1 server: gone  it is gone"
            ]
        );
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        let text = "one\ntwo \u{1b}]0;title\u{7}é\n\nlast";
        for size in 1..=text.chars().count() {
            let chars: Vec<char> = text.chars().collect();
            let (mut output, mut lines) = (Output::new(false), Vec::new());
            for piece in chars.chunks(size) {
                let piece: String = piece.iter().collect();
                output
                    .push(&piece, |line| {
                        lines.push(line.to_owned());
                        Ok(())
                    })
                    .unwrap();
            }
            output
                .finish(|line| {
                    lines.push(line.to_owned());
                    Ok(())
                })
                .unwrap();
            assert_eq!(lines, ["one", "two é", "", "last"], "in pieces of {size}");
        }
    }

    proptest! {
        #[test]
        fn every_server_is_in_the_group_of_its_answer(answers in prop::collection::vec((0..3_u8, 0..3_i32), 0..40)) {
            let keyed: Vec<(Name, Key)> = answers
                .iter()
                .enumerate()
                .map(|(number, (text, exit))| (name(&format!("s{number}")), key(&text.to_string(), Some(*exit))))
                .collect();
            let found = groups(keyed.clone());
            let mut all: Vec<&Name> = found.iter().flat_map(|(_, servers)| servers).collect();
            all.sort();
            let mut expected: Vec<&Name> = keyed.iter().map(|(server, _)| server).collect();
            expected.sort();
            prop_assert_eq!(all, expected);
            for (key, servers) in &found {
                prop_assert!(keyed.iter().all(|(server, own)| (own == key) == servers.contains(server)));
            }
        }
    }
}
