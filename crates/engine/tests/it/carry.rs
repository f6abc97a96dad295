//! What is given up while it comes from a server: it is removed, and its room is there again, when nothing is written any more.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use async_trait::async_trait;
use engine::adhoc::spool::Spool;
use engine::adhoc::{Carried, Load, carry};
use engine::ports::{Brought, Channel, Duplex, Host, HostError, Parcel, Shell, TellBytes, Terminal};
use model::{Address, Labels, Server, Variables};

use crate::host::{Doors, Open};

/// A server whose files come by a thread that writes on for a while when it is given up, as one does that blocks.
#[derive(Clone, Default)]
struct Slow {
    /// How many bytes come before it is given up.
    first: u64,
    writing: Arc<Mutex<Option<JoinHandle<()>>>>,
}

#[async_trait]
impl Host for Slow {
    async fn exec(&self, _: &str) -> Result<Channel, HostError> {
        unreachable!()
    }

    async fn shell(&self, _: &Terminal, _: Option<&str>) -> Result<Shell, HostError> {
        unreachable!()
    }

    async fn forward(&self, _: &str, _: u16) -> Result<Box<dyn Duplex>, HostError> {
        unreachable!()
    }

    async fn put(&self, _: &Parcel, _: &str, _: bool, _: TellBytes) -> Result<Brought, HostError> {
        unreachable!()
    }

    async fn get(&self, _: &str, to: &Path, mut tell: TellBytes) -> Result<Brought, HostError> {
        let (_waits, given_up) = mpsc::channel::<()>();
        let (to, first) = (to.to_owned(), self.first);
        let writing = std::thread::spawn(move || {
            fs::create_dir_all(to.join("first")).unwrap();
            tell(first, None);
            given_up.recv().unwrap_err();
            fs::create_dir_all(to.join("second")).unwrap();
            tell(first + 100, None);
        });
        *self.writing.lock().unwrap() = Some(writing);
        std::future::pending().await
    }

    fn distrust(&self) {}
}

impl Open for Slow {
    fn open(&self, _: &Server) -> Result<Box<dyn Host>, HostError> {
        Ok(Box::new(self.clone()))
    }
}

fn servers() -> [Server; 1] {
    [Server {
        name: "web-1".parse().unwrap(),
        address: Address::Local,
        labels: Labels::new(),
        groups: std::collections::BTreeSet::new(),
        variables: Variables::new(),
    }]
}

#[tokio::test]
async fn what_finds_no_room_is_cleared_away_when_its_last_byte_is_written() {
    let data = tempfile::tempdir().unwrap();
    let spool = Spool::open(data.path(), 1000).unwrap();
    let place = spool.place().unwrap();
    let slow = Slow { first: 2000, ..Slow::default() };
    let (tell, mut told) = tokio::sync::mpsc::channel(64);
    let load = Load::Get { from: "/srv/logs".parse().unwrap() };
    carry::run(&Doors(&slow), &servers(), &load, &place, 1, &tell).await;
    slow.writing.lock().unwrap().take().unwrap().join().unwrap();
    let mut error = None;
    while let Ok(happened) = told.try_recv() {
        if let Carried::Ended(_, ended) = happened {
            error = ended.err();
        }
    }
    assert!(error.unwrap().message.contains("wait on the machine of Aweigh"));
    assert_eq!(fs::read_dir(place.folder()).unwrap().count(), 0);
    place.room().take(1000).unwrap();
}

#[tokio::test]
async fn what_nobody_listens_to_keeps_its_place_until_its_last_byte_is_written() {
    let data = tempfile::tempdir().unwrap();
    let spool = Spool::open(data.path(), 1000).unwrap();
    let place = spool.place().unwrap();
    let slow = Slow { first: 500, ..Slow::default() };
    let (tell, mut told) = tokio::sync::mpsc::channel(64);
    let load = Load::Get { from: "/srv/logs".parse().unwrap() };
    let servers = servers();
    let listens = async {
        while let Some(happened) = told.recv().await {
            if matches!(happened, Carried::Far(_, 500, _)) {
                return;
            }
        }
    };
    let doors = Doors(&slow);
    tokio::select! {
        () = carry::run(&doors, &servers, &load, &place, 1, &tell) => unreachable!(),
        () = listens => {}
    }
    drop(place);
    slow.writing.lock().unwrap().take().unwrap().join().unwrap();
    assert_eq!(fs::read_dir(data.path().join("spool")).unwrap().count(), 0);
    spool.place().unwrap().room().take(1000).unwrap();
}
