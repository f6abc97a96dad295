//! Keys that are being replaced. The new one is stored before any server hears of it, so that whoever is interrupted goes
//! on with the same.

use model::{ExposeSecret, Name, SecretString, Server};
use sea_orm::FromQueryResult;

use crate::credentials::{CredentialRecord, place};
use crate::definitions::{credential_of, servers};
use crate::sql::{execute, number, one, sql, to_word};
use crate::vault::Place;
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store};

/// A key that is being replaced.
#[derive(Debug, Clone)]
pub struct KeyRotation {
    /// The new private key; `None` once it is in its place and the old one is only left on servers.
    pub secret: Option<SecretString>,
    /// Its public half, as OpenSSH writes it.
    pub public_key: String,
    /// `SHA256:…` of it.
    pub fingerprint: String,
    /// The public half of the key that goes.
    pub old_public_key: String,
}

#[derive(FromQueryResult)]
struct Row {
    secret: Option<Vec<u8>>,
    public_key: String,
    fingerprint: String,
    old_public_key: String,
}

fn new_place(credential: &Name) -> Place<'_> {
    Place { table: "key_rotation", row: credential.as_str(), field: "secret" }
}

impl Store {
    /// The rotation of a credential that has begun and not ended.
    pub async fn key_rotation(&self, credential: &Name) -> Result<Option<KeyRotation>, Error> {
        let row =
            "SELECT secret, public_key, fingerprint, old_public_key FROM key_rotation WHERE credential = $1";
        let Some(row) = one::<Row>(self.readers(), sql(row, [credential.as_str().into()])).await? else {
            return Ok(None);
        };
        let open = |sealed: Vec<u8>| self.0.vault.open_text(new_place(credential), &sealed);
        Ok(Some(KeyRotation {
            secret: row.secret.map(open).transpose()?,
            public_key: row.public_key,
            fingerprint: row.fingerprint,
            old_public_key: row.old_public_key,
        }))
    }

    /// Keeps a new key for `credential`, whose key stays in use. Where it was changed since it was `read`, nothing is done, and
    /// this answers `false`: the key that goes would be another one.
    ///
    /// # Errors
    /// One has begun already.
    pub async fn begin_key_rotation(
        &self,
        read: &CredentialRecord,
        new: &KeyRotation,
        deed: Deed,
    ) -> Result<bool, Error> {
        let credential = &read.name;
        let _sealing = self.0.sealing.read().await;
        let seal =
            |key: &SecretString| self.0.vault.seal(new_place(credential), key.expose_secret().as_bytes());
        let sealed = new.secret.as_ref().map(seal).transpose()?;
        let begin = Begin { read: read.clone(), sealed, new: new.clone() };
        self.write_deed(begin, |has_begun| has_begun.then_some(deed)).await
    }

    /// Puts the new key into the place of the old one, in one step, when each server that is logged in to with it is one of
    /// those to which it was `brought`, and still where it was then. Otherwise nothing is done, and this answers `false`.
    ///
    /// # Errors
    /// There is no rotation any more: somebody stored another key meanwhile.
    pub async fn take_new_key(
        &self,
        credential: &Name,
        new: &KeyRotation,
        brought: &[Server],
    ) -> Result<bool, Error> {
        let name = credential.as_str();
        let _sealing = self.0.sealing.read().await;
        let seal =
            |key: &SecretString| self.0.vault.seal(place(name, "secret"), key.expose_secret().as_bytes());
        let sealed = new.secret.as_ref().map(seal).transpose()?;
        let (credential, new, brought) = (credential.clone(), new.clone(), brought.to_vec());
        self.write(Take { credential, sealed, new, brought }).await
    }

    /// Forgets the old key: no server knows it any more.
    pub async fn end_key_rotation(&self, credential: &Name) -> Result<(), Error> {
        self.write(End(credential.clone())).await
    }
}

struct Begin {
    read: CredentialRecord,
    sealed: Option<Vec<u8>>,
    new: KeyRotation,
}

impl Work for Begin {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let name = self.read.name.as_str();
        let kind = to_word("kind of credential", &self.read.kind)?;
        let same = "SELECT COUNT(*) FROM credential WHERE name = $1 AND kind = $2 AND updated_at = $3";
        let row = [name.into(), kind.into(), self.read.updated_at.as_microsecond().into()];
        if number(tx.db(), sql(same, row)).await? != Some(1) {
            return Ok(false);
        }
        let insert = "INSERT INTO key_rotation (credential, secret, public_key, fingerprint, old_public_key, started_at) \
                      VALUES ($1, $2, $3, $4, $5, $6)";
        let row = [
            name.into(),
            self.sealed.into(),
            self.new.public_key.into(),
            self.new.fingerprint.into(),
            self.new.old_public_key.into(),
            tx.micros().into(),
        ];
        execute(tx.db(), sql(insert, row)).await?;
        Ok(true)
    }
}

struct Take {
    credential: Name,
    sealed: Option<Vec<u8>>,
    new: KeyRotation,
    brought: Vec<Server>,
}

impl Work for Take {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let has_it = |server: &Server| {
            self.brought.iter().any(|one| one.name == server.name && one.address == server.address)
        };
        let mut users = servers(tx.db()).await?;
        users.retain(|server| credential_of(server) == Some(&self.credential));
        if !users.iter().all(has_it) {
            return Ok(false);
        }
        let name = self.credential.as_str();
        let used = "UPDATE key_rotation SET secret = NULL \
                    WHERE credential = $1 AND public_key = $2 AND secret IS NOT NULL";
        let key = [name.into(), self.new.public_key.clone().into()];
        if execute(tx.db(), sql(used, key)).await? == 0 {
            return Err(Error::NotFound { what: "rotation of credential", name: name.to_owned() });
        }
        let put = "UPDATE credential SET secret = $2, passphrase = NULL, fingerprint = $3, public_key = $4, \
                   updated_at = $5 WHERE name = $1";
        let row = [
            name.into(),
            self.sealed.into(),
            self.new.fingerprint.into(),
            self.new.public_key.into(),
            tx.micros().into(),
        ];
        execute(tx.db(), sql(put, row)).await?;
        Ok(true)
    }
}

struct End(Name);

impl Work for End {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        forget(tx, &self.0).await
    }
}

/// Somebody stored another key, or took the credential away.
pub(crate) async fn forget(tx: &Tx, credential: &Name) -> Result<(), Error> {
    let delete = "DELETE FROM key_rotation WHERE credential = $1";
    execute(tx.db(), sql(delete, [credential.as_str().into()])).await.map(drop)
}
