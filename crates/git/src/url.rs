//! The address of a repository: parsed strictly, so that git cannot take it for an option, a command or another transport.

mod login;
mod parser;

use std::fmt;

use crate::{Error, Policy, Protocol, plain::plain};
pub(crate) use login::Login;
pub(crate) use parser::check_place;
use parser::{Refusal, read};

/// The address of a repository: `https://…`, `ssh://…`, `user@host:path`, and `http://…`, `file://…` or an absolute path
/// where the [`Policy`] allows them.
///
/// A user name and password written into an HTTP address are split off and used as a token. They are no part of the
/// text: neither `Display` nor `Debug` shows them, and two addresses that differ in them alone are equal.
#[derive(Clone)]
pub struct Url {
    protocol: Protocol,
    text: String,
    origin: String,
    login: Option<Login>,
}

impl Url {
    /// Parses what a person typed.
    ///
    /// # Errors
    /// [`Error::ProtocolNotAllowed`] for a transport that the policy does not list, [`Error::InvalidUrl`] for anything
    /// else that is not an address. Neither repeats a password.
    pub fn parse(text: &str, policy: &Policy) -> Result<Self, Error> {
        let url = read(text).map_err(|refusal| match refusal {
            Refusal::Reason(reason) => Error::InvalidUrl { shown: redacted(text), reason },
            Refusal::Protocol(protocol) => Error::ProtocolNotAllowed { protocol: plain(protocol, 40) },
        })?;
        policy.check(url.protocol)?;
        Ok(url)
    }

    /// The protocol by which the repository is reached.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The address without user name and password of an HTTP address: what git is given and what people may see.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `scheme://host[:port]` of an HTTP address, as git names it when it asks for a password.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The login that was written into the address.
    pub(crate) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// The same address with the login of another one, unless it has its own.
    pub(crate) fn with_login_of(self, other: &Self) -> Self {
        Self { login: self.login.or_else(|| other.login.clone()), ..self }
    }
}

impl PartialEq for Url {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Url {}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Url").field(&self.text).finish()
    }
}

/// A refused address for a message: whatever may be a secret is left out.
fn redacted(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let shown = match text.rsplit_once('@') {
        None => text.to_owned(),
        Some((before, place)) => {
            let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
            format!("{}…@{place}", scheme.unwrap_or_default())
        }
    };
    plain(&shown, 200)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn everything() -> Policy {
        Policy {
            allow_protocols: ["https", "http", "ssh", "file"].map(String::from).to_vec(),
            ..Policy::default()
        }
    }

    fn check(text: &str, expected: &str) {
        let shown = match Url::parse(text, &everything()) {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn addresses_are_kept_without_secrets() {
        check("https://git.example.com/shop.git", "https://git.example.com/shop.git");
        check("HTTPS://git.example.com:8443/a/b", "https://git.example.com:8443/a/b");
        check("https://me:pa%3Ass@git.example.com/x", "https://git.example.com/x");
        check("https://pa@ss:wo@rd@git.example.com/x", "https://git.example.com/x");
        check("https://[::1]:8443/x", "https://[::1]:8443/x");
        check("ssh://git@host:2222/~/shop.git", "ssh://git@host:2222/~/shop.git");
        check("ssh://git:secret@host/shop.git", "ssh://git@host/shop.git");
        check("git@host.example:org/repo.git", "git@host.example:org/repo.git");
        check("git@[::1]:org/repo.git", "git@[::1]:org/repo.git");
        check("host:repo", "host:repo");
        check("file:///srv/a b.git", "file:///srv/a b.git");
        check("/srv/a:b@c.git", "/srv/a:b@c.git");
    }

    #[test]
    fn a_login_is_split_off_and_decoded() {
        let url = Url::parse("https://me%40corp:pa%3Ass@h.example/x", &Policy::default()).unwrap();
        let login = url.login().unwrap();
        assert_eq!(login.username.expose_secret(), "me@corp");
        assert_eq!(login.password.as_ref().unwrap().expose_secret(), "pa:ss");
        assert_eq!(format!("{url:?} {url}"), "Url(\"https://h.example/x\") https://h.example/x");
    }

    #[test]
    fn options_commands_and_other_transports_are_refused() {
        let refused = |text: &str| assert!(Url::parse(text, &everything()).is_err(), "{text} was accepted");
        for text in [
            "",
            "-",
            "--upload-pack=touch PWN",
            "-oProxyCommand=x",
            "shop",
            "./shop",
            "../shop",
            "a/b:c",
            "ssh://-oProxyCommand=x/y",
            "ssh://-oProxyCommand=x@host/y",
            "ssh://git@-oProxyCommand=x/y",
            "ssh://git@host:-1/y",
            "ssh://git@host:0/y",
            "ssh://git@host:70000/y",
            "ssh://host",
            "ssh://host/",
            "ssh://host\n-o/x",
            "ssh:///path",
            "ssh://a b@host/x",
            "ssh://$(id)@host/x",
            "ssh://`id`/x",
            "-x@host:path",
            "git@-host:path",
            "git@host:-x",
            "git@host:",
            "@host:path",
            "a@b@c:path",
            "a;b@host:x",
            "https://host",
            "https:///x",
            "https://ho st/x",
            "https://host/x y",
            "https://host/x?token=1",
            "https://host/x#y",
            "https://host\\@evil/x",
            "https://-host/x",
            "https://u%zz@host/x",
            "https://u%0a:p@host/x",
            "file://host/path",
            "file://relative",
            "git@[::1:path",
            "https://[::g]/x",
            "https://[::1]evil/x",
        ] {
            refused(text);
        }
        check("ext::sh -c id", "protocol ext is not allowed");
        check("fd::7", "protocol fd is not allowed");
        check("::x", "protocol  is not allowed");
        check("git://host/x", "protocol git is not allowed");
        check("ftp://host/x", "protocol ftp is not allowed");
        check("git+ssh://host/x", "protocol git+ssh is not allowed");
    }

    #[test]
    fn a_protocol_must_be_in_the_policy() {
        for (text, protocol) in [("http://host/x", "http"), ("file:///x", "file"), ("/srv/x", "file")] {
            let error = Url::parse(text, &Policy::default()).unwrap_err();
            assert_eq!(error.to_string(), format!("protocol {protocol} is not allowed"));
        }
    }

    #[test]
    fn a_refusal_repeats_no_password() {
        for text in [
            "https://me:hunter2@ho st/x",
            "ssh://me:hunter2@-h/x",
            "https://h/x?token=hunter2",
            "https://hunter2@h",
        ] {
            let error = Url::parse(text, &everything()).unwrap_err();
            assert!(!format!("{error} {error:?} {}", error.hint()).contains("hunter2"), "{error:?}");
        }
    }
}
