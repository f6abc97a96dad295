//! Where an address leads: scheme, host and port decide who may be shown a credential, and an address that is written
//! relative to another one stays at its place.

use crate::{Error, Policy, Protocol, Url, plain::plain};

/// The parts of an address: `text` is `front`, then `path`.
struct Parts<'u> {
    /// Everything that decides about the machine, with the separator behind it.
    front: &'u str,
    /// `host`, or `host:port`; nothing for this machine.
    host: &'u str,
    /// What comes after it.
    path: &'u str,
}

impl Url {
    /// Tells whether an address leads to the same scheme, host and port. Two on this machine do.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.protocol() == other.protocol() && self.place() == other.place()
    }

    /// The address that stands in the `.gitmodules` of this repository: as it is, or, where it begins with `./` or
    /// `../`, relative to this one. Unlike git, which would take a part of the host for one more folder, it never leads
    /// to another host.
    ///
    /// # Errors
    /// Those of [`Url::parse`].
    pub(crate) fn of_submodule(&self, text: &str, policy: &Policy) -> Result<Self, Error> {
        if !text.starts_with("./") && !text.starts_with("../") {
            return Self::parse(text, policy);
        }
        let refused = |reason| Error::InvalidUrl { shown: plain(text, 200), reason };
        let parts = self.parts();
        let mut path: Vec<&str> = parts.path.split('/').filter(|part| !part.is_empty()).collect();
        let mut rest = text.trim_end_matches('/');
        loop {
            if let Some(below) = rest.strip_prefix("../") {
                rest = below;
                path.pop().ok_or_else(|| refused("it leads out of its host"))?;
            } else if let Some(below) = rest.strip_prefix("./") {
                rest = below;
            } else {
                break;
            }
        }
        if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(refused("a part of its path is empty, '.' or '..'"));
        }
        path.push(rest);
        let slash = if parts.path.starts_with('/') { "/" } else { "" };
        Self::parse(&format!("{}{slash}{}", parts.front, path.join("/")), policy)
    }

    /// The host, and the port on it, that SSH goes to; an IPv6 address without brackets. Nothing for other protocols.
    pub fn ssh_host(&self) -> Option<(String, u16)> {
        let (host, port) = self.place();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        (self.protocol() == Protocol::Ssh).then(|| (bare.to_owned(), port))
    }

    /// Host and port, written in one way.
    fn place(&self) -> (String, u16) {
        let usual = match self.protocol() {
            Protocol::Https => 443,
            Protocol::Http => 80,
            Protocol::Ssh => 22,
            Protocol::File => 0,
        };
        let host = self.parts().host;
        // A colon of an IPv6 address stands inside of brackets.
        let (host, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port.parse().unwrap_or(usual)),
            _ => (host, usual),
        };
        (host.to_ascii_lowercase(), port)
    }

    fn parts(&self) -> Parts<'_> {
        let text = self.as_str();
        let cut = |at: usize| text.split_at_checked(at).unwrap_or((text, ""));
        if let Some((scheme, rest)) = text.split_once("://")
            && !scheme.contains([':', '/', '@'])
        {
            let (front, path) = cut(scheme.len() + 3 + rest.find('/').unwrap_or(rest.len()));
            let authority = front.get(scheme.len() + 3..).unwrap_or_default();
            return Parts { front, host: after_user(authority), path };
        }
        if self.protocol() == Protocol::File {
            return Parts { front: "", host: "", path: text };
        }
        // `user@host:path`, of which the host may be in brackets.
        let user = text.len() - after_user(text).len();
        let bracket = text.get(user..).filter(|rest| rest.starts_with('[')).and_then(|rest| rest.find(']'));
        let from = user + bracket.unwrap_or_default();
        let colon = from + text.get(from..).and_then(|rest| rest.find(':')).unwrap_or_default();
        let (front, path) = cut(colon + 1);
        Parts { front, host: text.get(user..colon).unwrap_or_default(), path }
    }
}

/// What is behind the user of an address.
fn after_user(text: &str) -> &str {
    text.split_once('@').filter(|(user, _)| !user.contains('/')).map_or(text, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Policy {
        Policy {
            allow_protocols: ["https", "http", "ssh", "file"].map(String::from).to_vec(),
            ..Policy::default()
        }
    }

    fn url(text: &str) -> Url {
        Url::parse(text, &everything()).unwrap()
    }

    fn check(base: &str, text: &str, expected: &str) {
        let shown = match url(base).of_submodule(text, &everything()) {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{text} in {base}");
    }

    #[test]
    fn relative_addresses_are_those_of_git() {
        check("https://h.example/org/shop.git", "../lib.git", "https://h.example/org/lib.git");
        check("https://h.example:8443/org/shop.git/", "../../b/lib/", "https://h.example:8443/b/lib");
        check("https://h.example/org/shop", "./lib", "https://h.example/org/shop/lib");
        check("ssh://git@h:2222/~/shop.git", "../lib.git", "ssh://git@h:2222/~/lib.git");
        check("git@h:org/shop.git", "../lib.git", "git@h:org/lib.git");
        check("git@h:org/shop.git", "../../lib.git", "git@h:lib.git");
        check("git@[::1]:org/shop.git", "../lib.git", "git@[::1]:org/lib.git");
        check("git@h:/srv/shop.git", "../lib.git", "git@h:/srv/lib.git");
        check("h:shop.git", "../lib.git", "h:lib.git");
        check("file:///srv/shop.git", "../lib.git", "file:///srv/lib.git");
        check("/srv/a:b@c.git", "../lib.git", "/srv/lib.git");
        check("https://h.example/org/shop.git", "https://other/lib.git", "https://other/lib.git");
    }

    #[test]
    fn a_relative_address_never_leads_to_another_host() {
        let out = |text: &str| format!("repository address {text} is refused: it leads out of its host");
        check("https://h.example/shop.git", "../../evil.example/lib.git", &out("../../evil.example/lib.git"));
        check("git@h:shop.git", "../../evil:lib.git", &out("../../evil:lib.git"));
        check("git@h:shop.git", "../../../evil:lib.git", &out("../../../evil:lib.git"));
        check("file:///shop.git", "../../x", &out("../../x"));
        let odd = "a part of its path is empty, '.' or '..'";
        for text in ["../a/../../../x", "../", "./", "..//x", "./././", "../a//b"] {
            check(
                "https://h.example/org/shop.git",
                text,
                &format!("repository address {text} is refused: {odd}"),
            );
        }
        check(
            "https://h.example/org/shop.git",
            "../x?token=1",
            "repository address https://h.example/org/x is refused: it has a '?', '#' or backslash",
        );
    }

    #[test]
    fn ssh_goes_to_a_host_and_a_port() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            assert_eq!(url(text).ssh_host(), expected.map(|(host, port)| (host.to_owned(), port)), "{text}");
        };
        check("git@Git.Example.com:org/shop.git", Some(("git.example.com", 22)));
        check("ssh://git@h:2222/x", Some(("h", 2222)));
        check("ssh://[::1]/x", Some(("::1", 22)));
        check("git@[::1]:x", Some(("::1", 22)));
        check("https://h/x", None);
        check("/srv/x", None);
    }

    #[test]
    fn only_the_same_scheme_host_and_port_are_the_same_place() {
        let check = |one: &str, other: &str, expected: bool| {
            assert_eq!(url(one).is_beside(&url(other)), expected, "{one} {other}");
            assert_eq!(url(other).is_beside(&url(one)), expected, "{other} {one}");
        };
        check("https://h.example/a", "https://H.example:443/b", true);
        check("https://u:p@h.example/a", "https://h.example/b", true);
        check("ssh://git@h:22/a", "other@h:b", true);
        check("git@[::1]:a", "ssh://[::1]/b", true);
        check("/srv/a", "file:///srv/b", true);
        check("https://h.example/a", "http://h.example/a", false);
        check("https://h.example/a", "https://h.example:8443/a", false);
        check("https://h.example/a", "https://h.example.evil/a", false);
        check("https://h.example/a", "https://evil/h.example", false);
        check("git@h:a", "git@evil:h", false);
        check("git@h:a", "ssh://git@h:2222/a", false);
        check("git@[::1]:a", "git@[::2]:a", false);
        check("git@h:2222/a", "ssh://git@h:22/a", true);
        check("h:a/b@evil:c", "ssh://h/a", true);
    }
}
