//! OpenSSH certificates (PROTOCOL.certkeys of OpenSSH): of users, which go with a private key, and of hosts, which an
//! authority vouches for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, PrivateKey};

use super::known_hosts::glob;
use super::{Authority, HostKey};
use crate::Error;
use crate::target::Span;

/// What the name of a kind of certificate ends with.
const KIND: &str = "-cert-v01@openssh.com";

/// The line of a certificate behind the text of a key, and the text without it.
pub(super) fn split(text: &str) -> (String, Option<&str>) {
    let is_certificate = |line: &str| line.split_whitespace().next().is_some_and(|kind| kind.ends_with(KIND));
    let last = text.trim_end().lines().last().map(str::trim).filter(|line| is_certificate(line));
    let key = last.and_then(|_| text.trim_end().rsplit_once('\n')).map_or(text, |(key, _)| key);
    (key.to_owned(), last)
}

/// Reads the certificate of a user that goes with `key`.
pub(super) fn of_user(line: &str, key: &PrivateKey) -> Result<Certificate, Error> {
    let certificate = Certificate::from_openssh(line).map_err(|_| Error::CertificateMalformed)?;
    if certificate.cert_type() != CertType::User {
        return Err(Error::CertificateOfHost);
    }
    if certificate.public_key() != key.public_key().key_data() {
        return Err(Error::CertificateOfAnotherKey);
    }
    Ok(certificate)
}

/// Whether a certificate holds now.
pub(super) fn holds(certificate: &Certificate) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if now >= certificate.valid_before() {
        let since = Span(Duration::from_secs(now - certificate.valid_before()));
        return Err(Error::CertificateExpired { id: id(certificate), since });
    }
    if now < certificate.valid_after() {
        let until = Span(Duration::from_secs(certificate.valid_after() - now));
        return Err(Error::CertificateNotYet { id: id(certificate), until });
    }
    Ok(())
}

/// What its authority calls it, in one printable line.
pub(super) fn id(certificate: &Certificate) -> String {
    certificate.key_id().chars().filter(|char| !char.is_control()).take(80).collect()
}

/// Whether it is for this user. A server may know other names for them, too.
pub(super) fn names(certificate: &Certificate, user: &str) -> bool {
    certificate.valid_principals().iter().any(|name| name == user)
}

/// Why a certificate does not prove that this is `host`:`port`, for people; nothing where one of the authorities vouches
/// for it.
pub(super) fn refusal(
    certificate: &Certificate,
    authorities: &[Authority],
    host: &str,
    port: u16,
) -> Option<String> {
    let signer = HostKey::of(&certificate.signature_key().clone().into()).ok();
    let mut known = authorities.iter().filter(|authority| Some(&authority.key) == signer.as_ref()).peekable();
    if known.peek().is_none() {
        let signer = signer.map_or_else(|| "a key of unknown kind".to_owned(), |key| key.fingerprint());
        return Some(format!("it is signed by {signer}, which is not pinned"));
    }
    if !known.any(|authority| authority.speaks_for(host, port)) {
        return Some("its authority is not pinned for this host".to_owned());
    }
    if certificate.verify_signature().is_err() {
        return Some("its signature is false".to_owned());
    }
    // Two certificates with one sum can be made.
    if matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None }) {
        return Some("it is signed with SHA-1".to_owned());
    }
    if certificate.cert_type() != CertType::Host {
        return Some("it is one for users".to_owned());
    }
    if let Err(error) = holds(certificate) {
        return Some(match error {
            Error::CertificateExpired { since, .. } => format!("it expired {since} ago"),
            Error::CertificateNotYet { until, .. } => format!("it begins to hold in {until}"),
            other => other.to_string(),
        });
    }
    // None is known for hosts: whatever it demands cannot be kept.
    if !certificate.critical_options().is_empty() {
        return Some("it has conditions that are not known here".to_owned());
    }
    let host = host.to_ascii_lowercase();
    let names = certificate.valid_principals();
    let is_named = names.iter().any(|name| glob(name.to_ascii_lowercase().as_bytes(), host.as_bytes()));
    (!is_named).then(|| match names {
        [] => "it names no host".to_owned(),
        names => format!("it is for {}", printable(names)),
    })
}

/// Names out of a certificate as a message shows them.
pub(super) fn printable(names: &[String]) -> String {
    let shown =
        names.iter().take(5).map(|name| name.chars().filter(char::is_ascii_graphic).take(64).collect());
    shown.collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_stands_in_the_last_line_behind_its_key() {
        let key = "-----BEGIN X-----\nAAAA\n-----END X-----";
        let line = "ssh-ed25519-cert-v01@openssh.com AAAA me@home";
        assert_eq!(split(&format!("{key}\n{line}\n\n")), (key.to_owned(), Some(line)));
        assert_eq!(split(&format!("{key}\r\n  {line}\r\n")), (format!("{key}\r"), Some(line)));
        for alone in
            [key.to_owned(), format!("{line}\n{key}"), format!("{key}\nssh-ed25519 AAAA"), String::new()]
        {
            assert_eq!(split(&alone), (alone.clone(), None), "{alone}");
        }
        // Without a key in front of it, it is no key.
        assert_eq!(split(line), (line.to_owned(), Some(line)));
    }
}
