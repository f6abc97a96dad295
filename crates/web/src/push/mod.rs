//! Push: what viewers are told, over three transports that all read the same journal the same way.
//!
//! ```text
//!  GET /events            polling ─┐
//!  GET /events?wait=25    held poll ├─▶ reader: next batch after n ─▶ frames (read and framed once for all) ─▶ journal
//!  GET /push              WebSocket ┘        waits for news of the topic, the end of the right to be here, the stop
//! ```
//!
//! Every viewer reads at its own pace from its own number: nothing is queued for a slow one, and whoever comes back
//! goes on where they were. `presence` is who watches now; it is no fact and has no number.

pub(crate) mod frames;
pub(crate) mod presence;
pub(crate) mod reader;
pub(crate) mod socket;

pub(crate) use reader::{Caller, Reader, View};
