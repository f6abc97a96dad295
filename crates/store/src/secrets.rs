//! Secrets of projects, environments and servers: sealed one by one, each for its own place.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use model::{ExposeSecret, Name, Scope, SecretString, VariableName};
use sea_orm::FromQueryResult;

use crate::sql::{all, execute, one, parse, sql, time};
use crate::vault::Place;
use crate::writer::Tx;
use crate::{Error, Store};

/// A secret as it may be shown: without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    /// Who says it.
    pub scope: Scope,
    /// Its name.
    pub name: VariableName,
    /// Whether it is long enough to be masked where it is written.
    pub masked: bool,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was stored last.
    pub updated_at: Timestamp,
}

/// A secret to store.
#[derive(Clone)]
pub struct NewSecret {
    /// Who says it.
    pub scope: Scope,
    /// Its name.
    pub name: VariableName,
    /// Its value.
    pub value: SecretString,
    /// Whether it is long enough to be masked where it is written.
    pub masked: bool,
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret")
            .field("scope", &self.scope)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The secrets that one scope says, with their values.
pub type Values = BTreeMap<VariableName, SecretString>;

/// The row of a scope: what it does not have is empty.
struct Key<'a> {
    project: &'a str,
    environment: &'a str,
    server: &'a str,
}

impl<'a> Key<'a> {
    fn of(scope: &'a Scope) -> Self {
        let none = Self { project: "", environment: "", server: "" };
        match scope {
            Scope::Project(project) => Self { project: project.as_str(), ..none },
            Scope::Environment(project, site) => {
                Self { project: project.as_str(), environment: site.as_str(), ..none }
            }
            Scope::Server(server) => Self { server: server.as_str(), ..none },
        }
    }

    /// The row in the place that a value is sealed for: no name holds a slash.
    fn row(&self) -> String {
        [self.project, self.environment, self.server].join("/")
    }
}

#[derive(FromQueryResult)]
struct Row {
    project: String,
    environment: String,
    server: String,
    name: String,
    masked: bool,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    fn record(&self) -> Result<SecretRecord, Error> {
        let read = |what, text: &str| parse::<Name>(what, text);
        let scope = match (self.project.as_str(), self.environment.as_str()) {
            ("", _) => Scope::Server(read("name of a server", &self.server)?),
            (project, "") => Scope::Project(read("name of a project", project)?),
            (project, site) => {
                Scope::Environment(read("name of a project", project)?, read("name of an environment", site)?)
            }
        };
        Ok(SecretRecord {
            scope,
            name: parse("name of a secret", &self.name)?,
            masked: self.masked,
            created_at: time(self.created_at)?,
            updated_at: time(self.updated_at)?,
        })
    }
}

#[derive(FromQueryResult)]
struct SealedRow {
    name: String,
    sealed: Vec<u8>,
}

/// A secret as the writer gets it: it never sees a value.
pub(crate) struct SealedSecret {
    scope: Scope,
    name: VariableName,
    sealed: Vec<u8>,
    masked: bool,
}

impl Store {
    /// Every secret of every scope, by scope and name.
    pub async fn secrets(&self) -> Result<Vec<SecretRecord>, Error> {
        let every = "SELECT project, environment, server, name, masked, created_at, updated_at FROM secret \
                     ORDER BY project, environment, server, name";
        all::<Row>(self.readers(), sql(every, [])).await?.iter().map(Row::record).collect()
    }

    /// The values of all secrets that a scope says itself.
    pub async fn secret_values(&self, scope: &Scope) -> Result<Values, Error> {
        let key = Key::of(scope);
        let own = "SELECT name, sealed FROM secret WHERE project = $1 AND environment = $2 AND server = $3";
        let values = [key.project.into(), key.environment.into(), key.server.into()];
        let row = key.row();
        let open = |found: SealedRow| {
            let value = self.0.vault.open_text(place(&row, &found.name), &found.sealed)?;
            Ok((parse("name of a secret", &found.name)?, value))
        };
        all::<SealedRow>(self.readers(), sql(own, values)).await?.into_iter().map(open).collect()
    }

    /// Whether storing `new` would change anything.
    pub async fn secret_differs(&self, new: &NewSecret) -> Result<bool, Error> {
        let key = Key::of(&new.scope);
        let one_of = "SELECT name, sealed FROM secret \
                      WHERE project = $1 AND environment = $2 AND server = $3 AND name = $4";
        let values =
            [key.project.into(), key.environment.into(), key.server.into(), new.name.as_str().into()];
        let Some(found) = one::<SealedRow>(self.readers(), sql(one_of, values)).await? else {
            return Ok(true);
        };
        let vault = &self.0.vault;
        let stored = vault.open_text(place(&key.row(), &found.name), &found.sealed)?;
        Ok(vault.digest(&[Some(&stored)]) != vault.digest(&[Some(&new.value)]))
    }

    /// Seals on the caller's task, so that the writer never sees a secret.
    pub(crate) fn seal_secret(&self, new: NewSecret) -> Result<SealedSecret, Error> {
        let row = Key::of(&new.scope).row();
        let sealed =
            self.0.vault.seal(place(&row, new.name.as_str()), new.value.expose_secret().as_bytes())?;
        Ok(SealedSecret { scope: new.scope, name: new.name, sealed, masked: new.masked })
    }
}

fn place<'a>(row: &'a str, name: &'a str) -> Place<'a> {
    Place { table: "secret", row, field: name }
}

/// Makes a secret or replaces it.
pub(crate) async fn put(tx: &Tx, secret: SealedSecret) -> Result<(), Error> {
    let key = Key::of(&secret.scope);
    let insert = "INSERT INTO secret (project, environment, server, name, sealed, masked, created_at, updated_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (project, environment, server, name) \
                  DO UPDATE SET sealed = excluded.sealed, masked = excluded.masked, updated_at = excluded.updated_at";
    let row = [
        key.project.into(),
        key.environment.into(),
        key.server.into(),
        secret.name.as_str().into(),
        secret.sealed.into(),
        secret.masked.into(),
        tx.micros().into(),
    ];
    execute(tx.db(), sql(insert, row)).await.map(drop)
}

/// Forgets a secret; answers whether there was one.
pub(crate) async fn delete(tx: &Tx, scope: &Scope, name: &VariableName) -> Result<u64, Error> {
    let key = Key::of(scope);
    let delete = "DELETE FROM secret WHERE project = $1 AND environment = $2 AND server = $3 AND name = $4";
    let row = [key.project.into(), key.environment.into(), key.server.into(), name.as_str().into()];
    execute(tx.db(), sql(delete, row)).await
}

/// Forgets the secrets of a scope that is gone; those of a project with those of its environments.
pub(crate) async fn delete_all(tx: &Tx, scope: &Scope) -> Result<(), Error> {
    let key = Key::of(scope);
    let delete = "DELETE FROM secret WHERE project = $1 AND server = $3 AND ($2 = '' OR environment = $2)";
    let row = [key.project.into(), key.environment.into(), key.server.into()];
    execute(tx.db(), sql(delete, row)).await.map(drop)
}
