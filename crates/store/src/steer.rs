//! Steering: what people wish of a release that is under way. It is stored before its owner hears of it, so that no
//! restart forgets it.

use std::collections::BTreeSet;

use model::{Name, ReleaseId, Status, Wishes};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::releases::status;
use crate::sql::{all, execute, number, one, parse, small, sql, texts};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store};

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Steered {
    /// It is stored, for these servers where it is about servers.
    Stored(Vec<Name>),
    /// Where the release stands nobody can wish that.
    NotNow(Status),
    /// The release has no such server, or there is nothing to wish for it.
    NoServer(Option<Name>),
    /// There is no such release.
    Unknown,
}

impl Store {
    /// Asks the owner of a running release to wait at the next border between steps.
    pub async fn request_pause(&self, id: ReleaseId, by: &str, deed: Deed) -> Result<Steered, Error> {
        self.wish(Wish { id, what: What::Pause(by.to_owned()) }, deed).await
    }

    /// Leaves servers out of a release that has begun and not ended.
    pub async fn request_skip(
        &self,
        id: ReleaseId,
        servers: Vec<Name>,
        deed: Deed,
    ) -> Result<Steered, Error> {
        self.wish(Wish { id, what: What::Skip(servers) }, deed).await
    }

    /// Has servers of a waiting release tried once more when it is taken up: these, or all that failed or were left out.
    pub async fn request_retry(
        &self,
        id: ReleaseId,
        servers: Option<Vec<Name>>,
        deed: Deed,
    ) -> Result<Steered, Error> {
        self.wish(Wish { id, what: What::Retry(servers) }, deed).await
    }

    /// Says that the batch which a paused release waits for may begin.
    pub async fn request_promote(&self, id: ReleaseId, deed: Deed) -> Result<Steered, Error> {
        self.wish(Wish { id, what: What::Promote }, deed).await
    }

    async fn wish(&self, wish: Wish, deed: Deed) -> Result<Steered, Error> {
        self.write_deed(wish, |steered| matches!(steered, Steered::Stored(_)).then_some(deed)).await
    }

    /// What people want of a release now.
    pub async fn wishes(&self, id: ReleaseId) -> Result<Wishes, Error> {
        wishes(self.readers(), id).await
    }

    /// Whether a paused release waits for somebody to promote a batch.
    pub async fn is_held(&self, id: ReleaseId) -> Result<bool, Error> {
        Ok(number(self.readers(), sql(HELD, [id.0.into()])).await?.is_some())
    }
}

/// The batch that a paused release waits for.
const HELD: &str = "SELECT step.batch FROM step JOIN release ON release.id = step.release_id \
                    WHERE release_id = $1 AND step.kind = 'batch' AND step.status = 'paused' \
                    AND release.status = 'paused' AND step.result LIKE '%\"held\"%'";

enum What {
    Pause(String),
    Promote,
    Skip(Vec<Name>),
    Retry(Option<Vec<Name>>),
}

struct Wish {
    id: ReleaseId,
    what: What,
}

impl Work for Wish {
    type Output = Steered;

    async fn write(self, tx: &mut Tx) -> Result<Steered, Error> {
        let find = "SELECT status FROM release WHERE id = $1";
        let found = texts(tx.db(), sql(find, [self.id.0.into()])).await?;
        let Some(found) = found.first() else { return Ok(Steered::Unknown) };
        let status = status(found)?;
        let may = match self.what {
            What::Pause(_) => status == Status::Running,
            What::Skip(_) => status.is_active(),
            What::Promote => status == Status::Paused,
            What::Retry(_) => matches!(status, Status::Paused | Status::Interrupted),
        };
        if !may {
            return Ok(Steered::NotNow(status));
        }
        match self.what {
            What::Pause(by) => {
                let set = "UPDATE release SET pausing_by = COALESCE(pausing_by, $2) WHERE id = $1";
                execute(tx.db(), sql(set, [self.id.0.into(), by.into()])).await?;
                Ok(Steered::Stored(Vec::new()))
            }
            What::Promote => {
                let Some(batch) = number(tx.db(), sql(HELD, [self.id.0.into()])).await? else {
                    return Ok(Steered::NotNow(status));
                };
                let set = "UPDATE release SET promoted = $2 WHERE id = $1";
                execute(tx.db(), sql(set, [self.id.0.into(), batch.into()])).await?;
                Ok(Steered::Stored(Vec::new()))
            }
            What::Skip(servers) => {
                let known = names(tx, ALL, self.id).await?;
                wish(tx, self.id, servers, &known, "skip").await
            }
            What::Retry(servers) => {
                let failed = names(tx, FAILED, self.id).await?;
                let servers = servers.unwrap_or_else(|| failed.iter().cloned().collect());
                wish(tx, self.id, servers, &failed, "retry").await
            }
        }
    }
}

/// All servers of a release.
const ALL: &str = "SELECT name FROM release_server WHERE release_id = $1";

/// Those that did not come with it: a step of theirs did not work, or they were left out.
const FAILED: &str = "SELECT name FROM release_server WHERE release_id = $1 AND (state = 'behind' OR wish = 'skip' \
                      OR name IN (SELECT server FROM step WHERE release_id = $1 AND status IN ('failed', 'unknown')))";

async fn names(tx: &Tx, which: &'static str, id: ReleaseId) -> Result<BTreeSet<Name>, Error> {
    let names = texts(tx.db(), sql(which, [id.0.into()])).await?;
    names.iter().map(|name| parse("name of a server", name)).collect()
}

async fn wish(
    tx: &Tx,
    id: ReleaseId,
    servers: Vec<Name>,
    may: &BTreeSet<Name>,
    word: &'static str,
) -> Result<Steered, Error> {
    if let Some(other) = servers.iter().find(|name| !may.contains(*name)) {
        return Ok(Steered::NoServer(Some(other.clone())));
    }
    if servers.is_empty() {
        return Ok(Steered::NoServer(None));
    }
    for server in &servers {
        let set = "UPDATE release_server SET wish = $3 WHERE release_id = $1 AND name = $2";
        execute(tx.db(), sql(set, [id.0.into(), server.as_str().into(), word.into()])).await?;
    }
    Ok(Steered::Stored(servers))
}

/// Everything that is wished of a release.
pub(crate) async fn wishes(db: &impl ConnectionTrait, id: ReleaseId) -> Result<Wishes, Error> {
    #[derive(FromQueryResult)]
    struct Whole {
        stopping: bool,
        pausing_by: Option<String>,
        promoted: i64,
    }
    #[derive(FromQueryResult)]
    struct OfServer {
        name: String,
        wish: String,
    }
    let whole = "SELECT stopping, pausing_by, promoted FROM release WHERE id = $1";
    let whole: Option<Whole> = one(db, sql(whole, [id.0.into()])).await?;
    let Some(whole) = whole else { return Ok(Wishes::default()) };
    let each =
        "SELECT name, wish FROM release_server WHERE release_id = $1 AND wish IS NOT NULL ORDER BY position";
    let each: Vec<OfServer> = all(db, sql(each, [id.0.into()])).await?;
    let of = |word: &str| -> Result<Vec<Name>, Error> {
        let names = each.iter().filter(|one| one.wish == word);
        names.map(|one| parse("name of a server", &one.name)).collect()
    };
    Ok(Wishes {
        stop: whole.stopping,
        pause: whole.pausing_by,
        promoted: small(whole.promoted),
        skip: of("skip")?,
        retry: of("retry")?,
    })
}
