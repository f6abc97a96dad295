//! What the outside of a private key tells: whether it needs a passphrase. Only its text is looked at; whether a
//! passphrase opens it is for the server to find out.

/// How an OpenSSH key begins: base64 of `openssh-key-v1` and a zero byte.
const OPENSSH: &str = "b3BlbnNzaC1rZXktdjEA";

/// What follows when nothing encrypts it: base64 of the length and the name of the cipher `none`.
const NO_CIPHER: &str = "AAAABG5vbm";

/// Whether `text` is a private key that cannot be used without a passphrase (PROTOCOL.key of OpenSSH, RFC 1421
/// and RFC 5958 for the PEM forms).
pub(super) fn needs_passphrase(text: &str) -> bool {
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return true;
    }
    let body: String =
        text.lines().filter(|line| !line.starts_with("-----")).flat_map(str::split_whitespace).collect();
    body.strip_prefix(OPENSSH).is_some_and(|rest| !rest.starts_with(NO_CIPHER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_keys_need_a_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        for (name, passphrase, form, expected) in [
            ("plain", "", "RFC4716", false),
            ("sealed", "secret", "RFC4716", true),
            ("plain-pem", "", "PKCS8", false),
            ("sealed-pem", "secret", "PKCS8", true),
        ] {
            let path = folder.path().join(name);
            let made = std::process::Command::new("ssh-keygen")
                .args(["-q", "-t", "ecdsa", "-N", passphrase, "-m", form, "-f"])
                .arg(&path)
                .status()
                .unwrap();
            assert!(made.success());
            assert_eq!(needs_passphrase(&std::fs::read_to_string(path).unwrap()), expected, "{name}");
        }
        assert!(!needs_passphrase("hello"));
    }
}
