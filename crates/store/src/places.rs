//! The places that a stored password was typed for. Whoever may change a server must not lead the password of others to a
//! host of their own: it is sent only to where somebody who knows it said so.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Name, Server, SshAddress};

use crate::definitions::servers;
use crate::sql::{execute, number, parse, sql, texts};
use crate::writer::Tx;
use crate::{Error, Store};

impl Store {
    /// Whether the password `credential` was typed for this address: its user, host, port and way.
    pub async fn is_typed_for(&self, credential: &Name, address: &SshAddress) -> Result<bool, Error> {
        let typed = "SELECT COUNT(*) FROM password_place WHERE credential = $1 AND place = $2";
        let key = [credential.as_str().into(), address.place().into()];
        Ok(number(self.readers(), sql(typed, key)).await? == Some(1))
    }
}

/// What people did to passwords in one list of changes.
#[derive(Default)]
pub(crate) struct Passwords {
    /// Credentials that servers name.
    pub(crate) named: BTreeSet<Name>,
    /// Passwords that were typed, and whether they are others than before.
    pub(crate) typed: BTreeMap<Name, bool>,
}

impl Passwords {
    /// Whether anything was done to any.
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.typed.is_empty()
    }

    /// Notes for which places they are good, once all changes are made and these are the `servers`.
    pub(crate) async fn settle(&self, tx: &Tx, servers: &[Server]) -> Result<(), Error> {
        for (credential, is_new) in &self.typed {
            // One that was changed is good for no place that it was typed for before.
            if *is_new {
                forget(tx, credential).await?;
            }
            typed(tx, credential, servers).await?;
        }
        for credential in &self.named {
            if is_new_to_servers(tx, credential).await? {
                typed(tx, credential, servers).await?;
            }
        }
        Ok(())
    }
}

/// The password `credential` was typed, for every one of `servers` that names it.
async fn typed(tx: &Tx, credential: &Name, servers: &[Server]) -> Result<(), Error> {
    let places: BTreeSet<String> = servers
        .iter()
        .filter_map(|server| match &server.address {
            Address::Ssh(ssh) if ssh.credential == *credential => Some(ssh.place()),
            _ => None,
        })
        .collect();
    for place in places {
        let insert = "INSERT INTO password_place (credential, place) VALUES ($1, $2) \
                      ON CONFLICT (credential, place) DO NOTHING";
        execute(tx.db(), sql(insert, [credential.as_str().into(), place.into()])).await?;
    }
    Ok(())
}

/// Whether `credential` is a password that no server named before: then it was typed for the one that names it now.
async fn is_new_to_servers(tx: &Tx, credential: &Name) -> Result<bool, Error> {
    let unused = "SELECT COUNT(*) FROM credential WHERE name = $1 AND kind = 'ssh-password' \
                  AND NOT EXISTS (SELECT 1 FROM password_place WHERE credential = $1)";
    Ok(number(tx.db(), sql(unused, [credential.as_str().into()])).await? == Some(1))
}

/// Before places were known, every password was good for every server that named it.
pub(crate) async fn adopt(tx: &Tx) -> Result<(), Error> {
    let names = texts(tx.db(), sql("SELECT name FROM credential WHERE kind = 'ssh-password'", [])).await?;
    let typed = names.iter().map(|name| Ok((parse("name of a credential", name)?, false)));
    let typed = typed.collect::<Result<_, Error>>()?;
    let servers = servers(tx.db()).await?;
    Passwords { typed, ..Passwords::default() }.settle(tx, &servers).await
}

/// The password is gone, or another one.
pub(crate) async fn forget(tx: &Tx, credential: &Name) -> Result<(), Error> {
    let delete = "DELETE FROM password_place WHERE credential = $1";
    execute(tx.db(), sql(delete, [credential.as_str().into()])).await.map(drop)
}
