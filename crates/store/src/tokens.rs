//! API tokens of accounts, and the first administrator. Of a token only its SHA-256 is known here.

use jiff::Timestamp;
use model::Name;
use sea_orm::FromQueryResult;

use crate::sql::{all, execute, one, parse, sql, time};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store};

/// Whom a token lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// The account's name.
    pub user: Name,
    /// Whether that account may do everything.
    pub admin: bool,
}

/// A token as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// SHA-256 of the token, 64 hexadecimal digits.
    pub digest: String,
    /// Whose it is.
    pub user: Name,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(FromQueryResult)]
struct Row {
    account: String,
    admin: bool,
}

#[derive(FromQueryResult)]
struct InfoRow {
    digest: String,
    account: String,
    name: String,
    created_at: i64,
}

/// The account of the first administrator.
const ADMIN: &str = "admin";

impl Store {
    /// Makes sure that there is the administrator `admin`.
    pub async fn ensure_admin(&self) -> Result<(), Error> {
        self.write(Ensure(None)).await
    }

    /// Makes sure that the token with this SHA-256 (64 hexadecimal digits) lets in the administrator `admin`.
    /// It takes the place of the token that had the same name before.
    pub async fn ensure_admin_token(&self, name: &str, sha256_hex: &str) -> Result<(), Error> {
        self.write(Ensure(Some((name.to_owned(), sha256_hex.to_owned())))).await
    }

    /// Whom the token with this SHA-256 (64 hexadecimal digits) lets in.
    pub async fn token(&self, sha256_hex: &str) -> Result<Option<TokenRecord>, Error> {
        let find = "SELECT token.account AS account, account.admin AS admin FROM token \
                    JOIN account ON account.name = token.account WHERE token.digest = $1";
        let row: Option<Row> = one(self.readers(), sql(find, [sha256_hex.into()])).await?;
        row.map(|row| Ok(TokenRecord { user: parse("name of an account", &row.account)?, admin: row.admin }))
            .transpose()
    }

    /// The tokens of an account, oldest first.
    pub async fn tokens(&self, user: &Name) -> Result<Vec<TokenInfo>, Error> {
        let theirs = "SELECT digest, account, name, created_at FROM token WHERE account = $1 ORDER BY created_at, name";
        let rows: Vec<InfoRow> = all(self.readers(), sql(theirs, [user.as_str().into()])).await?;
        let info = |row: InfoRow| {
            let user = parse("name of an account", &row.account)?;
            Ok(TokenInfo { digest: row.digest, user, name: row.name, created_at: time(row.created_at)? })
        };
        rows.into_iter().map(info).collect()
    }

    /// Remembers a new token of `user`; `false` when it has one of that name.
    pub async fn add_token(
        &self,
        user: &Name,
        name: &str,
        sha256_hex: &str,
        deed: Deed,
    ) -> Result<bool, Error> {
        let add = Add { digest: sha256_hex.to_owned(), account: user.to_string(), name: name.to_owned() };
        self.write_deed(add, |is_new| is_new.then_some(deed)).await
    }

    /// Forgets a token; `false` when there is none.
    pub async fn remove_token(&self, sha256_hex: &str, deed: Deed) -> Result<bool, Error> {
        self.write_deed(Remove(sha256_hex.to_owned()), |was_there| was_there.then_some(deed)).await
    }
}

struct Add {
    digest: String,
    account: String,
    name: String,
}

impl Work for Add {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let add = "INSERT INTO token (digest, account, name, created_at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (account, name) DO NOTHING";
        let values = [self.digest.into(), self.account.into(), self.name.into(), tx.micros().into()];
        Ok(execute(tx.db(), sql(add, values)).await? > 0)
    }
}

struct Remove(String);

impl Work for Remove {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        Ok(execute(tx.db(), sql("DELETE FROM token WHERE digest = $1", [self.0.into()])).await? > 0)
    }
}

/// The administrator, and the name and digest of a token where one is wanted.
struct Ensure(Option<(String, String)>);

impl Work for Ensure {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let account = "INSERT INTO account (name, admin, created_at) VALUES ($1, TRUE, $2) \
                       ON CONFLICT (name) DO NOTHING";
        execute(tx.db(), sql(account, [ADMIN.into(), tx.micros().into()])).await?;
        let Some((name, digest)) = self.0 else { return Ok(()) };
        let before = "DELETE FROM token WHERE account = $1 AND name = $2 AND digest <> $3";
        let key = [ADMIN.into(), name.as_str().into(), digest.as_str().into()];
        execute(tx.db(), sql(before, key)).await?;
        let token = "INSERT INTO token (digest, account, name, created_at) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (digest) DO UPDATE SET account = excluded.account, name = excluded.name";
        let values = [digest.into(), ADMIN.into(), name.into(), tx.micros().into()];
        execute(tx.db(), sql(token, values)).await.map(drop)
    }
}
