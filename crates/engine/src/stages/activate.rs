//! Activate: `current` is switched to the staged release, in one step, and only from what was read at first
//! contact. Probe and run are one: a switch that was done answers that it is done.

use model::ServerState;
use model::event::ServerFact;

use crate::error::{Failure, Halt};
use crate::lane::{Lane, unsendable};
use crate::remote::{Command, status};
use crate::run::Begun;

/// Switches the lane's server.
pub async fn activate(lane: &mut Lane) -> Result<(), Halt> {
    let run = lane.run.clone();
    let key = lane.key("activate");
    // From the intent on it may be switched: undo looks.
    let open = match run.begin(&key).await? {
        Begun::Done(_) => {
            (lane.touched, lane.switched) = (true, true);
            return still_there(lane);
        }
        Begun::Act(open) => open,
    };
    let hands = lane.hands.clone();
    let _held = hands.lock().await;
    let was_touched = std::mem::replace(&mut lane.touched, true);
    lane.switched = true;
    let build =
        || Command::new("activate").value("folder", lane.folder().as_str())?.value("before", &lane.before);
    let command = match build() {
        Ok(command) => command,
        Err(error) => return Err(open.fail(unsendable(error)).await),
    };
    let answer = match lane.ask(&command).await {
        Ok(answer) => answer,
        Err(failure) => {
            let unknown = lane.known(ServerState::Unknown);
            return Err(open.fail_on(failure, Some(unknown)).await);
        }
    };
    if answer.status != status::DONE {
        // The driver refused before it switched anything.
        (lane.touched, lane.switched) = (was_touched, false);
        let failure = lane.refused(&answer, "activate");
        return Err(open.fail(failure).await);
    }
    let now = answer.get("now").map(str::to_owned);
    // Where nothing is asked, the switch is all there is to prove.
    let asked = run.plan.environment.health.iter().any(|health| health.on.matches(&lane.server));
    let state = if asked { ServerState::Activated } else { ServerState::Live };
    open.ok_on(None, ServerFact { now, ..lane.known(state) }).await
}

/// What was switched by an owner before us is what runs there now, as far as this ownership has asked.
fn still_there(lane: &Lane) -> Result<(), Halt> {
    match lane.facts.current.as_deref() {
        Some(now) if now != lane.path() => {
            let (root, folder) = (&lane.root, lane.folder());
            let message =
                format!("drift: {root}/current points to {now}, and this release switched it to {folder}");
            Err(Halt::Failed(
                Failure::new(message)
                    .hint("somebody else switched it; look at the server, then release again"),
            ))
        }
        _ => Ok(()),
    }
}
