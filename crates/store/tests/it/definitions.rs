//! Definitions: lists of changes, what refers to what, and what `apply` made.

use model::{Name, Server, Status};
use store::{Change, CredentialKind, Error, Managed, Store};

use crate::rig::{Rig, by_ann, credential, name, project, server, site};

fn put_server(server: Server, managed: bool) -> Change {
    Change::PutServer { server, managed }
}

fn put_credential(text: &str) -> Change {
    let credential = credential(text, CredentialKind::SshPassword, Some("hunter2"));
    Change::PutCredential { credential, managed: false }
}

fn put_project(text: &str) -> Change {
    Change::PutProject { project: project(text), managed: false }
}

fn put_site(of: &str, text: &str, path: &str) -> Change {
    Change::PutSite { project: name(of), site: site(text, path), managed: true }
}

async fn names(store: &Store) -> Vec<String> {
    store.servers().await.unwrap().iter().map(|server| server.name.to_string()).collect()
}

#[tokio::test]
async fn a_list_of_changes_is_made_as_a_whole_in_any_order() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let changes = vec![
        put_server(server("web-2", "deploy"), false),
        put_site("shop", "production", "/srv/shop"),
        put_site("shop", "staging", "/srv/staging"),
        put_server(server("web-1", "deploy"), false),
        put_project("shop"),
        put_credential("deploy"),
    ];
    store.change(changes, "li").await.unwrap();
    assert_eq!(names(store).await, ["web-1", "web-2"]);
    assert_eq!(store.server(&name("web-1")).await.unwrap(), Some(server("web-1", "deploy")));
    assert_eq!(store.server(&name("web-3")).await.unwrap(), None);
    assert_eq!(store.projects().await.unwrap(), [project("shop")]);
    assert_eq!(store.project(&name("shop")).await.unwrap(), Some(project("shop")));
    let sites = store.sites(&name("shop")).await.unwrap();
    assert_eq!(sites, [site("production", "/srv/shop"), site("staging", "/srv/staging")]);
    assert_eq!(store.site(&name("shop"), &name("staging")).await.unwrap(), Some(sites[1].clone()));
    let at = store.sites_at(&sites[0].path).await.unwrap();
    assert_eq!(at, [(name("shop"), sites[0].clone())]);
    assert_eq!(store.credential(&name("deploy")).await.unwrap().unwrap().kind, CredentialKind::SshPassword);

    let mut moved = server("web-1", "deploy");
    moved.labels.insert(name("role"), ["web".to_owned()].into());
    let last_fails = vec![put_server(moved.clone(), false), Change::DeleteServer(name("web-9"))];
    let error = store.change(last_fails, "li").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no server web-9");
    assert_eq!(store.server(&name("web-1")).await.unwrap(), Some(server("web-1", "deploy")), "none of it");
    store.change(vec![put_server(moved.clone(), false)], "li").await.unwrap();
    assert_eq!(store.server(&name("web-1")).await.unwrap(), Some(moved));
}

#[tokio::test]
async fn nothing_is_left_pointing_nowhere() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let check = async |changes: Vec<Change>, told: &str| {
        assert_eq!(store.change(changes, "li").await.unwrap_err().to_string(), told);
    };
    check(vec![put_server(server("web-1", "deploy"), false)], "there is no credential deploy").await;
    check(vec![put_site("shop", "production", "/srv/shop")], "there is no project shop").await;

    let mut git = project("shop");
    git.credential = Some(name("deploy"));
    let used = vec![
        put_credential("deploy"),
        put_credential("other"),
        put_server(server("web-1", "deploy"), false),
        Change::PutProject { project: git, managed: false },
        put_site("shop", "production", "/srv/shop"),
    ];
    store.change(used, "li").await.unwrap();
    let delete = || Change::DeleteCredential(name("deploy"));
    check(vec![delete()], "credential deploy is used by project shop, server web-1").await;
    let with_users = vec![delete(), put_server(server("web-1", "other"), false), put_project("shop")];
    store.change(with_users, "li").await.unwrap();
    assert_eq!(store.credentials().await.unwrap().len(), 1);

    let behind = |text: &str, jump: &str| {
        let mut server = server(text, "other");
        let model::Address::Ssh(ssh) = &mut server.address else { panic!("it is local") };
        ssh.jump = Some(name(jump));
        put_server(server, false)
    };
    check(vec![behind("web-2", "bastion")], "there is no server bastion").await;
    let with_bastion = || put_server(server("bastion", "other"), false);
    store
        .change(vec![behind("web-2", "bastion"), behind("web-3", "bastion"), with_bastion()], "li")
        .await
        .unwrap();
    let delete = || Change::DeleteServer(name("bastion"));
    check(vec![delete()], "server bastion is used by server web-2, server web-3").await;
    store.change(vec![delete(), with_bastion()], "li").await.unwrap();
    store
        .change(vec![delete(), behind("web-2", "web-1"), Change::DeleteServer(name("web-3"))], "li")
        .await
        .unwrap();

    let running = rig.running("production").await;
    let delete_site = || Change::DeleteSite { project: name("shop"), site: name("production") };
    let told = format!("is used by release {}", running.0);
    check(vec![delete_site()], &format!("environment shop/production {told}")).await;
    check(vec![Change::DeleteProject(name("shop"))], &format!("project shop {told}")).await;
    rig.end(running, Status::Failed).await;
    let (shop, production) = (name("shop"), name("production"));
    store.lock_site(&shop, &production, "bob", "closed", None, by_ann()).await.unwrap();
    store.change(vec![Change::DeleteProject(name("shop"))], "li").await.unwrap();
    assert_eq!(
        store.site_lock(&shop, &production).await.unwrap(),
        None,
        "it would close another one of that name"
    );
    assert_eq!(store.sites(&name("shop")).await.unwrap(), []);
    assert!(store.release(running.0).await.unwrap().is_some(), "its releases stay");
    let error = store.change(vec![delete_site()], "li").await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }));
}

#[tokio::test]
async fn what_apply_made_stays_known_as_such() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let first = vec![
        put_credential("deploy"),
        put_project("shop"),
        put_site("shop", "production", "/srv/shop"),
        put_server(server("applied", "deploy"), true),
        put_server(server("by-hand", "deploy"), false),
    ];
    store.change(first, "li").await.unwrap();
    let expected = Managed {
        servers: vec![name("applied")],
        groups: Vec::new(),
        credentials: Vec::<Name>::new(),
        templates: Vec::new(),
        projects: Vec::new(),
        sites: vec![(name("shop"), name("production"))],
    };
    assert_eq!(store.managed().await.unwrap(), expected);
    let swapped =
        vec![put_server(server("applied", "deploy"), false), put_server(server("by-hand", "deploy"), true)];
    store.change(swapped, "li").await.unwrap();
    assert_eq!(store.managed().await.unwrap(), expected, "who made a thing never changes");
}

#[tokio::test]
async fn a_group_is_read_into_servers_and_stays_while_somebody_means_it() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let put_group = |text: &str, selector: &str| Change::PutGroup {
        name: name(text),
        selector: selector.parse().unwrap(),
        managed: false,
    };
    store
        .change(vec![put_credential("deploy"), put_server(server("web-1", "deploy"), false)], "li")
        .await
        .unwrap();
    let missing = store.change(vec![put_group("all-web", "@web")], "li").await;
    assert!(matches!(missing, Err(Error::NotFound { what: "group", .. })), "{missing:?}");
    store.change(vec![put_group("all-web", "@web"), put_group("web", "web-[1:9]")], "li").await.unwrap();
    let found = store.server(&name("web-1")).await.unwrap().unwrap();
    assert_eq!(found.groups, [name("all-web"), name("web")].into());
    assert_eq!(store.servers().await.unwrap(), std::slice::from_ref(&found));
    // What was read is written back, and who is in a group follows from the group alone.
    store.change(vec![put_server(found, false), put_group("web", "web-2")], "li").await.unwrap();
    assert_eq!(store.server(&name("web-1")).await.unwrap().unwrap().groups, [].into());
    let mut at = site("production", "/srv/shop");
    at.servers = "@all-web,all".parse().unwrap();
    let mut whole = project("shop");
    whole.defaults.health = Some(vec![model::Health {
        on: "@web".parse().unwrap(),
        probe: model::HealthProbe::Command("true".into()),
        timeout: std::time::Duration::from_secs(1),
        deadline: std::time::Duration::from_secs(1),
    }]);
    let put = vec![
        Change::PutProject { project: whole, managed: false },
        Change::PutSite { project: name("shop"), site: at, managed: false },
    ];
    store.change(put, "li").await.unwrap();
    let used = |result: Result<(), Error>| match result {
        Err(Error::Referenced { by, .. }) => by,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        used(store.change(vec![Change::DeleteGroup(name("web"))], "li").await),
        ["group all-web", "project shop"]
    );
    assert_eq!(
        used(store.change(vec![Change::DeleteGroup(name("all-web"))], "li").await),
        ["environment shop/production"]
    );
    assert_eq!(store.groups().await.unwrap().len(), 2, "nothing of it was done");
    let gone = store.change(vec![Change::DeleteGroup(name("none"))], "li").await;
    assert!(matches!(gone, Err(Error::NotFound { what: "group", .. })), "{gone:?}");
}
