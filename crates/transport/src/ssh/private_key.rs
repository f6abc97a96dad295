//! The text of a private key: what form it has, what is wrong with it, and the key in it.
//!
//! No error made here carries any part of the text.

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PublicKey, decode_secret_key};
use secrecy::{ExposeSecret, SecretString};

use super::{certificate, short_scalar};
use crate::Error;

/// Larger RSA keys cost seconds per signature and are refused by most servers.
const RSA_BITS: u32 = 8192;

const DAMAGED: Error = Error::KeyMalformed { reason: "the text between BEGIN and END is damaged" };

/// How the text calls itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    OpenSsh,
    /// PKCS#8, SEC1 or PKCS#1 that is not encrypted.
    Plain,
    /// PKCS#8 with its own encryption, or PKCS#1 with AES-128 in the old PEM way.
    Encrypted,
}

/// `SHA256:…` of the public half of a private key, as `ssh-keygen -l` prints it. Opening an
/// encrypted key takes a noticeable time, on purpose: call it where blocking is allowed.
pub fn fingerprint(text: &SecretString, passphrase: Option<&SecretString>) -> Result<String, Error> {
    Ok(decode(text, passphrase)?.0.public_key().fingerprint(HashAlg::Sha256).to_string())
}

/// Decodes a key, and the certificate that may follow it. Slow, as [`decode_key`].
pub(super) fn decode(
    text: &SecretString,
    passphrase: Option<&SecretString>,
) -> Result<(PrivateKey, Option<Certificate>), Error> {
    let (key, certificate) = certificate::split(text.expose_secret());
    let key = decode_key(&key.into(), passphrase)?;
    let certificate = certificate.map(|line| certificate::of_user(line, &key)).transpose()?;
    Ok((key, certificate))
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHalf {
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// The line of `authorized_keys`: `ssh-ed25519 AAAA…`, and the comment where there is one.
    pub line: String,
}

impl PublicHalf {
    fn of(key: &PublicKey) -> Result<Self, Error> {
        let line = key.to_openssh().map_err(|_| DAMAGED)?;
        Ok(Self { fingerprint: key.fingerprint(HashAlg::Sha256).to_string(), line: line.trim().to_owned() })
    }
}

/// The public half of a private key. Opening an encrypted key takes a noticeable time, on purpose: call it where blocking
/// is allowed.
pub fn public_half(text: &SecretString, passphrase: Option<&SecretString>) -> Result<PublicHalf, Error> {
    PublicHalf::of(decode(text, passphrase)?.0.public_key())
}

/// A new key (Ed25519, RFC 8032) with this comment, and its public half.
///
/// # Errors
/// The system gives no random numbers, or the comment cannot stand in a line.
pub fn generate(comment: &str) -> Result<(SecretString, PublicHalf), Error> {
    let unsupported = || Error::KeyUnsupported { algorithm: "ssh-ed25519".to_owned() };
    let mut key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).map_err(|_| unsupported())?;
    key.set_comment(comment);
    let text = key.to_openssh(LineEnding::LF).map_err(|_| unsupported())?;
    Ok((SecretString::from(text.as_str()), PublicHalf::of(key.public_key())?))
}

/// Decodes a key. Slow (a passphrase is stretched on purpose): call it on a blocking thread.
fn decode_key(text: &SecretString, passphrase: Option<&SecretString>) -> Result<PrivateKey, Error> {
    let text = tidy(text);
    let key = match form(text.expose_secret())? {
        Form::OpenSsh => decode_openssh(text.expose_secret(), passphrase)?,
        Form::Plain => decode_secret_key(text.expose_secret(), None).map_err(|_| DAMAGED)?,
        Form::Encrypted => {
            let passphrase = passphrase.ok_or(Error::KeyNeedsPassphrase)?.expose_secret();
            decode_secret_key(text.expose_secret(), Some(passphrase)).map_err(|error| match error {
                russh::keys::Error::Decode(_) => DAMAGED,
                _ => Error::WrongPassphrase,
            })?
        }
    };
    match key.key_data() {
        KeypairData::Ed25519(_) | KeypairData::Ecdsa(_) => Ok(key),
        KeypairData::Rsa(pair) if pair.key_size() <= RSA_BITS => Ok(key),
        KeypairData::Rsa(pair) => {
            Err(Error::KeyUnsupported { algorithm: format!("RSA with {} bits", pair.key_size()) })
        }
        _ => Err(Error::KeyUnsupported { algorithm: key.algorithm().as_str().to_owned() }),
    }
}

fn decode_openssh(text: &str, passphrase: Option<&SecretString>) -> Result<PrivateKey, Error> {
    let Ok(key) = PrivateKey::from_openssh(text) else {
        return short_scalar::decode(text, None).ok_or(DAMAGED);
    };
    if !key.is_encrypted() {
        return Ok(key);
    }
    let passphrase = passphrase.ok_or(Error::KeyNeedsPassphrase)?.expose_secret();
    let short = |_| short_scalar::decode(text, Some(passphrase)).ok_or(Error::WrongPassphrase);
    key.decrypt(passphrase).or_else(short)
}

/// The text without the white space that forms and chats add around lines.
fn tidy(text: &SecretString) -> SecretString {
    let mut tidied = String::with_capacity(text.expose_secret().len().saturating_add(1));
    for line in text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty()) {
        tidied.push_str(line);
        tidied.push('\n');
    }
    tidied.into()
}

/// Looks at the armour only.
fn form(text: &str) -> Result<Form, Error> {
    let malformed = |reason| Err(Error::KeyMalformed { reason });
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("PuTTY-User-Key-File-") {
        return Err(Error::KeyIsPutty);
    }
    let is_public =
        ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|kind| first.starts_with(kind));
    if is_public
        || (first.contains("-- BEGIN ") || first.contains("--BEGIN ")) && first.contains("PUBLIC KEY")
    {
        return Err(Error::KeyIsPublic);
    }
    let Some((before, after)) = text.split_once("-----BEGIN ") else {
        return malformed("it has no BEGIN line");
    };
    let Some((label, body)) = after.split_once("-----\n").filter(|_| before.is_empty()) else {
        return malformed("it does not begin with a BEGIN line");
    };
    let Some((body, rest)) = body.split_once(&format!("-----END {label}-----\n")) else {
        return malformed("its END line is missing");
    };
    if !rest.is_empty() {
        return malformed("something follows its END line");
    }
    let is_old_encryption = body.contains("Proc-Type: 4,ENCRYPTED") || body.contains("DEK-Info:");
    match label {
        "OPENSSH PRIVATE KEY" => Ok(Form::OpenSsh),
        "ENCRYPTED PRIVATE KEY" => Ok(Form::Encrypted),
        "RSA PRIVATE KEY" if body.contains("DEK-Info: AES-128-CBC,") => Ok(Form::Encrypted),
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" if is_old_encryption => Err(Error::KeyOldEncryption),
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "PRIVATE KEY" => Ok(Form::Plain),
        "DSA PRIVATE KEY" => Err(Error::KeyUnsupported { algorithm: "DSA".to_owned() }),
        _ => malformed("its BEGIN line names no private key"),
    }
}

#[cfg(test)]
mod tests {
    use russh::keys::ssh_key::Mpint;
    use russh::keys::ssh_key::private::{RsaKeypair, RsaPrivateKey};
    use russh::keys::ssh_key::public::RsaPublicKey;

    use super::*;

    fn armour(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    #[test]
    fn each_wrong_text_has_its_own_error() {
        let check = |text: &str, wanted: &str| {
            let error = decode(&text.into(), None).map(|_| ()).unwrap_err();
            assert!(format!("{error:?}").starts_with(wanted), "{text:.60}: {error:?}");
        };
        check("", "KeyMalformed");
        check("hunter2", "KeyMalformed");
        check("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "KeyIsPutty");
        check("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@home", "KeyIsPublic");
        check(&armour("PUBLIC KEY", "AAAA"), "KeyIsPublic");
        check(&armour("RSA PUBLIC KEY", "AAAA"), "KeyIsPublic");
        check("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "KeyIsPublic");
        check(&armour("CERTIFICATE", "AAAA"), "KeyMalformed");
        check(&armour("DSA PRIVATE KEY", "AAAA"), "KeyUnsupported");
        check(&armour("OPENSSH PRIVATE KEY", "AAAA"), "KeyMalformed");
        check(&armour("OPENSSH PRIVATE KEY", "?"), "KeyMalformed");
        check(&armour("PRIVATE KEY", "AAAA"), "KeyMalformed");
        check(&armour("ENCRYPTED PRIVATE KEY", "AAAA"), "KeyNeedsPassphrase");
        check("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA", "KeyMalformed");
        let old = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA";
        check(&armour("EC PRIVATE KEY", old), "KeyOldEncryption");
        check(&armour("RSA PRIVATE KEY", old), "KeyNeedsPassphrase");
        check(&armour("RSA PRIVATE KEY", &old.replace("AES-128-CBC", "DES-EDE3-CBC")), "KeyOldEncryption");
    }

    #[test]
    fn a_generated_key_is_one_that_can_be_used_and_no_two_are_the_same() {
        let (text, half) = generate("aweigh:deploy").unwrap();
        assert_eq!(public_half(&text, None).unwrap(), half);
        assert!(
            half.line.starts_with("ssh-ed25519 AAAA") && half.line.ends_with(" aweigh:deploy"),
            "{half:?}"
        );
        assert_ne!(generate("aweigh:deploy").unwrap().1, half);
    }

    /// A key of nobody, by ssh-keygen, of which the number has 31 bytes; and the same with a passphrase.
    #[test]
    fn an_ecdsa_key_with_a_short_number_is_read_like_any_other() {
        let plain = SecretString::from(include_str!("../../tests/short-ecdsa"));
        let encrypted = SecretString::from(include_str!("../../tests/short-ecdsa-encrypted"));
        let line = include_str!("../../tests/short-ecdsa.pub").trim();
        assert_eq!(public_half(&plain, None).unwrap().line, line);
        assert_eq!(public_half(&encrypted, Some(&"hunter2hunter".into())).unwrap().line, line);
        let wrong = public_half(&encrypted, Some(&"hunter2".into()));
        assert!(matches!(wrong, Err(Error::WrongPassphrase)), "{wrong:?}");
        assert!(matches!(public_half(&encrypted, None), Err(Error::KeyNeedsPassphrase)));
    }

    #[test]
    fn the_text_never_shows_in_an_error() {
        let text = armour("OPENSSH PRIVATE KEY", "U2VjcmV0U2VjcmV0");
        let error = decode(&text.as_str().into(), Some(&"hunter2".into())).unwrap_err();
        let shown = format!("{error:?} {error} {}", error.hint());
        assert!(!shown.contains("U2VjcmV0") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_text_that_is_cut_short_anywhere_is_malformed() {
        let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let whole = key.to_openssh(LineEnding::LF).unwrap();
        assert!(decode(&whole.as_str().into(), None).is_ok());
        for length in 0..whole.len() - 2 {
            let error = decode(&whole[..length].into(), None).map(|_| ()).unwrap_err();
            assert!(matches!(error, Error::KeyMalformed { .. }), "{length}: {error:?}");
        }
        let longer = format!("{}trailing", whole.as_str());
        assert!(matches!(decode(&longer.into(), None), Err(Error::KeyMalformed { .. })));
    }

    #[test]
    fn a_huge_rsa_key_is_refused_by_its_size() {
        let number = |bits: usize| Mpint::from_positive_bytes(&vec![0xff; bits / 8]);
        let public = RsaPublicKey::new(Mpint::from_positive_bytes(&[1, 0, 1]), number(16384)).unwrap();
        let private = RsaPrivateKey::new(number(16384), number(8192), number(8192), number(8192)).unwrap();
        let pair = RsaKeypair::new(public, private).unwrap();
        let text = PrivateKey::new(pair.into(), "").unwrap().to_openssh(LineEnding::LF).unwrap();
        let error = decode(&text.as_str().into(), None).map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the private key is of a kind that is not supported: RSA with 16384 bits"
        );
    }
}
