//! Authorities that sign the keys of hosts, as `known_hosts` files name them.

use std::fmt;

use super::{HostKey, known_hosts};
use crate::Error;

/// What a line of an authority begins with (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
const MARK: &str = "@cert-authority";

/// Somebody who vouches for hosts: whoever presents a certificate that is signed by this key, names the host, and holds
/// now, is that host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authority {
    /// For which hosts, as `known_hosts` writes it: `*.example.com,10.0.0.?`, `[web-1]:2222`, or a hashed name.
    pub names: String,
    /// The key that it signs with.
    pub key: HostKey,
}

impl Authority {
    /// Whether this is the text of an authority, and not that of a host key.
    pub fn is_one(text: &str) -> bool {
        text.trim_start().starts_with(MARK)
    }

    /// Reads `@cert-authority NAMES TYPE KEY`, one line as in a `known_hosts` file.
    pub fn parse(text: &str) -> Result<Authority, Error> {
        let bad =
            || Error::HostKeyText { reason: "it is not @cert-authority, the names of hosts, and a key" };
        let text = text.trim();
        if text.lines().count() > 1 {
            return Err(Error::HostKeyText { reason: "it has more than one line" });
        }
        let mut words = text.split_whitespace();
        let (mark, names) = (words.next(), words.next().ok_or_else(bad)?);
        if mark != Some(MARK) {
            return Err(bad());
        }
        let key = HostKey::parse(&words.collect::<Vec<_>>().join(" "))?;
        let authority = Authority { names: names.to_owned(), key };
        if known_hosts::is_line(&authority.to_string()) { Ok(authority) } else { Err(bad()) }
    }

    /// The authorities that a `known_hosts` file names for a server. Revoked ones and unreadable lines are left out.
    pub fn in_known_hosts(text: &str, host: &str, port: u16) -> Vec<Authority> {
        known_hosts::authorities(text, host, port)
    }

    /// Whether it may vouch for `host`:`port`.
    pub(super) fn speaks_for(&self, host: &str, port: u16) -> bool {
        !Authority::in_known_hosts(&self.to_string(), host, port).is_empty()
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{MARK} {} {}", self.names, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDiqOi+Oz0uc3cZuxhgX6Vw0PzvO/hedEzypK0HBxfJj";

    #[test]
    fn a_line_of_known_hosts_is_read_and_comes_back() {
        let line = format!("@cert-authority *.example.com,!db.example.com,[10.0.0.1]:2222 {KEY}");
        let authority = Authority::parse(&format!(" {line} the CA of example.com\n")).unwrap();
        assert_eq!(authority.to_string(), line);
        assert!(authority.speaks_for("WEB-1.example.com", 22) && authority.speaks_for("10.0.0.1", 2222));
        assert!(
            !authority.speaks_for("db.example.com", 22) && !authority.speaks_for("web-1.example.com", 2222)
        );
        for bad in [
            "",
            "@cert-authority",
            KEY,
            &format!("@cert-authority {KEY}"),
            &format!("@revoked * {KEY}"),
            &format!("{line}\n{line}"),
        ] {
            assert!(Authority::parse(bad).is_err(), "{bad}");
        }
    }
}
