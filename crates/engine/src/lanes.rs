//! All lanes of a release: one stage on every server at once, with a barrier behind it.

use futures::future::{BoxFuture, join_all};

use crate::error::Halt;
use crate::lane::{Lane, named};

/// All lanes of a release.
pub struct Lanes {
    all: Vec<Lane>,
}

impl Lanes {
    /// These lanes.
    pub fn new(all: Vec<Lane>) -> Self {
        Self { all }
    }

    /// Runs `stage` on every lane that takes part, all at once, and waits for all of them: a barrier.
    ///
    /// A lane that fails does not stop the others in the middle of something; the gravest halt is returned.
    pub async fn all<F>(&mut self, stage: F) -> Result<(), Halt>
    where
        F: for<'l> Fn(&'l mut Lane) -> BoxFuture<'l, Result<(), Halt>>,
    {
        self.only(|lane| !lane.left_out, stage).await
    }

    /// The same for the lanes that `wanted` chooses.
    pub async fn only<F>(&mut self, wanted: impl Fn(&Lane) -> bool, stage: F) -> Result<(), Halt>
    where
        F: for<'l> Fn(&'l mut Lane) -> BoxFuture<'l, Result<(), Halt>>,
    {
        let work = self.all.iter_mut().filter(|lane| wanted(lane)).map(|lane| {
            let server = lane.server.name.clone();
            let work = stage(lane);
            async move { work.await.map_err(|halt| named(&server, halt)) }
        });
        gravest(join_all(work).await.into_iter().filter_map(Result::err).collect())
    }

    /// Every lane.
    pub fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.all.iter()
    }

    /// Every lane, to change it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.all.iter_mut()
    }

    /// Gives all connections back and keeps the locks.
    pub fn leave(&mut self) {
        self.all.iter_mut().for_each(Lane::leave);
    }

    /// Gives all locks and connections back.
    pub async fn close(&mut self) {
        join_all(self.all.iter_mut().map(Lane::close)).await;
    }
}

/// What weighs most: not being the owner, then not knowing, then a failure, then the wish to stop.
pub fn gravest(halts: Vec<Halt>) -> Result<(), Halt> {
    let weight = |halt: &Halt| match halt {
        Halt::Journal(_) => 4,
        Halt::Unknown(_) => 3,
        Halt::Failed(_) => 2,
        Halt::Stopped | Halt::Held(_) => 1,
        Halt::Skipped => 0,
    };
    let more = halts.iter().filter(|halt| matches!(halt, Halt::Failed(_))).count();
    let Some(most) = halts.iter().map(weight).max() else { return Ok(()) };
    match halts.into_iter().find(|halt| weight(halt) == most) {
        Some(Halt::Failed(mut failure)) if more > 1 => {
            failure.message = format!("{} (and {} more)", failure.message, more - 1);
            Err(Halt::Failed(failure))
        }
        Some(halt) => Err(halt),
        None => Ok(()),
    }
}
