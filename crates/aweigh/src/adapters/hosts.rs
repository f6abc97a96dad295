//! The port `Hosts` on `transport`: logs in with a stored credential, on this machine or over SSH.

use async_trait::async_trait;
use engine::ports::{Channel, Duplex, Host, HostError, HostTrouble, Hosts, ScannedKey};
use model::{Address, Name, Server, SshAddress};
use store::{CredentialKind, Store};
use transport::{Auth, HostKey, KeyExchange, Pool, Session, Target, Timeouts};

use crate::config::Ssh;

/// Connects with the credentials of a store, and keeps connections for whoever needs them next.
#[derive(Debug, Clone)]
pub struct SshHosts {
    store: Store,
    pool: Pool,
    key_exchange: KeyExchange,
}

impl SshHosts {
    /// Connects with the credentials of `store`.
    pub fn new(store: Store, ssh: &Ssh) -> Self {
        let key_exchange = if ssh.post_quantum { KeyExchange::PostQuantum } else { KeyExchange::Fast };
        Self { store, pool: Pool::new(ssh.keep_open), key_exchange }
    }

    async fn auth(&self, name: &Name) -> Result<Auth, HostError> {
        let stored = self.store.unseal(name).await.map_err(|error| other(error.to_string(), error.hint()))?;
        let gone =
            || denied(format!("credential {name} does not exist"), Some("add it, or name another one"));
        let credential = stored.ok_or_else(gone)?;
        match (credential.kind, credential.secret) {
            (CredentialKind::SshAgent, _) => Ok(Auth::Agent { socket: None }),
            (CredentialKind::SshPassword, Some(password)) => Ok(Auth::Password(password)),
            (CredentialKind::SshKey, Some(key)) => {
                Ok(Auth::Key { openssh: key, passphrase: credential.passphrase })
            }
            (CredentialKind::GitKey | CredentialKind::GitToken, _) => {
                Err(denied(format!("credential {name} is for git, not for SSH"), None))
            }
            (_, None) => Err(denied(format!("credential {name} holds no secret"), Some("store it again"))),
        }
    }

    async fn target(&self, ssh: &SshAddress) -> Result<Target, HostError> {
        let host_keys: Result<Vec<_>, _> = ssh.host_keys.iter().map(|key| HostKey::parse(key)).collect();
        Ok(Target {
            host: ssh.host.clone(),
            port: ssh.port,
            user: ssh.user.clone(),
            auth: vec![self.auth(&ssh.credential).await?],
            host_keys: host_keys.map_err(|error| from_transport(&error))?,
            key_exchange: self.key_exchange,
            timeouts: Timeouts::default(),
        })
    }
}

#[async_trait]
impl Hosts for SshHosts {
    async fn connect(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        let session = match &server.address {
            Address::Local => Session::local(),
            Address::Ssh(ssh) => {
                let target = self.target(ssh).await?;
                self.pool.session(&target).await.map_err(|error| {
                    let mut error = from_transport(&error);
                    if error.kind == HostTrouble::HostKey {
                        error.hint = Some(format!(
                            "compare the fingerprint on the server, then: aweigh servers trust {}",
                            server.name
                        ));
                    }
                    error
                })?
            }
        };
        Ok(Box::new(Connected(session)))
    }

    async fn scan(&self, host: &str, port: u16) -> Result<Vec<ScannedKey>, HostError> {
        let keys =
            transport::scan(host, port, Timeouts::default()).await.map_err(|error| from_transport(&error))?;
        Ok(keys
            .iter()
            .map(|key| ScannedKey { key: key.to_string(), fingerprint: key.fingerprint() })
            .collect())
    }
}

struct Connected(Session);

/// On this machine a command must not see what Aweigh itself was given: its environment holds tokens.
const SCRUBBED: &str =
    "exec env -i PATH=\"$PATH\" HOME=\"$HOME\" USER=\"${USER:-}\" LANG=\"${LANG:-C.UTF-8}\" ";

#[async_trait]
impl Host for Connected {
    async fn exec(&self, command: &str) -> Result<Channel, HostError> {
        let command = match &self.0 {
            Session::Local => [SCRUBBED, command].concat(),
            Session::Ssh(_) => command.to_owned(),
        };
        let process = self.0.exec(&command).await.map_err(|error| from_transport(&error))?;
        let (stdin, stdout, stderr, mut running) = process.into_parts();
        Ok(Channel {
            stdin: Box::pin(stdin),
            stdout: Box::pin(stdout),
            stderr: Box::pin(stderr),
            exit: Box::pin(async move {
                running.wait().await.map(|exit| exit.code).map_err(|error| from_transport(&error))
            }),
        })
    }

    async fn forward(&self, host: &str, port: u16) -> Result<Box<dyn Duplex>, HostError> {
        let stream = self.0.forward(host, port).await.map_err(|error| from_transport(&error))?;
        Ok(Box::new(stream))
    }

    fn distrust(&self) {
        self.0.distrust();
    }
}

fn from_transport(error: &transport::Error) -> HostError {
    use transport::Error;
    let kind = match error {
        Error::Refused { .. } | Error::HungUp { .. } => HostTrouble::Away,
        Error::Resolve { .. }
        | Error::Unreachable { .. }
        | Error::ConnectTimeout { .. }
        | Error::Silent { .. }
        | Error::HandshakeTimeout { .. }
        | Error::NotSsh { .. } => HostTrouble::Unreachable,
        Error::HostKeyUnknown { .. } | Error::HostKeyChanged { .. } | Error::HostKeyText { .. } => {
            HostTrouble::HostKey
        }
        Error::NoCredential { .. }
        | Error::PasswordRefused { .. }
        | Error::KeyRefused { .. }
        | Error::AgentRefused { .. }
        | Error::MethodNotOffered { .. }
        | Error::FactorMissing { .. }
        | Error::Questions { .. }
        | Error::RsaSha1 { .. }
        | Error::KeyMalformed { .. }
        | Error::KeyUnsupported { .. }
        | Error::KeyIsPublic
        | Error::KeyIsPutty
        | Error::KeyOldEncryption
        | Error::KeyNeedsPassphrase
        | Error::WrongPassphrase
        | Error::AgentAbsent { .. }
        | Error::AgentEmpty { .. }
        | Error::Agent { .. } => HostTrouble::Denied,
        Error::Lost { .. } | Error::Closed => HostTrouble::Lost,
        Error::ForwardRefused { .. } => HostTrouble::ForwardRefused,
        _ => HostTrouble::Other,
    };
    let hint = Some(error.hint()).filter(|hint| !hint.is_empty()).map(str::to_owned);
    HostError { kind, message: error.to_string(), hint }
}

fn denied(message: String, hint: Option<&str>) -> HostError {
    HostError { kind: HostTrouble::Denied, message, hint: hint.map(str::to_owned) }
}

fn other(message: String, hint: Option<&str>) -> HostError {
    HostError { kind: HostTrouble::Other, message, hint: hint.map(str::to_owned) }
}
