//! The audit log: who did what to which thing, and when. Rows are added and never changed: the database refuses it.
//!
//! Whatever writes for somebody is handed its [`Deed`], which is recorded in the same transaction when, and only when,
//! something was done.

use std::fmt;

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

impl Deed {
    /// That `who` does `what` to `object`; `detail` holds no secret.
    pub fn new(
        who: impl Into<String>,
        what: &'static str,
        object: impl fmt::Display,
        detail: impl Into<String>,
    ) -> Self {
        Self { who: who.into(), what, object: object.to_string(), detail: detail.into() }
    }
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
    /// Records a deed that is no write of ours, before it begins; durable on return.
    pub async fn note(&self, deed: Deed) -> Result<(), Error> {
        self.write(Note(deed)).await
    }

    /// Writes `work`, and in the same transaction what `deed` says of its outcome: `None` where nothing was done.
    pub(crate) fn write_deed<W: Work>(
        &self,
        work: W,
        deed: impl FnOnce(&W::Output) -> Option<Deed> + Send + 'static,
    ) -> impl Future<Output = Result<W::Output, Error>> + Send {
        self.write(Recorded { work, deed: Box::new(deed) })
    }

    /// What was done, the latest first, at most `limit`.
    pub async fn audit(&self, filter: &AuditFilter, limit: u64) -> Result<Vec<AuditRecord>, Error> {
        let before = filter.before.unwrap_or(i64::MAX).into();
        let (who, limit) = (filter.who.clone().into(), limit.cast_signed().into());
        let find = match filter.object.clone() {
            // By the index: the rows of one object are few among all.
            Some(object) => sql(
                "SELECT id, at, who, deed, object, detail FROM audit \
                 WHERE object = $4 AND id < $1 AND ($2 IS NULL OR who = $2) ORDER BY id DESC LIMIT $3",
                [before, who, limit, object.into()],
            ),
            None => sql(
                "SELECT id, at, who, deed, object, detail FROM audit \
                 WHERE id < $1 AND ($2 IS NULL OR who = $2) ORDER BY id DESC LIMIT $3",
                [before, who, limit],
            ),
        };
        let rows: Vec<Row> = all(self.readers(), find).await?;
        let record = |row: Row| {
            let Row { id, at, who, deed: what, object, detail } = row;
            Ok(AuditRecord { id, at: time(at)?, who, what, object, detail })
        };
        rows.into_iter().map(record).collect()
    }
}

struct Note(Deed);

impl Work for Note {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        note(tx, vec![self.0]).await
    }
}

/// What is recorded of an outcome; nothing where nothing was done.
type DeedOf<O> = Box<dyn FnOnce(&O) -> Option<Deed> + Send>;

/// A job that is somebody's deed.
struct Recorded<W: Work> {
    work: W,
    deed: DeedOf<W::Output>,
}

impl<W: Work> Work for Recorded<W> {
    type Output = W::Output;

    async fn write(self, tx: &mut Tx) -> Result<W::Output, Error> {
        let output = self.work.write(tx).await?;
        if let Some(deed) = (self.deed)(&output) {
            note(tx, vec![deed]).await?;
        }
        Ok(output)
    }
}

/// Records deeds inside of another job: they are recorded when, and only when, it is done.
pub(crate) async fn note(tx: &Tx, deeds: Vec<Deed>) -> Result<(), Error> {
    let last = number(tx.db(), sql("SELECT COALESCE(MAX(id), 0) FROM audit", [])).await?.unwrap_or_default();
    for (id, deed) in (last + 1..).zip(deeds) {
        let Deed { who, what, object, detail } = deed;
        tracing::info!(who, what, object, ?detail, "a deed");
        let add = "INSERT INTO audit (id, at, who, deed, object, detail) VALUES ($1, $2, $3, $4, $5, $6)";
        let values = [id.into(), tx.micros().into(), who.into(), what.into(), object.into(), detail.into()];
        execute(tx.db(), sql(add, values)).await?;
    }
    Ok(())
}
