//! The port `Source` on `git`: one mirror per project below the data folder, opened with the project's credential.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use engine::ports::{
    Besides, Exported, LeftOut, RefEntry, RefQuery, Resolved, Say, Source, SourceError, SourceTrouble,
    TakeItem, TreeItem,
};
use git::{Access, Answers, GitRepository, Policy, RefKind, RefName, Url};
use model::{CommitId, Project};
use store::{CredentialKind, Store};

use super::git_hosts::GitHosts;

/// The longest file that is read out of a commit, in bytes.
const LONGEST: u64 = 256 * 1024;

/// The folder with the mirrors of submodules. It is no name that a project can have.
const SUBMODULES: &str = ".submodules";

/// Mirrors below a folder.
#[derive(Debug, Clone)]
pub struct GitSource {
    mirrors: PathBuf,
    /// Whom SSH believes.
    pub(super) hosts: GitHosts,
    policy: Policy,
    /// How many bytes of their disk stay free.
    reserve: u64,
    store: Store,
    /// Of all mirrors.
    answers: Answers,
}

impl GitSource {
    /// Mirrors below the data folder, within `policy`, with the credentials of `store`.
    pub fn new(data: &Path, policy: Policy, reserve: u64, store: Store) -> Self {
        let (mirrors, hosts) = (data.join("mirrors"), GitHosts::new(data, store.clone()));
        Self { mirrors, hosts, policy, reserve, store, answers: Answers::default() }
    }

    pub(super) async fn open(&self, project: &Project) -> Result<GitRepository, SourceError> {
        self.open_with(project, self.policy.clone()).await
    }

    async fn open_with(&self, project: &Project, policy: Policy) -> Result<GitRepository, SourceError> {
        let url = Url::parse(&project.repository, &policy).map_err(trouble)?;
        let folder = self.mirrors.join(project.name.as_str());
        let repository = GitRepository::open(&folder, &url, policy).await.map_err(trouble)?;
        Ok(repository.sharing(&self.answers))
    }

    pub(super) fn url(&self, project: &Project) -> Result<Url, SourceError> {
        Url::parse(&project.repository, &self.policy).map_err(trouble)
    }

    /// What went wrong with the repository of a project: a host that shows another key is named with both.
    async fn trouble_with(&self, project: &Project, error: git::Error) -> SourceError {
        let changed = matches!(error, git::Error::HostKeyChanged { .. } | git::Error::HostKeyUnknown { .. });
        let host = self.url(project).ok().and_then(|url| url.ssh_host()).filter(|_| changed);
        match host {
            Some((host, port)) => self.hosts.told(project, &host, port, error).await,
            None => trouble(error),
        }
    }

    /// The policy for what fills the disk: no more than there is room for.
    fn policy_of_room(&self) -> Result<Policy, SourceError> {
        let data = self.mirrors.parent().unwrap_or(&self.mirrors);
        let room = engine::room::check(data, self.reserve).map_err(|failure| SourceError {
            kind: SourceTrouble::NoRoom,
            message: failure.message,
            hint: failure.hint,
        })?;
        Ok(Policy { max_bytes: self.policy.max_bytes.min(room), ..self.policy.clone() })
    }

    /// What went wrong within such a policy: a limit may be that of the disk.
    async fn trouble_of_room(&self, project: &Project, policy: &Policy, error: git::Error) -> SourceError {
        let is_ours = policy.max_bytes < self.policy.max_bytes;
        match error {
            git::Error::TooLarge { limit, .. } if is_ours && limit == policy.max_bytes => SourceError {
                kind: SourceTrouble::NoRoom,
                message: format!(
                    "it is more than the {} MiB for which there is room on the disk of Aweigh",
                    limit >> 20
                ),
                hint: Some(
                    "free some there, or say less in [limits] disk_reserve; rollbacks still work".to_owned(),
                ),
            },
            error => self.trouble_with(project, error).await,
        }
    }

    async fn access(&self, project: &Project) -> Result<Access, SourceError> {
        let Some(name) = &project.credential else { return Ok(Access::None) };
        let refused = |message: String, hint: Option<&str>| SourceError {
            kind: SourceTrouble::Unreachable,
            message,
            hint: hint.map(str::to_owned),
        };
        let stored =
            self.store.unseal(name).await.map_err(|error| refused(error.to_string(), error.hint()))?;
        let stored = stored.ok_or_else(|| refused(format!("credential {name} does not exist"), None))?;
        match (stored.kind, stored.secret) {
            (CredentialKind::GitToken, Some(token)) => Ok(Access::Token { username: stored.username, token }),
            (CredentialKind::GitKey, Some(private_key)) => {
                let host = self.url(project)?.ssh_host();
                let known_hosts = match host {
                    Some((host, port)) => Some(self.hosts.known_hosts(&host, port).await?),
                    None => None,
                };
                Ok(Access::Key { private_key, passphrase: stored.passphrase, known_hosts })
            }
            (_, None) => Err(refused(format!("credential {name} holds no secret"), Some("store it again"))),
            _ => Err(refused(format!("credential {name} is for SSH, not for git"), None)),
        }
    }
}

#[async_trait]
impl Source for GitSource {
    async fn fetch(&self, project: &Project, say: &mut Say<'_>) -> Result<(), SourceError> {
        let (access, policy) = (self.access(project).await?, self.policy_of_room()?);
        let repository = self.open_with(project, policy.clone()).await?;
        match repository.fetch(&access, |line: &str| say(line)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.trouble_of_room(project, &policy, error).await),
        }
    }

    async fn resolve(&self, project: &Project, git_ref: &str) -> Result<Resolved, SourceError> {
        let name = RefName::parse(git_ref).map_err(trouble)?;
        let found = self.open(project).await?.resolve(&name).await.map_err(trouble)?;
        let short = |prefix: &str| {
            found.full_ref.as_deref().and_then(|name| name.strip_prefix(prefix)).map(str::to_owned)
        };
        Ok(Resolved {
            commit: commit(found.commit.as_str())?,
            branch: short("refs/heads/").filter(|_| found.kind == RefKind::Branch),
            tag: short("refs/tags/").filter(|_| found.kind == RefKind::Tag),
        })
    }

    async fn export(
        &self,
        project: &Project,
        commit: &CommitId,
        besides: Besides,
        into: &Path,
        say: &mut Say<'_>,
    ) -> Result<Exported, SourceError> {
        let policy = self.policy_of_room()?;
        let (repository, commit) = (self.open_with(project, policy.clone()).await?, theirs(commit)?);
        let exported = if besides.is_any() {
            let access = self.access(project).await?;
            // Without a credential there may be a login in the address.
            let owner = match &project.credential {
                Some(credential) => format!("credential {credential}"),
                None => format!("project {}", project.name),
            };
            let besides = git::Besides {
                submodules: besides.submodules,
                lfs: besides.lfs,
                access: &access,
                owner: &owner,
                mirrors: &self.mirrors.join(SUBMODULES),
            };
            repository.export_whole(&commit, into, &besides, say).await
        } else {
            repository.export(&commit, into).await
        };
        let stats = match exported {
            Ok(stats) => stats,
            Err(error) => return Err(self.trouble_of_room(project, &policy, error).await),
        };
        let mtime = repository.commit_time(&commit).await.map_err(trouble)?;
        Ok(Exported { mtime, left_out: left_out(besides, &stats) })
    }

    async fn read_tree(
        &self,
        project: &Project,
        commit: &CommitId,
        paths: Option<Vec<Vec<u8>>>,
        mut take: Box<TakeItem>,
    ) -> Result<LeftOut, SourceError> {
        let (repository, commit) = (self.open(project).await?, theirs(commit)?);
        let take = move |path: &[u8], item: git::TreeItem<'_>| match item {
            git::TreeItem::Folder => take(path, TreeItem::Folder),
            git::TreeItem::Link { target } => take(path, TreeItem::Link(target)),
            git::TreeItem::File { executable, size, bytes } => {
                take(path, TreeItem::File { executable, size, bytes })
            }
        };
        let stats = repository.read_tree(&commit, paths.as_deref(), take).await.map_err(trouble)?;
        Ok(left_out(Besides::default(), &stats))
    }

    async fn commit_time(&self, project: &Project, commit: &CommitId) -> Result<i64, SourceError> {
        self.open(project).await?.commit_time(&theirs(commit)?).await.map_err(trouble)
    }

    async fn changed_paths(
        &self,
        project: &Project,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<Vec<(Vec<u8>, bool)>, SourceError> {
        let (from, to) = (theirs(from)?, theirs(to)?);
        self.open(project).await?.changed_paths(&from, &to).await.map_err(trouble)
    }

    async fn has_attributes(&self, project: &Project, commit: &CommitId) -> Result<bool, SourceError> {
        self.open(project).await?.has_attributes(&theirs(commit)?).await.map_err(trouble)
    }

    async fn refs(
        &self,
        project: &Project,
        what: &RefQuery,
        limit: usize,
    ) -> Result<Vec<RefEntry>, SourceError> {
        let repository = self.open(project).await?;
        let mut entries = match what {
            RefQuery::Branches => {
                let found = repository.branches().await.map_err(trouble)?;
                found
                    .into_iter()
                    .map(|branch| entry(Some(branch.name), branch.commit))
                    .collect::<Result<Vec<_>, _>>()?
            }
            RefQuery::Tags => {
                let found = repository.tags().await.map_err(trouble)?;
                found.into_iter().map(|tag| entry(Some(tag.name), tag.commit)).collect::<Result<_, _>>()?
            }
            RefQuery::Commits(of) => {
                let of = match of {
                    Some(of) => Some(of.clone()),
                    None => repository.default_branch().await.map_err(trouble)?,
                };
                let found = match of {
                    Some(of) => {
                        let name = RefName::parse(&of).map_err(trouble)?;
                        let from = repository.resolve(&name).await.map_err(trouble)?.commit;
                        repository.commits(&from, limit).await.map_err(trouble)?
                    }
                    None => Vec::new(),
                };
                found.into_iter().map(|commit| entry(None, commit)).collect::<Result<_, _>>()?
            }
        };
        if entries.is_empty() && repository.is_empty().await.map_err(trouble)? {
            let message = format!("nothing of {} was fetched yet", repository.url());
            return Err(SourceError { kind: SourceTrouble::Unreachable, message, hint: None });
        }
        entries.truncate(limit);
        Ok(entries)
    }

    async fn commits_without(
        &self,
        project: &Project,
        of: &CommitId,
        without: &CommitId,
        limit: usize,
    ) -> Result<Vec<RefEntry>, SourceError> {
        let (of, without) = (theirs(of)?, theirs(without)?);
        let found = self.open(project).await?.commits_without(&of, &without, limit).await.map_err(trouble)?;
        found.into_iter().map(|commit| entry(None, commit)).collect()
    }

    async fn read(
        &self,
        project: &Project,
        commit: &CommitId,
        path: &str,
    ) -> Result<Option<String>, SourceError> {
        let bytes =
            self.open(project).await?.content(&theirs(commit)?, path, LONGEST).await.map_err(trouble)?;
        let local = |_| SourceError {
            kind: SourceTrouble::Local,
            message: format!("{path} in commit {} is not UTF-8", commit.short()),
            hint: None,
        };
        bytes.map(String::from_utf8).transpose().map_err(local)
    }
}

/// What a tree lacks that was not asked for.
fn left_out(besides: Besides, stats: &git::ExportStats) -> LeftOut {
    LeftOut {
        submodules: stats.names_submodules && !besides.submodules,
        // With LFS what is left was meant to be a pointer.
        pointers: if besides.lfs { 0 } else { stats.pointers },
    }
}

fn entry(name: Option<String>, found: git::Commit) -> Result<RefEntry, SourceError> {
    let id = commit(found.id.as_str())?;
    Ok(RefEntry {
        name: name.unwrap_or_else(|| id.to_string()),
        commit: id,
        author: found.author,
        at: found.date,
        summary: found.summary,
    })
}

fn commit(id: &str) -> Result<CommitId, SourceError> {
    id.parse().map_err(|_| SourceError {
        kind: SourceTrouble::Local,
        message: format!("git answered {id:?}, which is not a commit id"),
        hint: None,
    })
}

pub(super) fn theirs(commit: &CommitId) -> Result<git::CommitId, SourceError> {
    git::CommitId::parse(commit.as_str()).map_err(trouble)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn trouble(error: git::Error) -> SourceError {
    use git::Error;
    let kind = match &error {
        Error::InvalidRef { .. }
        | Error::InvalidCommitId { .. }
        | Error::UnknownRef { .. }
        | Error::AmbiguousRef { .. }
        | Error::NotACommit { .. }
        | Error::Shallow { .. }
        | Error::CommitGone { .. } => SourceTrouble::UnknownRef,
        Error::GitMissing { .. } | Error::LfsMissing | Error::DiskFull { .. } | Error::Io { .. } => {
            SourceTrouble::Local
        }
        _ => SourceTrouble::Unreachable,
    };
    SourceError { kind, message: error.to_string(), hint: Some(error.hint()).filter(|hint| !hint.is_empty()) }
}
