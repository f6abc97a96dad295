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
use crate::vault::{Place, Vault};
use crate::watchers::Watchers;
use crate::writer::{Tx, Work, Writer};
use crate::{DATABASE, Error, Inner, MasterKey, Store, migrations};

/// How many reads run at once. Each connection is a thread of its own.
const READERS: u32 = 6;

/// What the sealed check value says.
const CHECK: &[u8] = b"aweigh";

impl Store {
    /// Opens `dir/aweigh.db`, which is created when it is missing. The caller holds the [`crate::DataLock`].
    ///
    /// Fails when the file is damaged, was written by a newer Aweigh, or was made with another master key.
    pub async fn open(dir: &Path, key: MasterKey) -> Result<Self, Error> {
        let path = dir.join(DATABASE);
        open(&path, key).await.map_err(|error| error.at(&path))
    }
}

async fn open(path: &Path, key: MasterKey) -> Result<Store, Error> {
    // SQLite gives its companion files the mode of the database.
    let mut file = OpenOptions::new();
    file.append(true).create(true).mode(0o600).open(path).map_err(Error::file("open", path))?;

    let vault = Vault::new(key);
    let connection = writing(path).await?;
    check(&connection).await?;
    let schema = migrations::schema(&connection).await?;
    if schema > 0 {
        belongs(&connection, &vault).await?;
    }
    let watchers = Arc::new(Watchers::default());
    let (writer, task) = Writer::start(connection, path.to_owned(), Arc::clone(&watchers));
    let check = vault.seal(check_place(), CHECK)?;
    writer.write(Prepare { from: schema, check: hex::encode(check) }).await?;

    let readers = reading(path).await?;
    let [stream, installation] = [meta(&readers, "stream").await?, meta(&readers, "installation").await?];
    let inner =
        Inner { writer: Mutex::new(Some((writer, task))), readers, vault, watchers, stream, installation };
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

fn check_place() -> Place<'static> {
    Place { table: "meta", row: "master_key_check", field: "value" }
}

async fn belongs(connection: &DatabaseConnection, vault: &Vault) -> Result<(), Error> {
    let sealed = meta(connection, "master_key_check").await?;
    let sealed = hex::decode(sealed).map_err(|error| Error::unreadable("check of the master key", error))?;
    vault.open(check_place(), &sealed).map(drop).map_err(|_| Error::WrongMasterKey)
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
