//! The credential for a repository, lent to git in a private folder: never in its arguments, environment or configuration.

use std::{
    env,
    fs::{OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    process::Stdio,
};

use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Error, Protocol, Url, command::SSH_BATCH_MODE};

/// The name of every folder with a lent credential starts with this.
pub(crate) const FOLDER_PREFIX: &str = "access-";

/// The user name for hosts that look at the token only. The large hosts accept any.
const ANY_USERNAME: &str = "x-access-token";

/// Answers git and ssh. The text is constant; questions and answers are files beside it. A question that is not one of
/// ours, for instance about the host that a redirect led to, gets no answer.
const ASKPASS: &str = r#"#!/bin/sh
here=${0%/*}
for question in "$here"/*.question; do
    if [ "$1" = "$(cat "$question")" ]; then
        exec cat "${question%.*.question}.answer"
    fi
done
exit 1
"#;

/// How to be let in.
#[derive(Debug, Clone)]
pub enum Access {
    /// Without a credential; a login that is written into an HTTP address is used.
    None,
    /// For HTTP: sent to the host of the address only.
    Token {
        /// The name, for hosts that want one.
        username: Option<String>,
        /// The token or password.
        token: SecretString,
    },
    /// For SSH.
    Key {
        /// A private key in any format that ssh reads.
        private_key: SecretString,
        /// What decrypts it.
        passphrase: Option<SecretString>,
        /// Lines of a `known_hosts` file with the keys of the host. No other host is talked to.
        known_hosts: Option<String>,
    },
}

/// A credential in a private folder (0700), which is removed when this is dropped. What a killed process left behind is
/// removed by the next fetch.
pub(crate) struct Lent {
    folder: TempDir,
    protocol: Protocol,
    with_access: bool,
    asks_passphrase: bool,
}

impl Lent {
    /// Lays the credential down below `folder`.
    pub(crate) fn new(folder: &Path, url: &Url, access: &Access) -> Result<Self, Error> {
        let protocol = url.protocol();
        let wrong = |given| Err(Error::WrongAccess { url: url.to_string(), given });
        match access {
            Access::Token { .. } if !protocol.takes_token() => return wrong("a token"),
            Access::Key { .. } if protocol != Protocol::Ssh => return wrong("an SSH key"),
            _ => {}
        }
        let private = Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix(FOLDER_PREFIX).permissions(private).tempdir_in(folder);
        let mut lent = Self {
            folder: made.map_err(Error::io("cannot make a folder in", folder))?,
            protocol,
            with_access: false,
            asks_passphrase: false,
        };
        match access {
            Access::None => {
                if let Some(login) = url.login() {
                    let password = login.password.as_ref().map_or("", |password| password.expose_secret());
                    lent.lay_down_login(url, login.username.expose_secret(), password)?;
                }
            }
            Access::Token { username, token } => {
                let of_url = url.login().map(|login| login.username.expose_secret());
                let username = username.as_deref().or(of_url).unwrap_or(ANY_USERNAME);
                lent.lay_down_login(url, username, token.expose_secret())?;
            }
            Access::Key { private_key, passphrase, known_hosts } => {
                lent.lay_down_key(private_key, passphrase.as_ref(), known_hosts.as_deref())?;
            }
        }
        Ok(lent)
    }

    /// Lets a command of git use it.
    pub(crate) fn lend(&self, command: &mut Command) {
        command.current_dir(self.folder.path());
        if self.protocol.takes_token() && self.with_access {
            command.env("GIT_ASKPASS", self.folder.path().join("askpass"));
        }
        if self.asks_passphrase {
            command.env("SSH_ASKPASS", self.folder.path().join("askpass"));
            command.env("SSH_ASKPASS_REQUIRE", "force");
            command.env(SSH_BATCH_MODE, "no");
        }
    }

    /// Makes a command that succeeds when the private key can be read and decrypted: ssh itself says nothing of a wrong
    /// passphrase. Nothing when no key was lent.
    pub(crate) fn check_key(&self) -> Option<Command> {
        if self.protocol != Protocol::Ssh || !self.with_access {
            return None;
        }
        let mut command = Command::new("ssh-keygen");
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path))).env("LC_ALL", "C");
        // Without a passphrase the answer is no answer, and a terminal is never asked.
        command.env("SSH_ASKPASS", "false").env("SSH_ASKPASS_REQUIRE", "force");
        self.lend(&mut command);
        command.args(["-y", "-f", "key"]).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Some(command)
    }

    /// Tells whether there is a credential at all.
    pub(crate) fn with_access(&self) -> bool {
        self.with_access
    }

    fn lay_down_login(&mut self, url: &Url, username: &str, password: &str) -> Result<(), Error> {
        let (scheme, place) = url.origin().split_once("://").unwrap_or_default();
        self.write("username.1.question", &format!("Username for '{scheme}://{place}': "), 0o600)?;
        // Newer versions of git percent-encode the name in the question, older ones do not.
        let encoded = percent_encoded(username);
        self.write("password.1.question", &format!("Password for '{scheme}://{encoded}@{place}': "), 0o600)?;
        self.write("password.2.question", &format!("Password for '{scheme}://{username}@{place}': "), 0o600)?;
        self.write("username.answer", username, 0o600)?;
        self.write("password.answer", password, 0o600)?;
        self.write("askpass", ASKPASS, 0o700)?;
        self.with_access = true;
        Ok(())
    }

    fn lay_down_key(
        &mut self,
        key: &SecretString,
        passphrase: Option<&SecretString>,
        known_hosts: Option<&str>,
    ) -> Result<(), Error> {
        // ssh refuses a key that was pasted with the line ends of another system or without the last one.
        let lines = SecretString::from(format!("{}\n", key.expose_secret().replace('\r', "").trim_end()));
        self.write("key", lines.expose_secret(), 0o600)?;
        self.write("known_hosts", known_hosts.unwrap_or_default(), 0o600)?;
        if let Some(passphrase) = passphrase {
            // The questions of ssh, and of older and newer versions of ssh-keygen.
            self.write("passphrase.1.question", "Enter passphrase for key 'key': ", 0o600)?;
            self.write("passphrase.2.question", "Enter passphrase: ", 0o600)?;
            self.write("passphrase.3.question", "Enter passphrase for \"key\": ", 0o600)?;
            self.write("passphrase.answer", passphrase.expose_secret(), 0o600)?;
            self.write("askpass", ASKPASS, 0o700)?;
            self.asks_passphrase = true;
        }
        self.with_access = true;
        Ok(())
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), Error> {
        let path = self.folder.path().join(name);
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(Error::io("cannot write", path))
    }
}

/// Encodes as git does in its questions: everything but the unreserved characters of RFC 3986, 2.3.
pub(crate) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::process::Command as Program;

    use super::*;
    use crate::Policy;

    fn ask(lent: &Lent, question: &str) -> Option<String> {
        let answer = Program::new(lent.folder.path().join("askpass")).arg(question).output().unwrap();
        answer.status.success().then(|| String::from_utf8(answer.stdout).unwrap())
    }

    #[test]
    fn the_token_is_told_to_its_host_only() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::parse("https://git.example.com:8443/x", &Policy::default()).unwrap();
        let access = Access::Token { username: Some("me@corp".into()), token: "hunter2".into() };
        let lent = Lent::new(folder.path(), &url, &access).unwrap();
        let check = |question, expected: Option<&str>| assert_eq!(ask(&lent, question).as_deref(), expected);
        check("Username for 'https://git.example.com:8443': ", Some("me@corp"));
        check("Password for 'https://me%40corp@git.example.com:8443': ", Some("hunter2"));
        check("Password for 'https://me@corp@git.example.com:8443': ", Some("hunter2"));
        check("Password for 'https://me%40corp@evil.example.com:8443': ", None);
        check("Password for 'http://me%40corp@git.example.com:8443': ", None);
        check("Username for 'https://evil.example.com': ", None);
        check("", None);
    }

    #[test]
    fn the_folder_is_private_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::parse("git@host:x", &Policy::default()).unwrap();
        let access = Access::Key {
            private_key: "-----BEGIN\r\nKEY".into(),
            passphrase: Some("open sesame".into()),
            known_hosts: None,
        };
        let lent = Lent::new(folder.path(), &url, &access).unwrap();
        let path = lent.folder.path().to_owned();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("key")), 0o600);
        assert_eq!(std::fs::read_to_string(path.join("key")).unwrap(), "-----BEGIN\nKEY\n");
        assert_eq!(ask(&lent, "Enter passphrase for key 'key': ").as_deref(), Some("open sesame"));
        drop(lent);
        assert!(!path.exists());
    }

    #[test]
    fn a_credential_of_the_wrong_kind_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::parse("git@host:x", &Policy::default()).unwrap();
        let token = Access::Token { username: None, token: "hunter2".into() };
        let refused = Lent::new(folder.path(), &url, &token).err().unwrap();
        assert_eq!(refused.to_string(), "git@host:x cannot be opened with a token");
    }
}
