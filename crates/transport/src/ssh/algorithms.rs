//! The algorithms we agree to: no SHA-1, no CBC, no MD5, no compression.

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Names, Preferred, cipher, compression, kex, mac};

use super::HostKey;

/// Curve25519 comes first: the hybrid with ML-KEM costs both ends more and guards traffic that
/// is worth little in twenty years.
const KEX: &[kex::Name] = &[
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::MLKEM768X25519_SHA256,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_128_CTR,
];

const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];

/// The kinds of host keys, the preferred first. One kind is what a server has at most one key of.
pub(super) const FAMILIES: &[&[Algorithm]] = &[
    &[Algorithm::Ed25519],
    &[
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    ],
    &[Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, Algorithm::Rsa { hash: Some(HashAlg::Sha256) }],
];

/// Our offer, with these kinds of host keys.
pub(super) fn offer(host_keys: Vec<Algorithm>) -> Preferred {
    Preferred {
        kex: Cow::Borrowed(KEX),
        key: Cow::Owned(host_keys),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Borrowed(CIPHERS),
        mac: Cow::Borrowed(MACS),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

/// All kinds of host keys, those of the pinned keys first: a server with several keys would
/// otherwise present another one, and look changed.
pub(super) fn pinned_first(pinned: &[HostKey]) -> Vec<Algorithm> {
    let is_pinned = |algorithm: &Algorithm| {
        // The two signature forms of an RSA key share one key type.
        let name = if matches!(algorithm, Algorithm::Rsa { .. }) { "ssh-rsa" } else { algorithm.as_str() };
        pinned.iter().any(|key| key.algorithm == name)
    };
    let (mut first, rest): (Vec<_>, Vec<_>) =
        FAMILIES.iter().copied().flatten().cloned().partition(is_pinned);
    first.extend(rest);
    first
}

/// Whether an attacker in the middle could drop the first messages unnoticed (Terrapin): only
/// AES-GCM, and counter mode with a MAC over the plain text, are safe without strict key exchange.
pub(super) fn is_open_to_terrapin(names: &Names) -> bool {
    let gcm = [cipher::AES_256_GCM, cipher::AES_128_GCM].contains(&names.cipher);
    let plain = [mac::HMAC_SHA256, mac::HMAC_SHA512];
    let plain_mac = plain.contains(&names.client_mac) && plain.contains(&names.server_mac);
    let mac_counts = names.cipher != cipher::CHACHA20_POLY1305;
    !(names.strict_kex() || gcm || (mac_counts && plain_mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_kind_is_asked_for_first_and_no_kind_is_lost() {
        let pin = |algorithm: &str| HostKey { algorithm: algorithm.to_owned(), key_base64: String::new() };
        let order = pinned_first(&[pin("ssh-rsa")]);
        assert!(matches!(order[..2], [Algorithm::Rsa { .. }, Algorithm::Rsa { .. }]), "{order:?}");
        assert_eq!(order.len(), 6);
        let order = pinned_first(&[pin("ecdsa-sha2-nistp384")]);
        assert_eq!(order[0], Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 });
    }

    #[test]
    fn nothing_weak_is_offered() {
        let offer = offer(pinned_first(&[]));
        let names = format!("{offer:?}").to_lowercase();
        for weak in ["sha1", "cbc", "md5", "group1-", "zlib", "3des", "ssh-dss"] {
            assert!(!names.contains(weak), "{weak} is offered: {names}");
        }
        assert!(!offer.key.contains(&Algorithm::Rsa { hash: None }), "RSA with SHA-1 is offered");
    }
}
