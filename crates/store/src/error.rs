//! What can go wrong with what is remembered, and what to do next.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::ReleaseId;
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Why something could not be remembered or recalled. Nothing of a refused write is kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process holds the data folder.
    #[error("the data folder {} is in use{}", dir.display(), by_process(*pid))]
    InUse {
        /// The data folder.
        dir: PathBuf,
        /// The process that holds it, where it could be read.
        pid: Option<u32>,
    },
    /// A file of the data folder could not be read or written.
    #[error("could not {doing} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The database file is damaged, or is no database.
    #[error("the database {} is damaged: {detail}", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// The first thing found.
        detail: String,
    },
    /// The database was written by a newer Aweigh.
    #[error("the database has schema {found}, and this Aweigh knows schema {known}")]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The master key is not the one that the secrets were sealed with.
    #[error("the master key does not belong to this database")]
    WrongMasterKey,
    /// The database exists, and its master key does not.
    #[error("the master key {} is missing, but the database exists", path.display())]
    MissingMasterKey {
        /// Where it was expected.
        path: PathBuf,
    },
    /// Others than its owner may read the master key.
    #[error("the master key {} may be read by others (mode {mode:03o})", path.display())]
    OpenMasterKey {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The master key is given from outside of the data folder.
    #[error("the master key comes from AWEIGH_MASTER_KEY, so Aweigh cannot replace it")]
    ForeignMasterKey,
    /// The text is no master key.
    #[error("{origin} is not a master key")]
    MalformedMasterKey {
        /// Where it came from.
        origin: String,
    },
    /// A sealed secret does not open: it was changed, or moved from another place.
    #[error("the sealed {field} of {row} does not open")]
    Sealed {
        /// Which row.
        row: String,
        /// Which field of it.
        field: String,
    },
    /// Something that others refer to was to be deleted.
    #[error("{what} {name} is used by {}", by.join(", "))]
    Referenced {
        /// What kind of thing it is.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who refers to it.
        by: Vec<String>,
    },
    /// There is no such thing.
    #[error("there is no {what} {name}")]
    NotFound {
        /// What kind of thing was named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The writer does not own the release any more, or the release has ended.
    #[error("release {0} belongs to another owner or has ended")]
    Fenced(ReleaseId),
    /// The transition function refuses the new status.
    #[error("{what} of release {release} cannot go from {from} to {to}")]
    Transition {
        /// Which release.
        release: ReleaseId,
        /// A step's key with its try, or `the status`.
        what: String,
        /// What it is.
        from: String,
        /// What it was to become.
        to: String,
    },
    /// The step is not in the plan and was not added.
    #[error("release {release} has no step {key}")]
    UnknownStep {
        /// Which release.
        release: ReleaseId,
        /// The key that was named.
        key: String,
    },
    /// The plan could not be made.
    #[error("the plan of release {0} could not be made")]
    Unplanned(ReleaseId),
    /// The file system of the database is full.
    #[error("the disk of the database is full")]
    DiskFull,
    /// The disk of the database fails, or may not be written to.
    #[error("the disk of the database fails: {0}")]
    Disk(String),
    /// The database refused or failed otherwise.
    #[error("the database failed: {0}")]
    Database(DbErr),
    /// A stored value cannot be understood.
    #[error("the stored {what} cannot be read: {detail}")]
    Unreadable {
        /// What it should have been.
        what: &'static str,
        /// Why it is not.
        detail: String,
    },
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
}

fn by_process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
}

impl Error {
    /// What to do next, where that helps.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::InUse { .. } => "stop the other Aweigh, or give this one another folder with --data",
            Self::Corrupt { .. } => {
                "keep a copy of the data folder, then put back aweigh.db from a backup; servers go on serving"
            }
            Self::NewerSchema { .. } => "start the newer Aweigh again, or restore the backup made before it",
            Self::WrongMasterKey | Self::MissingMasterKey { .. } => {
                "put back the master.key (or AWEIGH_MASTER_KEY) that this database was made with; \
                 without it the stored credentials cannot be opened"
            }
            Self::OpenMasterKey { .. } => {
                "run chmod 600 on it, and think of it as known to those who could read"
            }
            Self::MalformedMasterKey { .. } => "a master key is 64 hexadecimal digits, or 32 bytes in base64",
            Self::Sealed { .. } => "store that secret again",
            Self::ForeignMasterKey => {
                "write it into master.key in the data folder (mode 0600), and start without the variable"
            }
            Self::Referenced { .. } => "change or finish those first",
            Self::DiskFull => "make room; nothing of what was refused has been done",
            Self::Disk(_) => "look at the disk and at the permissions of the data folder",
            Self::File { .. }
            | Self::NotFound { .. }
            | Self::Fenced(_)
            | Self::Transition { .. }
            | Self::UnknownStep { .. }
            | Self::Unplanned(_)
            | Self::Database(_)
            | Self::Unreadable { .. }
            | Self::Closed => return None,
        })
    }

    /// An error of the file system at `path`.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source: Arc::new(source) }
    }

    /// A stored value that cannot be understood.
    #[expect(clippy::needless_pass_by_value, reason = "errors come by value")]
    pub(crate) fn unreadable(what: &'static str, detail: impl ToString) -> Self {
        Self::Unreadable { what, detail: detail.to_string() }
    }

    /// The same, with the path of the database where that is wanted.
    pub(crate) fn at(self, database: &Path) -> Self {
        match self {
            Self::Corrupt { detail, .. } => Self::Corrupt { path: database.to_owned(), detail },
            other => other,
        }
    }
}

/// The primary result code of SQLite, see <https://www.sqlite.org/rescode.html>.
fn result_code(error: &DbErr) -> Option<i32> {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    let sqlx::Error::Database(error) = &**error else { return None };
    error.code()?.parse::<i32>().ok().map(|extended| extended & 0xff)
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        const READ_ONLY: i32 = 8;
        const IO: i32 = 10;
        const CORRUPT: i32 = 11;
        const FULL: i32 = 13;
        const CANNOT_OPEN: i32 = 14;
        const NOT_A_DATABASE: i32 = 26;
        match result_code(&error) {
            Some(FULL) => Self::DiskFull,
            Some(IO | READ_ONLY | CANNOT_OPEN) => Self::Disk(error.to_string()),
            Some(CORRUPT | NOT_A_DATABASE) => {
                Self::Corrupt { path: PathBuf::from("aweigh.db"), detail: error.to_string() }
            }
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))).into()
    }
}
