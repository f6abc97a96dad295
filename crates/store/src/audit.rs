//! The audit log: who did what to which thing, and when. Rows are added and never changed: the database refuses it.

use jiff::Timestamp;
use sea_orm::FromQueryResult;

use crate::sql::{all, execute, number, sql, time};
use crate::writer::{Tx, Work};
use crate::{Error, Store};

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Who.
    pub who: String,
    /// What, a word that stays: `server.put`.
    pub what: &'static str,
    /// To which thing: `server:web-1`.
    pub object: String,
    /// What else there is to say; never a secret.
    pub detail: String,
}

/// A deed as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number; later ones have larger numbers.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// To which thing.
    pub object: String,
    /// What else there is to say.
    pub detail: String,
}

/// Which deeds are asked for; without any of these, all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of this person.
    pub who: Option<String>,
    /// Those to this thing.
    pub object: Option<String>,
    /// Those with smaller numbers.
    pub before: Option<i64>,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    at: i64,
    who: String,
    deed: String,
    object: String,
    detail: String,
}

impl Store {
    /// Records deeds; durable on return.
    pub async fn note(&self, deeds: Vec<Deed>) -> Result<(), Error> {
        self.write(Note(deeds)).await
    }

    /// What was done, the latest first, at most `limit`.
    pub async fn audit(&self, filter: &AuditFilter, limit: u64) -> Result<Vec<AuditRecord>, Error> {
        let find = "SELECT id, at, who, deed, object, detail FROM audit \
                    WHERE id < $1 AND ($2 IS NULL OR who = $2) AND ($3 IS NULL OR object = $3) \
                    ORDER BY id DESC LIMIT $4";
        let before = filter.before.unwrap_or(i64::MAX);
        let values = [
            before.into(),
            filter.who.clone().into(),
            filter.object.clone().into(),
            limit.cast_signed().into(),
        ];
        let rows: Vec<Row> = all(self.readers(), sql(find, values)).await?;
        let record = |row: Row| {
            let Row { id, at, who, deed: what, object, detail } = row;
            Ok(AuditRecord { id, at: time(at)?, who, what, object, detail })
        };
        rows.into_iter().map(record).collect()
    }
}

struct Note(Vec<Deed>);

impl Work for Note {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        note(tx, self.0).await
    }
}

/// Records deeds inside of another job: they are recorded when, and only when, it is done.
pub(crate) async fn note(tx: &Tx, deeds: Vec<Deed>) -> Result<(), Error> {
    let last = number(tx.db(), sql("SELECT COALESCE(MAX(id), 0) FROM audit", [])).await?.unwrap_or_default();
    for (id, deed) in (last + 1..).zip(deeds) {
        let add = "INSERT INTO audit (id, at, who, deed, object, detail) VALUES ($1, $2, $3, $4, $5, $6)";
        let Deed { who, what, object, detail } = deed;
        let values = [id.into(), tx.micros().into(), who.into(), what.into(), object.into(), detail.into()];
        execute(tx.db(), sql(add, values)).await?;
    }
    Ok(())
}
