//! A small HTTP proxy on loopback that writes down what it was asked for, and a TLS server in front of another one.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// A proxy that finds every host at one address.
pub(crate) struct Proxy {
    pub(crate) address: String,
    /// The first lines of requests.
    asked: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// `target` is `host:port`.
    pub(crate) async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (target, noted) = (target.to_owned(), asked.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (target, noted) = (target.clone(), noted.clone());
                // Whoever hangs up in the middle has what it wanted.
                tokio::spawn(async move { pass_on(stream, &target, &noted).await.ok() });
            }
        });
        Self { address, asked, accepting }
    }

    /// The first lines of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn pass_on(stream: TcpStream, target: &str, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first).await?;
    noted.lock().unwrap().push(first.trim_end().to_owned());
    let mut server = TcpStream::connect(target).await?;
    if first.starts_with("CONNECT ") {
        let mut header = String::new();
        while stream.read_line(&mut header).await? > 2 {
            header.clear();
        }
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        // `GET http://host/path HTTP/1.1` becomes `GET /path HTTP/1.1`.
        let mut words = first.split(' ');
        let (method, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        server.write_all(format!("{method} /{path} HTTP/1.1\r\n").as_bytes()).await?;
    }
    copy_bidirectional(&mut stream, &mut server).await.map(drop)
}

/// A server that speaks TLS for another one, with a certificate of an authority of its own.
pub(crate) struct TlsServer {
    pub(crate) origin: String,
    accepting: JoinHandle<()>,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl TlsServer {
    /// Speaks for `target`, which is `host:port`. The authority is written to `ca.pem` in a folder.
    pub(crate) async fn start(target: &str, folder: &Path) -> Self {
        certify(folder);
        let read = |name: &str| fs::read(folder.join(name)).unwrap();
        let certificate = CertificateDer::from_pem_slice(&read("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://{}", listener.local_addr().unwrap());
        let target = target.to_owned();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    // A client that does not trust the certificate hangs up.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut server = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
        Self { origin, accepting }
    }
}

/// Makes an authority, and a certificate by it.
fn certify(folder: &Path) {
    let openssl = |words: &str| {
        let output = Command::new("openssl").args(words.split(' ')).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(&format!(
        "{new} -keyout ca.key -out ca.pem -subj /CN=authority -addext basicConstraints=critical,CA:TRUE"
    ));
    openssl(&format!(
        "{new} -keyout server.key -out server.pem -subj /CN=server -CA ca.pem -CAkey ca.key \
         -addext subjectAltName=IP:127.0.0.1,DNS:git.example.test -addext basicConstraints=critical,CA:FALSE"
    ));
}
