//! Servers: ask what they are, and decide which host key is the right one.

use engine::facts::{self, Facts};
use engine::ports::ScannedKey;
use model::{Address, Name, Server, SshAddress};
use store::Change;

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// What a machine presents, and what is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The host keys that the machine presents now.
    pub keys: Vec<ScannedKey>,
    /// The keys that are pinned now.
    pub pinned: Vec<String>,
}

impl Actions {
    /// Connects and logs in as a release does, and asks what the machine is and what is on it. Dropping this leaves
    /// nothing there but a question that may still run to its end.
    ///
    /// # Errors
    /// The actor may not, there is no such server, or it cannot be asked.
    pub async fn server_facts(&self, actor: &Actor, name: &Name) -> Result<Facts, Error> {
        authorize(actor, Action::CheckServer, &Object::Server(name))?;
        let server = self.server(name).await?;
        self.note(actor.deed("server.facts", &Object::Server(name), "")).await?;
        let host = self.parts.hosts.connect(&server).await?;
        Ok(facts::of(host.as_ref()).await?)
    }

    /// Without a fingerprint: the host keys that the machine presents, nothing is pinned. With one: pins exactly
    /// the presented key that has it, in place of the keys that were pinned before.
    pub async fn trust_server(
        &self,
        actor: &Actor,
        name: &Name,
        fingerprint: Option<&str>,
    ) -> Result<Trust, Error> {
        authorize(actor, Action::TrustServer, &Object::Server(name))?;
        let address = ssh(name, self.server(name).await?)?;
        let keys = self.parts.hosts.scan(&address).await?;
        let Some(fingerprint) = fingerprint else { return Ok(Trust { keys, pinned: address.host_keys }) };
        let Some(key) = keys.iter().find(|key| key.fingerprint == fingerprint).map(|key| key.key.clone())
        else {
            let shown: Vec<&str> = keys.iter().map(|key| key.fingerprint.as_str()).collect();
            let message = format!("is not what the server presents now: {}", shown.join(", "));
            return Err(Error::invalid("fingerprint", message));
        };
        self.pin(actor, name, &address, key.clone(), fingerprint).await?;
        Ok(Trust { keys, pinned: vec![key] })
    }

    async fn pin(
        &self,
        actor: &Actor,
        name: &Name,
        scanned: &SshAddress,
        key: String,
        fingerprint: &str,
    ) -> Result<(), Error> {
        let _alone = self.defining.lock().await;
        let mut server = self.server(name).await?;
        let Address::Ssh(now) = &mut server.address else {
            return Err(Error::Changed { what: "server", name: name.to_string() });
        };
        if (&now.host, now.port, &now.jump) != (&scanned.host, scanned.port, &scanned.jump) {
            return Err(Error::Changed { what: "server", name: name.to_string() });
        }
        now.host_keys = vec![key];
        let deed = actor.deed("server.trust", &Object::Server(name), fingerprint);
        Ok(self.store().change_as(vec![Change::PutServer { server, managed: false }], deed).await?)
    }
}

fn ssh(name: &Name, server: Server) -> Result<SshAddress, Error> {
    match server.address {
        Address::Ssh(address) => Ok(address),
        Address::Local => {
            Err(Error::invalid("", format!("server {name} is this machine, which has no host key")))
        }
    }
}
