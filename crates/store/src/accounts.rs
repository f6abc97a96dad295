//! Accounts: who there is, their passwords (only hashes are known here), and the codes that set one.

use jiff::Timestamp;
use model::Name;
use sea_orm::{FromQueryResult, Statement};

use crate::sql::{all, execute, now, number, one, parse, sql, time};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store};

/// An account as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its name.
    pub name: Name,
    /// Whether it may do everything.
    pub admin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether anybody can sign in with it.
    pub has_password: bool,
}

#[derive(FromQueryResult)]
struct Row {
    name: String,
    admin: bool,
    created_at: i64,
    has_password: bool,
}

impl Store {
    /// Every account, by name.
    pub async fn accounts(&self) -> Result<Vec<AccountRecord>, Error> {
        let every =
            "SELECT name, admin, created_at, password IS NOT NULL AS has_password FROM account ORDER BY name";
        let rows: Vec<Row> = all(self.readers(), sql(every, [])).await?;
        rows.iter().map(record).collect()
    }

    /// The account with this name.
    pub async fn account(&self, name: &Name) -> Result<Option<AccountRecord>, Error> {
        let this = "SELECT name, admin, created_at, password IS NOT NULL AS has_password FROM account WHERE name = $1";
        let row: Option<Row> = one(self.readers(), sql(this, [name.as_str().into()])).await?;
        row.as_ref().map(record).transpose()
    }

    /// Makes an administrator's account without a password; `false` when there is one of that name.
    pub async fn create_account(&self, name: &Name, deed: Deed) -> Result<bool, Error> {
        self.write_deed(Create(name.clone()), |is_made| is_made.then_some(deed)).await
    }

    /// Removes an account with its tokens, sessions and set-up code; `false` when there is none.
    pub async fn remove_account(&self, name: &Name, deed: Deed) -> Result<bool, Error> {
        self.write_deed(Remove(name.clone()), |was_there| was_there.then_some(deed)).await
    }

    /// The hash of an account's password, in PHC form.
    pub async fn password(&self, account: &str) -> Result<Option<String>, Error> {
        #[derive(FromQueryResult)]
        struct Hash {
            password: Option<String>,
        }
        let find = "SELECT password FROM account WHERE name = $1";
        let row: Option<Hash> = one(self.readers(), sql(find, [account.into()])).await?;
        Ok(row.and_then(|row| row.password))
    }

    /// Stores the hash of a new password. It ends the account's sessions but the one with the digest `keep`, and its
    /// set-up code. `false` when there is no such account.
    pub async fn set_password(
        &self,
        account: &Name,
        hash: &str,
        keep: Option<&str>,
        deed: Deed,
    ) -> Result<bool, Error> {
        let keep = keep.unwrap_or_default().to_owned();
        let set = SetPassword { account: account.to_string(), hash: hash.to_owned(), keep };
        self.write_deed(set, |is_known| is_known.then_some(deed)).await
    }

    /// Whoever has the code with this SHA-256 may set the account's password once, until `expires_at`.
    pub async fn put_setup_code(
        &self,
        account: &Name,
        sha256_hex: &str,
        expires_at: Timestamp,
        deed: Deed,
    ) -> Result<(), Error> {
        let code = PutCode {
            account: account.to_string(),
            digest: sha256_hex.to_owned(),
            until: expires_at.as_microsecond(),
        };
        self.write_deed(code, |()| Some(deed)).await
    }

    /// Whose password the code with this SHA-256 sets; `None` when it is unknown, used or too old.
    pub async fn setup_code(&self, sha256_hex: &str) -> Result<Option<Name>, Error> {
        let found: Option<CodeRow> = one(self.readers(), code(sha256_hex, now())).await?;
        found.map(|row| parse("name of an account", &row.account)).transpose()
    }

    /// Uses the code with this SHA-256 up: sets the password of its account and answers which it is.
    pub async fn use_setup_code(
        &self,
        sha256_hex: &str,
        hash: &str,
        deed: Deed,
    ) -> Result<Option<Name>, Error> {
        let set = UseCode { digest: sha256_hex.to_owned(), hash: hash.to_owned() };
        self.write_deed(set, |user| user.is_some().then_some(deed)).await
    }

    /// Whether nobody can sign in, because no account has a password yet.
    pub async fn has_no_password(&self) -> Result<bool, Error> {
        let any = "SELECT COUNT(*) FROM account WHERE password IS NOT NULL";
        Ok(number(self.readers(), sql(any, [])).await? == Some(0))
    }
}

fn record(row: &Row) -> Result<AccountRecord, Error> {
    Ok(AccountRecord {
        name: parse("name of an account", &row.name)?,
        admin: row.admin,
        created_at: time(row.created_at)?,
        has_password: row.has_password,
    })
}

struct Create(Name);

impl Work for Create {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let account = "INSERT INTO account (name, admin, created_at) VALUES ($1, TRUE, $2) \
                       ON CONFLICT (name) DO NOTHING";
        let values = [self.0.as_str().into(), tx.micros().into()];
        Ok(execute(tx.db(), sql(account, values)).await? > 0)
    }
}

struct Remove(Name);

impl Work for Remove {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let name = self.0.as_str();
        for part in [
            "DELETE FROM token WHERE account = $1",
            "DELETE FROM session WHERE account = $1",
            "DELETE FROM setup_code WHERE account = $1",
        ] {
            execute(tx.db(), sql(part, [name.into()])).await?;
        }
        Ok(execute(tx.db(), sql("DELETE FROM account WHERE name = $1", [name.into()])).await? > 0)
    }
}

struct SetPassword {
    account: String,
    hash: String,
    keep: String,
}

impl Work for SetPassword {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let set = "UPDATE account SET password = $2 WHERE name = $1";
        let known = execute(tx.db(), sql(set, [self.account.as_str().into(), self.hash.into()])).await? > 0;
        let others = "DELETE FROM session WHERE account = $1 AND digest <> $2";
        execute(tx.db(), sql(others, [self.account.as_str().into(), self.keep.into()])).await?;
        let code = "DELETE FROM setup_code WHERE account = $1";
        execute(tx.db(), sql(code, [self.account.into()])).await?;
        Ok(known)
    }
}

struct PutCode {
    account: String,
    digest: String,
    until: i64,
}

impl Work for PutCode {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let put = "INSERT INTO setup_code (account, digest, expires_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (account) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at";
        let values = [self.account.into(), self.digest.into(), self.until.into()];
        execute(tx.db(), sql(put, values)).await.map(drop)
    }
}

#[derive(FromQueryResult)]
struct CodeRow {
    account: String,
}

/// Finds a code that is good at this time.
fn code(sha256_hex: &str, at: Timestamp) -> Statement {
    let find = "SELECT account FROM setup_code WHERE digest = $1 AND expires_at > $2";
    sql(find, [sha256_hex.into(), at.as_microsecond().into()])
}

struct UseCode {
    digest: String,
    hash: String,
}

impl Work for UseCode {
    type Output = Option<Name>;

    async fn write(self, tx: &mut Tx) -> Result<Option<Name>, Error> {
        let found: Option<CodeRow> = one(tx.db(), code(&self.digest, tx.at)).await?;
        let Some(CodeRow { account }) = found else { return Ok(None) };
        let name = parse("name of an account", &account)?;
        let set = SetPassword { account, hash: self.hash, keep: String::new() };
        set.write(tx).await?;
        Ok(Some(name))
    }
}
