//! Files and folders to many servers and from them, beside releases. They wait on this machine, in the spool.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::adhoc::spool::Place;
use engine::adhoc::{Carried, Load, carry};
use engine::ports::{Parcel, ParcelError, Parcels};
use model::{RemotePath, Selector, Server};
use tokio::sync::mpsc::{self, Receiver};

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// How many things that happened wait for whoever is told.
const AHEAD: usize = 64;

/// How long what came from servers waits to be fetched.
const WAITS: Duration = Duration::from_mins(10);

/// What is brought to servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOrder {
    /// To which.
    pub servers: Selector,
    /// Its name there.
    pub to: RemotePath,
    /// A folder takes the place of what is there.
    pub replaces: bool,
    /// To how many at once.
    pub at_once: usize,
}

/// What is brought from servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetOrder {
    /// From which.
    pub servers: Selector,
    /// Its name there.
    pub from: RemotePath,
    /// From how many at once.
    pub at_once: usize,
}

/// Files under way.
#[derive(Debug)]
pub struct Moving {
    /// What happens, until all have ended. Dropping it stops what is under way.
    pub told: Receiver<Carried>,
    /// By which name [`Actions::download`] gives what came.
    pub download: Option<String>,
}

/// What waits to be fetched, by its name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Downloads(Arc<Mutex<HashMap<String, Arc<Place>>>>);

impl Downloads {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, Arc<Place>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Actions {
    /// Keeps the one file or folder of a tar stream until every server that is meant has it, all at once. Nothing goes to any
    /// server before all of it is here. `archive` is read to its end, and may block.
    pub async fn put_files(
        &self,
        actor: &Actor,
        order: PutOrder,
        archive: Box<dyn Read + Send>,
    ) -> Result<Moving, Error> {
        authorize(actor, Action::PutFiles, &Object::Installation)?;
        let servers = self.all_of(&order.servers).await?;
        let (place, parcel) = self.taken_in(archive).await?;
        if parcel.is_folder && order.to.is_wide() {
            let message = format!("is {}, which has too much in it to be replaced by a folder", order.to);
            return Err(Error::invalid("to", message));
        }
        let detail = format!("{}: to {}", order.servers, order.to);
        self.note(actor.deed("files.put", &Object::Installation, &detail)).await?;
        let load = Load::Put { parcel, to: order.to, replaces: order.replaces, makes_way: false };
        Ok(Moving { told: self.carry(servers, load, place, order.at_once), download: None })
    }

    /// Brings a file or a folder from every server that is meant, all at once; each into a folder with its server's name. What
    /// came waits for some minutes to be fetched.
    pub async fn get_files(&self, actor: &Actor, order: GetOrder) -> Result<Moving, Error> {
        authorize(actor, Action::GetFiles, &Object::Installation)?;
        let servers = self.all_of(&order.servers).await?;
        let detail = format!("{}: from {}", order.servers, order.from);
        self.note(actor.deed("files.get", &Object::Installation, &detail)).await?;
        self.get_from(servers, order.from, order.at_once)
    }

    /// Brings `from` of all `servers` into a place of their own.
    pub(crate) fn get_from(
        &self,
        servers: Vec<Server>,
        from: RemotePath,
        at_once: usize,
    ) -> Result<Moving, Error> {
        let place = Arc::new(self.place()?);
        let id = place.id().to_owned();
        self.downloads.with(|all| all.insert(id.clone(), Arc::clone(&place)));
        let told = self.carry(servers, Load::Get { from }, place, at_once);
        Ok(Moving { told, download: Some(id) })
    }

    /// Keeps the one file or folder of a tar stream in a place of its own.
    pub(crate) async fn taken_in(&self, archive: Box<dyn Read + Send>) -> Result<(Place, Parcel), Error> {
        let place = self.place()?;
        let (parcels, room) = (self.parts.parcels.clone(), self.parts.disk_reserve);
        let data = self.parts.data.clone();
        let taking =
            tokio::task::spawn_blocking(move || take_in(parcels.as_ref(), &data, room, place, archive));
        taking.await.map_err(|error| local(error.to_string()))?
    }

    /// Writes what came from servers as a tar stream, into what may block. Answers when it is known that there is such a thing.
    pub fn download(
        &self,
        actor: &Actor,
        id: &str,
        mut into: impl Write + Send + 'static,
    ) -> Result<(), Error> {
        authorize(actor, Action::GetFiles, &Object::Installation)?;
        let found = self.downloads.with(|all| all.get(id).cloned());
        let place =
            found.ok_or_else(|| Error::missing("download", &id.chars().take(80).collect::<String>()))?;
        let parcels = self.parts.parcels.clone();
        tokio::task::spawn_blocking(move || {
            // Whoever reads it sees that it is not whole.
            if let Err(error) = parcels.pack(place.folder(), &mut into) {
                tracing::warn!(%error, "what came from servers was not fetched");
            }
        });
        Ok(())
    }

    /// Forgets what came from servers.
    pub fn forget_download(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        authorize(actor, Action::GetFiles, &Object::Installation)?;
        let found = self.downloads.with(|all| all.remove(id));
        found.map(drop).ok_or_else(|| Error::missing("download", &id.chars().take(80).collect::<String>()))
    }

    fn place(&self) -> Result<Place, Error> {
        engine::room::check(&self.parts.data, self.parts.disk_reserve)
            .map_err(|failure| Error::NoRoom { message: failure.message, hint: failure.hint })?;
        self.parts.spool.place().map_err(|error| local(format!("the spool cannot be used: {error}")))
    }

    /// Begins to carry `load`, and lets go of `place` when that has ended and nobody fetches any more.
    pub(crate) fn carry(
        &self,
        servers: Vec<Server>,
        load: Load,
        place: impl Into<Arc<Place>>,
        at_once: usize,
    ) -> Receiver<Carried> {
        let (tell, told) = mpsc::channel(AHEAD);
        let (hosts, place, downloads) = (self.parts.hosts.clone(), place.into(), self.downloads.clone());
        tokio::spawn(async move {
            carry::run(hosts.as_ref(), &servers, &load, &place, at_once, &tell).await;
            let (is_download, id) = (matches!(load, Load::Get { .. }), place.id().to_owned());
            // A place that nobody holds any more is removed with all that lies in it, which blocks.
            let look = move || is_download && !is_empty(place.folder());
            let came = tokio::task::spawn_blocking(look).await.unwrap_or_default();
            // Who does not listen any more does not know by which name to fetch it.
            let waits = came && !tell.is_closed();
            drop(tell);
            if waits {
                tokio::time::sleep(WAITS).await;
            }
            let gone = downloads.with(|all| all.remove(&id));
            tokio::task::spawn_blocking(move || drop(gone));
        });
        told
    }
}

/// Reads the archive into its place, and what came for its sums.
fn take_in(
    parcels: &dyn Parcels,
    data: &Path,
    reserve: u64,
    place: Place,
    archive: Box<dyn Read + Send>,
) -> Result<(Place, Parcel), Error> {
    let mut taking = place.taking(archive);
    let unpacked = parcels.unpack_one(&mut taking, place.folder());
    if let Some(full) = taking.full {
        return Err(Error::SpoolFull(full));
    }
    if let Err(failure) = engine::room::check(data, reserve) {
        return Err(Error::NoRoom { message: failure.message, hint: failure.hint });
    }
    let parcel = unpacked.map_err(unfit)?;
    let parcel =
        parcel.ok_or_else(|| Error::invalid("archive", "must hold exactly one file or one folder"))?;
    Ok((place, parcel))
}

/// Whether nothing came.
fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn unfit(error: ParcelError) -> Error {
    if error.is_unfit {
        Error::invalid("archive", format!("cannot be used: {error}"))
    } else {
        local(error.message)
    }
}

fn local(message: String) -> Error {
    Error::Local { message, hint: None }
}
