//! How git is called: an environment and a configuration of our own, and nothing from users, the system or a repository.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

use crate::Protocol;

/// Variables that are passed on: where programs are, and how this machine reaches the network.
const KEPT: &[&str] = &[
    "PATH",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAPATH",
];

/// Settings of every call. They are said on the command line, which wins over every file.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.logAllRefUpdates=false",
    "core.askPass=",
    "credential.helper=",
    "credential.useHttpPath=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    "http.followRedirects=initial",
    "http.lowSpeedLimit=100",
    "protocol.allow=never",
    "protocol.version=2",
    "transfer.fsckObjects=true",
    "fetch.fsckObjects=true",
    // A fetch is always kept as a pack, so its size can be watched.
    "fetch.unpackLimit=1",
];

/// Messages of git-fsck(1) about flaws that old tools left in many honest repositories. None of them can do harm.
const HARMLESS_FLAWS: &[&str] = &[
    "zeroPaddedFilemode",
    "zeroPaddedDate",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingAuthor",
    "missingCommitter",
    "multipleAuthors",
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingTypeEntry",
    "missingTag",
    "gitmodulesParse",
    "gitmodulesLarge",
];

/// How ssh is called, with the access folder as current directory. The text is constant: the only
/// thing that differs is whether a passphrase may be asked for, which batch mode forbids.
const SSH: &str = "ssh -F /dev/null -o BatchMode=$AWEIGH_SSH_BATCH_MODE -T -x -a \
    -o StrictHostKeyChecking=yes -o UserKnownHostsFile=known_hosts -o GlobalKnownHostsFile=/dev/null \
    -o UpdateHostKeys=no -o CheckHostIP=no -o VerifyHostKeyDNS=no \
    -o IdentitiesOnly=yes -o IdentityAgent=none -o IdentityFile=key -o PreferredAuthentications=publickey \
    -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no -o NumberOfPasswordPrompts=1 \
    -o ProxyCommand=none -o ProxyJump=none -o ControlMaster=no -o ControlPath=none -o PermitLocalCommand=no \
    -o ClearAllForwardings=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 \
    -o LogLevel=INFO";

/// The variable that tells ssh, by [`SSH`], to ask nothing.
pub(crate) const SSH_BATCH_MODE: &str = "AWEIGH_SSH_BATCH_MODE";

/// How to call git for one mirror.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    pub(crate) program: PathBuf,
    /// The bare mirror.
    pub(crate) mirror: PathBuf,
    /// An empty folder that stands for the user's home, so that no file of a user is read.
    pub(crate) home: PathBuf,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) idle_timeout: Duration,
    /// More settings of every call: how hosts are reached.
    pub(crate) ways: Vec<String>,
}

impl Git {
    /// Starts a command on the mirror. Standard input is closed, the outputs are pipes, and the process leads a group.
    pub(crate) fn command(&self, verb: &'static str) -> Command {
        let mut git_dir = OsString::from("--git-dir=");
        git_dir.push(&self.mirror);
        let mut command = self.bare_command();
        command.arg(git_dir).arg(verb);
        command
    }

    /// The same without a repository, for `git init`.
    pub(crate) fn bare_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        command.envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        let names: Vec<&str> = self.protocols.iter().map(|protocol| protocol.name()).collect();
        command
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", names.join(":"))
            .env("GIT_SSH_COMMAND", SSH)
            .env("GIT_SSH_VARIANT", "ssh")
            .env(SSH_BATCH_MODE, "yes");
        command.current_dir(&self.home);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        for setting in &self.ways {
            command.args(["-c", setting]);
        }
        for flaw in HARMLESS_FLAWS {
            command.arg("-c").arg(format!("fetch.fsck.{flaw}=warn"));
        }
        for name in names {
            command.arg("-c").arg(format!("protocol.{name}.allow=always"));
        }
        command.arg("-c").arg(format!("http.lowSpeedTime={}", self.idle_timeout.as_secs().clamp(1, 86_400)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }
}

/// The bare repository inside the folder of a mirror.
pub(crate) fn git_dir(folder: &Path) -> PathBuf {
    folder.join("mirror.git")
}
