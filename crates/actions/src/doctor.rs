//! The doctor: how the machine of Aweigh is.

use crate::{Action, Actions, Actor, Error, Examined, Object, authorize};

impl Actions {
    /// Looks at the machine that Aweigh runs on.
    ///
    /// # Errors
    /// The actor may not see it.
    pub async fn examine(&self, actor: &Actor) -> Result<Examined, Error> {
        authorize(actor, Action::SeeMachine, &Object::Installation)?;
        let doctor = self.parts.doctor.clone();
        let examined = tokio::task::spawn_blocking(move || doctor.examine()).await;
        examined.map_err(|error| Error::Local {
            message: format!("the machine could not be looked at: {error}"),
            hint: None,
        })
    }
}
