//! `git`: a look into the repository of a project, as Aweigh's mirror has it.

mod archive;
mod checkout;
mod diff;

use api::{Page, Ref, RefKind};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::advice::Advised;
use crate::cli::{Git, GitVerb, RefListing};
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::words::date;
use crate::render::{say, table};

pub(super) async fn run(client: &Client, args: &Git) -> anyhow::Result<Ending> {
    let project = args.project.as_str();
    let refs = Ask::at(&["projects", project, "refs"]);
    match &args.verb {
        GitVerb::Fetch => {
            client.post(&Ask::at(&["projects", project, "fetch"]), &json!({})).await?;
            say(&format!("the mirror of {project} is up to date"))?;
            Ok(Ending::Done)
        }
        GitVerb::Branches(listing) => list(client, refs.with("kind", "branch"), *listing).await,
        GitVerb::Tags(listing) => list(client, refs.with("kind", "tag"), *listing).await,
        GitVerb::Commits { of, listing } => {
            let (since, of) = range(of.as_deref())?;
            list(client, refs.with("kind", "commit").maybe("of", of).maybe("since", since), *listing).await
        }
        GitVerb::Diff(args) => diff::run(client, project, args).await,
        GitVerb::Checkout { git_ref, into } => checkout::run(client, project, git_ref, into).await,
        GitVerb::Archive(args) => archive::run(client, project, args).await,
    }
}

/// Takes `FROM..TO` apart; no name of a ref has two dots in it.
fn range(text: Option<&str>) -> Result<(Option<&str>, Option<&str>), Advised> {
    let Some((from, to)) = text.and_then(|text| text.split_once("..")) else { return Ok((None, text)) };
    if from.is_empty() || to.is_empty() || to.starts_with('.') || to.contains("..") {
        let what = format!("{:?} is not two refs", text.unwrap_or_default());
        return Err(Advised::new(what, "write FROM..TO, such as v1.1..v1.2"));
    }
    Ok((Some(from), Some(to)))
}

async fn list(client: &Client, ask: Ask<'_>, listing: RefListing) -> anyhow::Result<Ending> {
    // The first look at a repository may have to fetch all of it.
    let answer = client.get_text(&ask.with("limit", listing.limit).slowly()).await?;
    if listing.listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let page: Page<Ref> = client.decode(&answer)?;
    let zone = TimeZone::system();
    let row = |entry: &Ref| {
        let name = if entry.kind == RefKind::Commit { entry.short.clone() } else { entry.name.clone() };
        vec![name, entry.short.clone(), date(entry.at, &zone), entry.author.clone(), entry.summary.clone()]
    };
    let commits = page.items.iter().all(|entry| entry.kind == RefKind::Commit);
    let mut rows: Vec<Vec<String>> = page.items.iter().map(row).collect();
    if commits {
        // A commit's name is its id: said once is enough.
        for row in &mut rows {
            row.remove(0);
        }
        table::show(&["COMMIT", "DATE", "AUTHOR", "SUMMARY"], rows, "nothing there")?;
    } else {
        table::show(&["NAME", "COMMIT", "DATE", "AUTHOR", "SUMMARY"], rows, "nothing there")?;
    }
    Ok(Ending::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_dots_stand_between_two_refs() {
        assert_eq!(range(None).unwrap(), (None, None));
        assert_eq!(range(Some("v1.2")).unwrap(), (None, Some("v1.2")));
        assert_eq!(range(Some("v1.1..feature/x")).unwrap(), (Some("v1.1"), Some("feature/x")));
        for text in ["..", "a..", "..b", "a...b", "a..b..c"] {
            assert!(range(Some(text)).is_err(), "{text}");
        }
    }
}
