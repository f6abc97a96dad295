//! One file each way over SFTP: many pieces are on their way at once, and only what is whole gets its name.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io::SeekFrom;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::client::Client;
use super::packet::{Attributes, Kind, READ, Reply, Thing, WRITE_NEW};
use crate::Error;
use crate::transfer::file::{KEPT, MODE, new_file};

/// How much one question brings, in bytes. Every server takes as much.
const PIECE: u32 = 32 * 1024;
/// How many pieces are on their way at most: 2 MiB, which fills a long line.
const AHEAD: usize = 64;

/// Writes a new file, with this mode. Tells `count` of every piece. Gives back how many bytes it has.
pub(super) async fn write(
    client: &mut Client,
    mut from: impl AsyncRead + Unpin,
    source: &Path,
    to: &[u8],
    mode: u32,
    count: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, Error> {
    let handle = client.open(to, WRITE_NEW, 0o600).await?;
    let mut piece = vec![0; usize::try_from(PIECE).unwrap_or_default()];
    let (mut sent, mut is_over, mut open) = (0, false, HashMap::new());
    loop {
        if !is_over && open.len() < AHEAD {
            let read = from.read(&mut piece).await;
            let read = read
                .map_err(|source_error| Error::LocalFile { path: source.to_owned(), source: source_error })?;
            let chunk = piece.get(..read).unwrap_or_default();
            if chunk.is_empty() {
                is_over = true;
                continue;
            }
            let asked = client.ask(Kind::Write, |ask| ask.string(&handle).offset(sent).string(chunk)).await?;
            let bytes = u64::try_from(read).unwrap_or_default();
            open.insert(asked, bytes);
            sent += bytes;
        } else if open.is_empty() {
            break;
        } else {
            let (id, reply) = client.answer().await?;
            let bytes = open.remove(&id).ok_or_else(|| client.odd())?;
            client.done(reply)?;
            count(bytes);
        }
    }
    finish(client, &handle, sent, mode).await?;
    Ok(sent)
}

/// The mode, the size that it has there, and the end of its use, in one round trip.
async fn finish(client: &mut Client, handle: &[u8], size: u64, mode: u32) -> Result<(), Error> {
    let change = client.ask(Kind::ChangeOpen, |ask| ask.string(handle).mode(mode)).await?;
    let look = client.ask(Kind::LookAtOpen, |ask| ask.string(handle)).await?;
    let close = client.ask(Kind::Close, |ask| ask.string(handle)).await?;
    let mut open = vec![change, look, close];
    while !open.is_empty() {
        let (id, reply) = client.answer().await?;
        let at = open.iter().position(|asked| *asked == id).ok_or_else(|| client.odd())?;
        open.remove(at);
        match reply {
            Reply::Attributes(found) if id == look => {
                if found.size.is_some_and(|there| there != size) {
                    return Err(client.bad("it has another size than what was sent"));
                }
            }
            reply if id == look => return Err(client.refused(reply)),
            reply => client.done(reply)?,
        }
    }
    Ok(())
}

/// Reads a file into a new one of this machine, which gets its mode. Tells `tell` how much of how much there is, after
/// every piece. Gives back how many bytes it has.
pub(super) async fn read(
    client: &mut Client,
    from: &[u8],
    to: &Path,
    tell: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<u64, Error> {
    let here = |source| Error::LocalFile { path: to.to_owned(), source };
    let handle = client.open(from, READ, 0).await?;
    let found = client.look_at_open(&handle).await?;
    if found.thing() != Thing::File {
        return Err(client.bad("it is no file"));
    }
    let Some(size) = found.size else { return Err(client.bad("the server does not say how long it is")) };
    let mut file = tokio::fs::File::from_std(new_file(to).map_err(here)?);
    let (mut asked, mut done, mut stands, mut open) = (0, 0, 0, HashMap::new());
    tell(0, size);
    loop {
        if asked < size && open.len() < AHEAD {
            let most = u32::try_from(size - asked).unwrap_or(PIECE).min(PIECE);
            let id = client.ask(Kind::Read, |ask| ask.string(&handle).offset(asked).number(most)).await?;
            open.insert(id, (asked, most));
            asked += u64::from(most);
            continue;
        }
        if open.is_empty() {
            break;
        }
        let (id, reply) = client.answer().await?;
        let (at, most) = open.remove(&id).ok_or_else(|| client.odd())?;
        let Reply::Data(bytes) = reply else { return Err(client.refused(reply)) };
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if length == 0 || length > most {
            return Err(client.odd());
        }
        if at != stands {
            file.seek(SeekFrom::Start(at)).await.map_err(here)?;
        }
        file.write_all(&bytes).await.map_err(here)?;
        stands = at + u64::from(length);
        done += u64::from(length);
        tell(done, size);
        // A server may give less than was asked for.
        if length < most {
            let rest = most - length;
            let id = client.ask(Kind::Read, |ask| ask.string(&handle).offset(stands).number(rest)).await?;
            open.insert(id, (stands, rest));
        }
    }
    file.flush().await.map_err(here)?;
    let now = client.look_at_open(&handle).await?;
    client.close(&handle).await?;
    if !is_same(found, now) {
        return Err(client.bad("it changed while it was read"));
    }
    let mode = found.mode.unwrap_or(MODE) & KEPT;
    fs::set_permissions(to, Permissions::from_mode(mode)).map_err(here)?;
    Ok(size)
}

fn is_same(before: Attributes, after: Attributes) -> bool {
    (before.size, before.written) == (after.size, after.written)
}
