//! Accounts and their API tokens. Of a token only its SHA-256 is known here.

use model::Name;
use sea_orm::FromQueryResult;

use crate::sql::{execute, one, parse, sql};
use crate::writer::{Tx, Work};
use crate::{Error, Store};

/// Whom a token lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// The account's name.
    pub user: Name,
    /// Whether that account may do everything.
    pub admin: bool,
}

#[derive(FromQueryResult)]
struct Row {
    account: String,
    admin: bool,
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
