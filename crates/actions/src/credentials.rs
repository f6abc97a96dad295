//! Keys that are made here: their private halves never leave. And keys that take the place of others, on every server.

use std::sync::Arc;

use engine::ports::HostError;
use engine::rotate::Keys as Pair;
use model::{Address, Name, SecretString, Server};
use store::{Change, CredentialKind, CredentialRecord, Deed, KeyRotation, NewCredential};

use crate::{Action, Actions, Actor, Error, KeyTrouble, Object, PublicHalf, authorize};

/// How far the replacement of a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The public half of the new key, as OpenSSH writes it.
    pub public_key: String,
    /// Whether the new key is in use.
    pub is_replaced: bool,
    /// Each server that is logged in to with it, by name.
    pub servers: Vec<RotatedServer>,
}

/// One server of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotatedServer {
    /// Its name.
    pub name: Name,
    /// Which keys are let in there.
    pub state: RotatedState,
    /// What is in the way of the next state.
    pub trouble: Option<String>,
}

/// Which keys a server lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotatedState {
    /// The old one; nobody knows whether the new one, too.
    Old,
    /// Both.
    Both,
    /// The new one.
    New,
}

impl Actions {
    /// Makes a key pair and stores it as a credential that must not exist yet.
    pub async fn generate_credential(
        &self,
        actor: &Actor,
        name: Name,
        kind: CredentialKind,
    ) -> Result<CredentialRecord, Error> {
        authorize(actor, Action::ChangeServers, &Object::Credential(&name))?;
        if !matches!(kind, CredentialKind::SshKey | CredentialKind::GitKey) {
            return Err(Error::invalid("kind", "must be ssh-key or git-key: only keys are made here"));
        }
        let (secret, half) = self.new_key(&name).await?;
        let _alone = self.defining.lock().await;
        if self.store().credential(&name).await?.is_some() {
            return Err(Error::Exists { what: "credential", name: name.to_string() });
        }
        let credential = NewCredential {
            name: name.clone(),
            kind,
            fingerprint: Some(half.fingerprint),
            public_key: Some(half.line),
            username: None,
            secret: Some(secret),
            passphrase: None,
        };
        let put = Change::PutCredential { credential, managed: false };
        self.store().change(vec![put], &actor.name).await?;
        self.store().credential(&name).await?.ok_or_else(|| Error::missing("credential", &name))
    }

    /// Replaces the key of a credential on every server that is logged in to with it: the new one is let in beside the old
    /// one and tried; when that is so everywhere it is used, and the old one is taken away.
    ///
    /// Where a server fails, both stay valid, and the same call goes on from there. Dropping this does no harm.
    pub async fn rotate_credential(&self, actor: &Actor, name: &Name) -> Result<Rotation, Error> {
        authorize(actor, Action::ChangeServers, &Object::Credential(name))?;
        let _alone = self.rotating.lock().await;
        let rotation = match self.store().key_rotation(name).await? {
            Some(begun) => {
                self.note(rotates(actor, name, &begun)).await?;
                begun
            }
            None => self.begin_rotation(actor, name).await?,
        };
        let mut servers = self.logged_in_with(name).await?;
        let pair = Pair { old: &rotation.old_public_key, new: &rotation.public_key };
        let hosts = self.parts.hosts.as_ref();
        let report = |is_replaced, servers: Vec<Server>, outcomes: Vec<Result<(), HostError>>, done, not| {
            let one = |(server, outcome): (Server, Result<(), HostError>)| RotatedServer {
                name: server.name,
                state: if outcome.is_ok() { done } else { not },
                trouble: outcome.err().map(|error| told(&error)),
            };
            let servers = servers.into_iter().zip(outcomes).map(one).collect();
            Rotation { public_key: rotation.public_key.clone(), is_replaced, servers }
        };
        if let Some(private) = &rotation.secret {
            loop {
                let brought = pair.bring(hosts, &servers, private).await;
                if brought.iter().any(Result::is_err) {
                    return Ok(report(false, servers, brought, RotatedState::Both, RotatedState::Old));
                }
                if self.store().take_new_key(name, &rotation, &servers).await? {
                    break;
                }
                // Meanwhile a server came that is logged in to with it, or one went elsewhere: it does not know the new key.
                servers = self.logged_in_with(name).await?;
            }
        }
        let taken = pair.take_away(hosts, &servers).await;
        if taken.iter().all(Result::is_ok) {
            self.store().end_key_rotation(name).await?;
        }
        Ok(report(true, servers, taken, RotatedState::New, RotatedState::Both))
    }

    async fn begin_rotation(&self, actor: &Actor, name: &Name) -> Result<KeyRotation, Error> {
        let missing = || Error::missing("credential", name);
        let read = self.store().credential(name).await?.ok_or_else(missing)?;
        let stored = self.store().unseal(name).await?.ok_or_else(missing)?;
        let Some(old) = stored.secret.filter(|_| stored.kind == CredentialKind::SshKey) else {
            let why = "is not an ssh-key: Aweigh can put only these in the place of others. Store a new secret instead";
            return Err(Error::invalid("credential", why));
        };
        let old_public_key = match &read.public_key {
            Some(line) => line.clone(),
            None => self.read_key(old, stored.passphrase).await?.map_err(|_| unreadable())?.line,
        };
        let (secret, half) = self.new_key(name).await?;
        let rotation = KeyRotation {
            secret: Some(secret),
            public_key: half.line,
            fingerprint: half.fingerprint,
            old_public_key,
        };
        if !self.store().begin_key_rotation(&read, &rotation, rotates(actor, name, &rotation)).await? {
            return Err(Error::Referenced(format!(
                "credential {name} was changed at this moment: ask again"
            )));
        }
        Ok(rotation)
    }

    /// The servers that are logged in to with a credential.
    async fn logged_in_with(&self, credential: &Name) -> Result<Vec<Server>, Error> {
        let mut servers = self.store().servers().await?;
        servers
            .retain(|server| matches!(&server.address, Address::Ssh(ssh) if ssh.credential == *credential));
        Ok(servers)
    }

    async fn new_key(&self, name: &Name) -> Result<(SecretString, PublicHalf), Error> {
        let (keys, comment) = (Arc::clone(&self.parts.keys), format!("aweigh:{name}"));
        let made = tokio::task::spawn_blocking(move || keys.generate(&comment)).await;
        made.ok().and_then(Result::ok).ok_or_else(unreadable)
    }

    /// The public half of a private key.
    pub(crate) async fn read_key(
        &self,
        private_key: SecretString,
        passphrase: Option<SecretString>,
    ) -> Result<Result<PublicHalf, KeyTrouble>, Error> {
        let keys = Arc::clone(&self.parts.keys);
        let read = tokio::task::spawn_blocking(move || keys.public_half(&private_key, passphrase.as_ref()));
        // A key that makes the parser panic is an unreadable key.
        Ok(read.await.unwrap_or_else(|_| Err(KeyTrouble::Unreadable("it cannot be read".to_owned()))))
    }
}

fn rotates(actor: &Actor, name: &Name, rotation: &KeyRotation) -> Deed {
    actor.deed("credential.rotate", &Object::Credential(name), &rotation.public_key)
}

fn unreadable() -> Error {
    Error::invalid("credential", "has a key that cannot be read or made")
}

fn told(error: &HostError) -> String {
    match &error.hint {
        Some(hint) => format!("{}: {hint}", error.message),
        None => error.message.clone(),
    }
}
