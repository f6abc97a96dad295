//! Turns the last words of a failed git into an error with a name. The words are those of the C locale.

use std::path::Path;

use crate::Error;

/// What was asked when git failed.
pub(crate) struct Asked<'a> {
    /// The command of git.
    pub(crate) verb: &'static str,
    /// The repository, without secrets.
    pub(crate) url: &'a str,
    /// Where git wrote.
    pub(crate) folder: &'a Path,
    /// Whether a token or key was at hand.
    pub(crate) with_access: bool,
}

#[derive(Clone, Copy)]
enum Cause {
    DiskFull,
    HostKeyChanged,
    HostKeyUnknown,
    KeyUnusable,
    Access,
    NotFound,
    Protocol,
    Certificate,
    HostileObject,
    Unreachable,
}

/// Phrases of git, ssh, curl and the large hosts. The first that is found decides, so the particular ones come before
/// the ones that follow every failure, such as `Could not read from remote repository`.
const PHRASES: &[(&str, Cause)] = &[
    ("No space left on device", Cause::DiskFull),
    ("Disk quota exceeded", Cause::DiskFull),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", Cause::HostKeyChanged),
    ("Host key verification failed", Cause::HostKeyUnknown),
    ("Load key \"key\"", Cause::KeyUnusable),
    ("could not read Username", Cause::Access),
    ("could not read Password", Cause::Access),
    ("unable to read askpass response", Cause::Access),
    ("Authentication failed", Cause::Access),
    ("Permission denied (", Cause::Access),
    ("Too many authentication failures", Cause::Access),
    ("Access denied", Cause::Access),
    ("returned error: 401", Cause::Access),
    ("returned error: 403", Cause::Access),
    ("detected dubious ownership", Cause::Access),
    ("Repository not found", Cause::NotFound),
    ("project you were looking for could not be found", Cause::NotFound),
    ("does not appear to be a git repository", Cause::NotFound),
    ("does not exist", Cause::NotFound),
    ("returned error: 404", Cause::NotFound),
    ("returned error: 410", Cause::NotFound),
    ("' not found", Cause::NotFound),
    ("not valid: is this a git repository?", Cause::NotFound),
    ("not allowed", Cause::Protocol),
    ("SSL certificate", Cause::Certificate),
    ("server certificate verification failed", Cause::Certificate),
    ("certificate verify", Cause::Certificate),
    ("fsck error", Cause::HostileObject),
    ("Could not resolve host", Cause::Unreachable),
    ("Failed to connect", Cause::Unreachable),
    ("Couldn't connect", Cause::Unreachable),
    ("Connection refused", Cause::Unreachable),
    ("Connection reset", Cause::Unreachable),
    ("Connection closed", Cause::Unreachable),
    ("timed out", Cause::Unreachable),
    ("Network is unreachable", Cause::Unreachable),
    ("No route to host", Cause::Unreachable),
    ("Operation too slow", Cause::Unreachable),
    ("unexpected disconnect", Cause::Unreachable),
    ("Empty reply from server", Cause::Unreachable),
    ("hung up unexpectedly", Cause::Unreachable),
    ("early EOF", Cause::Unreachable),
    ("unable to access", Cause::Unreachable),
    ("unable to update url base from redirection", Cause::Unreachable),
    ("RPC failed", Cause::Unreachable),
    ("Could not read from remote repository", Cause::Unreachable),
];

/// Names the failure.
pub(crate) fn classify(asked: &Asked<'_>, said: String) -> Error {
    let url = asked.url.to_owned();
    let Some((_, cause)) = PHRASES.iter().find(|(phrase, _)| said.contains(phrase)) else {
        return Error::Failed { verb: asked.verb, said };
    };
    match cause {
        Cause::DiskFull => Error::DiskFull { folder: asked.folder.into() },
        Cause::HostKeyChanged => Error::HostKeyChanged { url, said },
        Cause::HostKeyUnknown => Error::HostKeyUnknown { url, said },
        Cause::KeyUnusable => Error::KeyUnusable { url, said },
        Cause::Access if asked.with_access => Error::Denied { url, said },
        Cause::Access => Error::LoginRequired { url, said },
        Cause::NotFound => Error::NotFound { url, said },
        Cause::Protocol => match said.split('\'').nth(1) {
            Some(protocol) if said.contains("transport '") => {
                Error::ProtocolNotAllowed { protocol: protocol.into() }
            }
            _ => Error::Failed { verb: asked.verb, said },
        },
        Cause::Certificate => Error::Certificate { url, said },
        Cause::HostileObject => Error::HostileObject { url, said },
        Cause::Unreachable => Error::Unreachable { url, said },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, with_access: bool, expected: &str) {
        let asked = Asked { verb: "fetch", url: "URL", folder: Path::new("/m"), with_access };
        assert_eq!(classify(&asked, said.into()).to_string(), expected, "{said}");
    }

    #[test]
    fn known_phrases_get_a_name() {
        check(
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            false,
            "URL wants a login",
        );
        check(
            "remote: Invalid username or password.\nfatal: Authentication failed for 'https://h/x'",
            true,
            "URL refused the credential",
        );
        check(
            "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
            true,
            "URL refused the credential",
        );
        check(
            "ERROR: Repository not found.\nfatal: Could not read from remote repository.",
            true,
            "URL was not found",
        );
        check("remote: Not Found\nfatal: repository 'https://h/x/' not found", false, "URL was not found");
        check("error: unable to write file: No space left on device", false, "the disk of /m is full");
        check(
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            true,
            "the host key of URL has changed",
        );
        check(
            "No ED25519 host key is known for h.\nHost key verification failed.",
            true,
            "the host key of URL is not known",
        );
        check(
            "Load key \"key\": incorrect passphrase supplied to decrypt private key\ngit@h: Permission denied (publickey).",
            true,
            "the SSH key for URL cannot be used: git@h: Permission denied (publickey).",
        );
        check("fatal: transport 'ext' not allowed", false, "protocol ext is not allowed");
        check(
            "fatal: unable to access 'u': SSL certificate problem: self-signed certificate",
            false,
            "URL shows a certificate that is not trusted: fatal: unable to access 'u': SSL certificate problem: self-signed certificate",
        );
        check(
            "fatal: unable to access 'u': Could not resolve host: h",
            false,
            "URL cannot be reached: fatal: unable to access 'u': Could not resolve host: h",
        );
        check(
            "error: object abc: hasDotgit: contains '.git'\nfatal: fsck error in packed object",
            false,
            "URL has an object that is refused: fatal: fsck error in packed object",
        );
    }

    #[test]
    fn other_words_are_kept() {
        check("fatal: something new", false, "git fetch failed: fatal: something new");
        check("", false, "git fetch failed: it said nothing");
    }
}
