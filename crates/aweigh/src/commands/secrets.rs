//! `secrets`: what hooks may read and nobody may see. Values go in, and never come out.

use std::path::Path;

use api::{CredentialKind, CredentialSpec, Page, Secret, SecretSpec, VariableView};
use jiff::tz::TimeZone;

use super::variables::{listing, place, sayer};
use crate::advice::Advised;
use crate::cli::{SecretSet, Secrets};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::fleet_file::secret_of;
use crate::places::Env;
use crate::render::words::date;
use crate::render::{note, say, table};
use crate::typed;

pub(super) async fn run(client: &Client, verb: Secrets, env: Env<'_>) -> anyhow::Result<Ending> {
    match verb {
        Secrets::List(args) => {
            let scope = args.of()?;
            let answer = client.get_text(&listing(&scope)).await?;
            if args.listing.json {
                say(&answer)?;
                return Ok(Ending::Done);
            }
            let page: Page<VariableView> = client.decode(&answer)?;
            let rows = page.items.iter().filter(|view| view.secret).map(row).collect();
            table::show(&["NAME", "SAID BY", "STORED", ""], rows, "no secrets yet")?;
            Ok(Ending::Done)
        }
        Secrets::Set(args) => set(client, args, env).await,
        Secrets::Unset(said) => {
            let (scope, name) = said.named()?;
            let path = [place(&scope), vec!["secrets", name.as_str()]].concat();
            client.delete(&Ask::at(&path)).await?;
            say(&format!("- secret {name} of {scope}"))?;
            Ok(Ending::Done)
        }
    }
}

async fn set(client: &Client, args: SecretSet, env: Env<'_>) -> anyhow::Result<Ending> {
    let (scope, name) = args.said.named()?;
    // A secret is read as a token is: from a file, a variable or standard input, without the line end behind it.
    let mut spec = CredentialSpec { kind: Some(CredentialKind::GitToken), ..CredentialSpec::default() };
    spec.file = args.file.map(|path| path.to_string_lossy().into_owned());
    spec.env = args.from_env;
    if spec.file.is_none() && spec.env.is_none() {
        spec.secret = Some(Secret(typed::secret_text(name.as_str())?));
    }
    let found = secret_of(&spec, None, Path::new(""), env).map_err(|trouble| {
        let hint = "give the secret with --file, with --from-env or on standard input";
        Advised::new(format!("secret {name}: {}", trouble.error()), hint)
    })?;
    let value = found.map(|found| Secret(found.secret));
    let path = [place(&scope), vec!["secrets", name.as_str()]].concat();
    let answer = client.put(&Ask::at(&path), &SecretSpec { value, ..SecretSpec::default() }).await?;
    let view: VariableView = client.decode(&answer)?;
    say(&format!("secret {name} of {scope}"))?;
    if view.masked == Some(false) {
        note("note: it is too short to be masked: it stands in logs as it is written there");
    }
    Ok(Ending::Done)
}

fn row(view: &VariableView) -> Vec<String> {
    let zone = TimeZone::system();
    let mut notes = Vec::new();
    if view.hidden {
        notes.push("not heard here: the environment says another");
    }
    if view.masked == Some(false) {
        notes.push("too short to be masked");
    }
    let stored = view.updated_at.map(|at| date(at, &zone)).unwrap_or_default();
    vec![view.name.to_string(), sayer(view), stored, notes.join("; ")]
}
