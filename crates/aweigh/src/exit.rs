//! How a command ended, and the one table that makes an exit code of it (DESIGN section 7).

use std::io;

use model::Status;

use crate::client::{self, Trouble};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// What was asked for is done, or accepted, or shown.
    Done,
    /// A release was followed to this status, or as far as it goes without a person.
    Release(Status),
    /// A server failed its check.
    ServerFailed,
    /// A command on a server ended with this exit code, which is ours, too.
    Command(u8),
    /// The words on the command line make no sense.
    Usage,
    /// Aweigh cannot be reached, does not let us in, or is broken itself.
    Unreachable,
    /// A bad file, an unknown ref or name, a conflict, a lock.
    Refused,
    /// The time given is over; what was asked for goes on.
    TimeOver,
}

/// The exit code of `ending`. Scripts rely on it: 0 done, 1 ended with the servers as before, 2 usage, 3 not
/// reached, 4 refused, 5 partial or interrupted, 6 not yet.
pub fn code(ending: Ending) -> u8 {
    match ending {
        Ending::Done | Ending::Release(Status::Succeeded) => 0,
        Ending::Release(Status::Failed | Status::RolledBack | Status::Cancelled | Status::Superseded)
        | Ending::ServerFailed => 1,
        Ending::Command(code) => code,
        Ending::Usage => 2,
        Ending::Unreachable => 3,
        Ending::Refused => 4,
        Ending::Release(Status::Partial | Status::Interrupted) => 5,
        Ending::TimeOver
        | Ending::Release(
            Status::AwaitingApproval | Status::Scheduled | Status::Queued | Status::Running | Status::Paused,
        ) => 6,
    }
}

/// How a command that failed with `error` ended.
pub fn of_error(error: &anyhow::Error) -> Ending {
    if let Some(error) = error.downcast_ref::<client::Error>() {
        return match error.trouble() {
            Trouble::Unreachable => Ending::Unreachable,
            Trouble::Refused => Ending::Refused,
        };
    }
    if error.is::<clap::Error>() {
        return Ending::Usage;
    }
    // Whoever closed our output has read enough: `aweigh releases | head -1` is no failure.
    match error.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ending::Done,
        _ => Ending::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_exit_codes() {
        let of_status = |status| match status {
            Status::Succeeded => 0,
            Status::Failed | Status::RolledBack | Status::Cancelled | Status::Superseded => 1,
            Status::Partial | Status::Interrupted => 5,
            Status::AwaitingApproval
            | Status::Scheduled
            | Status::Queued
            | Status::Running
            | Status::Paused => 6,
        };
        for status in Status::ALL {
            assert_eq!(code(Ending::Release(status)), of_status(status), "{status}");
        }
        let table = [
            (Ending::Done, 0),
            (Ending::ServerFailed, 1),
            (Ending::Command(7), 7),
            (Ending::Usage, 2),
            (Ending::Unreachable, 3),
            (Ending::Refused, 4),
            (Ending::TimeOver, 6),
        ];
        for (ending, expected) in table {
            assert_eq!(code(ending), expected, "{ending:?}");
        }
    }

    #[test]
    fn answers_of_the_server_become_exit_codes() {
        let answers = [
            (401, 3),
            (403, 3),
            (500, 3),
            (503, 3),
            (400, 4),
            (404, 4),
            (409, 4),
            (413, 4),
            (422, 4),
            (429, 4),
        ];
        for (status, expected) in answers {
            let error = anyhow::Error::new(client::Error::answer(status, None)).context("while releasing");
            assert_eq!(code(of_error(&error)), expected, "{status}");
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_other_trouble_is() {
        let pipe = anyhow::Error::new(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(code(of_error(&pipe)), 0);
        assert_eq!(code(of_error(&anyhow::anyhow!("the file is bad"))), 4);
    }
}
