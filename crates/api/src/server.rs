//! Servers: as they are written, checked and shown.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Labels, Name, Selector, Server, SshAddress};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldError, FieldErrors, Named, OneOrMany, SecretSpecs, VariableSpecs, variable};

/// One server, as people write it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// Host name or address, or `local` for the machine Aweigh runs on.
    #[serde(default)]
    #[schema(required, example = "10.0.0.11")]
    pub host: String,
    /// TCP port, 22 when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 65535)]
    pub port: Option<i64>,
    /// Login name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Name of the stored credential to log in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Pinned host keys, `ssh-ed25519 AAAA…`, and authorities that sign them, `@cert-authority NAMES ssh-ed25519 AAAA…`.
    /// Left out: what is pinned stays. An empty list: nothing is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<OneOrMany<String>>,
    /// A `known_hosts` file, which the command line reads; in a request it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub known_hosts: Option<String>,
    /// What selectors choose by: `role = ["web", "db"]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, OneOrMany<String>>,
    /// Name of the server to go through. Empty: none, where the defaults name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
    /// Also agree to algorithms that are not safe any more (SHA-1, CBC), where the server knows nothing better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy_algorithms: Option<bool>,
    /// Variables of the programs that run there, over those of projects and environments.
    #[serde(default, skip_serializing_if = "VariableSpecs::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub variables: VariableSpecs,
    /// Secrets of these programs, write-only. What is not named stays as it is stored.
    #[serde(default, skip_serializing_if = "SecretSpecs::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, crate::SecretSpec>)]
    pub secrets: SecretSpecs,
}

/// What a server inherits where it says nothing itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerDefaults {
    /// Login name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// TCP port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 65535)]
    pub port: Option<i64>,
    /// Name of the stored credential to log in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// A `known_hosts` file, which the command line reads; in a request it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub known_hosts: Option<String>,
    /// Name of the server to go through; that server itself does not inherit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
}

impl ServerDefaults {
    /// What is wrong with the defaults themselves.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.add_if(self.known_hosts.is_some(), "known_hosts", READ_BY_THE_COMMAND_LINE);
        if let Some(jump) = self.jump.as_deref().filter(|jump| !jump.is_empty()) {
            errors.take("jump", jump.parse::<Name>());
        }
        errors.finish(Some(()))
    }
}

const READ_BY_THE_COMMAND_LINE: &str =
    "is a file that `aweigh apply` reads; in a request write host_key instead";

/// A server as it is shown: host keys and all, since none of it is secret.
pub type ServerView = Named<ServerSpec>;

impl ServerSpec {
    /// The server `name`, with `defaults` below what is said here.
    pub fn check(&self, name: &Name, defaults: &ServerDefaults) -> Result<Server, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.add_if(
            name.as_str() == Selector::ALL,
            "",
            "\"all\" is no name for a server: it means every server",
        );
        errors.add_if(self.known_hosts.is_some(), "known_hosts", READ_BY_THE_COMMAND_LINE);
        let labels = self.labels(&mut errors);
        let variables = errors.nest("variables", variable::variables(&self.variables));
        let address = if self.host == "local" {
            Some(self.local(&mut errors))
        } else {
            self.ssh(name, defaults, &mut errors)
        };
        let parts = address.zip(variables);
        errors.finish(parts.map(|(address, variables)| Server {
            name: name.clone(),
            address,
            labels,
            variables,
            groups: BTreeSet::new(),
        }))
    }

    /// This machine has no port and nobody to log in as.
    fn local(&self, errors: &mut FieldErrors) -> Address {
        for (key, said) in [
            ("port", self.port.is_some()),
            ("user", self.user.is_some()),
            ("credential", self.credential.is_some()),
            ("host_key", self.host_key.is_some()),
            ("legacy_algorithms", self.legacy_algorithms.is_some()),
            ("jump", self.jump.as_ref().is_some_and(|jump| !jump.is_empty())),
        ] {
            errors.add_if(said, key, "has no meaning where host is \"local\"; leave it out");
        }
        Address::Local
    }

    fn ssh(&self, name: &Name, defaults: &ServerDefaults, errors: &mut FieldErrors) -> Option<Address> {
        let host = errors.take("host", host(&self.host));
        let port = errors.take("port", port(self.port.or(defaults.port).unwrap_or(22)));
        let user = self.user.as_ref().or(defaults.user.as_ref());
        let user = errors.take("user", user.ok_or_else(|| missing("user")).and_then(|text| login(text)));
        let credential = self.credential.as_ref().or(defaults.credential.as_ref());
        let credential = credential.ok_or_else(|| missing("credential"));
        let credential = credential.and_then(|text| text.parse::<Name>().map_err(|error| error.to_string()));
        let credential = errors.take("credential", credential);
        let mut host_keys = Vec::new();
        for (index, text) in self.host_key.iter().flat_map(OneOrMany::items).enumerate() {
            let field = match self.host_key {
                Some(OneOrMany::Many(_)) => format!("host_key[{index}]"),
                _ => "host_key".to_owned(),
            };
            host_keys.extend(errors.take(field, host_key(text)));
        }
        host_keys.dedup();
        // Whoever the others go through is reached without itself.
        let inherited = defaults.jump.as_deref().filter(|jump| *jump != name.as_str());
        let jump = self.jump.as_deref().or(inherited).filter(|jump| !jump.is_empty());
        let jump = jump.and_then(|text| errors.take("jump", text.parse::<Name>()));
        Some(Address::Ssh(SshAddress {
            host: host?,
            port: port?,
            user: user?,
            credential: credential?,
            host_keys,
            jump,
            legacy_algorithms: self.legacy_algorithms.unwrap_or_default(),
        }))
    }

    fn labels(&self, errors: &mut FieldErrors) -> Labels {
        let mut labels = Labels::new();
        for (key, values) in &self.labels {
            let field = format!("labels.{key}");
            let Some(key) = errors.take(&field, key.parse::<Name>()) else { continue };
            for value in values.items() {
                match label(value) {
                    Ok(()) => _ = labels.entry(key.clone()).or_default().insert(value.clone()),
                    Err(message) => errors.add(&field, message),
                }
            }
        }
        labels
    }
}

fn missing(key: &str) -> String {
    format!("is missing, and [defaults.server] has no {key} either")
}

fn host(text: &str) -> Result<String, &'static str> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._-:%".contains(&b);
    match text {
        "" => Err("is missing"),
        _ if text.len() > 253 || text.starts_with('-') || !text.bytes().all(good) => {
            Err("must be a host name or an address without user and port, or local")
        }
        _ => Ok(text.to_owned()),
    }
}

fn port(number: i64) -> Result<u16, &'static str> {
    u16::try_from(number).ok().filter(|port| *port != 0).ok_or("must be between 1 and 65535")
}

fn login(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.len() <= 64 && !text.starts_with('-');
    if plain && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "@:/".contains(c)) {
        Ok(text.to_owned())
    } else {
        Err("must be a login name".to_owned())
    }
}

/// A label's value, of which selectors are made, so it cannot hold what joins them.
fn label(value: &str) -> Result<(), &'static str> {
    let joins = |c: char| "=!&,".contains(c) || c.is_control();
    if value.is_empty() || value.trim() != value || value.len() > 200 || value.contains(joins) {
        Err("has a value that no selector can name: use no '=', '!', '&', ',' and no space at its ends")
    } else {
        Ok(())
    }
}

/// `TYPE KEY` out of a line of a `.pub` file or of `known_hosts`, or `@cert-authority NAMES TYPE KEY`.
fn host_key(text: &str) -> Result<String, &'static str> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let mut authority = String::new();
    if words.first().is_some_and(|word| word.starts_with('@')) {
        let names = |word: &&str| word.len() <= 1024 && word.bytes().all(|byte| byte.is_ascii_graphic());
        let named = words.first() == Some(&"@cert-authority") && words.get(1).is_some_and(names);
        if !named || words.len() < 4 {
            return Err("must be one host key, or @cert-authority, the names of hosts, and a key");
        }
        authority = words.drain(..2).flat_map(|word| [word, " "]).collect();
        words.truncate(2);
    }
    let is_type = |word: &str| {
        ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start)) && word.len() <= 64
    };
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    let pair = words.iter().zip(words.iter().skip(1)).find(|(kind, key)| {
        is_type(kind) && key.starts_with("AAAA") && key.len() >= 40 && key.bytes().all(base64)
    });
    match pair {
        Some((kind, key)) if text.trim().lines().count() == 1 => Ok(format!("{authority}{kind} {key}")),
        _ => Err("must be one host key, such as ssh-ed25519 AAAA…"),
    }
}

impl From<&Server> for ServerSpec {
    fn from(server: &Server) -> Self {
        let many = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().into();
        let labels = server.labels.iter().map(|(key, values)| (key.to_string(), many(values))).collect();
        let variables = variable::specs(&server.variables);
        match &server.address {
            Address::Local => Self { host: "local".to_owned(), labels, variables, ..Self::default() },
            Address::Ssh(ssh) => Self {
                host: ssh.host.clone(),
                port: (ssh.port != 22).then(|| ssh.port.into()),
                user: Some(ssh.user.clone()),
                credential: Some(ssh.credential.to_string()),
                host_key: (!ssh.host_keys.is_empty()).then(|| ssh.host_keys.clone().into()),
                labels,
                jump: ssh.jump.as_ref().map(Name::to_string),
                legacy_algorithms: ssh.legacy_algorithms.then_some(true),
                variables,
                ..Self::default()
            },
        }
    }
}

/// Body of `POST /servers/{s}/trust`. Without a fingerprint the keys are only shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustRequest {
    /// `SHA256:…` of the key to pin, as the first call answered it and as the server's owner confirms it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What the machine presents, and what is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrustAnswer {
    /// The host keys that the machine presents now.
    pub keys: Vec<ScannedKey>,
    /// The keys that are pinned after this call.
    pub pinned: Vec<String>,
}

/// One host key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScannedKey {
    /// `ssh-ed25519 AAAA…`.
    pub key: String,
    /// `SHA256:…`, as `ssh-keygen -lf` prints it.
    pub fingerprint: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDiqOi+Oz0uc3cZuxhgX6Vw0PzvO/hedEzypK0HBxfJj";

    fn check(json: serde_json::Value) -> Result<Server, Vec<String>> {
        let spec: ServerSpec = serde_json::from_value(json).unwrap();
        let defaults = ServerDefaults { user: Some("deploy".into()), ..ServerDefaults::default() };
        let told = |errors: Vec<FieldError>| errors.iter().map(ToString::to_string).collect();
        spec.check(&"web-1".parse().unwrap(), &defaults).map_err(told)
    }

    #[test]
    fn a_server_inherits_and_comes_back() {
        let json = serde_json::json!({"host": "10.0.0.11", "credential": "deploy", "port": 2222,
            "host_key": format!("web-1 {KEY} root@web-1"), "labels": {"env": "production", "role": ["db", "web"]}});
        let server = check(json).unwrap();
        assert_eq!(server.place(), "deploy@10.0.0.11:2222");
        let spec = ServerSpec::from(&server);
        assert_eq!(spec.host_key, Some(OneOrMany::One(KEY.to_owned())));
        assert_eq!(spec.check(&server.name, &ServerDefaults::default()).unwrap(), server);
        let old = serde_json::json!({"host": "h", "credential": "c", "legacy_algorithms": true});
        assert_eq!(ServerSpec::from(&check(old).unwrap()).legacy_algorithms, Some(true));
        let local = check(serde_json::json!({"host": "local"})).unwrap();
        assert_eq!(ServerSpec::from(&local).host, "local");
        let pinned = [KEY.to_owned(), format!("@cert-authority *.example.com,10.0.0.? {KEY}")];
        let written = [pinned[0].clone(), format!(" {} the CA\n", pinned[1])];
        let server =
            check(serde_json::json!({"host": "web-1", "credential": "c", "host_key": written})).unwrap();
        assert_eq!(ServerSpec::from(&server).host_key, Some(OneOrMany::Many(pinned.to_vec())));
        for bad in [
            "@revoked * KEY",
            "@cert-authority KEY",
            "@cert-authority * ssh-ed25519",
            "@cert-authority * x KEY",
        ] {
            let bad = bad.replace("KEY", KEY);
            let told =
                check(serde_json::json!({"host": "h", "credential": "c", "host_key": bad})).unwrap_err();
            assert!(told[0].starts_with("host_key must be one host key"), "{bad}: {told:?}");
        }
    }

    #[test]
    fn every_error_is_told_at_once() {
        let json = serde_json::json!({"host": "-oProxyCommand=x", "port": 0, "user": "a b", "jump": "No name",
            "known_hosts": "known_hosts", "host_key": ["ssh-ed25519"], "labels": {"Role": "x", "role": "a&b"}});
        let told = check(json).unwrap_err();
        for start in [
            "jump ",
            "known_hosts ",
            "labels.Role ",
            "labels.role ",
            "host ",
            "port ",
            "user ",
            "credential ",
            "host_key[0] ",
        ] {
            assert!(told.iter().any(|line| line.starts_with(start)), "{start} in {told:#?}");
        }
        assert_eq!(told.len(), 9);
        let local =
            serde_json::json!({"host": "local", "port": 22, "jump": "bastion", "legacy_algorithms": false});
        assert_eq!(check(local).unwrap_err().len(), 3);
    }

    #[test]
    fn all_go_through_the_server_that_the_defaults_name_but_itself_and_those_that_say_otherwise() {
        let defaults = ServerDefaults {
            user: Some("deploy".into()),
            credential: Some("deploy".into()),
            jump: Some("bastion".into()),
            ..ServerDefaults::default()
        };
        let jump = |name: &str, jump: Option<&str>| {
            let spec =
                ServerSpec { host: "h".into(), jump: jump.map(str::to_owned), ..ServerSpec::default() };
            let server = spec.check(&name.parse().unwrap(), &defaults).unwrap();
            assert_eq!(ServerSpec::from(&server).jump.as_deref(), server.jump().map(Name::as_str));
            server.jump().map(Name::to_string)
        };
        assert_eq!(jump("web-1", None).as_deref(), Some("bastion"));
        assert_eq!(jump("web-1", Some("other")).as_deref(), Some("other"));
        assert_eq!(jump("web-1", Some("")), None);
        assert_eq!(jump("bastion", None), None);
        // That is judged where all servers are known.
        assert_eq!(jump("bastion", Some("bastion")).as_deref(), Some("bastion"));
        let local = ServerSpec { host: "local".into(), ..ServerSpec::default() };
        assert!(local.check(&"here".parse().unwrap(), &defaults).is_ok());
    }
}
