//! Every effect fails, is late, or is the last thing that Aweigh does; after each of these the promises hold.
//!
//! A release is made once to learn its fault points; then one release per point and kind of fault. `make test` takes a
//! fixed selection, `make soak` all of them.

use std::collections::BTreeSet;

use testkit::repo::{Entry, file};

use crate::checker::{Watch, prove};
use crate::rig::Rig;

const FAULTS: [&str; 3] = ["kill", "error", "delay"];

/// Two batches, hooks that leave a line each time they run, and a health check; a release is good unless its tree says
/// that it is bad, and then the second batch is found out.
const SHOP: &str = r#"
batches = [1, "100%"]
health = [{ command = 'test "$AWEIGH_ACTION" = undo || test "$AWEIGH_SERVER" != web-3 || test ! -e bad', deadline = "1s" }]
[projects.shop.build]
run = "echo built > built"
[projects.shop.environments.production.hooks]
after_upload = 'echo "$AWEIGH_RELEASE after_upload $AWEIGH_ACTION" >> "$AWEIGH_SHARED_PATH/ran"'
after_activate = 'echo "$AWEIGH_RELEASE after_activate $AWEIGH_ACTION" >> "$AWEIGH_SHARED_PATH/ran"'
"#;

struct Shop {
    rig: Rig,
    /// What is live, by its commit.
    live: String,
    releases: i64,
    is_bad: bool,
}

impl Shop {
    fn new(is_bad: bool) -> Self {
        let rig = Rig::new(3);
        let live = rig.repo.commit([("version", file("1\n"))]);
        rig.apply(SHOP);
        rig.release("main");
        Self { rig, live, releases: 1, is_bad }
    }

    /// Makes one release while `fault` waits for it, with everything that is promised proven.
    fn release(&mut self, environment: &[(&str, &str)], dies: bool, what: &str) {
        self.rig.kill();
        let entry = if self.is_bad { file("") } else { Entry::Gone };
        let number = self.releases + 1;
        let commit = self.rig.repo.commit([("version", file(&format!("{number}\n"))), ("bad", entry)]);
        self.rig.start_with(environment);
        let watch = Watch::begin(&self.rig);
        let asked = self.rig.run(["release", "shop", "-e", "production", "main", "--detach"]);
        assert!([0, 3].contains(&asked.code), "{what}: {asked:?}");
        if dies {
            // What a hook says is recorded in as many pieces as it comes in, so those points are not always passed.
            if self.rig.died_in(number) {
                self.rig.start();
            } else {
                assert!(what.contains('#'), "{what} was not reached");
            }
        }
        let expected = if self.is_bad { "rolled_back" } else { "succeeded" };
        self.rig.wait_for(number, expected);
        watch.end(what, &[&self.live, &commit]);
        prove(&self.rig, number, what);
        if !self.is_bad {
            self.live = commit;
        }
        for server in 1..=3 {
            assert_eq!(self.rig.revision(server).as_ref(), Some(&self.live), "{what}: web-{server}");
        }
        self.releases = number;
        self.hooks_ran_once(what);
    }

    /// No hook ran twice, and none was forgotten.
    fn hooks_ran_once(&self, what: &str) {
        let id = self.releases;
        for server in 1..=3 {
            let text = std::fs::read_to_string(self.rig.root(server).join("shared/ran")).unwrap();
            let ran = |line: &str| text.lines().filter(|found| *found == line).count();
            let times = |hook: &str| ran(&format!("{id} {hook}"));
            let (staged, went, back) = (
                times("after_upload release"),
                times("after_activate release"),
                times("after_activate undo"),
            );
            let seen =
                format!("{what}: web-{server}: {staged} staged, {went} restarted, {back} restarted back");
            if self.is_bad {
                // What had not begun when the bad one was found does not begin; what had is taken back.
                assert!(staged == 1 && went <= 1 && back <= 1 && back >= went, "{seen}");
            } else {
                assert_eq!((staged, went, back), (1, 1, 0), "{seen}");
            }
        }
    }
}

/// Everything that a server is asked it is asked twice in a row: the result is that of once.
#[test]
fn twice_is_once() {
    for is_bad in [false, true] {
        let mut shop = Shop::new(is_bad);
        shop.release(&[("AWEIGH_FAULT_TWICE", "1")], false, "twice");
        shop.release(&[("AWEIGH_FAULT_TWICE", "1")], false, "twice again");
    }
}

/// The points that a release passes, in a stable order.
fn points(shop: &mut Shop) -> Vec<String> {
    let log = shop.rig.folder.path().join("points");
    shop.release(&[("AWEIGH_FAULT_LOG", log.to_str().unwrap())], false, "without a fault");
    let text = std::fs::read_to_string(&log).unwrap();
    let points: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    assert!(points.len() > 100, "{points:#?}");
    let last = if shop.is_bad { "record/web-3/undo=ok:before" } else { "record/web-3/prune=ok:before" };
    for expected in ["web-1/activate:effect", "web-2/receive:after", "web-1/connect:after", last] {
        assert!(points.contains(expected), "{expected} is not among {points:#?}");
    }
    points.into_iter().collect()
}

/// Every point with every fault where `AWEIGH_SOAK` says so, else one of eighteen; `part` of `parts` tests, so that they
/// run beside each other.
fn suffer(is_bad: bool, part: usize, parts: usize) {
    let mut shop = Shop::new(is_bad);
    let soak = std::env::var_os("AWEIGH_SOAK").is_some();
    let points = points(&mut shop);
    let all = points.iter().enumerate().flat_map(|(at, point)| FAULTS.map(|fault| (at, point, fault)));
    let chosen = all.enumerate().filter(|(number, (at, _, _))| {
        // A different fault at each point that is chosen.
        let is_chosen = soak || (at % 6 == 0 && number % 3 == (at / 6) % 3);
        is_chosen && (at / if soak { 1 } else { 6 }) % parts == part
    });
    for (_, (_, point, fault)) in chosen {
        let what = format!("{point}={fault}");
        // What is said before the release begins, or after its end, kills nothing of it.
        shop.release(&[("AWEIGH_FAULT", &what)], fault == "kill", &what);
    }
}

macro_rules! suffering {
    ($($name:ident: $is_bad:literal, $part:literal of $parts:literal;)*) => { $(
        #[test]
        fn $name() {
            suffer($is_bad, $part, $parts);
        }
    )* };
}

suffering! {
    a_good_release_goes_on_whatever_fails_1: false, 0 of 4;
    a_good_release_goes_on_whatever_fails_2: false, 1 of 4;
    a_good_release_goes_on_whatever_fails_3: false, 2 of 4;
    a_good_release_goes_on_whatever_fails_4: false, 3 of 4;
    a_bad_release_goes_back_whatever_fails_1: true, 0 of 4;
    a_bad_release_goes_back_whatever_fails_2: true, 1 of 4;
    a_bad_release_goes_back_whatever_fails_3: true, 2 of 4;
    a_bad_release_goes_back_whatever_fails_4: true, 3 of 4;
}
