//! The SSH host keys of git hosts that people have pinned. A host is the same for every project.

use sea_orm::FromQueryResult;

use crate::sql::{execute, one, sql};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store};

#[derive(FromQueryResult)]
struct Row {
    keys: String,
}

impl Store {
    /// The keys that are pinned for a git host, as `ssh-ed25519 AAAA…`; none when nobody has pinned any.
    pub async fn git_host_keys(&self, host: &str, port: u16) -> Result<Vec<String>, Error> {
        let find = "SELECT keys FROM git_host WHERE host = $1 AND port = $2";
        let row: Option<Row> = one(self.readers(), sql(find, [host.into(), i32::from(port).into()])).await?;
        Ok(row.map(|row| row.keys.lines().map(str::to_owned).collect()).unwrap_or_default())
    }

    /// Pins exactly these keys for a git host, in the place of those that were pinned before, and records the deed. A key
    /// is one line.
    pub async fn pin_git_host(
        &self,
        host: &str,
        port: u16,
        keys: &[String],
        deed: Deed,
    ) -> Result<(), Error> {
        let (host, keys) = (host.to_owned(), keys.join("\n"));
        self.write_deed(Pin { host, port, keys }, |()| Some(deed)).await
    }
}

struct Pin {
    host: String,
    port: u16,
    keys: String,
}

impl Work for Pin {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let put = "INSERT INTO git_host (host, port, keys) VALUES ($1, $2, $3) \
                   ON CONFLICT (host, port) DO UPDATE SET keys = excluded.keys";
        let values = [self.host.into(), i32::from(self.port).into(), self.keys.into()];
        execute(tx.db(), sql(put, values)).await.map(drop)
    }
}
