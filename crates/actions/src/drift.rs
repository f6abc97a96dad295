//! Drift: what the servers of an environment really run, beside what they should.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use engine::drift::{Runs, read};
use engine::question::shown;
use jiff::Timestamp;
use model::{Name, ReleaseId, ReleaseName, Selector, Server};
use store::{DriftLook, DriftRecord, Good};

use crate::rollback::live;
use crate::{Action, Actions, Actor, Error, Object, authorize};

/// What every server of an environment runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The release that is live.
    pub live: Option<ReleaseId>,
    /// The servers, by name.
    pub servers: Vec<ServerDrift>,
}

/// What one server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerDrift {
    /// Its name.
    pub name: Name,
    /// What it runs.
    pub runs: Runs,
    /// The release of ours that this is.
    pub release: Option<ReleaseId>,
    /// How that is beside what it should be.
    pub state: DriftState,
    /// Since when it is known that it differs.
    pub since: Option<Timestamp>,
    /// Who said that it is right so.
    pub accepted_by: Option<String>,
}

impl ServerDrift {
    /// Whether it runs something else than it should.
    pub fn differs(&self) -> bool {
        matches!(self.state, DriftState::Behind | DriftState::Foreign)
    }

    /// What it runs, for a sentence that begins with its name.
    fn words(&self) -> String {
        match (&self.runs, self.release) {
            (_, Some(release)) => format!("runs release {release}"),
            (Runs::Link { text, .. }, None) => format!("runs {}", shown(text)),
            (Runs::Nothing, None) => "runs nothing".to_owned(),
            (Runs::Other, None) => "has a real file or folder as `current`".to_owned(),
            (Runs::Unreachable(why), None) => format!("could not be asked: {why}"),
        }
    }
}

/// How what a server runs is beside what it should run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftState {
    /// It runs the live release.
    Same,
    /// It runs another release of this installation, or nothing.
    Behind,
    /// It runs what no release of this installation brought.
    Foreign,
    /// It could not be asked.
    Unknown,
}

impl Actions {
    /// Asks every server of an environment what it runs. What differs is remembered, shown on the board and told once.
    pub async fn drift(&self, actor: &Actor, project: &Name, environment: &Name) -> Result<Drift, Error> {
        authorize(actor, Action::SeeReleases, &Object::Environment(project, environment))?;
        Ok(self.look(project, environment).await?.0)
    }

    /// The same, and what is remembered of it.
    async fn look(&self, project: &Name, environment: &Name) -> Result<(Drift, Vec<DriftRecord>), Error> {
        let since = Timestamp::now();
        let site = self.site(project, environment).await?;
        let mut servers = self.store().servers().await?;
        servers.retain(|server| site.servers.matches(server));
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        let good = self.store().good(project, environment).await?;
        let live = live(&good);
        let runs = read(self.parts.hosts.as_ref(), &servers, &site.path).await;
        let mut all = Vec::with_capacity(servers.len());
        let mut names = HashMap::new();
        for (server, runs) in servers.into_iter().zip(runs) {
            let release = self.release_of(&server.name, &runs, &good, &mut names).await?;
            let expected = live.map(|live| format!("releases/{}", live.folder_on(&server.name)));
            let state = state(&runs, release, expected.as_deref());
            all.push(ServerDrift { name: server.name, runs, release, state, since: None, accepted_by: None });
        }
        // Where nothing is live yet, nothing can differ from it.
        let known = match live {
            Some(_) => self.remember_drift(project, environment, since, &mut all).await?,
            None => Vec::new(),
        };
        Ok((Drift { live: live.map(|live| live.id), servers: all }, known))
    }

    async fn remember_drift(
        &self,
        project: &Name,
        environment: &Name,
        since: Timestamp,
        servers: &mut [ServerDrift],
    ) -> Result<Vec<DriftRecord>, Error> {
        let away = servers.iter().filter(|server| server.state == DriftState::Unknown);
        let differ = servers.iter().filter(|server| server.differs());
        let look = DriftLook {
            project: project.clone(),
            environment: environment.clone(),
            since,
            away: away.map(|server| server.name.clone()).collect(),
            differ: differ.map(|server| (server.name.clone(), server.words())).collect(),
        };
        let known = self.store().note_drift(look).await?;
        for server in servers.iter_mut().filter(|server| server.differs()) {
            let words = server.words();
            if let Some(record) = known.iter().find(|one| one.server == server.name && one.runs == words) {
                (server.since, server.accepted_by) = (Some(record.since), record.accepted_by.clone());
            }
        }
        Ok(known)
    }

    /// Asks every server what it runs, and notes that it is right so for those that differ, or those of them that `wanted`
    /// names. It holds until they run something else. While a release works there nothing can be accepted.
    pub async fn accept_drift(
        &self,
        actor: &Actor,
        project: &Name,
        environment: &Name,
        wanted: Option<&Selector>,
    ) -> Result<Drift, Error> {
        authorize(actor, Action::AcceptDrift, &Object::Environment(project, environment))?;
        let (mut drift, mut known) = self.look(project, environment).await?;
        let servers = self.store().servers().await?;
        let is_wanted = |name: &Name| {
            let server = servers.iter().find(|server| server.name == *name);
            wanted.is_none_or(|wanted| server.is_some_and(|server| wanted.matches(server)))
        };
        let differ = drift.servers.iter_mut().filter(|server| server.differs() && is_wanted(&server.name));
        let seen: Vec<&mut ServerDrift> = differ.collect();
        if seen.is_empty() {
            return Err(Error::UpToDate(format!(
                "no server of {project}/{environment}{} differs from what is live",
                wanted.map(|wanted| format!(" that is {wanted}")).unwrap_or_default()
            )));
        }
        known.retain(|one| seen.iter().any(|server| server.name == one.server && server.words() == one.runs));
        let names: Vec<&str> = seen.iter().map(|server| server.name.as_str()).collect();
        let object = Object::Environment(project, environment);
        let deed = actor.deed("drift.accept", &object, &names.join(" "));
        let is_known = known.len() == seen.len();
        if !is_known || !self.store().accept_drift(project, environment, known, &actor.name, deed).await? {
            return Err(Error::Referenced(format!(
                "what the servers of {project}/{environment} run changes at this moment: a release works there"
            )));
        }
        for server in seen {
            server.accepted_by = Some(actor.name.clone());
        }
        Ok(drift)
    }

    /// Those of `servers` that can be reached and do not run the live release.
    pub(crate) async fn behind(
        &self,
        actor: &Actor,
        project: &Name,
        environment: &Name,
        servers: Vec<Server>,
    ) -> Result<Vec<Server>, Error> {
        let drift = self.drift(actor, project, environment).await?;
        let behind = |server: &Server| {
            let found = drift.servers.iter().find(|found| found.name == server.name);
            found.is_some_and(ServerDrift::differs)
        };
        Ok(servers.into_iter().filter(behind).collect())
    }

    /// The release of ours, or the one that was adopted, that the link of a server leads to. `names` are those of releases that
    /// were looked up before: most servers run the same.
    async fn release_of(
        &self,
        server: &Name,
        runs: &Runs,
        good: &[Good],
        names: &mut HashMap<ReleaseId, Option<ReleaseName>>,
    ) -> Result<Option<ReleaseId>, Error> {
        let Runs::Link { text, .. } = runs else { return Ok(None) };
        let Some(name) = text.strip_prefix("releases/") else { return Ok(None) };
        let Ok(name) = name.parse::<ReleaseName>() else { return Ok(None) };
        let Some(number) = name.release() else {
            let found = good.iter().find(|one| *one.folder_on(server) == name);
            return Ok(found.map(|found| found.id));
        };
        let known = match names.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let found = self.store().release(number).await?;
                unknown.insert(found.map(|release| release.name))
            }
        };
        Ok((*known == Some(name)).then_some(number))
    }
}

fn state(runs: &Runs, release: Option<ReleaseId>, expected: Option<&str>) -> DriftState {
    match (runs, expected) {
        (Runs::Unreachable(_), _) => DriftState::Unknown,
        (Runs::Link { text, .. }, Some(expected)) if text == expected => DriftState::Same,
        (Runs::Link { .. }, _) if release.is_none() => DriftState::Foreign,
        (Runs::Other, _) => DriftState::Foreign,
        // Where nothing is live, nothing is what should be there.
        (Runs::Nothing, None) => DriftState::Same,
        (Runs::Link { .. } | Runs::Nothing, _) => DriftState::Behind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_runs_is_compared_with_what_it_should() {
        let link = |text: &str| Runs::Link { text: text.into(), revision: None };
        let live = Some("releases/b");
        for (runs, release, expected, seen) in [
            (link("releases/b"), Some(2), live, DriftState::Same),
            (link("releases/a"), Some(1), live, DriftState::Behind),
            (link("/srv/else"), None, live, DriftState::Foreign),
            (link("releases/x"), None, None, DriftState::Foreign),
            (Runs::Nothing, None, live, DriftState::Behind),
            (Runs::Nothing, None, None, DriftState::Same),
            (Runs::Other, None, live, DriftState::Foreign),
            (Runs::Unreachable("away".into()), None, live, DriftState::Unknown),
        ] {
            assert_eq!(state(&runs, release.map(ReleaseId), expected), seen, "{runs:?}");
        }
    }
}
