//! How `git-lfs` is called: in a repository of our own that has nothing but the wanted pointers in it. So neither a
//! `.lfsconfig` nor an attribute of the released repository reaches it, and it fetches what is asked for and no more.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, File},
};

use tokio::process::Command;

use crate::{
    Access, CommitId, Error, GitRepository, Protocol, Url,
    access::{Lent, percent_encoded},
    command::Git,
    lock::Lock,
    pointer::Pointer,
    running::{Ended, Limits, Running},
    settings::value,
};

/// The branch with the wanted pointers.
const WANTED: &str = "wanted";

/// Where a repository may say that its objects are kept elsewhere.
const LFS_CONFIG: &str = ".lfsconfig";

/// What git says of a command that it does not have.
const NO_COMMAND: &str = "'lfs' is not a git command";

/// Where objects are kept.
pub(super) struct Place {
    /// The address of the repository, or the one that its `.lfsconfig` names.
    pub(super) url: Url,
    /// The same as `git-lfs` has to be told it.
    endpoint: String,
}

impl GitRepository {
    /// Where the objects of a commit are kept: beside the repository, or where `lfs.url` of its `.lfsconfig` says.
    pub(super) async fn lfs_place(&self, commit: &CommitId) -> Result<Place, Error> {
        let settings = self.settings_in(commit, LFS_CONFIG).await?;
        let Some(text) = value(&settings, b"lfs.url") else { return Place::of_repository(&self.url) };
        let url = Url::parse(&String::from_utf8_lossy(text), &self.policy)?;
        Place::of_server(if url.is_beside(&self.url) { url.with_login_of(&self.url) } else { url })
    }

    /// Has `git-lfs` fetch objects into the mirror; its last words. Whether the objects are there then, and whole, is
    /// for the caller to see.
    pub(super) async fn fetch_objects(
        &self,
        place: &Place,
        wanted: &BTreeSet<&Pointer>,
        access: &Access,
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<String, Error> {
        let lock = Lock::take(&self.folder, self.policy.total_timeout).await?;
        self.mend(&lock).await?;
        let folder = self.lfs_folder()?;
        let git = Git { mirror: folder.path().to_owned(), ..self.git.clone() };
        self.make_wanted(&git, wanted).await?;
        let config = folder.path().join("config");
        let text = fs::read_to_string(&config).map_err(Error::io("cannot read", &config))?;
        fs::write(&config, text + &self.lfs_config(place)).map_err(Error::io("cannot write", &config))?;
        // git finds the repository by the folder that it starts in, which is below it. When it is told of one, so is
        // the git that `git-lfs` starts in another repository of this machine.
        let lent = Lent::new(folder.path(), &place.url, access)?;
        let mut command = git.bare_command();
        command
            .args(["lfs", "fetch", "origin", WANTED])
            .env("GIT_LFS_FORCE_PROGRESS", "1")
            .stdin(lock.stdin()?);
        lent.lend(&mut command);
        let bytes = wanted.iter().map(|pointer| pointer.size()).fold(0, u64::saturating_add);
        said(&format!("{bytes} bytes of Git LFS from {}", place.url));
        let limits = Limits {
            total: self.policy.total_timeout,
            idle: Some(self.policy.idle_timeout),
            grows: Some((self.lfs_store().join("incomplete"), self.policy.max_bytes)),
        };
        let ended = Running::start("lfs", command)?.finish(&limits, &mut |_| (), &mut |_| ()).await?;
        if ended.said.contains(NO_COMMAND) {
            return Err(Error::LfsMissing);
        }
        Ok(ended.said)
    }

    /// Makes a repository with one commit, whose tree has the pointers as files.
    async fn make_wanted(&self, git: &Git, wanted: &BTreeSet<&Pointer>) -> Result<(), Error> {
        let mut command = git.bare_command();
        command.args([
            "init",
            "--bare",
            "--quiet",
            "--template=",
            &format!("--initial-branch={WANTED}"),
            "--",
        ]);
        command.arg(&git.mirror);
        self.must("init", command).await?;
        let stream = git.mirror.join("stream");
        fs::write(&stream, import(wanted)).map_err(Error::io("cannot write", &stream))?;
        let mut command = git.command("fast-import");
        command.args(["--quiet", "--done"]);
        command.stdin(File::open(&stream).map_err(Error::io("cannot read", &stream))?);
        self.must("fast-import", command).await
    }

    async fn must(&self, verb: &'static str, command: Command) -> Result<(), Error> {
        let Ended { status, said } =
            Running::start(verb, command)?.finish(&self.limits(), &mut |_| (), &mut |_| ()).await?;
        if status.success() { Ok(()) } else { Err(Error::Failed { verb, said }) }
    }

    /// The settings of `git-lfs`. They stand in a file, and not on the command line, from where the git that it starts
    /// in another repository would take them too.
    fn lfs_config(&self, place: &Place) -> String {
        let seconds = self.policy.idle_timeout.as_secs().clamp(1, 86_400);
        format!(
            "[remote \"origin\"]\n\turl = {url}\n[lfs]\n\turl = {url}\n\tstorage = {store}\n\
             \tactivitytimeout = {seconds}\n[lfs \"transfer\"]\n\tmaxretries = 3\n[lfs \"ssh\"]\n\tautomultiplex = false\n",
            url = quoted(&place.endpoint),
            store = quoted(&self.lfs_store().to_string_lossy()),
        )
    }
}

impl Place {
    /// Beside a repository: `git-lfs` knows where that is, except for HTTP, where it is a path of the repository.
    fn of_repository(url: &Url) -> Result<Self, Error> {
        let mut place = Self::of_server(url.clone())?;
        if matches!(url.protocol(), Protocol::Https | Protocol::Http) {
            let text = url.as_str().trim_end_matches('/');
            place.endpoint = format!("{}.git/info/lfs", text.strip_suffix(".git").unwrap_or(text));
        }
        Ok(place)
    }

    fn of_server(url: Url) -> Result<Self, Error> {
        let text = url.as_str();
        let endpoint = match url.protocol() {
            Protocol::Https | Protocol::Http => text.to_owned(),
            Protocol::File => format!("file://{}", encoded(text.strip_prefix("file://").unwrap_or(text))),
            // git quotes the path for the shell of the host, and git-lfs does not.
            Protocol::Ssh
                if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/:@._~+-[]".contains(&byte)) =>
            {
                text.to_owned()
            }
            Protocol::Ssh => {
                let reason = "over SSH its path may have letters, digits and / . _ ~ + - only";
                return Err(Error::LfsRefused { url: url.to_string(), reason });
            }
        };
        Ok(Self { url, endpoint })
    }
}

/// What `git fast-import` reads to make a commit with each pointer once.
fn import(wanted: &BTreeSet<&Pointer>) -> String {
    let mut stream =
        format!("commit refs/heads/{WANTED}\ncommitter Aweigh <aweigh@localhost> 0 +0000\ndata 0\n");
    for (number, pointer) in wanted.iter().enumerate() {
        let text = pointer.to_string();
        let _ = write!(stream, "M 100644 inline {number}\ndata {}\n{text}", text.len());
    }
    stream + "done\n"
}

/// A value as it stands in a file of git's configuration.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A path as it stands in an address.
fn encoded(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(percent_encoded).collect();
    parts.join("/")
}
