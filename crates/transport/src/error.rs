//! Everything that can keep us from knowing what a machine did, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::HostKey;
use crate::target::{Seconds, Span};

/// Why an action on a machine has no known outcome. A command that merely fails is not an error.
///
/// Messages are lower-case fragments that name the thing; [`Error::hint`] says what to do next.
/// No message holds a password, a passphrase or the text of a private key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the message of each variant is its documentation")]
pub enum Error {
    // Reaching the server.
    #[error("cannot resolve the host name {host}: {source}")]
    Resolve { host: String, source: io::Error },
    #[error("{address} refuses connections")]
    Refused { address: String },
    #[error("{address} cannot be reached: {source}")]
    Unreachable { address: String, source: io::Error },
    #[error("{address} did not answer within {}", Seconds(*.after))]
    ConnectTimeout { address: String, after: Duration },

    #[error("on the way to {to}: {}", .source.cause())]
    JumpHost { to: String, source: Arc<Error> },

    // The SSH handshake.
    #[error("{address} accepts connections but sent no SSH banner within {}", Seconds(*.after))]
    Silent { address: String, after: Duration },
    #[error("the SSH handshake with {address} was not done within {}", Seconds(*.after))]
    HandshakeTimeout { address: String, after: Duration },
    #[error("{address} closed the connection during the SSH handshake{}", said(.text.as_deref()))]
    HungUp { address: String, text: Option<String> },
    #[error(
        "{address} takes no logins at this moment: it closed {} before the SSH handshake{}",
        connections(*.tries), said(.text.as_deref())
    )]
    TurnedAway { address: String, text: Option<String>, tries: u32 },
    #[error("{address} does not speak SSH{}", said(.text.as_deref()))]
    NotSsh { address: String, text: Option<String> },
    #[error("{address} offers no {kind} algorithm that is safe to use, only {}", .offered.join(", "))]
    Algorithms { address: String, kind: &'static str, offered: Vec<String> },
    #[error("{address} offers {cipher} without strict key exchange (Terrapin, CVE-2023-48795)")]
    Terrapin { address: String, cipher: String },
    #[error("the SSH handshake with {address} failed: {reason}")]
    Handshake { address: String, reason: String },

    // The host key; nothing secret has been sent when one of these is returned.
    #[error("the host key of {address} is not known: it presents {} {}", .presented.algorithm, .presented.fingerprint())]
    HostKeyUnknown { address: String, presented: HostKey },
    #[error(
        "the host key of {address} has changed: it presents {} {}, pinned is {}",
        .presented.algorithm, .presented.fingerprint(), fingerprints(.pinned)
    )]
    HostKeyChanged { address: String, presented: HostKey, pinned: Vec<HostKey> },
    #[error("the certificate of {address} does not prove that it is this host: {reason}")]
    HostCertificate { address: String, reason: String },
    #[error("not a host key: {reason}")]
    HostKeyText { reason: &'static str },

    // Being let in.
    #[error("no credential is given for {user} at {address}")]
    NoCredential { user: String, address: String },
    #[error("{address} refuses the password of {user}{}", methods(.remaining))]
    PasswordRefused { user: String, address: String, remaining: Vec<String> },
    #[error("{address} refuses the key {fingerprint} of {user}{}", methods(.remaining))]
    KeyRefused { user: String, address: String, fingerprint: String, remaining: Vec<String> },
    #[error("{address} refuses the certificate {id:?} of {user}{}", methods(.remaining))]
    CertificateRefused { user: String, address: String, id: String, remaining: Vec<String> },
    #[error("{address} refuses the certificate {id:?} for {user}: it is for {names}")]
    CertificateNames { user: String, address: String, id: String, names: String },
    #[error("{address} refuses every key of the SSH agent for {user}{}", methods(.remaining))]
    AgentRefused { user: String, address: String, remaining: Vec<String> },
    #[error("{address} does not allow {wanted} for {user}{}", methods(.remaining))]
    MethodNotOffered { user: String, address: String, wanted: &'static str, remaining: Vec<String> },
    #[error("{address} wants a further factor from {user}{}", methods(.remaining))]
    FactorMissing { user: String, address: String, remaining: Vec<String> },
    #[error("{address} asks {user} more than for one password")]
    Questions { user: String, address: String },
    #[error("{address} accepts RSA keys only with SHA-1 signatures")]
    RsaSha1 { address: String },

    // The text of a private key.
    #[error("the private key cannot be read: {reason}")]
    KeyMalformed { reason: &'static str },
    #[error("the private key is of a kind that is not supported: {algorithm}")]
    KeyUnsupported { algorithm: String },
    #[error("this is a public key, not a private key")]
    KeyIsPublic,
    #[error("the private key is in PuTTY's format")]
    KeyIsPutty,
    #[error("the private key is encrypted in an old PEM form")]
    KeyOldEncryption,
    #[error("the private key is encrypted and no passphrase is given")]
    KeyNeedsPassphrase,
    #[error("the passphrase does not open the private key")]
    WrongPassphrase,

    // The certificate of a user.
    #[error("the certificate behind the private key cannot be read")]
    CertificateMalformed,
    #[error("the certificate is one for hosts, not for users")]
    CertificateOfHost,
    #[error("the certificate belongs to another key")]
    CertificateOfAnotherKey,
    #[error("the certificate {id:?} expired {since} ago")]
    CertificateExpired { id: String, since: Span },
    #[error("the certificate {id:?} begins to hold in {until}")]
    CertificateNotYet { id: String, until: Span },

    // The SSH agent.
    #[error("there is no SSH agent{}", at(.socket.as_deref()))]
    AgentAbsent { socket: Option<PathBuf> },
    #[error("the SSH agent{} holds no keys", at(.socket.as_deref()))]
    AgentEmpty { socket: Option<PathBuf> },
    #[error("the SSH agent failed: {reason}")]
    Agent { reason: String },

    // Using a session.
    #[error("{address} refuses another session on this connection")]
    SessionRefused { address: String },
    #[error("{address} refuses to run commands")]
    ExecRefused { address: String },
    #[error("{address} refuses a terminal")]
    TerminalRefused { address: String },
    #[error("{address} does not allow forwarding to {to}")]
    ForwardRefused { address: String, to: String },
    #[error("{address} cannot connect to {to}")]
    ForwardFailed { address: String, to: String },
    #[error("the connection was lost: {reason}")]
    Lost { reason: String },
    #[error("the session is closed")]
    Closed,
    #[error("output that nobody read: {reason}")]
    Unread { reason: String },

    // Files and folders.
    #[error("{path} on {place}: {reason}")]
    Transfer { path: String, place: String, reason: String },
    #[error("{path} on {place} is not what was sent: its SHA-256 differs")]
    Differs { path: String, place: String },
    #[error("{path:?} is no name for a file on another machine")]
    RemotePath { path: String },
    #[error("{place} sends {name:?}, which does not belong into a folder")]
    HostileName { place: String, name: String },
    #[error("the archive {reason}")]
    Archive { reason: String },
    #[error("{path:?}: {source}")]
    LocalFile { path: PathBuf, source: io::Error },

    // This machine.
    #[error("cannot run sh on this machine: {source}")]
    Spawn { source: io::Error },
    #[error("no terminal can be opened on this machine: {source}")]
    Terminal { source: io::Error },
    #[error("the in-process SSH server cannot start: {source}")]
    Serve { source: io::Error },
    #[error("reading the output failed: {source}")]
    Read { source: io::Error },
}

impl Error {
    /// The error itself, or that of the jump host which is in the way.
    pub fn cause(&self) -> &Error {
        match self {
            Error::JumpHost { source, .. } => source.cause(),
            error => error,
        }
    }

    /// How many steps before the target it happened: 0 at the target, 1 at its jump host, 2 at the jump host of that.
    pub fn hops(&self) -> usize {
        match self {
            Error::JumpHost { source, .. } => source.hops().saturating_add(1),
            _ => 0,
        }
    }

    /// What to do next, as a sentence without a full stop; empty when the message says it all.
    pub fn hint(&self) -> &'static str {
        match self {
            Error::JumpHost { source, .. } => source.hint(),
            Error::Resolve { .. } => "check the spelling of the host and the DNS settings of this machine",
            Error::Refused { .. } => "check that sshd runs there and listens on this port",
            Error::Unreachable { .. } => "check the address, the route and the firewalls in between",
            Error::ConnectTimeout { .. } => {
                "check that the server is up and that no firewall drops the packets"
            }
            Error::Silent { .. } => {
                "check that an SSH server, and not another service, listens on this port, and its load"
            }
            Error::HandshakeTimeout { .. } => {
                "check the load of the server, and its name lookups (UseDNS, PAM)"
            }
            Error::HungUp { .. } => {
                "look into the log of sshd there; a firewall or fail2ban may be the reason"
            }
            Error::TurnedAway { .. } => {
                "more log in there at once than MaxStartups in its sshd_config allows; or a firewall, fail2ban or hosts.deny keeps this machine out"
            }
            Error::NotSsh { .. } => "check the port: another service answers on it",
            Error::Algorithms { .. } => {
                "update the SSH server; where that cannot be, legacy_algorithms of this server allows SHA-1 and CBC"
            }
            Error::Terrapin { .. } => "update the SSH server, or let it offer aes256-gcm@openssh.com",
            Error::Handshake { .. } => "look into the log of sshd on the server",
            Error::HostKeyUnknown { .. } => {
                "compare the fingerprint with `ssh-keygen -lf` on the server, then pin the key"
            }
            Error::HostKeyChanged { .. } => {
                "find out why before you trust it: somebody may answer in the server's place; then pin the new key"
            }
            Error::HostCertificate { .. } => {
                "find out why before you trust it: have the host key signed anew, or pin the authority for this host"
            }
            Error::HostKeyText { .. } => "give a line such as `ssh-ed25519 AAAA…`, as in a .pub file",
            Error::NoCredential { .. } => "give the server a key, a password or an agent",
            Error::PasswordRefused { .. } => {
                "check user and password, and PasswordAuthentication in sshd_config"
            }
            Error::KeyRefused { .. } | Error::AgentRefused { .. } => {
                "check the user, and that the public key stands in the user's authorized_keys"
            }
            Error::CertificateRefused { .. } => {
                "check TrustedUserCAKeys and RevokedKeys in sshd_config on the server"
            }
            Error::CertificateNames { .. } => {
                "have it signed for this user (ssh-keygen -s CA -n USER), or let AuthorizedPrincipalsFile name one of these"
            }
            Error::CertificateMalformed => {
                "give the file that ends in -cert.pub, as `ssh-keygen -s` wrote it"
            }
            Error::CertificateOfHost => "have the key signed without the -h of ssh-keygen",
            Error::CertificateOfAnotherKey => "give the key and its own certificate",
            Error::CertificateExpired { .. } => "have the key signed anew, and store it again",
            Error::CertificateNotYet { .. } => {
                "wait, or compare the clock of this machine with that of the authority"
            }
            Error::MethodNotOffered { .. } => "use a credential of a kind that the server allows",
            Error::FactorMissing { .. } => "give a second credential, or exempt this user in sshd_config",
            Error::Questions { .. } => "use a key: one-time codes cannot be answered by a machine",
            Error::RsaSha1 { .. } => {
                "use an ed25519 key, or update the SSH server; where that cannot be, switch legacy_algorithms on for it"
            }
            Error::KeyMalformed { .. } => {
                "paste the whole file, from its BEGIN line to its END line, as `ssh-keygen` wrote it"
            }
            Error::KeyUnsupported { .. } => "use an ed25519, ECDSA or RSA key (up to 8192 bits)",
            Error::KeyIsPublic => "give the private key: the file without .pub",
            Error::KeyIsPutty => "convert it: puttygen KEY.ppk -O private-openssh -o KEY",
            Error::KeyOldEncryption => "convert it: ssh-keygen -p -f KEY rewrites it in today's form",
            Error::KeyNeedsPassphrase => "give the passphrase of the key",
            Error::WrongPassphrase => "check the passphrase of the key",
            Error::AgentAbsent { .. } => {
                "start an agent, or set SSH_AUTH_SOCK to the socket of the running one"
            }
            Error::AgentEmpty { .. } => "add a key with ssh-add",
            Error::Agent { .. } => "check the agent with ssh-add -l",
            Error::SessionRefused { .. } => {
                "commands that were left behind may still run there; MaxSessions in sshd_config is the limit"
            }
            Error::ExecRefused { .. } => "check the user's shell and ForceCommand in sshd_config",
            Error::TerminalRefused { .. } => {
                "check PermitTTY in sshd_config, and no-pty and restrict in authorized_keys"
            }
            Error::ForwardRefused { .. } => "check AllowTcpForwarding and PermitOpen in sshd_config",
            Error::ForwardFailed { .. } => {
                "check that the service listens on that host and port of the server"
            }
            Error::Lost { .. } => "connect again and look what is true there: the command may still run",
            Error::Closed => "connect again",
            Error::Unread { .. } => "let the command print less, or send its output to a file",
            Error::Transfer { .. } => "check the path, its permissions and the room on the disk there",
            Error::Differs { .. } => "try again; it may have changed while it was read",
            Error::RemotePath { .. } => {
                "name a file or folder in one line, not / and not one that ends in .."
            }
            Error::HostileName { .. } => {
                "nothing was written there; find out who sends such names before you fetch anything from it"
            }
            Error::Archive { .. } => "pack it anew, and see that all of it comes",
            Error::LocalFile { .. } => {
                "check the path, its permissions and the room on the disk of this machine"
            }
            Error::Spawn { .. } => "check that /bin/sh exists, and the limit of processes",
            Error::Terminal { .. } => {
                "check that the program setsid is there, and the limits of processes and terminals (kernel.pty.max)"
            }
            Error::Serve { .. } | Error::Read { .. } => "",
        }
    }

    /// Whether the same attempt may succeed a moment later without anybody changing anything.
    /// Never true once the server has refused a credential: trying again gets users locked out.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self.cause(),
            Error::Refused { .. }
                | Error::Unreachable { .. }
                | Error::ConnectTimeout { .. }
                | Error::Silent { .. }
                | Error::HandshakeTimeout { .. }
                | Error::HungUp { .. }
                | Error::TurnedAway { .. }
                | Error::Lost { .. }
        )
    }
}

fn said(text: Option<&str>) -> String {
    text.map(|text| format!(": {text}")).unwrap_or_default()
}

fn connections(count: u32) -> String {
    if count == 1 { "the connection".to_owned() } else { format!("{count} connections, one after another,") }
}

fn methods(remaining: &[String]) -> String {
    if remaining.is_empty() { String::new() } else { format!(" (it allows {})", remaining.join(", ")) }
}

fn fingerprints(keys: &[HostKey]) -> String {
    keys.iter().map(|key| format!("{} {}", key.algorithm, key.fingerprint())).collect::<Vec<_>>().join(", ")
}

fn at(socket: Option<&Path>) -> String {
    socket.map(|path| format!(" at {}", path.display())).unwrap_or_default()
}
