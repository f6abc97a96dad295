//! What stands before the `@` of an HTTP address.

use secrecy::SecretString;

use super::parser::{Refusal, refuse};

/// What stood before the `@` of an HTTP address. The name alone can be a token too, so it is a secret as well.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) username: SecretString,
    pub(crate) password: Option<SecretString>,
}

impl Login {
    /// Reads `name` or `name:password`, percent-encoded.
    pub(super) fn read(login: &str) -> Result<Self, Refusal<'static>> {
        let (username, password) = match login.split_once(':') {
            None => (login, None),
            Some((username, password)) => (username, Some(password)),
        };
        let decoded = |text: &str| match percent_decoded(text) {
            Some(text) if !text.chars().any(char::is_control) => Ok(SecretString::from(text)),
            _ => refuse("its user name or password is not percent-encoded text"),
        };
        Ok(Self { username: decoded(username)?, password: password.map(decoded).transpose()? })
    }
}

/// Undoes percent-encoding (RFC 3986, 2.1); nothing when an escape is cut short or the result is not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2)?;
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        decoded.push(u8::from_str_radix(hex, 16).ok()?);
        decoded.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(decoded).ok()
}
