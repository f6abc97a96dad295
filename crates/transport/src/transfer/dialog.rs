//! A script that runs on the other machine: lines to it, and its answers.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::last_words::LastWords;
use crate::{Error, OutputReader, Running, Session, Stdin};

/// The longest line that is read, in bytes, and the longest answer that is waited for behind what a login says.
const LINE: u64 = 8 * 1024;
const CHATTER: usize = 256 * 1024;
/// How much of a reason is told, in characters.
const REASON: usize = 300;
/// How long a script whose output has ended has to end itself.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// `I` and `O` are its input and output, or nothing where somebody else has them.
pub(super) struct Dialog<I = Stdin, O = BufReader<OutputReader>> {
    pub(super) stdin: I,
    pub(super) stdout: O,
    last_words: LastWords,
    running: Running,
    session: Session,
    path: String,
}

impl Dialog {
    /// Starts `script` and tells it `lines`, the first of which is the path that messages name.
    pub(super) async fn start(session: &Session, script: &str, lines: &[&str]) -> Result<Dialog, Error> {
        let (stdin, stdout, stderr, running) = session.exec(script).await?.into_parts();
        let path = lines.first().copied().unwrap_or_default().to_owned();
        let stdout = BufReader::new(stdout);
        let (last_words, session) = (LastWords::of(stderr), session.clone());
        let mut dialog = Dialog { stdin, stdout, last_words, running, session, path };
        for line in lines {
            dialog.say(line).await;
        }
        Ok(dialog)
    }

    /// Says one line.
    pub(super) async fn say(&mut self, line: &str) {
        // One write: a line is one packet.
        self.say_all(format!("{line}\n").as_bytes()).await;
    }

    /// Says all of it. A script that does not listen any more says why in its answer.
    pub(super) async fn say_all(&mut self, text: &[u8]) {
        self.stdin.write_all(text).await.ok();
    }

    /// The end of what is told.
    pub(super) async fn finish(&mut self) {
        self.stdin.shutdown().await.ok();
    }

    /// The input for somebody else.
    pub(super) fn without_input(self) -> (Dialog<()>, Stdin) {
        let Dialog { stdin, stdout, last_words, running, session, path } = self;
        (Dialog { stdin: (), stdout, last_words, running, session, path }, stdin)
    }

    /// The output for somebody else.
    pub(super) fn without_output(self) -> (Dialog<Stdin, ()>, BufReader<OutputReader>) {
        let Dialog { stdin, stdout, last_words, running, session, path } = self;
        (Dialog { stdin, stdout: (), last_words, running, session, path }, stdout)
    }
}

/// The first answer of a script.
pub(super) enum First {
    Answer(Vec<String>),
    /// No shell took it: the server refuses commands, or ran something else in its place. Nothing was changed there.
    Refused(Error),
}

impl<I> Dialog<I> {
    /// The words of the first answer, or why there is no script.
    pub(super) async fn first(&mut self) -> Result<First, Error> {
        if let Some(answer) = self.next().await? {
            return Ok(First::Answer(answer));
        }
        match timeout(LAST_WORDS, self.running.wait()).await {
            Ok(Ok(exit)) if exit.code.is_some() => Ok(First::Refused(self.silent().await)),
            Ok(Err(error @ Error::ExecRefused { .. })) => Ok(First::Refused(error)),
            // Some servers only close the channel.
            Ok(Err(error @ Error::Lost { .. })) if !self.session.is_closed() => Ok(First::Refused(error)),
            _ => Err(self.silent().await),
        }
    }

    /// The words of the next answer. What a login script prints before is passed over.
    pub(super) async fn answer(&mut self) -> Result<Vec<String>, Error> {
        match self.next().await? {
            Some(answer) => Ok(answer),
            None => Err(self.silent().await),
        }
    }

    /// The same, or nothing where the script has ended.
    async fn next(&mut self) -> Result<Option<Vec<String>>, Error> {
        let mut passed = 0;
        loop {
            let mut line = Vec::new();
            let read = (&mut self.stdout).take(LINE).read_until(b'\n', &mut line).await;
            let read = match read {
                Ok(read) => read,
                // A lost connection explains a broken stream, not the other way round.
                Err(source) => return Err(self.running.wait().await.err().unwrap_or(Error::Read { source })),
            };
            passed += read;
            if read == 0 {
                return Ok(None);
            }
            if passed > CHATTER {
                return Err(self.bad("it says too much before it answers"));
            }
            let text = String::from_utf8_lossy(&line);
            let Some(answer) = text.trim_end().strip_prefix('@') else { continue };
            return match answer.strip_prefix("bad ") {
                Some("sum") => Err(Error::Differs { path: self.path.clone(), place: self.session.place() }),
                Some(reason) => Err(self.bad(reason)),
                None => Ok(Some(answer.split(' ').map(str::to_owned).collect())),
            };
        }
    }
}

impl<I, O> Dialog<I, O> {
    /// Whether it has ended well.
    pub(super) async fn is_good(&mut self) -> Result<bool, Error> {
        Ok(self.running.wait().await?.is_success())
    }

    /// What is wrong, in the words of the other machine.
    pub(super) fn bad(&self, reason: &str) -> Error {
        Error::Transfer { path: self.path.clone(), place: self.session.place(), reason: printable(reason) }
    }

    /// Why there is no answer.
    pub(super) async fn silent(&mut self) -> Error {
        match self.last_words.told(&mut self.running, LAST_WORDS).await {
            Ok(words) => self.bad(&words),
            Err(error) => error,
        }
    }

    pub(super) fn differs(&self) -> Error {
        Error::Differs { path: self.path.clone(), place: self.session.place() }
    }
}

/// A reason from another machine, as it may be shown.
pub(super) fn printable(reason: &str) -> String {
    reason.chars().filter(|character| !character.is_control()).take(REASON).collect()
}
