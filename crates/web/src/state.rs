//! What every route can reach.

use std::fmt;
use std::sync::Arc;

use actions::Actions;
use tokio_util::sync::CancellationToken;

/// Shared by all requests; clones are cheap.
#[derive(Clone)]
pub struct AppState {
    pub(crate) actions: Arc<Actions>,
    /// Cancelled when Aweigh stops: whoever waits for a fact answers then.
    pub(crate) closing: CancellationToken,
}

impl AppState {
    /// The state of a server on these actions.
    pub fn new(actions: Arc<Actions>) -> Self {
        Self { actions, closing: CancellationToken::new() }
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").finish_non_exhaustive()
    }
}
