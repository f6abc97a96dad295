//! What has to hold once a list of changes is made: what is named is there, and what is gone is used by nobody.

use std::collections::BTreeSet;

use model::{Name, Picked, Selector, Server};

use crate::definitions::servers;
use crate::places::Passwords;
use crate::sql::{number, sql, texts};
use crate::writer::Tx;
use crate::{Error, groups, templates};

/// What has to hold once all changes are made.
#[derive(Default)]
pub(crate) struct Promises {
    pub(crate) needed_credentials: BTreeSet<Name>,
    pub(crate) needed_projects: BTreeSet<Name>,
    pub(crate) needed_templates: BTreeSet<Picked>,
    pub(crate) deleted_templates: BTreeSet<Name>,
    pub(crate) needed_servers: BTreeSet<Name>,
    pub(crate) deleted_credentials: BTreeSet<Name>,
    pub(crate) deleted_servers: BTreeSet<Name>,
    pub(crate) needed_groups: BTreeSet<Name>,
    pub(crate) deleted_groups: BTreeSet<Name>,
    pub(crate) passwords: Passwords,
}

impl Promises {
    /// Keeps and checks all of it. The servers stand in one table as text, so they are read once for all, and only where
    /// somebody asks for them.
    pub(crate) async fn keep(self, tx: &Tx) -> Result<(), Error> {
        let asks =
            !self.passwords.is_empty() || !self.needed_servers.is_empty() || !self.deleted_servers.is_empty();
        let servers = if asks { servers(tx.db()).await? } else { Vec::new() };
        self.passwords.settle(tx, &servers).await?;
        self.check(tx).await?;
        self.check_servers(&servers)
    }

    /// Whether all that stands in columns of its own holds.
    async fn check(&self, tx: &Tx) -> Result<(), Error> {
        for name in &self.needed_credentials {
            // When it was deleted in the same list, saying who uses it tells more.
            if !self.deleted_credentials.contains(name) {
                let stored = "SELECT COUNT(*) FROM credential WHERE name = $1";
                let stored = number(tx.db(), sql(stored, [name.as_str().into()])).await?;
                found(stored.unwrap_or_default().cast_unsigned(), "credential", name)?;
            }
        }
        for name in &self.needed_projects {
            let stored = "SELECT COUNT(*) FROM project WHERE name = $1";
            let stored = number(tx.db(), sql(stored, [name.as_str().into()])).await?;
            found(stored.unwrap_or_default().cast_unsigned(), "project", name)?;
        }
        for picked in &self.needed_templates {
            if !self.deleted_templates.contains(&picked.name) {
                found(u64::from(templates::is_there(tx, picked).await?), "hook template", picked)?;
            }
        }
        for name in &self.deleted_templates {
            // Made again in the same list.
            if templates::is_there(tx, &Picked { name: name.clone(), version: None }).await? {
                continue;
            }
            unused(templates::users(tx, name).await?, "hook template", name.to_string())?;
        }
        for name in &self.deleted_credentials {
            let users = "SELECT 'project ' || name AS used FROM project \
                         WHERE credential = $1 AND NOT EXISTS (SELECT 1 FROM credential WHERE name = $1) \
                         UNION ALL SELECT 'server ' || name FROM server \
                         WHERE credential = $1 AND NOT EXISTS (SELECT 1 FROM credential WHERE name = $1) \
                         ORDER BY used";
            let by = texts(tx.db(), sql(users, [name.as_str().into()])).await?;
            unused(by, "credential", name.to_string())?;
        }
        groups::judge(tx, &self.needed_groups, &self.deleted_groups).await
    }

    /// What these selectors name has to be there.
    pub(crate) fn need_groups<'s>(&mut self, selectors: impl IntoIterator<Item = &'s Selector>) {
        self.needed_groups.extend(selectors.into_iter().flat_map(Selector::groups).cloned());
    }

    /// Who goes through which server stands in the bodies alone.
    fn check_servers(&self, servers: &[Server]) -> Result<(), Error> {
        for name in
            self.deleted_servers.iter().filter(|name| servers.iter().all(|server| server.name != **name))
        {
            let behind = servers.iter().filter(|server| server.jump() == Some(name));
            unused(
                behind.map(|server| format!("server {}", server.name)).collect(),
                "server",
                name.to_string(),
            )?;
        }
        for name in &self.needed_servers {
            let there = servers.iter().filter(|server| server.name == *name).count();
            found(u64::try_from(there).unwrap_or(u64::MAX), "server", name)?;
        }
        Ok(())
    }
}

pub(crate) fn found(rows: u64, what: &'static str, name: &impl ToString) -> Result<(), Error> {
    if rows == 0 { Err(Error::NotFound { what, name: name.to_string() }) } else { Ok(()) }
}

pub(crate) fn unused(by: Vec<String>, what: &'static str, name: String) -> Result<(), Error> {
    if by.is_empty() { Ok(()) } else { Err(Error::Referenced { what, name, by }) }
}
