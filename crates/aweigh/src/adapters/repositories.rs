//! The port `Repositories` on `git`: differences, archives, and the hosts of repositories.

use actions::{ArchiveFormat, FileChange, FileDiff, FileDiffs, Packing, Repositories, ScannedKey, SshHost};
use async_trait::async_trait;
use engine::ports::SourceError;
use git::Prefix;
use model::{CommitId, Project};
use tokio::io::AsyncWrite;

use super::source::{GitSource, theirs, trouble};

#[async_trait]
impl Repositories for GitSource {
    async fn diff(
        &self,
        project: &Project,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<FileDiffs, SourceError> {
        let (from, to) = (theirs(from)?, theirs(to)?);
        let diff = self.open(project).await?.diff(&from, &to, most).await.map_err(trouble)?;
        Ok(FileDiffs { files: diff.files.into_iter().map(file).collect(), more: diff.more })
    }

    async fn patch(
        &self,
        project: &Project,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<(String, bool), SourceError> {
        let (from, to) = (theirs(from)?, theirs(to)?);
        let patch = self.open(project).await?.patch(&from, &to, most).await.map_err(trouble)?;
        Ok((String::from_utf8_lossy(&patch.text).into_owned(), patch.more))
    }

    fn check(&self, packing: &Packing) -> Result<(), SourceError> {
        Prefix::parse(&packing.prefix).map(drop).map_err(trouble)
    }

    async fn archive(
        &self,
        project: &Project,
        commit: &CommitId,
        packing: &Packing,
        out: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Result<(), SourceError> {
        let prefix = Prefix::parse(&packing.prefix).map_err(trouble)?;
        let format = match packing.format {
            ArchiveFormat::Tar => git::ArchiveFormat::Tar,
            ArchiveFormat::TarGz => git::ArchiveFormat::TarGz,
            ArchiveFormat::TarZst => git::ArchiveFormat::TarZst,
            ArchiveFormat::Zip => git::ArchiveFormat::Zip,
        };
        let repository = self.open(project).await?;
        repository.archive(&theirs(commit)?, format, &prefix, out).await.map_err(trouble)
    }

    async fn ssh_host(&self, project: &Project) -> Result<Option<SshHost>, SourceError> {
        match self.url(project)?.ssh_host() {
            Some((host, port)) => self.hosts.ssh_host(host, port).await.map(Some),
            None => Ok(None),
        }
    }

    async fn scan(&self, host: &SshHost) -> Result<Vec<ScannedKey>, SourceError> {
        self.hosts.presented(&host.host, host.port).await
    }
}

fn file(file: git::FileDiff) -> FileDiff {
    let change = match file.status {
        'A' => FileChange::Added,
        'D' => FileChange::Deleted,
        'R' => FileChange::Renamed,
        'T' => FileChange::Retyped,
        _ => FileChange::Modified,
    };
    let lines = file.lines.map(|lines| (lines.added, lines.deleted));
    FileDiff { change, path: file.path, before: file.before, lines }
}
