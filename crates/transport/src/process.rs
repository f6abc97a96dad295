//! A running command as its caller holds it: three streams, its exit, and signals to it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::sys::signal;
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use crate::{Error, pty, ssh};

/// How many bytes of each stream [`Process::output`] keeps.
pub const OUTPUT_LIMIT: usize = 1024 * 1024;

/// A running command. Every part can be moved out and used on its own.
///
/// Dropping all parts closes the channel and nothing more: **the command goes on** (OpenSSH ends
/// it neither when its channel nor when its connection closes). To stop a command, send it a
/// [`Signal`] first.
#[derive(Debug)]
pub struct Process {
    /// What the command reads. Writes wait while the command does not read; shutting down or
    /// dropping it is the end of file.
    pub stdin: Stdin,
    /// What the command prints. Output that is not read is kept, at most 256 MiB of it.
    pub stdout: OutputReader,
    /// What the command prints as errors, kept apart.
    pub stderr: OutputReader,
    pub(crate) control: Control,
}

/// The command itself, apart from its streams.
#[derive(Debug)]
pub(crate) enum Control {
    Local(Child),
    Ssh(ssh::Control),
}

/// How a command ended: by itself, or by a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, when the command ended by itself.
    pub code: Option<u32>,
    /// The signal's name without `SIG`, such as `TERM`, when one ended it.
    pub signal: Option<String>,
}

impl Exit {
    /// Whether the command ended by itself with code 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Everything a command had to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The first [`OUTPUT_LIMIT`] bytes of its standard output.
    pub stdout: Vec<u8>,
    /// The first [`OUTPUT_LIMIT`] bytes of its standard error.
    pub stderr: Vec<u8>,
    /// Whether one of the two was longer than that.
    pub truncated: bool,
    /// How it ended.
    pub exit: Exit,
}

/// A request to a running command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `HUP`: the terminal is gone.
    Hangup,
    /// `INT`: what Ctrl-C sends.
    Interrupt,
    /// `TERM`: please end.
    Terminate,
    /// `KILL`: end, without a chance to tidy up.
    Kill,
}

impl Process {
    pub(crate) fn of_channel(
        stdin: ssh::ChannelWriter,
        stdout: ssh::ChannelReader,
        stderr: ssh::ChannelReader,
        control: ssh::Control,
    ) -> Process {
        Process {
            stdin: Stdin::of_channel(stdin),
            stdout: OutputReader::of_channel(stdout),
            stderr: OutputReader::of_channel(stderr),
            control: Control::Ssh(control),
        }
    }

    pub(crate) fn of_child(
        stdin: ChildStdin,
        stdout: ChildStdout,
        stderr: ChildStderr,
        child: Child,
    ) -> Process {
        Process {
            stdin: Stdin(Inlet::Local(Some(stdin))),
            stdout: OutputReader(Outlet::Stdout(stdout)),
            stderr: OutputReader(Outlet::Stderr(stderr)),
            control: Control::Local(child),
        }
    }

    /// Waits until the command has ended. May be called again; a dropped future loses nothing.
    ///
    /// The last output may still be on its way then, or never end when the command left a daemon
    /// behind that holds its output open. [`Error::Lost`] when the connection went first.
    pub async fn wait(&mut self) -> Result<Exit, Error> {
        self.control.wait().await
    }

    /// Sends a signal to the command (on this machine: to its process group). Says nothing about
    /// its effect, and does nothing when the command has ended.
    ///
    /// Do not rely on it alone: OpenSSH drops signals to commands of root, and to those of a
    /// `ForceCommand`; others drop all. A `kill` over a second channel always works.
    pub async fn signal(&self, signal: Signal) -> Result<(), Error> {
        self.control.signal(signal).await
    }

    /// Takes the command apart, so that its streams and its end can be in different hands.
    pub fn into_parts(self) -> (Stdin, OutputReader, OutputReader, Running) {
        let Process { stdin, stdout, stderr, control } = self;
        (stdin, stdout, stderr, Running::new(control))
    }

    /// Closes stdin, reads both outputs to their ends, and waits.
    pub async fn output(self) -> Result<Output, Error> {
        let Process { stdin, stdout, stderr, mut control } = self;
        drop(stdin);
        let (out, err) = tokio::join!(collect(stdout), collect(stderr));
        // A lost connection explains a broken stream, not the other way round.
        let exit = control.wait().await?;
        let (stdout, out_truncated) = out?;
        let (stderr, err_truncated) = err?;
        Ok(Output { stdout, stderr, truncated: out_truncated || err_truncated, exit })
    }
}

/// A running command whose streams are in other hands.
#[derive(Debug)]
pub struct Running(Control);

impl Running {
    pub(crate) fn new(control: Control) -> Running {
        Running(control)
    }

    /// The same as [`Process::wait`].
    pub async fn wait(&mut self) -> Result<Exit, Error> {
        self.0.wait().await
    }

    /// The same as [`Process::signal`].
    pub async fn signal(&self, signal: Signal) -> Result<(), Error> {
        self.0.signal(signal).await
    }
}

impl Control {
    pub(crate) async fn wait(&mut self) -> Result<Exit, Error> {
        match self {
            Control::Local(child) => {
                child.wait().await.map(Exit::from).map_err(|source| Error::Read { source })
            }
            Control::Ssh(control) => control.wait().await,
        }
    }

    pub(crate) async fn signal(&self, signal: Signal) -> Result<(), Error> {
        match self {
            Control::Local(child) => {
                if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) {
                    // The group may be gone between the two calls; that is what was wanted.
                    let _ = signal::killpg(Pid::from_raw(pid), signal.local());
                }
                Ok(())
            }
            Control::Ssh(control) => control.signal(signal).await,
        }
    }
}

impl From<std::process::ExitStatus> for Exit {
    fn from(status: std::process::ExitStatus) -> Exit {
        use std::os::unix::process::ExitStatusExt;
        let signal = status.signal().map(|number| match signal::Signal::try_from(number) {
            Ok(signal) => signal.as_str().trim_start_matches("SIG").to_owned(),
            Err(_) => number.to_string(),
        });
        Exit { code: status.code().and_then(|code| u32::try_from(code).ok()), signal }
    }
}

impl Signal {
    fn local(self) -> signal::Signal {
        match self {
            Signal::Hangup => signal::Signal::SIGHUP,
            Signal::Interrupt => signal::Signal::SIGINT,
            Signal::Terminate => signal::Signal::SIGTERM,
            Signal::Kill => signal::Signal::SIGKILL,
        }
    }
}

async fn collect(mut reader: OutputReader) -> Result<(Vec<u8>, bool), Error> {
    let mut kept = Vec::new();
    let limit = u64::try_from(OUTPUT_LIMIT).unwrap_or(u64::MAX);
    (&mut reader).take(limit).read_to_end(&mut kept).await.map_err(|source| Error::Read { source })?;
    let more = tokio::io::copy(&mut reader, &mut tokio::io::sink())
        .await
        .map_err(|source| Error::Read { source })?;
    Ok((kept, more > 0))
}

/// The standard input of a command. A write fails with [`io::ErrorKind::BrokenPipe`] once nobody
/// can read it any more; a shutdown is the end of file.
#[derive(Debug)]
pub struct Stdin(Inlet);

#[derive(Debug)]
enum Inlet {
    /// `None` once it is shut: only closing the pipe is an end of file.
    Local(Option<ChildStdin>),
    Terminal(pty::Line),
    Ssh(ssh::ChannelWriter),
}

impl Stdin {
    pub(crate) fn of_terminal(line: pty::Line) -> Stdin {
        Stdin(Inlet::Terminal(line))
    }

    pub(crate) fn of_channel(writer: ssh::ChannelWriter) -> Stdin {
        Stdin(Inlet::Ssh(writer))
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Inlet::Local(Some(stdin)) => Pin::new(stdin).poll_write(cx, bytes),
            Inlet::Local(None) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Inlet::Terminal(line) => Pin::new(line).poll_write(cx, bytes),
            Inlet::Ssh(writer) => Pin::new(writer).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inlet::Local(Some(stdin)) => Pin::new(stdin).poll_flush(cx),
            Inlet::Local(None) => Poll::Ready(Ok(())),
            Inlet::Terminal(line) => Pin::new(line).poll_flush(cx),
            Inlet::Ssh(writer) => Pin::new(writer).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inlet::Local(stdin) => {
                *stdin = None;
                Poll::Ready(Ok(()))
            }
            Inlet::Terminal(line) => Pin::new(line).poll_shutdown(cx),
            Inlet::Ssh(writer) => Pin::new(writer).poll_shutdown(cx),
        }
    }
}

/// One of the two outputs of a command. Ends with an error, not with an end of file, when the
/// connection was lost in its middle.
#[derive(Debug)]
pub struct OutputReader(Outlet);

#[derive(Debug)]
enum Outlet {
    Stdout(ChildStdout),
    Stderr(ChildStderr),
    Terminal(pty::Line),
    Ssh(ssh::ChannelReader),
}

impl OutputReader {
    pub(crate) fn of_terminal(line: pty::Line) -> OutputReader {
        OutputReader(Outlet::Terminal(line))
    }

    pub(crate) fn of_channel(reader: ssh::ChannelReader) -> OutputReader {
        OutputReader(Outlet::Ssh(reader))
    }
}

impl AsyncRead for OutputReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Outlet::Stdout(stdout) => Pin::new(stdout).poll_read(cx, into),
            Outlet::Stderr(stderr) => Pin::new(stderr).poll_read(cx, into),
            Outlet::Terminal(line) => Pin::new(line).poll_read(cx, into),
            Outlet::Ssh(reader) => Pin::new(reader).poll_read(cx, into),
        }
    }
}
