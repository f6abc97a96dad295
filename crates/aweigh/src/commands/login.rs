//! `login`: keeps the address of a server and a token for it, after the server has said that the token is good.

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};

use crate::advice::Advised;
use crate::cli::LoginArgs;
use crate::client::{Ask, At, Client, Login, Place, is_loopback, url};
use crate::exit::Ending;
use crate::places::{self, Env};
use crate::render::{note, say};
use crate::typed;

pub(super) async fn run(args: &LoginArgs, env: Env<'_>) -> anyhow::Result<Ending> {
    let url = url(&args.url)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        note("warning: the token crosses the network readable by everyone on the way; https would hide it");
    }
    let token = sound(&typed::secret_line("Token")?)?;
    let client = Client::new(Place { at: At::Url(url.clone()), token: Some(token.clone()) })?;
    client.get_text(&Ask::at(&["board"])).await?;
    let file = places::login_file(env);
    let login = Login { url, token };
    login.write(&file).with_context(|| format!("cannot write {}", file.display()))?;
    say(&format!("commands use {} from now on (kept in {})", client.place(), file.display()))?;
    Ok(Ending::Done)
}

/// A token is printable: anything else cannot stand in a header.
fn sound(token: &SecretString) -> Result<SecretString, Advised> {
    let token = token.expose_secret().trim();
    if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(token.into());
    }
    Err(Advised::new("this is no token", "give it as one line on standard input, or type it when asked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_printable_tokens_are_taken() {
        assert_eq!(sound(&"  abc-123\n".into()).unwrap().expose_secret(), "abc-123");
        for bad in ["", "\n", "two words", "line\nbreak", "é"] {
            assert!(sound(&bad.into()).is_err(), "{bad:?}");
        }
    }
}
