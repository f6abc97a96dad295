//! Credentials: what may be known of them, and the one door through which a secret leaves the vault.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use jiff::Timestamp;
use model::{ExposeSecret, Name, Project, SecretString, Server};
use sea_orm::{ActiveValue::Set, EntityTrait, IntoActiveModel, QueryOrder};
use serde::{Deserialize, Serialize};

use crate::definitions::credential_of;
use crate::promises::found;
use crate::sql::{from_word, parse, time, to_word};
use crate::tables::credential;
use crate::vault::{Place, Vault};
use crate::writer::Tx;
use crate::{Error, Store, places, rotation};

/// What a credential is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A private key, perhaps encrypted with a passphrase.
    SshKey,
    /// A password for SSH.
    SshPassword,
    /// The agent that Aweigh itself can reach; nothing is stored.
    SshAgent,
    /// A private key for a git repository.
    GitKey,
    /// A token or password for a git repository over HTTPS.
    GitToken,
}

/// A credential as it may be shown: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    /// Unique in the installation.
    pub name: Name,
    /// What it is good for.
    pub kind: CredentialKind,
    /// `SHA256:…` of a key.
    pub fingerprint: Option<String>,
    /// The public half of a key, as OpenSSH writes it; unknown of one that was stored before this was kept.
    pub public_key: Option<String>,
    /// The login name that goes with a token.
    pub username: Option<String>,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was stored last.
    pub updated_at: Timestamp,
}

/// A credential to store. A secret or passphrase that is `None` keeps the stored one, unless the kind changes.
pub struct NewCredential {
    /// Unique in the installation.
    pub name: Name,
    /// What it is good for; [`CredentialKind::SshAgent`] has no secret, whatever is given.
    pub kind: CredentialKind,
    /// `SHA256:…` of a key.
    pub fingerprint: Option<String>,
    /// The public half of a key, as OpenSSH writes it.
    pub public_key: Option<String>,
    /// The login name that goes with a token.
    pub username: Option<String>,
    /// Key, password or token.
    pub secret: Option<SecretString>,
    /// What the key is encrypted with.
    pub passphrase: Option<SecretString>,
}

/// A credential with its secret, for the one who logs in with it.
pub struct Unsealed {
    /// What it is good for.
    pub kind: CredentialKind,
    /// The login name that goes with a token.
    pub username: Option<String>,
    /// Key, password or token.
    pub secret: Option<SecretString>,
    /// What the key is encrypted with.
    pub passphrase: Option<SecretString>,
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCredential")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsealed").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Store {
    /// Every credential, by name.
    pub async fn credentials(&self) -> Result<Vec<CredentialRecord>, Error> {
        let by_name = credential::Entity::find().order_by_asc(credential::Column::Name);
        by_name.all(self.readers()).await?.into_iter().map(record).collect()
    }

    /// The credential with this name.
    pub async fn credential(&self, name: &Name) -> Result<Option<CredentialRecord>, Error> {
        self.row(name).await?.map(record).transpose()
    }

    /// The credential with its secret.
    pub async fn unseal(&self, credential: &Name) -> Result<Option<Unsealed>, Error> {
        let Some(row) = self.row(credential).await? else { return Ok(None) };
        Ok(Some(Unsealed {
            kind: from_word("kind of credential", &row.kind)?,
            secret: open(&self.0.vault, &row.name, "secret", row.secret.as_deref())?,
            passphrase: open(&self.0.vault, &row.name, "passphrase", row.passphrase.as_deref())?,
            username: row.username,
        }))
    }

    /// The credentials with which a repository and these servers are reached, those of servers on the way to them included;
    /// with their secrets.
    pub async fn logins<'a>(
        &self,
        project: &'a Project,
        servers: impl IntoIterator<Item = &'a Server>,
    ) -> Result<BTreeMap<Name, Vec<SecretString>>, Error> {
        let stored = self.servers().await?;
        let by_name: HashMap<&Name, &Server> = stored.iter().map(|server| (&server.name, server)).collect();
        let mut names: BTreeSet<&Name> = project.credential.iter().collect();
        for server in servers {
            let way = std::iter::successors(Some(server), |here| by_name.get(here.jump()?).copied());
            // What is stored leads in no circle; together with an older plan it might.
            names.extend(way.take(by_name.len() + 1).filter_map(credential_of));
        }
        let mut logins = BTreeMap::new();
        for name in names {
            let stored = self.unseal(name).await?;
            let secrets = stored.into_iter().flat_map(|it| it.secret.into_iter().chain(it.passphrase));
            logins.insert(name.clone(), secrets.collect());
        }
        Ok(logins)
    }

    /// Every secret there is: what somebody sees who may look around on a server is not limited to one project.
    pub async fn every_secret(&self) -> Result<Vec<SecretString>, Error> {
        let mut secrets = Vec::new();
        for credential in self.credentials().await? {
            if let Some(stored) = self.unseal(&credential.name).await? {
                secrets.extend(stored.secret.into_iter().chain(stored.passphrase));
            }
        }
        // They come ordered by scope.
        let mut scopes: Vec<_> = self.secrets().await?.into_iter().map(|secret| secret.scope).collect();
        scopes.dedup();
        for scope in &scopes {
            secrets.extend(self.secret_values(scope).await?.into_values());
        }
        Ok(secrets)
    }

    /// A keyed hash of the stored secret and passphrase, to compare with
    /// [`secret_digest_after`](Self::secret_digest_after).
    pub async fn secret_digest(&self, name: &Name) -> Result<Option<String>, Error> {
        let unsealed = self.unseal(name).await?;
        Ok(unsealed.map(|it| self.0.vault.digest(&[it.secret.as_ref(), it.passphrase.as_ref()])))
    }

    /// What [`secret_digest`](Self::secret_digest) would be once `new` is stored: equal when nothing secret
    /// changes.
    pub async fn secret_digest_after(&self, new: &NewCredential) -> Result<String, Error> {
        let stored = self.unseal(&new.name).await?.filter(|stored| stored.kind == new.kind);
        let kept = stored.as_ref().filter(|_| new.kind != CredentialKind::SshAgent);
        let given = Some(new).filter(|new| new.kind != CredentialKind::SshAgent);
        let secret = given.and_then(|it| it.secret.as_ref()).or(kept.and_then(|it| it.secret.as_ref()));
        let passphrase =
            given.and_then(|it| it.passphrase.as_ref()).or(kept.and_then(|it| it.passphrase.as_ref()));
        Ok(self.0.vault.digest(&[secret, passphrase]))
    }

    /// Seals on the caller's task, so that the writer never sees a secret.
    pub(crate) fn seal_credential(
        &self,
        new: NewCredential,
        managed: bool,
    ) -> Result<credential::Model, Error> {
        let name = new.name.as_str();
        let seal = |field, secret: Option<SecretString>| {
            secret
                .filter(|_| new.kind != CredentialKind::SshAgent)
                .map(|secret| self.0.vault.seal(place(name, field), secret.expose_secret().as_bytes()))
                .transpose()
        };
        Ok(credential::Model {
            secret: seal("secret", new.secret)?,
            passphrase: seal("passphrase", new.passphrase)?,
            kind: to_word("kind of credential", &new.kind)?,
            fingerprint: new.fingerprint,
            public_key: new.public_key,
            username: new.username,
            managed,
            created_at: 0,
            updated_at: 0,
            name: new.name.into(),
        })
    }

    async fn row(&self, name: &Name) -> Result<Option<credential::Model>, Error> {
        Ok(credential::Entity::find_by_id(name.as_str()).one(self.readers()).await?)
    }
}

/// Where a field of a credential is sealed.
pub(crate) fn place<'a>(name: &'a str, field: &'a str) -> Place<'a> {
    Place { table: "credential", row: name, field }
}

fn open(
    vault: &Vault,
    name: &str,
    field: &str,
    sealed: Option<&[u8]>,
) -> Result<Option<SecretString>, Error> {
    sealed.map(|sealed| vault.open_text(place(name, field), sealed)).transpose()
}

fn record(row: credential::Model) -> Result<CredentialRecord, Error> {
    Ok(CredentialRecord {
        name: parse("name of a credential", &row.name)?,
        kind: from_word("kind of credential", &row.kind)?,
        fingerprint: row.fingerprint,
        public_key: row.public_key,
        username: row.username,
        created_at: time(row.created_at)?,
        updated_at: time(row.updated_at)?,
    })
}

/// Makes or replaces a credential. What is not given of one of the same kind stays.
pub(crate) async fn put(tx: &Tx, mut row: credential::Model) -> Result<(), Error> {
    row.created_at = tx.micros();
    row.updated_at = row.created_at;
    let Some(stored) = credential::Entity::find_by_id(row.name.as_str()).one(tx.db()).await? else {
        credential::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
        return Ok(());
    };
    let same_kind = row.kind == stored.kind;
    if !same_kind {
        // Its new key would get into what is no key any more.
        rotation::forget(tx, &parse("name of a credential", &row.name)?).await?;
    }
    let kept = |new: Option<Vec<u8>>, stored: Option<Vec<u8>>| new.or(stored.filter(|_| same_kind));
    let update = credential::ActiveModel {
        name: Set(row.name),
        kind: Set(row.kind),
        fingerprint: Set(row.fingerprint),
        public_key: Set(row.public_key),
        username: Set(row.username),
        secret: Set(kept(row.secret, stored.secret)),
        passphrase: Set(kept(row.passphrase, stored.passphrase)),
        updated_at: Set(row.updated_at),
        ..Default::default()
    };
    credential::Entity::update(update).exec(tx.db()).await?;
    Ok(())
}

/// Forgets a credential, with all that is noted of it.
pub(crate) async fn delete(tx: &Tx, name: &Name) -> Result<(), Error> {
    let gone = credential::Entity::delete_by_id(name.as_str()).exec(tx.db()).await?;
    found(gone.rows_affected, "credential", name)?;
    rotation::forget(tx, name).await?;
    places::forget(tx, name).await
}
