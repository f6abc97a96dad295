//! Throw-away servers: SSH inside this process, each with a home folder of its own.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use transport::server::Server;

use super::{ENVIRONMENT, PROJECT, Shop};

const USER: &str = "demo";

/// Running servers. They stop when they are dropped.
#[derive(Debug)]
pub struct Fleet {
    servers: Vec<(String, PathBuf, Server)>,
    password: String,
}

impl Fleet {
    /// Starts `count` servers with their homes below `folder`.
    pub async fn start(folder: &Path, count: u8) -> anyhow::Result<Self> {
        let password = hex::encode(rand::random::<[u8; 16]>());
        let mut servers = Vec::new();
        for number in 1..=count {
            let name = format!("web-{number}");
            let home = folder.join(&name);
            std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
            let server = Server::builder().user(USER).password(&password).home(&home).start().await?;
            servers.push((name, home, server));
        }
        Ok(Self { servers, password })
    }

    /// The names of the servers, each with its home folder.
    pub fn homes(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.servers.iter().map(|(name, home, _)| (name.as_str(), home.as_path()))
    }

    /// Everything as the body of `POST /apply`: the servers, and the shop in its two environments.
    pub fn describe(&self, shop: &Shop) -> Value {
        let servers = self.servers.iter().map(|(name, _, server)| {
            let one = json!({
                "host": "127.0.0.1", "port": server.port(), "user": USER, "credential": USER,
                "host_key": server.host_key().to_string(), "labels": { "role": "web" },
            });
            (name.clone(), one)
        });
        // Below the home folder: all these servers share one machine.
        let environment = |servers: &str, path: &str| json!({ "servers": servers, "path": path });
        json!({
            "credentials": { USER: { "kind": "ssh-password", "secret": self.password } },
            "servers": servers.collect::<serde_json::Map<_, _>>(),
            "projects": { PROJECT: {
                "repository": shop.url(),
                "build": { "run": "sh build.sh", "exclude": ["build.sh"] },
                "defaults": {
                    "hooks": { "after_upload": "sh hooks/warm-up.sh", "after_activate": "sh hooks/restart.sh" },
                    "health": { "command": "sh hooks/health.sh", "deadline": "2s" },
                },
                "environments": {
                    ENVIRONMENT: environment("role=web", "~/shop"),
                    "staging": environment("web-1", "~/staging"),
                },
            } },
        })
    }

    /// Ends all connections and their commands.
    pub async fn stop(self) {
        for (_, _, server) in self.servers {
            server.stop().await;
        }
    }
}
