//! One session: three commands, a file there and back, and good-bye, all over one connection.
//!
//! ```text
//! cargo run -p transport --example session                                # a throw-away server inside this process
//! cargo run -p transport --example session -- HOST PORT USER KEY_FILE     # a server in your ~/.ssh/known_hosts
//! ```

use std::error::Error;
use std::path::PathBuf;

use tokio::io::AsyncWriteExt;
use transport::server::Server;
use transport::{Auth, HostKey, KeyExchange, Session, Target, Timeouts};

const PASSWORD: &str = "only for this example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let here = tempfile::tempdir()?;
    // Dropping the server ends it.
    let (_server, target) = if let [host, port, user, key] = arguments.as_slice() {
        (None, given(host, port.parse()?, user, key)?)
    } else {
        let server = Server::builder().password(PASSWORD).home(here.path()).start().await?;
        let target = throw_away(&server);
        (Some(server), target)
    };

    let session = Session::connect(&target).await?;

    // Three commands. A command that fails is a result, not an error.
    let output = session.exec("echo hello; echo oops >&2; exit 3").await?.output().await?;
    print!("stdout: {}", String::from_utf8_lossy(&output.stdout));
    print!("stderr: {}", String::from_utf8_lossy(&output.stderr));
    println!("exit: {:?}", output.exit.code);

    let mut process = session.exec("wc -w").await?;
    process.stdin.write_all(b"words on standard input\n").await?;
    print!("words: {}", String::from_utf8_lossy(&process.output().await?.stdout));

    let output = session.exec("uname -s").await?.output().await?;
    print!("system: {}", String::from_utf8_lossy(&output.stdout));

    // A file there and back. It has its name only when it is whole.
    let (there, back) = ("aweigh-example.txt", here.path().join("back.txt"));
    let sent = session.put(b"a few bytes\n".to_vec(), there).mode(0o600).await?;
    println!("sent: {} bytes", sent.bytes);
    let got = session
        .get(there, &*back)
        .progress(|progress| println!("got: {} of {:?} bytes", progress.done, progress.total))
        .await?;
    println!("file: {} bytes, {:?}", got.bytes, std::fs::read_to_string(&back)?);
    session.exec("rm aweigh-example.txt").await?.wait().await?;

    session.close().await;
    Ok(())
}

/// The server inside this process.
fn throw_away(server: &Server) -> Target {
    Target {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        user: "demo".to_owned(),
        auth: vec![Auth::Password(PASSWORD.into())],
        host_keys: vec![server.host_key().clone()],
        authorities: Vec::new(),
        key_exchange: KeyExchange::default(),
        legacy_algorithms: false,
        timeouts: Timeouts::default(),
        jump: None,
    }
}

/// A server of yours, whose host key stands in `~/.ssh/known_hosts`.
fn given(host: &str, port: u16, user: &str, key: &str) -> Result<Target, Box<dyn Error>> {
    let home = std::env::var_os("HOME").ok_or("HOME is not set")?;
    let known_hosts = std::fs::read_to_string(PathBuf::from(home).join(".ssh/known_hosts"))?;
    Ok(Target {
        host: host.to_owned(),
        port,
        user: user.to_owned(),
        auth: vec![Auth::Key { openssh: std::fs::read_to_string(key)?.into(), passphrase: None }],
        host_keys: HostKey::in_known_hosts(&known_hosts, host, port),
        authorities: Vec::new(),
        key_exchange: KeyExchange::default(),
        legacy_algorithms: false,
        timeouts: Timeouts::default(),
        jump: None,
    })
}
