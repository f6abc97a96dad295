//! Tries a hook on one server, outside of a release: in the folder of what is live there, without the lock. It runs for
//! real; it learns from `AWEIGH_ACTION=try` that this is no release.

use std::time::{Duration, Instant};

use model::{DeployPath, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::masker::Masker;
use crate::ports::{Host, HostError, Hosts};

/// Reads a line and does what it says. Constant: no user text is part of it.
const COMMAND: &str = "sh -c 'IFS= read -r first; eval \"$first\"'";

/// That line reads a script up to a line of its own. The shell reads byte by byte; `head` may read ahead, and then what
/// follows the script would be lost.
const FIRST: &str = "nl=$(printf '\\nx'); nl=${nl%x}; text=; \
    while IFS= read -r line && [ \"$line\" != @end ]; do text=$text$line$nl; done; eval \"$text\"";

const SCRIPT: &str = concat!(include_str!("scripts/variables.sh"), include_str!("scripts/trial.sh"));

/// The most output that is held, in bytes; of what is longer the end is held.
const HELD: usize = 1024 * 1024;

/// The most output that is answered, in bytes.
const ANSWERED: usize = 64 * 1024;

/// How long the end of what was ended is waited for.
const GRACE: Duration = Duration::from_secs(10);

/// What is tried, and where.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The folder of the environment.
    pub path: DeployPath,
    /// Text of the command.
    pub run: String,
    /// Only the shell of the server reads it; nothing of it is run.
    pub check: bool,
    /// The variables it finds, as lines `NAME=value`.
    pub variables: Vec<String>,
    /// The longest it may run.
    pub longest: Duration,
}

/// How it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Its exit code; `None` when it took too long and was killed, with its process group.
    pub exit: Option<i32>,
    /// What it wrote, or the end of it; without secrets.
    pub output: String,
    /// How much of its output is missing before that, in bytes.
    pub left_out: u64,
    /// How long it took.
    pub took: Duration,
}

/// Runs `trial` on `server` and waits for its end. Dropping this kills what runs.
///
/// # Errors
/// The server cannot be reached, runs nothing there, or has no room for the text. A hook that fails is no error.
pub async fn run(
    hosts: &dyn Hosts,
    server: &Server,
    trial: &Trial,
    masker: &Masker,
) -> Result<Tried, HostError> {
    let host: Box<dyn Host> = hosts.connect(server).await?;
    on(host.as_ref(), trial, masker).await
}

/// The same over a connection.
///
/// # Errors
/// The same, but that it cannot be reached.
pub async fn on(host: &dyn Host, trial: &Trial, masker: &Masker) -> Result<Tried, HostError> {
    let channel = host.exec(COMMAND).await?;
    let (mut stdin, mut stdout) = (channel.stdin, channel.stdout);
    let nonce = hex::encode(rand::random::<[u8; 8]>());
    let began = Instant::now();
    let mut hears = Hears::new(&nonce);
    let heard = async {
        stdin.write_all(&said(trial, &nonce)).await?;
        stdin.flush().await?;
        hears.hear(&mut stdout).await
    };
    let ended = if let Ok(ended) = tokio::time::timeout(trial.longest, heard).await {
        Some(ended.map_err(|error| lost(&error))?)
    } else {
        // The end of its input ends it.
        stdin.shutdown().await.ok();
        drop(stdin);
        gone(&mut stdout, &mut hears).await?;
        None
    };
    let exit = match ended {
        Some(End::Status(status)) => Some(status),
        Some(End::Bad(why)) => return Err(HostError::other(why)),
        None => None,
    };
    let (output, left_out) = hears.output(masker);
    Ok(Tried { exit, output, left_out, took: began.elapsed() })
}

/// Waits until what was ended is gone.
async fn gone(stdout: &mut (impl AsyncRead + Unpin), hears: &mut Hears) -> Result<(), HostError> {
    match tokio::time::timeout(GRACE, hears.hear(stdout)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(lost(&error)),
        Err(_) => Err(HostError::other("it took too long, and may still run")),
    }
}

fn said(trial: &Trial, nonce: &str) -> Vec<u8> {
    let mut said = format!("{FIRST}\n{SCRIPT}@end\n{nonce}\n{}\n", trial.path).into_bytes();
    said.extend(format!("{}\n{}\n", u8::from(trial.check), trial.variables.len()).into_bytes());
    for line in &trial.variables {
        said.extend(format!("{line}\n").into_bytes());
    }
    said.extend(format!("{}\n{}", trial.run.len(), trial.run).into_bytes());
    said
}

fn lost(error: &std::io::Error) -> HostError {
    HostError::lost(format!("the connection ended before the hook did: {error}"))
}

/// How the script ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Status(i32),
    Bad(String),
}

/// What was heard so far. Reading can be given up at any await and taken up again.
struct Hears {
    mark: Vec<u8>,
    bytes: Vec<u8>,
    dropped: u64,
    /// Where the last line begins that may become the mark.
    looked: usize,
    end: Option<usize>,
}

impl Hears {
    fn new(nonce: &str) -> Self {
        Self {
            mark: format!("\n@{nonce} ").into_bytes(),
            bytes: Vec::new(),
            dropped: 0,
            looked: 0,
            end: None,
        }
    }

    async fn hear(&mut self, stdout: &mut (impl AsyncRead + Unpin)) -> std::io::Result<End> {
        let mut part = vec![0; 16 * 1024];
        loop {
            let read = stdout.read(&mut part).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.bytes.extend_from_slice(part.get(..read).unwrap_or_default());
            if let Some(end) = self.look() {
                return Ok(end);
            }
            self.shorten();
        }
    }

    /// The end, once its line is whole.
    fn look(&mut self) -> Option<End> {
        let rest = self.bytes.get(self.looked..).unwrap_or_default();
        let Some(found) = rest.windows(self.mark.len()).position(|window| window == self.mark) else {
            self.looked = self.bytes.len().saturating_sub(self.mark.len());
            return None;
        };
        self.looked += found;
        let line = self.bytes.get(self.looked + self.mark.len()..).unwrap_or_default();
        let line = first_line(line)?;
        let end = match line.strip_prefix("end ").and_then(|status| status.trim().parse().ok()) {
            Some(status) => End::Status(status),
            None => End::Bad(line.strip_prefix("bad ").unwrap_or(&line).to_owned()),
        };
        self.end = Some(self.looked);
        Some(end)
    }

    fn shorten(&mut self) {
        if self.bytes.len() > 2 * HELD {
            let gone = self.bytes.len() - HELD;
            self.bytes.drain(..gone);
            self.dropped += gone as u64;
            self.looked = self.looked.saturating_sub(gone);
        }
    }

    /// What was written, the last of it, and how much is missing before.
    fn output(self, masker: &Masker) -> (String, u64) {
        let written = self.bytes.get(..self.end.unwrap_or(self.bytes.len())).unwrap_or_default();
        let text = masker.text(&String::from_utf8_lossy(written));
        let mut from = text.len().saturating_sub(ANSWERED);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        (text.get(from..).unwrap_or_default().to_owned(), self.dropped + from as u64)
    }
}

/// The text before the first line break, when there is one.
fn first_line(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some(String::from_utf8_lossy(bytes.get(..end)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_plain() {
        crate::question::assert_plain(COMMAND);
    }

    async fn heard(parts: &[&str]) -> (std::io::Result<End>, Hears) {
        let mut hears = Hears::new("abc");
        let mut all = arriving(parts);
        let end = hears.hear(&mut all).await;
        (end, hears)
    }

    fn arriving(parts: &[&str]) -> impl AsyncRead + Unpin + use<> {
        let (mut write, read) = tokio::io::duplex(7);
        let all = parts.concat();
        tokio::spawn(async move { write.write_all(all.as_bytes()).await });
        read
    }

    fn masker() -> Masker {
        Masker::new(&["hunter2hunter".to_owned().into()])
    }

    #[tokio::test]
    async fn the_end_is_a_line_that_only_the_script_can_say() {
        let (end, hears) = heard(&["one\n@abd end 0\n@ab", "\n@abc end 3\nlater"]).await;
        assert_eq!(end.unwrap(), End::Status(3));
        assert_eq!(hears.output(&masker()), ("one\n@abd end 0\n@ab".to_owned(), 0));
        let (end, _) = heard(&["\n@abc bad no release is live at /srv/x/current\n"]).await;
        assert_eq!(end.unwrap(), End::Bad("no release is live at /srv/x/current".to_owned()));
        assert!(heard(&["one\n@abc end 0"]).await.0.is_err(), "half a line is no end");
    }

    #[tokio::test]
    async fn of_a_long_output_the_end_is_answered_without_secrets() {
        let long = "x".repeat(3 * HELD);
        let (end, hears) = heard(&[&long, "ä hunter2hunter", "\n@abc end 0\n"]).await;
        assert_eq!(end.unwrap(), End::Status(0));
        let (output, left_out) = hears.output(&masker());
        assert!(output.ends_with("xä [secret]"), "{}", &output[output.len() - 40..]);
        assert!(output.len() <= ANSWERED && left_out > 2 * HELD as u64, "{} {left_out}", output.len());
    }
}
