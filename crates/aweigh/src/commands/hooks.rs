//! `hooks`: templates that the hooks of every project can pick.

use std::io::Read;
use std::path::Path;

use api::{Fleet, Page, TemplateUse, TemplateVersion, TemplateView, TryAnswer, TryRequest};
use jiff::tz::TimeZone;
use model::{Name, Picked};

use crate::advice::Advised;
use crate::cli::{HookSet, HookTry, Hooks, Listing};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::Cleaner;
use crate::render::words::date;
use crate::render::{note, print, say, table};

/// The longest command that is read, in bytes; the server takes less.
const LONGEST: u64 = 1 << 20;

pub(super) async fn run(client: &Client, verb: Hooks) -> anyhow::Result<Ending> {
    match verb {
        Hooks::List(listing) => list(client, listing).await,
        Hooks::Show { picked, listing } => show(client, &picked, listing).await,
        Hooks::Versions { name, listing } => versions(client, &name, listing).await,
        Hooks::Set(args) => set(client, args).await,
        Hooks::Remove { name } => {
            client.delete(&Ask::at(&["hooks", name.as_str()])).await?;
            say(&format!("- hook template {name}"))?;
            Ok(Ending::Done)
        }
        Hooks::Try(args) => try_it(client, args).await,
    }
}

async fn list(client: &Client, listing: Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["hooks"])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<TemplateView> = client.decode(&answer)?;
    let row = |template: &TemplateView| {
        vec![
            template.name.to_string(),
            template.version.to_string(),
            template.used_by.len().to_string(),
            template.spec.about.clone(),
            template.spec.run.lines().next().unwrap_or_default().to_owned(),
        ]
    };
    let rows = page.items.iter().map(row).collect();
    table::show(&["NAME", "VERSION", "HOOKS", "ABOUT", "COMMAND"], rows, "no hook templates yet")?;
    Ok(Ending::Done)
}

/// Shows a template as it stands in a fleet file.
async fn show(client: &Client, picked: &Picked, listing: Listing) -> anyhow::Result<Ending> {
    let name = picked.name.as_str();
    let (spec, used_by, answer) = if let Some(version) = picked.version {
        let found = version_of(client, &picked.name, version).await?;
        (found.spec.clone(), Vec::new(), serde_json::to_string(&found)?)
    } else {
        let answer = client.get_text(&Ask::at(&["hooks", name])).await?;
        let template: TemplateView = client.decode(&answer)?;
        (template.spec, template.used_by, answer)
    };
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let fleet = Fleet { hooks: [(name.to_owned(), spec)].into(), ..Fleet::default() };
    print(&Cleaner::new(false).push(&toml::to_string(&fleet)?))?;
    for used in used_by {
        note(&format!("picked by {}", place(&used)));
    }
    Ok(Ending::Done)
}

fn place(used: &TemplateUse) -> String {
    let environment = used.environment.as_ref().map_or("every environment".to_owned(), ToString::to_string);
    let version = used.version.map(|version| format!(", version {version}")).unwrap_or_default();
    format!("{} {environment}: {}{version}", used.project, used.point)
}

async fn version_of(client: &Client, name: &Name, version: u32) -> anyhow::Result<TemplateVersion> {
    let page: Page<TemplateVersion> = client.get(&Ask::at(&["hooks", name.as_str(), "versions"])).await?;
    let found = page.items.into_iter().find(|one| one.version == version);
    let none = || {
        Advised::new(
            format!("there is no version {version} of the hook template {name}"),
            format!("list them: aweigh hooks versions {name}"),
        )
    };
    Ok(found.ok_or_else(none)?)
}

async fn versions(client: &Client, name: &Name, listing: Listing) -> anyhow::Result<Ending> {
    let answer = client.get_text(&Ask::at(&["hooks", name.as_str(), "versions"])).await?;
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<TemplateVersion> = client.decode(&answer)?;
    let zone = TimeZone::system();
    let row = |one: &TemplateVersion| {
        vec![
            one.version.to_string(),
            date(one.at, &zone),
            one.by.clone(),
            one.spec.run.lines().next().unwrap_or_default().to_owned(),
        ]
    };
    table::show(&["VERSION", "MADE", "BY", "COMMAND"], page.items.iter().map(row).collect(), "no versions")?;
    Ok(Ending::Done)
}

async fn set(client: &Client, args: HookSet) -> anyhow::Result<Ending> {
    let name = &args.name;
    let page: Page<TemplateView> = client.get(&Ask::at(&["hooks"])).await?;
    let before = page.items.into_iter().find(|template| template.name == *name).map(|template| template.spec);
    let is_new = before.is_none();
    let mut spec = before.unwrap_or_default();
    match (&args.run, &args.file) {
        (Some(run), _) => spec.run.clone_from(run),
        (None, Some(path)) => spec.run = text_of(path)?,
        (None, None) if is_new || args.is_bare() => {
            spec.run.clear();
            std::io::stdin().lock().take(LONGEST).read_to_string(&mut spec.run)?;
        }
        (None, None) => {}
    }
    spec.about = args.about.unwrap_or(spec.about);
    spec.timeout = args.timeout.or(spec.timeout);
    spec.idle_timeout = args.idle_timeout.or(spec.idle_timeout);
    spec.allow_failure = args.allow_failure.unwrap_or(spec.allow_failure);
    spec.rerun = args.rerun.or(spec.rerun);
    let answer = client.put(&Ask::at(&["hooks", name.as_str()]), &spec).await?;
    let template: TemplateView = client.decode(&answer)?;
    say(&format!("hook template {name}, version {}", template.version))?;
    Ok(Ending::Done)
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    let trouble = |error: std::io::Error| {
        let hint = "name a text file, or give the command with --run";
        Advised::new(format!("cannot read {}: {error}", path.display()), hint)
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(trouble)?;
    file.take(LONGEST).read_to_string(&mut text).map_err(trouble)?;
    Ok(text)
}

async fn try_it(client: &Client, args: HookTry) -> anyhow::Result<Ending> {
    let name = args.picked.name;
    let request = TryRequest {
        project: args.place.project,
        environment: args.place.environment,
        server: args.on,
        version: args.picked.version,
        run: None,
        check: args.check,
    };
    let answer = client.post(&Ask::at(&["hooks", name.as_str(), "try"]), &request).await?;
    let tried: TryAnswer = client.decode(&answer)?;
    if args.json {
        say(&answer)?;
    } else {
        if tried.left_out > 0 {
            note(&format!("{} bytes before this are left out", tried.left_out));
        }
        print(&Cleaner::new(false).push(&tried.output))?;
        if !tried.output.is_empty() && !tried.output.ends_with('\n') {
            print("\n")?;
        }
        note(&ending(&tried));
    }
    Ok(if tried.exit == Some(0) { Ending::Done } else { Ending::ServerFailed })
}

fn ending(tried: &TryAnswer) -> String {
    let took = format!("{}.{} s", tried.took_ms / 1000, tried.took_ms % 1000 / 100);
    match tried.exit {
        Some(0) => format!("it ended well, after {took}"),
        Some(code) => format!("it ended with exit code {code}, after {took}"),
        None => format!("it took too long, and was killed after {took}"),
    }
}
