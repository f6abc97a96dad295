//! The rig: the server on a free port, a Unix socket, and a client that knows the token.

use std::net::SocketAddr;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fakes::Rig;

pub(crate) const TOKEN: &str = "a-token-of-at-least-twenty-characters";

/// A running server.
pub(crate) struct Served {
    pub(crate) rig: Rig,
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
    /// Holds `aweigh.sock`.
    pub(crate) dir: TempDir,
}

/// A status and the JSON that came with it.
pub(crate) type Answer = (u16, Value);

impl Served {
    pub(crate) async fn empty() -> Self {
        Self::on(Rig::reading(web::read_repository_file).await).await
    }

    pub(crate) async fn with_shop() -> Self {
        Self::on(Rig::reading(web::read_repository_file).await.with_shop().await).await
    }

    async fn on(rig: Rig) -> Self {
        // A second installation of the same provider is refused and changes nothing.
        rustls::crypto::ring::default_provider().install_default().ok();
        rig.store.ensure_admin_token("test", &actions::digest(TOKEN)).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let unix = UnixListener::bind(dir.path().join("aweigh.sock")).unwrap();
        let address = tcp.local_addr().unwrap();
        let stop = CancellationToken::new();
        let state = web::AppState::new(rig.actions.clone(), web::Site::default());
        let unix = web::Socket { listener: unix, is_stranger: |_| false };
        let task = tokio::spawn(web::serve(state, Some(tcp), Some(unix), stop.clone()));
        Self { rig, address, client: Client::new(), stop, task, dir }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request with the token.
    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(&format!("/api/v1{path}"))).bearer_auth(TOKEN)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.ask(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        answer(self.ask(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.ask(method, path);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        answer(request.send().await.unwrap()).await
    }

    /// Asks for a release of `git_ref` to shop/live.
    pub(crate) async fn release(&self, git_ref: &str) -> Answer {
        self.post("/releases", json!({"project": "shop", "environment": "live", "ref": git_ref})).await
    }
}

pub(crate) async fn answer(response: Response) -> Answer {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The paths of the field errors in a problem.
pub(crate) fn fields(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["field"].as_str().unwrap_or_default().to_owned()).collect()
}
