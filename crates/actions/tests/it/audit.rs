//! The audit log: what people do and its row are one transaction; what is done on servers is recorded before it begins.

use actions::{Actor, AuditFilter, Error, Others, Proof, Request, RunOrder, SignInFrom};
use model::{Name, Selector};

use crate::fakes::{Rig, admin};
use crate::releases::forward;

/// Who did what to what, the first first.
async fn deeds(rig: &Rig) -> Vec<String> {
    let (all, _) = rig.actions.audit(&admin(), &AuditFilter::default(), 100).await.unwrap();
    all.iter().rev().map(|one| format!("{} {} {} {}", one.who, one.what, one.object, one.detail)).collect()
}

/// Counts transactions and deeds from here on.
struct Count<'r> {
    rig: &'r Rig,
    commits: u64,
    deeds: usize,
}

impl<'r> Count<'r> {
    async fn new(rig: &'r Rig) -> Self {
        Self { rig, commits: rig.store.commits(), deeds: deeds(rig).await.len() }
    }

    /// What was done until now is none of this.
    async fn restart(&mut self) {
        *self = Self::new(self.rig).await;
    }

    /// So many transactions were made, each with a deed; the words of the last one.
    async fn are(&mut self, count: usize) -> String {
        let all = deeds(self.rig).await;
        assert_eq!(self.rig.store.commits() - self.commits, count as u64, "{all:?}");
        assert_eq!(all.len() - self.deeds, count, "{all:?}");
        (self.commits, self.deeds) = (self.rig.store.commits(), all.len());
        all.last().cloned().unwrap().trim().to_owned()
    }
}

#[tokio::test]
async fn what_people_do_and_its_row_are_one_transaction() {
    let rig = Rig::new().await.with_shop().await;
    let (actions, admin) = (&rig.actions, admin());
    let [shop, live, web, ada] = ["shop", "live", "web-1", "ada"].map(|name| name.parse::<Name>().unwrap());
    let mut count = Count::new(&rig).await;

    let key = |name: &str| actions::ScannedKey { key: format!("ssh-rsa {name}"), fingerprint: name.into() };
    rig.machines.keys.lock().unwrap().push(key("one"));
    actions.trust_server(&admin, &web, Some("one")).await.unwrap();
    assert_eq!(count.are(1).await, "admin server.trust server:web-1 one");

    actions.lock(&admin, &shop, &live, "closed", None).await.unwrap();
    assert_eq!(count.are(1).await, "admin environment.lock environment:shop/live closed");
    actions.unlock(&admin, &shop, &live).await.unwrap();
    assert_eq!(count.are(1).await, "admin environment.unlock environment:shop/live");
    actions.unlock(&admin, &shop, &live).await.unwrap_err();
    assert!(
        deeds(&rig).await.last().unwrap().contains("environment.unlock"),
        "what was not done is not there"
    );
    count.restart().await;

    let release = actions.request(&admin, forward("main"), None).await.unwrap().id;
    assert!(count.are(1).await.starts_with("admin release.create release:1 main to shop/live"));
    let claimed = rig.store.claim().await.unwrap().unwrap();
    assert_eq!(claimed.id, release);
    count.restart().await;
    actions.pause(&admin, release).await.unwrap();
    assert_eq!(count.are(1).await, "admin release.pause release:1");
    let paused = store::Entry::Release { status: model::Status::Paused, reason: None };
    rig.store.record(release, claimed.epoch, vec![paused]).await.unwrap();
    count.restart().await;
    actions.resume(&admin, release).await.unwrap();
    assert_eq!(count.are(1).await, "admin release.resume release:1");
    actions.skip(&admin, release, &"web-2".parse().unwrap()).await.unwrap();
    assert_eq!(count.are(1).await, "admin release.skip release:1 web-2");
    let next = Request { others: Others::Queue, ..forward("next") };
    let waiting = actions.request(&admin, next, None).await.unwrap().id;
    count.restart().await;
    actions.cancel(&admin, waiting).await.unwrap();
    assert_eq!(count.are(1).await, "admin release.cancel release:2");

    let (_, code) = actions.create_user(&admin, &ada).await.unwrap();
    assert_eq!(count.are(2).await, "admin user.setup user:ada");
    let password = || "four words are enough".to_owned().into();
    let from = || SignInFrom { address: None, agent: "curl".into() };
    actions.set_up(&code, password(), from()).await.unwrap();
    assert_eq!(count.are(2).await, "ada session.begin user:ada curl");
    let signed_in = actions.sign_in("ada", password(), from()).await.unwrap();
    assert_eq!(count.are(1).await, "ada session.begin user:ada curl");
    actions.sign_out(&Proof::Session(actions::digest(&signed_in.secret).into())).await.unwrap();
    assert_eq!(count.are(1).await, "ada session.end user:ada curl");
    let herself = Actor { name: "ada".into(), administrator: true };
    let (token, _) = actions.create_token(&herself, "ci").await.unwrap();
    assert_eq!(count.are(1).await, "ada token.create user:ada ci");
    actions.remove_token(&herself, &token.id).await.unwrap();
    assert_eq!(count.are(1).await, "ada token.remove user:ada ci");
    actions.remove_user(&admin, &ada).await.unwrap();
    assert_eq!(count.are(1).await, "admin user.remove user:ada");
}

#[tokio::test]
async fn what_is_done_on_servers_is_recorded_before_it_is_tried() {
    let rig = Rig::new().await.with_shop().await;
    let web: Name = "web-1".parse().unwrap();
    // Nobody can log in here: what is recorded was recorded before.
    let asked = rig.actions.server_facts(&admin(), &web).await;
    assert!(matches!(asked, Err(Error::Server { .. })), "{asked:?}");
    let long = "x".repeat(5000);
    let order = RunOrder {
        servers: Selector::all(),
        command: format!("echo {long}"),
        stdin: "what it reads".to_owned(),
        place: None,
        at_once: 1,
        longest: std::time::Duration::from_secs(1),
    };
    rig.actions.run_command(&admin(), order).await.unwrap();
    let all = deeds(&rig).await;
    let [.., facts, run] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(facts.trim(), "admin server.facts server:web-1");
    assert!(run.starts_with("admin command.run installation all: echo xxx"), "{run}");
    let whole = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(format!("all: echo {long}")));
    assert!(run.ends_with(&format!("… [cut: 5010 bytes in all, SHA-256 {whole}]")), "{run}");
    assert!(!run.contains("what it reads"));
}
