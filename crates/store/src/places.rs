//! The places that a stored password was typed for. Whoever may change a server must not lead the password of others to a
//! host of their own: it is sent only to where somebody who knows it said so.

use std::collections::BTreeSet;

use model::{Address, Name, SshAddress};

use crate::definitions::servers;
use crate::sql::{execute, number, sql, texts};
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

/// The password `credential` was typed, for every server that names it now. One that was changed is good for no place that
/// it was typed for before.
pub(crate) async fn typed(tx: &Tx, credential: &Name, is_new: bool) -> Result<(), Error> {
    if is_new {
        forget(tx, credential).await?;
    }
    let servers = servers(tx.db()).await?;
    let places: BTreeSet<String> = servers
        .into_iter()
        .filter_map(|server| match server.address {
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

/// A server names `credential`: a password that no server named before was typed for this one.
pub(crate) async fn named(tx: &Tx, credential: &Name) -> Result<(), Error> {
    let unused = "SELECT COUNT(*) FROM credential WHERE name = $1 AND kind = 'ssh-password' \
                  AND NOT EXISTS (SELECT 1 FROM password_place WHERE credential = $1)";
    if number(tx.db(), sql(unused, [credential.as_str().into()])).await? == Some(1) {
        typed(tx, credential, false).await?;
    }
    Ok(())
}

/// Before places were known, every password was good for every server that named it.
pub(crate) async fn adopt(tx: &Tx) -> Result<(), Error> {
    for name in texts(tx.db(), sql("SELECT name FROM credential WHERE kind = 'ssh-password'", [])).await? {
        typed(tx, &crate::sql::parse("name of a credential", &name)?, false).await?;
    }
    Ok(())
}

/// The password is gone, or another one.
pub(crate) async fn forget(tx: &Tx, credential: &Name) -> Result<(), Error> {
    let delete = "DELETE FROM password_place WHERE credential = $1";
    execute(tx.db(), sql(delete, [credential.as_str().into()])).await.map(drop)
}
