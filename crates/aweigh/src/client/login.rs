//! The file of `aweigh login`: one server and one token, readable by its owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Error, place};

/// A server and the token that was given for it.
#[derive(Debug)]
pub struct Login {
    /// Where the server is.
    pub url: Url,
    /// What lets us in.
    pub token: SecretString,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    url: String,
    token: String,
}

impl Login {
    /// Reads the file, unless there is none.
    ///
    /// # Errors
    /// It cannot be read, others may read it too, or there is something else in it.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let bad = |why: String| Error::BadLogin { path: path.to_owned(), why };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(bad(error.to_string())),
        };
        let mode = fs::metadata(path).map_err(|error| bad(error.to_string()))?.mode();
        if mode & 0o077 != 0 {
            return Err(bad(format!("others may read it (mode {:04o})", mode & 0o7777)));
        }
        // The parser's message would show the line, and with it the token.
        let file: File = toml::from_str(&text).map_err(|_| bad("it is damaged".to_owned()))?;
        Ok(Some(Self { url: place::url(&file.url)?, token: file.token.into() }))
    }

    /// Writes the file: whole or not at all, mode 0600, its folder 0700.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let file = File { url: self.url.to_string(), token: self.token.expose_secret().to_owned() };
        let text = toml::to_string(&file).map_err(io::Error::other)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut make = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
        make.recursive(true).create(folder)?;
        let fresh = path.with_extension(format!("new-{}", std::process::id()));
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        let written = out.write_all(text.as_bytes()).and_then(|()| out.sync_all());
        written.and_then(|()| fs::rename(&fresh, path)).inspect_err(|_| {
            // The first error is the one to tell.
            fs::remove_file(&fresh).unwrap_or_default();
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_login_comes_back_and_others_cannot_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aweigh/login.toml");
        assert!(Login::read(&path).unwrap().is_none());
        let login = Login { url: "https://a.example.com".parse().unwrap(), token: "geheim".into() };
        login.write(&path).unwrap();
        login.write(&path).unwrap();
        let back = Login::read(&path).unwrap().unwrap();
        assert_eq!((back.url.as_str(), back.token.expose_secret()), ("https://a.example.com/", "geheim"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Login::read(&path).unwrap_err().to_string().contains("0644"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "token = geheim").unwrap();
        let damaged = Login::read(&path).unwrap_err().to_string();
        assert!(damaged.contains("login.toml") && !damaged.contains("geheim"), "{damaged}");
    }
}
