//! Linked files and folders of an environment: what lies in `shared/` of its servers, and bringing it there and back.

use std::io::Read;

use engine::adhoc::Load;
use engine::adhoc::shared::{self, Lying};
use engine::ports::HostError;
use model::{Environment, Name, RemotePath, Selector, Server, TreePath};

use crate::transfers::Moving;
use crate::{Action, Actions, Actor, Error, Object, authorize};

/// Which of the linked things of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedOrder {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// On which of its servers; on all when nothing is said.
    pub servers: Option<Selector>,
    /// Its name in a release: one of `linked_files`, or in one of `linked_dirs`.
    pub name: TreePath,
    /// A folder takes the place of what is there.
    pub replaces: bool,
    /// How many servers at once.
    pub at_once: usize,
}

/// What one server has in `shared/`.
#[derive(Debug)]
pub struct SharedThere {
    /// The server.
    pub server: Name,
    /// What lies under each name, in the order of the settings; or why that is not known.
    pub found: Result<Vec<(TreePath, Lying)>, HostError>,
}

impl Actions {
    /// Asks the servers of an environment what they have under its linked names.
    pub async fn shared(
        &self,
        actor: &Actor,
        project: &Name,
        environment: &Name,
        wanted: Option<&Selector>,
    ) -> Result<Vec<SharedThere>, Error> {
        let object = Object::Environment(project, environment);
        authorize(actor, Action::GetFiles, &object)?;
        let (environment, mut servers) = self.sharing(project, environment, wanted).await?;
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        let names: Vec<TreePath> =
            environment.linked_files.iter().chain(&environment.linked_dirs).cloned().collect();
        self.note(actor.deed("shared.list", &object, "")).await?;
        let found = shared::look(self.parts.hosts.as_ref(), &servers, &environment.path, &names).await;
        let named = |all: Vec<Lying>| names.iter().cloned().zip(all).collect();
        Ok(servers
            .into_iter()
            .zip(found)
            .map(|(server, found)| SharedThere { server: server.name, found: found.map(named) })
            .collect())
    }

    /// Brings the one file or folder of a tar stream into `shared/` of the servers; the folders on the way are made. Releases
    /// that are linked to it have it at once. `archive` is read to its end, and may block.
    pub async fn put_shared(
        &self,
        actor: &Actor,
        order: SharedOrder,
        archive: Box<dyn Read + Send>,
    ) -> Result<Moving, Error> {
        let object = Object::Environment(&order.project, &order.environment);
        authorize(actor, Action::PutFiles, &object)?;
        let (environment, servers) =
            self.sharing(&order.project, &order.environment, order.servers.as_ref()).await?;
        let to = linked(&environment, &order.name)?;
        let (place, parcel) = self.taken_in(archive).await?;
        let is_file = environment.linked_files.contains(&order.name);
        let is_dir = environment.linked_dirs.contains(&order.name);
        if (is_file && parcel.is_folder) || (is_dir && !parcel.is_folder) {
            let (here, there) = if is_dir { ("file", "linked_dirs") } else { ("folder", "linked_files") };
            return Err(Error::invalid("name", format!("is in {there}, and what was sent is a {here}")));
        }
        self.note(actor.deed("shared.put", &object, order.name.as_str())).await?;
        let load = Load::Put { parcel, to, replaces: order.replaces, makes_way: true };
        Ok(Moving { told: self.carry(servers, load, place, order.at_once), download: None })
    }

    /// Brings a linked file or folder from the servers; each into a folder with its server's name. What came waits for some
    /// minutes to be fetched.
    pub async fn get_shared(&self, actor: &Actor, order: SharedOrder) -> Result<Moving, Error> {
        let object = Object::Environment(&order.project, &order.environment);
        authorize(actor, Action::GetFiles, &object)?;
        let (environment, servers) =
            self.sharing(&order.project, &order.environment, order.servers.as_ref()).await?;
        let from = linked(&environment, &order.name)?;
        self.note(actor.deed("shared.get", &object, order.name.as_str())).await?;
        self.get_from(servers, from, order.at_once)
    }

    /// An environment as it is effective, and those of its servers that are wanted.
    async fn sharing(
        &self,
        project: &Name,
        name: &Name,
        wanted: Option<&Selector>,
    ) -> Result<(Environment, Vec<Server>), Error> {
        let project = self.project(project).await?;
        let site = self.site(&project.name, name).await?;
        let servers = self.chosen(&site, wanted).await?;
        Ok((site.effective(&project), servers))
    }
}

/// Where `name` lies on a server; a mistake when the environment does not share it.
fn linked(environment: &Environment, name: &TreePath) -> Result<RemotePath, Error> {
    let is_linked = environment.linked_files.contains(name)
        || environment.linked_dirs.iter().any(|folder| name.is_within(folder));
    if !is_linked {
        let message = format!(
            "is {name}, which {} does not share: add it to linked_files or linked_dirs first",
            environment.name
        );
        return Err(Error::invalid("name", message));
    }
    shared::place(&environment.path, name).map_err(|error| Error::invalid("name", error.to_string()))
}
