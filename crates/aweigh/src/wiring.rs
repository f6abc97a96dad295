//! The only place that names concrete types: puts the engine on its ports, and the web on the actions.

use std::sync::Arc;

use actions::{Actions, Parts};
use engine::adhoc::spool::Spool;
use engine::dispatcher::{Control, dispatch};
use engine::progress::Uploads;
use engine::run::Ports;
use engine::sandbox::Sandbox;
use store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::adapters::{Archives, GitSource, Memory, SshHosts, SshKeys};
use crate::config::Settings;
use crate::doctor::Machine;
use crate::upkeep;

/// A running Aweigh without its web.
pub struct Wired {
    /// What users may ask.
    pub actions: Arc<Actions>,
    /// The task that runs releases; it ends after `stop`.
    pub dispatcher: JoinHandle<()>,
}

/// Where people find the page, without a slash at the end.
pub fn public_url(settings: &Settings) -> String {
    let listens = || {
        // Whoever listens everywhere is reached here under a name that browsers trust with a password.
        let everywhere = settings.listen.ip().is_unspecified();
        let host = if everywhere { "localhost".to_owned() } else { settings.listen.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        format!("http://{host}:{}", settings.listen.port())
    };
    let url = settings.public_url.as_ref().map_or_else(listens, ToString::to_string);
    url.trim_end_matches('/').to_owned()
}

/// Puts everything together on an open store; releases run from here on until `stop`.
pub fn wire(
    settings: &Settings,
    sandbox: Sandbox,
    store: &Store,
    spool: Spool,
    stop: CancellationToken,
) -> Wired {
    let memory = Arc::new(Memory(store.clone()));
    let hosts = Arc::new(SshHosts::new(store.clone(), &settings.ssh));
    let source =
        Arc::new(GitSource::new(&settings.data, settings.git.clone(), settings.disk_reserve, store.clone()));
    let uploads = Uploads::default();
    let (control, orders) = Control::new();
    let ports = Ports {
        source: source.clone(),
        hosts: hosts.clone(),
        journal: memory.clone(),
        queue: memory.clone(),
        artifacts: memory.clone(),
        secrets: memory,
        uploads: uploads.clone(),
        installation: store.installation().to_owned(),
        public_url: public_url(settings),
        keep_artifacts: settings.keep_artifacts,
        disk_reserve: settings.disk_reserve,
        sandbox: Arc::new(sandbox.clone()),
        data: settings.data.clone(),
    };
    // Whoever was killed while the master key was replaced goes on.
    tokio::spawn(actions::master_key::seal_anew(store.clone()));
    tokio::spawn(upkeep::forget_history(store.clone(), settings.history, stop.clone()));
    if let Some(keep) = settings.keep_recordings {
        let data = settings.data.clone();
        tokio::spawn(upkeep::forget_recordings(store.clone(), data, keep, stop.clone()));
    }
    let until = stop.clone();
    let dispatcher = tokio::spawn(async move {
        if let Err(error) = dispatch(ports, orders, until).await {
            tracing::error!(%error, "releases cannot be run");
        }
    });
    let parts = Parts {
        store: store.clone(),
        repositories: source.clone(),
        source,
        hosts,
        parcels: Arc::new(Archives),
        spool,
        control,
        uploads,
        data: settings.data.clone(),
        shell_idle: settings.shell_idle,
        disk_reserve: settings.disk_reserve,
        limits: actions::TreeLimits { bytes: settings.git.max_bytes, entries: settings.git.max_files },
        doctor: Arc::new(Machine::new(settings.clone(), sandbox)),
        keys: Arc::new(SshKeys),
        repository_file: web::read_repository_file,
    };
    let actions = Arc::new(Actions::new(parts));
    if let Some(every) = settings.look_for_drift {
        tokio::spawn(upkeep::look_for_drift(actions.clone(), every, stop));
    }
    Wired { actions, dispatcher }
}
