//! The port `Hosts` on `transport`: logs in with a stored credential, on this machine or over SSH.

mod from_here;
mod trouble;

use std::path::Path;

use async_trait::async_trait;
use engine::ports::{
    Brought, Channel, Duplex, Host, HostError, HostTrouble, Hosts, Parcel, ScannedKey, Shell, TellBytes,
    Terminal, TerminalSize,
};
use model::{Address, MOST_JUMPS, Name, SecretString, Server, SshAddress};
use store::{CredentialKind, Store};
use transport::{
    Auth, Authority, HostKey, KeyExchange, Pool, Session, Size, Summed, Target, Timeouts, Transferred,
};

use crate::config::Ssh;

use from_here::from_here;
use trouble::{from_transport, no_way, other, unusable};

/// Connects with the credentials of a store, and keeps connections for whoever needs them next.
#[derive(Debug, Clone)]
pub struct SshHosts {
    store: Store,
    pool: Pool,
    key_exchange: KeyExchange,
}

/// How a server is logged in to.
enum How {
    /// Over a connection that others may share.
    Shared,
    /// Over one that nobody else uses.
    Alone,
    /// With this instead of its credential.
    With(Auth),
}

impl SshHosts {
    /// Connects with the credentials of `store`.
    pub fn new(store: Store, ssh: &Ssh) -> Self {
        let key_exchange = if ssh.post_quantum { KeyExchange::PostQuantum } else { KeyExchange::Fast };
        Self { store, pool: Pool::new(ssh.keep_open), key_exchange }
    }

    async fn auth(&self, ssh: &SshAddress) -> Result<Auth, HostError> {
        let name = &ssh.credential;
        let stored = self.store.unseal(name).await.map_err(|error| other(error.to_string(), error.hint()))?;
        let gone =
            || unusable(format!("credential {name} does not exist"), Some("add it, or name another one"));
        let credential = stored.ok_or_else(gone)?;
        match (credential.kind, credential.secret) {
            (CredentialKind::SshAgent, _) => Ok(Auth::Agent { socket: None }),
            (CredentialKind::SshPassword, Some(password)) => {
                self.typed(ssh).await?;
                Ok(Auth::Password(password))
            }
            (CredentialKind::SshKey, Some(key)) => {
                Ok(Auth::Key { openssh: key, passphrase: credential.passphrase })
            }
            (CredentialKind::GitKey | CredentialKind::GitToken, _) => {
                Err(unusable(format!("credential {name} is for git, not for SSH"), None))
            }
            (_, None) => Err(unusable(format!("credential {name} holds no secret"), Some("store it again"))),
        }
    }

    /// A password goes only to where it was typed for: whoever moved the server may not be the one who knows it.
    async fn typed(&self, ssh: &SshAddress) -> Result<(), HostError> {
        let (name, place) = (&ssh.credential, ssh.place());
        let is_typed = self.store.is_typed_for(name, ssh).await;
        if is_typed.map_err(|error| other(error.to_string(), error.hint()))? {
            return Ok(());
        }
        let message =
            format!("the password {name} was not typed for {place}: its host, port or user changed");
        Err(unusable(
            message,
            Some(&format!("whoever knows it types it again: aweigh credentials retype {name}")),
        ))
    }

    /// The servers on the way to an address, the nearest to it first.
    async fn way(&self, address: &SshAddress) -> Result<Vec<(Name, SshAddress)>, HostError> {
        let mut way: Vec<(Name, SshAddress)> = Vec::new();
        while let Some(name) = way.last().map_or(&address.jump, |(_, jump)| &jump.jump).clone() {
            // What is stored was judged as a whole; a plan may be older.
            if way.len() == MOST_JUMPS {
                return Err(no_way(
                    format!("more than {MOST_JUMPS} jump hosts lead to {}", address.host),
                    None,
                ));
            }
            let stored = self.store.server(&name).await;
            match stored.map_err(|error| other(error.to_string(), error.hint()))?.map(|server| server.address)
            {
                Some(Address::Ssh(jump)) => way.push((name, jump)),
                Some(Address::Local) => {
                    return Err(no_way(
                        format!("the jump host {name} is this machine"),
                        Some("leave jump out"),
                    ));
                }
                None => {
                    let hint = Some("add it, or let the server go another way");
                    return Err(no_way(format!("the jump host {name} does not exist"), hint));
                }
            }
        }
        Ok(way)
    }

    async fn target(&self, ssh: &SshAddress, way: &[(Name, SshAddress)]) -> Result<Target, HostError> {
        let mut jump = None;
        for (_, ssh) in way.iter().rev() {
            jump = Some(self.step(ssh, jump).await?);
        }
        self.step(ssh, jump).await
    }

    async fn step(&self, ssh: &SshAddress, jump: Option<Target>) -> Result<Target, HostError> {
        let (authorities, host_keys): (Vec<_>, Vec<_>) =
            ssh.host_keys.iter().partition(|text| Authority::is_one(text));
        let host_keys: Result<Vec<_>, _> = host_keys.into_iter().map(|text| HostKey::parse(text)).collect();
        let authorities: Result<Vec<_>, _> =
            authorities.into_iter().map(|text| Authority::parse(text)).collect();
        Ok(Target {
            host: ssh.host.clone(),
            port: ssh.port,
            user: ssh.user.clone(),
            auth: vec![self.auth(ssh).await?],
            host_keys: host_keys.map_err(|error| from_transport(&error))?,
            authorities: authorities.map_err(|error| from_transport(&error))?,
            key_exchange: self.key_exchange,
            legacy_algorithms: ssh.legacy_algorithms,
            timeouts: Timeouts::default(),
            jump: jump.map(Box::new),
        })
    }

    async fn session(&self, name: &Name, ssh: &SshAddress, how: How) -> Result<Session, HostError> {
        let way = self.way(ssh).await?;
        let mut target = self.target(ssh, &way).await?;
        let session = match how {
            How::Shared => self.pool.session(&target).await,
            How::Alone => Session::connect(&target).await,
            How::With(auth) => {
                target.auth = vec![auth];
                self.pool.session(&target).await
            }
        };
        session.map_err(|error| {
            let at_fault =
                error.hops().checked_sub(1).map_or(Some(name), |hop| way.get(hop).map(|(name, _)| name));
            let mut told = from_transport(&error);
            // A certificate that is wrong is nothing to trust.
            let is_key = !matches!(error.cause(), transport::Error::HostCertificate { .. });
            if let (HostTrouble::HostKey, true, Some(name)) = (told.kind, is_key, at_fault) {
                let hint =
                    format!("compare the fingerprint on the server, then: aweigh servers trust {name}");
                told.hint = Some(hint);
            }
            told
        })
    }
}

#[async_trait]
impl Hosts for SshHosts {
    async fn connect(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        let session = match &server.address {
            Address::Local => Session::local(),
            Address::Ssh(ssh) => self.session(&server.name, ssh, How::Shared).await?,
        };
        Ok(Box::new(Connected(session)))
    }

    async fn connect_alone(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        let session = match &server.address {
            Address::Local => Session::local(),
            Address::Ssh(ssh) => self.session(&server.name, ssh, How::Alone).await?,
        };
        Ok(Box::new(Connected(session)))
    }

    async fn connect_with(&self, server: &Server, key: &SecretString) -> Result<Box<dyn Host>, HostError> {
        let auth = Auth::Key { openssh: key.clone(), passphrase: None };
        let session = match &server.address {
            Address::Local => Session::local(),
            Address::Ssh(ssh) => self.session(&server.name, ssh, How::With(auth)).await?,
        };
        Ok(Box::new(Connected(session)))
    }

    async fn scan(&self, address: &SshAddress) -> Result<Vec<ScannedKey>, HostError> {
        let from = match self.way(address).await?.first() {
            Some((name, jump)) => self.session(name, jump, How::Shared).await?,
            None => Session::local(),
        };
        let legacy = address.legacy_algorithms;
        let keys = from.scan(&address.host, address.port, legacy, Timeouts::default()).await;
        let keys = keys.map_err(|error| from_transport(&error))?;
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

    async fn shell(&self, terminal: &Terminal, command: Option<&str>) -> Result<Shell, HostError> {
        let terminal = transport::Terminal { kind: terminal.kind.clone(), size: size(terminal.size) };
        let started = self.0.shell(&terminal, command).await;
        let (input, output, window, mut running) =
            started.map_err(|error| from_transport(&error))?.into_parts();
        Ok(Shell {
            input: Box::pin(input),
            output: Box::pin(output),
            window: Box::new(Window(window)),
            exit: Box::pin(async move {
                running.wait().await.map(|exit| exit.code).map_err(|error| from_transport(&error))
            }),
        })
    }

    async fn forward(&self, host: &str, port: u16) -> Result<Box<dyn Duplex>, HostError> {
        let stream = match &self.0 {
            Session::Local => from_here(&self.0, host, port).await?,
            Session::Ssh(_) => self.0.forward(host, port).await.map_err(|error| from_transport(&error))?,
        };
        Ok(Box::new(stream))
    }

    async fn put(
        &self,
        parcel: &Parcel,
        to: &str,
        replaces: bool,
        mut tell: TellBytes,
    ) -> Result<Brought, HostError> {
        let summed = Summed { path: parcel.path.clone(), sums: parcel.sums.clone() };
        let put = self.0.put(summed, to).replace(replaces).progress(move |now| tell(now.done, now.total));
        put.await.map(brought).map_err(|error| from_transport(&error))
    }

    async fn get(&self, from: &str, to: &Path, mut tell: TellBytes) -> Result<Brought, HostError> {
        let get = self.0.get(from, to).progress(move |now| tell(now.done, now.total));
        get.await.map(brought).map_err(|error| from_transport(&error))
    }

    fn distrust(&self) {
        self.0.distrust();
    }
}

struct Window(transport::Window);

#[async_trait]
impl engine::ports::Window for Window {
    async fn resize(&self, to: TerminalSize) {
        if let Err(error) = self.0.resize(size(to)).await {
            tracing::debug!(%error, "a terminal keeps its size");
        }
    }
}

fn size(size: TerminalSize) -> Size {
    Size { columns: size.columns, rows: size.rows }
}

fn brought(transferred: Transferred) -> Brought {
    let Transferred { files, bytes, resumed } = transferred;
    Brought { files, bytes, resumed }
}
