//! A command on all servers at once, by the transport of Aweigh alone: what a release cannot be faster than.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;
use transport::{Auth, HostKey, KeyExchange, Pool, Session, Target, Timeouts};

use crate::{open_files, port, say};

const HOST: &str = "127.0.0.1";

/// Connections are kept for longer than this runs.
const KEEP: Duration = Duration::from_mins(10);

/// How long a server has to forget the command before: a pause between two releases, which are never this close.
const REST: Duration = Duration::from_millis(500);

/// The words of `exec`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Do it twice over the same connections, and say how many seconds the second time took
    #[arg(long)]
    warm: bool,
    /// The port of the first server, of 127.0.0.1
    #[arg(long)]
    ports: u16,
    /// How many servers, on consecutive ports
    #[arg(long)]
    count: u16,
    /// The user to log in as
    #[arg(long)]
    user: String,
    /// The file with the private key
    #[arg(long)]
    key: PathBuf,
    /// The file with the host keys
    #[arg(long)]
    known_hosts: PathBuf,
    /// What to run
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// How a command gets its session.
#[derive(Clone)]
enum Way {
    /// A new connection.
    Cold,
    /// One that is kept.
    Kept(Pool),
}

/// Runs the command everywhere; an error when it fails anywhere.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    open_files(u64::from(args.count) * 2 + 100)?;
    let targets = targets(&args)?;
    let command = args.command.join(" ");
    if !args.warm {
        return everywhere(&targets, &command, &Way::Cold).await;
    }
    let pool = Pool::new(KEEP);
    let kept = Way::Kept(pool.clone());
    prepare(&targets, &pool).await;
    everywhere(&targets, &command, &kept).await?;
    tokio::time::sleep(REST).await;
    prepare(&targets, &pool).await;
    let begun = Instant::now();
    everywhere(&targets, &command, &kept).await?;
    say(begun.elapsed().as_secs_f64());
    Ok(())
}

/// Runs the command on all of them at once, and waits for every one.
async fn everywhere(targets: &[Target], command: &str, way: &Way) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    for target in targets {
        running.spawn(once(target.clone(), command.to_owned(), way.clone()));
    }
    let ended = running.join_all().await;
    let count = ended.len();
    let failed: Vec<String> =
        ended.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    ensure!(failed.is_empty(), "{} of {count} failed:\n{}", failed.len(), failed.join("\n"));
    Ok(())
}

async fn once(target: Target, command: String, way: Way) -> anyhow::Result<()> {
    let session = match &way {
        Way::Cold => Session::connect(&target).await?,
        Way::Kept(pool) => pool.session(&target).await?,
    };
    let output = session.exec(&command).await?.output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.exit.is_success(), "port {}: {:?} {}", target.port, output.exit, said.trim());
    Ok(())
}

/// Connects ahead, as Aweigh does while it fetches and builds; what fails is told by the command.
async fn prepare(targets: &[Target], pool: &Pool) {
    let mut preparing = JoinSet::new();
    for target in targets {
        let (pool, target) = (pool.clone(), target.clone());
        preparing.spawn(async move { pool.prepare(&target).await });
    }
    preparing.join_all().await;
}

fn targets(args: &Args) -> anyhow::Result<Vec<Target>> {
    let key = read(&args.key)?;
    let mut known = known(&read(&args.known_hosts)?);
    let target = |number| {
        let port = port(args.ports, number)?;
        let host_keys = known.remove(&format!("[{HOST}]:{port}"));
        Ok(Target {
            host: HOST.to_owned(),
            port,
            user: args.user.clone(),
            auth: vec![Auth::Key { openssh: key.clone().into(), passphrase: None }],
            host_keys: host_keys.with_context(|| format!("no host key of port {port} is known"))?,
            authorities: Vec::new(),
            key_exchange: KeyExchange::default(),
            legacy_algorithms: false,
            timeouts: Timeouts::default(),
            jump: None,
        })
    };
    (0..args.count).map(target).collect()
}

/// The host keys by name. Read once for all: a search for each server would be in the figures.
fn known(text: &str) -> HashMap<String, Vec<HostKey>> {
    let mut known: HashMap<String, Vec<HostKey>> = HashMap::new();
    for line in text.lines() {
        if let (Some(name), Ok(key)) = (line.split(' ').next(), HostKey::parse(line)) {
            known.entry(name.to_owned()).or_default().push(key);
        }
    }
    known
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
