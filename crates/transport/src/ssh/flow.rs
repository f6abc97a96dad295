//! How much is on its way to a server on one channel: less than its window allows where the way is short.
//!
//! OpenSSH copies all that a command has not taken yet each time more arrives, so a full window (2 MiB) costs the server
//! several times the work of a quarter of it. On a long way the whole window is needed to keep the line full.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// How much may be on its way on a short way, in bytes. OpenSSH opens its window again for each 96 KiB.
const LITTLE: u32 = 384 * 1024;

/// A way is short when an answer takes no longer than this: then a little on its way is 25 MB/s at least.
const SHORT: Duration = Duration::from_millis(15);

/// How long a server may say nothing of its window. One that waits for more than a little is given all it allows.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is on its way on one channel.
pub(super) struct Flow(Mutex<State>);

struct State {
    /// The server's whole window, in bytes.
    window: u32,
    /// How much may be on its way.
    most: u32,
    on_its_way: u32,
    waiting: Option<Waker>,
}

impl Flow {
    /// A new channel of a server with this window, at this distance.
    pub(super) fn new(window: u32, distance: Duration) -> Arc<Flow> {
        let most = if distance <= SHORT { LITTLE.min(window) } else { u32::MAX };
        Arc::new(Flow(Mutex::new(State { window, most, on_its_way: 0, waiting: None })))
    }

    /// So many bytes went.
    pub(super) fn went(&self, bytes: usize) {
        let mut state = self.state();
        state.on_its_way = state.on_its_way.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// The server takes so many bytes more.
    pub(super) fn opened(&self, left: u32) {
        let mut state = self.state();
        state.on_its_way = state.window.saturating_sub(left);
        if let Some(waker) = state.waiting.take() {
            waker.wake();
        }
    }

    /// Waits until something more may go. `patience` is the writer's own, and kept while it waits.
    pub(super) fn poll(&self, cx: &mut Context<'_>, patience: &mut Option<Pin<Box<Sleep>>>) -> Poll<()> {
        let mut state = self.state();
        if state.on_its_way < state.most {
            *patience = None;
            return Poll::Ready(());
        }
        state.waiting = Some(cx.waker().clone());
        let over = patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE))).as_mut().poll(cx);
        if over.is_ready() {
            state.most = u32::MAX;
            *patience = None;
        }
        over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u32 = 2 * 1024 * 1024;

    async fn waits(flow: &Flow) -> bool {
        let mut patience = None;
        std::future::poll_fn(|cx| Poll::Ready(flow.poll(cx, &mut patience).is_pending())).await
    }

    #[tokio::test]
    async fn little_is_on_a_short_way_and_a_window_on_a_long_one() {
        let near = Flow::new(WINDOW, Duration::from_millis(1));
        near.went(LITTLE as usize);
        assert!(waits(&near).await);
        near.opened(WINDOW - LITTLE + 1);
        assert!(!waits(&near).await);
        let far = Flow::new(WINDOW, Duration::from_millis(50));
        far.went(WINDOW as usize);
        assert!(!waits(&far).await, "the library keeps to the window");
    }

    #[tokio::test]
    async fn a_server_that_opens_its_window_seldom_is_given_all_it_allows() {
        let flow = Flow::new(WINDOW, Duration::ZERO);
        flow.went(LITTLE as usize);
        let mut patience = None;
        std::future::poll_fn(|cx| flow.poll(cx, &mut patience)).await;
        flow.went(LITTLE as usize);
        assert!(!waits(&flow).await);
    }
}
