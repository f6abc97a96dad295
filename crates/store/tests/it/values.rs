//! Secrets of projects, environments and servers: each is sealed for its own place, and goes with what it belongs to.

use std::fs;

use model::{ExposeSecret, Scope, VariableName};
use sea_orm::ConnectionTrait;
use store::{Change, CredentialKind, Error, NewSecret, Store};

use crate::rig::{Rig, credential, name, project, server, site};

fn variable(text: &str) -> VariableName {
    text.parse().unwrap()
}

fn new(scope: &Scope, text: &str, value: &str) -> NewSecret {
    NewSecret { scope: scope.clone(), name: variable(text), value: value.into(), masked: value.len() >= 6 }
}

async fn put(store: &Store, scope: &Scope, text: &str, value: &str) {
    store.change(vec![Change::PutSecret(new(scope, text, value))], "admin").await.unwrap();
}

async fn values(store: &Store, scope: &Scope) -> Vec<(String, String)> {
    let values = store.secret_values(scope).await.unwrap();
    values.into_iter().map(|(name, value)| (name.to_string(), value.expose_secret().to_owned())).collect()
}

fn scopes() -> [Scope; 3] {
    [
        Scope::Project(name("shop")),
        Scope::Environment(name("shop"), name("production")),
        Scope::Server(name("web-1")),
    ]
}

/// A store with a project, an environment and a server, each with a secret of the same name.
async fn filled(rig: &Rig) {
    let credential = credential("deploy", CredentialKind::SshAgent, None);
    let changes = vec![
        Change::PutCredential { credential, managed: false },
        Change::PutServer { server: server("web-1", "deploy"), managed: false },
        Change::PutProject { project: project("shop"), managed: false },
        Change::PutSite { project: name("shop"), site: site("production", "/srv/shop"), managed: false },
    ];
    rig.store.change(changes, "admin").await.unwrap();
    for (number, scope) in scopes().iter().enumerate() {
        put(&rig.store, scope, "DB_PASSWORD", &format!("correct horse {number}")).await;
    }
}

#[tokio::test]
async fn a_secret_is_replaced_and_forgotten_by_name_and_scope() {
    let rig = Rig::new().await;
    filled(&rig).await;
    let [shop, production, web] = scopes();
    put(&rig.store, &production, "DB_PASSWORD", "battery").await;
    put(&rig.store, &production, "PIN", "1234").await;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let of_production = [pair("DB_PASSWORD", "battery"), pair("PIN", "1234")];
    assert_eq!(values(&rig.store, &production).await, of_production);
    assert_eq!(values(&rig.store, &shop).await, [pair("DB_PASSWORD", "correct horse 0")]);
    let all = rig.store.secrets().await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|one| one.masked != (one.name == variable("PIN"))), "{all:?}");
    assert!(!rig.store.secret_differs(&new(&production, "PIN", "1234")).await.unwrap());
    assert!(rig.store.secret_differs(&new(&production, "PIN", "12345")).await.unwrap());
    assert!(rig.store.secret_differs(&new(&web, "PIN", "1234")).await.unwrap());
    let forget = || Change::DeleteSecret { scope: production.clone(), name: variable("PIN") };
    rig.store.change(vec![forget()], "admin").await.unwrap();
    assert_eq!(values(&rig.store, &production).await.len(), 1);
    let error = rig.store.change(vec![forget()], "admin").await.unwrap_err();
    assert!(matches!(error, Error::NotFound { what: "secret", .. }), "{error:?}");
}

#[tokio::test]
async fn secrets_go_with_what_they_belong_to() {
    let rig = Rig::new().await;
    filled(&rig).await;
    let [shop, production, web] = scopes();
    rig.store
        .change(vec![Change::DeleteSite { project: name("shop"), site: name("production") }], "admin")
        .await
        .unwrap();
    assert_eq!(values(&rig.store, &production).await, []);
    assert_eq!(values(&rig.store, &shop).await.len(), 1);
    put(&rig.store, &production, "AGAIN", "correct horse").await;
    rig.store.change(vec![Change::DeleteProject(name("shop"))], "admin").await.unwrap();
    assert_eq!((values(&rig.store, &shop).await.len(), values(&rig.store, &production).await.len()), (0, 0));
    assert_eq!(values(&rig.store, &web).await.len(), 1);
    rig.store.change(vec![Change::DeleteServer(name("web-1"))], "admin").await.unwrap();
    assert_eq!(rig.store.secrets().await.unwrap(), []);
}

/// T53: the database alone tells nothing, and what is moved to another row does not open.
#[tokio::test]
async fn two_secrets_whose_rows_are_swapped_cannot_be_read() {
    let rig = Rig::new().await;
    filled(&rig).await;
    let swap = "CREATE TABLE before AS SELECT project, sealed FROM secret WHERE server = ''  AND environment = ''; \
                UPDATE secret SET sealed = (SELECT sealed FROM secret AS other WHERE other.server = 'web-1') \
                    WHERE server = '' AND environment = ''; \
                UPDATE secret SET sealed = (SELECT sealed FROM before) WHERE server = 'web-1'";
    rig.raw().await.execute_unprepared(swap).await.unwrap();
    let [shop, production, web] = scopes();
    for scope in [&shop, &web] {
        let error = rig.store.secret_values(scope).await.unwrap_err();
        assert!(matches!(error, Error::Sealed { .. }), "{error:?}");
    }
    assert_eq!(values(&rig.store, &production).await.len(), 1);
}

#[tokio::test]
async fn the_files_and_the_types_tell_no_value() {
    let rig = Rig::new().await;
    filled(&rig).await;
    assert!(!format!("{:?}", new(&scopes()[0], "A", "correct horse")).contains("horse"));
    rig.store.close().await.unwrap();
    for file in fs::read_dir(rig.dir.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(13).any(|part| part == b"correct horse"));
    }
}

#[tokio::test]
async fn logins_are_those_of_servers_on_the_way_too() {
    let rig = Rig::new().await;
    let password = |text: &str| {
        let secret = format!("password of {text}");
        let credential = credential(text, CredentialKind::SshPassword, Some(&secret));
        Change::PutCredential { credential, managed: false }
    };
    let behind = |text: &str, credential: &str, jump: Option<&str>| {
        let mut server = server(text, credential);
        let model::Address::Ssh(ssh) = &mut server.address else { panic!("it is local") };
        ssh.jump = jump.map(name);
        server
    };
    let servers = [
        behind("gate", "outer", None),
        behind("bastion", "inner", Some("gate")),
        behind("web-1", "deploy", Some("bastion")),
        behind("web-2", "other", None),
    ];
    let put = servers.clone().map(|server| Change::PutServer { server, managed: false });
    let changes = ["outer", "inner", "deploy", "other"].map(password).into_iter().chain(put).collect();
    rig.store.change(changes, "admin").await.unwrap();
    let logins = rig.store.logins(&project("shop"), [&servers[2]]).await.unwrap();
    let known = |(name, secrets): (&model::Name, &Vec<_>)| (name.to_string(), secrets.len());
    let expected = [("deploy", 1), ("inner", 1), ("outer", 1)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(logins.iter().map(known).collect::<Vec<_>>(), expected);
}
