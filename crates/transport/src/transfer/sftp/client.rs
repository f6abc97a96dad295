//! One talk with an SFTP server: a question and its answer, or many questions before the first answer.
//!
//! A server is believed in nothing: packets are bounded, an answer is to a question of ours, and each comes in time.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::packet::{self, Attributes, Entry, Kind, Reply, Request};
use crate::target::Seconds;
use crate::transfer::dialog::printable;
use crate::transfer::last_words::LastWords;
use crate::{Error, OutputReader, Process, Running, Stdin};

/// The largest packet that is taken, in bytes; OpenSSH sends none that is larger.
const LARGEST: u32 = 256 * 1024;
/// How long a server may take to answer, or to take a packet, since it last did.
const PATIENCE: Duration = Duration::from_mins(1);

/// Codes of a status.
const OK: u32 = 0;
pub(super) const END: u32 = 1;
const NO_SUCH_FILE: u32 = 2;

/// An extension that renames over what is there, as rename(2) does.
const RENAME_OVER: &str = "posix-rename@openssh.com";

/// A talk. When a call has failed, answers may still be on their way: whoever did not expect it ends the talk.
pub(super) struct Client {
    stdin: Stdin,
    stdout: BufReader<OutputReader>,
    last_words: LastWords,
    running: Running,
    place: String,
    /// What messages are about.
    path: String,
    last: u32,
    can_rename_over: bool,
    patience: Duration,
}

impl Client {
    /// Begins to talk with a server that has been started, about `path`.
    pub(super) async fn start(process: Process, place: String, path: &str) -> Result<Client, Error> {
        Client::with_patience(process, place, path, PATIENCE).await
    }

    async fn with_patience(
        process: Process,
        place: String,
        path: &str,
        patience: Duration,
    ) -> Result<Client, Error> {
        let (stdin, stdout, stderr, running) = process.into_parts();
        let (stdout, last_words) = (BufReader::new(stdout), LastWords::of(stderr));
        let (path, last, can_rename_over) = (path.to_owned(), 0, false);
        let mut client =
            Client { stdin, stdout, last_words, running, place, path, last, can_rename_over, patience };
        client.send(Request::hello()).await?;
        let hello = client.packet().await?;
        let Some(extensions) = packet::extensions(&hello) else { return Err(client.odd()) };
        client.can_rename_over = extensions.iter().any(|(name, _)| name == RENAME_OVER.as_bytes());
        Ok(client)
    }

    /// From here on messages are about this path.
    pub(super) fn about(&mut self, path: &[u8]) {
        self.path = printable(&String::from_utf8_lossy(path));
    }

    /// Asks, and does not wait for the answer: [`Client::answer`] has it by the number that is given back.
    pub(super) async fn ask(
        &mut self,
        kind: Kind,
        fields: impl FnOnce(Request) -> Request,
    ) -> Result<u32, Error> {
        self.last = self.last.wrapping_add(1);
        self.send(fields(Request::new(kind, self.last))).await?;
        Ok(self.last)
    }

    /// The next answer, to whichever question.
    pub(super) async fn answer(&mut self) -> Result<(u32, Reply), Error> {
        let packet = self.packet().await?;
        packet::reply(&packet).ok_or_else(|| self.odd())
    }

    /// Asks, and waits for the answer to this.
    pub(super) async fn call(
        &mut self,
        kind: Kind,
        fields: impl FnOnce(Request) -> Request,
    ) -> Result<Reply, Error> {
        let asked = self.ask(kind, fields).await?;
        let (id, reply) = self.answer().await?;
        if id == asked { Ok(reply) } else { Err(self.odd()) }
    }

    /// What is under a name, links followed; nothing where nothing is.
    pub(super) async fn look(&mut self, path: &[u8]) -> Result<Option<Attributes>, Error> {
        let reply = self.call(Kind::Look, |request| request.string(path)).await?;
        self.found(reply)
    }

    /// The same, of a link itself.
    pub(super) async fn look_at_link(&mut self, path: &[u8]) -> Result<Option<Attributes>, Error> {
        let reply = self.call(Kind::LookAtLink, |request| request.string(path)).await?;
        self.found(reply)
    }

    /// Of what is open.
    pub(super) async fn look_at_open(&mut self, handle: &[u8]) -> Result<Attributes, Error> {
        let reply = self.call(Kind::LookAtOpen, |request| request.string(handle)).await?;
        self.found(reply)?.ok_or_else(|| self.odd())
    }

    /// Opens a file; `mode` is that of a new one.
    pub(super) async fn open(&mut self, path: &[u8], flags: u32, mode: u32) -> Result<Vec<u8>, Error> {
        let reply = self.call(Kind::Open, |request| request.string(path).number(flags).mode(mode)).await?;
        self.handle(reply)
    }

    /// Ends the use of what was opened; some servers only say here that it did not fit on the disk.
    pub(super) async fn close(&mut self, handle: &[u8]) -> Result<(), Error> {
        let reply = self.call(Kind::Close, |request| request.string(handle)).await?;
        self.done(reply)
    }

    /// Gives a file or folder another mode.
    pub(super) async fn change(&mut self, path: &[u8], mode: u32) -> Result<(), Error> {
        let reply = self.call(Kind::Change, |request| request.string(path).mode(mode)).await?;
        self.done(reply)
    }

    pub(super) async fn make_folder(&mut self, path: &[u8], mode: u32) -> Result<(), Error> {
        let reply = self.call(Kind::MakeFolder, |request| request.string(path).mode(mode)).await?;
        self.done(reply)
    }

    /// Removes a file or a link; it may be gone already.
    pub(super) async fn remove(&mut self, path: &[u8]) -> Result<(), Error> {
        match self.call(Kind::Remove, |request| request.string(path)).await? {
            Reply::Status { code: NO_SUCH_FILE, .. } => Ok(()),
            reply => self.done(reply),
        }
    }

    /// Whether a file can be renamed over another one in one step.
    pub(super) fn can_rename_over(&self) -> bool {
        self.can_rename_over
    }

    /// Renames over what is there, in one step.
    pub(super) async fn rename_over(&mut self, from: &[u8], to: &[u8]) -> Result<(), Error> {
        let reply = self
            .call(Kind::Extended, |request| request.string(RENAME_OVER.as_bytes()).string(from).string(to))
            .await?;
        self.done(reply)
    }

    /// Renames to a name that nothing has.
    pub(super) async fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), Error> {
        let reply = self.call(Kind::Rename, |request| request.string(from).string(to)).await?;
        self.done(reply)
    }

    /// The text of a link.
    pub(super) async fn read_link(&mut self, path: &[u8]) -> Result<Vec<u8>, Error> {
        match self.call(Kind::ReadLink, |request| request.string(path)).await? {
            Reply::Names(names) => match <[Entry; 1]>::try_from(names) {
                Ok([Entry { name, .. }]) => Ok(name),
                Err(_) => Err(self.odd()),
            },
            other => Err(self.refused(other)),
        }
    }

    /// Makes a link. What the two stand for differs between servers: the draft has the place first, OpenSSH the text.
    pub(super) async fn link(&mut self, first: &[u8], second: &[u8]) -> Result<(), Error> {
        let reply = self.call(Kind::Link, |request| request.string(first).string(second)).await?;
        self.done(reply)
    }

    /// Whether it was done.
    pub(super) fn done(&self, reply: Reply) -> Result<(), Error> {
        match reply {
            Reply::Status { code: OK, .. } => Ok(()),
            other => Err(self.refused(other)),
        }
    }

    /// What was opened.
    pub(super) fn handle(&self, reply: Reply) -> Result<Vec<u8>, Error> {
        match reply {
            Reply::Handle(handle) => Ok(handle),
            other => Err(self.refused(other)),
        }
    }

    fn found(&self, reply: Reply) -> Result<Option<Attributes>, Error> {
        match reply {
            Reply::Attributes(found) => Ok(Some(found)),
            Reply::Status { code: NO_SUCH_FILE, .. } => Ok(None),
            other => Err(self.refused(other)),
        }
    }

    /// What messages call the server.
    pub(super) fn place(&self) -> String {
        self.place.clone()
    }

    /// What is wrong, in the words of the server.
    pub(super) fn refused(&self, reply: Reply) -> Error {
        let Reply::Status { code, text } = reply else { return self.odd() };
        let words = match code {
            OK => return self.odd(),
            END => return self.bad("it became shorter while it was read"),
            NO_SUCH_FILE => "it is not there",
            3 => "permission denied",
            8 => "the server cannot do this",
            _ => "the server failed, and says no more",
        };
        match printable(&String::from_utf8_lossy(&text)) {
            said if said.is_empty() => self.bad(words),
            said => self.bad(&said),
        }
    }

    /// What is wrong.
    pub(super) fn bad(&self, reason: &str) -> Error {
        Error::Transfer { path: self.path.clone(), place: self.place.clone(), reason: reason.to_owned() }
    }

    /// What does not belong into an answer.
    pub(super) fn odd(&self) -> Error {
        self.bad("it gave an answer that makes no sense")
    }

    /// What does not belong into a folder.
    pub(super) fn hostile(&self, name: &[u8]) -> Error {
        Error::HostileName { place: self.place.clone(), name: printable(&String::from_utf8_lossy(name)) }
    }

    async fn send(&mut self, request: Request) -> Result<(), Error> {
        match timeout(self.patience, self.stdin.write_all(&request.finish())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.ended().await),
            Err(_) => Err(self.late()),
        }
    }

    async fn packet(&mut self) -> Result<Vec<u8>, Error> {
        let read = async {
            let length = self.stdout.read_u32().await?;
            let mut packet = Vec::new();
            if (1..=LARGEST).contains(&length) {
                packet.resize(usize::try_from(length).unwrap_or_default(), 0);
                self.stdout.read_exact(&mut packet).await?;
            }
            io::Result::Ok(packet)
        };
        match timeout(self.patience, read).await {
            // No packet is empty, and none so long.
            Ok(Ok(packet)) if packet.is_empty() => Err(self.odd()),
            Ok(Ok(packet)) => Ok(packet),
            Ok(Err(_)) => Err(self.ended().await),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> Error {
        self.bad(&format!("no answer within {}", Seconds(self.patience)))
    }

    /// Why the talk is over before its time.
    async fn ended(&mut self) -> Error {
        match self.last_words.told(&mut self.running, self.patience).await {
            Ok(words) => self.bad(&printable(&words)),
            Err(lost) => lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;

    async fn begun(command: &str) -> String {
        let process = Session::local().exec(command).await.unwrap();
        let begun = Client::with_patience(process, "there".into(), "x", Duration::from_millis(200)).await;
        begun.map_or_else(|error| error.to_string(), |_| "it talks".to_owned())
    }

    #[tokio::test]
    async fn who_is_no_sftp_server_is_left_in_time() {
        for (command, told) in [
            ("cat >/dev/null", "no answer within"),
            ("printf '\\0\\0'; cat >/dev/null", "no answer within"),
            ("echo Welcome; cat >/dev/null", "an answer that makes no sense"),
            ("echo Closed today >&2; exit 1", "Closed today"),
            ("printf '\\0\\0\\0\\005\\002\\0\\0\\0\\003'; cat >/dev/null", "it talks"),
        ] {
            let said = begun(command).await;
            assert!(said.contains(told), "{command}: {said}");
        }
    }
}
