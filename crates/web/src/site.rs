//! The site: under which addresses people may reach the page, and the cookie of their session there.
//!
//! A cookie is worth as much as a password, so it travels only over TLS (to the host of `public_url`, through the
//! proxy that ends TLS) or not at all (to this machine itself). Everywhere else nobody signs in.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};

/// How people reach a page that may ask for their password.
pub const SAFE_WAYS: &str = "put a proxy with TLS in front and set public_url = \"https://…\" to its address, or come \
     through the machine itself: ssh -L 7171:127.0.0.1:7171 HOST, then http://localhost:7171";

/// The addresses of the page.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// Where people find the page, without a slash at the end.
    address: String,
    /// Host and port of it, when it is reached through TLS.
    secure: Option<String>,
}

/// How a request reached the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reached {
    /// Through TLS, under the public address.
    Secure(String),
    /// On this machine, under this host and port.
    Loopback(String),
}

impl Site {
    /// The site that people find at `address`.
    pub fn new(address: &str) -> Self {
        let uri: Option<Uri> = address.parse().ok();
        let secure = uri.filter(|uri| uri.scheme_str() == Some("https"));
        let secure = secure.and_then(|uri| uri.authority().map(|host| host.as_str().to_ascii_lowercase()));
        Self { address: address.trim_end_matches('/').to_owned(), secure }
    }

    /// Where people find the page, without a slash at the end.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether people may sign in under the address of the page.
    pub fn is_safe(&self) -> bool {
        let uri: Option<Uri> = self.address.parse().ok();
        let here = uri.is_some_and(|uri| uri.authority().is_some_and(|host| is_loopback(host.as_str())));
        self.secure.is_some() || here
    }

    /// The link that sets a password with `code`. What stands behind `#` never leaves the browser by itself: no
    /// log of a proxy has it.
    pub fn setup_link(&self, code: &str) -> String {
        format!("{}/setup#{code}", self.address)
    }

    /// How this request reached the page; `None` where cookies are not safe, or where another name leads here.
    pub(crate) fn reached(&self, headers: &HeaderMap) -> Option<Reached> {
        let host = headers.get(HOST)?.to_str().ok()?.to_ascii_lowercase();
        if self.secure.as_deref() == Some(host.as_str()) {
            return Some(Reached::Secure(host));
        }
        is_loopback(&host).then_some(Reached::Loopback(host))
    }
}

impl Reached {
    /// The name of the cookie. The prefix makes browsers refuse one that was not set by this host over TLS.
    pub(crate) fn cookie(&self) -> &'static str {
        match self {
            Self::Secure(_) => "__Host-aweigh",
            Self::Loopback(_) => "aweigh",
        }
    }

    /// The value of `Set-Cookie` that keeps `secret` in the browser; an empty one forgets it.
    pub(crate) fn set_cookie(&self, secret: &str) -> String {
        let name = self.cookie();
        let secure = if matches!(self, Self::Secure(_)) { "; Secure" } else { "" };
        let age = if secret.is_empty() { 0 } else { actions::people::LONGEST_SESSION.as_secs() };
        format!("{name}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}")
    }

    /// The secret in the browser's cookies. Of two with the same name neither is believed.
    pub(crate) fn secret<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let pairs = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
        let mut found = pairs
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie())
            .map(|(_, value)| value);
        let first = found.next().filter(|value| !value.is_empty());
        if found.next().is_some() { None } else { first }
    }

    /// Whether the request comes from a page of this very site: a browser says so itself.
    pub(crate) fn is_own(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(ORIGIN) {
            return self.is_own_origin(headers);
        }
        headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
    }

    /// Whether the request says, in so many words, that its origin is this site.
    pub(crate) fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(&self.origin()))
    }

    /// Scheme, host and port, as a browser writes them into `Origin` (RFC 6454 section 6.2).
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Secure(host) => format!("https://{host}"),
            Self::Loopback(host) => format!("http://{host}"),
        }
    }
}

/// Whether `host` (with or without a port) names this machine only.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn cookies_are_for_tls_and_for_this_machine() {
        let site = Site::new("https://Ship.example.com/");
        let reached = |host| site.reached(&headers(&[("host", host)]));
        assert_eq!(reached("ship.example.com"), Some(Reached::Secure("ship.example.com".into())));
        for host in ["localhost", "localhost:7171", "127.0.0.1:7171", "127.9.9.9", "[::1]:7171"] {
            assert_eq!(reached(host), Some(Reached::Loopback(host.into())), "{host}");
        }
        for host in
            ["ship.example.com:443", "evil.example", "10.0.0.1:7171", "localhost.evil.example", "", "[::2]"]
        {
            assert_eq!(reached(host), None, "{host}");
        }
        assert_eq!(
            Site::new("http://ship.example.com").reached(&headers(&[("host", "ship.example.com")])),
            None
        );
    }

    #[test]
    fn a_cookie_is_read_by_its_exact_name_and_once() {
        let reached = Reached::Secure("a".into());
        let secret = |line| reached.secret(&headers(&[("cookie", line)])).map(str::to_owned);
        assert_eq!(secret("x=1; __Host-aweigh=abc; y=2").as_deref(), Some("abc"));
        for bad in ["aweigh=abc", "__Host-aweigh=", "__Host-aweigh=a; __Host-aweigh=b", "__host-aweigh=abc"] {
            assert_eq!(secret(bad), None, "{bad}");
        }
        assert!(reached.set_cookie("abc").ends_with("HttpOnly; SameSite=Strict; Secure"));
        assert!(!Reached::Loopback("localhost".into()).set_cookie("abc").contains("Secure"));
        assert!(reached.set_cookie("").contains("Max-Age=0"));
    }

    #[test]
    fn only_the_own_origin_is_own() {
        let reached = Reached::Loopback("localhost:7171".into());
        let own = |pairs: &[(&'static str, &'static str)]| reached.is_own(&headers(pairs));
        assert!(own(&[("origin", "http://localhost:7171")]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        for bad in [
            "null",
            "http://localhost",
            "https://localhost:7171",
            "http://evil.example",
            "http://127.0.0.1:7171",
        ] {
            assert!(!own(&[("origin", bad), ("sec-fetch-site", "same-origin")]), "{bad}");
        }
        for bad in ["same-site", "cross-site", "none"] {
            assert!(!own(&[("sec-fetch-site", bad)]), "{bad}");
        }
        assert!(!own(&[]), "a browser always says one of the two with a cookie");
        assert!(!reached.is_own_origin(&headers(&[("sec-fetch-site", "same-origin")])));
    }

    #[test]
    fn an_address_is_safe_with_tls_and_on_this_machine() {
        for safe in
            ["https://ship.example.com", "http://127.0.0.1:7171", "http://localhost:7171", "http://[::1]:1"]
        {
            assert!(Site::new(safe).is_safe(), "{safe}");
        }
        for bad in ["http://ship.example.com", "http://10.0.0.1:7171", "http://0.0.0.0:7171", ""] {
            assert!(!Site::new(bad).is_safe(), "{bad}");
        }
    }
}
