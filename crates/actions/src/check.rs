//! Looking whether releases can run on a server: what the list is about is gathered here, what is found is told by the
//! engine.

use std::sync::Arc;

use engine::check::{self, Duties, Finding, Place, Subject};
use engine::ports::Hosts;
use model::{Address, Environment, HealthProbe, MOST_JUMPS, Name, Server};

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// A check that is allowed and about to begin.
pub struct Checkup {
    hosts: Arc<dyn Hosts>,
    subject: Subject,
}

impl std::fmt::Debug for Checkup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkup").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Checkup {
    /// Connects and logs in as a release does, and tells each finding when it is found. Dropping this ends it.
    pub async fn run(self, mut tell: impl FnMut(Finding) + Send) {
        check::server(self.hosts.as_ref(), &self.subject, &mut tell).await;
    }

    /// The same; all findings, once there are no more.
    pub async fn all(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.run(|finding| findings.push(finding)).await;
        findings
    }
}

impl Actions {
    /// A check of one server and of what environments expect of it. Nobody is asked yet.
    ///
    /// # Errors
    /// The actor may not, or there is no such server. What is wrong with the server is a finding.
    pub async fn check_server(&self, actor: &Actor, name: &Name) -> Result<Checkup, Error> {
        authorize(actor, Action::CheckServer, &Object::Server(name))?;
        let server = self.server(name).await?;
        let way = self.way_to(&server).await?;
        let mut places = Vec::new();
        let mut texts = Vec::new();
        for project in self.store().projects().await? {
            let mut sites = self.store().sites(&project.name).await?;
            sites.retain(|site| site.servers.matches(&server));
            if sites.is_empty() {
                continue;
            }
            let newest = self.store().latest_artifact(&project.name).await?;
            let artifact = newest.map(|artifact| (artifact.files, artifact.bytes));
            for site in sites {
                let environment = site.effective(&project);
                texts.extend(self.run_there(&environment, &server).await?);
                let (project, path) = (project.name.clone(), environment.path);
                places.push(Place { project, environment: environment.name, path, artifact });
            }
        }
        self.note(actor.deed("server.check", &Object::Server(name), "")).await?;
        let duties = Duties::of(texts.iter().map(String::as_str));
        Ok(Checkup { hosts: Arc::clone(&self.parts.hosts), subject: Subject { server, way, places, duties } })
    }

    /// The servers on the way to one, the first one first. Where the way breaks off, connecting says so.
    async fn way_to(&self, server: &Server) -> Result<Vec<Server>, Error> {
        let mut way: Vec<Server> = Vec::new();
        while let Some(name) = way.last().unwrap_or(server).jump().cloned() {
            let Some(jump) = self.store().server(&name).await? else { break };
            if way.len() == MOST_JUMPS || jump.address == Address::Local {
                break;
            }
            way.push(jump);
        }
        way.reverse();
        Ok(way)
    }

    /// The commands that an environment runs on a server, as far as they are stored.
    async fn run_there(&self, environment: &Environment, server: &Server) -> Result<Vec<String>, Error> {
        let mut texts = Vec::new();
        let there = environment.hooks.iter().filter(|(point, _)| !point.on_control_host());
        for hook in there.flat_map(|(_, hooks)| hooks).filter(|hook| hook.on.matches(server)) {
            match &hook.template {
                None => texts.push(hook.run.clone()),
                Some(picked) => {
                    texts.extend(self.store().template(picked).await?.map(|record| record.template.run));
                }
            }
        }
        texts.extend(environment.health.iter().filter(|health| health.on.matches(server)).filter_map(
            |health| match &health.probe {
                HealthProbe::Command(command) => Some(command.clone()),
                HealthProbe::Http(_) => None,
            },
        ));
        Ok(texts)
    }
}
