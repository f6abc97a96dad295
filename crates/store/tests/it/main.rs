//! What the store promises, asked of real database files.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod adopting;
mod artifacts;
mod audit;
mod claims;
mod creating;
mod definitions;
mod drift;
mod events;
mod git_hosts;
mod history;
mod logs;
mod machine;
mod opening;
mod recording;
mod rekey;
mod rig;
mod rotation;
mod secrets;
mod shells;
mod steering;
mod templates;
mod tokens;
mod values;
