//! HTTP: the routes, who calls them, and their limits.
//!
//! This file is the contents page. A request passes, from the outside in: `guard` (a panic becomes an answer,
//! security headers, no cross-site requests), `auth` (who is it), `guard` again (a time limit, except where waiting
//! is the point), the policy table (the action beside each route below), then one route, which reads its input,
//! asks one action and shows the answer.
//!
//! In reading order: [`state`], [`site`], [`auth`], `guard`, `input`, `body` and `incoming` (reading), `outgoing` (answers
//! that come line by line), [`error`] (refusing), `define` and `crud` (everything that can be defined goes through one
//! door), `push` (how viewers are told), `shell` (a terminal over a WebSocket), `routes`, `openapi`, [`repository_file`],
//! [`serve`].

pub mod auth;
mod body;
mod crud;
mod define;
pub mod error;
mod guard;
mod incoming;
mod input;
mod openapi;
mod outgoing;
mod push;
pub mod repository_file;
mod routes;
pub mod serve;
mod shell;
pub mod site;
pub mod state;
mod thing;

use actions::Action::{
    AcceptDrift, Adopt, Apply, Cancel, ChangeHooks, ChangeProjects, ChangeSecrets, ChangeServers, Chat,
    CheckServer, FetchRepository, GetFiles, Lock, ManageUsers, OwnAccount, Pause, Promote, PushArtifact,
    PutFiles, Release, ReplaceMasterKey, Resume, Retry, RunCommand, SeeAudit, SeeDefinitions, SeeMachine,
    SeeRecordings, SeeReleases, SeeRepository, Shell, Skip, TrustGitHost, TrustServer, TryHook,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, delete, get, patch, post, put};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

pub use auth::Peer;
pub use repository_file::read as read_repository_file;
pub use routes::doctor::report as doctor_report;
pub use serve::{Socket, serve};
pub use site::Site;
pub use state::AppState;

use auth::allow;
use routes::{
    adhoc, adopt, apply, archive, artifacts, audit, board, chat, checks, credentials, doctor, drift,
    environments, events, git, groups, hooks, locks, master_key, page, projects, recordings, releases,
    servers, session, shared, steer, tokens, transfers, users, variables,
};

/// The largest body, in bytes.
const BODY: usize = 1024 * 1024;

/// The largest fleet, in bytes.
const FLEET: usize = 4 * 1024 * 1024;

/// The largest command with what it reads: in JSON a character may take six bytes.
const COMMAND: usize = 8 * 1024 * 1024;

/// Everything that is answered.
pub fn router(state: AppState) -> Router {
    let api = quick()
        .merge(slow())
        .layer(from_fn_with_state(state.clone(), auth::sign_in))
        .merge(doors())
        .route("/openapi.json", get(openapi::show))
        .fallback(page::nothing_here)
        .method_not_allowed_fallback(page::no_such_method);
    Router::new()
        .route("/health", get(page::health))
        .route("/assets/{*path}", get(page::asset))
        .nest("/api/v1", api)
        .route("/api", any(page::nothing_here))
        .route("/api/{*path}", any(page::nothing_here))
        .fallback(page::page)
        .method_not_allowed_fallback(page::no_such_method)
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(state.clone(), guard::headers))
                .layer(CatchPanicLayer::custom(guard::panicked))
                .layer(from_fn(guard::same_site))
                .layer(DefaultBodyLimit::max(BODY)),
        )
        .with_state(state)
}

/// What somebody unknown may ask for: to be let in.
fn doors() -> Router<AppState> {
    Router::new()
        .route("/session", post(session::create))
        .route("/setup", post(session::set_up))
        .layer(from_fn(guard::to_its_end))
        .layer(from_fn(guard::time_limit))
}

/// What is answered at once.
fn quick() -> Router<AppState> {
    let servers = Router::new()
        .route(
            "/servers",
            allow(SeeDefinitions, get(servers::list)).merge(allow(ChangeServers, post(servers::create))),
        )
        .route(
            "/servers/{server}",
            allow(SeeDefinitions, get(servers::show))
                .merge(allow(ChangeServers, put(servers::replace)))
                .merge(allow(ChangeServers, patch(servers::change)))
                .merge(allow(ChangeServers, delete(servers::remove))),
        )
        .route("/servers/{server}/variables", allow(SeeDefinitions, get(variables::of_server)))
        .route(
            "/servers/{server}/secrets/{secret}",
            allow(ChangeSecrets, put(variables::put_of_server))
                .merge(allow(ChangeSecrets, delete(variables::forget_of_server))),
        );
    let groups = Router::new()
        .route(
            "/groups",
            allow(SeeDefinitions, get(groups::list)).merge(allow(ChangeServers, post(groups::create))),
        )
        .route(
            "/groups/{group}",
            allow(SeeDefinitions, get(groups::show))
                .merge(allow(ChangeServers, put(groups::replace)))
                .merge(allow(ChangeServers, delete(groups::remove))),
        );
    let credentials = Router::new()
        .route(
            "/credentials",
            allow(SeeDefinitions, get(credentials::list))
                .merge(allow(ChangeServers, post(credentials::create))),
        )
        .route(
            "/credentials/{credential}",
            allow(SeeDefinitions, get(credentials::show))
                .merge(allow(ChangeServers, put(credentials::replace)))
                .merge(allow(ChangeServers, patch(credentials::change)))
                .merge(allow(ChangeServers, delete(credentials::remove))),
        )
        .route("/credentials/{credential}/generate", allow(ChangeServers, post(credentials::generate)));
    let hooks = Router::new()
        .route(
            "/hooks",
            allow(SeeDefinitions, get(hooks::list)).merge(allow(ChangeHooks, post(hooks::create))),
        )
        .route(
            "/hooks/{hook}",
            allow(SeeDefinitions, get(hooks::show))
                .merge(allow(ChangeHooks, put(hooks::replace)))
                .merge(allow(ChangeHooks, patch(hooks::change)))
                .merge(allow(ChangeHooks, delete(hooks::remove))),
        )
        .route("/hooks/{hook}/versions", allow(SeeDefinitions, get(hooks::versions)));
    let projects = Router::new()
        .route(
            "/projects",
            allow(SeeDefinitions, get(projects::list)).merge(allow(ChangeProjects, post(projects::create))),
        )
        .route(
            "/projects/{project}",
            allow(SeeDefinitions, get(projects::show))
                .merge(allow(ChangeProjects, put(projects::replace)))
                .merge(allow(ChangeProjects, patch(projects::change)))
                .merge(allow(ChangeProjects, delete(projects::remove))),
        )
        .route(
            "/projects/{project}/environments",
            allow(SeeDefinitions, get(environments::list))
                .merge(allow(ChangeProjects, post(environments::create))),
        )
        .route("/projects/{project}/variables", allow(SeeDefinitions, get(variables::of_project)))
        .route(
            "/projects/{project}/secrets/{secret}",
            allow(ChangeSecrets, put(variables::put_of_project))
                .merge(allow(ChangeSecrets, delete(variables::forget_of_project))),
        )
        .route(
            "/projects/{project}/environments/{environment}/variables",
            allow(SeeDefinitions, get(variables::of_environment)),
        )
        .route(
            "/projects/{project}/environments/{environment}/secrets/{secret}",
            allow(ChangeSecrets, put(variables::put_of_environment))
                .merge(allow(ChangeSecrets, delete(variables::forget_of_environment))),
        )
        .route(
            "/projects/{project}/environments/{environment}/lock",
            allow(Lock, put(locks::lock)).merge(allow(Lock, delete(locks::unlock))),
        )
        .route(
            "/projects/{project}/environments/{environment}",
            allow(SeeDefinitions, get(environments::show))
                .merge(allow(ChangeProjects, put(environments::replace)))
                .merge(allow(ChangeProjects, patch(environments::change)))
                .merge(allow(ChangeProjects, delete(environments::remove))),
        );
    let people = Router::new()
        .route(
            "/session",
            allow(OwnAccount, get(session::show)).merge(allow(OwnAccount, delete(session::remove))),
        )
        .route("/sessions", allow(OwnAccount, get(session::list)))
        .route("/sessions/{session}", allow(OwnAccount, delete(session::end)))
        .route("/account/password", allow(OwnAccount, put(session::change_password)))
        .route("/users", allow(ManageUsers, get(users::list)).merge(allow(ManageUsers, post(users::create))))
        .route("/users/{user}", allow(ManageUsers, delete(users::remove)))
        .route("/users/{user}/setup", allow(ManageUsers, post(users::set_up)))
        .route("/tokens", allow(OwnAccount, get(tokens::list)).merge(allow(OwnAccount, post(tokens::create))))
        .route("/tokens/{token}", allow(OwnAccount, delete(tokens::remove)))
        .route("/audit", allow(SeeAudit, get(audit::list)));
    Router::new()
        .merge(servers)
        .merge(groups)
        .merge(credentials)
        .merge(hooks)
        .merge(projects)
        .merge(people)
        .route("/apply", allow(Apply, post(apply::apply)).layer(DefaultBodyLimit::max(FLEET)))
        .route("/master-key", allow(ReplaceMasterKey, get(master_key::show)))
        .route("/master-key/rotate", allow(ReplaceMasterKey, post(master_key::rotate)))
        .route("/export", allow(SeeDefinitions, get(apply::export)))
        .route("/releases", allow(SeeReleases, get(releases::list)))
        .route("/releases/{release}", allow(SeeReleases, get(releases::show)))
        .route("/releases/{release}/progress", allow(SeeReleases, get(releases::progress)))
        .route("/releases/{release}/log", allow(SeeReleases, get(releases::log)))
        .route("/releases/{release}/cancel", allow(Cancel, post(steer::cancel)))
        .route("/releases/{release}/pause", allow(Pause, post(steer::pause)))
        .route("/releases/{release}/resume", allow(Resume, post(steer::resume)))
        .route("/releases/{release}/promote", allow(Promote, post(steer::promote)))
        .route("/releases/{release}/retry", allow(Retry, post(steer::retry)))
        .route("/releases/{release}/skip", allow(Skip, post(steer::skip)))
        .route("/releases/{release}/chat", allow(Chat, post(chat::to_release)))
        .route("/projects/{project}/chat", allow(Chat, post(chat::to_project)))
        .route("/recordings", allow(SeeRecordings, get(recordings::list)))
        .route("/recordings/{recording}", allow(SeeRecordings, get(recordings::show)))
        .route("/chat", allow(SeeReleases, get(chat::list)))
        .route("/board", allow(SeeReleases, get(board::show)))
        .layer(from_fn(guard::to_its_end))
        .layer(from_fn(guard::time_limit))
}

/// What waits for a repository, a server or a fact. Each of them has a limit of its own behind the action.
fn slow() -> Router<AppState> {
    Router::new()
        .route("/events", allow(SeeReleases, get(events::events)))
        .route("/push", allow(SeeReleases, get(routes::push::open)))
        .route("/servers/{server}/shell", allow(Shell, get(routes::shell::open)))
        .route("/releases", allow(Release, post(releases::create)))
        .route(
            "/projects/{project}/artifacts",
            allow(SeeReleases, get(artifacts::list))
                .merge(allow(PushArtifact, post(artifacts::push)).layer(DefaultBodyLimit::disable())),
        )
        .route("/credentials/{credential}/rotate", allow(ChangeServers, post(credentials::rotate)))
        .route("/doctor", allow(SeeMachine, get(doctor::show)))
        .route("/servers/{server}/check", allow(CheckServer, post(checks::check)))
        .route("/servers/{server}/facts", allow(CheckServer, post(checks::facts)))
        .route("/run", allow(RunCommand, post(adhoc::run)).layer(DefaultBodyLimit::max(COMMAND)))
        .route("/put", allow(PutFiles, post(transfers::put)).layer(DefaultBodyLimit::disable()))
        .route("/get", allow(GetFiles, post(transfers::get)))
        .route(
            "/downloads/{download}",
            allow(GetFiles, get(transfers::download)).merge(allow(GetFiles, delete(transfers::forget))),
        )
        .route("/servers/{server}/trust", allow(TrustServer, post(servers::trust)))
        .route("/projects/{project}/environments/{environment}/shared", allow(GetFiles, get(shared::list)))
        .route(
            "/projects/{project}/environments/{environment}/shared/put",
            allow(PutFiles, post(shared::put)).layer(DefaultBodyLimit::disable()),
        )
        .route(
            "/projects/{project}/environments/{environment}/shared/get",
            allow(GetFiles, post(shared::get)),
        )
        .route("/projects/{project}/environments/{environment}/drift", allow(SeeReleases, get(drift::show)))
        .route(
            "/projects/{project}/environments/{environment}/drift/accept",
            allow(AcceptDrift, post(drift::accept)),
        )
        .route("/projects/{project}/environments/{environment}/adopt", allow(Adopt, post(adopt::adopt)))
        .route("/projects/{project}/changes", allow(SeeRepository, get(git::changes)))
        .route("/projects/{project}/diff", allow(SeeRepository, get(git::diff)))
        .route("/projects/{project}/archive", allow(SeeRepository, get(archive::archive)))
        .route("/projects/{project}/trust", allow(TrustGitHost, post(git::trust)))
        .route("/projects/{project}/refs", allow(SeeRepository, get(git::refs)))
        .route("/projects/{project}/fetch", allow(FetchRepository, post(git::fetch)))
        .layer(from_fn(guard::to_its_end))
        // Whoever tries a hook and goes away does not want it to run on.
        .route("/hooks/{hook}/try", allow(TryHook, post(hooks::try_it)))
}
