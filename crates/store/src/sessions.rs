//! Sessions: who signed in with a password, and for how long that counts. Of a session only its SHA-256 is known.

use std::time::Duration;

use jiff::Timestamp;
use model::Name;
use sea_orm::FromQueryResult;

use crate::sql::{all, execute, now, one, parse, sql, time};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store};

/// A session that nobody uses ends after this long.
pub const IDLE: Duration = Duration::from_hours(12);

/// Every session ends after this long.
pub const LONGEST: Duration = Duration::from_hours(7 * 24);

/// A session as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// SHA-256 of its secret, 64 hexadecimal digits.
    pub digest: String,
    /// Whose it is.
    pub user: Name,
    /// Whether that account may do everything.
    pub admin: bool,
    /// What the browser says that it is.
    pub agent: String,
    /// When somebody signed in.
    pub created_at: Timestamp,
    /// When it was used last, to a few minutes.
    pub seen_at: Timestamp,
}

impl SessionRecord {
    /// When it ends if nobody uses it any more.
    pub fn expires_at(&self) -> Timestamp {
        (self.seen_at + IDLE).min(self.created_at + LONGEST)
    }
}

#[derive(FromQueryResult)]
struct Row {
    digest: String,
    account: String,
    admin: bool,
    agent: String,
    created_at: i64,
    seen_at: i64,
}

impl Store {
    /// Remembers a new session of `user`, and forgets those that have ended. `false` when `password` (in PHC form)
    /// is not the hash of the account's password any more: then there is no session.
    pub async fn add_session(
        &self,
        sha256_hex: &str,
        user: &Name,
        password: &str,
        agent: &str,
        deed: Deed,
    ) -> Result<bool, Error> {
        let [digest, password, agent] = [sha256_hex, password, agent].map(str::to_owned);
        let add = Add { digest, account: user.to_string(), password, agent };
        self.write_deed(add, |is_let_in| is_let_in.then_some(deed)).await
    }

    /// The session with this SHA-256, unless it has ended.
    pub async fn session(&self, sha256_hex: &str) -> Result<Option<SessionRecord>, Error> {
        let find = "SELECT digest, account, admin, agent, session.created_at AS created_at, seen_at FROM session \
                    JOIN account ON account.name = session.account WHERE digest = $1";
        let row: Option<Row> = one(self.readers(), sql(find, [sha256_hex.into()])).await?;
        let found = row.map(record).transpose()?;
        Ok(found.filter(|session| session.expires_at() > now()))
    }

    /// Notes that a session is used now.
    pub async fn touch_session(&self, sha256_hex: &str) -> Result<(), Error> {
        self.write(Touch(sha256_hex.to_owned())).await
    }

    /// The sessions of an account that have not ended, newest first.
    pub async fn sessions(&self, user: &Name) -> Result<Vec<SessionRecord>, Error> {
        let theirs = "SELECT digest, account, admin, agent, session.created_at AS created_at, seen_at FROM session \
                      JOIN account ON account.name = session.account WHERE account = $1 ORDER BY seen_at DESC, digest";
        let rows: Vec<Row> = all(self.readers(), sql(theirs, [user.as_str().into()])).await?;
        let mut sessions = rows.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
        sessions.retain(|session| session.expires_at() > now());
        Ok(sessions)
    }

    /// Ends a session; `false` when there is none.
    pub async fn remove_session(&self, sha256_hex: &str, deed: Deed) -> Result<bool, Error> {
        self.write_deed(End(sha256_hex.to_owned()), |was_there| was_there.then_some(deed)).await
    }
}

fn record(row: Row) -> Result<SessionRecord, Error> {
    Ok(SessionRecord {
        digest: row.digest,
        user: parse("name of an account", &row.account)?,
        admin: row.admin,
        agent: row.agent,
        created_at: time(row.created_at)?,
        seen_at: time(row.seen_at)?,
    })
}

struct Add {
    digest: String,
    account: String,
    password: String,
    agent: String,
}

impl Work for Add {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let ended = "DELETE FROM session WHERE seen_at < $1 OR created_at < $2";
        let before = |age: Duration| (tx.at - age).as_microsecond();
        execute(tx.db(), sql(ended, [before(IDLE).into(), before(LONGEST).into()])).await?;
        let add = "INSERT INTO session (digest, account, agent, created_at, seen_at) \
                   SELECT $1, name, $3, $4, $4 FROM account WHERE name = $2 AND password = $5";
        let values = [
            self.digest.into(),
            self.account.into(),
            self.agent.into(),
            tx.micros().into(),
            self.password.into(),
        ];
        Ok(execute(tx.db(), sql(add, values)).await? > 0)
    }
}

struct Touch(String);

impl Work for Touch {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let touch = "UPDATE session SET seen_at = $2 WHERE digest = $1";
        execute(tx.db(), sql(touch, [self.0.into(), tx.micros().into()])).await.map(drop)
    }
}

struct End(String);

impl Work for End {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        Ok(execute(tx.db(), sql("DELETE FROM session WHERE digest = $1", [self.0.into()])).await? > 0)
    }
}
