//! Hook templates: versions are added and never changed, and what is picked cannot go.

use model::{Hook, HookPoint, Picked, Project, Site, Template};
use store::{Change, Error, Store};

use crate::rig::{Rig, name, project, site};

fn put(run: &str) -> Change {
    let template = Template::plain(name("reload"), run);
    Change::PutTemplate { template, managed: false }
}

fn picked(text: &str) -> Picked {
    text.parse().unwrap()
}

fn hook(template: &str) -> Hook {
    Hook { template: Some(picked(template)), ..Hook::plain(HookPoint::AfterActivate, "") }
}

fn picking_project(template: &str) -> Change {
    let mut project: Project = project("shop");
    project.defaults.hooks.insert(HookPoint::AfterActivate, vec![hook(template)]);
    Change::PutProject { project, managed: false }
}

fn picking_site(template: &str) -> Change {
    let mut site: Site = site("production", "/srv/shop");
    site.settings.hooks.insert(HookPoint::AfterVerify, vec![hook(template)]);
    Change::PutSite { project: name("shop"), site, managed: false }
}

async fn versions(store: &Store) -> Vec<(u32, String)> {
    let all = store.template_versions(&name("reload")).await.unwrap();
    all.into_iter().map(|record| (record.version, record.template.run)).collect()
}

#[tokio::test]
async fn each_change_is_a_version_that_stays_what_it_was() {
    let rig = Rig::new().await;
    let store = &rig.store;
    assert_eq!(store.template(&picked("reload")).await.unwrap(), None);
    for run in ["one", "two", "two"] {
        store.change(vec![put(run)], "li").await.unwrap();
    }
    assert_eq!(versions(store).await, [(2, "two".to_owned()), (1, "one".to_owned())]);
    let newest = store.template(&picked("reload")).await.unwrap().unwrap();
    assert_eq!((newest.version, newest.by.as_str(), newest.template.run.as_str()), (2, "li", "two"));
    let first = store.template(&picked("reload@1")).await.unwrap().unwrap();
    assert_eq!((first.version, first.template.run.as_str()), (1, "one"));
    assert_eq!(store.template(&picked("reload@3")).await.unwrap(), None);
    assert_eq!(store.templates().await.unwrap(), [newest]);
    // A name that comes again does not say something else under an old number.
    store.change(vec![Change::DeleteTemplate(name("reload"))], "li").await.unwrap();
    assert_eq!((store.templates().await.unwrap(), versions(store).await), (vec![], vec![]));
    store.change(vec![put("three")], "li").await.unwrap();
    assert_eq!(versions(store).await.first(), Some(&(3, "three".to_owned())));
    assert_eq!(store.managed().await.unwrap().templates, []);
}

#[tokio::test]
async fn what_is_picked_has_to_be_there_and_stays() {
    let rig = Rig::new().await;
    let store = &rig.store;
    let missing = store.change(vec![picking_project("reload")], "li").await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { what: "hook template", .. }), "{missing:?}");
    store.change(vec![picking_project("reload"), put("one")], "li").await.unwrap();
    let newer = store.change(vec![picking_site("reload@2")], "li").await.unwrap_err();
    assert!(matches!(&newer, Error::NotFound { name, .. } if name == "reload@2"), "{newer:?}");
    store.change(vec![picking_site("reload@1")], "li").await.unwrap();
    let used = store.change(vec![Change::DeleteTemplate(name("reload"))], "li").await.unwrap_err();
    let Error::Referenced { by, .. } = used else { panic!("{used:?}") };
    assert_eq!(by, ["project shop", "environment shop/production"]);
    // With those that pick it, it may go.
    let away = Change::DeleteProject(name("shop"));
    store.change(vec![away, Change::DeleteTemplate(name("reload"))], "li").await.unwrap();
    assert_eq!(store.templates().await.unwrap(), []);
}
