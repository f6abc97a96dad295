//! The fleet file of `apply` and `check`: read, checked, and filled with the secrets and host keys that it names,
//! before anything is sent.

mod key;
mod secrets;
mod trusted;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use api::{FieldError, Fleet};
use secrecy::SecretString;

pub use secrets::secret_of;

use crate::places::Env;
use crate::toml_text::TomlText;

/// The largest file that is read, in bytes; the server takes no larger request.
const LARGEST: u64 = 4 << 20;

/// What is wrong with a fleet file: all of it.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used", .path.display())]
pub struct Error {
    path: PathBuf,
    lines: Vec<String>,
}

impl Error {
    /// What is wrong, one line each.
    pub fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }
}

/// A fleet file whose keys are known and whose files have been read.
#[derive(Debug)]
pub struct FleetFile {
    /// What is sent: no `file`, `env` or `known_hosts` is left in it.
    pub fleet: Fleet,
    /// Credentials whose file or variable is not there, and what is missing: the stored secret stays.
    pub absent: Vec<(String, FieldError)>,
    path: PathBuf,
    text: TomlText,
}

impl FleetFile {
    /// Reads the file at `path` and everything it names.
    ///
    /// # Errors
    /// Everything that is wrong with it, with lines. What is only absent is in [`absent`](Self::absent).
    pub fn read(path: &Path, env: Env<'_>) -> Result<Self, Error> {
        let bad = |lines| Error { path: path.to_owned(), lines };
        let text = read_text(path, LARGEST).map_err(|why| bad(vec![why]))?;
        let text = TomlText::parse(&text).map_err(|line| bad(vec![line]))?;
        let mut fleet: Fleet = text.read().map_err(bad)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let (absent, mut errors) = secrets::fill(&mut fleet, folder, env);
        errors.extend(trusted::fill(&mut fleet, folder, env));
        if errors.is_empty() {
            Ok(Self { fleet, absent, path: path.to_owned(), text })
        } else {
            Err(bad(text.told(&errors)))
        }
    }

    /// What is wrong with the file, as an error with lines.
    pub fn error(&self, errors: &[FieldError]) -> Error {
        Error { path: self.path.clone(), lines: self.text.told(errors) }
    }
}

/// The text of a file, or why there is none.
fn read_text(path: &Path, largest: u64) -> Result<String, String> {
    let told = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => "the file does not exist".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder, not a file".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        io::ErrorKind::InvalidData => "it is not a text in UTF-8".to_owned(),
        _ => error.to_string(),
    };
    let about = fs::metadata(path).map_err(|error| told(&error))?;
    if about.is_dir() {
        return Err("it is a folder, not a file".to_owned());
    }
    if about.len() > largest {
        return Err(format!("it is larger than {} KiB", largest >> 10));
    }
    fs::read_to_string(path).map_err(|error| told(&error))
}

/// The file that `name` means: below `folder`, below the home folder after `~/`, or where it says.
fn beside(folder: &Path, name: &str, env: Env<'_>) -> PathBuf {
    match (name.strip_prefix("~/"), env.get("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => folder.join(name),
    }
}

/// A secret and what opens it.
#[derive(Debug)]
pub struct Found {
    /// The secret.
    pub secret: SecretString,
    /// The passphrase of a key.
    pub passphrase: Option<SecretString>,
}
