//! A line in front of each server, as long and as narrow as is asked for.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context as _;
use testkit::proxy::{Line, Proxy};

use crate::{open_files, port, say};

/// After this long what was counted is forgotten: here nobody asks for it.
const FORGET: Duration = Duration::from_secs(10);

/// The words of `delay`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The first port to listen on, of 127.0.0.1
    #[arg(long)]
    listen: u16,
    /// The port of the first server
    #[arg(long)]
    to: u16,
    /// How many servers, on consecutive ports
    #[arg(long)]
    count: u16,
    /// How long every byte takes in each direction, in milliseconds
    #[arg(long)]
    ms: f64,
    /// How many bytes a second each direction of each connection carries
    #[arg(long)]
    rate: Option<u64>,
}

/// Listens until it is killed; says `ready` when it does.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    open_files(u64::from(args.count) * 4)?;
    let delay = Duration::try_from_secs_f64(args.ms / 1000.0).context("--ms")?;
    let line = Line { delay, rate: args.rate };
    let mut lines = Vec::new();
    for number in 0..args.count {
        let (listen, to) = (port(args.listen, number)?, port(args.to, number)?);
        let started = Proxy::start_on(listen, (Ipv4Addr::LOCALHOST, to).into(), line).await;
        lines.push(started.with_context(|| format!("cannot listen on port {listen}"))?);
    }
    say("ready");
    loop {
        tokio::time::sleep(FORGET).await;
        lines.iter().for_each(Proxy::reset);
    }
}
