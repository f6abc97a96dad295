//! How hosts are reached over HTTP: through a proxy, and with which authorities. `git` and `git-lfs` are told the same.

use std::{
    env, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{Error, plain::plain, url::check_place};

/// How a host is reached over HTTP and HTTPS. What is not said is as for all hosts, and for all hosts as the environment
/// of this process says (`HTTPS_PROXY`, `NO_PROXY`, `GIT_SSL_CAINFO` and their kin).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// The proxy.
    pub proxy: Option<Proxy>,
    /// The authorities that sign certificates, in the place of those of this machine.
    pub ca_file: Option<CaFile>,
}

/// A proxy, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy(String);

impl FromStr for Proxy {
    type Err = Error;

    /// Parses `http://host:port`, `https://…`, `socks5://…`, `socks5h://…` (the proxy looks names up), or `none`.
    ///
    /// A proxy that wants a login cannot be used: other users of this machine could read it.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "none" {
            return Ok(Self(String::new()));
        }
        let refused = |reason| {
            let shown = text.rsplit_once('@').map_or(text, |(_, place)| place);
            Err(Error::InvalidProxy { shown: plain(shown, 100), reason })
        };
        let Some((scheme, place)) = text.split_once("://") else {
            return refused("it is neither none nor an address with a protocol");
        };
        if !["http", "https", "socks5", "socks5h"].contains(&scheme) {
            return refused("its protocol is not http, https, socks5 or socks5h");
        }
        if place.contains('@') {
            return refused("a login cannot be kept secret there");
        }
        let place = place.strip_suffix('/').unwrap_or(place);
        // The usual port of proxies is another one for each program.
        let has_port =
            |(_, port): (&str, &str)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        if !place.rsplit_once(':').is_some_and(has_port) {
            return refused("it has no port");
        }
        match check_place(place) {
            Ok(()) => Ok(Self(format!("{scheme}://{place}"))),
            Err(_) => refused("it is not a host and a port"),
        }
    }
}

/// A file with certificates of authorities, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaFile(PathBuf);

impl CaFile {
    /// Looks into a file, which is read again with every call of git.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::NoAuthority`] when no certificate is in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(Error::io("cannot read", path))?;
        let mark = b"-----BEGIN CERTIFICATE-----";
        if !bytes.windows(mark.len()).any(|window| window == mark) {
            return Err(Error::NoAuthority { path: path.to_owned() });
        }
        // git runs in other folders than this process.
        Ok(Self(path.canonicalize().map_err(Error::io("cannot open", path))?))
    }
}

/// A host, or a host and a port, of HTTP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpHost(String);

impl FromStr for HttpHost {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match check_place(text) {
            Ok(()) => Ok(Self(text.to_ascii_lowercase())),
            Err(_) => Err(Error::InvalidHost { shown: plain(text, 100) }),
        }
    }
}

/// The settings of git that say it: for all hosts, then for each.
pub(crate) fn settings<'w>(
    all: &Way,
    hosts: impl IntoIterator<Item = (&'w HttpHost, &'w Way)>,
) -> Vec<String> {
    let mut settings = Vec::new();
    let mut say = |key: &str, way: &Way| {
        settings.extend(way.proxy.as_ref().map(|proxy| format!("{key}.proxy={}", proxy.0)));
        settings.extend(way.ca_file.as_ref().map(|file| format!("{key}.sslCAInfo={}", file.0.display())));
    };
    // In the environment it would stand over what is said for one host.
    let of_environment = env::var_os("GIT_SSL_CAINFO").map(|path| CaFile(path.into()));
    say("http", &Way { proxy: all.proxy.clone(), ca_file: all.ca_file.clone().or(of_environment) });
    for (host, way) in hosts {
        for scheme in ["https", "http"] {
            say(&format!("http.{scheme}://{}/", host.0), way);
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_without_a_login() {
        for (text, expected) in [
            ("none", ""),
            ("http://proxy.example.com:3128", "http://proxy.example.com:3128"),
            ("socks5h://127.0.0.1:1080/", "socks5h://127.0.0.1:1080"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(text.parse::<Proxy>().unwrap(), Proxy(expected.into()));
        }
        for text in [
            "",
            "proxy:3128",
            "ftp://proxy",
            "http://",
            "http://proxy",
            "http://[::1]",
            "http://proxy:0",
            "http://proxy/path",
            "http://me:hunter2@proxy:3128",
            "http://-x",
            "http://a b",
            "http://proxy\n",
            "file:///etc/passwd",
        ] {
            let refused = text.parse::<Proxy>().unwrap_err();
            assert!(matches!(refused, Error::InvalidProxy { .. }), "{text}");
            assert!(!refused.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn hosts_are_hosts() {
        for text in ["git.example.com", "git.example.com:8443", "[::1]:8443", "10.0.0.1"] {
            assert!(text.parse::<HttpHost>().is_ok(), "{text}");
        }
        for text in ["", "https://h", "h/x", "a=b", "*.h", "h:x", "me@h", "-h", "h\n"] {
            assert!(text.parse::<HttpHost>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(matches!(CaFile::open(&path), Err(Error::Io { .. })));
        fs::write(&path, "-----BEGIN PRIVATE KEY-----\n").unwrap();
        assert!(matches!(CaFile::open(&path), Err(Error::NoAuthority { .. })));
        assert!(matches!(CaFile::open(folder.path()), Err(Error::Io { .. })));
        fs::write(&path, "a comment\n-----BEGIN CERTIFICATE-----\n").unwrap();
        assert!(CaFile::open(&path).is_ok());
    }
}
