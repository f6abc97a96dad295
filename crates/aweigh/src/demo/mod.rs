//! The demonstration: everything of a real installation in one throw-away process. Real SSH servers on loopback, a
//! real repository, a real database; only that nothing of it outlives the demonstration.

mod fleet;
mod shop;

pub use fleet::Fleet;
pub use shop::{BROKEN, FIRST, Shop, VERSIONS, page_of};

/// The project of the demonstration.
pub const PROJECT: &str = "shop";

/// Its environment with all servers.
pub const ENVIRONMENT: &str = "production";
