//! What is in a folder of an SFTP server: names that are judged before anybody uses them, and no more than there is room for.

use super::client::{Client, END};
use super::packet::{Attributes, Entry, Kind, Reply, Thing};
use crate::Error;

/// What is around a name in memory, in bytes.
const AROUND: usize = 64;
/// What one more answer to the question for names costs in that count, so that one without names costs something, too.
const ANSWER: usize = 1024;

/// What is left of the memory for names, in bytes: a server may list without end.
pub(super) struct Room(usize);

impl Room {
    /// Enough for some hundred thousand files.
    pub(super) fn new() -> Room {
        Room(32 * 1024 * 1024)
    }

    /// Takes so much of it.
    fn take(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.checked_sub(bytes)?;
        Some(())
    }
}

impl Client {
    /// What is in a folder. A name that leads elsewhere, or more of them than there is room for, is refused.
    pub(super) async fn list(&mut self, path: &[u8], room: &mut Room) -> Result<Vec<Entry>, Error> {
        let reply = self.call(Kind::OpenFolder, |request| request.string(path)).await?;
        let handle = self.handle(reply)?;
        let mut entries = Vec::new();
        loop {
            let reply = self.call(Kind::ReadFolder, |request| request.string(&handle)).await?;
            let names = match reply {
                Reply::Names(names) => names,
                Reply::Status { code: END, .. } => break,
                other => return Err(self.refused(other)),
            };
            let too_many = || self.bad("it has more files than can be brought by SFTP");
            room.take(ANSWER).ok_or_else(too_many)?;
            for Entry { name, found } in names {
                if name == b"." || name == b".." {
                    continue;
                }
                if name.is_empty() || name.iter().any(|byte| b"/\0".contains(byte)) {
                    return Err(self.hostile(&name));
                }
                room.take(path.len().saturating_add(name.len()).saturating_add(AROUND))
                    .ok_or_else(too_many)?;
                entries.push(Entry { name, found });
            }
        }
        self.close(&handle).await?;
        for entry in entries.iter_mut().filter(|entry| entry.found.mode.is_none()) {
            let found = self.look_at_link(&below(path, &entry.name)).await?;
            entry.found = found.unwrap_or_default();
        }
        Ok(entries)
    }

    /// Removes whatever has this name, if anything has. Links are not followed.
    pub(super) async fn remove_all(&mut self, path: &[u8]) -> Result<(), Error> {
        match self.look_at_link(path).await?.map(Attributes::thing) {
            None => return Ok(()),
            Some(Thing::Folder) => {}
            Some(_) => return self.remove(path).await,
        }
        let (mut folders, mut emptied, mut room) = (vec![path.to_vec()], 0, Room::new());
        while let Some(folder) = folders.get(emptied).cloned() {
            emptied += 1;
            // It may forbid that anything is taken out of it. Where it cannot be changed, the removal says so.
            self.change(&folder, 0o700).await.ok();
            for entry in self.list(&folder, &mut room).await? {
                let inner = below(&folder, &entry.name);
                match entry.found.thing() {
                    Thing::Folder => folders.push(inner),
                    _ => self.remove(&inner).await?,
                }
            }
        }
        for folder in folders.iter().rev() {
            let reply = self.call(Kind::RemoveFolder, |request| request.string(folder)).await?;
            self.done(reply)?;
        }
        Ok(())
    }
}

/// A name in a folder.
pub(super) fn below(folder: &[u8], name: &[u8]) -> Vec<u8> {
    [folder, b"/", name].concat()
}
