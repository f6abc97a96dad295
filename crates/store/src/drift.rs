//! Drift that was seen: servers that were found to run something else than what is live there. It is remembered until they
//! are found right again, so that it can be shown without asking them, told once, and accepted.

use jiff::Timestamp;
use model::{Fact, Name, ReleaseId};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::facts::topic_fact;
use crate::sql::{all, execute, number, parse, sql, time};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store, Topic};

/// Who tells of drift.
const TELLER: &str = "aweigh";

/// One server that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRecord {
    /// Its name.
    pub server: Name,
    /// What it runs, in words.
    pub runs: String,
    /// Since when that is known.
    pub since: Timestamp,
    /// Who said that it is right so, for as long as it stays what it is.
    pub accepted_by: Option<String>,
}

/// What a look at all servers of an environment found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftLook {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// When it began. What a release did after that it could not know.
    pub since: Timestamp,
    /// The servers that do not run what is live there, and what they run, in words.
    pub differ: Vec<(Name, String)>,
    /// Those that could not be asked: of them stays what was known.
    pub away: Vec<Name>,
}

#[derive(FromQueryResult)]
struct Row {
    server: String,
    runs: String,
    since: i64,
    accepted_by: Option<String>,
}

impl Store {
    /// The servers of an environment that were found to differ, by name.
    pub async fn drift(&self, project: &Name, environment: &Name) -> Result<Vec<DriftRecord>, Error> {
        read(self.readers(), project, environment).await
    }

    /// Remembers what a look found; what is new is told in the chat of the project, and to those who watch the board. While a
    /// release works there nothing is remembered: servers differ then. Answers who is known to differ now.
    pub async fn note_drift(&self, look: DriftLook) -> Result<Vec<DriftRecord>, Error> {
        self.write(Note(look)).await
    }

    /// Notes that it is right so that these servers are known to differ, for as long as they run what is known. When
    /// something else is known of one of them by now, that is noted of none, and this answers `false`.
    pub async fn accept_drift(
        &self,
        project: &Name,
        environment: &Name,
        known: Vec<DriftRecord>,
        by: &str,
        deed: Deed,
    ) -> Result<bool, Error> {
        let (project, environment, by) = (project.clone(), environment.clone(), by.to_owned());
        let accept = Accept { project, environment, known, by };
        self.write_deed(accept, |is_accepted| is_accepted.then_some(deed)).await
    }
}

async fn read(
    db: &impl ConnectionTrait,
    project: &Name,
    environment: &Name,
) -> Result<Vec<DriftRecord>, Error> {
    let find = "SELECT server, runs, since, accepted_by FROM drift \
                WHERE project = $1 AND environment = $2 ORDER BY server";
    let rows: Vec<Row> = all(db, sql(find, [project.as_str().into(), environment.as_str().into()])).await?;
    let record = |row: Row| {
        Ok(DriftRecord {
            server: parse("name of a server", &row.server)?,
            runs: row.runs,
            since: time(row.since)?,
            accepted_by: row.accepted_by,
        })
    };
    rows.into_iter().map(record).collect()
}

/// Forgets what differed on the servers that a release has just made run what is live.
pub(crate) async fn forget(tx: &Tx, project: &Name, environment: &Name, id: ReleaseId) -> Result<(), Error> {
    let gone = "DELETE FROM drift WHERE project = $1 AND environment = $2 \
                AND server IN (SELECT name FROM release_server WHERE release_id = $3 AND state = 'live')";
    let key = [project.as_str().into(), environment.as_str().into(), id.0.into()];
    execute(tx.db(), sql(gone, key)).await.map(drop)
}

struct Note(DriftLook);

impl Work for Note {
    type Output = Vec<DriftRecord>;

    async fn write(self, tx: &mut Tx) -> Result<Vec<DriftRecord>, Error> {
        let DriftLook { project, environment, since, differ, away } = self.0;
        let known = read(tx.db(), &project, &environment).await?;
        let at_work = "SELECT COUNT(*) FROM release WHERE project = $1 AND environment = $2 \
                       AND (status IN ('running', 'paused', 'interrupted') OR ended_at >= $3)";
        let key = [project.as_str().into(), environment.as_str().into(), since.as_microsecond().into()];
        if number(tx.db(), sql(at_work, key)).await? != Some(0) {
            return Ok(known);
        }
        for record in &known {
            let still = differ.iter().any(|(server, runs)| *server == record.server && *runs == record.runs);
            if !still && !away.contains(&record.server) {
                let gone = "DELETE FROM drift WHERE project = $1 AND environment = $2 AND server = $3";
                let key =
                    [project.as_str().into(), environment.as_str().into(), record.server.as_str().into()];
                execute(tx.db(), sql(gone, key)).await?;
            }
        }
        let is_new = |(server, runs): &&(Name, String)| {
            !known.iter().any(|record| record.server == *server && record.runs == *runs)
        };
        let new: Vec<&(Name, String)> = differ.iter().filter(is_new).collect();
        for (server, runs) in &new {
            let put = "INSERT INTO drift (project, environment, server, runs, since, accepted_by) \
                       VALUES ($1, $2, $3, $4, $5, NULL)";
            let values = [
                project.as_str().into(),
                environment.as_str().into(),
                server.as_str().into(),
                runs.as_str().into(),
                tx.micros().into(),
            ];
            execute(tx.db(), sql(put, values)).await?;
        }
        if !new.is_empty() {
            tell(tx, &project, &environment, &new).await?;
        }
        read(tx.db(), &project, &environment).await
    }
}

/// Tells people of servers that differ and did not before.
async fn tell(tx: &mut Tx, project: &Name, environment: &Name, new: &[&(Name, String)]) -> Result<(), Error> {
    const NAMED: usize = 5;
    let named = new.iter().take(NAMED).map(|(server, runs)| format!("{server} {runs}"));
    let more = (new.len() > NAMED).then(|| format!("{} more servers", new.len() - NAMED));
    let named: Vec<String> = named.chain(more).collect();
    let text = format!("Drift in {environment}: {}", named.join("; "));
    let fact = Fact::Chat { user: TELLER.to_owned(), text, node: None };
    for topic in [Topic::Project(project.clone()), Topic::Board] {
        topic_fact(tx, &topic, &fact).await?;
    }
    Ok(())
}

struct Accept {
    project: Name,
    environment: Name,
    known: Vec<DriftRecord>,
    by: String,
}

impl Work for Accept {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let now = read(tx.db(), &self.project, &self.environment).await?;
        let still = |record: &DriftRecord| {
            now.iter().any(|known| known.server == record.server && known.runs == record.runs)
        };
        if !self.known.iter().all(still) {
            return Ok(false);
        }
        for record in self.known {
            let accept = "UPDATE drift SET accepted_by = $5 \
                          WHERE project = $1 AND environment = $2 AND server = $3 AND runs = $4";
            let values = [
                self.project.as_str().into(),
                self.environment.as_str().into(),
                record.server.as_str().into(),
                record.runs.into(),
                self.by.as_str().into(),
            ];
            execute(tx.db(), sql(accept, values)).await?;
        }
        Ok(true)
    }
}
