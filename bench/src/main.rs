//! Tools of the measurements in this folder: what has to be as fast as what it measures.

#![expect(clippy::cast_precision_loss, reason = "figures for people; nothing here counts to 2^52")]

mod delay;
mod exec;
mod hosts;
mod viewers;

use std::fmt::Display;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Tools of the measurements
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Words {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Be a long and narrow line in front of servers
    Delay(delay::Args),
    /// Run a command on all servers by the transport of Aweigh alone
    Exec(exec::Args),
    /// Be many SSH hosts in one process
    Hosts(hosts::Args),
    /// Watch a topic with many viewers at once
    Viewers(viewers::Args),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Words::parse().tool {
        Tool::Delay(args) => delay::run(args).await,
        Tool::Exec(args) => exec::run(args).await,
        Tool::Hosts(args) => hosts::run(args).await,
        Tool::Viewers(args) => {
            say(viewers::run(args).await?);
            Ok(())
        }
    }
}

/// One line for whoever started this.
#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn say(line: impl Display) {
    println!("{line}");
}

/// Lets this process open as many files as it may; an error when that is less than `needed`.
fn open_files(needed: u64) -> anyhow::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(hard >= needed, "{needed} open files are needed, {hard} are allowed");
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

/// The port of number `number`, from 0, of those that begin with `first`.
fn port(first: u16, number: u16) -> anyhow::Result<u16> {
    first.checked_add(number).ok_or_else(|| anyhow::anyhow!("there is no port {first} + {number}"))
}
