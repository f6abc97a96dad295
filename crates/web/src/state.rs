//! What every route can reach.

use std::fmt;
use std::sync::Arc;

use actions::Actions;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Site;
use crate::push::Reader;

/// Shared by all requests; clones are cheap.
#[derive(Clone)]
pub struct AppState {
    pub(crate) actions: Arc<Actions>,
    /// Under which addresses people may sign in.
    pub(crate) site: Site,
    /// Reads the journal for everybody who watches.
    pub(crate) reader: Reader,
    /// The open sockets.
    pub(crate) sockets: TaskTracker,
    /// Cancelled when Aweigh stops: whoever waits for a fact answers then.
    pub(crate) closing: CancellationToken,
}

impl AppState {
    /// The state of a server on these actions, which people reach under the addresses of `site`.
    pub fn new(actions: Arc<Actions>, site: Site) -> Self {
        Self {
            actions,
            site,
            reader: Reader::default(),
            sockets: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").finish_non_exhaustive()
    }
}
