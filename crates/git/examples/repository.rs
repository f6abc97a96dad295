//! One repository: clone or open, pull, lists, one ref after another in a folder, and an archive.
//!
//! ```text
//! cargo run -p git --example repository                    # a throw-away repository
//! cargo run -p git --example repository -- URL [FOLDER]    # one that needs no login; the mirror stays in FOLDER
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use git::{Access, ArchiveFormat, GitRepository, Policy, Prefix, RefName, Url};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let here = tempfile::tempdir()?;
    let (address, mirror) = match arguments.as_slice() {
        [] => (throw_away(&here.path().join("origin"))?, here.path().join("mirror")),
        [url] => (url.clone(), here.path().join("mirror")),
        [url, folder, ..] => (url.clone(), PathBuf::from(folder)),
    };

    // Clone, or open what is there; then pull. An address can be no option, no command and no other transport.
    let policy =
        Policy { allow_protocols: vec!["https".into(), "ssh".into(), "file".into()], ..Policy::default() };
    let url = Url::parse(&address, &policy)?;
    let repository = GitRepository::open(&mirror, &url, policy).await?;
    repository.fetch(&Access::None, |line| println!("  {line}")).await?;

    // Branches, tags, and the last commits of the default branch.
    for branch in repository.branches().await?.iter().take(5) {
        println!("branch {} at {} by {}", branch.name, branch.commit.short, branch.commit.author);
    }
    for tag in repository.tags().await?.iter().take(5) {
        println!("tag {} at {}", tag.name, tag.commit.short);
    }
    let default = repository.default_branch().await?.ok_or("there is no default branch")?;
    let head = repository.resolve(&RefName::parse(&default)?).await?.commit;
    let commits = repository.commits(&head, 50).await?;
    for commit in commits.iter().take(5) {
        println!("commit {} {}", commit.short, commit.summary);
    }

    // A folder that is switched: to the branch, to the newest tag, to the commit before the newest one.
    let folder = here.path().join("checkout");
    let switched = repository.checkout(&head, &folder).await?;
    println!("at {default}: {} files", switched.stats.files);
    if let Some(tag) = repository.tags().await?.first() {
        let switched = repository.checkout(&tag.commit.id, &folder).await?;
        println!("at tag {}: {} written, {} removed", tag.name, switched.written, switched.removed);
    }
    if let Some(before) = commits.get(1) {
        let switched = repository.checkout(&before.id, &folder).await?;
        println!("at {}: {} written, {} removed", before.short, switched.written, switched.removed);

        // What lies between the two, and what it changed.
        println!("{} commits since then", repository.commits_without(&head, &before.id, 50).await?.len());
        for file in repository.diff(&before.id, &head, 100).await?.files {
            println!("{} {}", file.status, file.path);
        }
    }

    // An archive, as a stream into whatever takes bytes.
    let archive = here.path().join("archive.tar.zst");
    let out = tokio::fs::File::create(&archive).await?;
    repository.archive(&head, ArchiveFormat::TarZst, &Prefix::parse("example")?, out).await?;
    println!("archive: {} bytes", archive.metadata()?.len());
    Ok(())
}

/// A repository with two commits and a tag, made by git.
fn throw_away(folder: &Path) -> Result<String, Box<dyn Error>> {
    let git = |args: &[&str]| -> Result<(), Box<dyn Error>> {
        let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
        let status = Command::new("git").arg("-C").arg(folder).args(who).args(args).status()?;
        if status.success() { Ok(()) } else { Err(format!("git {args:?} failed").into()) }
    };
    std::fs::create_dir(folder)?;
    git(&["init", "--quiet", "--initial-branch=main"])?;
    std::fs::write(folder.join("index.html"), "<h1>version 1</h1>\n")?;
    git(&["add", "."])?;
    git(&["commit", "--quiet", "-m", "First page"])?;
    git(&["tag", "v1"])?;
    std::fs::write(folder.join("index.html"), "<h1>version 2</h1>\n")?;
    std::fs::write(folder.join("style.css"), "h1 { color: teal }\n")?;
    git(&["add", "."])?;
    git(&["commit", "--quiet", "-m", "Second page"])?;
    Ok(format!("file://{}", folder.display()))
}
