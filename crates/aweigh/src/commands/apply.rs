//! `apply`: brings servers, credentials and projects to what a file says, all or nothing.

use api::apply::What;
use api::{ApplyAnswer, Change, ChangeAction, CredentialView, FieldError, Page};

use crate::cli::ApplyArgs;
use crate::client::{Ask, Client, Error};
use crate::exit::Ending;
use crate::fleet_file::FleetFile;
use crate::places::Env;
use crate::render::clean::one_line;
use crate::render::{note, say};

pub(super) async fn run(client: &Client, args: &ApplyArgs, env: Env<'_>) -> anyhow::Result<Ending> {
    let file = FleetFile::read(&args.file, env)?;
    file.fleet.check_parts().map_err(|errors| file.error(&errors))?;
    keep_stored(client, &file).await?;
    let ask =
        Ask::at(&["apply"]).maybe("plan", args.plan.then_some(1)).maybe("prune", args.prune.then_some(1));
    let answer = client.post(&ask, &file.fleet).await.map_err(|error| in_file(&file, error))?;
    let answer: ApplyAnswer = client.decode(&answer)?;
    if answer.changes.is_empty() {
        say("no changes")?;
    }
    for change in &answer.changes {
        say(&line(change))?;
    }
    answer.notes.iter().for_each(|told| note(&format!("note: {}", one_line(told))));
    Ok(Ending::Done)
}

/// A secret whose file or variable is not here stays as it is stored; one that is stored nowhere is missing.
async fn keep_stored(client: &Client, file: &FleetFile) -> anyhow::Result<()> {
    if file.absent.is_empty() {
        return Ok(());
    }
    let stored: Page<CredentialView> = client.get(&Ask::at(&["credentials"])).await?;
    let mut missing: Vec<FieldError> = Vec::new();
    for (name, error) in &file.absent {
        if stored.items.iter().any(|credential| credential.name.as_str() == name) {
            note(&format!("note: {}; the stored secret stays", one_line(&error.to_string())));
        } else {
            missing.push(error.clone());
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(file.error(&missing).into()) }
}

/// What the server says about fields, told with the lines of the file.
fn in_file(file: &FleetFile, error: Error) -> anyhow::Error {
    match error {
        Error::Answer { problem: Some(problem), .. } if !problem.errors.is_empty() => {
            file.error(&problem.errors).into()
        }
        error => error.into(),
    }
}

/// `+ server web-1`, `~ project shop: repository`, `- credential old`
pub(super) fn line(change: &Change) -> String {
    let sign = match change.action {
        ChangeAction::Create => '+',
        ChangeAction::Update => '~',
        ChangeAction::Delete => '-',
    };
    let what = match change.what {
        What::Credential => "credential",
        What::Hook => "hook template",
        What::Server => "server",
        What::Group => "group",
        What::Project => "project",
        What::Environment => "environment",
        What::Secret => "secret",
    };
    let name = one_line(&change.name);
    if change.fields.is_empty() {
        format!("{sign} {what} {name}")
    } else {
        format!("{sign} {what} {name}: {}", one_line(&change.fields.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_change() {
        let change = |action, what, name: &str, fields: &[&str]| {
            let fields = fields.iter().map(|field| (*field).to_owned()).collect();
            line(&Change { action, what, name: name.to_owned(), fields })
        };
        assert_eq!(change(ChangeAction::Create, What::Server, "web-1", &[]), "+ server web-1");
        assert_eq!(
            change(ChangeAction::Update, What::Project, "shop", &["build", "repository"]),
            "~ project shop: build, repository"
        );
        assert_eq!(
            change(ChangeAction::Delete, What::Environment, "shop/old", &[]),
            "- environment shop/old"
        );
    }
}
