//! Commands and connections on this machine.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::net::TcpStream;
use tokio::process::Command;

use crate::target::address;
use crate::{Error, Process, Stream};

/// What a command finds around itself; the default is what this process has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The whole environment, or `None` to inherit it.
    pub(crate) environment: Option<Vec<(String, String)>>,
    /// The working directory.
    pub(crate) directory: Option<PathBuf>,
}

/// Starts `sh -c command` as the leader of a new process group, so that a signal reaches all of
/// it. The command outlives a dropped [`Process`], as on a server.
pub(crate) fn exec(command: &str, surroundings: &Surroundings) -> Result<Process, Error> {
    let mut sh = Command::new("/bin/sh");
    sh.arg("-c").arg(command).process_group(0).kill_on_drop(false);
    sh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(environment) = &surroundings.environment {
        sh.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    }
    if let Some(directory) = &surroundings.directory {
        sh.current_dir(directory);
    }
    let mut child = sh.spawn().map_err(|source| Error::Spawn { source })?;
    match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
        (Some(stdin), Some(stdout), Some(stderr)) => Ok(Process::of_child(stdin, stdout, stderr, child)),
        _ => Err(Error::Spawn { source: std::io::ErrorKind::BrokenPipe.into() }),
    }
}

/// Connects from this machine.
pub(crate) async fn forward(host: &str, port: u16) -> Result<Stream, Error> {
    let failed = |_| Error::ForwardFailed { address: "this machine".to_owned(), to: address(host, port) };
    let socket = TcpStream::connect((host, port)).await.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    Ok(Stream::of_socket(socket))
}
