//! Presence: who watches a topic now. Kept in memory only; whoever is gone is gone from it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actions::Topic;
use tokio::sync::watch;

/// The names of those who watch, each once, in order.
pub(crate) type Names = Arc<[String]>;

/// Who watches what.
#[derive(Clone, Default)]
pub(crate) struct Presence(Arc<Mutex<HashMap<Topic, Room>>>);

#[derive(Default)]
struct Room {
    /// How often each is here: in several tabs, over several transports.
    people: BTreeMap<String, usize>,
    names: watch::Sender<Names>,
}

impl Room {
    fn announce(&self) {
        let names: Names = self.people.keys().cloned().collect();
        self.names.send_if_modified(|before| {
            let changed = *before != names;
            *before = names;
            changed
        });
    }
}

/// Somebody watches for as long as this lives.
pub(crate) struct Here {
    presence: Presence,
    topic: Topic,
    user: String,
}

impl Presence {
    /// `user` watches `topic` from now on.
    pub(crate) fn enter(&self, topic: &Topic, user: &str) -> Here {
        let mut rooms = self.rooms();
        let room = rooms.entry(topic.clone()).or_default();
        *room.people.entry(user.to_owned()).or_default() += 1;
        room.announce();
        Here { presence: self.clone(), topic: topic.clone(), user: user.to_owned() }
    }

    /// Changes whenever somebody comes or goes who is not there in another tab as well.
    pub(crate) fn watch(&self, topic: &Topic) -> watch::Receiver<Names> {
        self.rooms().entry(topic.clone()).or_default().names.subscribe()
    }

    /// Who watches `topic` now.
    pub(crate) fn names(&self, topic: &Topic) -> Vec<String> {
        self.rooms().get(topic).map(|room| room.people.keys().cloned().collect()).unwrap_or_default()
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<Topic, Room>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut rooms = self.presence.rooms();
        let Some(room) = rooms.get_mut(&self.topic) else { return };
        if let Some(times) = room.people.get_mut(&self.user) {
            *times -= 1;
            if *times == 0 {
                room.people.remove(&self.user);
            }
        }
        room.announce();
        if room.people.is_empty() {
            rooms.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_once_each_and_leave_nothing_behind() {
        let presence = Presence::default();
        let topic: Topic = "release:1".parse().unwrap();
        let first = presence.enter(&topic, "li");
        let mut told = presence.watch(&topic);
        let again = presence.enter(&topic, "li");
        assert!(!told.has_changed().unwrap(), "a second tab is nobody new");
        let other = presence.enter(&topic, "ada");
        assert_eq!(**told.borrow_and_update(), ["ada".to_owned(), "li".to_owned()]);
        drop(first);
        assert!(!told.has_changed().unwrap());
        drop(again);
        assert_eq!(presence.names(&topic), ["ada"]);
        drop(other);
        assert!(presence.rooms().is_empty());
    }
}
