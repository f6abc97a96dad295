//! Whom SSH to a git host believes: what people pinned, else what stands in the file `known_hosts` of the data folder,
//! else what the large hosts publish.

use std::path::{Path, PathBuf};

use actions::{ScannedKey, SshHost};
use engine::ports::{SourceError, SourceTrouble};
use model::Project;
use store::Store;
use transport::{HostKey, Timeouts, scan};

use super::source::trouble;

/// The host keys of git hosts.
#[derive(Debug, Clone)]
pub(super) struct GitHosts {
    /// Keys as OpenSSH writes them; the file need not be there.
    known_hosts: PathBuf,
    store: Store,
}

impl GitHosts {
    pub(super) fn new(data: &Path, store: Store) -> Self {
        Self { known_hosts: data.join("known_hosts"), store }
    }

    /// The keys that are believed. The first of the three places that knows the host is the one that counts: a key that
    /// was replaced must not be believed for ever because it is written elsewhere.
    pub(super) async fn pinned(&self, host: &str, port: u16) -> Result<Vec<HostKey>, SourceError> {
        let stored = self.store.git_host_keys(host, port).await.map_err(|error| local(error.to_string()))?;
        if !stored.is_empty() {
            let keys = stored.iter().map(|key| HostKey::parse(key)).collect::<Result<_, _>>();
            return keys.map_err(|error| local(format!("a pinned key of {host} cannot be read: {error}")));
        }
        let file = std::fs::read_to_string(&self.known_hosts).unwrap_or_default();
        let places = [file.as_str(), git::PUBLISHED_HOST_KEYS];
        let mut known = places.iter().map(|text| HostKey::in_known_hosts(text, host, port));
        Ok(known.find(|keys| !keys.is_empty()).unwrap_or_default())
    }

    /// The same as lines of a `known_hosts` file.
    pub(super) async fn known_hosts(&self, host: &str, port: u16) -> Result<String, SourceError> {
        let place = if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") };
        let keys = self.pinned(host, port).await?;
        let lines: Vec<String> = keys.iter().map(|key| format!("{place} {key}\n")).collect();
        Ok(lines.concat())
    }

    /// What a host presents now.
    pub(super) async fn presented(&self, host: &str, port: u16) -> Result<Vec<ScannedKey>, SourceError> {
        let keys = scan(host, port, false, Timeouts::default()).await.map_err(|error| SourceError {
            kind: SourceTrouble::Unreachable,
            message: error.to_string(),
            hint: Some(error.hint().to_owned()).filter(|hint| !hint.is_empty()),
        })?;
        let shown = |key: &HostKey| ScannedKey { key: key.to_string(), fingerprint: key.fingerprint() };
        Ok(keys.iter().map(shown).collect())
    }

    /// Where SSH goes, and whom it believes there.
    pub(super) async fn ssh_host(&self, host: String, port: u16) -> Result<SshHost, SourceError> {
        let pinned = self.pinned(&host, port).await?.iter().map(ToString::to_string).collect();
        Ok(SshHost { host, port, pinned })
    }

    /// Tells of a host that git does not believe: what is pinned, what it shows, and what to do.
    pub(super) async fn told(
        &self,
        project: &Project,
        host: &str,
        port: u16,
        error: git::Error,
    ) -> SourceError {
        let pinned = self.pinned(host, port).await.unwrap_or_default();
        let pinned: Vec<String> =
            pinned.iter().map(|key| named(&key.algorithm, &key.fingerprint())).collect();
        let shown = self.presented(host, port).await.unwrap_or_default();
        let shown: Vec<String> = shown
            .iter()
            .map(|key| named(key.key.split(' ').next().unwrap_or_default(), &key.fingerprint))
            .collect();
        let mut told = trouble(error);
        if !pinned.is_empty() {
            told.message = format!("{}; pinned: {}", told.message, pinned.join(", "));
        }
        if !shown.is_empty() {
            told.message = format!("{}; it shows: {}", told.message, shown.join(", "));
        }
        told.hint = Some(format!(
            "compare the fingerprint with what the owner of the host publishes, then: aweigh projects trust {}",
            project.name
        ));
        told
    }
}

fn named(algorithm: &str, fingerprint: &str) -> String {
    format!("{algorithm} {fingerprint}")
}

fn local(message: String) -> SourceError {
    SourceError { kind: SourceTrouble::Local, message, hint: None }
}

#[cfg(test)]
mod tests {
    use store::MasterKey;

    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDiqOi+Oz0uc3cZuxhgX6Vw0PzvO/hedEzypK0HBxfJj";

    /// What the hosts publish, at the pages that the file names.
    const PUBLISHED: [(&str, [&str; 3]); 4] = [
        (
            "github.com",
            [
                "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
                "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM",
                "SHA256:uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s",
            ],
        ),
        (
            "gitlab.com",
            [
                "SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8",
                "SHA256:HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw",
                "SHA256:ROQFvPThGrW4RuWLoL9tq9I9zJ42fK4XywyRtbOz/EQ",
            ],
        ),
        (
            "bitbucket.org",
            [
                "SHA256:ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM",
                "SHA256:FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0",
                "SHA256:46OSHA1Rmj8E8ERTC6xkNcmGOw9oFxYr0WF6zWW8l1E",
            ],
        ),
        (
            "codeberg.org",
            [
                "SHA256:mIlxA9k46MmM6qdJOdMnAQpzGxF4WIVVL+fj+wZbw0g",
                "SHA256:T9FYDEHELhVkulEKKwge5aVhVTbqCW0MIRwAfpARs/E",
                "SHA256:6QQmYi4ppFS4/+zSZ5S4IU+4sa6rwvQ4PbhCtPEBekQ",
            ],
        ),
    ];

    #[test]
    fn the_keys_of_the_large_hosts_are_those_that_they_publish() {
        for (host, fingerprints) in PUBLISHED {
            let keys = HostKey::in_known_hosts(git::PUBLISHED_HOST_KEYS, host, 22);
            let found: Vec<String> = keys.iter().map(HostKey::fingerprint).collect();
            assert_eq!(found, fingerprints, "{host}");
        }
        let lines =
            git::PUBLISHED_HOST_KEYS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(lines.count(), 12, "every key was compared");
    }

    #[tokio::test]
    async fn the_first_place_that_knows_a_host_counts() {
        let data = tempfile::tempdir().unwrap();
        let key = MasterKey::load(data.path(), None).unwrap();
        let store = Store::open(data.path(), key).await.unwrap();
        let hosts = GitHosts::new(data.path(), store.clone());
        assert_eq!(hosts.known_hosts("git.example.com", 22).await.unwrap(), "");
        assert_eq!(hosts.pinned("github.com", 22).await.unwrap().len(), 3);
        assert_eq!(hosts.pinned("github.com", 2222).await.unwrap(), []);
        std::fs::write(data.path().join("known_hosts"), format!("github.com,[h]:2222 {KEY}\n")).unwrap();
        assert_eq!(hosts.known_hosts("github.com", 22).await.unwrap(), format!("github.com {KEY}\n"));
        assert_eq!(hosts.known_hosts("h", 2222).await.unwrap(), format!("[h]:2222 {KEY}\n"));
        let pinned = hosts.pinned("gitlab.com", 22).await.unwrap()[0].to_string();
        let deed = store::Deed::new("ann", "git_host.trust", "project:shop", "");
        store.pin_git_host("github.com", 22, std::slice::from_ref(&pinned), deed).await.unwrap();
        assert_eq!(hosts.known_hosts("github.com", 22).await.unwrap(), format!("github.com {pinned}\n"));
    }
}
