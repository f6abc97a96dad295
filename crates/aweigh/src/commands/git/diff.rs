//! `git diff`: the files that differ between two refs, or the patch.

use api::{Diff, FileChange, FileDiff};

use crate::cli::GitDiff;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::clean::Cleaner;
use crate::render::paint::Screen;
use crate::render::{note, print, say, table};

pub(super) async fn run(client: &Client, project: &str, args: &GitDiff) -> anyhow::Result<Ending> {
    let ask = Ask::at(&["projects", project, "diff"])
        .with("from", &args.from)
        .with("to", &args.to)
        .with("limit", args.limit)
        .maybe("patch", args.patch.then_some(1));
    let answer = client.get_text(&ask.slowly()).await?;
    if args.listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let diff: Diff = client.decode(&answer)?;
    match &diff.patch {
        Some(patch) => print_patch(patch, diff.patch_more)?,
        None => print_files(&diff)?,
    }
    Ok(Ending::Done)
}

/// Prints a patch; on a terminal without what a repository would like to do to it, elsewhere as `git apply` needs it.
fn print_patch(patch: &str, more: bool) -> anyhow::Result<()> {
    if Screen::stdout().terminal {
        print(&Cleaner::new(false).push(patch))?;
    } else {
        print(patch)?;
    }
    if more {
        note("the patch is longer: this is its beginning, of 1 MiB");
    }
    Ok(())
}

fn print_files(diff: &Diff) -> anyhow::Result<()> {
    let rows = diff.files.iter().map(row).collect();
    table::show(&["CHANGE", "LINES", "PATH"], rows, "nothing differs")?;
    if diff.more {
        note(&format!("there are more than these {} files", diff.files.len()));
    }
    Ok(())
}

fn row(file: &FileDiff) -> Vec<String> {
    let change = match file.change {
        FileChange::Added => "added",
        FileChange::Deleted => "deleted",
        FileChange::Modified => "modified",
        FileChange::Renamed => "renamed",
        FileChange::Retyped => "retyped",
    };
    let lines = match (file.added, file.deleted) {
        (Some(added), Some(deleted)) => format!("+{added} -{deleted}"),
        _ => "binary".to_owned(),
    };
    let path = match &file.before {
        Some(before) => format!("{before} → {}", file.path),
        None => file.path.clone(),
    };
    vec![change.to_owned(), lines, path]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_row() {
        let file = |change, before: Option<&str>, lines: Option<(u64, u64)>| FileDiff {
            change,
            path: "b".into(),
            before: before.map(str::to_owned),
            added: lines.map(|lines| lines.0),
            deleted: lines.map(|lines| lines.1),
        };
        assert_eq!(row(&file(FileChange::Renamed, Some("a"), Some((2, 1)))), ["renamed", "+2 -1", "a → b"]);
        assert_eq!(row(&file(FileChange::Added, None, None)), ["added", "binary", "b"]);
    }
}
