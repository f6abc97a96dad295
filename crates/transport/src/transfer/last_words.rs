//! What a command says on standard error: read as it comes, so that nothing holds the command up, and told when there is no
//! answer.

use std::time::Duration;

use tokio::io::{AsyncReadExt, copy, sink};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::{Error, Exit, OutputReader, Running};

/// How much of it is kept, in bytes.
const KEPT: u64 = 8 * 1024;

/// The beginning of it, which is there when that is read.
pub(super) struct LastWords {
    said: watch::Receiver<Option<String>>,
    _reading: AbortOnDropHandle<()>,
}

impl LastWords {
    /// Begins to read. Dropping this ends it.
    pub(super) fn of(mut stderr: OutputReader) -> LastWords {
        let (tell, said) = watch::channel(None);
        let reading = tokio::spawn(async move {
            let mut kept = Vec::new();
            // What it says is told; that it says nothing is no news.
            (&mut stderr).take(KEPT).read_to_end(&mut kept).await.ok();
            tell.send_replace(Some(String::from_utf8_lossy(&kept).into_owned()));
            copy(&mut stderr, &mut sink()).await.ok();
        });
        LastWords { said, _reading: AbortOnDropHandle::new(reading) }
    }

    /// What a command that has no answer said at last. A server may never say that it has ended.
    pub(super) async fn told(&mut self, running: &mut Running, patience: Duration) -> Result<String, Error> {
        let end = async {
            let exit = running.wait().await?;
            let said = self.said.wait_for(Option::is_some).await;
            Ok((exit, said.ok().and_then(|said| said.clone()).unwrap_or_default()))
        };
        let end: Result<(Exit, String), Error> = match timeout(patience, end).await {
            Ok(end) => end,
            Err(_) => return Ok("it ended in the middle of an answer".to_owned()),
        };
        // A lost connection explains a broken stream, not the other way round.
        let (exit, said) = end?;
        let code = exit.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        let nothing = || format!("the command ended without an answer (exit {code})");
        Ok(said.lines().next().map_or_else(nothing, str::to_owned))
    }
}
