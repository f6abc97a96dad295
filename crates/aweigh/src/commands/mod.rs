//! One file per verb. A command reads its words, asks the server one or two things, shows the answer.

mod adopt;
mod apply;
mod artifacts;
mod audit;
mod catch_up;
mod check;
mod completions;
mod credentials;
mod demo;
mod doctor;
mod drift;
mod export;
mod get;
mod git;
mod groups;
mod hooks;
mod lock;
mod login;
mod logs;
mod master_key;
mod projects;
mod put;
mod recordings;
mod release;
mod releases;
mod rollback;
mod run;
mod secrets;
mod serve;
mod servers;
mod shared;
mod shell;
mod status;
mod steer;
mod tokens;
mod transfer;
mod users;
mod variables;
mod watch;

use std::path::Path;

use model::{Release, ReleaseId};
use tokio::runtime::Builder;

use crate::advice::Advised;
use crate::cli::{Cli, Command, Which, WhichArgs};
use crate::client::{Ask, Client, Place};
use crate::config::Settings;
use crate::exit::Ending;
use crate::logging;
use crate::places::Env;

/// Does what the words say.
///
/// # Errors
/// Whatever keeps it from being done; [`crate::exit::of_error`] knows the exit code.
pub fn run(cli: Cli) -> anyhow::Result<Ending> {
    let env = Env::process();
    match cli.command {
        Command::Serve(args) => {
            let settings = Settings::load(cli.data.as_deref(), &args, env)?;
            logging::start(env)?;
            Builder::new_multi_thread().enable_all().build()?.block_on(serve::run(settings))
        }
        Command::Demo(args) => {
            logging::quietly(env)?;
            Builder::new_multi_thread().enable_all().build()?.block_on(demo::run(&args))
        }
        Command::Check(args) => check::run(&args, env),
        Command::Completions { shell } => completions::run(shell),
        // A client waits most of the time: one thread is enough, and starts sooner.
        command => {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let ended = runtime.block_on(ask(command, cli.data.as_deref(), env));
            // Standard input may be in the middle of being read: nobody waits for it.
            runtime.shutdown_background();
            ended
        }
    }
}

async fn ask(command: Command, data: Option<&Path>, env: Env<'_>) -> anyhow::Result<Ending> {
    if let Command::Login(args) = command {
        return login::run(&args, env).await;
    }
    if let Command::Doctor(args) = command {
        return doctor::run(data, args, env).await;
    }
    let client = Client::new(Place::find(data, env)?)?;
    match command {
        Command::Apply(args) => apply::run(&client, &args, env).await,
        Command::Export => export::run(&client).await,
        Command::Release(args) => release::run(&client, args).await,
        Command::Rollback(args) => rollback::run(&client, args).await,
        Command::Watch(args) => watch::run(&client, &args).await,
        Command::Logs(args) => logs::run(&client, &args).await,
        Command::Cancel(args) => steer::cancel(&client, &args).await,
        Command::Pause(args) => steer::pause(&client, &args).await,
        Command::Resume(args) => steer::resume(&client, &args).await,
        Command::Promote(args) => steer::promote(&client, &args).await,
        Command::Retry(args) => steer::retry(&client, &args).await,
        Command::Skip(args) => steer::skip(&client, &args).await,
        Command::CatchUp(args) => catch_up::run(&client, args).await,
        Command::Drift(args) => drift::run(&client, &args).await,
        Command::Adopt(args) => adopt::run(&client, &args).await,
        Command::Lock(args) => lock::lock(&client, &args).await,
        Command::Unlock(place) => lock::unlock(&client, &place).await,
        Command::Releases(args) => releases::run(&client, &args).await,
        Command::Status(args) => status::run(&client, args).await,
        Command::Servers(verb) => servers::run(&client, verb, env).await,
        Command::Shell(args) => shell::run(&client, &args).await,
        Command::Recordings(args) => recordings::run(&client, &args).await,
        Command::Groups(verb) => groups::run(&client, verb).await,
        Command::Credentials(verb) => credentials::run(&client, verb, env).await,
        Command::Projects(verb) => projects::run(&client, verb).await,
        Command::Hooks(verb) => hooks::run(&client, verb).await,
        Command::Variables(verb) => variables::run(&client, verb).await,
        Command::Secrets(verb) => secrets::run(&client, verb, env).await,
        Command::MasterKey(verb) => master_key::run(&client, verb).await,
        Command::Artifacts(verb) => artifacts::run(&client, verb).await,
        Command::Run(args) => run::run(&client, args).await,
        Command::Put(args) => put::run(&client, args).await,
        Command::Get(args) => get::run(&client, args).await,
        Command::Shared(verb) => shared::run(&client, verb).await,
        Command::Git(args) => git::run(&client, &args).await,
        Command::Users(verb) => users::run(&client, verb).await,
        Command::Tokens(verb) => tokens::run(&client, verb).await,
        Command::Audit(args) => audit::run(&client, &args).await,
        Command::Serve(_)
        | Command::Demo(_)
        | Command::Login(_)
        | Command::Doctor(_)
        | Command::Check(_)
        | Command::Completions { .. } => Ok(Ending::Usage),
    }
}

/// The number of the release that is meant.
async fn number(client: &Client, which: &WhichArgs) -> anyhow::Result<ReleaseId> {
    let (project, environment) = match which.which()? {
        Which::Number(id) => return Ok(id),
        Which::Latest(project, environment) => (project, environment),
    };
    let ask =
        Ask::at(&["releases"]).with("project", &project).with("environment", &environment).with("limit", 1);
    let page: api::Page<Release> = client.get(&ask).await?;
    let none = || {
        Advised::new(
            format!("there is no release of {project} {environment} yet"),
            format!("make one: aweigh release {project} -e {environment} REF"),
        )
    };
    Ok(page.items.first().ok_or_else(none)?.id)
}
