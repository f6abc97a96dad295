//! What Aweigh remembers: state, journal and sealed secrets, in one SQLite database.
//!
//! ```text
//!  DataLock      one process per data folder
//!  MasterKey ──▶ vault ── credentials            definitions: servers, projects, sites (body = JSON)
//!                                                     │ frozen into a plan
//!  create ─▶ queued ─ claim ─▶ running (epoch n) ─ record(entries) ─▶ ended
//!                                │                    │ one transaction: step rows + numbered facts + log text
//!                       take_over: epoch n+1          ▼
//!                                              snapshot · events · log · watch
//! ```
//!
//! In reading order: [`lock`] and [`master_key`] (before anything is opened), `open` and `migrations`, `writer`
//! (all writes go through one task that shares commits), [`definitions`], [`change`], [`credentials`], [`places`],
//! [`rotation`] and [`secrets`] with `vault`, [`rekey`], [`templates`], [`groups`], [`create`], [`releases`] and [`claims`]
//! (the life of a release), [`adopt`] (releases of other tools), [`journal`], [`events`], [`git_hosts`] (whom git may talk
//! to), [`log_reader`] and [`chat`] (what is said), [`history`] (how long), [`artifacts`], [`drift`], [`recordings`] (of
//! shells), [`audit`] (what people did); [`accounts`], [`sessions`], [`tokens`] (who may come in).
//!
//! Invariants: the facts of a topic are numbered without gaps, inside the writer's transaction; state and fact
//! are one transaction; only the owner of a release, known by its epoch, records.

pub mod accounts;
pub mod adopt;
pub mod artifacts;
pub mod audit;
pub mod change;
pub mod chat;
pub mod claims;
pub mod create;
pub mod credentials;
pub mod definitions;
pub mod drift;
mod ending;
mod error;
pub mod events;
mod facts;
pub mod git_hosts;
pub mod groups;
pub mod history;
pub mod journal;
pub mod lock;
pub mod locks;
pub mod log_reader;
mod log_text;
pub mod master_key;
mod migrations;
mod open;
pub mod places;
mod promises;
pub mod recordings;
pub mod rekey;
pub mod releases;
pub mod rotation;
pub mod secrets;
pub mod sessions;
mod sql;
pub mod steer;
mod steps;
#[expect(unreachable_pub, reason = "sea-orm derives public types beside these")]
mod tables;
pub mod templates;
pub mod tokens;
mod topic;
mod vault;
mod watchers;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{DatabaseConnection, DatabaseTransaction, TransactionTrait};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use accounts::AccountRecord;
pub use adopt::{Adopted, AdoptedRelease, Adoption, LiveNow};
pub use artifacts::ArtifactRecord;
pub use audit::{AuditFilter, AuditRecord, Deed};
pub use change::Change;
pub use chat::{NewChat, Said};
pub use claims::{Claimed, Stop, TakenOver};
pub use create::{Created, DeedFn, Idempotency, NewRelease, Others, PlanFn};
pub use credentials::{CredentialKind, CredentialRecord, NewCredential, Unsealed};
pub use definitions::Managed;
pub use drift::{DriftLook, DriftRecord};
pub use error::Error;
pub use events::{Batch, Snapshot};
pub use history::{KeepHistory, RemovedHistory};
pub use journal::Entry;
pub use lock::DataLock;
pub use locks::{Locked, SiteLock};
pub use log_reader::{LogReader, LogSlice};
pub use master_key::MasterKey;
pub use recordings::{NewRecording, RecordingEnd, RecordingRecord};
pub use rekey::MasterKeyState;
pub use releases::{Filter, Good};
pub use rotation::KeyRotation;
pub use secrets::{NewSecret, SecretRecord};
pub use sessions::SessionRecord;
pub use steer::Steered;
pub use steps::StepRow;
pub use templates::TemplateRecord;
pub use tokens::{TokenInfo, TokenRecord};
pub use topic::{InvalidTopic, LogFilter, Topic};

use watchers::Watchers;
use writer::{Work, Writer};

/// The file of the database in the data folder.
pub const DATABASE: &str = "aweigh.db";

/// The open database. Clones share it.
///
/// Every write is durable when its call returns. Dropping the future of a write does not take it back.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    /// `None` once closed.
    writer: Mutex<Option<(Writer, JoinHandle<()>)>>,
    readers: DatabaseConnection,
    vault: vault::Vault,
    /// Held by whoever seals something until that is stored; alone, by whoever changes what is sealed with.
    sealing: tokio::sync::RwLock<()>,
    /// Held by whoever seals anew.
    anew: tokio::sync::Mutex<()>,
    /// The data folder.
    dir: std::path::PathBuf,
    watchers: Arc<Watchers>,
    stream: String,
    installation: String,
}

impl Store {
    /// The random id of this database's numbering (32 hexadecimal digits); viewers refetch when it changes.
    pub fn stream(&self) -> &str {
        &self.0.stream
    }

    /// The random id of this installation (32 hexadecimal digits), which servers are locked with.
    pub fn installation(&self) -> &str {
        &self.0.installation
    }

    /// Wakes with the number of the last fact of `topic` whenever one is recorded from now on.
    ///
    /// Call it *before* reading [`events`](Self::events), and no fact is missed. Costs nothing once dropped.
    pub fn watch(&self, topic: &Topic) -> watch::Receiver<u64> {
        self.0.watchers.watch(topic)
    }

    /// How many transactions were committed since the start; fewer than writes when writers share commits.
    pub fn commits(&self) -> u64 {
        self.writer().map(|writer| writer.commits()).unwrap_or_default()
    }

    /// Lets waiting writes finish and closes the database. Every later call on any clone fails.
    pub async fn close(&self) -> Result<(), Error> {
        let taken = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Readers first: whoever is last to leave puts the write-ahead log into the database file.
        self.0.readers.close_by_ref().await?;
        if let Some((writer, task)) = taken {
            drop(writer);
            task.await.map_err(|_| Error::Closed)?;
        }
        Ok(())
    }

    fn writer(&self) -> Result<Writer, Error> {
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_ref().map(|(writer, _)| writer.clone()).ok_or(Error::Closed)
    }

    async fn write<W: Work>(&self, work: W) -> Result<W::Output, Error> {
        self.writer()?.write(work).await
    }

    /// For single reads.
    fn readers(&self) -> &DatabaseConnection {
        &self.0.readers
    }

    /// For reads that must see one moment.
    async fn moment(&self) -> Result<DatabaseTransaction, Error> {
        Ok(self.readers().begin().await?)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("stream", &self.0.stream).finish_non_exhaustive()
    }
}
