//! The algorithms we agree to: no SHA-1, no CBC, no MD5, no compression. SHA-1 and CBC only for servers of which it is said
//! that they know nothing better.

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Names, Preferred, cipher, compression, kex, mac};

use super::HostKey;
use crate::{KeyExchange, Target};

/// Against an attacker who keeps what he hears for the day of a quantum computer.
const POST_QUANTUM: &[kex::Name] = &[kex::MLKEM768X25519_SHA256];

const CURVE25519: &[kex::Name] = &[kex::CURVE25519, kex::CURVE25519_PRE_RFC_8731];

const OTHER_KEX: &[kex::Name] = &[
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// Three to five times as fast as anything else where the processor computes AES.
const AES_GCM: &[cipher::Name] = &[cipher::AES_128_GCM, cipher::AES_256_GCM];

/// The fastest where it does not.
const CHACHA: &[cipher::Name] = &[cipher::CHACHA20_POLY1305];

const OTHER_CIPHERS: &[cipher::Name] = &[cipher::AES_256_CTR, cipher::AES_128_CTR];

const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];

/// For servers from before 2014, behind everything else.
const LEGACY_KEX: &[kex::Name] = &[kex::DH_G14_SHA1];

const LEGACY_CIPHERS: &[cipher::Name] = &[cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC];

const LEGACY_MACS: &[mac::Name] = &[mac::HMAC_SHA1];

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

/// What a server is offered: the kinds of its pinned keys first, and certificates where somebody may vouch for it. Elsewhere
/// a certificate would stand in the way of the key that is pinned.
pub(super) fn offer_to(target: &Target) -> Preferred {
    let mut offer = offer(pinned_first(&target.host_keys), target.key_exchange);
    if target.authorities.iter().any(|authority| authority.speaks_for(&target.host, target.port)) {
        offer.host_key_certificates = Cow::Owned(FAMILIES.concat());
    }
    if target.legacy_algorithms {
        add_legacy(&mut offer);
    }
    offer
}

/// Adds what is not safe any more, behind everything that is. A family of host keys without RSA stays one.
pub(super) fn add_legacy(offer: &mut Preferred) {
    offer.kex.to_mut().extend_from_slice(LEGACY_KEX);
    offer.cipher.to_mut().extend_from_slice(LEGACY_CIPHERS);
    offer.mac.to_mut().extend_from_slice(LEGACY_MACS);
    if offer.key.iter().any(|key| matches!(key, Algorithm::Rsa { .. })) {
        offer.key.to_mut().push(Algorithm::Rsa { hash: None });
    }
}

/// Our offer, with these kinds of host keys. The order of the client decides (RFC 4253, section 7.1).
pub(super) fn offer(host_keys: Vec<Algorithm>, key_exchange: KeyExchange) -> Preferred {
    let kex = match key_exchange {
        KeyExchange::Fast => [CURVE25519, POST_QUANTUM, OTHER_KEX],
        KeyExchange::PostQuantum => [POST_QUANTUM, CURVE25519, OTHER_KEX],
    };
    let ciphers =
        if computes_aes() { [AES_GCM, CHACHA, OTHER_CIPHERS] } else { [CHACHA, AES_GCM, OTHER_CIPHERS] };
    Preferred {
        kex: Cow::Owned(kex.concat()),
        key: Cow::Owned(host_keys),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Owned(ciphers.concat()),
        mac: Cow::Borrowed(MACS),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

/// Whether this processor has instructions for AES and for the multiplication of GCM.
fn computes_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
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
    let plain = [mac::HMAC_SHA256, mac::HMAC_SHA512, mac::HMAC_SHA1];
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
        let offer = offer(pinned_first(&[]), KeyExchange::PostQuantum);
        let names = format!("{offer:?}").to_lowercase();
        for weak in ["sha1", "cbc", "md5", "group1-", "zlib", "3des", "ssh-dss"] {
            assert!(!names.contains(weak), "{weak} is offered: {names}");
        }
        assert!(!offer.key.contains(&Algorithm::Rsa { hash: None }), "RSA with SHA-1 is offered");
    }

    #[test]
    fn what_is_not_safe_stands_behind_all_that_is() {
        let safe = offer(pinned_first(&[]), KeyExchange::Fast);
        let mut all = safe.clone();
        add_legacy(&mut all);
        assert!(all.kex.starts_with(&safe.kex) && all.kex.ends_with(LEGACY_KEX));
        assert!(all.cipher.starts_with(&safe.cipher) && all.mac.starts_with(&safe.mac));
        assert_eq!(all.key.last(), Some(&Algorithm::Rsa { hash: None }));
        let mut ed25519 = offer(vec![Algorithm::Ed25519], KeyExchange::Fast);
        add_legacy(&mut ed25519);
        assert_eq!(ed25519.key[..], [Algorithm::Ed25519]);
    }

    #[test]
    fn the_wish_for_a_key_exchange_decides_its_order_and_hides_nothing() {
        let first = |wish| offer(pinned_first(&[]), wish).kex[0];
        assert_eq!(first(KeyExchange::Fast), kex::CURVE25519);
        assert_eq!(first(KeyExchange::PostQuantum), kex::MLKEM768X25519_SHA256);
        let all = |wish| {
            let mut names: Vec<String> =
                offer(pinned_first(&[]), wish).kex.iter().map(|name| format!("{name:?}")).collect();
            names.sort();
            names
        };
        assert_eq!(all(KeyExchange::Fast), all(KeyExchange::PostQuantum));
    }
}
