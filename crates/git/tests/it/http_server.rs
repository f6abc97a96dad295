//! A small HTTP server on loopback in front of the `git http-backend` program, with Basic authentication and faults.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::lfs_server::{self, Objects};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::Notify,
    task::JoinHandle,
};

/// What the server does with a request.
#[derive(Clone, Default)]
pub(crate) struct Behaviour {
    /// The value of `Authorization` without which the answer is 401.
    pub(crate) wants: Option<String>,
    /// Where an authorized request is sent, with its path and query after it.
    pub(crate) redirects_to: Option<String>,
    /// Whether an authorized request is never answered.
    pub(crate) hangs: bool,
    /// Whether answers come byte by byte, a few in a second.
    pub(crate) drips: bool,
    /// After how many bytes an answer stands still.
    pub(crate) stalls_after: Option<usize>,
    /// How objects of Git LFS are given.
    pub(crate) objects: Objects,
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
}

pub(crate) struct HttpServer {
    pub(crate) origin: String,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
    pub(crate) hanging: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl HttpServer {
    /// Serves the repositories below `root`.
    pub(crate) async fn start(root: PathBuf, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (requests, hanging) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::new(Notify::new()));
        let (seen, hangs) = (requests.clone(), hanging.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (root, behaviour, seen, hangs) =
                    (root.clone(), behaviour.clone(), seen.clone(), hangs.clone());
                tokio::spawn(async move { answer(stream, root, behaviour, seen, hangs).await });
            }
        });
        Self { origin, requests, hanging, accepting }
    }

    /// The values of `Authorization` that were sent.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter_map(|request| request.headers.get("authorization").cloned()).collect()
    }
}

async fn answer(
    stream: TcpStream,
    root: PathBuf,
    behaviour: Behaviour,
    seen: Arc<Mutex<Vec<Request>>>,
    hangs: Arc<Notify>,
) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.unwrap();
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let request = Request { line: line.trim_end().into(), headers };
    seen.lock().unwrap().push(request.clone());
    let target = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
    let reply = if behaviour.wants.is_some()
        && behaviour.wants.as_ref() != request.headers.get("authorization")
    {
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec()
    } else if behaviour.hangs {
        hangs.notify_one();
        std::future::pending().await
    } else if let Some(other) = behaviour.redirects_to {
        format!("HTTP/1.1 302 Found\r\nLocation: {other}{target}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").into_bytes()
    } else if let Some(reply) = lfs_server::reply(&root, &behaviour.objects, &request, &body) {
        reply
    } else {
        backend(&root, &request, &target, &body).await
    };
    if behaviour.objects == Objects::Endless && target.contains(lfs_server::OBJECT) {
        while stream.get_mut().write_all(&reply).await.is_ok() {}
    }
    if behaviour.drips {
        for byte in reply.chunks(1) {
            if stream.get_mut().write_all(byte).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    // The client may be gone already.
    match behaviour.stalls_after.and_then(|bytes| reply.get(..bytes)) {
        None => {
            let _ = stream.get_mut().write_all(&reply).await;
        }
        Some(start) => {
            let _ = stream.get_mut().write_all(start).await;
            std::future::pending::<()>().await;
        }
    }
    let _ = stream.get_mut().shutdown().await;
}

async fn backend(root: &PathBuf, request: &Request, target: &str, body: &[u8]) -> Vec<u8> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", request.line.split(' ').next().unwrap_or_default())
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(body).await.unwrap();
    let output = child.wait_with_output().await.unwrap().stdout;
    let text = String::from_utf8_lossy(&output);
    let status = text.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
    [format!("HTTP/1.1 {status}\r\nConnection: close\r\n").as_bytes(), &output].concat()
}
