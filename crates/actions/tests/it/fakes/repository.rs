//! A repository that answers as told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use actions::{FileChange, FileDiff, FileDiffs, Packing, Repositories, SshHost};
use async_trait::async_trait;
use engine::ports::{
    Besides, Exported, LeftOut, RefEntry, RefQuery, Resolved, Say, ScannedKey, Source, SourceError,
    SourceTrouble, TakeItem,
};
use model::{CommitId, Project};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// A repository with these refs.
#[derive(Default)]
pub(crate) struct Repository {
    pub(crate) refs: Mutex<BTreeMap<String, CommitId>>,
    pub(crate) away: AtomicBool,
    pub(crate) file: Mutex<Option<String>>,
    /// What its host presents over SSH; nothing when it is not reached so.
    pub(crate) host: Mutex<Option<Vec<ScannedKey>>>,
}

impl Repository {
    fn reach(&self) -> Result<(), SourceError> {
        if !self.away.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = "https://git.example.com/shop.git cannot be reached".to_owned();
        Err(SourceError {
            kind: SourceTrouble::Unreachable,
            message,
            hint: Some("look at the network".into()),
        })
    }
}

#[async_trait]
impl Source for Repository {
    async fn fetch(&self, _: &Project, _: &mut Say<'_>) -> Result<(), SourceError> {
        self.reach()
    }

    async fn resolve(&self, _: &Project, git_ref: &str) -> Result<Resolved, SourceError> {
        let commit = self.refs.lock().unwrap().get(git_ref).cloned();
        let unknown = || SourceError {
            kind: SourceTrouble::UnknownRef,
            message: format!("there is no branch, tag or commit {git_ref:?}"),
            hint: None,
        };
        commit
            .map(|commit| Resolved { commit, branch: Some(git_ref.to_owned()), tag: None })
            .ok_or_else(unknown)
    }

    async fn read_tree(
        &self,
        _: &Project,
        _: &CommitId,
        _: Option<Vec<Vec<u8>>>,
        _: Box<TakeItem>,
    ) -> Result<LeftOut, SourceError> {
        Ok(LeftOut::default())
    }

    async fn changed_paths(
        &self,
        _: &Project,
        _: &CommitId,
        _: &CommitId,
    ) -> Result<Vec<(Vec<u8>, bool)>, SourceError> {
        Ok(Vec::new())
    }

    async fn has_attributes(&self, _: &Project, _: &CommitId) -> Result<bool, SourceError> {
        Ok(false)
    }

    async fn commit_time(&self, _: &Project, _: &CommitId) -> Result<i64, SourceError> {
        Ok(0)
    }

    async fn export(
        &self,
        _: &Project,
        _: &CommitId,
        _: Besides,
        _: &Path,
        _: &mut Say<'_>,
    ) -> Result<Exported, SourceError> {
        Ok(Exported::default())
    }

    async fn refs(&self, _: &Project, _: &RefQuery, limit: usize) -> Result<Vec<RefEntry>, SourceError> {
        self.reach()?;
        let entry = |(name, commit): (&String, &CommitId)| RefEntry {
            name: name.clone(),
            commit: commit.clone(),
            author: "Ada".into(),
            at: 1_700_000_000,
            summary: "work".into(),
        };
        Ok(self.refs.lock().unwrap().iter().map(entry).take(limit).collect())
    }

    async fn commits_without(
        &self,
        _: &Project,
        of: &CommitId,
        without: &CommitId,
        limit: usize,
    ) -> Result<Vec<RefEntry>, SourceError> {
        let entry = |commit: &CommitId| RefEntry {
            name: commit.to_string(),
            commit: commit.clone(),
            author: "Ada".into(),
            at: 1_700_000_000,
            summary: "work".into(),
        };
        Ok(if of == without { Vec::new() } else { vec![entry(of)].into_iter().take(limit).collect() })
    }

    async fn read(&self, _: &Project, _: &CommitId, _: &str) -> Result<Option<String>, SourceError> {
        Ok(self.file.lock().unwrap().clone())
    }
}

#[async_trait]
impl Repositories for Repository {
    async fn diff(
        &self,
        _: &Project,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<FileDiffs, SourceError> {
        let file = |change, path: &str, lines| FileDiff { change, path: path.into(), before: None, lines };
        let mut files =
            vec![file(FileChange::Modified, "a", Some((2, 1))), file(FileChange::Added, "picture", None)];
        let more = files.len() > most;
        files.truncate(most);
        Ok(if from == to { FileDiffs::default() } else { FileDiffs { files, more } })
    }

    async fn patch(
        &self,
        _: &Project,
        from: &CommitId,
        to: &CommitId,
        _: usize,
    ) -> Result<(String, bool), SourceError> {
        Ok((format!("from {from} to {to}\n"), false))
    }

    fn check(&self, packing: &Packing) -> Result<(), SourceError> {
        let refused = || SourceError {
            kind: SourceTrouble::Unreachable,
            message: "folder .. is refused".into(),
            hint: None,
        };
        if packing.prefix.contains("..") { Err(refused()) } else { Ok(()) }
    }

    async fn archive(
        &self,
        _: &Project,
        commit: &CommitId,
        packing: &Packing,
        mut out: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Result<(), SourceError> {
        let text = format!("{:?} of {commit}", packing.format);
        out.write_all(text.as_bytes()).await.unwrap();
        self.reach()?;
        out.shutdown().await.unwrap();
        Ok(())
    }

    async fn ssh_host(&self, _: &Project) -> Result<Option<SshHost>, SourceError> {
        let host = self.host.lock().unwrap();
        let known = SshHost { host: "git.example.com".into(), port: 22, pinned: vec!["ssh-rsa OLD".into()] };
        Ok(host.as_ref().map(|_| known))
    }

    async fn scan(&self, _: &SshHost) -> Result<Vec<ScannedKey>, SourceError> {
        Ok(self.host.lock().unwrap().clone().unwrap_or_default())
    }
}
