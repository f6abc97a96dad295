//! A job: one start of a user's text, in a process session of its own on the server. It survives a cut line and a
//! restart of Aweigh; its run id is started once, and its log is followed from the byte where it was left.

use std::time::Duration;

use model::{Hook, Rerun};
use tokio::time::Instant;

use super::usage::Limits;
use crate::driver::{Broken, Heard};
use crate::error::{Failure, Halt};
use crate::lane::{Lane, unsendable};
use crate::remote::{Answer, Command, status};
use crate::reporter::NodeLog;
use crate::run::Open;
use crate::sandbox::Walls;

/// How long a hook gets after TERM before KILL.
pub const GRACE: Duration = Duration::from_secs(10);

/// How often is looked at what a job uses.
const LOOK: Duration = Duration::from_millis(250);

/// One start of a user's text.
pub struct Job<'j> {
    /// What it is started as; the same id never starts twice.
    pub run_id: String,
    /// Its text and its limits.
    pub hook: &'j Hook,
    /// The folder it runs in, below the root.
    pub folder: String,
    /// The lines `NAME=value` of its environment.
    pub variables: &'j [String],
    /// The same of secrets; on the server they are in no file when the text runs.
    pub secrets: &'j [String],
    /// The wish to stop ends it.
    pub may_stop: bool,
    /// How many bytes of its log are recorded already.
    pub log_read: u64,
    /// What it may use, where it runs on this machine.
    pub limits: Option<Limits>,
    /// What is around it there.
    pub walls: Option<Walls>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exit(i64),
    /// It ran longer than it may, and was killed.
    TooLong(Duration),
    /// It was silent longer than it may be, and was killed.
    Silent(Duration),
    /// It used more than it may, as the words say, and was killed.
    TooMuch(String),
    /// It was killed because the release is to stop.
    Stopped,
    /// It was to end for this reason, and cannot be killed: something of it still runs, as another user.
    Survives(Box<Ended>),
    /// Its process is gone and left no exit code: killed on the server, or the server went down.
    Vanished,
}

impl Ended {
    /// For a sentence that begins with the hook's name.
    pub fn words(&self) -> String {
        match self {
            Self::TooLong(_) | Self::Silent(_) => format!("{} and was killed", self.reason()),
            Self::TooMuch(_) => format!("{}, and was killed", self.reason()),
            Self::Survives(why) => {
                format!("{}, and could not be killed: something of it still runs", why.reason())
            }
            Self::Exit(_) | Self::Stopped | Self::Vanished => self.reason(),
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Exit(code) => format!("exited with {code}"),
            Self::TooLong(limit) => format!("ran longer than its timeout of {limit:?}"),
            Self::Silent(limit) => format!("was silent longer than its idle timeout of {limit:?}"),
            Self::TooMuch(what) => what.clone(),
            Self::Stopped => "was stopped".to_owned(),
            Self::Vanished => {
                "disappeared without an exit code: it was killed, or the server went down".to_owned()
            }
            Self::Survives(why) => why.reason(),
        }
    }
}

/// Runs a job as the step `open`, and records how it ended.
pub async fn run_job(lane: &mut Lane, open: Open<'_>, job: &Job<'_>, name: &str) -> Result<(), Halt> {
    let mut log = open.log();
    log.go_on_from(job.log_read);
    let ended = execute(lane, job, &mut log).await;
    log.end().await?;
    let failure = match ended {
        Ok(Ended::Exit(0)) => return open.ok(None).await,
        Ok(Ended::Stopped) => return Err(open.cancelled().await),
        // Nobody watched when it went: it may have done its work or not.
        Ok(Ended::Vanished) if open.unknown && job.hook.rerun == Rerun::Never => {
            return Err(open
                .lost(format!("it began, and nobody knows whether it ended: {}", job.run_id))
                .await);
        }
        Ok(other) => Failure::new(format!("hook {name} {}", other.words())),
        Err(Halt::Failed(failure)) => failure,
        Err(other) => return Err(other),
    };
    if job.hook.allow_failure {
        open.warn(failure.reason(), None, None).await
    } else {
        Err(open.fail(failure).await)
    }
}

/// Whether the server knows what became of a run: it never started, it runs, or it left its exit code.
pub async fn is_known(lane: &mut Lane, run_id: &str) -> Result<bool, Failure> {
    let command = Command::new("state").value("run", run_id).map_err(unsendable)?;
    let answer = lane.ask(&command).await?;
    Ok(answer.status == status::NO_RUN || answer.get("unknown").is_none())
}

/// Starts `job`, unless it was started before, and follows it to its end.
pub async fn execute(lane: &mut Lane, job: &Job<'_>, log: &mut NodeLog) -> Result<Ended, Halt> {
    let (through, walls) = match &job.walls {
        Some(walls) => lane.run.ports.sandbox.line(walls).map_err(Halt::Failed)?,
        None => Default::default(),
    };
    let start = || {
        let command = Command::new("hook").value("run", &job.run_id)?.value("folder", &job.folder)?;
        let command = command.list("variable", job.variables.iter().map(String::as_str))?;
        let command = command.list("secret", job.secrets.iter().map(String::as_str))?;
        let command = command.value("program", &through)?.value("walls", &walls)?;
        Ok(command.text(&job.hook.run))
    };
    let command = start().map_err(|error| Halt::Failed(unsendable(error)))?;
    let answer = lane.ask(&command).await.map_err(Halt::Failed)?;
    if answer.status != status::DONE {
        return Err(Halt::Failed(lane.refused(&answer, "start the hook")));
    }
    Watch::new(lane, job).follow(lane, log).await
}

/// What woke whoever watches a job.
enum Turn {
    Heard(Result<Heard, Broken>),
    Flush,
    Clock,
    Stop,
    Look,
}

/// The clocks of one job.
struct Watch<'j> {
    job: &'j Job<'j>,
    offset: u64,
    until: Instant,
    silent_until: Option<Instant>,
    look: Option<Instant>,
    killed: Option<Killed>,
    /// Something came over the line that is there now.
    is_heard: bool,
    stop: tokio_util::sync::CancellationToken,
}

/// A job that is to end before its time.
struct Killed {
    why: Ended,
    /// When more is done about it.
    next: Instant,
    /// KILL was sent; after that nothing more can be done.
    is_last: bool,
    /// Something of it was left after that.
    survives: bool,
}

impl<'j> Watch<'j> {
    fn new(lane: &Lane, job: &'j Job<'j>) -> Self {
        let stop = if job.may_stop {
            lane.run.steering.stopped().clone()
        } else {
            tokio_util::sync::CancellationToken::new()
        };
        let now = Instant::now();
        let silent_until = job.hook.idle_timeout.map(|idle| now + idle);
        let (until, look) = (now + job.hook.timeout, job.limits.is_some().then(|| now + LOOK));
        Self { job, offset: job.log_read, until, silent_until, look, killed: None, is_heard: false, stop }
    }

    async fn follow(mut self, lane: &mut Lane, log: &mut NodeLog) -> Result<Ended, Halt> {
        let mut again = Lane::tries();
        loop {
            let asked = match lane.driver().await {
                Ok(driver) => driver.follow(&self.job.run_id, self.offset).await,
                Err(broken) => Err(broken),
            };
            let answer = match asked {
                Ok(()) => self.listen(lane, log).await?,
                Err(broken) => Err(broken),
            };
            match answer {
                Ok(answer) => return Ok(self.verdict(answer.as_ref())),
                Err(broken) => {
                    let before = self.offset;
                    // However often a line breaks, as long as it comes back.
                    if std::mem::take(&mut self.is_heard) {
                        again = Lane::tries();
                    }
                    lane.wait_again(broken, &mut again).await.map_err(|failure| {
                        let message = format!("{}; the hook may still be running there", failure.message);
                        Halt::Failed(Failure { message, ..failure })
                    })?;
                    tracing::debug!(run = self.job.run_id, offset = before, "following again");
                }
            }
        }
    }

    /// Listens until the job ends or the line is cut; minds the clocks meanwhile. No answer means that it does not end, whatever
    /// is done about it.
    async fn listen(
        &mut self,
        lane: &mut Lane,
        log: &mut NodeLog,
    ) -> Result<Result<Option<Answer>, Broken>, Halt> {
        loop {
            let flush_at = log.due();
            let clock = self.next_clock();
            let turn = {
                let driver = match lane.driver().await {
                    Ok(driver) => driver,
                    Err(broken) => return Ok(Err(broken)),
                };
                tokio::select! {
                    biased;
                    () = tokio::time::sleep_until(flush_at.unwrap_or(clock)), if flush_at.is_some() => Turn::Flush,
                    () = self.stop.cancelled(), if self.killed.is_none() => Turn::Stop,
                    () = tokio::time::sleep_until(clock) => Turn::Clock,
                    () = tokio::time::sleep_until(self.look.unwrap_or(clock)), if self.look.is_some() => Turn::Look,
                    heard = driver.heard() => Turn::Heard(heard),
                }
            };
            self.is_heard |= matches!(turn, Turn::Heard(Ok(_)));
            match turn {
                Turn::Heard(Ok(Heard::Log(bytes))) => {
                    if !bytes.is_empty() {
                        self.offset += bytes.len() as u64;
                        self.silent_until = self.job.hook.idle_timeout.map(|idle| Instant::now() + idle);
                        log.push(&bytes);
                    }
                }
                Turn::Heard(Ok(Heard::End(answer))) => return Ok(Ok(Some(answer))),
                Turn::Heard(Err(broken)) => return Ok(Err(broken)),
                Turn::Flush => log.flush().await?,
                Turn::Stop => self.kill(lane, log, Ended::Stopped).await,
                Turn::Clock if self.killed.as_ref().is_some_and(|killed| killed.is_last) => {
                    // What it still says is not heard any more.
                    lane.start_anew();
                    return Ok(Ok(None));
                }
                Turn::Clock => self.ring(lane, log).await,
                Turn::Look => self.look(lane, log).await,
            }
        }
    }

    fn next_clock(&self) -> Instant {
        match (&self.killed, self.silent_until) {
            (Some(killed), _) => killed.next,
            (None, Some(silent)) => silent.min(self.until),
            (None, None) => self.until,
        }
    }

    async fn ring(&mut self, lane: &Lane, log: &mut NodeLog) {
        match self.killed.take() {
            Some(Killed { why, .. }) => {
                log.line("it does not end; killing it");
                self.kill_all(lane, why).await;
            }
            None if Instant::now() >= self.until => {
                self.kill(lane, log, Ended::TooLong(self.job.hook.timeout)).await;
            }
            None => {
                let idle = self.job.hook.idle_timeout.unwrap_or_default();
                self.kill(lane, log, Ended::Silent(idle)).await;
            }
        }
    }

    /// Looks at what it uses. What uses too much is not asked to end: it may use more meanwhile.
    async fn look(&mut self, lane: &Lane, log: &mut NodeLog) {
        self.look = None;
        let Some(limits) = self.job.limits.clone().filter(|_| self.killed.is_none()) else { return };
        let exceeded = tokio::task::spawn_blocking(move || limits.exceeded()).await;
        match exceeded.ok().flatten() {
            None => self.look = Some(Instant::now() + LOOK),
            Some(what) => {
                log.line(&format!("it {what}; killing it"));
                self.kill_all(lane, Ended::TooMuch(what)).await;
            }
        }
    }

    async fn kill_all(&mut self, lane: &Lane, why: Ended) {
        let answer = signal(lane, &self.job.run_id, "KILL").await;
        let survives = answer.is_some_and(|answer| answer.get("left").is_some());
        self.killed = Some(Killed { why, next: Instant::now() + GRACE, is_last: true, survives });
    }

    async fn kill(&mut self, lane: &Lane, log: &mut NodeLog, why: Ended) {
        log.line(&format!("it {}; sending TERM", why.words()));
        signal(lane, &self.job.run_id, "TERM").await;
        self.killed = Some(Killed { why, next: Instant::now() + GRACE, is_last: false, survives: false });
    }

    fn verdict(self, answer: Option<&Answer>) -> Ended {
        let code = answer.and_then(|answer| answer.get("exit")?.trim().parse().ok());
        match (self.killed, code) {
            (Some(killed), _) if killed.survives || answer.is_none() => Ended::Survives(Box::new(killed.why)),
            (Some(killed), _) => killed.why,
            (None, Some(code)) => Ended::Exit(code),
            (None, None) => Ended::Vanished,
        }
    }
}

/// Sends a signal to a whole run over a second channel; the first one is busy following it.
async fn signal(lane: &Lane, run_id: &str, signal: &str) -> Option<Answer> {
    let command = Command::new("kill").value("run", run_id).ok()?.value("signal", signal).ok()?;
    let asked = async { lane.second_driver().await?.ask(&command).await };
    match asked.await {
        Ok(answer) => Some(answer),
        Err(broken) => {
            tracing::warn!(server = %lane.server.name, run_id, ?broken, "could not send {signal}");
            None
        }
    }
}

/// Kills what is left of a run of an earlier try, at once. Nothing is left is the normal case.
pub async fn kill(lane: &mut Lane, run_id: &str) {
    if lane.driver().await.is_ok() {
        signal(lane, run_id, "KILL").await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_killed_is_not_said_to_be() {
        let limit = Ended::TooLong(Duration::from_secs(90));
        assert_eq!(limit.words(), "ran longer than its timeout of 90s and was killed");
        let survives = Ended::Survives(Box::new(limit));
        let said = "ran longer than its timeout of 90s, and could not be killed: something of it still runs";
        assert_eq!(survives.words(), said);
    }
}
