//! Checking servers, and deciding which host key is the right one.

use actions::{Error, ScannedKey, Verdict};
use model::{Address, Name};

use crate::fakes::{Rig, admin};

fn key(name: &str) -> ScannedKey {
    ScannedKey { key: format!("ssh-ed25519 {name}"), fingerprint: format!("SHA256:{name}") }
}

async fn pinned(rig: &Rig, name: &Name) -> Vec<String> {
    match rig.store.server(name).await.unwrap().unwrap().address {
        Address::Ssh(address) => address.host_keys,
        Address::Local => Vec::new(),
    }
}

#[tokio::test]
async fn only_the_confirmed_key_is_pinned() {
    let rig = Rig::new().await.with_shop().await;
    let web: Name = "web-1".parse().unwrap();
    let unreachable = rig.actions.trust_server(&admin(), &web, None).await;
    assert!(matches!(unreachable, Err(Error::Server { .. })));
    rig.machines.keys.lock().unwrap().extend([key("one"), key("two")]);
    let shown = rig.actions.trust_server(&admin(), &web, None).await.unwrap();
    assert_eq!((shown.keys.len(), shown.pinned.len()), (2, 0));
    assert!(pinned(&rig, &web).await.is_empty(), "looking pins nothing");
    let wrong = rig.actions.trust_server(&admin(), &web, Some("SHA256:three")).await;
    assert!(matches!(wrong, Err(Error::Invalid(_))));
    let trust = rig.actions.trust_server(&admin(), &web, Some("SHA256:two")).await.unwrap();
    assert_eq!(trust.pinned, ["ssh-ed25519 two"]);
    rig.actions.trust_server(&admin(), &web, Some("SHA256:one")).await.unwrap();
    assert_eq!(pinned(&rig, &web).await, ["ssh-ed25519 one"], "the key before is trusted no more");
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_a_finding() {
    let rig = Rig::new().await.with_shop().await;
    let checkup = rig.actions.check_server(&admin(), &"web-1".parse().unwrap()).await.unwrap();
    let findings = checkup.all().await;
    assert_eq!(
        (findings.len(), findings[0].verdict, findings[0].what.as_str()),
        (1, Verdict::Failed, "connect")
    );
    let missing = rig.actions.check_server(&admin(), &"web-9".parse().unwrap()).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
}
