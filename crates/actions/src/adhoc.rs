//! Ad-hoc work: commands on many servers at once, beside releases.

use std::time::Duration;

use engine::adhoc::{Order, Told, command};
use engine::masker::Masker;
use model::{Name, Selector, Server};
use tokio::sync::mpsc::{self, Receiver};

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// How many things that happened wait for whoever is told. Then the servers wait, too.
const AHEAD: usize = 64;

/// What is to be run, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOrder {
    /// On which servers.
    pub servers: Selector,
    /// The command, for the login shell of each.
    pub command: String,
    /// What it reads.
    pub stdin: String,
    /// Project and environment in whose live release it runs, on its servers only.
    pub place: Option<(Name, Name)>,
    /// On how many servers at once.
    pub at_once: usize,
    /// The longest it may run on each.
    pub longest: Duration,
}

/// Commands under way.
#[derive(Debug)]
pub struct Running {
    /// On which servers.
    pub servers: Vec<Name>,
    /// What happens there, until all have ended. Dropping it ends what runs.
    pub told: Receiver<Told>,
}

impl Actions {
    /// Runs a command on every server that is meant, all at once. A server that fails is told, and holds nobody.
    pub async fn run_command(&self, actor: &Actor, order: RunOrder) -> Result<Running, Error> {
        let object = match &order.place {
            Some((project, environment)) => Object::Environment(project, environment),
            None => Object::Installation,
        };
        authorize(actor, Action::RunCommand, &object)?;
        let (servers, root) = match &order.place {
            None => (self.all_of(&order.servers).await?, None),
            Some((project, environment)) => {
                let project = self.project(project).await?;
                let site = self.site(&project.name, environment).await?;
                (self.chosen(&site, Some(&order.servers)).await?, Some(site.path))
            }
        };
        // A command shows whatever lies on a server, of any project.
        let masker = Masker::new(&self.store().every_secret().await?);
        let shown = masker.text(&order.command);
        let names: Vec<Name> = servers.iter().map(|server| server.name.clone()).collect();
        let detail = format!("{}: {shown}", order.servers);
        self.note(actor.deed("command.run", &object, &detail)).await?;
        let order = Order {
            command: order.command,
            input: order.stdin,
            root,
            at_once: order.at_once.max(1),
            longest: order.longest,
        };
        let hosts = self.parts.hosts.clone();
        let (tell, told) = mpsc::channel(AHEAD);
        tokio::spawn(async move { command::run(hosts.as_ref(), &servers, &order, &masker, &tell).await });
        Ok(Running { servers: names, told })
    }

    /// The servers that a selector means; one that means none is a mistake.
    pub(crate) async fn all_of(&self, selector: &Selector) -> Result<Vec<Server>, Error> {
        let mut servers = self.store().servers().await?;
        servers.retain(|server| selector.matches(server));
        if servers.is_empty() {
            return Err(Error::invalid("servers", format!("is {selector}, which matches no server")));
        }
        Ok(servers)
    }
}
