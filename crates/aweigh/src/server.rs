//! A running server: the data folder's one owner, listening, with its releases at work. `serve` and `demo` are this.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use actions::{Actions, Actor};
use anyhow::Context as _;
use engine::adhoc::spool::Spool;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use secrecy::SecretString;
use store::{DataLock, MasterKey, Store};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::advice::Advised;
use crate::config::Settings;
use crate::places;
use crate::render::note;
use crate::sandbox;
use crate::wiring::{public_url, wire};

/// The name of the first administrator.
pub const ADMIN: &str = "admin";

/// How many open files a server wants: some thousands of viewers, some thousands of servers.
pub(crate) const OPEN_FILES: u64 = 20_000;

/// A server that is open and does not answer yet.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What users may ask of it.
    pub actions: Arc<Actions>,
    /// Where people find its page.
    pub site: web::Site,
    store: Store,
    tcp: TcpListener,
    unix: UnixListener,
    dispatcher: JoinHandle<()>,
    stop: CancellationToken,
    /// Proves that no other process works on these releases. Given back last.
    _lock: DataLock,
}

impl Server {
    /// Takes the data folder and opens everything in it. Releases run from here on until `stop`.
    ///
    /// # Errors
    /// Another server uses the folder, it is damaged, or the address is taken; the hint says what to do.
    pub async fn open(
        settings: &Settings,
        master_key: Option<SecretString>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        allow_connections();
        let data = &settings.data;
        // Whoever may not have the folder changes nothing in it, nor its mode.
        let lock = DataLock::take(data).map_err(advised)?;
        close(data, settings.build.user.is_some())
            .with_context(|| format!("cannot close the data folder {}", data.display()))?;
        let key = MasterKey::load(data, master_key).map_err(advised)?;
        let store = Store::open(data, key).await.map_err(advised)?;
        engine::artifact::sweep(data).context("cannot clear the artifacts that were not finished")?;
        let spool = Spool::open(data, settings.spool_size).context("cannot clear the spool")?;
        store.ensure_admin().await.map_err(advised)?;
        store.end_open_recordings("Aweigh stopped").await.map_err(advised)?;
        let tcp = TcpListener::bind(settings.listen).await.map_err(|error| {
            Advised::new(
                format!("cannot listen on {}: {error}", settings.listen),
                "choose another one with --listen",
            )
        })?;
        let address = tcp.local_addr()?;
        let unix = socket(&places::socket(data))?;
        // The port may have been left to the system.
        let settings = Settings { listen: address, ..settings.clone() };
        let sandbox = sandbox::find(&settings.build, data)?;
        if let Some(refusal) = sandbox.refusal() {
            note(&format!("warning: {}", refusal.reason()));
        }
        let wired = wire(&settings, sandbox, &store, spool, stop.clone());
        Ok(Self {
            address,
            actions: wired.actions,
            site: web::Site::new(&public_url(&settings)),
            store,
            tcp,
            unix,
            dispatcher: wired.dispatcher,
            stop,
            _lock: lock,
        })
    }

    /// Ensures the administrator's API token with this SHA-256.
    pub async fn ensure_token(&self, name: &str, sha256_hex: &str) -> anyhow::Result<()> {
        Ok(self.store.ensure_admin_token(name, sha256_hex).await.map_err(advised)?)
    }

    /// Gives the first administrator this password, unless they have one.
    ///
    /// # Errors
    /// What is wrong with the password, as a fragment.
    pub async fn ensure_password(&self, password: SecretString) -> Result<(), String> {
        let name = ADMIN.parse().map_err(|_| String::new())?;
        self.actions.ensure_password(&name, password).await.map_err(|error| match error {
            actions::Error::Invalid(wrong) => wrong.iter().map(|wrong| wrong.message.as_str()).collect(),
            other => other.to_string(),
        })
    }

    /// A new link that sets the administrator's password, while nobody has one.
    pub async fn first_link(&self) -> anyhow::Result<Option<String>> {
        if !self.actions.is_new().await? {
            return Ok(None);
        }
        let code = self.actions.setup_code(&Actor::administrator(ADMIN), &ADMIN.parse()?).await?;
        Ok(Some(self.site.setup_link(&code)))
    }

    /// Answers until `stop`; then ends what is under way, and closes the database.
    pub async fn run(self) -> anyhow::Result<()> {
        let state = web::AppState::new(self.actions, self.site);
        let unix = web::Socket { listener: self.unix, is_stranger: |stream| sandbox::is_confined(stream) };
        web::serve(state, Some(self.tcp), Some(unix), self.stop.clone()).await?;
        self.stop.cancel();
        self.dispatcher.await?;
        Ok(self.store.close().await.map_err(advised)?)
    }
}

/// Lets this process open as many files as it will need: each viewer and each server is one. Many systems let a
/// process begin with 1,024 and ask for more. Where they do not allow it, connections beyond that wait to be accepted.
fn allow_connections() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = OPEN_FILES.min(hard);
    if soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_err() {
        note(&format!("this process may have only {soft} open files; more viewers than that have to wait"));
    }
}

/// Closes the data folder to others. The way to the folders of builds that have a user of their own stays open where it was:
/// some may be at work since before the start.
fn close(data: &Path, has_builder: bool) -> std::io::Result<()> {
    let way = if has_builder { 0o011 } else { 0 };
    let mode = std::fs::metadata(data)?.permissions().mode();
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700 | (mode & way)))
}

/// The socket that makes its caller administrator: only the owner of the data folder reaches it.
fn socket(path: &Path) -> anyhow::Result<UnixListener> {
    // The lock is ours, so a socket that is there belongs to nobody any more.
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("cannot replace {}", path.display()));
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn advised(error: store::Error) -> Advised {
    let hint = error.hint().unwrap_or_default();
    Advised::new(error.to_string(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_closed_but_for_the_way_of_builds() {
        let folder = tempfile::tempdir().unwrap();
        let closed = |mode, has_builder| {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            close(folder.path(), has_builder).unwrap();
            std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777
        };
        assert_eq!([0o755, 0o711, 0o700].map(|mode| closed(mode, false)), [0o700; 3]);
        assert_eq!([0o777, 0o711, 0o700].map(|mode| closed(mode, true)), [0o711, 0o711, 0o700]);
    }
}
