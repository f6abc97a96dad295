//! The master key: which one is in use, and another one in its place.

use store::{MasterKeyState, Store};

use crate::{Action, Actions, Actor, Error, Object, authorize};

impl Actions {
    /// Which master key is in use, and how much is still sealed with the one before.
    pub async fn master_key(&self, actor: &Actor) -> Result<MasterKeyState, Error> {
        authorize(actor, Action::ReplaceMasterKey, &Object::Installation)?;
        Ok(self.store().master_key_state().await?)
    }

    /// Puts a new master key in the place of the one in the data folder. It is in use when this returns; what is sealed
    /// with the old one is sealed anew in the background, and then the old one is gone. While that goes on, this does nothing.
    pub async fn replace_master_key(&self, actor: &Actor) -> Result<MasterKeyState, Error> {
        authorize(actor, Action::ReplaceMasterKey, &Object::Installation)?;
        let deed = actor.deed("master_key.rotate", &Object::Installation, "");
        self.store().begin_new_master_key(deed).await?;
        tokio::spawn(seal_anew(self.store().clone()));
        Ok(self.store().master_key_state().await?)
    }
}

/// Seals everything anew that is sealed with a master key of before; nothing where there is none. What does not open is
/// told, and keeps the old key until the next start.
pub async fn seal_anew(store: Store) {
    loop {
        match store.seal_some_anew().await {
            Ok(true) => tokio::task::yield_now().await,
            Ok(false) => return,
            Err(error) => return tracing::error!(%error, "the old master key stays"),
        }
    }
}
