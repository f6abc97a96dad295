//! Who is not an administrator gets nothing, whatever they ask for.

use std::time::Duration;

use actions::{
    Action, Actor, AdoptRequest, AuditFilter, Back, Brought, Change, Error, GetOrder, LogFilter, Object,
    Others, PutOrder, RefQuery, Request, RunOrder, SharedOrder, Wanted,
};
use model::{Name, ReleaseId, RemotePath, Selector};

use crate::fakes::Rig;

#[tokio::test]
async fn nobody_gets_anything() {
    let rig = Rig::new().await.with_shop().await;
    let (actions, nobody) = (&rig.actions, Actor { name: "nobody".into(), administrator: false });
    let shop: Name = "shop".parse().unwrap();
    let web: Name = "web-1".parse().unwrap();
    let one = ReleaseId(1);
    let request = Request {
        project: shop.clone(),
        environment: "live".parse().unwrap(),
        wanted: Wanted::Back(Back::Previous),
        servers: None,
        note: String::new(),
        others: Others::Refuse,
    };
    let (project, environment) = (shop.clone(), "live".parse().unwrap());
    let adopt = AdoptRequest { project, environment, servers: None, link: None };
    let delete = |_: &_| Ok::<_, Error>((vec![Change::DeleteServer("web-1".parse().unwrap())], ()));
    let packing = actions::Packing { format: actions::ArchiveFormat::Tar, prefix: String::new() };
    let topic: actions::Topic = "release:1".parse().unwrap();
    let run = RunOrder {
        servers: Selector::all(),
        command: "true".to_owned(),
        stdin: String::new(),
        place: None,
        at_once: 1,
        longest: Duration::from_secs(1),
    };
    let path: RemotePath = "/srv/x".parse().unwrap();
    let put = PutOrder { servers: Selector::all(), to: path.clone(), replaces: false, at_once: 1 };
    let get = GetOrder { servers: Selector::all(), from: path, at_once: 1 };
    let shared = SharedOrder {
        project: shop.clone(),
        environment: shop.clone(),
        servers: None,
        name: ".env".parse().unwrap(),
        replaces: false,
        at_once: 1,
    };
    let answers = [
        actions.definitions(&nobody).await.err(),
        actions
            .define(&nobody, Action::ChangeServers, &Object::Server(&web), &Brought::default(), delete)
            .await
            .err(),
        actions.public_half(&nobody, "x".to_owned().into(), None).await.err(),
        actions.check_server(&nobody, &web).await.err(),
        actions.server_facts(&nobody, &web).await.err(),
        actions.trust_server(&nobody, &web, None).await.err(),
        actions.refs(&nobody, &shop, &RefQuery::Branches, 1).await.err(),
        actions.fetch(&nobody, &shop).await.err(),
        actions.commits_since(&nobody, &shop, "main", "next", 1).await.err(),
        actions.diff(&nobody, &shop, ("main", "next"), 1, true).await.err(),
        actions.archive(&nobody, &shop, "main", packing, Box::new(tokio::io::sink())).await.err(),
        actions.trust_git_host(&nobody, &shop, None).await.err(),
        actions.request(&nobody, request.clone(), None).await.err(),
        actions.preview(&nobody, &request).await.err(),
        actions.releases(&nobody, None, None, None, 1).await.err(),
        actions.cancel(&nobody, one).await.err(),
        actions.resume(&nobody, one).await.err(),
        actions.snapshot(&nobody, one).await.err(),
        actions.events(&nobody, &topic, 0, &LogFilter::All).await.err(),
        actions.say(&nobody, topic.clone(), "hello", None, None).await.err(),
        actions.chat(&nobody, &topic, u64::MAX, 1).await.err(),
        actions.changes(&nobody, &shop, &shop, "main", None).await.err(),
        actions.log_bytes(&nobody, one, "fetch").await.err(),
        actions.users(&nobody).await.err(),
        actions.create_user(&nobody, &shop).await.err(),
        actions.remove_user(&nobody, &shop).await.err(),
        actions.setup_code(&nobody, &shop).await.err(),
        actions.log(&nobody, one, None, 0, None).await.err(),
        actions.board(&nobody).await.err(),
        actions.audit(&nobody, &AuditFilter::default(), 1).await.err(),
        actions.examine(&nobody).await.err(),
        actions.adopt(&nobody, &adopt).await.err(),
        actions.preview_adoption(&nobody, &adopt).await.err(),
        actions.run_command(&nobody, run).await.err(),
        actions.put_files(&nobody, put, Box::new(std::io::empty())).await.err(),
        actions.get_files(&nobody, get).await.err(),
        actions.shared(&nobody, &shop, &shop, None).await.err(),
        actions.put_shared(&nobody, shared.clone(), Box::new(std::io::empty())).await.err(),
        actions.get_shared(&nobody, shared).await.err(),
        actions.download(&nobody, "x", Vec::new()).err(),
        actions.forget_download(&nobody, "x").err(),
    ];
    for (index, answer) in answers.iter().enumerate() {
        assert!(matches!(answer, Some(Error::Denied(_))), "{index}: {answer:?}");
    }
    assert_eq!(rig.store.servers().await.unwrap().len(), 2);
}
