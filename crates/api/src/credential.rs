//! Credentials: as they are written and checked. What is shown of them holds no secret.

use std::fmt;

use jiff::Timestamp;
use model::{ExposeSecret, Name, SecretString};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldError, FieldErrors, Secret};

/// What a credential is for, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A private key for servers.
    SshKey,
    /// A password for servers.
    SshPassword,
    /// The SSH agent of the user that Aweigh runs as.
    SshAgent,
    /// A private key for a repository.
    GitKey,
    /// A token or password for a repository over https.
    GitToken,
}

impl CredentialKind {
    /// The word people write.
    pub fn word(self) -> &'static str {
        match self {
            Self::SshKey => "ssh-key",
            Self::SshPassword => "ssh-password",
            Self::SshAgent => "ssh-agent",
            Self::GitKey => "git-key",
            Self::GitToken => "git-token",
        }
    }

    /// Whether servers are logged in to with it.
    pub fn is_for_servers(self) -> bool {
        matches!(self, Self::SshKey | Self::SshPassword | Self::SshAgent)
    }

    /// Whether its secret is a private key, which may have a passphrase.
    pub fn is_key(self) -> bool {
        matches!(self, Self::SshKey | Self::GitKey)
    }
}

/// One credential, as people write it. In a request the secret itself is in `secret`; `file` and `env` are
/// read by the command line, which sends what it finds there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialSpec {
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = CredentialKind)]
    pub kind: Option<CredentialKind>,
    /// The file that holds the secret, relative to the fleet file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub file: Option<String>,
    /// The environment variable that holds the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub env: Option<String>,
    /// The file with the OpenSSH certificate of an SSH key, relative to the fleet file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub certificate: Option<String>,
    /// The private key, behind which its OpenSSH certificate may stand as a line of its own; the password or token.
    /// Left out: the stored one stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, write_only)]
    pub secret: Option<Secret>,
    /// The passphrase of a private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, write_only)]
    pub passphrase: Option<Passphrase>,
    /// The user name that goes with a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// A passphrase, or the environment variable that holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Passphrase {
    /// The passphrase itself.
    Text(Secret),
    /// Where the command line finds it.
    Env {
        /// The variable's name.
        env: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromEnv {
    env: String,
}

impl<'de> Deserialize<'de> for Passphrase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Passphrase;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or { env = \"NAME\" }")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Passphrase, E> {
                Ok(Passphrase::Text(Secret::new(text)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Passphrase, A::Error> {
                let from = FromEnv::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Passphrase::Env { env: from.env })
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A credential whose shape is right. Whether the key in it can be read is for the server to find out.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Unique in the installation.
    pub name: Name,
    /// What it is.
    pub kind: CredentialKind,
    /// The user name that goes with a token.
    pub username: Option<String>,
    /// The new secret; `None` keeps the stored one.
    pub secret: Option<SecretString>,
    /// The passphrase of the new secret.
    pub passphrase: Option<SecretString>,
}

/// The longest secret, in bytes.
const LONGEST: usize = 64 * 1024;

impl CredentialSpec {
    /// What is shown of a stored credential, in the form it is written in.
    pub fn of(kind: CredentialKind, username: Option<String>) -> Self {
        Self { kind: Some(kind), username, ..Self::default() }
    }

    /// The credential `name`.
    pub fn check(&self, name: &Name) -> Result<Credential, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        for (key, said) in [("file", self.file.is_some()), ("env", self.env.is_some())] {
            errors.add_if(said, key, "is read by `aweigh apply`; in a request write secret instead");
        }
        let elsewhere =
            "is read by `aweigh apply`; in a request it stands behind the key, as a line of its own";
        errors.add_if(self.certificate.is_some(), "certificate", elsewhere);
        let kind = self.kind.ok_or("is missing: ssh-key, ssh-password, ssh-agent, git-key or git-token");
        let Some(kind) = errors.take("kind", kind) else { return errors.finish(None) };
        let secret = self.secret.as_ref().map(|secret| &secret.0);
        if let Some(secret) = secret {
            errors.take("secret", sound(kind, secret.expose_secret()));
        }
        let passphrase = match &self.passphrase {
            Some(Passphrase::Text(text)) => Some(&text.0),
            Some(Passphrase::Env { .. }) => {
                errors.add(
                    "passphrase.env",
                    "is read by `aweigh apply`; in a request write passphrase = \"…\"",
                );
                None
            }
            None => None,
        };
        let idle = self.passphrase.is_some() && !kind.is_key();
        errors.add_if(idle, "passphrase", format_args!("has no meaning for {}", kind.word()));
        errors.add_if(
            passphrase.is_some() && secret.is_none(),
            "passphrase",
            "belongs to a key: send the secret too",
        );
        if let Some(username) = &self.username {
            let plain = !username.is_empty() && !username.contains(|c: char| c.is_control() || c == ':');
            errors.add_if(!plain, "username", "must not be empty or hold ':' or control characters");
            errors.add_if(
                kind != CredentialKind::GitToken,
                "username",
                "goes with git-token only; a server has user",
            );
        }
        errors.finish(Some(Credential {
            name: name.clone(),
            kind,
            username: self.username.clone(),
            secret: secret.cloned(),
            passphrase: passphrase.cloned(),
        }))
    }
}

/// Whether `text` can be a secret of this kind, as far as its outside tells.
fn sound(kind: CredentialKind, text: &str) -> Result<(), &'static str> {
    let start = text.trim_start();
    match kind {
        _ if text.trim().is_empty() => Err("is empty"),
        _ if text.len() > LONGEST => Err("is longer than 64 KiB"),
        CredentialKind::SshAgent => Err("has no meaning for ssh-agent; leave it out"),
        CredentialKind::SshPassword | CredentialKind::GitToken if text.contains(char::is_control) => {
            Err("must be one line without control characters")
        }
        CredentialKind::SshPassword | CredentialKind::GitToken => Ok(()),
        CredentialKind::SshKey | CredentialKind::GitKey if start.starts_with("-----BEGIN ") => Ok(()),
        CredentialKind::SshKey | CredentialKind::GitKey if start.starts_with("PuTTY-User-Key-File") => {
            Err("is a PuTTY key; convert it with `puttygen key.ppk -O private-openssh -o key`")
        }
        CredentialKind::SshKey | CredentialKind::GitKey if start.starts_with("ssh-") => {
            Err("is the public half; the private key begins with -----BEGIN")
        }
        CredentialKind::SshKey | CredentialKind::GitKey => {
            Err("is not a private key: it must begin with -----BEGIN")
        }
    }
}

/// A credential as it is shown: never its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialView {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// What it is.
    pub kind: CredentialKind,
    /// The user name that goes with a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `SHA256:…` of the public half of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The public half of a key: the line of `authorized_keys`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was stored last.
    pub updated_at: Timestamp,
}

/// The body of `POST /credentials/{credential}/generate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateRequest {
    /// `ssh-key` or `git-key`.
    pub kind: CredentialKind,
}

/// How far the replacement of a key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotateAnswer {
    /// The public half of the new key: the line of `authorized_keys`.
    pub public_key: String,
    /// Whether the new key is in use.
    pub replaced: bool,
    /// Each server that is logged in to with it, by name.
    pub servers: Vec<RotatedServer>,
}

/// One server of a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotatedServer {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// Which keys are let in there.
    pub state: RotatedState,
    /// What is in the way of the next state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Which keys a server lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RotatedState {
    /// The old one; nobody knows whether the new one, too.
    Old,
    /// Both.
    Both,
    /// The new one.
    New,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: serde_json::Value) -> Result<Credential, Vec<String>> {
        let spec: CredentialSpec = serde_json::from_value(json).unwrap();
        let told = |errors: Vec<FieldError>| errors.iter().map(ToString::to_string).collect();
        spec.check(&"deploy".parse().unwrap()).map_err(told)
    }

    #[test]
    fn the_form_of_a_secret_is_checked() {
        let wrong = |kind: &str, secret: &str, part: &str| {
            let told = check(serde_json::json!({"kind": kind, "secret": secret})).unwrap_err();
            assert!(told.concat().contains(part), "{kind} {secret:?}: {told:?}");
        };
        wrong("ssh-key", "ssh-ed25519 AAAA", "public half");
        wrong("ssh-key", "PuTTY-User-Key-File-3: x", "puttygen");
        wrong("git-key", "hello", "not a private key");
        wrong("ssh-password", "a\nb", "one line");
        wrong("git-token", " ", "empty");
        wrong("ssh-agent", "x", "no meaning");
        assert!(check(serde_json::json!({"kind": "ssh-key"})).is_ok(), "the stored secret stays");
        let key = check(serde_json::json!({"kind": "ssh-key", "secret": "-----BEGIN X", "passphrase": "p"}));
        assert_eq!(key.unwrap().passphrase.unwrap().expose_secret(), "p");
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        let told =
            check(serde_json::json!({"kind": "ssh-password", "file": "x", "env": "Y", "username": "u",
            "passphrase": {"env": "P"}}));
        assert_eq!(told.unwrap_err().len(), 5);
        assert!(check(serde_json::json!({})).unwrap_err().concat().starts_with("kind is missing"));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let spec = CredentialSpec { secret: Some(Secret::new("hunter2")), ..CredentialSpec::default() };
        assert!(!format!("{spec:?}").contains("hunter2"));
        let checked = check(serde_json::json!({"kind": "ssh-password", "secret": "hunter2"})).unwrap();
        assert!(!format!("{checked:?}").contains("hunter2"));
    }
}
