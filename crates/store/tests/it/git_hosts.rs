//! Host keys of git hosts: per host and port, replaced as a whole, there after a restart.

use store::{AuditFilter, Deed};

use crate::rig::Rig;

fn deed(who: &str) -> Deed {
    Deed::new(who, "git_host.trust", "project:shop", "")
}

#[tokio::test]
async fn keys_are_pinned_for_a_host_and_a_port() {
    let mut rig = Rig::new().await;
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    assert_eq!(rig.store.git_host_keys("git.example.com", 22).await.unwrap(), keys(&[]));
    let both = keys(&["ssh-ed25519 AAAA", "ssh-rsa BBBB"]);
    rig.store.pin_git_host("git.example.com", 22, &both, deed("ann")).await.unwrap();
    rig.store.pin_git_host("git.example.com", 2222, &keys(&["ssh-rsa CCCC"]), deed("ann")).await.unwrap();
    rig.reopen().await;
    assert_eq!(rig.store.git_host_keys("git.example.com", 22).await.unwrap(), both);
    rig.store.pin_git_host("git.example.com", 22, &keys(&["ssh-ed25519 DDDD"]), deed("bob")).await.unwrap();
    assert_eq!(rig.store.git_host_keys("git.example.com", 22).await.unwrap(), keys(&["ssh-ed25519 DDDD"]));
    assert_eq!(rig.store.git_host_keys("git.example.com", 2222).await.unwrap(), keys(&["ssh-rsa CCCC"]));
    assert_eq!(rig.store.git_host_keys("other.example.com", 22).await.unwrap(), keys(&[]));
    let deeds = rig.store.audit(&AuditFilter::default(), 10).await.unwrap();
    let who: Vec<&str> = deeds.iter().map(|deed| deed.who.as_str()).collect();
    assert_eq!(who, ["bob", "ann", "ann"]);
}
