//! What a user may ask for, and who may: the one door between the web and everything behind it.
//!
//! Every public action of [`Actions`] takes the [`Actor`] who asks and calls [`policy::authorize`] before it
//! reads or writes anything. In reading order: [`actor`], [`policy`], [`ports`] (what actions need besides the
//! engine's ports), `defined` (what names stand for), then the actions themselves: [`definitions`] (servers, credentials, projects), [`credentials`] (keys),
//! [`secrets`], [`servers`], [`check`], [`templates`], [`git`] with [`git_hosts`], [`releases`] with [`planning`],
//! [`rollback`] and [`repository_file`], [`adopt`], [`adhoc`], [`transfers`], [`shells`], [`watch`], [`chat`], [`board`],
//! [`audit`], [`doctor`]. Who comes in: [`proof`], [`people`], with `passwords` and `throttle`.

pub mod actor;
pub mod adhoc;
pub mod adopt;
pub mod artifacts;
pub mod audit;
pub mod board;
pub mod chat;
pub mod check;
pub mod credentials;
mod defined;
pub mod definitions;
pub mod doctor;
pub mod drift;
mod error;
pub mod git;
pub mod git_hosts;
pub mod locks;
pub mod master_key;
mod page;
pub mod passwords;
pub mod people;
mod planning;
pub mod policy;
pub mod ports;
pub mod proof;
pub mod releases;
mod repository_file;
mod rollback;
pub mod secrets;
pub mod servers;
pub mod shared;
mod shells;
pub mod steer;
pub mod templates;
mod throttle;
pub mod transfers;
pub mod watch;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::adhoc::spool::Spool;
use engine::artifact::pushed::Limits;
use engine::dispatcher::Control;
use engine::ports::{Hosts, Parcels, Source};
use engine::progress::Uploads;
use store::Store;
use tokio::sync::{Mutex, Semaphore, watch as signal};

pub use actor::Actor;
pub use adhoc::{RunOrder, Running};
pub use adopt::{AdoptOne, AdoptReport, AdoptRequest, ServerFound};
pub use artifacts::Artifact;
pub use board::BoardRow;
pub use check::Checkup;
pub use credentials::{RotatedServer, RotatedState, Rotation};
pub use definitions::{Brought, Definitions};
pub use drift::{Drift, DriftState, ServerDrift};
pub use engine::adhoc::shared::{Kind as SharedKind, Lying as SharedThing};
pub use engine::adhoc::{Carried, Ended, Told, What};
pub use engine::adopt::{Agreement, Folder, Found, LeftOut, Tool};
pub use engine::artifact::pushed::Limits as TreeLimits;
pub use engine::check::{Finding, Verdict};
pub use engine::drift::Runs;
pub use engine::facts::{Facts, Room, Tool as ServerTool};
pub use engine::masker::is_masked;
pub use engine::ports::{RefEntry, RefQuery, ScannedKey, Terminal, TerminalSize};
pub use engine::progress::{Amount, Progress};
pub use engine::trial::Tried;
pub use error::{Error, Wrong};
pub use git::{Changes, Diff};
pub use people::{From as SignInFrom, Session, SignedIn, Token};
pub use policy::{Action, Denied, Object, authorize};
pub use ports::{
    ArchiveFormat, Doctor, Examined, FileChange, FileDiff, FileDiffs, Health, KeyTrouble, Keys,
    MachineFinding, Packing, PublicHalf, Repositories, RepositoryFileReader, RepositorySays, SshHost,
};
pub use proof::{Proof, digest};
pub use releases::{Back, Others, Page, Request, Wanted};
pub use servers::Trust;
pub use shared::{SharedOrder, SharedThere};
pub use shells::{Admitted, MOST_RECORDINGS, OpenShell, Screen, ShellRequest, Shown};
pub use store::{
    AccountRecord, AuditFilter, AuditRecord, Batch, Change, CredentialKind, CredentialRecord, LogFilter,
    LogReader, LogSlice, Managed, MasterKeyState, NewCredential, NewRecording, NewSecret, RecordingEnd,
    RecordingRecord, SecretRecord, SiteLock, Snapshot, TemplateRecord, Topic,
};
pub use templates::TryRequest;
pub use transfers::{GetOrder, Moving, PutOrder};

/// What actions are made of.
pub struct Parts {
    /// What is remembered.
    pub store: Store,
    /// The repositories.
    pub source: Arc<dyn Source>,
    /// A closer look at the repositories.
    pub repositories: Arc<dyn Repositories>,
    /// The servers.
    pub hosts: Arc<dyn Hosts>,
    /// Archives and sums.
    pub parcels: Arc<dyn Parcels>,
    /// Where files wait on their way.
    pub spool: Spool,
    /// The dispatcher's ear.
    pub control: Control,
    /// How far uploads are.
    pub uploads: Uploads,
    /// The data folder.
    pub data: PathBuf,
    /// How long a shell stays open in which nothing happens.
    pub shell_idle: Duration,
    /// How many bytes of its disk stay free.
    pub disk_reserve: u64,
    /// How large a tree may be that was built elsewhere.
    pub limits: Limits,
    /// Looks at the machine.
    pub doctor: Arc<dyn Doctor>,
    /// Reads private keys.
    pub keys: Arc<dyn Keys>,
    /// Reads `aweigh.toml`.
    pub repository_file: RepositoryFileReader,
}

/// Everything a user may ask for.
pub struct Actions {
    parts: Parts,
    /// Held while definitions are judged and changed: two changes that are right one by one may be wrong together.
    defining: Mutex<()>,
    /// Held while servers are adopted.
    adopting: Mutex<()>,
    /// Held while a key is replaced.
    rotating: Mutex<()>,
    /// Counts how often somebody may have lost the right to be here.
    access: signal::Sender<u64>,
    passwords: passwords::Passwords,
    throttle: throttle::Throttle,
    /// A place for each artifact that is being pushed.
    pushes: Arc<Semaphore>,
    /// A place for each shell that is open.
    shells: Arc<Semaphore>,
    /// What was brought from servers and waits to be fetched.
    downloads: transfers::Downloads,
}

impl Actions {
    /// The actions on these parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            defining: Mutex::new(()),
            adopting: Mutex::new(()),
            rotating: Mutex::new(()),
            access: signal::Sender::new(0),
            passwords: passwords::Passwords::new(),
            throttle: throttle::Throttle::default(),
            pushes: Arc::new(Semaphore::new(artifacts::AT_ONCE)),
            shells: Arc::new(Semaphore::new(shells::AT_ONCE)),
            downloads: transfers::Downloads::default(),
        }
    }

    fn store(&self) -> &Store {
        &self.parts.store
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions").finish_non_exhaustive()
    }
}
