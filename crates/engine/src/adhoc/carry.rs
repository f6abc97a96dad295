//! Files and folders to many servers at once, or from them: how far each is, one try more where the line broke, and no server
//! that holds another one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use model::{Name, RemotePath, Server};
use tokio::sync::mpsc::Sender;
use tokio::sync::{Notify, oneshot};

use super::shared::make_way;
use super::spool::{Full, Place};
use crate::ports::{Brought, Host, HostError, HostTrouble, Hosts, Parcel, TellBytes};
use crate::room::clear;

/// How often it is told how far everything is.
const OFTEN: Duration = Duration::from_millis(250);

/// How long a server whose line broke has to be there again, each time it is not.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// What is carried, and which way.
#[derive(Debug, Clone)]
pub enum Load {
    /// To servers.
    Put {
        /// What is brought.
        parcel: Parcel,
        /// Its name there.
        to: RemotePath,
        /// A folder takes the place of what is there.
        replaces: bool,
        /// The folder that it is in is made where it is missing.
        makes_way: bool,
    },
    /// From servers, into a folder for each by its name.
    Get {
        /// What is brought.
        from: RemotePath,
    },
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Carried {
    /// The turn of a server has come.
    Started(Name),
    /// How far a server is: bytes that are there, and of how many where that is known.
    Far(Name, u64, Option<u64>),
    /// How far all of them are together.
    All(u64, Option<u64>),
    /// A server has all, or what went wrong with it.
    Ended(Name, Result<Brought, HostError>),
}

/// Carries `load` to or from all of `servers`, so many at once, and tells `tell` what happens, until all have ended. `place` is
/// where what comes is kept. When nobody listens any more, or when this is dropped, it stops; what is not whole by then is under
/// its temporary name, and `place` stays until nothing is written into it.
pub async fn run(
    hosts: &dyn Hosts,
    servers: &[Server],
    load: &Load,
    place: &Place,
    at_once: usize,
    tell: &Sender<Carried>,
) {
    let meters: Vec<Arc<Meter>> = servers.iter().map(|_| Arc::default()).collect();
    let each: Vec<BoxFuture<'_, ()>> = servers
        .iter()
        .zip(&meters)
        .map(|(server, meter)| Box::pin(one(hosts, server, load, place, meter, tell)) as BoxFuture<'_, ()>)
        .collect();
    let all = futures::stream::iter(each).for_each_concurrent(at_once.max(1), |one| one);
    tokio::select! {
        () = all => {}
        () = far(servers, &meters, tell) => {}
        () = tell.closed() => {}
    }
}

/// How far one server is.
#[derive(Debug, Default)]
struct Meter {
    done: AtomicU64,
    total: AtomicU64,
    /// The room that was taken for it.
    taken: AtomicU64,
    /// There was no room for what came.
    full: Notify,
    /// Its end is told.
    has_ended: AtomicBool,
}

async fn one(
    hosts: &dyn Hosts,
    server: &Server,
    load: &Load,
    place: &Place,
    meter: &Arc<Meter>,
    tell: &Sender<Carried>,
) {
    let name = &server.name;
    // Nobody may listen any more; then this ends at the next await.
    tell.send(Carried::Started(name.clone())).await.ok();
    let mut ended = carry(hosts, server, load, place, meter).await;
    // A line that broke in the middle is worth one try more: what is there already is not brought again.
    if is(&ended, |kind| kind == HostTrouble::Lost) {
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            ended = carry(hosts, server, load, place, meter).await;
            if !is(&ended, HostTrouble::is_brief) {
                break;
            }
        }
    }
    if let (Err(_), Load::Get { .. }) = (&ended, load) {
        // Half a thing is nothing.
        clear(&place.folder().join(name.as_str())).ok();
        place.room().give(meter.taken.swap(0, Ordering::Relaxed));
    }
    if let Ok(brought) = &ended {
        meter.done.store(brought.bytes, Ordering::Relaxed);
        meter.total.store(brought.bytes, Ordering::Relaxed);
    }
    meter.has_ended.store(true, Ordering::Relaxed);
    tell.send(Carried::Ended(name.clone(), ended)).await.ok();
}

fn is(ended: &Result<Brought, HostError>, of_kind: impl Fn(HostTrouble) -> bool) -> bool {
    ended.as_ref().is_err_and(|error| of_kind(error.kind))
}

async fn carry(
    hosts: &dyn Hosts,
    server: &Server,
    load: &Load,
    place: &Place,
    meter: &Arc<Meter>,
) -> Result<Brought, HostError> {
    let host: Box<dyn Host> = hosts.connect(server).await?;
    match load {
        Load::Put { parcel, to, replaces, makes_way } => {
            if *makes_way {
                make_way(host.as_ref(), to).await?;
            }
            let meter = Arc::clone(meter);
            let tell: TellBytes = Box::new(move |done, total| {
                meter.done.store(done, Ordering::Relaxed);
                meter.total.store(total.unwrap_or(0), Ordering::Relaxed);
            });
            host.put(parcel, to.as_str(), *replaces, tell).await
        }
        Load::Get { from } => {
            let into = landing(place.folder(), &server.name, from);
            let made = into.parent().map_or(Ok(()), std::fs::create_dir_all);
            made.map_err(|error| HostError::other(format!("{} cannot be made: {error}", into.display())))?;
            let (writes, written) = oneshot::channel();
            let got = tokio::select! {
                got = fetch(host.as_ref(), from, &into, place, meter, writes) => got,
                () = meter.full.notified() => Err(full(place.room().full())),
            };
            // What was given up may be in the middle of a file: nothing is cleared away under its hands.
            written.await.ok();
            let got = got?;
            // It may have come whole before it was heard that there is no room.
            if meter.taken.load(Ordering::Relaxed) < meter.done.load(Ordering::Relaxed) {
                return Err(full(place.room().full()));
            }
            Ok(got)
        }
    }
}

/// What a server sends, for which room is taken as it comes. `writes` is dropped when nothing is written any more, even if this
/// was before.
async fn fetch(
    host: &dyn Host,
    from: &RemotePath,
    into: &Path,
    place: &Place,
    meter: &Arc<Meter>,
    writes: oneshot::Sender<()>,
) -> Result<Brought, HostError> {
    let (room, its) = (place.room(), Arc::clone(meter));
    let tell: TellBytes = Box::new(move |done, total| {
        let _held = &writes;
        let before = its.done.fetch_max(done, Ordering::Relaxed);
        its.total.store(total.unwrap_or(0), Ordering::Relaxed);
        let more = done.saturating_sub(before);
        match room.take(more) {
            Ok(()) => drop(its.taken.fetch_add(more, Ordering::Relaxed)),
            Err(_) => its.full.notify_one(),
        }
    });
    host.get(from.as_str(), into, tell).await
}

/// Where in `folder` what comes from a server is put: below its name, and by the last word of the path.
pub fn landing(folder: &Path, server: &Name, from: &RemotePath) -> PathBuf {
    folder.join(server.as_str()).join(from.last())
}

/// Tells again and again how far everything is.
async fn far(servers: &[Server], meters: &[Arc<Meter>], tell: &Sender<Carried>) {
    let mut told: Vec<u64> = vec![0; meters.len()];
    let mut ticks = tokio::time::interval(OFTEN);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut is_new = false;
        for ((server, meter), told) in servers.iter().zip(meters).zip(&mut told) {
            let (done, total) = (meter.done.load(Ordering::Relaxed), meter.total.load(Ordering::Relaxed));
            if done != *told {
                *told = done;
                is_new = true;
                let total = (total > 0).then_some(total);
                // Behind its end nothing is said of a server, however long this had to wait.
                if let Ok(turn) = tell.reserve().await
                    && !meter.has_ended.load(Ordering::Relaxed)
                {
                    turn.send(Carried::Far(server.name.clone(), done, total));
                }
            }
        }
        if is_new {
            let totals: Vec<u64> = meters.iter().map(|meter| meter.total.load(Ordering::Relaxed)).collect();
            // Of those whose turn has not come nobody knows.
            let total = totals.iter().all(|total| *total > 0).then(|| totals.iter().sum());
            tell.send(Carried::All(told.iter().sum(), total)).await.ok();
        }
    }
}

/// There is no room for what comes.
fn full(full: Full) -> HostError {
    let hint = "bring less at once, or say more in [limits] spool_size of server.toml";
    HostError::other(full.to_string()).hint(hint)
}

#[cfg(test)]
mod tests {
    use model::{Address, Labels, Variables};
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn behind_its_end_nothing_is_said_of_a_server() {
        let server = |name: &str| Server {
            name: name.parse().unwrap(),
            address: Address::Local,
            labels: Labels::new(),
            groups: std::collections::BTreeSet::new(),
            variables: Variables::new(),
        };
        let servers = [server("web-1"), server("web-2")];
        let meters: Vec<Arc<Meter>> = (0..2).map(|_| Arc::default()).collect();
        for meter in &meters {
            meter.done.store(7, Ordering::Relaxed);
            meter.total.store(7, Ordering::Relaxed);
        }
        // The channel is full, and while it is waited for the first server ends.
        let (tell, mut told) = mpsc::channel(1);
        tell.send(Carried::Started(servers[0].name.clone())).await.unwrap();
        let hear = async {
            meters[0].has_ended.store(true, Ordering::Relaxed);
            let mut heard = Vec::new();
            while heard.len() < 3 {
                heard.push(told.recv().await.unwrap());
            }
            heard
        };
        let heard = tokio::select! {
            () = far(&servers, &meters, &tell) => unreachable!(),
            heard = hear => heard,
        };
        assert!(matches!(&heard[1], Carried::Far(name, 7, Some(7)) if *name == servers[1].name), "{heard:?}");
        assert!(matches!(&heard[2], Carried::All(14, Some(14))), "{heard:?}");
    }
}
