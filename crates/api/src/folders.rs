//! Folders: no two environments share one on one machine, since they would switch each other's `current`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Name, Server};

use crate::checked::{Checked, Whole};
use crate::{FieldError, FieldErrors};

/// One environment on one of its servers.
#[derive(Debug, Clone, Copy)]
struct Use<'a> {
    project: &'a Name,
    environment: &'a Name,
    server: &'a Name,
}

/// Tells every folder with two users, where `input` has a part in it.
pub(crate) fn judge(input: &Checked, whole: &Whole<'_>, errors: &mut FieldErrors) {
    let mut owners: BTreeMap<(String, &str), Use<'_>> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for ((project, environment), site) in &whole.sites {
        let path = site.path.as_str();
        for (server, address) in whole.servers.iter().filter(|(_, server)| site.servers.matches(server)) {
            let new = Use { project, environment, server };
            let owner = match owners.entry((machine(address, path), path)) {
                Entry::Vacant(free) => {
                    free.insert(new);
                    continue;
                }
                Entry::Occupied(owner) => *owner.get(),
            };
            let clash = new.clash(owner, path, input);
            // Said once, however many servers they share.
            errors.extend("", clash.filter(|error| told.insert(error.field.clone())));
        }
    }
}

impl Use<'_> {
    /// What is wrong when `owner` has the folder already; nothing when `input` has no part in it.
    fn clash(self, owner: Self, path: &str, input: &Checked) -> Option<FieldError> {
        let servers = [self.server, owner.server].into_iter().find(|name| input.servers.contains_key(*name));
        if (self.project, self.environment) == (owner.project, owner.environment) {
            let message =
                format!("is the machine of {}, and {} goes to {path} on both", owner.server, self.site());
            if servers.is_some() || self.is_in(input) {
                return Some(FieldError::new(format!("servers.{}.host", self.server), message));
            }
            return in_group(input, format!("would take in {}, which {message}", self.server));
        }
        let (blamed, other) = if self.is_in(input) { (self, owner) } else { (owner, self) };
        if blamed.is_in(input) {
            let field = format!("projects.{}.environments.{}.path", blamed.project, blamed.environment);
            let message = format!("is {path}, which {} has on {} already", other.site(), other.server);
            return Some(FieldError::new(field, message));
        }
        let message = format!("would get {} and {} in one folder, {path}", owner.site(), self.site());
        match servers {
            Some(server) => Some(FieldError::new(format!("servers.{server}"), message)),
            None => in_group(input, message),
        }
    }

    fn is_in(self, input: &Checked) -> bool {
        input.sites.contains_key(&(self.project.clone(), self.environment.clone()))
    }

    fn site(self) -> String {
        format!("{}/{}", self.project, self.environment)
    }
}

/// What no server and no environment of `input` is to blame for follows from a group of it.
fn in_group(input: &Checked, message: String) -> Option<FieldError> {
    input.groups.keys().next().map(|name| FieldError::new(format!("groups.{name}"), message))
}

/// Which machine a server is, as far as its address tells; below `~/` the user counts too.
fn machine(server: &Server, path: &str) -> String {
    match &server.address {
        Address::Local => "local".to_owned(),
        Address::Ssh(ssh) => {
            let user = if path.starts_with('~') { ssh.user.as_str() } else { "" };
            // The same address is another machine where another server leads to it.
            let jump = ssh.jump.as_ref().map_or("", |jump| jump.as_str());
            format!("{user}@{}:{} {jump}", ssh.host.to_ascii_lowercase(), ssh.port)
        }
    }
}
