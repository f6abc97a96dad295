//! What a shell shows: recorded first, then told.

use std::any::Any;
use std::fs::File;
use std::future::pending;
use std::io::{self, BufWriter};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use engine::characters::Characters;
use engine::ports::{HostError, TerminalSize, Window};
use engine::recording::{Recorder, Written};
use futures::future::BoxFuture;
use store::{RecordingEnd, Store};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Error;

/// The most that is told at once, in bytes.
const PIECE: usize = 32 * 1024;

/// How many pieces may wait for the disk.
const WAITING: usize = 16;

/// How long a recording may be, in bytes. Then its shell is closed: nobody gets one that is not recorded.
pub(super) const LONGEST: u64 = 64 << 20;

/// How much longer it may be for what was shown and still waited when it was as long as it may be. A byte takes at most
/// six in JSON.
pub(super) const REST: u64 = (WAITING as u64 + 2) * (PIECE as u64) * 6;

/// Why a shell ended whose recording was as long as it may be.
const FULL: &str = "its recording was as long as one may be";

/// Why a shell ended of which nobody said how.
const CUT_OFF: &str = "cut off";

/// Something that a shell shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// What is on the screen, or on standard output.
    Screen(Bytes),
    /// What is on standard error, where there is no terminal.
    Errors(String),
    /// It has ended: the exit code, or `None` when a signal ended it.
    Exit(Option<u32>),
}

type Source = Pin<Box<dyn AsyncRead + Send + Sync>>;

/// What an open shell shows, and its size.
pub struct Screen {
    output: Option<Source>,
    errors: Option<Source>,
    window: Option<Box<dyn Window>>,
    exit: BoxFuture<'static, Result<Option<u32>, HostError>>,
    output_read: BytesMut,
    errors_read: BytesMut,
    errors_text: Characters,
    /// What was read and is not recorded yet.
    unrecorded: Option<Shown>,
    recording: Recording,
    /// The connection, and the place among those that may be open.
    _holds: Box<dyn Any + Send + Sync>,
}

/// A recording in the hands of the thread that writes it. When it is dropped, it ends as cut off.
pub(super) struct Recording {
    begun: Instant,
    tell: mpsc::Sender<Told>,
    /// It is as long as it may be.
    is_full: Arc<AtomicBool>,
    ended: JoinHandle<()>,
}

/// What the writing thread is told.
enum Told {
    Shown(Duration, Bytes),
    Resized(Duration, TerminalSize),
    Ended(Option<u32>, Option<String>),
}

/// Begins to write a recording: on return its beginning is in its file. When it is over the store says how it ended.
///
/// # Errors
/// It cannot be written.
pub(super) async fn record(
    store: Store,
    id: i64,
    begin: impl FnOnce() -> io::Result<Recorder<BufWriter<File>>> + Send + 'static,
) -> io::Result<Recording> {
    let (tell, told) = mpsc::channel(WAITING);
    let (answer, answered) = oneshot::channel();
    let (begun, is_full) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let full = Arc::clone(&is_full);
    let writing = tokio::task::spawn_blocking(move || {
        let recorder = begin().and_then(|mut recorder| recorder.flush().map(|()| recorder));
        match recorder {
            Ok(recorder) => {
                // Whoever does not want to know any more has dropped the other end of `told`, too.
                drop(answer.send(Ok(())));
                write(recorder, told, begun, &full)
            }
            Err(error) => {
                let end = unwritten(&error);
                drop(answer.send(Err(error)));
                end
            }
        }
    });
    let ended = tokio::spawn(async move {
        let end =
            writing.await.unwrap_or_else(|_| unwritten(&io::Error::other("the thread that writes it ended")));
        if let Err(error) = store.end_recording(id, end).await {
            tracing::warn!(%error, recording = id, "the end of a shell is not noted");
        }
    });
    answered.await.unwrap_or_else(|_| Err(io::Error::other("the thread that writes it ended")))?;
    Ok(Recording { begun, tell, is_full, ended })
}

/// Writes until nobody is left who tells, or the disk takes no more. When the recording is as long as it may be, nothing
/// more is taken, and what was taken is written.
fn write(
    mut recorder: Recorder<BufWriter<File>>,
    mut told: mpsc::Receiver<Told>,
    begun: Instant,
    is_full: &AtomicBool,
) -> RecordingEnd {
    let mut end = (None, Some(CUT_OFF.to_owned()));
    loop {
        let next = match told.try_recv() {
            Ok(next) => Some(next),
            // Nothing more for now: whoever looks at it meanwhile sees all of it.
            Err(TryRecvError::Empty) => match recorder.flush() {
                Ok(()) => told.blocking_recv(),
                Err(error) => return unwritten(&error),
            },
            Err(TryRecvError::Disconnected) => None,
        };
        let written = match next {
            Some(Told::Shown(at, bytes)) => recorder.shown(at, &bytes),
            Some(Told::Resized(at, size)) => recorder.resized(at, size),
            Some(Told::Ended(exit, reason)) => {
                end = (exit, reason);
                Ok(())
            }
            None => break,
        };
        if let Err(error) = written {
            return unwritten(&error);
        }
        if recorder.bytes() >= LONGEST && !is_full.swap(true, Ordering::Relaxed) {
            end = (None, Some(FULL.to_owned()));
            told.close();
        }
    }
    match recorder.finish(begun.elapsed()) {
        Ok(Written { bytes, truncated }) => RecordingEnd { exit: end.0, reason: end.1, bytes, truncated },
        Err(error) => unwritten(&error),
    }
}

fn unwritten(error: &io::Error) -> RecordingEnd {
    let reason = Some(format!("the recording cannot be written: {error}"));
    RecordingEnd { exit: None, reason, bytes: 0, truncated: true }
}

impl Screen {
    pub(super) fn new(
        output: Source,
        errors: Option<Source>,
        window: Option<Box<dyn Window>>,
        exit: BoxFuture<'static, Result<Option<u32>, HostError>>,
        recording: Recording,
        holds: Box<dyn Any + Send + Sync>,
    ) -> Self {
        Self {
            output: Some(output),
            errors,
            window,
            exit,
            output_read: BytesMut::new(),
            errors_read: BytesMut::new(),
            errors_text: Characters::default(),
            unrecorded: None,
            recording,
            _holds: holds,
        }
    }

    /// The next thing that it shows, once it is on its way into the recording. Nothing follows [`Shown::Exit`]. A dropped
    /// future loses nothing.
    ///
    /// # Errors
    /// The connection is lost, or the recording cannot be written or may not be longer: then nothing more is shown.
    pub async fn next(&mut self) -> Result<Shown, Error> {
        if self.unrecorded.is_none() {
            self.unrecorded = Some(self.read().await?);
        }
        let place = self.recording.tell.reserve().await.map_err(|_| self.recording.lost())?;
        let Some(shown) = self.unrecorded.take() else { return Ok(Shown::Exit(None)) };
        let bytes = match &shown {
            Shown::Screen(bytes) => bytes.clone(),
            Shown::Errors(text) => Bytes::copy_from_slice(text.as_bytes()),
            Shown::Exit(_) => return Ok(shown),
        };
        place.send(Told::Shown(self.recording.begun.elapsed(), bytes));
        Ok(shown)
    }

    async fn read(&mut self) -> Result<Shown, Error> {
        loop {
            if self.output.is_none() && self.errors.is_none() {
                return Ok(Shown::Exit((&mut self.exit).await?));
            }
            tokio::select! {
                piece = piece(self.output.as_mut(), &mut self.output_read) => match piece {
                    Some(bytes) => return Ok(Shown::Screen(bytes)),
                    None => self.output = None,
                },
                piece = piece(self.errors.as_mut(), &mut self.errors_read) => match piece {
                    Some(bytes) => return Ok(Shown::Errors(self.errors_text.push(&bytes))),
                    None => self.errors = None,
                },
            }
        }
    }

    /// Gives the terminal another size; there may be none.
    pub async fn resize(&mut self, size: TerminalSize) -> Result<(), Error> {
        let Some(window) = &self.window else { return Ok(()) };
        let told = Told::Resized(self.recording.begun.elapsed(), size);
        self.recording.tell.send(told).await.map_err(|_| self.recording.lost())?;
        window.resize(size).await;
        Ok(())
    }

    /// Hangs up, and notes how it ended: by itself with this exit code, or for this `reason`. The recording is whole on
    /// return.
    pub async fn end(self, exit: Option<u32>, reason: Option<String>) {
        let Self { output, errors, exit: waiting, recording, _holds: holds, .. } = self;
        drop((output, errors, waiting, holds));
        recording.end(exit, reason).await;
    }
}

impl Recording {
    /// Notes how its shell ended; it is whole on return.
    pub(super) async fn end(self, exit: Option<u32>, reason: Option<String>) {
        let Self { tell, ended, .. } = self;
        // It fails where nothing more is taken; why is noted instead.
        let _ = tell.send(Told::Ended(exit, reason)).await;
        drop(tell);
        let _ = ended.await;
    }

    /// Why nothing more is taken.
    fn lost(&self) -> Error {
        if self.is_full.load(Ordering::Relaxed) {
            return Error::RecordingFull { mib: LONGEST >> 20 };
        }
        Error::Local {
            message: "the shell was closed: its recording cannot be written".to_owned(),
            hint: Some("look at the disk of the data folder".to_owned()),
        }
    }
}

/// The next piece of a stream; `None` at its end. What broke it is told by the exit.
async fn piece(source: Option<&mut Source>, buffer: &mut BytesMut) -> Option<Bytes> {
    let Some(source) = source else { return pending().await };
    buffer.reserve(PIECE);
    match source.read_buf(buffer).await {
        Ok(1..) => Some(buffer.split().freeze()),
        Ok(0) | Err(_) => None,
    }
}
