//! Tokens: one of a name lets in, and the one it replaced does not.

use store::TokenRecord;

use crate::rig::{Rig, name};

#[tokio::test]
async fn the_newest_token_of_a_name_lets_in() {
    let mut rig = Rig::new().await;
    let [first, second] = ["1", "2"].map(|digit| digit.repeat(64));
    rig.store.ensure_admin().await.unwrap();
    assert_eq!(rig.store.token(&first).await.unwrap(), None);
    for _ in 0..2 {
        rig.store.ensure_admin_token("environment", &first).await.unwrap();
    }
    rig.store.ensure_admin_token("other", &"3".repeat(64)).await.unwrap();
    rig.reopen().await;
    let admin = Some(TokenRecord { user: name("admin"), admin: true });
    assert_eq!(rig.store.token(&first).await.unwrap(), admin);
    rig.store.ensure_admin_token("environment", &second).await.unwrap();
    assert_eq!(rig.store.token(&first).await.unwrap(), None);
    assert_eq!(rig.store.token(&second).await.unwrap(), admin);
    assert_eq!(rig.store.token(&"3".repeat(64)).await.unwrap(), admin);
}
