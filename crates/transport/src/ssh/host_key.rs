//! Host keys: what a server proves to be, and what we have pinned.

use std::fmt;

use russh::keys::{HashAlg, PublicKey};

use super::known_hosts;
use crate::Error;

/// A server's public key, as it stands in a `.pub` file. Two keys are the same when both fields are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostKey {
    /// The key type, such as `ssh-ed25519`.
    pub algorithm: String,
    /// The key itself (RFC 4253 section 6.6) in base64.
    pub key_base64: String,
}

impl HostKey {
    /// Reads `ssh-ed25519 AAAA…`, with or without a comment, or one line of a `known_hosts` file
    /// whatever its names are. Refuses more than one line, revoked keys and authorities.
    pub fn parse(text: &str) -> Result<HostKey, Error> {
        let text = text.trim();
        if text.lines().count() > 1 {
            return Err(Error::HostKeyText { reason: "it has more than one line" });
        }
        if text.starts_with('@') {
            return Err(Error::HostKeyText { reason: "revoked keys and authorities cannot be pinned" });
        }
        let after_names = text.split_once([' ', '\t']).map_or("", |(_, rest)| rest.trim_start());
        let key = [text, after_names].into_iter().find_map(|line| PublicKey::from_openssh(line).ok());
        let unreadable = Error::HostKeyText { reason: "it is not a key type and a key in base64" };
        HostKey::of(&key.ok_or(unreadable)?)
            .map_err(|_| Error::HostKeyText { reason: "it cannot be written in OpenSSH's form" })
    }

    /// The keys that a `known_hosts` file lists for a server: `host`, `[host]:port`, patterns
    /// and hashed names. Revoked keys, authorities and unreadable lines are left out.
    pub fn in_known_hosts(text: &str, host: &str, port: u16) -> Vec<HostKey> {
        known_hosts::keys(text, host, port)
    }

    pub(super) fn of(key: &PublicKey) -> Result<HostKey, russh::Error> {
        let line = PublicKey::new(key.key_data().clone(), "").to_openssh()?;
        match line.split_once(' ') {
            Some((algorithm, key)) => {
                Ok(HostKey { algorithm: algorithm.to_owned(), key_base64: key.to_owned() })
            }
            None => Err(russh::Error::UnknownKey),
        }
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it; `not a key` when the fields hold none.
    pub fn fingerprint(&self) -> String {
        match PublicKey::from_openssh(&self.to_string()) {
            Ok(key) => key.fingerprint(HashAlg::Sha256).to_string(),
            Err(_) => "not a key".to_owned(),
        }
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.algorithm, self.key_base64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIDiqOi+Oz0uc3cZuxhgX6Vw0PzvO/hedEzypK0HBxfJj";

    #[test]
    fn a_key_is_read_with_and_without_comment_and_names() {
        let bare = HostKey::parse(&format!("ssh-ed25519 {KEY}")).unwrap();
        assert_eq!((bare.algorithm.as_str(), bare.key_base64.as_str()), ("ssh-ed25519", KEY));
        for line in [
            format!("  ssh-ed25519 {KEY} root@web-1\n"),
            format!("web-1,10.0.0.1 ssh-ed25519 {KEY}"),
            format!("[web-1]:2222\tssh-ed25519 {KEY}"),
        ] {
            assert_eq!(HostKey::parse(&line).unwrap(), bare, "{line}");
        }
        assert_eq!(HostKey::parse(&bare.to_string()).unwrap(), bare);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ssh-ed25519 not base64",
            &format!("ssh-rsa {KEY}"),
            &format!("ssh-ed25519 {KEY}\nssh-ed25519 {KEY}"),
            &format!("@revoked web-1 ssh-ed25519 {KEY}"),
            "-----BEGIN OPENSSH PRIVATE KEY-----",
        ] {
            assert!(HostKey::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_fingerprint_is_what_ssh_keygen_prints() {
        let key = HostKey::parse(&format!("ssh-ed25519 {KEY}")).unwrap();
        assert_eq!(key.fingerprint(), "SHA256:tp+z8IFyBTyciQq10hNKQJVIpDmmYAMv165Zp5Ywy3Y");
        let broken = HostKey { algorithm: "ssh-ed25519".into(), key_base64: "?".into() };
        assert_eq!(broken.fingerprint(), "not a key");
    }
}
