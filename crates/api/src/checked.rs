//! A whole of definitions: what a fleet file says, checked against itself and against what is stored.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Address, Groups, Hooks, Name, Project, Scope, SecretString, Server, Site, Take, Template, VariableName,
    Variables, hook,
};

use crate::closest::suggestion;
use crate::settings::{clashes, covered};
use crate::variable::{place, secret_place};
use crate::{Credential, CredentialKind, FieldError, FieldErrors, folders, group, jumps};

/// Secrets by who says them; `None` keeps what is stored.
pub type Secrets = BTreeMap<(Scope, VariableName), Option<SecretString>>;

/// What is stored already, in `model`'s terms.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Kinds and user names of the credentials.
    pub credentials: BTreeMap<Name, (CredentialKind, Option<String>)>,
    /// Hook templates, each with its newest version.
    pub templates: BTreeMap<Name, (Template, u32)>,
    /// Servers.
    pub servers: BTreeMap<Name, Server>,
    /// Groups of servers.
    pub groups: Groups,
    /// Projects.
    pub projects: BTreeMap<Name, Project>,
    /// Environments, by project and name.
    pub sites: BTreeMap<(Name, Name), Site>,
    /// Secrets of the three, without their values.
    pub secrets: BTreeSet<(Scope, VariableName)>,
}

/// What a fleet file, or one request, defines. Every part of it is right by itself.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Credentials.
    pub credentials: BTreeMap<Name, Credential>,
    /// Hook templates.
    pub templates: BTreeMap<Name, Template>,
    /// Servers.
    pub servers: BTreeMap<Name, Server>,
    /// Groups of servers.
    pub groups: Groups,
    /// Projects.
    pub projects: BTreeMap<Name, Project>,
    /// Environments, by project and name.
    pub sites: BTreeMap<(Name, Name), Site>,
    /// Secrets of projects, environments and servers.
    pub secrets: Secrets,
}

impl Checked {
    /// What is wrong with the parts as a whole, laid over `stored`.
    ///
    /// Without `stored` only the file itself can be judged: a reference into a table that the file does not
    /// have is believed.
    pub fn judge(&self, stored: Option<&Stored>) -> Vec<FieldError> {
        let nothing = Stored::default();
        let under = stored.unwrap_or(&nothing);
        let groups: Groups = merged(&under.groups, &self.groups);
        let mut servers = merged(&under.servers, &self.servers);
        model::group::assign(servers.values_mut(), &groups);
        let whole = Whole::new(self, under, &servers, &groups);
        let mut errors = FieldErrors::default();
        if stored.is_some() || !self.credentials.is_empty() {
            self.judge_credentials(&whole, &mut errors);
        }
        if let Some(stored) = stored {
            self.judge_secrets(stored, &mut errors);
        }
        self.judge_variables(stored, &whole, &mut errors);
        if stored.is_some() || !self.templates.is_empty() {
            self.judge_templates(stored.unwrap_or(&nothing), &mut errors);
        }
        let before = errors.len();
        if stored.is_some() || !self.groups.is_empty() {
            group::judge(self, &whole, &mut errors);
        }
        // Of a group that is wrong it need not be told, too, that nobody is in it.
        let groups_are_right = errors.len() == before;
        if groups_are_right && (stored.is_some() || !self.servers.is_empty()) {
            self.judge_selectors(&whole, &mut errors);
        }
        self.judge_links(&whole, &mut errors);
        folders::judge(self, &whole, &mut errors);
        jumps::judge(self, &whole, &mut errors);
        errors.into_vec()
    }

    /// Pins stay where nothing is said about host keys and the address is the same, on the same way.
    pub(crate) fn keep_pins(&mut self, silent: &BTreeSet<Name>, stored: &Stored) {
        for (name, server) in &mut self.servers {
            let before = stored.servers.get(name).map(|server| &server.address);
            if let (Address::Ssh(now), Some(Address::Ssh(before))) = (&mut server.address, before)
                && silent.contains(name)
                && (&now.host, now.port, &now.jump) == (&before.host, before.port, &before.jump)
            {
                now.host_keys.clone_from(&before.host_keys);
            }
        }
    }

    fn judge_credentials(&self, whole: &Whole<'_>, errors: &mut FieldErrors) {
        for (name, server) in &whole.servers {
            if let Address::Ssh(ssh) = &server.address {
                let field = format!("servers.{name}.credential");
                self.judge_reference(
                    whole,
                    &ssh.credential,
                    true,
                    self.servers.contains_key(*name),
                    &field,
                    errors,
                );
            }
        }
        for (name, project) in &whole.projects {
            if let Some(credential) = &project.credential {
                let field = format!("projects.{name}.credential");
                self.judge_reference(
                    whole,
                    credential,
                    false,
                    self.projects.contains_key(*name),
                    &field,
                    errors,
                );
            }
        }
    }

    /// One use of a credential; `ours` when the user of it is part of the input.
    fn judge_reference(
        &self,
        whole: &Whole<'_>,
        name: &Name,
        for_servers: bool,
        ours: bool,
        field: &str,
        errors: &mut FieldErrors,
    ) {
        let wanted = if for_servers { "ssh-key, ssh-password or ssh-agent" } else { "git-key or git-token" };
        match whole.credentials.get(name) {
            None if ours => {
                let near = suggestion(name.as_str(), whole.credentials.keys().map(|name| name.as_str()));
                errors.add(field, format_args!("names {name}, which is not a credential{near}"));
            }
            Some(kind) if kind.is_for_servers() != for_servers => {
                if ours {
                    errors.add(field, format_args!("names {name}, a {}; it takes {wanted}", kind.word()));
                } else if self.credentials.contains_key(name) {
                    let user = field.trim_end_matches(".credential");
                    errors.add(
                        format!("credentials.{name}.kind"),
                        format_args!("does not fit {user}, which takes {wanted}"),
                    );
                }
            }
            _ => {}
        }
    }

    /// A secret has to be stored once; its kind decides what it is.
    fn judge_secrets(&self, stored: &Stored, errors: &mut FieldErrors) {
        for (name, credential) in &self.credentials {
            let kept = stored.credentials.get(name).is_some_and(|(kind, _)| *kind == credential.kind);
            let needed = credential.kind != CredentialKind::SshAgent && credential.secret.is_none();
            errors.add_if(
                needed && !kept,
                format!("credentials.{name}.secret"),
                "is missing, and none is stored",
            );
        }
    }

    /// A secret has to be stored once, and no scope says a variable and a secret of one name.
    fn judge_variables(&self, stored: Option<&Stored>, whole: &Whole<'_>, errors: &mut FieldErrors) {
        for (key, value) in &self.secrets {
            let missing = value.is_none() && stored.is_some_and(|stored| !stored.secrets.contains(key));
            let field = secret_place(&key.0, key.1.as_str());
            errors.add_if(missing, &field, "is missing, and none is stored");
            let variables = whole.variables(&key.0);
            let both = variables.is_some_and(|variables| variables.contains_key(&key.1));
            errors.add_if(both, &field, "is a variable there; choose one of the two");
        }
        for (scope, name) in stored.iter().flat_map(|stored| &stored.secrets) {
            let ours = match scope {
                Scope::Project(project) => self.projects.get(project).map(|project| &project.variables),
                Scope::Environment(project, site) => {
                    self.sites.get(&(project.clone(), site.clone())).map(|site| &site.variables)
                }
                Scope::Server(server) => self.servers.get(server).map(|server| &server.variables),
            };
            let both = ours.is_some_and(|variables| variables.contains_key(name));
            let said = self.secrets.contains_key(&(scope.clone(), name.clone()));
            let field = format!("{}.variables.{name}", place(scope));
            errors.add_if(both && !said, field, "is stored as a secret there; choose one of the two");
        }
    }

    /// Hooks of the input pick templates that are there, in versions that are there.
    fn judge_templates(&self, stored: &Stored, errors: &mut FieldErrors) {
        for (name, project) in &self.projects {
            self.judge_picks(&project.defaults.hooks, &format!("projects.{name}.defaults"), stored, errors);
        }
        for ((project, name), site) in &self.sites {
            let place = format!("projects.{project}.environments.{name}");
            self.judge_picks(&site.settings.hooks, &place, stored, errors);
        }
    }

    fn judge_picks(&self, hooks: &Hooks, place: &str, stored: &Stored, errors: &mut FieldErrors) {
        for (point, index, picked) in hook::picks(hooks) {
            let alone = hooks.get(&point).is_some_and(|list| list.len() == 1);
            let index = if alone { String::new() } else { format!("[{index}]") };
            let field = format!("{place}.hooks.{}{index}.template", point.word());
            let newest = self.newest_template(&picked.name, stored);
            match (newest, picked.version) {
                (None, _) => {
                    let names = self.templates.keys().chain(stored.templates.keys());
                    let near = suggestion(picked.name.as_str(), names.map(Name::as_str));
                    errors.add(
                        field,
                        format_args!("names {}, which is not a hook template{near}", picked.name),
                    );
                }
                (Some(newest), Some(version)) if version > newest => {
                    errors.add(field, format_args!("names {picked}; the newest version is {newest}"));
                }
                _ => {}
            }
        }
    }

    /// The newest version that a template has once the input is stored.
    fn newest_template(&self, name: &Name, stored: &Stored) -> Option<u32> {
        let kept = stored.templates.get(name);
        match (kept, self.templates.get(name)) {
            (None, None) => None,
            (Some((kept, version)), Some(new)) if kept != new => Some(version.saturating_add(1)),
            (Some((_, version)), _) => Some(*version),
            (None, Some(_)) => Some(1),
        }
    }

    fn judge_selectors(&self, whole: &Whole<'_>, errors: &mut FieldErrors) {
        for ((project, environment), site) in &self.sites {
            if !whole.servers.values().any(|server| site.servers.matches(server)) {
                let field = format!("projects.{project}.environments.{environment}.servers");
                errors.add(field, format_args!("is {:?}, which matches no server", site.servers.as_str()));
                continue;
            }
            let here: Vec<&Server> =
                whole.servers.values().copied().filter(|server| site.servers.matches(server)).collect();
            for (index, batch) in site.settings.batches.iter().flatten().enumerate() {
                if let Take::Select(selector) = &batch.take
                    && !here.iter().any(|server| selector.matches(server))
                {
                    let field =
                        format!("projects.{project}.environments.{environment}.batches[{index}].select");
                    errors
                        .add(field, format_args!("is {:?}, which matches no server here", selector.as_str()));
                }
            }
        }
    }

    fn judge_links(&self, whole: &Whole<'_>, errors: &mut FieldErrors) {
        for (key, site) in &whole.sites {
            let (project, environment) = *key;
            let ours = self.projects.contains_key(project)
                || self.sites.contains_key(&(project.clone(), environment.clone()));
            let Some(defaults) = whole.projects.get(project).filter(|_| ours) else { continue };
            let effective = site.effective(defaults);
            let (files, dirs) = (&effective.linked_files, &effective.linked_dirs);
            let mut found = clashes(files, dirs);
            found.extend(effective.env_file.as_ref().and_then(|path| covered(path, files, dirs)));
            errors.extend(&format!("projects.{project}.environments.{environment}"), found);
        }
    }
}

/// `input` laid over what is stored.
fn merged<T: Clone>(stored: &BTreeMap<Name, T>, input: &BTreeMap<Name, T>) -> BTreeMap<Name, T> {
    stored.iter().chain(input).map(|(name, one)| (name.clone(), one.clone())).collect()
}

/// The input laid over what is stored.
pub(crate) struct Whole<'a> {
    credentials: BTreeMap<&'a Name, CredentialKind>,
    pub(crate) servers: BTreeMap<&'a Name, &'a Server>,
    pub(crate) groups: &'a Groups,
    projects: BTreeMap<&'a Name, &'a Project>,
    pub(crate) sites: BTreeMap<(&'a Name, &'a Name), &'a Site>,
}

impl<'a> Whole<'a> {
    /// The variables that a scope says itself.
    fn variables(&self, scope: &Scope) -> Option<&'a Variables> {
        match scope {
            Scope::Project(project) => self.projects.get(project).map(|project| &project.variables),
            Scope::Environment(project, site) => self.sites.get(&(project, site)).map(|site| &site.variables),
            Scope::Server(server) => self.servers.get(server).map(|server| &server.variables),
        }
    }

    fn new(
        input: &'a Checked,
        stored: &'a Stored,
        servers: &'a BTreeMap<Name, Server>,
        groups: &'a Groups,
    ) -> Self {
        let old = stored.credentials.iter().map(|(name, (kind, _))| (name, *kind));
        let new = input.credentials.iter().map(|(name, credential)| (name, credential.kind));
        let site = |((project, name), site): (&'a (Name, Name), &'a Site)| ((project, name), site);
        Self {
            credentials: old.chain(new).collect(),
            servers: servers.iter().collect(),
            groups,
            projects: stored.projects.iter().chain(&input.projects).collect(),
            sites: stored.sites.iter().chain(&input.sites).map(site).collect(),
        }
    }
}
