//! `known_hosts` files: which of their lines speak about one server.

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, KnownHosts, Marker};
use sha1::Sha1;

use super::{Authority, HostKey};

/// The keys listed for `host`:`port`.
pub(super) fn keys(text: &str, host: &str, port: u16) -> Vec<HostKey> {
    let mut keys = Vec::new();
    for (_, key) in marked(text, host, port, None) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The authorities listed for `host`:`port`.
pub(super) fn authorities(text: &str, host: &str, port: u16) -> Vec<Authority> {
    let mut authorities: Vec<Authority> = Vec::new();
    for (names, key) in marked(text, host, port, Some(&Marker::CertAuthority)) {
        if authorities.iter().all(|known| known.key != key) {
            authorities.push(Authority { names, key });
        }
    }
    authorities
}

/// Whether this is one line that can be read.
pub(super) fn is_line(text: &str) -> bool {
    let mut lines = KnownHosts::new(text);
    matches!((lines.next(), lines.next()), (Some(Ok(_)), None))
}

/// The names and keys of lines with this mark that speak about `host`:`port`, but for keys that are revoked.
fn marked(text: &str, host: &str, port: u16, mark: Option<&Marker>) -> Vec<(String, HostKey)> {
    let host = host.to_ascii_lowercase();
    let name = if port == 22 { host } else { format!("[{host}]:{port}") };
    // Lines of kinds that this version does not know must not hide the others.
    let entries: Vec<Entry> =
        KnownHosts::new(text).flatten().filter(|entry| speaks_of(entry.host_patterns(), &name)).collect();
    let keys_of = |mark: Option<&Marker>| -> Vec<(String, HostKey)> {
        let marked = entries.iter().filter(|entry| entry.marker() == mark);
        let named =
            |entry: &Entry| Some((entry.host_patterns().to_string(), HostKey::of(entry.public_key()).ok()?));
        marked.filter_map(named).collect()
    };
    let revoked = keys_of(Some(&Marker::Revoked));
    let mut keys = keys_of(mark);
    keys.retain(|(_, key)| revoked.iter().all(|(_, revoked)| revoked != key));
    keys
}

fn speaks_of(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::Patterns(patterns) => {
            let (refused, wanted): (Vec<_>, Vec<_>) =
                patterns.iter().partition(|pattern| pattern.starts_with('!'));
            let matches = |pattern: &str| glob(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes());
            wanted.iter().any(|pattern| matches(pattern))
                && !refused.iter().any(|pattern| matches(pattern.trim_start_matches('!')))
        }
        HostPatterns::HashedName { salt, hash } => match Hmac::<Sha1>::new_from_slice(salt) {
            Ok(mac) => mac.chain_update(name.as_bytes()).verify_slice(hash).is_ok(),
            Err(_) => false,
        },
    }
}

/// Matches `*` (any run) and `?` (one byte), in time proportional to the product of the lengths.
pub(super) fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let mut reachable = vec![false; name.len().saturating_add(1)];
    if let Some(start) = reachable.first_mut() {
        *start = true;
    }
    for symbol in pattern {
        let mut next = vec![false; reachable.len()];
        let mut carried = false;
        for (at, (from, to)) in reachable.iter().zip(&mut next).enumerate() {
            let before = at.checked_sub(1);
            if *symbol == b'*' {
                carried |= from;
                *to = carried;
            } else if before.and_then(|before| reachable.get(before)) == Some(&true) {
                let byte = before.and_then(|before| name.get(before));
                *to = byte.is_some_and(|byte| *symbol == b'?' || symbol == byte);
            }
        }
        reachable = next;
    }
    reachable.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIPFLI3VLMJqzUnLEPX5qW5c88lDvaEXyjsymiJ3LcNs";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA/F9Vd8Y/kKRBqimXCHiT9zRPKqWT+OpD8410TXn+N/";

    #[test]
    fn lines_are_found_by_name_port_and_pattern() {
        let check = |names: &str, host: &str, port: u16, found: bool| {
            let keys = keys(&format!("# comment\n\n{names} {ONE} comment\nother {TWO}\n"), host, port);
            let expected = if found { vec![HostKey::parse(ONE).unwrap()] } else { vec![] };
            assert_eq!(keys, expected, "{names} for {host}:{port}");
        };
        check("web-1", "web-1", 22, true);
        check("web-1", "WEB-1", 22, true);
        check("web-1", "web-2", 22, false);
        check("web-1", "web-1", 2222, false);
        check("web-1,10.0.0.1", "10.0.0.1", 22, true);
        check("[web-1]:2222", "web-1", 2222, true);
        check("[web-1]:2222", "web-1", 22, false);
        check("*.example.com,!bad.example.com", "web.example.com", 22, true);
        check("*.example.com,!bad.example.com", "bad.example.com", 22, false);
        check("web-?", "web-1", 22, true);
        check("web-?", "web-12", 22, false);
    }

    #[test]
    fn hashed_names_are_found() {
        // Made by `ssh-keygen -H` from `[web-1]:2222`.
        let text = format!("|1|xzCzh+0VJRkuUBrXp0CINesBcdQ=|iA43zSLCTG10ms5V6h50UL33jQU= {ONE}\n");
        assert_eq!(keys(&text, "web-1", 2222), vec![HostKey::parse(ONE).unwrap()]);
        assert_eq!(keys(&text, "web-1", 22), vec![]);
    }

    #[test]
    fn revoked_keys_authorities_and_unreadable_lines_are_left_out() {
        let text = format!(
            "web-1 {ONE}\nweb-1 {TWO}\n@revoked * {ONE}\n@cert-authority web-1 {TWO}\nweb-1 ssh-new AAAA\nrubbish\n"
        );
        assert_eq!(keys(&text, "web-1", 22), vec![HostKey::parse(TWO).unwrap()]);
        let authority = Authority { names: "web-1".to_owned(), key: HostKey::parse(TWO).unwrap() };
        assert_eq!(authorities(&text, "web-1", 22), vec![authority]);
        assert_eq!(authorities(&text, "web-2", 22), vec![]);
        let revoked = format!("@cert-authority web-1 {ONE}\n@revoked web-1 {ONE}\n");
        assert_eq!(authorities(&revoked, "web-1", 22), vec![]);
    }
}
