//! Push: what viewers are told, over three transports that all read the same journal the same way.
//!
//! ```text
//!  GET /events            polling ─┐                            ┌─▶ frames (read and framed once for all) ─▶ journal
//!  GET /events?wait=25    held poll ├─▶ reader: the next batch ─┤                   ▲
//!  GET /push              WebSocket ┘   after n, or nothing      └─▶ live: who has seen all waits for what is new
//! ```
//!
//! Every viewer reads at its own pace from its own number: nothing is queued for a slow one, and whoever comes back
//! goes on where they were. `presence` is who watches now, `gauge` how far uploads are: no facts, without numbers.

pub(crate) mod frames;
pub(crate) mod gauge;
pub(crate) mod live;
pub(crate) mod presence;
pub(crate) mod reader;
pub(crate) mod socket;

pub(crate) use reader::{Caller, Reader, View, Viewing};
