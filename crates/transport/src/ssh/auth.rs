//! Logging in: each credential in its order, nothing more often than once.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse, Prompt};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::UnixStream;

use super::guard::{Ending, Guard};
use super::signer::Signer;
use super::{certificate, private_key};
use crate::{Auth, Error};

/// Keys of one agent that are offered: OpenSSH closes the connection after six refusals.
const AGENT_KEYS: usize = 6;
/// Rounds of keyboard-interactive; PAM needs two.
const ROUNDS: usize = 5;

/// A credential that is known to be well formed.
pub(super) enum Credential {
    Password(SecretString),
    Key(Arc<PrivateKey>),
    /// A key that somebody vouches for.
    Certificate(Arc<PrivateKey>, Box<Certificate>),
    Agent(Option<PathBuf>),
}

/// Decodes the texts of keys.
pub(super) async fn prepare(given: &[Auth]) -> Result<Vec<Credential>, Error> {
    let mut credentials = Vec::with_capacity(given.len());
    for auth in given {
        credentials.push(match auth.clone() {
            Auth::Password(password) => Credential::Password(password),
            Auth::Agent { socket } => Credential::Agent(socket),
            Auth::Key { openssh, passphrase } => {
                let decoding = move || private_key::decode(&openssh, passphrase.as_ref());
                // A decoder that panics on a hostile text takes nothing else with it.
                let decoded = tokio::task::spawn_blocking(decoding).await;
                let unreadable = Error::KeyMalformed { reason: "it cannot be decoded" };
                match decoded.map_err(|_| unreadable)?? {
                    (key, None) => Credential::Key(Arc::new(key)),
                    (key, Some(certificate)) => {
                        certificate::holds(&certificate)?;
                        Credential::Certificate(Arc::new(key), Box::new(certificate))
                    }
                }
            }
        });
    }
    Ok(credentials)
}

/// One login on a fresh connection.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) address: &'a str,
    pub(super) ending: &'a Ending,
    /// SHA-1 signs where the server takes nothing else.
    pub(super) legacy_algorithms: bool,
}

/// What a server said to one try.
enum Verdict {
    Welcome,
    /// Refused, or one factor of several accepted; and what it takes now.
    Next {
        remaining: MethodSet,
        was_accepted: bool,
    },
}

impl Login<'_> {
    /// Tries the credentials until the server is content. The error is that of the last one.
    pub(super) async fn run(
        &self,
        handle: &mut Handle<Guard>,
        credentials: &[Credential],
    ) -> Result<(), Error> {
        let mut allowed: Option<MethodSet> = None;
        let mut failure = None;
        for credential in credentials {
            let wanted = credential.methods();
            if let Some(allowed) = &allowed
                && !wanted.iter().any(|method| allowed.contains(method))
            {
                failure.get_or_insert_with(|| self.not_offered(credential, allowed));
                continue;
            }
            let verdict = match credential {
                Credential::Password(password) => self.password(handle, password, allowed.as_ref()).await?,
                Credential::Key(key) => self.key(handle, key).await?,
                Credential::Certificate(key, certificate) => {
                    self.certificate(handle, &mut Signer(Arc::clone(key)), certificate).await?
                }
                Credential::Agent(socket) => self.agent(handle, socket.as_ref()).await?,
            };
            match verdict {
                Verdict::Welcome => return Ok(()),
                Verdict::Next { remaining, was_accepted: true } => {
                    failure = Some(self.factor_missing(&remaining));
                    allowed = Some(remaining);
                }
                Verdict::Next { remaining, was_accepted: false } => {
                    failure = Some(self.refused(credential, &remaining));
                    allowed = Some(remaining);
                }
            }
        }
        Err(failure.unwrap_or_else(|| self.no_credential()))
    }

    async fn password(
        &self,
        handle: &mut Handle<Guard>,
        password: &SecretString,
        allowed: Option<&MethodSet>,
    ) -> Result<Verdict, Error> {
        if allowed.is_none_or(|allowed| allowed.contains(&MethodKind::Password)) {
            let answer = handle.authenticate_password(self.user, password.expose_secret()).await;
            let verdict = self.verdict(handle, answer.map_err(|error| self.lost(&error))?)?;
            // Where the password method is open, the same password is not worth a second try.
            match &verdict {
                Verdict::Next { remaining, was_accepted: false }
                    if !remaining.contains(&MethodKind::Password)
                        && remaining.contains(&MethodKind::KeyboardInteractive) => {}
                _ => return Ok(verdict),
            }
        }
        self.interactive(handle, password).await
    }

    /// Answers one hidden question with the password, and rounds without questions (PAM ends
    /// with one) with nothing. A second question is never answered.
    async fn interactive(
        &self,
        handle: &mut Handle<Guard>,
        password: &SecretString,
    ) -> Result<Verdict, Error> {
        let started = handle.authenticate_keyboard_interactive_start(self.user, None).await;
        let mut response = started.map_err(|error| self.lost(&error))?;
        let mut is_answered = false;
        for _ in 0..ROUNDS {
            let answers = match response {
                KeyboardInteractiveAuthResponse::Success => return Ok(Verdict::Welcome),
                KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                    return Ok(Verdict::Next { remaining: remaining_methods, was_accepted: partial_success });
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => match prompts.as_slice() {
                    [] => Vec::new(),
                    [Prompt { echo: false, .. }] if !is_answered => {
                        is_answered = true;
                        vec![password.expose_secret().to_owned()]
                    }
                    _ => break,
                },
            };
            let next = handle.authenticate_keyboard_interactive_respond(answers).await;
            response = next.map_err(|error| self.lost(&error))?;
        }
        Err(Error::Questions { user: self.user.to_owned(), address: self.address.to_owned() })
    }

    async fn key(&self, handle: &mut Handle<Guard>, key: &Arc<PrivateKey>) -> Result<Verdict, Error> {
        let hash = self.rsa_hash(handle, key.public_key()).await?;
        match self.sign(handle, key, hash).await? {
            // OpenSSH announces what it knows, not what it takes.
            Verdict::Next { was_accepted: false, .. } if self.legacy_algorithms && hash.is_some() => {
                self.sign(handle, key, None).await
            }
            verdict => Ok(verdict),
        }
    }

    async fn sign(
        &self,
        handle: &mut Handle<Guard>,
        key: &Arc<PrivateKey>,
        hash: Option<HashAlg>,
    ) -> Result<Verdict, Error> {
        let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
        let answer = handle.authenticate_publickey(self.user, key).await;
        self.verdict(handle, answer.map_err(|error| self.lost(&error))?)
    }

    /// Shows a certificate and has `signer` prove that its key is there.
    async fn certificate<S: russh::Signer<Error: Display>>(
        &self,
        handle: &mut Handle<Guard>,
        signer: &mut S,
        certificate: &Certificate,
    ) -> Result<Verdict, Error> {
        let hash = self.rsa_hash(handle, &certificate.public_key().clone().into()).await?;
        let shown = handle.authenticate_certificate_with(self.user, certificate.clone(), hash, signer);
        match shown.await {
            Ok(answer) => self.verdict(handle, answer),
            Err(_) if handle.is_closed() => Err(self.hung_up()),
            Err(error) => Err(self.unsigned(&error)),
        }
    }

    /// Nobody signed.
    fn unsigned(&self, error: &dyn Display) -> Error {
        Error::Handshake { address: self.address.to_owned(), reason: error.to_string() }
    }

    async fn agent(&self, handle: &mut Handle<Guard>, socket: Option<&PathBuf>) -> Result<Verdict, Error> {
        let path = socket.cloned().or_else(|| std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from));
        let absent = || Error::AgentAbsent { socket: path.clone() };
        let stream = UnixStream::connect(path.as_ref().ok_or_else(absent)?).await.map_err(|_| absent())?;
        let mut agent = AgentClient::connect(stream);
        let failed = |reason: String| Error::Agent { reason };
        let identities = agent.request_identities().await.map_err(|error| failed(error.to_string()))?;
        let mut last = None;
        for identity in identities.iter().take(AGENT_KEYS) {
            let verdict = match identity {
                AgentIdentity::PublicKey { key, .. } => {
                    let hash = self.rsa_hash(handle, key).await?;
                    let key = key.clone();
                    let signed = handle.authenticate_publickey_with(self.user, key, hash, &mut agent).await;
                    self.verdict(handle, signed.map_err(|error| failed(error.to_string()))?)?
                }
                AgentIdentity::Certificate { certificate, .. } => {
                    self.certificate(handle, &mut agent, certificate).await?
                }
            };
            match verdict {
                refused @ Verdict::Next { was_accepted: false, .. } => last = Some(refused),
                verdict => return Ok(verdict),
            }
        }
        last.ok_or(Error::AgentEmpty { socket: path })
    }

    /// Which SHA-2 signature the server takes from an RSA key; SHA-1 is never used, unless it was asked for.
    async fn rsa_hash(&self, handle: &Handle<Guard>, key: &PublicKey) -> Result<Option<HashAlg>, Error> {
        if !key.algorithm().is_rsa() {
            return Ok(None);
        }
        match handle.best_supported_rsa_hash().await.map_err(|error| self.lost(&error))? {
            None | Some(None) if self.legacy_algorithms => Ok(None),
            Some(None) => Err(Error::RsaSha1 { address: self.address.to_owned() }),
            Some(hash) => Ok(hash),
            // A server that does not say takes at least this one (RFC 8332).
            None => Ok(Some(HashAlg::Sha512)),
        }
    }

    /// The library reports a connection that ends in the middle as a refusal of everything.
    fn verdict(&self, handle: &Handle<Guard>, answer: AuthResult) -> Result<Verdict, Error> {
        match answer {
            AuthResult::Success => Ok(Verdict::Welcome),
            AuthResult::Failure { remaining_methods, .. }
                if remaining_methods.is_empty() && handle.is_closed() =>
            {
                Err(self.hung_up())
            }
            AuthResult::Failure { remaining_methods, partial_success } => {
                Ok(Verdict::Next { remaining: remaining_methods, was_accepted: partial_success })
            }
        }
    }

    fn lost(&self, error: &russh::Error) -> Error {
        match error {
            russh::Error::SendError | russh::Error::RecvError => self.hung_up(),
            error => Error::Handshake { address: self.address.to_owned(), reason: error.to_string() },
        }
    }

    fn hung_up(&self) -> Error {
        Error::HungUp { address: self.address.to_owned(), text: self.ending.reason() }
    }

    fn no_credential(&self) -> Error {
        Error::NoCredential { user: self.user.to_owned(), address: self.address.to_owned() }
    }

    fn factor_missing(&self, remaining: &MethodSet) -> Error {
        let (user, address) = (self.user.to_owned(), self.address.to_owned());
        Error::FactorMissing { user, address, remaining: names(remaining) }
    }

    fn not_offered(&self, credential: &Credential, allowed: &MethodSet) -> Error {
        let (user, address) = (self.user.to_owned(), self.address.to_owned());
        Error::MethodNotOffered { user, address, wanted: credential.name(), remaining: names(allowed) }
    }

    fn refused(&self, credential: &Credential, remaining: &MethodSet) -> Error {
        if !credential.methods().iter().any(|method| remaining.contains(method)) {
            return self.not_offered(credential, remaining);
        }
        let (user, address) = (self.user.to_owned(), self.address.to_owned());
        let remaining = names(remaining);
        match credential {
            Credential::Password(_) => Error::PasswordRefused { user, address, remaining },
            Credential::Agent(_) => Error::AgentRefused { user, address, remaining },
            Credential::Key(key) => {
                let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
                Error::KeyRefused { user, address, fingerprint, remaining }
            }
            Credential::Certificate(_, certificate) => {
                let id = certificate::id(certificate);
                if certificate::names(certificate, &user) {
                    return Error::CertificateRefused { user, address, id, remaining };
                }
                let names = match certificate.valid_principals() {
                    [] => "nobody".to_owned(),
                    names => certificate::printable(names),
                };
                Error::CertificateNames { user, address, id, names }
            }
        }
    }
}

impl Credential {
    fn methods(&self) -> &'static [MethodKind] {
        match self {
            Credential::Password(_) => &[MethodKind::Password, MethodKind::KeyboardInteractive],
            Credential::Key(_) | Credential::Certificate(..) | Credential::Agent(_) => {
                &[MethodKind::PublicKey]
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Credential::Password(_) => "passwords",
            Credential::Key(_) | Credential::Certificate(..) | Credential::Agent(_) => "keys",
        }
    }
}

fn names(methods: &MethodSet) -> Vec<String> {
    methods.iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    #[test]
    fn what_logs_us_in_is_neither_shown_nor_written() {
        testkit::has_none!(Credential: Debug, Display, serde::Serialize);
        testkit::has_none!(Signer: Debug, Display, serde::Serialize);
        testkit::has_none!(PrivateKey: Display, serde::Serialize);
        let credential = Credential::Password("hunter2".into());
        assert!(!format!("{} {:?}", credential.name(), credential.methods()).contains("hunter2"));
    }
}
