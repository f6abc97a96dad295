//! Which server the commands speak to, and with which token.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Url;
use secrecy::SecretString;

use super::{Error, Login};
use crate::places::{self, Env};

/// A server and what lets us in.
#[derive(Debug)]
pub struct Place {
    /// Where it is.
    pub at: At,
    /// What lets us in; the socket needs none.
    pub token: Option<SecretString>,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// Behind a URL.
    Url(Url),
    /// On this machine, behind a Unix socket.
    Socket(PathBuf),
}

impl Place {
    /// The server that is meant. In this order: the socket below an explicit `--data`, `AWEIGH_URL`, the server
    /// of `aweigh login`, the socket in the data folder. `AWEIGH_TOKEN` stands above the token of the login,
    /// which is only ever sent to the server it was given for.
    ///
    /// # Errors
    /// `AWEIGH_URL` is not a URL, or the login file cannot be used.
    pub fn find(data: Option<&Path>, env: Env<'_>) -> Result<Self, Error> {
        if let Some(data) = data {
            return Ok(Self::socket(data));
        }
        let login = Login::read(&places::login_file(env))?;
        let token = env.get("AWEIGH_TOKEN").map(SecretString::from);
        let named = env.get("AWEIGH_URL").map(|text| url(&text)).transpose()?;
        match (named, login) {
            (Some(url), Some(login)) if login.url == url => {
                Ok(Self { at: At::Url(url), token: token.or(Some(login.token)) })
            }
            (Some(url), _) => Ok(Self { at: At::Url(url), token }),
            (None, Some(login)) => Ok(Self { at: At::Url(login.url), token: token.or(Some(login.token)) }),
            (None, None) => Ok(Self::socket(&places::data_folder(env))),
        }
    }

    /// The server on this machine that uses the data folder `data`.
    pub fn socket(data: &Path) -> Self {
        Self { at: At::Socket(places::socket(data)), token: None }
    }

    /// Whether the URL names this machine, so that no proxy can be meant.
    pub(super) fn is_this_machine(&self) -> bool {
        match &self.at {
            At::Socket(_) => true,
            At::Url(url) => is_loopback(url),
        }
    }

    /// What paths of the API are added to. Over the socket the host is only a word.
    pub(super) fn base(&self) -> Result<Url, Error> {
        match &self.at {
            At::Url(url) => Ok(url.clone()),
            At::Socket(_) => url("http://localhost"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            At::Url(url) => write!(f, "{}", url.as_str().trim_end_matches('/')),
            At::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Reads the URL of a server.
///
/// # Errors
/// The text is no URL with `http` or `https`, or carries a password.
pub fn url(text: &str) -> Result<Url, Error> {
    let bad = |why| Error::BadUrl { url: text.chars().take(200).collect(), why };
    let url = Url::parse(text).map_err(|_| bad("write it like https://aweigh.example.com"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad("write it like https://aweigh.example.com"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::BadUrl {
            url: "a URL".to_owned(),
            why: "put the token into AWEIGH_TOKEN, not into it",
        });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("leave out what follows ? and #"));
    }
    Ok(url)
}

/// Whether a URL names this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn found(env: &[(&str, &str)], data: Option<&str>) -> (String, Option<String>) {
        let read =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let place = Place::find(data.map(Path::new), Env::new(&read)).unwrap();
        (place.to_string(), place.token.map(|token| token.expose_secret().to_owned()))
    }

    /// Environment, `--data`, and the place and token that they mean.
    type Case<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>, (String, Option<String>));

    #[test]
    fn the_server_that_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().to_str().unwrap();
        let kept = folder.path().join("kept");
        let login = Login { url: "https://kept.example.com".parse().unwrap(), token: "kept".into() };
        login.write(&kept.join("aweigh/login.toml")).unwrap();
        let kept = kept.to_str().unwrap();
        let (url, token) = ("AWEIGH_URL", "AWEIGH_TOKEN");
        let (config, data) = ("XDG_CONFIG_HOME", "AWEIGH_DATA");
        let some = |text: &str| Some(text.to_owned());
        let table: [Case<'_>; 8] = [
            (&[(config, none), (data, "/d")], None, ("/d/aweigh.sock".into(), None)),
            (&[(config, none), (url, "http://u"), (data, "/d")], None, ("http://u".into(), None)),
            (&[(config, none), (url, "http://u"), (token, "t")], None, ("http://u".into(), some("t"))),
            (&[(config, kept), (data, "/d")], None, ("https://kept.example.com".into(), some("kept"))),
            (&[(config, kept), (token, "t")], None, ("https://kept.example.com".into(), some("t"))),
            (&[(config, kept), (url, "https://other")], None, ("https://other".into(), None)),
            (
                &[(config, kept), (url, "https://kept.example.com/")],
                None,
                ("https://kept.example.com".into(), some("kept")),
            ),
            (&[(config, kept), (url, "http://u"), (token, "t")], Some("/x"), ("/x/aweigh.sock".into(), None)),
        ];
        for (env, data, expected) in table {
            assert_eq!(found(env, data), expected, "{env:?} {data:?}");
        }
    }

    #[test]
    fn urls_without_sense_are_refused() {
        for bad in
            ["", "example.com", "ftp://a", "http://", "https://me:secret@a", "http://a/?b", "http://a/#c"]
        {
            let error = url(bad).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(is_loopback(&url("http://[::1]:7171").unwrap()));
        assert!(is_loopback(&url("http://127.0.0.1:7171").unwrap()));
        assert!(!is_loopback(&url("http://10.0.0.1").unwrap()));
    }
}
