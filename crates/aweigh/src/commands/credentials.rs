//! `credentials`: what logs in to servers and repositories. Secrets go in, and never come out.

use std::path::Path;

use api::{
    CredentialKind, CredentialSpec, CredentialView, GenerateRequest, Named, Page, Passphrase, RotateAnswer,
    RotatedState, Secret,
};
use jiff::tz::TimeZone;
use model::Name;
use secrecy::ExposeSecret;

use crate::advice::Advised;
use crate::cli::{CredentialAdd, Credentials, Listing};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::fleet_file::secret_of;
use crate::places::Env;
use crate::render::words::date;
use crate::render::{note, say, table};
use crate::typed;

pub(super) async fn run(client: &Client, verb: Credentials, env: Env<'_>) -> anyhow::Result<Ending> {
    match verb {
        Credentials::List(listing) => list(client, listing).await,
        Credentials::Add(args) => {
            let credential = Named { name: args.name.clone(), spec: spec(args, env)? };
            client.post(&Ask::at(&["credentials"]), &credential).await?;
            say(&format!("+ credential {}", credential.name))?;
            let is_bare = |secret: &Secret| !engine::masker::is_masked(secret.0.expose_secret());
            if credential.spec.secret.as_ref().is_some_and(is_bare) {
                note("note: it is too short to be masked: it stands in logs as it is written there");
            }
            Ok(Ending::Done)
        }
        Credentials::Generate { name, kind } => {
            let ask = Ask::at(&["credentials", name.as_str(), "generate"]);
            let made: CredentialView = client.decode(&client.post(&ask, &GenerateRequest { kind }).await?)?;
            say(made.public_key.as_deref().unwrap_or_default())?;
            note(if kind == CredentialKind::GitKey {
                "add this line to the git host, as a deploy key that may only read"
            } else {
                "add this line to ~/.ssh/authorized_keys of the login user on each server"
            });
            Ok(Ending::Done)
        }
        Credentials::Retype { name, secret } => retype(client, name, secret, env).await,
        Credentials::Show { name, listing } => show(client, name.as_str(), listing).await,
        Credentials::Rotate { name, listing } => rotate(client, name.as_str(), listing).await,
        Credentials::Remove { name } => {
            client.delete(&Ask::at(&["credentials", name.as_str()])).await?;
            say(&format!("- credential {name}"))?;
            Ok(Ending::Done)
        }
    }
}

async fn list(client: &Client, listing: Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["credentials"])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<CredentialView> = client.decode(&answer)?;
    let zone = TimeZone::system();
    let row = |credential: &CredentialView| {
        vec![
            credential.name.to_string(),
            credential.kind.word().to_owned(),
            credential.username.clone().unwrap_or_default(),
            credential.fingerprint.clone().unwrap_or_default(),
            date(credential.updated_at, &zone),
        ]
    };
    let head = ["NAME", "KIND", "USER", "FINGERPRINT", "STORED"];
    table::show(&head, page.items.iter().map(row).collect(), "no credentials yet")?;
    Ok(Ending::Done)
}

async fn show(client: &Client, name: &str, listing: Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["credentials", name])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let credential: CredentialView = client.decode(&answer)?;
    let told = [
        Some(format!("kind: {}", credential.kind.word())),
        credential.username.map(|user| format!("user: {user}")),
        credential.fingerprint.map(|text| format!("fingerprint: {text}")),
        Some(format!("stored: {}", date(credential.updated_at, &TimeZone::system()))),
    ];
    told.into_iter().flatten().for_each(|line| note(&line));
    credential.public_key.iter().try_for_each(|line| say(line))?;
    Ok(Ending::Done)
}

async fn retype(
    client: &Client,
    name: Name,
    secret: crate::cli::Secret,
    env: Env<'_>,
) -> anyhow::Result<Ending> {
    let path = name.to_string();
    let ask = Ask::at(&["credentials", &path]);
    let before: CredentialView = client.get(&ask).await?;
    let kind = CredentialKind::SshPassword;
    if before.kind != kind {
        let what = format!("credential {name} is no {}: its kind is {}", kind.word(), before.kind.word());
        let hint = "only passwords are typed again; the new secret of another kind comes with a fleet file, or on the page";
        return Err(Advised::new(what, hint).into());
    }
    let args = CredentialAdd { name, kind, secret, passphrase_env: None, certificate: None, username: None };
    let patch = CredentialSpec { secret: spec(args, env)?.secret, ..CredentialSpec::default() };
    let after: CredentialView = client.decode(&client.patch(&ask, &patch).await?)?;
    // What is the same is not stored again.
    let which = if after.updated_at == before.updated_at {
        "the password is the stored one"
    } else {
        "another password took the place of the stored one"
    };
    say(&format!("credential {path}: {which}, and it is good for every server that names it"))?;
    Ok(Ending::Done)
}

async fn rotate(client: &Client, name: &str, listing: Listing) -> anyhow::Result<Ending> {
    let ask = Ask::at(&["credentials", name, "rotate"]);
    let answer = client.post(&ask, &serde_json::json!({})).await?;
    let rotated: RotateAnswer = client.decode(&answer)?;
    let is_done = rotated.replaced && rotated.servers.iter().all(|server| server.state == RotatedState::New);
    if listing.json {
        say(&answer)?;
    } else {
        let row = |server: &api::RotatedServer| {
            let keys = match server.state {
                RotatedState::Old => "the old one",
                RotatedState::Both => "both",
                RotatedState::New => "the new one",
            };
            vec![server.name.to_string(), keys.to_owned(), server.trouble.clone().unwrap_or_default()]
        };
        let rows = rotated.servers.iter().map(row).collect();
        table::show(&["SERVER", "LETS IN", ""], rows, "no server is logged in to with it")?;
        note(match (rotated.replaced, is_done) {
            (_, true) => "the new key is in use, and no server knows the old one",
            (true, false) => "the new key is in use; run it again to take the old one away",
            (false, _) => "the old key stays in use; run it again when these servers can be reached",
        });
    }
    Ok(if is_done { Ending::Done } else { Ending::ServerFailed })
}

/// The credential that the words describe, with its secret read.
fn spec(args: CredentialAdd, env: Env<'_>) -> anyhow::Result<CredentialSpec> {
    let kind = args.kind;
    let mut spec = CredentialSpec { kind: Some(kind), username: args.username, ..CredentialSpec::default() };
    if kind == CredentialKind::SshAgent {
        return Ok(spec);
    }
    spec.file = args.secret.file.map(|path| path.to_string_lossy().into_owned());
    spec.env = args.secret.env;
    spec.certificate = args.certificate.map(|path| path.to_string_lossy().into_owned());
    if spec.file.is_none() && spec.env.is_none() {
        spec.secret = Some(Secret(typed::secret_text("Secret")?));
    }
    let passphrase = args.passphrase_env.map(|env| Passphrase::Env { env });
    let found = secret_of(&spec, passphrase, Path::new(""), env).map_err(|trouble| {
        let hint = "give the secret with --file, with --env or on standard input; see `aweigh credentials add --help`";
        Advised::new(format!("credential {}: {}", args.name, trouble.error()), hint)
    })?;
    (spec.file, spec.env, spec.certificate) = (None, None, None);
    spec.secret = None;
    if let Some(found) = found {
        spec.secret = Some(Secret(found.secret));
        spec.passphrase = found.passphrase.map(|text| Passphrase::Text(Secret(text)));
    }
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn asked(words: &str) -> Result<serde_json::Value, String> {
        let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
        let Command::Credentials(Credentials::Add(args)) = cli.command else { panic!("no credential") };
        let read = |name: &str| (name == "TOKEN").then(|| "geheim".to_owned());
        let spec = spec(args, Env::new(&read)).map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(spec).unwrap())
    }

    #[test]
    fn words_become_a_request_and_secrets_come_from_elsewhere() {
        assert_eq!(
            asked("aweigh credentials add git --kind git-token --env TOKEN --username ci"),
            Ok(serde_json::json!({"kind": "git-token", "secret": "geheim", "username": "ci"}))
        );
        assert_eq!(
            asked("aweigh credentials add me --kind ssh-agent"),
            Ok(serde_json::json!({"kind": "ssh-agent"}))
        );
        let told = asked("aweigh credentials add deploy --kind ssh-key --file /nowhere/key").unwrap_err();
        assert!(told.contains("deploy") && told.contains("/nowhere/key"), "{told}");
        let told = asked("aweigh credentials add git --kind git-token --env NOTHING").unwrap_err();
        assert!(told.contains("NOTHING"), "{told}");
    }
}
