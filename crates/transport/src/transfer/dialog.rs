//! A script that runs on the other machine: lines to it, and its answers.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::{Error, OutputReader, Running, Session, Stdin};

/// The longest line that is read, in bytes, and the longest answer that is waited for behind what a login says.
const LINE: u64 = 8 * 1024;
const CHATTER: usize = 256 * 1024;
/// How much of a reason is told, in characters.
const REASON: usize = 300;

/// `I` and `O` are its input and output, or nothing where somebody else has them.
pub(super) struct Dialog<I = Stdin, O = BufReader<OutputReader>> {
    pub(super) stdin: I,
    pub(super) stdout: O,
    stderr: OutputReader,
    running: Running,
    place: String,
    path: String,
}

impl Dialog {
    /// Starts `script` and tells it `lines`, the first of which is the path that messages name.
    pub(super) async fn start(session: &Session, script: &str, lines: &[&str]) -> Result<Dialog, Error> {
        let (stdin, stdout, stderr, running) = session.exec(script).await?.into_parts();
        let path = lines.first().copied().unwrap_or_default().to_owned();
        let stdout = BufReader::new(stdout);
        let mut dialog = Dialog { stdin, stdout, stderr, running, place: session.place(), path };
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
        let Dialog { stdin, stdout, stderr, running, place, path } = self;
        (Dialog { stdin: (), stdout, stderr, running, place, path }, stdin)
    }

    /// The output for somebody else.
    pub(super) fn without_output(self) -> (Dialog<Stdin, ()>, BufReader<OutputReader>) {
        let Dialog { stdin, stdout, stderr, running, place, path } = self;
        (Dialog { stdin, stdout: (), stderr, running, place, path }, stdout)
    }
}

impl<I> Dialog<I> {
    /// The words of the next answer. What a login script prints before is passed over.
    pub(super) async fn answer(&mut self) -> Result<Vec<String>, Error> {
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
            if read == 0 || passed > CHATTER {
                return Err(self.silent().await);
            }
            let text = String::from_utf8_lossy(&line);
            let Some(answer) = text.trim_end().strip_prefix('@') else { continue };
            return match answer.strip_prefix("bad ") {
                Some("sum") => Err(Error::Differs { path: self.path.clone(), place: self.place.clone() }),
                Some(reason) => Err(self.bad(reason)),
                None => Ok(answer.split(' ').map(str::to_owned).collect()),
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
        let printable = reason.chars().filter(|character| !character.is_control()).take(REASON);
        Error::Transfer { path: self.path.clone(), place: self.place.clone(), reason: printable.collect() }
    }

    /// Why there is no answer.
    pub(super) async fn silent(&mut self) -> Error {
        let exit = match self.running.wait().await {
            Ok(exit) => exit,
            Err(error) => return error,
        };
        let mut said = Vec::new();
        // What it says is told; that it says nothing is no news.
        drop((&mut self.stderr).take(LINE).read_to_end(&mut said).await);
        let said = String::from_utf8_lossy(&said);
        let code = exit.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        match said.lines().next() {
            Some(line) => self.bad(line),
            None => self.bad(&format!("the command ended without an answer (exit {code})")),
        }
    }

    pub(super) fn differs(&self) -> Error {
        Error::Differs { path: self.path.clone(), place: self.place.clone() }
    }
}
