//! The `aweigh` program: words in, exit code out. Everything else is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(aweigh::run(std::env::args_os()))
}
