//! Definitions: servers, projects and their environments as users wrote them. Read here, written by [`crate::change`].

use model::{Name, Project, Server, Site, group};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::groups::groups;
use crate::sql::{from_json, parse, sql};
use crate::tables::{project, server, site};
use crate::{Error, Store};

/// The names of everything that `apply` made, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Managed {
    /// Servers.
    pub servers: Vec<Name>,
    /// Groups.
    pub groups: Vec<Name>,
    /// Credentials.
    pub credentials: Vec<Name>,
    /// Hook templates.
    pub templates: Vec<Name>,
    /// Projects.
    pub projects: Vec<Name>,
    /// Environments, as project and name.
    pub sites: Vec<(Name, Name)>,
}

impl Store {
    /// Every server, by name, with the groups that it is in.
    pub async fn servers(&self) -> Result<Vec<Server>, Error> {
        servers(self.readers()).await
    }

    /// The server with this name, with the groups that it is in.
    pub async fn server(&self, name: &Name) -> Result<Option<Server>, Error> {
        let row = server::Entity::find_by_id(name.as_str()).one(self.readers()).await?;
        let mut server: Option<Server> = row.map(|row| from_json("server", &row.body)).transpose()?;
        group::assign(&mut server, &groups(self.readers()).await?);
        Ok(server)
    }

    /// Every project, by name.
    pub async fn projects(&self) -> Result<Vec<Project>, Error> {
        let rows = project::Entity::find().order_by_asc(project::Column::Name).all(self.readers()).await?;
        rows.iter().map(|row| from_json("project", &row.body)).collect()
    }

    /// The project with this name.
    pub async fn project(&self, name: &Name) -> Result<Option<Project>, Error> {
        let row = project::Entity::find_by_id(name.as_str()).one(self.readers()).await?;
        row.map(|row| from_json("project", &row.body)).transpose()
    }

    /// The environments of a project as they were written, by name.
    pub async fn sites(&self, project: &Name) -> Result<Vec<Site>, Error> {
        let rows = site::Entity::find()
            .filter(site::Column::Project.eq(project.as_str()))
            .order_by_asc(site::Column::Name)
            .all(self.readers())
            .await?;
        rows.iter().map(|row| from_json("environment", &row.body)).collect()
    }

    /// One environment of a project as it was written.
    pub async fn site(&self, project: &Name, environment: &Name) -> Result<Option<Site>, Error> {
        let key = (project.to_string(), environment.to_string());
        let row = site::Entity::find_by_id(key).one(self.readers()).await?;
        row.map(|row| from_json("environment", &row.body)).transpose()
    }

    /// The environments of all projects with exactly this path, each with its project; two of them must not
    /// share a server.
    pub async fn sites_at(&self, path: &model::DeployPath) -> Result<Vec<(Name, Site)>, Error> {
        let rows = site::Entity::find()
            .filter(site::Column::Path.eq(path.as_str()))
            .order_by_asc(site::Column::Project)
            .order_by_asc(site::Column::Name)
            .all(self.readers())
            .await?;
        rows.iter()
            .map(|row| Ok((parse("project name", &row.project)?, from_json("environment", &row.body)?)))
            .collect()
    }

    /// What `apply` made, and may remove with `--prune`.
    pub async fn managed(&self) -> Result<Managed, Error> {
        let db = &self.moment().await?;
        let names = |text: &String| parse("name", text);
        let of = async |text| -> Result<Vec<Name>, Error> {
            crate::sql::texts(db, sql(text, [])).await?.iter().map(names).collect()
        };
        let sites = site::Entity::find()
            .filter(site::Column::Managed.eq(true))
            .order_by_asc(site::Column::Project)
            .order_by_asc(site::Column::Name)
            .all(db)
            .await?;
        Ok(Managed {
            servers: of("SELECT name FROM server WHERE managed ORDER BY name").await?,
            groups: of("SELECT name FROM server_group WHERE managed ORDER BY name").await?,
            credentials: of("SELECT name FROM credential WHERE managed ORDER BY name").await?,
            templates: of("SELECT name FROM template WHERE managed ORDER BY name").await?,
            projects: of("SELECT name FROM project WHERE managed ORDER BY name").await?,
            sites: sites
                .iter()
                .map(|row| Ok((names(&row.project)?, names(&row.name)?)))
                .collect::<Result<_, Error>>()?,
        })
    }
}

/// Every server, by name, with the groups that it is in.
pub(crate) async fn servers(db: &impl ConnectionTrait) -> Result<Vec<Server>, Error> {
    let rows = server::Entity::find().order_by_asc(server::Column::Name).all(db).await?;
    let mut servers: Vec<Server> =
        rows.iter().map(|row| from_json("server", &row.body)).collect::<Result<_, _>>()?;
    group::assign(&mut servers, &groups(db).await?);
    Ok(servers)
}

/// The credential that a definition names, for its key column.
pub(crate) fn credential_of(server: &Server) -> Option<&Name> {
    match &server.address {
        model::Address::Local => None,
        model::Address::Ssh(address) => Some(&address.credential),
    }
}
