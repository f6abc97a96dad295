//! The last step of a transfer to a server over SFTP: what is whole takes its place.

use super::client::Client;
use crate::Error;

/// A file: in one step where the server can.
pub(super) async fn over(client: &mut Client, part: &[u8], to: &[u8]) -> Result<(), Error> {
    if client.can_rename_over() { client.rename_over(part, to).await } else { aside(client, part, to).await }
}

/// What was there goes aside, and away when the new one is there. In between nothing has the name, and nothing that is not
/// whole.
pub(super) async fn aside(client: &mut Client, part: &[u8], to: &[u8]) -> Result<(), Error> {
    let old = [part, b".old"].concat();
    client.remove_all(&old).await?;
    let had_one = client.look_at_link(to).await?.is_some();
    if had_one {
        client.rename(to, &old).await?;
    }
    let placed = client.rename(part, to).await;
    match (had_one, &placed) {
        (true, Ok(())) => client.remove_all(&old).await?,
        // What was there is there again, unless the connection is gone.
        (true, Err(_)) => client.rename(&old, to).await?,
        (false, _) => {}
    }
    placed
}
