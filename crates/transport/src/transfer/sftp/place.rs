//! The last step of a transfer to a server over SFTP: what is whole takes its place.

use super::client::Client;
use crate::Error;
use crate::transfer::OLDS;

/// A file: in one step where the server can.
pub(super) async fn over(client: &mut Client, part: &[u8], to: &[u8]) -> Result<(), Error> {
    if client.can_rename_over() { client.rename_over(part, to).await } else { aside(client, part, to).await }
}

/// What was there goes aside, and away when the new one is there. In between nothing has the name, and nothing that is not
/// whole. What cannot be removed is left beside it.
pub(super) async fn aside(client: &mut Client, part: &[u8], to: &[u8]) -> Result<(), Error> {
    let old = free(client, part).await?;
    let had_one = client.look_at_link(to).await?.is_some();
    if had_one {
        client.rename(to, &old).await?;
    }
    let placed = client.rename(part, to).await;
    match (had_one, &placed) {
        (true, Ok(())) => drop(client.remove_all(&old).await),
        // What was there is there again, unless the connection is gone.
        (true, Err(_)) => client.rename(&old, to).await?,
        (false, _) => {}
    }
    placed
}

/// A name for what goes aside, which nothing has any more.
async fn free(client: &mut Client, part: &[u8]) -> Result<Vec<u8>, Error> {
    let mut old = [part, b".old"].concat();
    for number in 1.. {
        // Whoever does not answer is not asked ten times.
        if client.look_at_link(&old).await?.is_none() {
            break;
        }
        match client.remove_all(&old).await {
            Err(error) if number > OLDS => return Err(error),
            Err(_) => old = [part, b".old.", number.to_string().as_bytes()].concat(),
            Ok(()) => break,
        }
    }
    Ok(old)
}
