//! The fleet file of `apply` and `check`: read, checked, and filled with the secrets and host keys that it names,
//! before anything is sent.

mod key;
mod secrets;
mod trusted;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use api::{FieldError, Fleet, Spread};
use secrecy::SecretString;

pub use secrets::secret_of;

use crate::places::Env;
use crate::toml_text::TomlText;
use crate::typed::text_within;

/// The largest file that is read, in bytes; the server takes no larger request.
const LARGEST: u64 = 4 << 20;

/// What is wrong with a file that says which things there are: all of it.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used", .path.display())]
pub struct Error {
    path: PathBuf,
    lines: Vec<String>,
}

impl Error {
    /// What is wrong with the file at `path`, one line each.
    pub fn new(path: &Path, lines: Vec<String>) -> Self {
        Self { path: path.to_owned(), lines }
    }

    /// What is wrong, one line each.
    pub fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }
}

/// A fleet file whose keys are known and whose files have been read.
#[derive(Debug)]
pub struct FleetFile {
    /// What is sent: no `file`, `env`, `known_hosts` or range of servers is left in it.
    pub fleet: Fleet,
    /// Credentials whose file or variable is not there, and what is missing: the stored secret stays.
    pub absent: Vec<(String, FieldError)>,
    path: PathBuf,
    text: TomlText,
    spread: Spread,
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
        // Each server has its own host keys.
        let spread = Spread::of(&fleet.servers);
        if spread.errors().is_empty() {
            fleet.servers.clone_from(&spread.servers);
            errors.extend(spread.as_written(trusted::fill(&mut fleet, folder, env)));
        } else {
            errors.extend(spread.errors().iter().cloned());
        }
        if errors.is_empty() {
            Ok(Self { fleet, absent, path: path.to_owned(), text, spread })
        } else {
            Err(bad(text.told(&errors)))
        }
    }

    /// What is wrong with the file, as an error with lines.
    pub fn error(&self, errors: &[FieldError]) -> Error {
        Error { path: self.path.clone(), lines: self.text.told(&self.spread.as_written(errors.to_vec())) }
    }
}

/// The text of a file, or why there is none.
pub(crate) fn read_text(path: &Path, largest: u64) -> Result<String, String> {
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
    // A pipe, too, has a path and no length: what counts is what comes.
    let file = fs::File::open(path).map_err(|error| told(&error))?;
    text_within(file, largest).map_err(|error| told(&error))
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

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDiqOi+Oz0uc3cZuxhgX6Vw0PzvO/hedEzypK0HBxfJj";

    /// A folder with a fleet file and what stands beside it.
    fn folder(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("fleet.toml"), text).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        fs::write(
            folder.path().join("plain"),
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA\n",
        )
        .unwrap();
        fs::write(folder.path().join("sealed"), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n").unwrap();
        fs::write(folder.path().join("password"), "hunter2\n").unwrap();
        fs::write(folder.path().join("binary"), [0xff, 0xfe]).unwrap();
        fs::write(folder.path().join("known_hosts"), format!("[10.0.0.11]:2222 {KEY}\n10.0.0.12 {KEY}\n"))
            .unwrap();
        folder
    }

    fn read(folder: &tempfile::TempDir) -> Result<FleetFile, Error> {
        let home = folder.path().to_str().unwrap().to_owned();
        let env = move |name: &str| match name {
            "HOME" => Some(home.clone()),
            "PASS" => Some("open sesame".to_owned()),
            _ => None,
        };
        FleetFile::read(&folder.path().join("fleet.toml"), Env::new(&env))
    }

    #[test]
    fn secrets_and_host_keys_are_read_before_anything_is_sent() {
        let folder = folder(
            "[defaults.server]\nuser = \"deploy\"\nknown_hosts = \"known_hosts\"\n\
             [credentials]\na = { kind = \"ssh-key\", file = \"plain\" }\n\
             b = { kind = \"ssh-password\", file = \"~/password\" }\n\
             c = { kind = \"git-key\", file = \"sealed\", passphrase = { env = \"PASS\" } }\n\
             d = { kind = \"git-token\", env = \"NOT_SET\" }\n\
             [servers]\nweb-1 = { host = \"10.0.0.11\", port = 2222 }\nweb-2 = { host = \"10.0.0.99\" }\n\
             web-3 = { host = \"10.0.0.12\", known_hosts = \"known_hosts\" }\n\
             [servers.web-4]\nhost = \"local\"\nsecrets.LICENSE = { file = \"password\" }\n\
             [projects.shop]\nrepository = \"https://h/x\"\nsecrets.TOKEN = { env = \"PASS\" }\n\
             secrets.OTHER = { env = \"NOT_SET\" }\n",
        );
        let file = read(&folder).unwrap();
        let sent = serde_json::to_value(&file.fleet).unwrap();
        assert_eq!(sent["servers"]["web-1"]["host_key"], KEY);
        assert_eq!(sent["servers"]["web-3"]["host_key"], KEY);
        assert_eq!(sent["servers"]["web-2"].get("host_key"), None, "what is pinned already stays");
        assert_eq!(sent["credentials"]["b"]["secret"], "hunter2");
        assert_eq!(sent["credentials"]["c"]["passphrase"], "open sesame");
        assert_eq!(sent["credentials"]["d"], serde_json::json!({"kind": "git-token"}));
        assert_eq!(sent["servers"]["web-4"]["secrets"]["LICENSE"]["value"], "hunter2");
        let secrets = serde_json::json!({"TOKEN": {"value": "open sesame"}, "OTHER": {}});
        assert_eq!(sent["projects"]["shop"]["secrets"], secrets, "what is not here stays as it is stored");
        assert_eq!(file.absent.len(), 1);
        assert!(file.absent[0].1.to_string().contains("NOT_SET"));
        for word in ["file", "env", "known_hosts"] {
            assert!(!sent.to_string().contains(&format!("\"{word}\"")), "{word} is for us only");
        }
        let secret = file.fleet.credentials["a"].secret.clone().unwrap();
        assert!(secret.0.expose_secret().starts_with("-----BEGIN"));
        assert!(!format!("{file:?}").contains("hunter2"));
    }

    #[test]
    fn servers_of_a_range_have_their_own_keys_and_mistakes_their_line() {
        let folder = folder(
            "[defaults.server]\nuser = \"deploy\"\ncredential = \"a\"\nknown_hosts = \"known_hosts\"\n\
             [credentials]\na = { kind = \"ssh-agent\" }\n\
             [servers.\"web-[1:2]\"]\nhost = \"10.0.0.[12:13]\"\njump = \"web-2\"\n",
        );
        let file = read(&folder).unwrap();
        let sent = serde_json::to_value(&file.fleet).unwrap();
        assert_eq!(sent["servers"]["web-1"]["host_key"], KEY);
        assert_eq!(sent["servers"]["web-2"].get("host_key"), None);
        let told = file.error(&file.fleet.check(None).unwrap_err());
        assert_eq!(told.lines(), ["line 9: servers.web-[1:2].jump is the server itself (web-2)"]);
        let folder = self::folder("[servers.\"web-[2:1]\"]\nhost = \"h\"\n");
        assert_eq!(
            read(&folder).unwrap_err().lines(),
            ["line 1: servers.web-[2:1] \"web-[2:1]\" is not a range: its end is before its beginning"]
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_line_the_credential_and_the_file() {
        let folder = folder(
            "[credentials]\na = { kind = \"ssh-key\", file = \"folder\" }\n\
             b = { kind = \"ssh-key\", file = \"sealed\" }\n\
             c = { kind = \"git-token\", file = \"binary\" }\n\
             d = { kind = \"git-token\", file = \"password\", env = \"PASS\" }\n\
             [servers]\nweb-1 = { host = \"10.0.0.11\", known_hosts = \"known_hosts\" }\n\
             web-2 = { host = \"10.0.0.11\", known_hosts = \"nowhere\" }\n",
        );
        let told = read(&folder).unwrap_err().lines().join("\n");
        let told = told.replace(folder.path().to_str().unwrap(), "FOLDER");
        insta::assert_snapshot!(told, @r#"
        line 2: credentials.a.file names FOLDER/folder, and it is a folder, not a file
        line 3: credentials.b.file is an encrypted key (the file "sealed") and there is no passphrase; add passphrase = { env = "NAME" }
        line 4: credentials.c.file names FOLDER/binary, and it is not a text in UTF-8
        line 5: credentials.d has more than one of file, env and secret; keep one
        line 7: servers.web-1.known_hosts has no key for 10.0.0.11 on port 22
        line 8: servers.web-2.known_hosts names FOLDER/nowhere, and the file does not exist
        "#);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let gone = FleetFile::read(Path::new("/no/such/fleet.toml"), Env::process()).unwrap_err();
        assert_eq!(gone.to_string(), "/no/such/fleet.toml cannot be used");
        assert_eq!(gone.lines(), ["the file does not exist"]);
        let misspelt = folder("[servers.web-1]\nhots = \"10.0.0.1\"\n");
        assert_eq!(
            read(&misspelt).unwrap_err().lines(),
            ["line 2: servers.web-1.hots is not a known key; did you mean `host`?"]
        );
    }
}
