//! The vault: seals secrets so that the database alone tells nothing, and a sealed secret opens only in its place.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use model::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, MasterKey};

/// Which master key a blob was sealed with; the first is 1. It grows when keys are rotated.
const KEY_VERSION: u32 = 1;

const NONCE: usize = 24;
const TAG: usize = 16;
const WRAPPED: usize = 32 + TAG;

/// Where a secret is stored. A blob that was moved to another place does not open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'a str,
    pub(crate) row: &'a str,
    pub(crate) field: &'a str,
}

impl Place<'_> {
    /// What the ciphertext is bound to; lengths keep `ab` + `c` apart from `a` + `bc`.
    fn bound(self, key_version: u32) -> Vec<u8> {
        let mut bound = key_version.to_be_bytes().to_vec();
        for part in [self.table, self.row, self.field] {
            bound.extend((part.len() as u64).to_be_bytes());
            bound.extend(part.as_bytes());
        }
        bound
    }

    fn refused(self) -> Error {
        Error::Sealed { row: format!("{} {}", self.table, self.row), field: self.field.to_owned() }
    }
}

/// Seals and opens secrets with the master key.
///
/// Each secret has its own random key, which the master key wraps. A blob is: key version (4 bytes, big endian),
/// nonce and wrapped key, nonce and ciphertext; both parts are XChaCha20-Poly1305.
pub(crate) struct Vault {
    master: MasterKey,
}

impl Vault {
    pub(crate) fn new(master: MasterKey) -> Self {
        Self { master }
    }

    /// Seals `secret` for `place`; twice the same gives two different blobs.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let bound = place.bound(KEY_VERSION);
        let mut key = Zeroizing::new([0; 32]);
        rand::fill(&mut key[..]);
        let mut blob = KEY_VERSION.to_be_bytes().to_vec();
        for (key, plain) in [(self.master.bytes(), &key[..]), (&*key, secret)] {
            let mut nonce = [0; NONCE];
            rand::fill(&mut nonce);
            let payload = Payload { msg: plain, aad: &bound };
            let cipher = XChaCha20Poly1305::new(key.into());
            let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| place.refused())?;
            blob.extend(nonce);
            blob.extend(sealed);
        }
        Ok(blob)
    }

    /// Opens what was sealed for `place` with this master key.
    pub(crate) fn open(&self, place: Place<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.try_open(place, blob).ok_or_else(|| place.refused())
    }

    fn try_open(&self, place: Place<'_>, blob: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = blob.split_first_chunk::<4>()?;
        let version = u32::from_be_bytes(*version);
        if version != KEY_VERSION {
            return None;
        }
        let bound = place.bound(version);
        let (key_nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let (wrapped, rest) = rest.split_first_chunk::<WRAPPED>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let opened = |key: &[u8; 32], nonce: &[u8; NONCE], sealed: &[u8]| {
            let payload = Payload { msg: sealed, aad: &bound };
            let cipher = XChaCha20Poly1305::new(key.into());
            cipher.decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
        };
        let unwrapped = opened(self.master.bytes(), key_nonce, wrapped)?;
        opened(unwrapped.first_chunk::<32>()?, nonce, sealed)
    }

    /// Opens a text.
    pub(crate) fn open_text(&self, place: Place<'_>, blob: &[u8]) -> Result<SecretString, Error> {
        let bytes = self.open(place, blob)?;
        // Copied once at its exact size: no growth or shrinking leaves a copy that is not zeroed.
        std::str::from_utf8(&bytes).map(SecretString::from).map_err(|_| place.refused())
    }

    /// A keyed hash of some secrets: equal when they are equal, and useless without the master key.
    pub(crate) fn digest(&self, secrets: &[Option<&SecretString>]) -> String {
        // A key of its own, so that a digest says nothing about what the master key wraps.
        let key = mac(self.master.bytes(), &[b"aweigh: digest of secrets"]);
        let lengths: Vec<[u8; 8]> = secrets
            .iter()
            .map(|secret| secret.map_or(u64::MAX, |text| text.expose_secret().len() as u64).to_be_bytes())
            .collect();
        let parts: Vec<&[u8]> = lengths
            .iter()
            .zip(secrets)
            .flat_map(|(length, secret)| {
                [&length[..], secret.map_or(&[][..], |text| text.expose_secret().as_bytes())]
            })
            .collect();
        hex::encode(&mac(&key, &parts)[..])
    }
}

/// HMAC-SHA-256 (RFC 2104) of the joined parts.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // One block of SHA-256: the key, and zeros after it.
    let mut block = Zeroizing::new([0; 64]);
    for (padded, byte) in block.iter_mut().zip(key) {
        *padded = *byte;
    }
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "credential", row: "deploy", field: "secret" };

    fn vault(seed: u8) -> Vault {
        let hex = SecretString::from(format!("{seed:02x}").repeat(32));
        Vault::new(MasterKey::load(std::path::Path::new("/nowhere"), Some(hex)).unwrap())
    }

    #[test]
    fn a_secret_opens_only_in_its_place_with_its_key() {
        let sealed = vault(1).seal(PLACE, b"hunter2").unwrap();
        assert_eq!(&vault(1).open(PLACE, &sealed).unwrap()[..], b"hunter2");
        assert!(vault(2).open(PLACE, &sealed).is_err(), "another master key");
        for other in [
            Place { row: "other", ..PLACE },
            Place { field: "passphrase", ..PLACE },
            Place { table: "token", ..PLACE },
            Place { table: "credentiald", row: "eploy", ..PLACE },
        ] {
            assert!(vault(1).open(other, &sealed).is_err(), "{other:?}");
        }
        assert!(!sealed.windows(7).any(|part| part == b"hunter2"));
    }

    #[test]
    fn every_byte_counts() {
        let sealed = vault(1).seal(PLACE, b"hunter2").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault(1).open(PLACE, &changed).is_err(), "byte {at}");
            assert!(vault(1).open(PLACE, &sealed[..at]).is_err(), "cut at {at}");
        }
        assert_ne!(sealed, vault(1).seal(PLACE, b"hunter2").unwrap(), "a fresh key and nonce each time");
    }

    #[test]
    fn a_digest_tells_equal_from_different_and_needs_the_key() {
        let [a, b] = ["ab", "c"].map(SecretString::from);
        let [c, d] = ["a", "bc"].map(SecretString::from);
        let digest = |first, second| vault(1).digest(&[first, second]);
        assert_eq!(digest(Some(&a), Some(&b)), digest(Some(&a), Some(&b)));
        assert_ne!(digest(Some(&a), Some(&b)), digest(Some(&c), Some(&d)));
        assert_ne!(digest(Some(&a), None), digest(None, Some(&a)));
        assert_ne!(digest(Some(&a), None), vault(2).digest(&[Some(&a), None]));
    }

    #[test]
    fn the_keyed_hash_is_hmac_sha_256() {
        // Test case 1 of RFC 4231 has a 20-byte key; zero bytes after it do not change an HMAC.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(
            hex::encode(&mac(&key, &[b"Hi ", b"There"])[..]),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }
}
