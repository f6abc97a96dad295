//! Tools of the measurements in this folder. Each prints one line of JSON.

#![expect(clippy::cast_precision_loss, reason = "figures for people; nothing here counts to 2^52")]

mod viewers;

use clap::{Parser, Subcommand};

/// Tools of the measurements
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Words {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Watch a topic with many viewers at once
    Viewers(viewers::Args),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let answer = match Words::parse().tool {
        Tool::Viewers(args) => viewers::run(args).await?,
    };
    #[expect(clippy::print_stdout, reason = "this is what it is for")]
    {
        println!("{answer}");
    }
    Ok(())
}
