//! Adoption: servers that another tool deployed to are taken over in place. In reading order: [`found`] (what stands on one
//! server), [`survey`] (asks, and leaves nothing there), [`agree`] (which folders of many servers are one release; pure),
//! [`takeover`] (seals them under the lock, by the driver), [`plan`] (what is remembered of each release).

pub mod agree;
pub mod found;
mod marks;
pub mod plan;
pub mod survey;
pub mod takeover;

pub use agree::{Agreed, Agreement, Known, LeftOut, Live, agree};
pub use found::{Folder, Found, Runs, Tool};
pub use plan::{Frame, plan, server_fact};
pub use survey::survey;
pub use takeover::{Errand, Lock, Takeover};
