//! Routes of repositories.

use actions::{Actor, RefEntry, RefQuery};
use api::{Changes, FieldError, Page, Ref, RefKind};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use model::Name;

use crate::AppState;
use crate::error::Refusal;
use crate::input::{Parameters, Place};

/// How many entries are shown when nothing is said, and at most.
const USUAL: u64 = 50;
const MOST: u64 = 1000;

/// The newest branches, tags or commits of the mirror.
#[utoipa::path(get, path = "/api/v1/projects/{project}/refs", tag = "projects", params(
    ("project" = String, Path),
    ("kind" = Option<RefKind>, Query, description = "`branch` when nothing is said"),
    ("of" = Option<String>, Query, description = "For commits: of this ref instead of the default branch"),
    ("limit" = Option<u64>, Query, description = "50 when nothing is said, at most 1000"),
), responses((status = 200, body = Page<Ref>)))]
pub(crate) async fn refs(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    parameters: Parameters,
) -> Result<Json<Page<Ref>>, Refusal> {
    let project = place.name("project")?;
    let (kind, query) = match parameters.text("kind") {
        None | Some("branch") => (RefKind::Branch, RefQuery::Branches),
        Some("tag") => (RefKind::Tag, RefQuery::Tags),
        Some("commit") => (RefKind::Commit, RefQuery::Commits(parameters.text("of").map(str::to_owned))),
        Some(_) => return Err(FieldError::new("kind", "must be branch, tag or commit").into()),
    };
    let limit = usize::try_from(parameters.limit(USUAL, MOST)?).unwrap_or(usize::MAX);
    let entries = state.actions.refs(&actor, &project, &query, limit).await?;
    Ok(Json(Page::all(entries.into_iter().map(|entry| shown(kind, entry)).collect())))
}

fn shown(kind: RefKind, entry: RefEntry) -> Ref {
    Ref {
        kind,
        name: entry.name,
        short: entry.commit.short().to_owned(),
        commit: entry.commit.to_string(),
        author: entry.author,
        at: api::refs::at(entry.at),
        summary: entry.summary,
    }
}

/// What a release of a ref to an environment would bring and take away, as far as the mirror knows.
#[utoipa::path(get, path = "/api/v1/projects/{project}/changes", tag = "projects", params(
    ("project" = String, Path),
    ("environment" = String, Query, description = "Compared with what is live there"),
    ("ref" = String, Query, description = "A branch, a tag or a commit"),
    ("from" = Option<String>, Query, description = "Compared with this branch, tag or commit instead"),
), responses((status = 200, body = Changes)))]
pub(crate) async fn changes(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    parameters: Parameters,
) -> Result<Json<Changes>, Refusal> {
    let environment: Option<Name> = parameters.value("environment", "a name")?;
    let environment = environment.ok_or_else(|| FieldError::new("environment", "is missing"))?;
    let git_ref = parameters.text("ref").ok_or_else(|| FieldError::new("ref", "is missing"))?;
    let (project, from) = (place.name("project")?, parameters.text("from"));
    let changes = state.actions.changes(&actor, &project, &environment, git_ref, from).await?;
    let most = actions::git::MOST_CHANGES;
    let more = changes.commits.len() >= most || changes.undone.len() >= most;
    let list = |entries: Vec<RefEntry>| entries.into_iter().map(|one| shown(RefKind::Commit, one)).collect();
    Ok(Json(Changes {
        from: changes.from.map(|commit| commit.to_string()),
        to: changes.to.to_string(),
        commits: list(changes.commits),
        undone: list(changes.undone),
        more,
    }))
}

/// Brings the mirror up to date.
#[utoipa::path(post, path = "/api/v1/projects/{project}/fetch", tag = "projects", params(("project" = String, Path)), responses((status = 204)))]
pub(crate) async fn fetch(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<StatusCode, Refusal> {
    state.actions.fetch(&actor, &place.name("project")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
