//! The vault: seals secrets so that the database alone tells nothing, and a sealed secret opens only in its place.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use model::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, MasterKey};

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

/// A master key, and which one it is: the first is 1, and each that takes the place of another is one more.
pub(crate) struct Versioned {
    pub(crate) key: MasterKey,
    pub(crate) version: u32,
}

/// The master keys that something may be sealed with.
struct Keys {
    current: Versioned,
    /// The one before, while something may be sealed with it.
    retiring: Option<Versioned>,
}

/// Seals and opens secrets with the master key.
///
/// Each secret has its own random key, which the master key wraps. A blob is: key version (4 bytes, big endian),
/// nonce and wrapped key, nonce and ciphertext; both parts are XChaCha20-Poly1305.
pub(crate) struct Vault {
    keys: RwLock<Keys>,
}

impl Vault {
    /// Seals with `current`; opens what was sealed with `retiring`, too.
    pub(crate) fn new(current: Versioned, retiring: Option<Versioned>) -> Self {
        Self { keys: RwLock::new(Keys { current, retiring }) }
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which master key is sealed with.
    pub(crate) fn version(&self) -> u32 {
        self.keys().current.version
    }

    /// Whether this is the key that is sealed with.
    pub(crate) fn is_current(&self, key: &MasterKey) -> bool {
        self.keys().current.key.bytes() == key.bytes()
    }

    /// Whether the current key lies in the data folder.
    pub(crate) fn is_file(&self) -> bool {
        self.keys().current.key.is_file()
    }

    /// From here on is sealed with `next`; what was sealed before opens as before.
    pub(crate) fn turn_to(&self, next: Versioned) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut keys.current, next);
        keys.retiring = Some(before);
    }

    /// Seals `secret` for `place`; twice the same gives two different blobs.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>, Error> {
        self.keys().current.seal(place, secret).ok_or_else(|| place.refused())
    }

    /// Opens what was sealed for `place` with one of the master keys.
    pub(crate) fn open(&self, place: Place<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let keys = self.keys();
        let version = version_of(blob);
        let known = std::iter::once(&keys.current).chain(&keys.retiring);
        let key = known.into_iter().find(|key| Some(key.version) == version);
        key.and_then(|key| key.try_open(place, blob)).ok_or_else(|| place.refused())
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
        let key = mac(self.keys().current.key.bytes(), &[b"aweigh: digest of secrets"]);
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

/// The master key that a blob says it was sealed with.
pub(crate) fn version_of(blob: &[u8]) -> Option<u32> {
    blob.first_chunk::<4>().map(|version| u32::from_be_bytes(*version))
}

impl Versioned {
    /// Seals `secret` for `place` with this key.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &[u8]) -> Option<Vec<u8>> {
        let bound = place.bound(self.version);
        let mut key = Zeroizing::new([0; 32]);
        rand::fill(&mut key[..]);
        let mut blob = self.version.to_be_bytes().to_vec();
        for (key, plain) in [(self.key.bytes(), &key[..]), (&*key, secret)] {
            let mut nonce = [0; NONCE];
            rand::fill(&mut nonce);
            let payload = Payload { msg: plain, aad: &bound };
            let cipher = XChaCha20Poly1305::new(key.into());
            blob.extend(nonce);
            blob.extend(cipher.encrypt(&XNonce::from(nonce), payload).ok()?);
        }
        Some(blob)
    }

    /// Opens what was sealed for `place` with this key.
    pub(crate) fn try_open(&self, place: Place<'_>, blob: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = blob.split_first_chunk::<4>()?;
        let version = u32::from_be_bytes(*version);
        if version != self.version {
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
        let unwrapped = opened(self.key.bytes(), key_nonce, wrapped)?;
        opened(unwrapped.first_chunk::<32>()?, nonce, sealed)
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

    fn versioned(hex: SecretString, version: u32) -> Versioned {
        let key = MasterKey::load(std::path::Path::new("/nowhere"), Some(hex)).unwrap();
        Versioned { key, version }
    }

    fn vault(seed: u8) -> Vault {
        let hex = SecretString::from(format!("{seed:02x}").repeat(32));
        Vault::new(versioned(hex, 1), None)
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
    fn what_was_sealed_with_the_key_before_opens_and_nothing_more_is_sealed_with_it() {
        let vault = vault(1);
        let before = vault.seal(PLACE, b"hunter2").unwrap();
        vault.turn_to(versioned(SecretString::from("02".repeat(32)), 2));
        let after = vault.seal(PLACE, b"hunter3").unwrap();
        assert_eq!(&vault.open(PLACE, &before).unwrap()[..], b"hunter2");
        assert_eq!(&vault.open(PLACE, &after).unwrap()[..], b"hunter3");
        assert_eq!((version_of(&before), version_of(&after)), (Some(1), Some(2)));
        // A blob that says it is of another key does not open.
        let mut claims = before.clone();
        claims[3] = 2;
        assert!(vault.open(PLACE, &claims).is_err());
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
