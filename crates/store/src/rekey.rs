//! The master key is replaced while everything runs. The new one is on the disk before the database says that it is the
//! one; from then on everything is sealed with it, and what is sealed with the old one is sealed anew, a little in each
//! transaction. When nothing is left, the old one goes.
//!
//! Whoever is killed in between opens with both, and goes on: which key is which, the database says.

use sea_orm::FromQueryResult;

use crate::open::{CHECK, check_place};
use crate::sql::{all, count, execute, number, sql};
use crate::vault::{Place, Versioned};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, MasterKey, Store};

/// How many values are sealed anew in one transaction.
const AT_ONCE: u32 = 20;

/// Which master key is in use, and how far the one before is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MasterKeyState {
    /// The first is 1; each that takes the place of another is one more.
    pub version: u32,
    /// How many values are still sealed with the one before.
    pub left: u64,
    /// Whether it lies in the data folder: only such a one can be replaced here.
    pub is_file: bool,
}

/// The columns that hold something sealed.
#[derive(Debug, Clone, Copy)]
enum Column {
    Secret,
    Passphrase,
    Value,
    NewKey,
}

const COLUMNS: [Column; 4] = [Column::Secret, Column::Passphrase, Column::Value, Column::NewKey];

/// A value that is sealed with another key than the current one.
#[derive(FromQueryResult)]
struct Found {
    project: String,
    environment: String,
    server: String,
    name: String,
    sealed: Vec<u8>,
}

impl Column {
    fn old(self) -> &'static str {
        match self {
            Self::Secret => {
                "SELECT '' AS project, '' AS environment, '' AS server, name, secret AS sealed FROM credential \
                 WHERE secret IS NOT NULL AND substr(secret, 1, 4) <> $1 ORDER BY name LIMIT $2"
            }
            Self::Passphrase => {
                "SELECT '' AS project, '' AS environment, '' AS server, name, passphrase AS sealed FROM credential \
                 WHERE passphrase IS NOT NULL AND substr(passphrase, 1, 4) <> $1 ORDER BY name LIMIT $2"
            }
            Self::Value => {
                "SELECT project, environment, server, name, sealed FROM secret \
                 WHERE substr(sealed, 1, 4) <> $1 ORDER BY project, environment, server, name LIMIT $2"
            }
            Self::NewKey => {
                "SELECT '' AS project, '' AS environment, '' AS server, credential AS name, secret AS sealed \
                 FROM key_rotation WHERE secret IS NOT NULL AND substr(secret, 1, 4) <> $1 \
                 ORDER BY credential LIMIT $2"
            }
        }
    }

    fn left(self) -> &'static str {
        match self {
            Self::Secret => {
                "SELECT COUNT(*) FROM credential WHERE secret IS NOT NULL AND substr(secret, 1, 4) <> $1"
            }
            Self::Passphrase => {
                "SELECT COUNT(*) FROM credential WHERE passphrase IS NOT NULL AND substr(passphrase, 1, 4) <> $1"
            }
            Self::Value => "SELECT COUNT(*) FROM secret WHERE substr(sealed, 1, 4) <> $1",
            Self::NewKey => {
                "SELECT COUNT(*) FROM key_rotation WHERE secret IS NOT NULL AND substr(secret, 1, 4) <> $1"
            }
        }
    }

    /// Only where nobody stored something else meanwhile.
    fn put(self) -> &'static str {
        match self {
            Self::Secret => "UPDATE credential SET secret = $1 WHERE secret = $2 AND name = $3",
            Self::Passphrase => "UPDATE credential SET passphrase = $1 WHERE passphrase = $2 AND name = $3",
            Self::Value => "UPDATE secret SET sealed = $1 WHERE sealed = $2 AND name = $3",
            Self::NewKey => "UPDATE key_rotation SET secret = $1 WHERE secret = $2 AND credential = $3",
        }
    }

    fn place<'p>(self, row: &'p str, found: &'p Found) -> Place<'p> {
        match self {
            Self::Secret => Place { table: "credential", row: &found.name, field: "secret" },
            Self::Passphrase => Place { table: "credential", row: &found.name, field: "passphrase" },
            Self::Value => Place { table: "secret", row, field: &found.name },
            Self::NewKey => Place { table: "key_rotation", row: &found.name, field: "secret" },
        }
    }
}

impl Store {
    /// Which master key is in use, and how much is still sealed with the one before.
    pub async fn master_key_state(&self) -> Result<MasterKeyState, Error> {
        let version = self.0.vault.version();
        let mut left = 0;
        for column in COLUMNS {
            let old = number(self.readers(), sql(column.left(), [mark(version).into()])).await?;
            left += count(old.unwrap_or_default());
        }
        Ok(MasterKeyState { version, left, is_file: self.0.vault.is_file() })
    }

    /// Makes a new master key, with which everything is sealed from here on. What is sealed with the old one is for
    /// [`seal_some_anew`](Self::seal_some_anew). Does nothing while another one is on its way out. Whoever asks may go:
    /// once begun it comes to its end.
    ///
    /// # Errors
    /// The master key does not lie in the data folder.
    pub async fn begin_new_master_key(&self, deed: Deed) -> Result<(), Error> {
        let store = self.clone();
        // The database and the vault turn together: with one of them alone, what is sealed next would be lost.
        tokio::spawn(async move { store.turn(deed).await }).await.map_err(|_| Error::Closed)?
    }

    async fn turn(&self, deed: Deed) -> Result<(), Error> {
        // Until a key is in its place on the disk, the next one waits: there is room for one.
        let _anew = self.0.anew.lock().await;
        // Held over the write, on purpose: nobody may seal with the old key and store that afterwards.
        let _alone = self.0.sealing.write().await;
        if !self.0.vault.is_file() {
            return Err(Error::ForeignMasterKey);
        }
        if self.is_retiring().await? {
            return Ok(());
        }
        self.settle_next()?;
        let retiring = self.0.vault.version();
        let key = MasterKey::create_next(&self.0.dir)?;
        let next = Versioned { key, version: retiring + 1 };
        let check = next.seal(check_place(), CHECK).ok_or(Error::WrongMasterKey)?;
        let turn = Turn { retiring, version: next.version, check: hex::encode(check) };
        self.write_deed(turn, |()| Some(deed)).await?;
        self.0.vault.turn_to(next);
        Ok(())
    }

    /// Seals some of what is left with the current key, in one transaction. `false` when nothing is left and the old key
    /// is gone. A value that does not open stops it: the old key stays.
    pub async fn seal_some_anew(&self) -> Result<bool, Error> {
        // Held over the write, on purpose: of two, one brings it to its end.
        let _alone = self.0.anew.lock().await;
        let version = self.0.vault.version();
        for column in COLUMNS {
            let some = [mark(version).into(), AT_ONCE.into()];
            let found: Vec<Found> = all(self.readers(), sql(column.old(), some)).await?;
            if found.is_empty() {
                continue;
            }
            let mut anew = Vec::with_capacity(found.len());
            for found in found {
                let row = [found.project.as_str(), &found.environment, &found.server].join("/");
                let place = column.place(&row, &found);
                let sealed = self.0.vault.seal(place, &self.0.vault.open(place, &found.sealed)?)?;
                anew.push((found, sealed));
            }
            self.write(Anew { column, anew }).await?;
            return Ok(true);
        }
        if self.is_retiring().await? {
            self.write(Retire { version }).await?;
            self.settle_next()?;
        }
        Ok(false)
    }

    /// What lies beside the master key, while none is on its way out: the current one, whose place is still to be taken, or
    /// one that was never used.
    fn settle_next(&self) -> Result<(), Error> {
        match MasterKey::next(&self.0.dir)? {
            Some(next) if self.0.vault.is_current(&next) => MasterKey::promote_next(&self.0.dir),
            Some(_) => MasterKey::forget_next(&self.0.dir),
            None => Ok(()),
        }
    }

    async fn is_retiring(&self) -> Result<bool, Error> {
        let retiring = "SELECT COUNT(*) FROM meta WHERE key = 'master_key_retiring'";
        Ok(number(self.readers(), sql(retiring, [])).await? == Some(1))
    }
}

/// How a blob begins that is sealed with this version.
fn mark(version: u32) -> Vec<u8> {
    version.to_be_bytes().to_vec()
}

/// The new key is the one.
struct Turn {
    retiring: u32,
    version: u32,
    check: String,
}

impl Work for Turn {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let keep = "INSERT INTO meta (key, value) SELECT 'master_key_retiring_check', value FROM meta \
                    WHERE key = 'master_key_check'";
        execute(tx.db(), sql(keep, [])).await?;
        for (key, value) in [
            ("master_key_retiring", self.retiring.to_string()),
            ("master_key_version", self.version.to_string()),
            ("master_key_check", self.check),
        ] {
            let put = "INSERT INTO meta (key, value) VALUES ($1, $2) \
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            execute(tx.db(), sql(put, [key.into(), value.into()])).await?;
        }
        Ok(())
    }
}

struct Anew {
    column: Column,
    anew: Vec<(Found, Vec<u8>)>,
}

impl Work for Anew {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        for (found, sealed) in self.anew {
            let row = [sealed.into(), found.sealed.into(), found.name.into()];
            execute(tx.db(), sql(self.column.put(), row)).await?;
        }
        Ok(())
    }
}

/// The old key is not needed any more, since everything is sealed with this version.
struct Retire {
    version: u32,
}

impl Work for Retire {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let forget = "DELETE FROM meta WHERE key IN ('master_key_retiring', 'master_key_retiring_check') \
                      AND EXISTS (SELECT 1 FROM meta WHERE key = 'master_key_version' AND value = $1)";
        match execute(tx.db(), sql(forget, [self.version.to_string().into()])).await? {
            0 => Err(Error::WrongMasterKey),
            _ => Ok(()),
        }
    }
}
