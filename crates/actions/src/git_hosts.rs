//! Git hosts: decide which SSH host key of the host of a repository is the right one.

use model::Name;

use crate::{Action, Actions, Actor, Error, Object, Trust, authorize};

impl Actions {
    /// Without a fingerprint: the host keys that the host of the project's repository presents, nothing is pinned. With
    /// one: pins exactly the presented key that has it, for every project with a repository on that host and port, in
    /// the place of what was believed before, whoever said it.
    pub async fn trust_git_host(
        &self,
        actor: &Actor,
        project: &Name,
        fingerprint: Option<&str>,
    ) -> Result<Trust, Error> {
        authorize(actor, Action::TrustGitHost, &Object::Project(project))?;
        let repository = self.project(project).await?;
        let host = self.parts.repositories.ssh_host(&repository).await?.ok_or_else(|| {
            let message =
                format!("the repository of {project} is not reached over SSH, so it has no host key");
            Error::invalid("", message)
        })?;
        let keys = self.parts.repositories.scan(&host).await?;
        let Some(fingerprint) = fingerprint else { return Ok(Trust { keys, pinned: host.pinned }) };
        let Some(key) = keys.iter().find(|key| key.fingerprint == fingerprint).map(|key| key.key.clone())
        else {
            let shown: Vec<&str> = keys.iter().map(|key| key.fingerprint.as_str()).collect();
            let message = format!("is not what the host presents now: {}", shown.join(", "));
            return Err(Error::invalid("fingerprint", message));
        };
        let detail = format!("{}:{} {fingerprint}", host.host, host.port);
        let deed = actor.deed("git_host.trust", &Object::Project(project), &detail);
        self.store().pin_git_host(&host.host, host.port, std::slice::from_ref(&key), deed).await?;
        Ok(Trust { keys, pinned: vec![key] })
    }
}
