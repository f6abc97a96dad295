//! Following one release over the journal: by long polling, from the last number seen, however often the line
//! breaks. Watching never changes a release; whoever stops watching leaves it running.

use std::time::{Duration, Instant};

use api::{EventBatch, Progress};
use futures::StreamExt;
use model::{Node, Release, ReleaseId, Status, StepKind, StepStatus, Tree};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::client::{Ask, Client, Error};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::live::View;
use crate::render::tail::Tail;
use crate::render::{ending, lines, say};

/// How long the server may let a long poll wait, in seconds.
const WAIT_SECS: u64 = 25;

/// How long an answer to a long poll may take: its waiting, and the way.
const ANSWER: Duration = Duration::from_secs(WAIT_SECS + 30);

/// How long an answer about uploads may take: the picture waits for it.
const GLANCE: Duration = Duration::from_millis(500);

/// The pauses between tries while the server cannot be reached: doubled from the first up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(8);

/// How long an unreachable server is waited for.
const PATIENCE: Duration = Duration::from_mins(10);

/// How many lines of a failed step's log are shown, and of how many steps.
const LOG_LINES: usize = 30;
const LOG_STEPS: usize = 5;

/// What the server knows of a release at one moment, in `model`'s words, which are those of the wire: so the one
/// function that applies facts to a tree serves here too.
#[derive(Debug, Deserialize)]
pub struct Snapshot {
    /// The release.
    pub release: Release,
    /// Its tree.
    pub nodes: Vec<Node>,
    /// Which database said so.
    pub stream: String,
    /// The number of the last fact in it.
    pub seq: u64,
}

impl Snapshot {
    /// Asks for the release `id`.
    ///
    /// # Errors
    /// It does not exist, or the server cannot be asked.
    pub async fn of(client: &Client, id: ReleaseId) -> Result<Self, Error> {
        client.get(&Ask::at(&["releases", &id.to_string()])).await
    }

    /// The tree, to which later facts are applied.
    pub fn tree(&self) -> Tree {
        Tree {
            nodes: self.nodes.clone(),
            servers: self.release.servers.clone(),
            status: self.release.status,
            reason: self.release.reason.clone(),
            seq: self.seq,
        }
    }
}

/// Follows release `id` on standard output until it ends, needs a person, `timeout` is over or Ctrl-C is pressed.
///
/// # Errors
/// The release does not exist, the server stays away, or standard output is closed.
pub async fn follow(client: &Client, id: ReleaseId, timeout: Option<Duration>) -> anyhow::Result<Ending> {
    let left = async {
        // Without a handler for it Ctrl-C ends the program anyway.
        tokio::signal::ctrl_c().await.ok();
    };
    follow_until(left, client, id, timeout).await
}

/// Like [`follow`], for as long as `left` goes on: it is there when somebody does not want to watch any more.
///
/// # Errors
/// As [`follow`].
pub async fn follow_until(
    left: impl Future<Output = ()>,
    client: &Client,
    id: ReleaseId,
    timeout: Option<Duration>,
) -> anyhow::Result<Ending> {
    tokio::pin!(left);
    let over = tokio::time::sleep(timeout.unwrap_or(Duration::MAX));
    tokio::pin!(over);
    let mut view = View::stdout();
    loop {
        let snapshot = Snapshot::of(client, id).await?;
        let mut watched = Watched {
            tree: snapshot.tree(),
            release: snapshot.release,
            stream: snapshot.stream,
            late: false,
        };
        watched.late = rests(watched.tree.status);
        view.begin(&watched.release, &watched.tree)?;
        let left = tokio::select! {
            left = watched.watch(client, &mut view) => left?,
            () = &mut over => Left::TimeOver,
            () = &mut left => Left::Detached,
        };
        match left {
            Left::Restored => view = View::stdout(),
            Left::Ended => return watched.ended(client, &mut view).await,
            Left::TimeOver => {
                say(&format!("the time is over; release {id} goes on"))?;
                say(&ways_on(id))?;
                return Ok(Ending::TimeOver);
            }
            Left::Detached => {
                say(&format!("not watching any more; release {id} goes on"))?;
                say(&ways_on(id))?;
                return Ok(Ending::Done);
            }
        }
    }
}

/// How to watch and to cancel a release that goes on.
pub fn ways_on(id: ReleaseId) -> String {
    format!("watch it: aweigh watch {id} · cancel it: aweigh cancel {id}")
}

/// Why watching stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The release ended, or waits for a person.
    Ended,
    /// The server has another database now: what we know is worth nothing.
    Restored,
    /// No more time.
    TimeOver,
    /// The person left.
    Detached,
}

struct Watched {
    release: Release,
    tree: Tree,
    stream: String,
    /// It had come to rest before anybody watched, so nobody was told why.
    late: bool,
}

/// What the reader of the journal has to tell.
enum News {
    Batch(EventBatch),
    Away(String),
    Failed(Error),
}

impl Watched {
    /// Shows facts as they come. Dropping it stops the reader.
    async fn watch(&mut self, client: &Client, view: &mut View) -> anyhow::Result<Left> {
        let (send, mut news) = mpsc::channel(4);
        let reader = tokio::spawn(read(client.clone(), self.release.id, self.tree.seq, send));
        let _stop = StopOnDrop(reader.abort_handle());
        let mut second = tokio::time::interval(Duration::from_secs(1));
        while !rests(self.tree.status) {
            tokio::select! {
                news = news.recv() => match news {
                    Some(News::Batch(batch)) if batch.stream != self.stream => return Ok(Left::Restored),
                    Some(News::Batch(batch)) => self.take(&batch, view)?,
                    Some(News::Away(why)) => view.note(Some(&why))?,
                    Some(News::Failed(error)) => return Err(error.into()),
                    None => anyhow::bail!("the reader of the journal stopped"),
                },
                _ = second.tick() => {
                    if view.shows_progress() {
                        view.progress(self.progress(client).await);
                    }
                    view.refresh(&self.release, &self.tree)?;
                }
            }
        }
        Ok(Left::Ended)
    }

    /// How far the uploads are, while there are any. Not to know it is no trouble.
    async fn progress(&self, client: &Client) -> Option<Progress> {
        let is_uploading = |node: &Node| node.step == StepKind::Upload && node.status == StepStatus::Running;
        if !self.tree.nodes.iter().any(is_uploading) {
            return None;
        }
        let id = self.release.id.to_string();
        let ask = Ask::at(&["releases", &id, "progress"]).within(GLANCE);
        client.get(&ask).await.ok()
    }

    fn take(&mut self, batch: &EventBatch, view: &mut View) -> anyhow::Result<()> {
        view.note(None)?;
        for event in &batch.events {
            if event.seq > self.tree.seq {
                let known = lines::is_known(&self.tree, event);
                self.tree.apply(event);
                if !known {
                    view.event(&self.release, &self.tree, event)?;
                }
            }
        }
        Ok(view.refresh(&self.release, &self.tree)?)
    }

    /// Says how it ended: the tree once more, what the failed steps wrote last, what the servers run now.
    async fn ended(self, client: &Client, view: &mut View) -> anyhow::Result<Ending> {
        view.refresh(&self.release, &self.tree)?;
        let (id, status) = (self.release.id, self.tree.status);
        if let Some(reason) = self.tree.reason.as_ref().filter(|_| self.late) {
            say(&one_line(reason))?;
        }
        if status != Status::Succeeded {
            self.logs(client).await?;
        }
        if status.is_terminal() || status == Status::Interrupted {
            let sentence = ending::sentence(&self.tree.servers);
            if !sentence.is_empty() {
                say(&sentence)?;
            }
        }
        if status == Status::Interrupted {
            say(&format!("let it go on: aweigh resume {id} · put it back: aweigh cancel {id}"))?;
        }
        Ok(Ending::Release(status))
    }

    async fn logs(&self, client: &Client) -> anyhow::Result<()> {
        let failed = failed(&self.tree);
        for node in failed.iter().take(LOG_STEPS) {
            // How it ended is known; a log that is gone, or a server, does not change that.
            let (lines, before) = match tail(client, self.release.id, &node.key).await {
                Ok(found) => found,
                Err(error) => {
                    say(&format!(
                        "\n── {}: its log cannot be shown: {}",
                        node.key,
                        one_line(&error.to_string())
                    ))?;
                    continue;
                }
            };
            if lines.is_empty() {
                continue;
            }
            let cut = if before > 0 { format!(" (the last {LOG_LINES} lines)") } else { String::new() };
            say(&format!("\n── {}{cut}", node.key))?;
            for line in lines {
                say(&line)?;
            }
        }
        if failed.len() > LOG_STEPS {
            let more = failed.len() - LOG_STEPS;
            say(&format!("\n{more} more steps failed: aweigh logs {} --failed", self.release.id))?;
        } else if !failed.is_empty() {
            say("")?;
        }
        Ok(())
    }
}

/// Whether nothing more comes without a person.
fn rests(status: Status) -> bool {
    status.is_terminal() || matches!(status, Status::Interrupted | Status::AwaitingApproval)
}

/// The nodes that failed or are unknown and have no such node inside them: those whose log tells why.
pub fn failed(tree: &Tree) -> Vec<&Node> {
    let bad = |node: &&Node| matches!(node.status, StepStatus::Failed | StepStatus::Unknown);
    let outer = |node: &Node| {
        tree.nodes
            .iter()
            .filter(bad)
            .any(|other| other.key.strip_prefix(&node.key).is_some_and(|rest| rest.starts_with('/')))
    };
    tree.nodes.iter().filter(bad).filter(|node| !outer(node)).collect()
}

async fn tail(client: &Client, id: ReleaseId, node: &str) -> anyhow::Result<(Vec<String>, usize)> {
    let id = id.to_string();
    let mut pieces = client.get_stream(&Ask::at(&["releases", &id, "log"]).with("node", node)).await?;
    let mut tail = Tail::new(LOG_LINES);
    while let Some(piece) = pieces.next().await {
        tail.push(&piece?);
    }
    Ok(tail.finish())
}

/// Reads the journal of a release from the fact after `after`, and tells what it finds until nobody listens.
async fn read(client: Client, id: ReleaseId, mut after: u64, news: mpsc::Sender<News>) {
    let topic = format!("release:{id}");
    let mut pause = FIRST_PAUSE;
    let mut away: Option<Instant> = None;
    loop {
        let ask = Ask::at(&["events"])
            .with("topic", &topic)
            .with("after", after)
            .with("wait", WAIT_SECS)
            .with("logs", "none")
            .within(ANSWER);
        let asked = Instant::now();
        let told = match client.get::<EventBatch>(&ask).await {
            Ok(batch) => {
                (pause, away) = (FIRST_PAUSE, None);
                // A server that is stopping answers at once and with nothing.
                let rest = batch.events.is_empty() && asked.elapsed() < FIRST_PAUSE;
                after = batch.seq;
                if rest {
                    tokio::time::sleep(FIRST_PAUSE).await;
                }
                News::Batch(batch)
            }
            Err(error) if error.is_temporary() && away.get_or_insert(asked).elapsed() < PATIENCE => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
                News::Away(format!("{}; trying again", one_line(&error.to_string())))
            }
            Err(error) => News::Failed(error),
        };
        let last = matches!(told, News::Failed(_));
        if news.send(told).await.is_err() || last {
            return;
        }
    }
}

struct StopOnDrop(AbortHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::answering::{answer, answering};
    use crate::render::sample;
    use serde_json::json;

    #[tokio::test]
    async fn a_broken_line_is_taken_up_again_after_the_last_number() {
        let event = |seq: u64| {
            json!({"seq": seq, "at": "2026-11-20T10:45:12Z", "kind": "release",
            "data": {"status": if seq < 3 { "running" } else { "succeeded" }}})
        };
        let batch = |from: u64, to: u64| {
            let events: Vec<_> = (from..=to).map(event).collect();
            answer(200, &json!({"topic": "release:42", "stream": "s", "seq": to, "events": events}))
        };
        let unknown = json!({"type": "about:blank#not_found", "title": "", "status": 404, "code": "not_found",
            "detail": "there is no release 42"});
        let answers =
            vec![batch(1, 2), String::new(), answer(503, &json!(null)), batch(3, 3), answer(404, &unknown)];
        let (client, asked) = answering(answers).await;
        let (send, mut news) = mpsc::channel(16);
        read(client, ReleaseId(42), 0, send).await;
        let mut told = Vec::new();
        while let Some(news) = news.recv().await {
            told.push(match news {
                News::Batch(batch) => {
                    format!("{:?}", batch.events.iter().map(|event| event.seq).collect::<Vec<_>>())
                }
                News::Away(_) => "away".to_owned(),
                News::Failed(error) => error.to_string(),
            });
        }
        assert_eq!(told, ["[1, 2]", "away", "away", "[3]", "there is no release 42"]);
        let after: Vec<String> = asked
            .await
            .unwrap()
            .iter()
            .map(|head| head.split("after=").nth(1).unwrap().split('&').next().unwrap().to_owned())
            .collect();
        assert_eq!(after, ["0", "2", "2", "2", "3"]);
    }

    #[test]
    fn only_the_innermost_failed_steps_tell_why() {
        let mut told = sample::Told::to(&["web-1", "web-2"]);
        for key in ["web-1/after_upload/1", "web-1/after_upload", "web-2/upload"] {
            told.node(1.0, key, StepStatus::Failed, None);
        }
        let keys: Vec<&str> = failed(&told.tree).iter().map(|node| node.key.as_str()).collect();
        assert_eq!(keys, ["web-1/after_upload/1", "web-2/upload"]);
    }
}
