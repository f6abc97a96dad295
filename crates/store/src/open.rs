//! Opens the database: connections, the check for damage, the schema, and whether the master key belongs to it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxSqliteConnector};

use crate::sql::{execute, sql, texts};
use crate::vault::{Place, Vault, Versioned};
use crate::watchers::Watchers;
use crate::writer::{Tx, Work, Writer};
use crate::{DATABASE, Error, Inner, MasterKey, Store, migrations, places};

/// How many reads run at once. Each connection is a thread of its own.
const READERS: u32 = 6;

/// What the sealed check value says.
pub(crate) const CHECK: &[u8] = b"aweigh";

impl Store {
    /// Opens `dir/aweigh.db`, which is created when it is missing. The caller holds the [`crate::DataLock`].
    ///
    /// Fails when the file is damaged, was written by a newer Aweigh, or was made with another master key.
    pub async fn open(dir: &Path, key: MasterKey) -> Result<Self, Error> {
        let path = dir.join(DATABASE);
        open(dir, &path, key).await.map_err(|error| error.at(&path))
    }
}

async fn open(dir: &Path, path: &Path, key: MasterKey) -> Result<Store, Error> {
    // SQLite gives its companion files the mode of the database.
    let mut file = OpenOptions::new();
    file.append(true).create(true).mode(0o600).open(path).map_err(Error::file("open", path))?;

    let connection = writing(path).await?;
    check(&connection).await?;
    let schema = migrations::schema(&connection).await?;
    let vault = if schema > 0 {
        vault(&connection, dir, key).await?
    } else {
        Vault::new(Versioned { key, version: 1 }, None)
    };
    let watchers = Arc::new(Watchers::default());
    let (writer, task) = Writer::start(connection, path.to_owned(), Arc::clone(&watchers));
    let check = vault.seal(check_place(), CHECK)?;
    writer.write(Prepare { from: schema, check: hex::encode(check) }).await?;

    let readers = reading(path).await?;
    let [stream, installation] = [meta(&readers, "stream").await?, meta(&readers, "installation").await?];
    let inner = Inner {
        writer: Mutex::new(Some((writer, task))),
        readers,
        vault,
        sealing: tokio::sync::RwLock::default(),
        anew: tokio::sync::Mutex::default(),
        dir: dir.to_owned(),
        watchers,
        stream,
        installation,
    };
    Ok(Store(Arc::new(inner)))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // For backup tools; the one writer never waits for itself.
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging()
}

/// The connection that writes.
pub(crate) async fn writing(path: &Path) -> Result<DatabaseConnection, Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options(path))
        .await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// The connections that only read.
async fn reading(path: &Path) -> Result<DatabaseConnection, Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options(path).read_only(true))
        .await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn check(connection: &DatabaseConnection) -> Result<(), Error> {
    let found = texts(connection, sql("PRAGMA quick_check(1)", [])).await?;
    match found.first() {
        Some(first) if first == "ok" => Ok(()),
        first => Err(Error::Corrupt {
            path: DATABASE.into(),
            detail: first
                .map_or_else(|| "the check gave no answer".to_owned(), |text| text.replace('\n', " ")),
        }),
    }
}

pub(crate) fn check_place() -> Place<'static> {
    Place { table: "meta", row: "master_key_check", field: "value" }
}

/// The vault with the key that the database belongs to, and the one before, where that is on its way out.
async fn vault(connection: &DatabaseConnection, dir: &Path, key: MasterKey) -> Result<Vault, Error> {
    let version = number_in(connection, "master_key_version").await?.unwrap_or(1);
    let retiring = number_in(connection, "master_key_retiring").await?;
    let next = if key.is_file() { MasterKey::next(dir)? } else { None };
    let key = match fits(connection, "master_key_check", Versioned { key, version }).await? {
        Ok(current) => {
            // It was made, and nothing was ever sealed with it.
            if next.is_some() {
                MasterKey::forget_next(dir)?;
            }
            return Ok(Vault::new(current, None));
        }
        Err(other) => other.key,
    };
    let next = next.ok_or(Error::WrongMasterKey)?;
    let next = fits(connection, "master_key_check", Versioned { key: next, version }).await?;
    let current = next.map_err(|_| Error::WrongMasterKey)?;
    let Some(version) = retiring else {
        // Nothing is left that the old one opens; only its file is.
        MasterKey::promote_next(dir)?;
        return Ok(Vault::new(current, None));
    };
    let before = fits(connection, "master_key_retiring_check", Versioned { key, version }).await?;
    Ok(Vault::new(current, Some(before.map_err(|_| Error::WrongMasterKey)?)))
}

/// The key itself, as an error where it is not the one that this check was sealed with.
async fn fits(
    connection: &DatabaseConnection,
    check: &str,
    key: Versioned,
) -> Result<Result<Versioned, Versioned>, Error> {
    let sealed = meta(connection, check).await?;
    let sealed = hex::decode(sealed).map_err(|error| Error::unreadable("check of the master key", error))?;
    Ok(if key.try_open(check_place(), &sealed).is_some() { Ok(key) } else { Err(key) })
}

async fn number_in(connection: &DatabaseConnection, key: &str) -> Result<Option<u32>, Error> {
    let found = texts(connection, sql("SELECT value FROM meta WHERE key = $1", [key.into()])).await?;
    let read =
        |text: &String| text.parse().map_err(|error| Error::unreadable("number of a master key", error));
    found.first().map(read).transpose()
}

async fn meta(db: &impl ConnectionTrait, key: &str) -> Result<String, Error> {
    let found = texts(db, sql("SELECT value FROM meta WHERE key = $1", [key.into()])).await?;
    found.into_iter().next().ok_or_else(|| Error::unreadable("database", format!("it has no {key}")))
}

/// Brings the schema up to date; gives a new database its ids.
struct Prepare {
    from: i64,
    check: String,
}

impl Work for Prepare {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        migrations::run(tx.db(), self.from).await?;
        if migrations::brings_places(self.from) {
            places::adopt(tx).await?;
        }
        let random = || hex::encode(rand::random::<[u8; 16]>());
        for (key, value) in
            [("stream", random()), ("installation", random()), ("master_key_check", self.check)]
        {
            let insert = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
            execute(tx.db(), sql(insert, [key.into(), value.into()])).await?;
        }
        Ok(())
    }
}
