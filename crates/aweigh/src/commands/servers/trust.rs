//! `servers trust`, `projects trust`: shows the host keys that a machine presents, and pins the one a person or a script
//! confirms.

use api::{ScannedKey, TrustAnswer, TrustRequest};
use model::Name;

use crate::advice::Advised;
use crate::client::{Ask, Client, Error};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::say;
use crate::typed;

/// Whose keys are trusted.
pub(crate) struct Whose {
    /// The resource of the API, and the command.
    things: &'static str,
    /// What the machine is to a thing, before its name.
    words: &'static str,
    /// With what to compare.
    compare: &'static str,
}

/// A server.
pub(crate) const SERVER: Whose = Whose {
    things: "servers",
    words: "",
    compare: "compare the fingerprint with `ssh-keygen -lf` on the server itself",
};

/// The host of a project's repository.
pub(crate) const GIT_HOST: Whose = Whose {
    things: "projects",
    words: "the git host of ",
    compare: "compare the fingerprint with what the owner of the host publishes",
};

pub(crate) async fn run(
    client: &Client,
    whose: &Whose,
    name: &Name,
    fingerprint: Option<String>,
) -> anyhow::Result<Ending> {
    let fingerprint = match fingerprint {
        Some(fingerprint) => fingerprint,
        None => match confirmed(client, whose, name).await? {
            Some(fingerprint) => fingerprint,
            None => return Ok(Ending::Done),
        },
    };
    ask(client, whose, name, Some(fingerprint.clone())).await?;
    say(&format!("{}{name} is trusted by {}", whose.words, one_line(&fingerprint)))?;
    Ok(Ending::Done)
}

/// The fingerprint that a person confirms; nothing when there is nothing to confirm.
async fn confirmed(client: &Client, whose: &Whose, name: &Name) -> anyhow::Result<Option<String>> {
    let shown = ask(client, whose, name, None).await?;
    for key in &shown.keys {
        let known = if shown.pinned.contains(&key.key) { "  (pinned)" } else { "" };
        say(&format!("{} {}{known}", kind(key), one_line(&key.fingerprint)))?;
    }
    let Some(best) = best(&shown) else {
        say(&format!("the host key of {}{name} is pinned already", whose.words))?;
        return Ok(None);
    };
    let question =
        format!("Pin the {} key {} of {}{name}?", kind(best), one_line(&best.fingerprint), whose.words);
    match typed::confirmed(&question)? {
        Some(true) => Ok(Some(best.fingerprint.clone())),
        answer => Err(not_pinned(whose, name, best, answer).into()),
    }
}

async fn ask(
    client: &Client,
    whose: &Whose,
    name: &Name,
    fingerprint: Option<String>,
) -> Result<TrustAnswer, Error> {
    let request = TrustRequest { fingerprint };
    let answer = client.post(&Ask::at(&[whose.things, name.as_str(), "trust"]), &request).await?;
    client.decode(&answer)
}

/// The key to offer: an Ed25519 one when there is one; none when one that is presented is pinned already.
fn best(answer: &TrustAnswer) -> Option<&ScannedKey> {
    if answer.keys.iter().any(|key| answer.pinned.contains(&key.key)) {
        return None;
    }
    answer.keys.iter().find(|key| kind(key) == "ssh-ed25519").or(answer.keys.first())
}

fn kind(key: &ScannedKey) -> String {
    one_line(key.key.split(' ').next().unwrap_or_default())
}

fn not_pinned(whose: &Whose, name: &Name, best: &ScannedKey, answer: Option<bool>) -> Advised {
    let hint = match answer {
        Some(_) => whose.compare.to_owned(),
        None => format!(
            "compare the fingerprint, then say: aweigh {} trust {name} --fingerprint {}",
            whose.things,
            one_line(&best.fingerprint)
        ),
    };
    Advised::new(format!("nothing is pinned for {}{name}", whose.words), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_key_is_offered_once() {
        let key =
            |kind: &str| ScannedKey { key: format!("{kind} AAAA"), fingerprint: format!("SHA256:{kind}") };
        let keys = vec![key("ssh-rsa"), key("ssh-ed25519")];
        let mut answer = TrustAnswer { keys, pinned: Vec::new() };
        assert_eq!(best(&answer).unwrap().fingerprint, "SHA256:ssh-ed25519");
        answer.pinned.push("ssh-rsa AAAA".to_owned());
        assert!(best(&answer).is_none());
    }
}
