//! The lock: who gets it, who is refused, and that of two who take it at once one goes on.

use std::fs;
use std::os::unix::fs::symlink;

use engine::driver::Driver;
use engine::remote::{Answer, status};

use crate::asks::ask;
use crate::machine::Machine;
use crate::site::Site;

/// How often two drivers run for the same lock.
const ROUNDS: usize = 100;

/// Whose the lock is, as the driver sees it.
async fn holder(driver: &mut Driver) -> String {
    ask(driver, "probe", &["", ""]).await.get("holder").unwrap().to_owned()
}

/// The links of which the lock is made.
fn links(site: &Site) -> Vec<String> {
    site.names(".aweigh").into_iter().filter(|name| name.starts_with("lock")).collect()
}

/// Lets a lock that reads `held` lie there, and nothing else of it.
fn put(site: &Site, held: &str) {
    for link in links(site) {
        fs::remove_file(site.path(".aweigh").join(link)).unwrap();
    }
    symlink(held, site.path(".aweigh/lock")).unwrap();
}

async fn acquire(driver: &mut Driver, ended: &str) -> Answer {
    ask(driver, "acquire", &[ended, "", "", "0"]).await
}

/// Whether a lock that reads `held` is given to `me`, who knows that release `ended` has ended.
async fn check(held: &str, me: &str, ended: &str, expected: &str) {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.driver(me).await;
        if !held.is_empty() {
            put(&site, held);
        }
        let answer = acquire(&mut driver, ended).await;
        if expected == "refused" {
            assert_eq!((answer.status, answer.get("holder")), (status::LOCKED, Some(held)));
            assert_eq!(holder(&mut driver).await, held);
            // Who was refused goes on talking: the database may say that the holder has ended.
            assert_eq!(ask(&mut driver, "unlock", &[]).await.status, 0);
            assert_eq!(holder(&mut driver).await, held, "it gave back what it does not hold");
        } else {
            assert_eq!((answer.status, answer.get("lock")), (0, Some(expected)));
            assert_eq!(holder(&mut driver).await, me);
            // Asking twice is asking once: the first answer may have been lost.
            assert_eq!(acquire(&mut driver, ended).await.status, 0);
            assert_eq!(ask(&mut driver, "unlock", &[]).await.status, 0);
            assert_eq!(links(&site), [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_free_lock_is_taken() {
    check("", "here:42:1", "", "taken").await;
}

#[tokio::test]
async fn an_own_lock_is_taken_again() {
    check("here:42:1", "here:42:1", "", "mine").await;
}

#[tokio::test]
async fn a_later_owner_takes_over_and_an_earlier_one_is_refused() {
    check("here:42:9", "here:42:10", "", "mine").await;
    check("here:42:10", "here:42:9", "", "refused").await;
}

#[tokio::test]
async fn another_release_is_refused_until_it_has_ended() {
    check("here:41:3", "here:42:1", "", "refused").await;
    check("here:41:3", "here:42:1", "4", "refused").await;
    check("here:41:3", "here:42:1", "41", "here:41:3").await;
}

#[tokio::test]
async fn an_adoption_is_a_release_without_a_number() {
    check("here:0:3", "here:0:4", "", "mine").await;
    check("here:0:3", "here:42:1", "", "refused").await;
    check("here:0:3", "here:42:1", "0", "here:0:3").await;
    check("here:42:1", "here:0:4", "42", "here:42:1").await;
    check("there:0:3", "here:42:1", "0", "refused").await;
}

#[tokio::test]
async fn another_installation_is_refused_whatever_has_ended() {
    check("there:41:1", "here:42:1", "41", "refused").await;
    check("there:42:1", "here:42:1", "", "refused").await;
    check("nonsense", "here:42:1", "42", "refused").await;
}

#[tokio::test]
async fn every_missing_linked_file_is_named() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.driver("here:42:1").await;
        fs::create_dir_all(site.path("shared/config")).unwrap();
        fs::write(site.path("shared/config/there.yml"), "").unwrap();
        let files = ["", "", "", "4", ".env", "config/there.yml", "config/with space.yml", "-x"];
        let answer = ask(&mut driver, "acquire", &files).await;
        assert_eq!(answer.status, status::MISSING);
        assert_eq!(answer.all("missing").collect::<Vec<_>>(), [".env", "config/with space.yml", "-x"]);
        // Who is refused has read all values: the next command is understood.
        put(&site, "there:1:1");
        assert_eq!(ask(&mut driver, "acquire", &files).await.status, status::LOCKED);
        assert_eq!(ask(&mut driver, "probe", &["", ""]).await.get("holder"), Some("there:1:1"));
    }
}

#[tokio::test]
async fn of_two_who_take_an_ended_lock_at_once_one_goes_on() {
    for machine in [Machine::DEBIAN, Machine::ALPINE] {
        let site = Site::new(machine);
        let (mut one, mut two) = (site.driver("here:2:1").await, site.driver("here:3:1").await);
        for round in 0..ROUNDS {
            put(&site, "here:1:1");
            let (first, second) = tokio::join!(acquire(&mut one, "1"), acquire(&mut two, "1"));
            let (winner, loser) = match (first.status, second.status) {
                (0, status::LOCKED) => ("here:2:1", second),
                (status::LOCKED, 0) => ("here:3:1", first),
                both => panic!("both ended with {both:?} in round {round}"),
            };
            assert_eq!(loser.get("holder"), Some(winner), "in round {round}");
            assert_eq!(holder(&mut one).await, winner, "in round {round}");
        }
    }
}

#[tokio::test]
async fn the_latest_owner_wins_over_an_earlier_one_at_the_same_time() {
    for machine in [Machine::DEBIAN, Machine::ALPINE] {
        let site = Site::new(machine);
        let (mut stale, mut latest) = (site.driver("here:42:2").await, site.driver("here:42:3").await);
        for round in 0..ROUNDS {
            put(&site, "here:42:1");
            let (_, answer) = tokio::join!(acquire(&mut stale, ""), acquire(&mut latest, ""));
            assert_eq!(answer.status, 0, "in round {round}: {answer:?}");
            assert_eq!(holder(&mut stale).await, "here:42:3", "in round {round}");
        }
    }
}

#[tokio::test]
async fn a_chain_of_owners_ends_with_the_last() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        for (me, ended) in [("here:41:1", ""), ("here:41:2", ""), ("here:42:1", "41"), ("here:43:7", "42")] {
            let mut driver = site.driver(me).await;
            assert_eq!(acquire(&mut driver, ended).await.status, 0, "{me}");
        }
        // Whoever was overtaken is refused, and cannot give back what is not its own any more.
        for stale in ["here:41:1", "here:41:2", "here:42:1", "here:42:9"] {
            let mut driver = site.driver(stale).await;
            assert_eq!(acquire(&mut driver, "41").await.get("holder"), Some("here:43:7"));
            assert_eq!(ask(&mut driver, "unlock", &[]).await.status, 0);
            assert_eq!(holder(&mut driver).await, "here:43:7");
        }
        let mut last = site.driver("here:43:7").await;
        assert_eq!(ask(&mut last, "unlock", &[]).await.status, 0);
        assert_eq!(links(&site), [""; 0]);
        // A lock that was removed by hand is free, whatever links are left.
        symlink("here:43:7", site.path(".aweigh/lock-after-here:42:1")).unwrap();
        assert_eq!(acquire(&mut site.driver("here:44:1").await, "").await.get("lock"), Some("taken"));
    }
}

#[tokio::test]
async fn every_verb_that_acts_asks_for_the_lock() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        drop(site.locked().await);
        let verbs: [(&str, &[&str]); 9] = [
            ("seal", &["one"]),
            ("env_file", &["one", ".env", "0"]),
            ("adopt", &["one", "-1"]),
            ("bring", &["one", "/srv/library"]),
            ("relink", &["one", "", "", "", ""]),
            ("activate", &["one", ""]),
            ("undo", &["one", "", ""]),
            ("prune", &["one", "note", "2", "one", "two"]),
            ("hook", &["42/a-1", ".", "1", "A=b", "0", "", "", "0"]),
        ];
        let mut stale = site.driver("here:42:0").await;
        for (verb, values) in verbs {
            let answer = ask(&mut stale, verb, values).await;
            assert_eq!((answer.status, answer.get("holder")), (status::LOCKED, Some("here:42:1")), "{verb}");
        }
        assert!(!site.path("revisions.log").exists());
        assert_eq!(site.names(".aweigh/runs/42"), [""; 0]);
    }
}
