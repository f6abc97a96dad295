//! `master-key`: which key seals everything secret, and another one in its place.

use api::MasterKeyView;

use crate::cli::MasterKey;
use crate::client::{Ask, Client};
use crate::exit::Ending;
use crate::render::{note, say};

pub(super) async fn run(client: &Client, verb: MasterKey) -> anyhow::Result<Ending> {
    let (answer, listing, is_new) = match verb {
        MasterKey::Show(listing) => (client.get_text(&Ask::at(&["master-key"])).await?, listing, false),
        MasterKey::Rotate(listing) => {
            let ask = Ask::at(&["master-key", "rotate"]);
            (client.post(&ask, &serde_json::json!({})).await?, listing, true)
        }
    };
    if listing.json {
        say(&answer)?;
        return Ok(Ending::Done);
    }
    let key: MasterKeyView = client.decode(&answer)?;
    say(&format!("master key {}", key.version))?;
    match key.left {
        0 => {}
        left => note(&format!(
            "{left} secrets are still sealed with the one before; they are sealed anew in the background"
        )),
    }
    if is_new {
        note("keep a copy of the new master.key: backups of the database from now on need it");
    }
    Ok(Ending::Done)
}
