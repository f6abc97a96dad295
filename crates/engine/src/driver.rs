//! A running driver on one server: sends it commands and reads its answers, one at a time.

use model::DeployPath;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

use crate::artifact::body::Body;
use crate::error::Failure;
use crate::ports::{Channel, Host, HostError, HostTrouble};
use crate::question::BY_HAND;
use crate::remote::{self, Answer, Command};

/// The longest line that is read, in bytes; what is longer is cut.
const LONGEST_LINE: usize = 64 * 1024;

/// How much of the answers is read at once, in bytes.
const ANSWERS: usize = 8 * 1024;

/// A driver that waits for the next command.
pub struct Driver {
    stdin: std::pin::Pin<Box<dyn AsyncWrite + Send + Sync>>,
    hears: Ears,
    /// What was sent to a driver that was not heard yet: where it has to be stored first, this is said again.
    unheard: Option<Unheard>,
}

struct Unheard {
    root: DeployPath,
    said: Vec<u8>,
    /// It is on its way already.
    is_sent: bool,
}

/// The reading half. Reading can be given up at any await and taken up again: nothing is lost.
struct Ears {
    nonce: String,
    stdout: BufReader<std::pin::Pin<Box<dyn AsyncRead + Send + Sync>>>,
    line: Vec<u8>,
    frame_left: usize,
    answer: Answer,
}

/// What a driver says.
#[derive(Debug)]
pub enum Heard {
    /// Bytes of the log that is followed; none of them is a sign of life.
    Log(Vec<u8>),
    /// The answer of the command.
    End(Answer),
}

/// Why the driver did not answer.
#[derive(Debug)]
pub enum Broken {
    /// Refused before there was a line.
    Away(HostError),
    /// The line is cut: asking again over a new connection may help.
    Lost(HostError),
    /// The server cannot run it, and asking again will not help.
    Unfit(Failure),
}

impl Broken {
    /// As the reason of a failed step.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Away(error) | Self::Lost(error) => error.into(),
            Self::Unfit(failure) => failure,
        }
    }
}

fn lost(what: &str) -> Broken {
    Broken::Lost(HostError::lost(format!("the connection ended {what}")))
}

/// The parts of a stream that follows a command: bytes in memory, then a file, then bytes again.
#[derive(Debug, Clone)]
pub struct Stream {
    /// What comes first.
    pub head: bytes::Bytes,
    /// The file in the middle, read piece by piece: memory does not grow with servers × size.
    pub body: Body,
    /// What comes last.
    pub tail: bytes::Bytes,
    /// How many files are in it with their bytes.
    pub files: u64,
}

impl Stream {
    /// Its whole length, in bytes.
    pub fn size(&self) -> u64 {
        self.head.len() as u64 + self.body.bytes() + self.tail.len() as u64
    }
}

impl Driver {
    /// Starts the driver in the folder `root`, speaking as `me` (`INSTALLATION:RELEASE:EPOCH`; behind a space the number of
    /// this driver, where others were started before it as the same one: these change nothing any more). Its greeting is
    /// not waited for: the first command follows at once, which saves a round trip.
    pub async fn start(host: &dyn Host, root: &DeployPath, me: &str) -> Result<Self, Broken> {
        let nonce = hex::encode(rand::random::<[u8; 8]>());
        let Channel { stdin, stdout, mut stderr, exit } =
            host.exec(&remote::command_line(&nonce)).await.map_err(|error| match error.kind {
                HostTrouble::Lost => Broken::Lost(error),
                _ => Broken::Unfit(error.into()),
            })?;
        // The driver says everything on standard output; what a login shell says elsewhere is not for us.
        tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
        // It ends when its input does; how, nobody asks: every verb has told its status.
        tokio::spawn(exit);
        let hears = Ears {
            nonce,
            stdout: BufReader::with_capacity(ANSWERS, stdout),
            line: Vec::new(),
            frame_left: 0,
            answer: Answer::default(),
        };
        let unheard =
            Some(Unheard { root: root.clone(), said: [me.as_bytes(), b"\n"].concat(), is_sent: false });
        Ok(Self { stdin, hears, unheard })
    }

    /// Says where to and who speaks, so that the server is at work before the first command. OpenSSH takes no input
    /// before a command runs: that is waited for.
    pub async fn begin(&mut self) -> Result<(), Broken> {
        let Some(unheard) = self.unheard.as_mut().filter(|unheard| !unheard.is_sent) else { return Ok(()) };
        unheard.is_sent = true;
        let first = [unheard.root.as_str().as_bytes(), b"\n", &unheard.said].concat();
        self.write(&first).await
    }

    /// Sends `bytes`, behind what has to come first, and waits until the driver is there.
    async fn greet(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let Some(Unheard { root, mut said, is_sent }) = self.unheard.take() else {
            return self.write(bytes).await;
        };
        let before = if is_sent { Vec::new() } else { [root.as_str().as_bytes(), b"\n", &said].concat() };
        said.extend_from_slice(bytes);
        // Where the login is refused nothing can be written, and what is said tells why.
        let sent = self.write(&[&before, bytes].concat()).await;
        let mark = ["@", &self.hears.nonce].concat();
        let mut answer = Answer::default();
        let mut is_stored = false;
        while let Some(line) = self.hears.line().await? {
            // A login shell may have said something without ending its line.
            match line.split_once(&mark).map(|(_, word)| word.trim()) {
                Some("hello") if is_stored => return self.write(&said).await,
                Some("hello") => return Ok(()),
                // What was said so far, up to the mark, is lost. And so would be what follows: some `head` reads ahead.
                Some("need") => {
                    is_stored = true;
                    let driver = [mark.as_bytes(), b" driver\n", remote::DRIVER.as_bytes()].concat();
                    self.write(&driver).await?;
                }
                Some(bad) => {
                    let why = bad.strip_prefix("bad ").unwrap_or(bad);
                    return Err(Broken::Unfit(
                        Failure::new(format!("the folder {root} cannot be used: {why}"))
                            .hint("make it and give it to the login user (mkdir -p, then chown)"),
                    ));
                }
                None => {
                    answer.line(&self.hears.nonce, &line);
                }
            }
        }
        answer.line(&self.hears.nonce, &String::from_utf8_lossy(&self.hears.line));
        if answer.said.trim().is_empty() {
            sent?;
        }
        Err(Broken::Unfit(
            Failure::new(format!("the driver did not start in {root}: {}", answer.last_said())).hint(BY_HAND),
        ))
    }

    /// Sends `command` and waits for its answer.
    pub async fn ask(&mut self, command: &Command) -> Result<Answer, Broken> {
        self.greet(command.as_bytes()).await?;
        self.hears.end().await
    }

    /// Sends two commands at once and waits for both answers: one round trip.
    pub async fn ask_both(&mut self, first: &Command, second: &Command) -> Result<(Answer, Answer), Broken> {
        self.greet(&[first.as_bytes(), second.as_bytes()].concat()).await?;
        Ok((self.hears.end().await?, self.hears.end().await?))
    }

    /// Sends `command` and the stream behind it; `sent` hears how many bytes are on their way. With `is_last` the input
    /// ends behind the stream, and with it the driver, when it has answered.
    ///
    /// The answer is read meanwhile: a server that gives up in the middle is heard at once.
    pub async fn upload(
        &mut self,
        command: &Command,
        stream: &Stream,
        is_last: bool,
        sent: impl Fn(u64) + Send + Sync,
    ) -> Result<Answer, Broken> {
        self.greet(command.as_bytes()).await?;
        let stdin = &mut self.stdin;
        let write = async {
            stdin.write_all(&stream.head).await?;
            let mut at = 0;
            while at < stream.body.bytes() {
                let piece = match stream.body.piece(at).await {
                    Ok(piece) => piece,
                    Err(error) => return Ok(Err(error)),
                };
                stdin.write_all(&piece).await?;
                at += piece.len() as u64;
                sent(stream.head.len() as u64 + at);
            }
            stdin.write_all(&stream.tail).await?;
            stdin.flush().await?;
            if is_last {
                stdin.shutdown().await?;
                // For a child of this process only closing the pipe is an end.
                *stdin = Box::pin(tokio::io::sink());
            }
            Ok::<_, std::io::Error>(Ok(()))
        };
        let read = self.hears.end();
        let (mut write, mut read) = (std::pin::pin!(write), std::pin::pin!(read));
        tokio::select! {
            answer = &mut read => answer,
            written = &mut write => match written {
                // The server waits for what cannot be sent, and would not answer.
                Ok(Err(error)) => {
                    let message = format!("what is sent cannot be read on the machine of Aweigh: {error}");
                    Err(Broken::Unfit(Failure::new(message)))
                }
                // A line that failed has its reason in the answer, if there is one.
                _ => read.await,
            },
        }
    }

    /// Asks to follow the run `run` from byte `offset`; [`heard`](Self::heard) then gives its log and its end.
    pub async fn follow(&mut self, run: &str, offset: u64) -> Result<(), Broken> {
        let command = Command::new("follow").value("run", run).map_err(|error| unfit(&error))?.number(offset);
        self.greet(command.as_bytes()).await
    }

    /// The next thing the driver says. Can be given up and asked again.
    pub async fn heard(&mut self) -> Result<Heard, Broken> {
        self.hears.next().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let sent = async {
            self.stdin.write_all(bytes).await?;
            self.stdin.flush().await
        };
        // The reason of a broken pipe stands in what the driver said last; the reader tells it.
        match sent.await {
            Ok(()) => Ok(()),
            Err(_) => Err(lost("while a command was sent")),
        }
    }
}

/// A value of ours that cannot be sent.
pub fn unfit(error: &remote::Unfit) -> Broken {
    Broken::Unfit(Failure::new(error.to_string()))
}

impl Ears {
    async fn next(&mut self) -> Result<Heard, Broken> {
        loop {
            if self.frame_left > 0 {
                let bytes = self.stdout.fill_buf().await.map_err(|_| lost("in the middle of a log"))?;
                let part = bytes.get(..bytes.len().min(self.frame_left)).unwrap_or_default().to_vec();
                if part.is_empty() {
                    return Err(lost("in the middle of a log"));
                }
                self.stdout.consume(part.len());
                self.frame_left -= part.len();
                return Ok(Heard::Log(part));
            }
            let Some(line) = self.line().await? else {
                let said = std::mem::take(&mut self.answer);
                return Err(lost(&format!("before an answer came ({})", said.last_said())));
            };
            match line.strip_prefix('@').and_then(|rest| rest.strip_prefix(&self.nonce)) {
                Some(" alive yes") => return Ok(Heard::Log(Vec::new())),
                Some(rest) if rest.starts_with(" log ") => {
                    self.frame_left = rest.trim_start_matches(" log ").trim().parse().unwrap_or(0);
                }
                _ => {
                    if self.answer.line(&self.nonce, &line) {
                        return Ok(Heard::End(std::mem::take(&mut self.answer)));
                    }
                    if self.answer.is_too_long() {
                        let most = remote::LONGEST_ANSWER >> 20;
                        let what = format!("the server answers more than {most} MiB");
                        return Err(Broken::Unfit(
                            Failure::new(what).hint("look at what is in the folder of the environment there"),
                        ));
                    }
                }
            }
        }
    }

    async fn end(&mut self) -> Result<Answer, Broken> {
        loop {
            if let Heard::End(answer) = self.next().await? {
                return Ok(answer);
            }
        }
    }

    /// The next line without its end; what is longer than [`LONGEST_LINE`] is cut there.
    async fn line(&mut self) -> Result<Option<String>, Broken> {
        loop {
            let bytes =
                self.stdout.fill_buf().await.map_err(|e| lost(&format!("while an answer was read ({e})")))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let end = bytes.iter().position(|b| *b == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(part.get(..part.len().min(room)).unwrap_or_default());
            let used = end.map_or(bytes.len(), |end| end + 1);
            self.stdout.consume(used);
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                return Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()));
            }
        }
    }
}
