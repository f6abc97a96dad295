//! Host keys, and authorities that sign them, out of a `known_hosts` file (`sshd(8)`), for servers that are known and have none pinned. Hashed names are
//! compared, too.

use std::collections::BTreeMap;
use std::path::Path;

use api::{OneOrMany, ServerSpec, ServerView};
use model::Name;
use transport::{Authority, HostKey};

use super::{Found, Wrong, told};
use crate::fleet_file::Error;

/// What the file says about the servers.
#[derive(Debug)]
pub struct Pins {
    /// The servers that get host keys.
    pub servers: BTreeMap<Name, ServerSpec>,
    /// What is not taken, and about whom the file says nothing new.
    pub notes: Vec<String>,
}

/// Reads `text`, which stands in `path`, for `servers`.
///
/// # Errors
/// Every line that makes no sense; then no key is taken.
pub fn read(text: &str, path: &Path, servers: &[ServerView]) -> Result<Pins, Error> {
    let (mut lines, mut wrong) = (Found::default(), Wrong::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if !line.is_empty()
            && !line.starts_with('#')
            && let Err(why) = judge(line, number, &mut lines)
        {
            wrong.push((number, why));
        }
    }
    if !wrong.is_empty() {
        return Err(told(path, wrong));
    }
    let mut pins = Pins { servers: BTreeMap::new(), notes: lines.notes() };
    for ServerView { name, spec } in servers.iter().filter(|server| server.spec.host != "local") {
        let port = spec.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(22);
        let mut keys: Vec<String> =
            HostKey::in_known_hosts(text, &spec.host, port).iter().map(ToString::to_string).collect();
        let authorities = Authority::in_known_hosts(text, &spec.host, port);
        keys.extend(authorities.iter().map(ToString::to_string));
        let pinned = spec.host_key.as_ref().map(OneOrMany::items).unwrap_or_default();
        if keys.is_empty() {
            pins.notes.push(format!("{name}: there is no key for {} on port {port}", spec.host));
        } else if pinned.is_empty() {
            let spec = ServerSpec { host_key: Some(OneOrMany::from(keys)), ..spec.clone() };
            pins.servers.insert(name.clone(), spec);
        } else if !keys.iter().any(|key| pinned.contains(key)) {
            pins.notes.push(format!(
                "{name}: another key is pinned, which stays; find out why, then: aweigh servers trust {name}"
            ));
        }
    }
    Ok(pins)
}

/// Whether a line is one of `known_hosts`; what is not taken of it is left.
fn judge(line: &str, number: usize, lines: &mut Found) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["@cert-authority", _, kind, key, ..] if HostKey::parse(&format!("{kind} {key}")).is_err() => {
            return Err("it has no key that can be read".to_owned());
        }
        ["@cert-authority", _, _, _, ..] => {}
        ["@revoked", _, _, _, ..] => lines.leave("a key that is @revoked", number),
        [marker, ..] if marker.starts_with('@') => {
            return Err(format!("{marker} is no marker of known_hosts"));
        }
        [_, kind, key, ..] if HostKey::parse(&format!("{kind} {key}")).is_err() => {
            let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            let is_key = key.starts_with("AAAA") && key.bytes().all(base64);
            let is_known = ["ssh-ed25519", "ssh-rsa"].contains(kind) || kind.starts_with("ecdsa-");
            if !is_key || is_known {
                return Err("it has no host key that can be read".to_owned());
            }
            lines.leave(format!("a key of the kind {kind}"), number);
        }
        [_, _, _, ..] => {}
        _ => return Err("it is no line of known_hosts: HOSTS KIND KEY".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIPFLI3VLMJqzUnLEPX5qW5c88lDvaEXyjsymiJ3LcNs";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA/F9Vd8Y/kKRBqimXCHiT9zRPKqWT+OpD8410TXn+N/";

    fn servers() -> Vec<ServerView> {
        let one = |name: &str, host: &str, port, key: Option<&str>| ServerView {
            name: name.parse().unwrap(),
            spec: ServerSpec {
                host: host.into(),
                port,
                host_key: key.map(|key| OneOrMany::One(key.to_owned())),
                ..ServerSpec::default()
            },
        };
        vec![
            one("new", "10.0.0.1", Some(2222), None),
            one("hashed", "hashed.example.com", None, None),
            one("same", "10.0.0.2", None, Some(ONE)),
            one("other", "10.0.0.3", None, Some(ONE)),
            one("unknown", "10.0.0.4", None, None),
            one("revoked", "10.0.0.5", None, None),
            one("here", "local", None, None),
        ]
    }

    #[test]
    fn keys_are_found_for_servers_that_have_none_and_no_pin_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        std::fs::write(&path, format!("hashed.example.com {TWO}\n")).unwrap();
        let hashed =
            std::process::Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&path).output().unwrap();
        assert!(hashed.status.success(), "{hashed:?}");
        let hashed = std::fs::read_to_string(&path).unwrap();
        assert!(hashed.starts_with("|1|"), "{hashed}");
        let text = format!(
            "# comment\n[10.0.0.1]:2222 {ONE} root@new\n10.0.0.2,10.0.0.3 {TWO}\n10.0.0.2 {ONE}\n10.0.0.5 {ONE}\n\
             @revoked 10.0.0.5 {ONE}\n@cert-authority *.example.com {TWO}\n10.0.0.4 ssh-dss AAAAB3NzaC1kc3MAAACB\n{hashed}"
        );
        let pins = read(&text, &path, &servers()).unwrap();
        let taken: Vec<String> = pins
            .servers
            .iter()
            .map(|(name, spec)| format!("{name} {}", spec.host_key.as_ref().unwrap().items().join(" ")))
            .collect();
        assert_eq!(
            taken,
            [format!("hashed {TWO} @cert-authority *.example.com {TWO}"), format!("new {ONE}")]
        );
        assert_eq!(
            pins.notes,
            [
                "a key of the kind ssh-dss is not taken (line 8)",
                "a key that is @revoked is not taken (line 6)",
                "other: another key is pinned, which stays; find out why, then: aweigh servers trust other",
                "unknown: there is no key for 10.0.0.4 on port 22",
                "revoked: there is no key for 10.0.0.5 on port 22",
            ]
        );
    }

    #[test]
    fn every_bad_line_is_told_by_its_number_and_no_key_is_taken() {
        let text = format!(
            "10.0.0.1 {ONE}\n10.0.0.1\n10.0.0.1 ssh-ed25519 AAAAnokey\n@revokd h {ONE}\n-----BEGIN OPENSSH PRIVATE KEY-----\n"
        );
        let lines = read(&text, Path::new("known_hosts"), &servers()).unwrap_err().lines();
        assert_eq!(
            lines,
            [
                "line 2: it is no line of known_hosts: HOSTS KIND KEY",
                "line 3: it has no host key that can be read",
                "line 4: @revokd is no marker of known_hosts",
                "line 5: it has no host key that can be read",
            ]
        );
    }
}
