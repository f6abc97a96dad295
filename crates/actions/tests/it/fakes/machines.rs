//! Servers that answer as told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use engine::ports::{Host, HostError, HostTrouble, Hosts, ScannedKey};
use model::{SecretString, Server};

/// Servers that nobody can log in to, and that present these keys.
#[derive(Default)]
pub(crate) struct Machines {
    pub(crate) keys: Mutex<Vec<ScannedKey>>,
    /// They take connections and say nothing.
    pub(crate) silent: AtomicBool,
}

#[async_trait]
impl Hosts for Machines {
    async fn connect_with(&self, server: &Server, _: &SecretString) -> Result<Box<dyn Host>, HostError> {
        self.connect(server).await
    }

    async fn connect(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        if self.silent.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let message = format!("{} refuses the connection", server.place());
        Err(HostError { kind: HostTrouble::Unreachable, message, hint: Some("start sshd there".into()) })
    }

    async fn connect_alone(&self, server: &Server) -> Result<Box<dyn Host>, HostError> {
        self.connect(server).await
    }

    async fn scan(&self, address: &model::SshAddress) -> Result<Vec<ScannedKey>, HostError> {
        let keys = self.keys.lock().unwrap().clone();
        let message = format!("{}:{} refuses the connection", address.host, address.port);
        if keys.is_empty() {
            Err(HostError { kind: HostTrouble::Unreachable, message, hint: None })
        } else {
            Ok(keys)
        }
    }
}
