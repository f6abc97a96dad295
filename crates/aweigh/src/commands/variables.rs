//! `variables`: what the programs of projects, environments and servers find in their environment.

use api::variable::From;
use api::{Page, VariableView};
use model::Scope;
use serde_json::json;

use crate::advice::Advised;
use crate::cli::Variables;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::one_line;
use crate::render::{say, table};

pub(super) async fn run(client: &Client, verb: Variables) -> anyhow::Result<Ending> {
    match verb {
        Variables::List(args) => {
            let scope = args.of()?;
            let answer = client.get_text(&listing(&scope)).await?;
            if args.listing.json {
                say(&answer)?;
                return Ok(Ending::Done);
            }
            let page: Page<VariableView> = client.decode(&answer)?;
            let rows = page.items.iter().map(row).collect();
            table::show(&["NAME", "VALUE", "SAID BY", ""], rows, "no variables yet")?;
            Ok(Ending::Done)
        }
        Variables::Set(said) => {
            let (scope, name, value) = said.with_value()?;
            let patch = json!({ "variables": { name.as_str(): value } });
            client.patch(&Ask::at(&place(&scope)), &patch).await?;
            say(&format!("variable {name} of {scope}"))?;
            Ok(Ending::Done)
        }
        Variables::Unset(said) => {
            let (scope, name) = said.named()?;
            let page: Page<VariableView> = client.get(&listing(&scope)).await?;
            let own = |view: &VariableView| view.name == name && !view.secret && from(&scope) == view.from;
            if !page.items.iter().any(own) {
                let hint = "list them with `aweigh variables list`; a secret is taken away with `aweigh secrets unset`";
                return Err(Advised::new(format!("{scope} has no variable {name}"), hint).into());
            }
            let patch = json!({ "variables": { name.as_str(): null } });
            client.patch(&Ask::at(&place(&scope)), &patch).await?;
            say(&format!("- variable {name} of {scope}"))?;
            Ok(Ending::Done)
        }
    }
}

fn row(view: &VariableView) -> Vec<String> {
    let value = view.value.as_deref().map_or_else(|| "[secret]".to_owned(), one_line);
    let note = if view.hidden { "not heard here: the environment says another" } else { "" };
    vec![view.name.to_string(), value, sayer(view), note.to_owned()]
}

/// Who says it, in a word.
pub(super) fn sayer(view: &VariableView) -> String {
    match (view.from, &view.server) {
        (From::Project, _) => "project".to_owned(),
        (From::Environment, _) => "environment".to_owned(),
        (From::Server, server) => server.as_ref().map(|name| format!("server {name}")).unwrap_or_default(),
    }
}

fn from(scope: &Scope) -> From {
    match scope {
        Scope::Project(_) => From::Project,
        Scope::Environment(..) => From::Environment,
        Scope::Server(_) => From::Server,
    }
}

/// Where a scope is found over HTTP.
pub(super) fn place(scope: &Scope) -> Vec<&str> {
    match scope {
        Scope::Project(project) => vec!["projects", project.as_str()],
        Scope::Environment(project, name) => {
            vec!["projects", project.as_str(), "environments", name.as_str()]
        }
        Scope::Server(server) => vec!["servers", server.as_str()],
    }
}

/// What lists its variables and secrets.
pub(super) fn listing(scope: &Scope) -> Ask<'_> {
    let path = [place(scope), vec!["variables"]].concat();
    Ask::at(&path)
}
