//! A git at work: its outputs are drained, its time is watched, and its whole process group dies with the future.

use std::{
    collections::VecDeque,
    future::pending,
    io,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdout, Command},
    select,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use crate::{Error, plain::plain};

/// Bytes of a line of standard error that are kept.
const LONGEST_LINE: usize = 1000;

/// Lines of standard error that are kept for an error.
const LAST_LINES: usize = 30;

/// How long the helpers of git may take to end after it.
const LINGER: Duration = Duration::from_secs(2);

/// How long a git may run and how much it may write.
pub(crate) struct Limits {
    pub(crate) total: Duration,
    /// Nothing read from git, and nothing written by it below `grows`, for this long.
    pub(crate) idle: Option<Duration>,
    /// The folder that git fills, and by how many bytes it may grow.
    pub(crate) grows: Option<(PathBuf, u64)>,
}

/// How a git ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The last lines of standard error, cleaned.
    pub(crate) said: String,
}

/// A started git. Dropping it kills the process group.
pub(crate) struct Running {
    verb: &'static str,
    child: Child,
    /// The process group, until all of it has ended.
    group: Option<Pid>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    /// Starts a command that was made by [`Git`](crate::command::Git).
    pub(crate) fn start(verb: &'static str, mut command: Command) -> Result<Self, Error> {
        tracing::debug!(verb, "git starts");
        let mut child = command.spawn().map_err(|source| {
            let program = PathBuf::from(command.as_std().get_program());
            let folder_is_there = command.as_std().get_current_dir().is_none_or(Path::is_dir);
            match source.kind() {
                io::ErrorKind::NotFound if folder_is_there => {
                    Error::GitMissing { program: program.display().to_string() }
                }
                _ => Error::Io { what: "cannot start", path: program, source },
            }
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Self { verb, child, group, stdout, stderr })
    }

    /// Writes a few bytes, less than a pipe holds, to a standard input that was made a pipe, and closes it.
    pub(crate) async fn feed(&mut self, input: &str) {
        if let Some(mut stdin) = self.child.stdin.take() {
            // A git that ended early says why itself.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    }

    /// Takes standard output away: the caller reads it while [`finish`](Self::finish) watches the rest.
    pub(crate) fn take_stdout(&mut self) -> Result<ChildStdout, Error> {
        self.stdout.take().ok_or_else(|| Error::Failed { verb: self.verb, said: "it has no output".into() })
    }

    /// Waits for the end. `out` gets standard output (unless it was taken), `line` each line of standard error, where
    /// progress that is overwritten on a terminal counts as a line.
    pub(crate) async fn finish(
        mut self,
        limits: &Limits,
        out: &mut (dyn FnMut(&[u8]) + Send),
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ended, Error> {
        let verb = self.verb;
        let drained = timeout(limits.total, self.drain(limits, out, line)).await;
        drained.map_err(|_| Error::TotalTimeout { verb, after: limits.total })?
    }

    async fn drain(
        &mut self,
        limits: &Limits,
        out: &mut (dyn FnMut(&[u8]) + Send),
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ended, Error> {
        let (mut stdout, mut stderr) = (self.stdout.take(), self.stderr.take());
        let (mut from_out, mut from_err) = (vec![0; 1 << 16], vec![0; 1 << 12]);
        let mut lines = Lines::default();
        let mut growth = Growth::start(limits);
        let mut active = Instant::now();
        let tick = limits.idle.unwrap_or(Duration::MAX) / 4;
        let mut ticks = interval(tick.clamp(Duration::from_millis(10), Duration::from_millis(500)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ended: Option<(ExitStatus, Instant)> = None;
        loop {
            match &ended {
                Some((status, _)) if stdout.is_none() && stderr.is_none() => {
                    self.group = None;
                    lines.end(line);
                    if let Some(signal) = status.signal() {
                        lines.keep(format!("it was killed by signal {signal}"));
                    }
                    return Ok(Ended { status: *status, said: Vec::from(lines.last).join("\n") });
                }
                // A part of git that outlives its leader, which was killed, would keep us waiting for ever.
                Some((_, at)) if at.elapsed() > LINGER => self.kill(),
                _ => {}
            }
            select! {
                status = self.child.wait(), if ended.is_none() => {
                    let status = status.map_err(Error::io("cannot wait for", "git"))?;
                    ended = Some((status, Instant::now()));
                }
                read = read(&mut stdout, &mut from_out) => match self.took(read)? {
                    0 => stdout = None,
                    n => { active = Instant::now(); out(from_out.get(..n).unwrap_or_default()); }
                },
                read = read(&mut stderr, &mut from_err) => match self.took(read)? {
                    0 => stderr = None,
                    n => { active = Instant::now(); lines.feed(from_err.get(..n).unwrap_or_default(), line); }
                },
                _ = ticks.tick() => {
                    if growth.moved()? {
                        active = Instant::now();
                    }
                    if let Some(idle) = limits.idle && active.elapsed() > idle {
                        return Err(Error::IdleTimeout { verb: self.verb, after: idle });
                    }
                }
            }
        }
    }

    /// Kills all of the group. As long as one of it lives, no stranger can get its id.
    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    fn took(&self, read: io::Result<usize>) -> Result<usize, Error> {
        read.map_err(Error::io("cannot read the output of git", self.verb))
    }
}

async fn read(from: &mut Option<impl AsyncRead + Unpin>, into: &mut [u8]) -> io::Result<usize> {
    match from {
        Some(from) => from.read(into).await,
        None => pending().await,
    }
}

/// Lines of standard error, cut and cleaned.
#[derive(Default)]
struct Lines {
    open: Vec<u8>,
    returned: bool,
    last: VecDeque<String>,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8], line: &mut dyn FnMut(&str)) {
        for byte in bytes {
            // Progress that is overwritten is worth showing, not worth keeping. ssh ends its lines with both.
            if std::mem::replace(&mut self.returned, *byte == b'\r')
                && *byte != b'\n'
                && let Some(text) = self.close()
            {
                line(&text);
            }
            match byte {
                b'\n' => self.end(line),
                b'\r' => {}
                _ if self.open.len() < LONGEST_LINE => self.open.push(*byte),
                _ => {}
            }
        }
    }

    fn end(&mut self, line: &mut dyn FnMut(&str)) {
        let Some(text) = self.close() else { return };
        line(&text);
        self.keep(text);
    }

    fn keep(&mut self, text: String) {
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }

    fn close(&mut self) -> Option<String> {
        let text = plain(String::from_utf8_lossy(&self.open).trim_end(), LONGEST_LINE);
        self.open.clear();
        (!text.is_empty()).then_some(text)
    }
}

/// The size of the folder that git fills: it tells a slow download from one that stands still, and ends a huge one.
struct Growth<'a> {
    grows: Option<&'a (PathBuf, u64)>,
    at_start: u64,
    seen: u64,
}

impl<'a> Growth<'a> {
    fn start(limits: &'a Limits) -> Self {
        let grows = limits.grows.as_ref();
        let now = grows.map_or(0, |(folder, _)| size_of_files_in(folder));
        Self { grows, at_start: now, seen: now }
    }

    fn moved(&mut self) -> Result<bool, Error> {
        let Some((folder, limit)) = self.grows else { return Ok(false) };
        let now = size_of_files_in(folder);
        if now.saturating_sub(self.at_start) > *limit {
            return Err(Error::TooLarge {
                what: "the fetch",
                limit: *limit,
                unit: "bytes",
                setting: "repository_size",
            });
        }
        Ok(std::mem::replace(&mut self.seen, now) != now)
    }
}

fn size_of_files_in(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_overwritten_ones_are_not_kept() {
        let (mut lines, mut heard) = (Lines::default(), Vec::new());
        let mut line = |text: &str| heard.push(text.to_owned());
        lines.feed(b"Receiving 1%\rRece", &mut line);
        lines.feed(b"iving 100%, done.\n\nssh says\r", &mut line);
        lines.feed(b"\n\x1b[2Jx\n", &mut line);
        lines.feed(&[b'y'; 5000], &mut line);
        lines.end(&mut line);
        let long = "y".repeat(LONGEST_LINE);
        assert_eq!(heard, ["Receiving 1%", "Receiving 100%, done.", "ssh says", "\u{fffd}[2Jx", &long]);
        assert_eq!(lines.last, ["Receiving 100%, done.", "ssh says", "\u{fffd}[2Jx", &long]);
    }
}
