//! Throw-away git repositories with fixed authors and dates, hostile trees, and listings to compare trees by.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a rig that cannot be set up fails the test that asked for it"
)]

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{
        ffi::OsStringExt as _,
        fs::{PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// The time of the first commit, in seconds since 1970. Every later one is a minute younger than the one before.
pub const FIRST_COMMIT_TIME: u32 = 1_700_000_000;

/// What a path of a commit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file with these bytes.
    File(Vec<u8>),
    /// A file with these bytes and the executable bit.
    Executable(Vec<u8>),
    /// A symbolic link to this target.
    Link(OsString),
    /// Nothing: what was there is removed.
    Gone,
}

/// A file of text.
pub fn file(text: &str) -> Entry {
    Entry::File(text.into())
}

/// A symbolic link.
pub fn link(target: &str) -> Entry {
    Entry::Link(target.into())
}

/// What a path of a listing is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// SHA-256 of its bytes, in hexadecimal digits.
        sha256: String,
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as it is written.
        target: OsString,
    },
    /// A folder.
    Folder,
}

/// All paths below a folder, relative to it.
pub type Listing = BTreeMap<PathBuf, Listed>;

/// A repository with a work tree, removed when it is dropped. All methods panic when git fails.
#[derive(Debug)]
pub struct Repo {
    folder: TempDir,
    commits: AtomicU32,
}

impl Default for Repo {
    fn default() -> Self {
        Self::new()
    }
}

impl Repo {
    /// Makes an empty repository with the unborn branch `main`.
    pub fn new() -> Self {
        Self::with_object_format("sha1")
    }

    /// The same with `sha1` or `sha256` ids.
    pub fn with_object_format(format: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("repo-").tempdir().expect("a folder for a repository");
        let repo = Self { folder, commits: AtomicU32::new(0) };
        fs::create_dir(repo.path()).expect("a folder for a work tree");
        repo.git([
            "init",
            "--quiet",
            "--template=",
            "--initial-branch=main",
            &format!("--object-format={format}"),
        ]);
        repo
    }

    /// The work tree.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// The address, as `file://…`.
    pub fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Changes some paths and commits everything; returns the commit id.
    pub fn commit<N: AsRef<OsStr>>(&self, entries: impl IntoIterator<Item = (N, Entry)>) -> String {
        let number = self.commits.load(Ordering::Relaxed) + 1;
        self.commit_as("Ada Lovelace", &format!("commit {number}"), entries)
    }

    /// The same with an author and a message.
    pub fn commit_as<N: AsRef<OsStr>>(
        &self,
        author: &str,
        message: &str,
        entries: impl IntoIterator<Item = (N, Entry)>,
    ) -> String {
        for (name, entry) in entries {
            self.change(Path::new(name.as_ref()), entry);
        }
        self.git(["add", "--all", "--force", "."]);
        let author = format!("--author={author} <author@example.com>");
        let message_file = self.folder.path().join("message");
        fs::write(&message_file, message).expect("a file for a message");
        self.git(["commit", "--quiet", "--allow-empty", "--cleanup=verbatim", &author, "-F", "../message"]);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.head()
    }

    /// Lets the next commit, and those after it, have a commit of another repository in a folder. `.gitmodules` is left
    /// to the test.
    pub fn submodule(&self, path: &str, commit: &str) {
        // Without its folder git would take it for one that was removed.
        fs::create_dir_all(self.path().join(path)).expect("a folder of a work tree");
        self.git(["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
    }

    /// Keeps bytes as an object of Git LFS, as `git lfs` does in a clone; the pointer to it.
    pub fn lfs(&self, bytes: &[u8]) -> Entry {
        let oid = hex::encode(Sha256::digest(bytes));
        let folder = self.path().join(".git/lfs/objects").join(&oid[0..2]).join(&oid[2..4]);
        fs::create_dir_all(&folder).expect("a folder for objects");
        fs::write(folder.join(&oid), bytes).expect("an object");
        let version = "https://git-lfs.github.com/spec/v1";
        file(&format!("version {version}\noid sha256:{oid}\nsize {}\n", bytes.len()))
    }

    /// The commit that is checked out.
    pub fn head(&self) -> String {
        self.git(["rev-parse", "HEAD"])
    }

    /// Makes a branch at the commit that is checked out.
    pub fn branch(&self, name: &str) {
        self.git(["branch", "--force", "--", name]);
    }

    /// Checks out a branch or commit.
    pub fn checkout(&self, name: &str) {
        self.git(["checkout", "--quiet", name]);
    }

    /// Makes or moves a tag to the commit that is checked out.
    pub fn tag(&self, name: &str) {
        self.git(["tag", "--force", "--", name]);
    }

    /// Makes an annotated tag of the commit that is checked out.
    pub fn annotated_tag(&self, name: &str, message: &str) {
        self.git(["tag", "--force", "-a", "-m", message, "--", name]);
    }

    /// Runs git in the work tree, without the configuration of users and system; returns its output without the last
    /// line end.
    pub fn git<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        let output = self.command().args(args).output().expect("git is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git failed: {said}");
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    /// What `git archive` puts into the tree of a commit, unpacked by the `tar` program.
    pub fn archive_listing(&self, commit: &str) -> Listing {
        let tree = tempfile::tempdir().expect("a folder for a tree");
        let mut archive = self
            .command()
            .args(["archive", commit])
            .stdout(Stdio::piped())
            .spawn()
            .expect("git is installed");
        let tar = archive.stdout.take().expect("the output of git archive");
        let unpacked =
            Command::new("tar").arg("-xC").arg(tree.path()).stdin(tar).status().expect("tar is installed");
        assert!(unpacked.success(), "tar failed");
        assert!(archive.wait().expect("git archive ends").success(), "git archive failed");
        tree_listing(tree.path())
    }

    fn command(&self) -> Command {
        let date = format!("{} +0000", FIRST_COMMIT_TIME + 60 * self.commits.load(Ordering::Relaxed));
        let mut command = Command::new("git");
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
            .current_dir(self.path())
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Ada Lovelace")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", "Ada Lovelace")
            .env("GIT_COMMITTER_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_DATE", &date)
            .args(["-c", "gc.auto=0", "-c", "advice.detachedHead=false"]);
        command
    }

    fn change(&self, name: &Path, entry: Entry) {
        let path = self.path().join(name);
        // A folder that is left without files is nothing to git, and may become a file.
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("a folder of a work tree");
        }
        match entry {
            Entry::File(bytes) => fs::write(&path, bytes).expect("a file of a work tree"),
            Entry::Executable(bytes) => {
                fs::write(&path, bytes).expect("a file of a work tree");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable file");
            }
            Entry::Link(target) => symlink(target, &path).expect("a link of a work tree"),
            Entry::Gone => {}
        }
    }
}

/// A tree with everything that breaks careless code: names with spaces, quotes, `$()`, newlines, leading dashes, 200
/// characters, other scripts and bytes that are no text; empty, executable and binary files; links that lead out, to
/// folders and nowhere.
pub fn hostile_tree() -> Vec<(OsString, Entry)> {
    let long = "n".repeat(200);
    let mut tree: Vec<(OsString, Entry)> = [
        ("empty", file("")),
        ("with space/and  two", file("space\n")),
        ("quotes'\"`", file("quotes\n")),
        ("$(touch PWN)", file("dollar\n")),
        ("semi;colon & | > < *?[x]", file("shell\n")),
        ("new\nline", file("newline\n")),
        ("tab\tand\\backslash", file("tab\n")),
        ("-rf", file("dash\n")),
        ("--upload-pack=touch PWN", file("option\n")),
        ("-dir/--file", file("dashes\n")),
        ("~root", file("tilde\n")),
        ("#hash !bang %25 {a,b}", file("marks\n")),
        (" leading and trailing ", file("blank\n")),
        ("ünïcödé/码/\u{1f680}", file("unicode\n")),
        ("...", file("dots\n")),
        (".hidden/.keep", file("")),
        (long.as_str(), file("long name\n")),
        ("bin/run", Entry::Executable(b"#!/bin/sh\necho run\n".to_vec())),
        ("bin/empty", Entry::Executable(Vec::new())),
        ("bytes", Entry::File((0..=255).cycle().take(70_000).collect())),
        ("crlf", file("a\r\nb\r\n")),
        ("link-to-file", link("bin/run")),
        ("link-to-folder", link("bin")),
        ("link-dangling", link("no/such/file")),
        ("link-out", link("../../../etc/passwd")),
        ("link-absolute", link("/etc/passwd")),
        ("link with space", link("with space/and  two")),
        ("link\nline", link("new\nline")),
    ]
    .into_iter()
    .map(|(name, entry)| (name.into(), entry))
    .collect();
    let deep: Vec<&str> = std::iter::repeat_n(long.as_str(), 4).collect();
    tree.push((format!("deep/{}/file", deep.join("/")).into(), file("deep\n")));
    tree.push(("link-long".into(), link(&format!("deep/{}", deep.join("/")))));
    tree.push((OsString::from_vec(b"latin-\xe9\xff".to_vec()), file("not UTF-8\n")));
    tree
}

/// Everything below a folder. Links are listed, never followed.
pub fn tree_listing(folder: &Path) -> Listing {
    let mut listing = Listing::new();
    list(folder, Path::new(""), &mut listing);
    listing
}

fn list(root: &Path, below: &Path, listing: &mut Listing) {
    for entry in fs::read_dir(root.join(below)).expect("a folder to list") {
        let entry = entry.expect("an entry to list");
        let name = below.join(entry.file_name());
        let metadata = entry.metadata().expect("metadata of an entry");
        let listed = if metadata.is_dir() {
            list(root, &name, listing);
            Listed::Folder
        } else if metadata.is_symlink() {
            Listed::Link { target: fs::read_link(entry.path()).expect("a link to read").into_os_string() }
        } else if metadata.is_file() {
            let bytes = fs::read(entry.path()).expect("a file to read");
            let executable = metadata.permissions().mode() & 0o100 != 0;
            Listed::File { executable, sha256: hex::encode(Sha256::digest(bytes)) }
        } else {
            panic!("{} is neither file, link nor folder", entry.path().display())
        };
        listing.insert(name, listed);
    }
}
