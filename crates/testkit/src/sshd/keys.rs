//! Keys and passwords for servers, made by the programs that everybody makes them with.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{require, write};

/// Both halves of a key, as text.
pub(super) struct KeyPair {
    pub(super) private: String,
    pub(super) public: String,
}

/// Makes a key of this type (`ssh-keygen -t`) without a passphrase, in `file` and `file.pub`.
pub(super) fn generate(file: &Path, kind: &str) -> KeyPair {
    let mut command = Command::new(require("ssh-keygen", "openssh-client"));
    command.args(["-q", "-N", "", "-C", "", "-t", kind, "-f"]).arg(file);
    let output = command.output().unwrap_or_else(|error| panic!("ssh-keygen: {error}"));
    assert!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
    let read =
        |file: &Path| fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    KeyPair { private: read(file), public: read(&file.with_extension("pub")) }
}

/// A copy of `/etc/shadow` in which the user has this password.
pub(super) fn write_shadow(file: &Path, user: &str, password: &str) {
    let mut command = Command::new(require("busybox", "busybox"));
    let output = command.args(["mkpasswd", "-m", "sha512", password]).output();
    let output = output.unwrap_or_else(|error| panic!("busybox mkpasswd: {error}"));
    let hash = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_else(|error| panic!("/etc/shadow: {error}"));
    let others = shadow.lines().filter(|line| !line.starts_with(&format!("{user}:")));
    let mut text = format!("{user}:{hash}:20000:0:99999:7:::\n");
    others.for_each(|line| text.extend([line, "\n"]));
    write(file, &text);
}
