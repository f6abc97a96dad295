//! Terminals on a server: a session channel that asks for one before anything runs on it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelWriteHalf, Pty};
use tokio::time::timeout;

use super::Connection;
use super::exec::Order;
use crate::process::Control;
use crate::shell::{self, Window};
use crate::{Error, OutputReader, Shell, Size, Stdin, Terminal};

/// How long a server may think about whether it gives a terminal.
const ANSWER: Duration = Duration::from_secs(10);

/// What differs from the terminal that the server would open by itself (RFC 4254 section 8, RFC 8160): backspace takes
/// a whole character away.
const MODES: &[(Pty, u32)] = &[(Pty::IUTF8, 1)];

impl Connection {
    /// Starts the login shell on a terminal, or a command.
    pub(crate) async fn shell(
        self: &Arc<Self>,
        terminal: &Terminal,
        command: Option<&str>,
    ) -> Result<Shell, Error> {
        let parts = self.run(Order::Terminal(terminal.clone(), command.map(str::to_owned))).await?;
        let window = Window(shell::Frame::Ssh(Frame(Arc::clone(&parts.sender))));
        // Without a share: whoever only waits for the end does not keep the line open.
        let control = Control::Ssh(self.control(parts.fate, parts.sender, None));
        let (input, output) = (Stdin::of_channel(parts.writer), OutputReader::of_channel(parts.stdout));
        Ok(Shell { input, output, window, control })
    }

    /// Asks for a terminal and waits for the answer: OpenSSH runs without one what it was asked to run on one.
    pub(super) async fn ask_for_terminal(
        &self,
        channel: &mut Channel<Msg>,
        terminal: &Terminal,
    ) -> Result<(), Error> {
        let (columns, rows) = (u32::from(terminal.size.columns), u32::from(terminal.size.rows));
        let asked = channel.request_pty(true, &terminal.kind, columns, rows, 0, 0, MODES).await;
        asked.map_err(|_| self.lost())?;
        let answer = async {
            loop {
                match channel.wait().await {
                    Some(ChannelMsg::Success) => return Ok(()),
                    Some(ChannelMsg::Failure | ChannelMsg::Close) => return Err(self.refuses_terminal()),
                    None => return Err(self.lost()),
                    Some(_) => {}
                }
            }
        };
        timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(self.refuses_terminal()))
    }

    fn refuses_terminal(&self) -> Error {
        Error::TerminalRefused { address: self.address.clone() }
    }
}

/// The size of a terminal on a server.
#[derive(Clone)]
pub(crate) struct Frame(Arc<ChannelWriteHalf<Msg>>);

impl Frame {
    pub(crate) async fn resize(&self, size: Size) -> Result<(), Error> {
        // It fails when the connection is gone, which whoever waits for the end is told.
        let told = self.0.window_change(u32::from(size.columns), u32::from(size.rows), 0, 0);
        told.await.map_err(|_| Error::Closed)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Frame").finish_non_exhaustive()
    }
}
