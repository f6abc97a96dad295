//! Many SSH hosts in one process: more than a machine can run of sshd.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use transport::server::Server;

use crate::{open_files, port, say};

/// Files that a host has open while a command runs on it: its port, a connection, and the command with its streams.
const FILES: u64 = 8;

/// The words of `hosts`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The first port to listen on, of 127.0.0.1
    #[arg(long)]
    listen: u16,
    /// How many hosts, on consecutive ports
    #[arg(long)]
    count: u16,
    /// Below this folder hI/home is the home of host I, from 1
    #[arg(long)]
    homes: PathBuf,
    /// The user who is let in
    #[arg(long)]
    user: String,
    /// The file with the user's public key
    #[arg(long)]
    authorized_key: PathBuf,
    /// The file that gets the host keys
    #[arg(long)]
    known_hosts: PathBuf,
}

/// Serves until it is killed; says `ready` when all hosts listen and their keys are written.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    open_files(u64::from(args.count) * FILES + 100)?;
    let authorized = std::fs::read_to_string(&args.authorized_key)
        .with_context(|| format!("cannot read {}", args.authorized_key.display()))?;
    let mut hosts = Vec::new();
    let mut known = String::new();
    for number in 0..args.count {
        let home = args.homes.join(format!("h{}/home", u32::from(number) + 1));
        std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
        let port = port(args.listen, number)?;
        let host = Server::builder().port(port).user(&args.user).authorized_key(&authorized).home(home);
        let host = host.start().await.with_context(|| format!("cannot listen on port {port}"))?;
        writeln!(known, "[127.0.0.1]:{port} {}", host.host_key())?;
        hosts.push(host);
    }
    std::fs::write(&args.known_hosts, known)
        .with_context(|| format!("cannot write {}", args.known_hosts.display()))?;
    say("ready");
    // Dropped they would stop.
    let _hosts = hosts;
    std::future::pending().await
}
