//! The few things a release needs from outside, as traits beside their user. `aweigh/adapters` puts them on
//! `transport`, `git` and `store`; tests put them on fakes.

mod artifacts;
mod hosts;
mod journal;
mod parcels;
mod secrets;
mod source;
mod terminal;

pub use artifacts::{Artifacts, KeptArtifact};
pub use hosts::{Brought, Channel, Duplex, Host, HostError, HostTrouble, Hosts, ScannedKey, TellBytes};
pub use journal::{Claim, Entry, GoodRelease, Journal, JournalError, Queue, StepRow};
pub use parcels::{Parcel, ParcelError, Parcels};
pub use secrets::Secrets;
pub use source::{RefEntry, RefQuery, Resolved, Say, Source, SourceError, SourceTrouble, TakeItem, TreeItem};
pub use terminal::{Shell, Terminal, TerminalSize, Window};

pub use crate::besides::{Besides, Exported, LeftOut};
