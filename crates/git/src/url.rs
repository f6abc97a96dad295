//! The address of a repository: parsed strictly, so that git cannot take it for an option, a command or another transport.

use std::fmt;

use secrecy::SecretString;

use crate::{Error, Policy, Protocol, plain::plain};

/// The longest address that is accepted, in bytes.
const LONGEST: usize = 2048;

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

/// What stood before the `@` of an HTTP address. The name alone can be a token too, so it is a secret as well.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) username: SecretString,
    pub(crate) password: Option<SecretString>,
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

/// Why something is no address.
pub(crate) enum Refusal<'a> {
    Reason(&'static str),
    Protocol(&'a str),
}

fn refuse<T>(reason: &'static str) -> Result<T, Refusal<'static>> {
    Err(Refusal::Reason(reason))
}

fn read(text: &str) -> Result<Url, Refusal<'_>> {
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.len() > LONGEST {
        return refuse("it is longer than 2048 bytes");
    }
    if text.starts_with('-') {
        return refuse("it starts with '-'");
    }
    if text.chars().any(char::is_control) {
        return refuse("it has a control character");
    }
    if text.starts_with('/') {
        return Ok(Url { protocol: Protocol::File, text: text.into(), origin: String::new(), login: None });
    }
    if let Some((scheme, rest)) = text.split_once("://")
        && !scheme.contains([':', '/', '@'])
    {
        return match scheme.to_ascii_lowercase().as_str() {
            "https" => http(Protocol::Https, rest),
            "http" => http(Protocol::Http, rest),
            "ssh" => ssh(rest),
            "file" if rest.starts_with('/') => Ok(Url {
                protocol: Protocol::File,
                text: format!("file://{rest}"),
                origin: String::new(),
                login: None,
            }),
            "file" => refuse("a file address has three slashes and an absolute path"),
            _ => Err(Refusal::Protocol(scheme)),
        };
    }
    // `ext::sh -c …` and its kin name a remote helper, which is a program.
    if let Some((helper, _)) = text.split_once("::")
        && helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
    {
        return Err(Refusal::Protocol(helper));
    }
    scp_like(text)
}

fn http(protocol: Protocol, rest: &str) -> Result<Url, Refusal<'static>> {
    // Some readers of addresses take a backslash for a slash, and so see another host than others do.
    if rest.contains(['?', '#', '\\']) {
        return refuse("it has a '?', '#' or backslash");
    }
    let (authority, path) = split_path(rest)?;
    let (login, place) = match authority.rsplit_once('@') {
        None => (None, authority),
        Some((login, place)) => (Some(read_login(login)?), place),
    };
    check_place(place)?;
    let origin = format!("{protocol}://{place}");
    Ok(Url { protocol, text: format!("{origin}{path}"), origin, login })
}

fn ssh(rest: &str) -> Result<Url, Refusal<'static>> {
    let (authority, path) = split_path(rest)?;
    let text = match authority.rsplit_once('@') {
        None => format!("ssh://{authority}{path}"),
        Some((login, place)) => {
            // A password cannot be used here: it is dropped, so that ssh does not take it for a part of the name.
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            check_user(user)?;
            format!("ssh://{user}@{place}{path}")
        }
    };
    check_place(authority.rsplit_once('@').map_or(authority, |(_, place)| place))?;
    Ok(Url { protocol: Protocol::Ssh, text, origin: String::new(), login: None })
}

fn scp_like(text: &str) -> Result<Url, Refusal<'static>> {
    const NO_ADDRESS: &str =
        "it is neither an address with a protocol, nor user@host:path, nor an absolute path";
    let (user, rest) = match text.split_once('@') {
        Some((user, rest)) if !user.contains('/') => (Some(user), rest),
        _ => (None, text),
    };
    let (host, path) = if rest.starts_with('[') {
        let Some((host, path)) = rest.split_once("]:") else { return refuse(NO_ADDRESS) };
        (format!("{host}]"), path)
    } else {
        let Some((host, path)) = rest.split_once(':') else { return refuse(NO_ADDRESS) };
        (host.to_owned(), path)
    };
    if host.contains('/') {
        return refuse(NO_ADDRESS);
    }
    if path.is_empty() || path.starts_with('-') || path.contains(char::is_whitespace) {
        return refuse("its path is empty, starts with '-' or has a space");
    }
    check_host(&host)?;
    let text = match user.map(|login| login.split_once(':').map_or(login, |(user, _)| user)) {
        None => format!("{host}:{path}"),
        Some(user) => {
            check_user(user)?;
            format!("{user}@{host}:{path}")
        }
    };
    Ok(Url { protocol: Protocol::Ssh, text, origin: String::new(), login: None })
}

fn split_path(rest: &str) -> Result<(&str, &str), Refusal<'static>> {
    if rest.contains(char::is_whitespace) {
        return refuse("it has a space");
    }
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    if path.len() < 2 {
        return refuse("it has no path after the host");
    }
    Ok((authority, path))
}

/// Sees that a text is a host, or a host and a port.
pub(crate) fn check_place(place: &str) -> Result<(), Refusal<'static>> {
    let after_bracket = place.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match place.get(after_bracket..).and_then(|rest| rest.find(':')) {
        None => (place, None),
        Some(at) => {
            let (host, port) = place.split_at(after_bracket + at);
            (host, Some(port.trim_start_matches(':')))
        }
    };
    check_host(host)?;
    match port {
        Some(port)
            if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().unwrap_or(0) == 0 =>
        {
            refuse("its port is not a number from 1 to 65535")
        }
        _ => Ok(()),
    }
}

fn check_host(host: &str) -> Result<(), Refusal<'static>> {
    let fits = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=253).contains(&host.len())
                && !host.starts_with(['-', '.'])
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    };
    if fits { Ok(()) } else { refuse("its host is not a name or an address") }
}

fn check_user(user: &str) -> Result<(), Refusal<'static>> {
    let fits = !user.is_empty()
        && !user.starts_with('-')
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte));
    if fits { Ok(()) } else { refuse("its user is empty, starts with '-' or has an odd character") }
}

fn read_login(login: &str) -> Result<Login, Refusal<'static>> {
    let (username, password) = match login.split_once(':') {
        None => (login, None),
        Some((username, password)) => (username, Some(password)),
    };
    let decoded = |text: &str| match percent_decoded(text) {
        Some(text) if !text.chars().any(char::is_control) => Ok(SecretString::from(text)),
        _ => refuse("its user name or password is not percent-encoded text"),
    };
    Ok(Login { username: decoded(username)?, password: password.map(decoded).transpose()? })
}

/// Undoes percent-encoding (RFC 3986, 2.1); nothing when an escape is cut short or the result is not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        decoded.push(u8::from_str_radix(hex, 16).ok()?);
        decoded.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(decoded).ok()
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
