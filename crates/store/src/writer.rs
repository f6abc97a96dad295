//! The one writer: waiting jobs share a transaction, so that one sync of the disk makes all of them durable.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};

use crate::watchers::Watchers;
use crate::{Error, Topic, open, sql};

/// How many jobs may wait; then callers wait to ask.
const WAITING: usize = 256;

/// Something to write. What it wrote is kept when it answers `Ok`, together with all it shares a commit with.
pub(crate) trait Work: Send + 'static {
    /// What the caller is told once it is durable.
    type Output: Send + 'static;

    /// Writes it.
    fn write(self, tx: &mut Tx) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// The part of the shared transaction that belongs to one job.
pub(crate) struct Tx {
    part: DatabaseTransaction,
    /// When the job began to write; the time of everything it says.
    pub(crate) at: Timestamp,
    news: Vec<(Topic, u64)>,
}

impl Tx {
    pub(crate) fn db(&self) -> &DatabaseTransaction {
        &self.part
    }

    /// The time of the job as it is stored.
    pub(crate) fn micros(&self) -> i64 {
        self.at.as_microsecond()
    }

    /// Wakes the watchers of `topic` after the commit.
    pub(crate) fn announce(&mut self, topic: Topic, seq: u64) {
        self.news.push((topic, seq));
    }
}

/// Hands jobs to the writer task. The task ends when the last of these is dropped.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the task on its connection to `database`.
    pub(crate) fn start(
        connection: DatabaseConnection,
        database: PathBuf,
        watchers: Arc<Watchers>,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let task = Task { connection, database, waiting, watchers, commits: Arc::clone(&commits) };
        (Self { jobs, commits }, tokio::spawn(task.run()))
    }

    /// Writes and commits `work`; durable on return. Cancelling the call does not take the job back.
    pub(crate) async fn write<W: Work>(&self, work: W) -> Result<W::Output, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Asked { work, answer });
        self.jobs.send(job).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// How many transactions were committed.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// Tells the caller how it ended: its own outcome, or the error of the shared transaction.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// A job of any type.
trait Job: Send {
    /// Writes; answers whether to keep it, and whom to tell.
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> Pin<Box<dyn Future<Output = (bool, Answer)> + Send + 't>>;
    /// Tells the caller that it was not tried.
    fn refuse(self: Box<Self>, error: Error);
}

struct Asked<W: Work> {
    work: W,
    answer: oneshot::Sender<Result<W::Output, Error>>,
}

impl<W: Work> Job for Asked<W> {
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> Pin<Box<dyn Future<Output = (bool, Answer)> + Send + 't>> {
        Box::pin(async move {
            let outcome = self.work.write(tx).await;
            let caller = self.answer;
            let keep = outcome.is_ok();
            let answer: Answer = Box::new(move |committed| {
                // Why the job itself was refused tells more than why nothing was committed.
                let told = outcome.and_then(|output| committed.map(|()| output));
                // A caller that went away does not want to know.
                drop(caller.send(told));
            });
            (keep, answer)
        })
    }

    fn refuse(self: Box<Self>, error: Error) {
        drop(self.answer.send(Err(error)));
    }
}

struct Task {
    connection: DatabaseConnection,
    database: PathBuf,
    waiting: mpsc::Receiver<Box<dyn Job>>,
    watchers: Arc<Watchers>,
    commits: Arc<AtomicU64>,
}

impl Task {
    async fn run(mut self) {
        let mut jobs = Vec::new();
        while self.waiting.recv_many(&mut jobs, WAITING).await > 0 {
            self.group(std::mem::take(&mut jobs)).await;
        }
        if let Err(error) = self.connection.close_by_ref().await {
            tracing::warn!(%error, "could not close the database");
        }
    }

    /// Writes all of `jobs` in one transaction, then tells their callers.
    async fn group(&mut self, jobs: Vec<Box<dyn Job>>) {
        let mut jobs = jobs.into_iter();
        let mut answers = Vec::with_capacity(jobs.len());
        let committed = self.commit(&mut jobs, &mut answers).await;
        for answer in answers {
            answer(committed.clone());
        }
        let Err(error) = committed else { return };
        tracing::error!(%error, "could not write to the database");
        for job in jobs {
            job.refuse(error.clone());
        }
        self.reconnect().await;
    }

    async fn commit(
        &self,
        jobs: &mut std::vec::IntoIter<Box<dyn Job>>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Error> {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        let group = self.connection.begin_with_options(immediate).await?;
        let mut news = Vec::new();
        let alone = jobs.len() == 1;
        if alone && let Some(job) = jobs.next() {
            // Needs no savepoint: what ends the job ends the transaction.
            if !write(job, group, answers, &mut news).await? {
                return Ok(());
            }
        } else {
            for job in jobs {
                write(job, group.begin().await?, answers, &mut news).await?;
            }
            group.commit().await?;
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        for (topic, seq) in news {
            self.watchers.announce(&topic, seq);
        }
        Ok(())
    }

    /// After a failure nobody knows what state the connection is in; a fresh one has no open transaction.
    async fn reconnect(&mut self) {
        if let Err(error) = self.connection.close_by_ref().await {
            tracing::warn!(%error, "could not close the database");
        }
        match open::writing(&self.database).await {
            Ok(connection) => self.connection = connection,
            // The next job finds the closed connection, fails with that, and tries again.
            Err(error) => tracing::error!(%error, "could not open the database again"),
        }
    }
}

/// Writes one job in `part` of the transaction; answers whether it was kept.
///
/// A full or failing disk can end the whole transaction. Then `part` is gone as well, this fails, and with it
/// all that share the commit.
async fn write(
    job: Box<dyn Job>,
    part: DatabaseTransaction,
    answers: &mut Vec<Answer>,
    news: &mut Vec<(Topic, u64)>,
) -> Result<bool, Error> {
    let mut tx = Tx { part, at: sql::now(), news: Vec::new() };
    let (keep, answer) = job.run(&mut tx).await;
    answers.push(answer);
    if keep {
        tx.part.commit().await?;
        news.append(&mut tx.news);
    } else {
        tx.part.rollback().await?;
    }
    Ok(keep)
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait;

    use super::*;
    use crate::sql::{execute, number};

    struct Keep(usize);

    impl Work for Keep {
        type Output = usize;

        async fn write(self, tx: &mut Tx) -> Result<usize, Error> {
            execute(tx.db(), sql::sql("INSERT INTO kept VALUES ($1)", [vec![7_u8; self.0].into()])).await?;
            Ok(self.0)
        }
    }

    #[tokio::test]
    async fn a_full_disk_fails_the_write_and_the_writer_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        std::fs::File::create(&path).unwrap();
        let connection = open::writing(&path).await.unwrap();
        connection.execute_unprepared("CREATE TABLE kept (bytes BLOB)").await.unwrap();
        // SQLite reports a file that may not grow exactly like a disk without room.
        connection.execute_unprepared("PRAGMA max_page_count = 64").await.unwrap();
        let (writer, _task) = Writer::start(connection, path.clone(), Arc::default());

        assert_eq!(writer.write(Keep(1)).await.unwrap(), 1);
        let error = writer.write(Keep(4096 * 100)).await.unwrap_err();
        assert!(matches!(error, Error::DiskFull), "{error:?}");
        assert!(error.hint().is_some());

        // The fresh connection has no limit: there is room again.
        assert_eq!(writer.write(Keep(4096 * 100)).await.unwrap(), 4096 * 100);
        let reader = open::writing(&path).await.unwrap();
        let rows = number(&reader, sql::sql("SELECT COUNT(*) FROM kept", [])).await.unwrap();
        assert_eq!(rows, Some(2), "nothing of the refused write is there");
        assert_eq!(writer.commits(), 2);
    }
}
