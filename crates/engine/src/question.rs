//! Asking servers something outside of a release: one constant command, what it reads, and a short answer. Nothing is
//! locked and nothing is left there.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use model::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ports::{Host, HostError, HostTrouble, Hosts};

/// How many servers are asked at once.
const AT_ONCE: usize = 64;

/// How much is told of what a server said, in characters: it says what it likes.
const LONGEST_WORDS: usize = 200;

/// What to do about a server whose answer is none.
pub const BY_HAND: &str = "log in by hand as this user and see whether `sh -c 'echo hello'` prints hello; \
                           command= in authorized_keys and ForceCommand in sshd_config run something else";

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The command line. Constant: no user text is part of it.
    pub command: &'static str,
    /// What it finds on its standard input; user text stands here.
    pub input: &'q str,
    /// The longest answer that is read, in bytes.
    pub longest: u64,
    /// How long an answer is waited for.
    pub wait: Duration,
}

impl Question<'_> {
    /// Asks one server; answers all that it wrote to its standard output, whatever its login prints included.
    ///
    /// # Errors
    /// The connection is lost, or there is no answer in time. Dropping this does not stop the command.
    pub async fn ask(&self, host: &dyn Host) -> Result<String, HostError> {
        self.in_time(self.answer(host)).await
    }

    /// Connects to all of `servers` at once and asks them; in their order. Each is waited for that long altogether.
    pub async fn ask_all(&self, hosts: &dyn Hosts, servers: &[Server]) -> Vec<Result<String, HostError>> {
        let one = |server| async move { self.answer(hosts.connect(server).await?.as_ref()).await };
        let asked: Vec<BoxFuture<'_, _>> =
            servers.iter().map(|server| self.in_time(one(server)).boxed()).collect();
        in_order(asked, AT_ONCE).await
    }

    async fn in_time(
        &self,
        answer: impl Future<Output = Result<String, HostError>> + Send,
    ) -> Result<String, HostError> {
        let late = || HostError {
            kind: HostTrouble::Unreachable,
            message: format!("no answer within {:?}", self.wait),
            hint: None,
        };
        tokio::time::timeout(self.wait, answer).await.unwrap_or_else(|_| Err(late()))
    }

    async fn answer(&self, host: &dyn Host) -> Result<String, HostError> {
        let lost = |error: std::io::Error| HostError::lost(format!("the connection ended: {error}"));
        let mut channel = host.exec(self.command).await?;
        channel.stdin.write_all(self.input.as_bytes()).await.map_err(lost)?;
        // Where this is the end of the input, the command begins. How it is taken says nothing.
        channel.stdin.shutdown().await.ok();
        drop(channel.stdin);
        let mut answer = Vec::new();
        channel.stdout.take(self.longest).read_to_end(&mut answer).await.map_err(lost)?;
        channel.exit.await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// What comes of all of them, `at_once` at a time, in their order. One that takes long holds back no other one.
pub(crate) async fn in_order<T: Send>(all: Vec<BoxFuture<'_, T>>, at_once: usize) -> Vec<T> {
    // Boxed into a list first: a closure in the stream hides from callers that this can be sent (rust-lang/rust#64552).
    let numbered: Vec<BoxFuture<'_, (usize, T)>> =
        all.into_iter().enumerate().map(|(number, one)| one.map(move |it| (number, it)).boxed()).collect();
    let mut done: Vec<_> = futures::stream::iter(numbered).buffer_unordered(at_once).collect().await;
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, one)| one).collect()
}

/// An answer of lines `@key value`, of which the last one is `@whole`. Whatever a login prints besides is passed over. Values
/// are as they stand there: a name may begin or end with a space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a>(&'a str);

impl<'a> Said<'a> {
    /// `None` when the answer is not whole.
    pub(crate) fn read(answer: &'a str) -> Option<Self> {
        answer.lines().any(|line| line.trim_end() == "@whole").then_some(Self(answer))
    }

    /// All that was said, in its order.
    pub(crate) fn pairs(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix('@'));
        lines.map(|line| line.split_once(' ').unwrap_or((line, "")))
    }

    /// All that was said of `key`.
    pub(crate) fn all(self, key: &str) -> impl Iterator<Item = &'a str> {
        self.pairs().filter(move |(said, _)| *said == key).map(|(_, value)| value)
    }

    /// What was said of `key` first.
    pub(crate) fn first(self, key: &str) -> Option<&'a str> {
        self.all(key).next()
    }

    /// Whether anything was said of `key`.
    pub(crate) fn has(self, key: &str) -> bool {
        self.first(key).is_some()
    }
}

/// The trouble with a server that gave this answer, which is none.
pub fn no_answer(answer: &str) -> HostError {
    let said = answer.lines().map(str::trim).rfind(|line| !line.is_empty());
    let message = match said {
        Some(line) => format!("it runs something else than it is asked to, which says: {}", shown(line)),
        None => "a command gave no answer".to_owned(),
    };
    HostError::other(message).hint(BY_HAND)
}

/// What a server said, as it can be shown in a sentence.
pub fn shown(text: &str) -> String {
    text.chars().take(LONGEST_WORDS).flat_map(char::escape_debug).collect()
}

/// Fails where a login shell would not read a constant command line as `sh` does: fish and tcsh quote these differently.
#[cfg(test)]
pub(crate) fn assert_plain(command: &str) {
    let words = command.strip_prefix("sh -c '").unwrap().strip_suffix('\'').unwrap();
    assert!(!words.contains(['\'', '!', '\\', '\n']), "{words}");
}
