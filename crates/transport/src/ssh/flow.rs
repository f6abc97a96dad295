//! How much is on its way to a server on one channel: less than its window allows where the way is short.
//!
//! OpenSSH copies all that a command has not taken yet each time more arrives, so a full window (2 MiB) costs the server
//! several times the work of a little of it: 38 MB to ten servers cost them 0.8 instead of 2.0 seconds of CPU. On a long way
//! the whole window is needed to keep the line full. Other servers open their window in other ways, and get all of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// How much may be on its way at least, in bytes. OpenSSH opens its window again for each 96 KiB.
const LITTLE: u32 = 128 * 1024;

/// And how much more for each millisecond that an answer takes: 64 MB/s.
const EACH_MILLISECOND: u32 = 64 * 1024;

/// How long a server may say nothing of its window. Then twice as much goes: it may be one that waits for more.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is on its way on one channel.
pub(super) struct Flow(Mutex<State>);

struct State {
    /// The largest window that the server opened, in bytes. OpenSSH opens none until the command runs.
    window: u32,
    /// How much may be on its way.
    most: u32,
    on_its_way: u32,
    waiting: Option<Waker>,
}

impl Flow {
    /// A new channel of a server at this distance: what an answer takes.
    pub(super) fn new(distance: Duration) -> Arc<Flow> {
        let millis = u32::try_from(distance.as_millis()).unwrap_or(u32::MAX);
        let most = LITTLE.saturating_add(millis.saturating_mul(EACH_MILLISECOND));
        Arc::new(Flow(Mutex::new(State { window: 0, most, on_its_way: 0, waiting: None })))
    }

    /// So many bytes went.
    pub(super) fn went(&self, bytes: usize) {
        let mut state = self.state();
        state.on_its_way = state.on_its_way.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// The server takes so many bytes more.
    pub(super) fn opened(&self, left: u32) {
        let mut state = self.state();
        state.window = state.window.max(left);
        state.on_its_way = state.window - left;
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
            state.most = state.most.saturating_mul(2);
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
        let near = Flow::new(Duration::from_micros(300));
        near.opened(WINDOW);
        near.went(LITTLE as usize);
        assert!(waits(&near).await);
        near.opened(WINDOW - LITTLE + 1);
        assert!(!waits(&near).await);
        let far = Flow::new(Duration::from_millis(50));
        far.opened(WINDOW);
        far.went(WINDOW as usize);
        assert!(!waits(&far).await, "the library keeps to the window");
    }

    #[tokio::test]
    async fn a_server_that_opens_its_window_seldom_is_given_more() {
        let flow = Flow::new(Duration::ZERO);
        flow.went(LITTLE as usize);
        let mut patience = None;
        std::future::poll_fn(|cx| flow.poll(cx, &mut patience)).await;
        assert!(!waits(&flow).await);
        flow.went(LITTLE as usize);
        assert!(waits(&flow).await, "twice as much is not endless");
    }
}
