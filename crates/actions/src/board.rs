//! The board: what every environment runs and does.

use model::{Name, Release, Status};
use store::{DriftRecord, Filter, SiteLock};

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// One environment at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// Its servers.
    pub servers: Vec<Name>,
    /// The good release that was activated last.
    pub live: Option<Release>,
    /// The release that was made last.
    pub latest: Option<Release>,
    /// The release that holds the environment.
    pub active: Option<Release>,
    /// How many wait.
    pub queued: usize,
    /// Why nobody is to release there.
    pub lock: Option<SiteLock>,
    /// How many servers were found to run something else, and nobody said that it is right so.
    pub drift: usize,
}

/// So many waiting releases are counted.
const MOST_QUEUED: u64 = 1000;

impl Actions {
    /// One row per environment, by project and name.
    pub async fn board(&self, actor: &Actor) -> Result<Vec<BoardRow>, Error> {
        authorize(actor, Action::SeeReleases, &Object::Installation)?;
        let store = self.store();
        let servers = store.servers().await?;
        let mut rows = Vec::new();
        for project in store.projects().await? {
            for site in store.sites(&project.name).await? {
                let here = Filter {
                    project: Some(project.name.clone()),
                    environment: Some(site.name.clone()),
                    limit: 1,
                    ..Filter::default()
                };
                let with = |status: Vec<Status>, limit| Filter { status, limit, ..here.clone() };
                let holding = Status::ALL.into_iter().filter(|status| status.is_active()).collect();
                let chosen = servers.iter().filter(|server| site.servers.matches(server));
                let chosen: Vec<Name> = chosen.map(|server| server.name.clone()).collect();
                let drift = store.drift(&project.name, &site.name).await?;
                let is_open =
                    |record: &&DriftRecord| record.accepted_by.is_none() && chosen.contains(&record.server);
                let drift = drift.iter().filter(is_open).count();
                rows.push(BoardRow {
                    project: project.name.clone(),
                    environment: site.name.clone(),
                    servers: chosen,
                    live: store.live(&project.name, &site.name).await?,
                    latest: store.releases(&here).await?.pop(),
                    active: store.releases(&with(holding, 1)).await?.pop(),
                    queued: store.releases(&with(vec![Status::Queued], MOST_QUEUED)).await?.len(),
                    drift,
                    lock: store.site_lock(&project.name, &site.name).await?,
                });
            }
        }
        Ok(rows)
    }
}
