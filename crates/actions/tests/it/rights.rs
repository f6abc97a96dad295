//! Who is not an administrator gets nothing, whatever they ask for.

use std::time::Duration;

use actions::{
    Action, Actor, AdoptRequest, AuditFilter, Back, Brought, Change, CredentialKind, Error, GetOrder,
    LogFilter, Object, Others, PutOrder, RefQuery, Request, RunOrder, SharedOrder, ShellRequest, TryRequest,
    Wanted,
};
use model::{Name, Picked, ReleaseId, RemotePath, Scope, Selector, VariableName};

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
    let shell = ShellRequest { terminal: None, command: Some("true".to_owned()) };
    let live: Name = "live".parse().unwrap();
    let (scope, word): (_, VariableName) = (Scope::Project(shop.clone()), "TOKEN".parse().unwrap());
    let attempt = TryRequest {
        picked: Picked { name: shop.clone(), version: None },
        run: Some("true".to_owned()),
        project: shop.clone(),
        environment: live.clone(),
        server: web.clone(),
        check: false,
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
        actions.admit_shell(&nobody, &web, shell).await.err(),
        actions.may_shell(&nobody, &web).err(),
        actions.recordings(&nobody, None, i64::MAX, 1).await.err(),
        actions.recording(&nobody, 1).await.err(),
        actions.master_key(&nobody).await.err(),
        actions.replace_master_key(&nobody).await.err(),
        actions.generate_credential(&nobody, web.clone(), CredentialKind::SshKey).await.err(),
        actions.rotate_credential(&nobody, &web).await.err(),
        actions.variables(&nobody, &scope).await.err(),
        actions.put_secret(&nobody, scope.clone(), word.clone(), "x".into()).await.err(),
        actions.forget_secret(&nobody, scope, word).await.err(),
        actions.artifacts(&nobody, &shop).await.err(),
        actions.push_artifact(&nobody, &shop, "main", Box::new(std::io::empty())).await.err(),
        actions.drift(&nobody, &shop, &live).await.err(),
        actions.accept_drift(&nobody, &shop, &live, None).await.err(),
        actions.lock(&nobody, &shop, &live, "closed", None).await.err(),
        actions.unlock(&nobody, &shop, &live).await.err(),
        actions.pause(&nobody, one).await.err(),
        actions.promote(&nobody, one).await.err(),
        actions.retry(&nobody, one, None).await.err(),
        actions.skip(&nobody, one, &Selector::all()).await.err(),
        actions.template_versions(&nobody, &shop).await.err(),
        actions.try_template(&nobody, attempt).await.err(),
        actions.progress(&nobody, one).err(),
        actions.may_watch(&nobody, &topic).err(),
    ];
    for (index, answer) in answers.iter().enumerate() {
        assert!(matches!(answer, Some(Error::Denied(_))), "{index}: {answer:?}");
    }
    assert_eq!(rig.store.servers().await.unwrap().len(), 2);
}

/// What everybody may do to their own account, and nobody to that of others.
const OWN: [&str; 6] =
    ["sessions", "end_session", "change_password", "tokens", "create_token", "remove_token"];

#[test]
fn no_door_is_left_out() {
    let asked = include_str!("rights.rs");
    let sources = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    let mut doors = 0;
    for source in sources.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&source).unwrap();
        for (_, rest) in text.match_indices("    pub ").map(|(at, found)| text.split_at(at + found.len())) {
            let Some(rest) = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ") else {
                continue;
            };
            let (name, rest) = rest.split_once('(').unwrap();
            let name = name.split('<').next().unwrap();
            let (takes, _) = rest.split_once(") ->").unwrap_or((rest, ""));
            if !takes.trim_start().starts_with("&self") || !takes.contains("actor: &Actor") {
                continue;
            }
            doors += 1;
            let is_asked = OWN.contains(&name) || asked.contains(&format!(".{name}(&nobody"));
            assert!(is_asked, "{name} of {} is not tried by nobody", source.display());
        }
    }
    assert!(doors > 60, "only {doors} doors were found");
}
