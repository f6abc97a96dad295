//! ECDSA keys whose number is short. `ssh-keygen` writes the number of a key without zeros in front (`mpint`, RFC 4251
//! section 5), so for one P-256 key in 512 it has less than 32 bytes; our library takes no such key. Here it is written anew
//! as the library takes it.

use russh::keys::PrivateKey;
use russh::keys::ssh_key::encoding::{Base64Reader, Decode, Reader};
use russh::keys::ssh_key::{Cipher, Kdf};
use secrecy::zeroize::Zeroizing;

/// What every such file begins with (OpenSSH, PROTOCOL.key).
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The only curve whose numbers can be too short by chance.
const KIND: &[u8] = b"ecdsa-sha2-nistp256";

/// How long a number of that curve is, in bytes.
const WHOLE: usize = 32;

/// A private key in the text of OpenSSH with a short number; `None` where it is anything else, or the passphrase is wrong.
pub(super) fn decode(text: &str, passphrase: Option<&str>) -> Option<PrivateKey> {
    let container = container(text)?;
    let mut rest = container.strip_prefix(MAGIC)?;
    let cipher = Cipher::decode(&mut rest).ok()?;
    let kdf = Kdf::decode(&mut rest).ok()?;
    let (_count, mut rest) = rest.split_at_checked(4)?;
    let public = string(&mut rest)?;
    let mut private = Zeroizing::new(string(&mut rest)?.to_vec());
    if cipher.is_some() {
        let (key, iv) = kdf.derive_key_and_iv(cipher, passphrase?).ok()?;
        cipher.decrypt(&key, &iv, &mut private, rest.try_into().ok()).ok()?;
    }
    let private = lengthened(&private)?;
    let mut plain = Zeroizing::new(MAGIC.to_vec());
    for part in [&b"none"[..], b"none", b""] {
        push(&mut plain, part)?;
    }
    plain.extend(1_u32.to_be_bytes());
    push(&mut plain, public)?;
    push(&mut plain, &private)?;
    PrivateKey::from_bytes(&plain).ok()
}

/// What stands between BEGIN and END.
fn container(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let letters = Zeroizing::new(lines.collect::<String>());
    let mut reader = Base64Reader::new(letters.as_bytes()).ok()?;
    let mut bytes = Zeroizing::new(vec![0; reader.remaining_len()]);
    reader.read(&mut bytes).ok()?;
    Some(bytes)
}

/// The private part with the number at its whole length; `None` where it is not short.
fn lengthened(private: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (first, rest) = private.split_at_checked(4)?;
    let (second, mut rest) = rest.split_at_checked(4)?;
    // Two equal numbers: it was opened by the right passphrase.
    let [kind, curve, point, number, comment] =
        [string(&mut rest)?, string(&mut rest)?, string(&mut rest)?, string(&mut rest)?, string(&mut rest)?];
    if first != second || kind != KIND || number.len() >= WHOLE {
        return None;
    }
    let mut whole = Zeroizing::new([0; WHOLE]);
    whole.get_mut(WHOLE - number.len()..)?.copy_from_slice(number);
    let mut out = Zeroizing::new([first, second].concat());
    for part in [kind, curve, point, &whole[..], comment] {
        push(&mut out, part)?;
    }
    // Filled up to a block of eight bytes, by 1, 2, 3 and so on.
    for filling in 1.. {
        if out.len() % 8 == 0 {
            break;
        }
        out.push(filling);
    }
    Some(out)
}

/// The next string (RFC 4251 section 5).
fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (string, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(string)
}

fn push(bytes: &mut Vec<u8>, string: &[u8]) -> Option<()> {
    bytes.extend(u32::try_from(string.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(string);
    Some(())
}
