//! Routes of repositories.

use actions::{Actor, RefEntry, RefQuery};
use api::{Changes, Diff, FieldError, FileChange, FileDiff, Page, Ref, RefKind, TrustAnswer, TrustRequest};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use model::Name;

use crate::AppState;
use crate::body::Json as Input;
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
    ("since" = Option<String>, Query, description = "For commits: without those that this ref has in its history; needs `of`"),
    ("limit" = Option<u64>, Query, description = "50 when nothing is said; 1 to 1000"),
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
    let entries = match (parameters.text("since"), &query) {
        (None, _) => state.actions.refs(&actor, &project, &query, limit).await?,
        (Some(since), RefQuery::Commits(Some(of))) => {
            state.actions.commits_since(&actor, &project, of, since, limit).await?
        }
        (Some(_), RefQuery::Commits(None)) => return Err(FieldError::new("since", "needs of").into()),
        (Some(_), _) => return Err(FieldError::new("since", "needs kind=commit").into()),
    };
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

/// The files that differ between two branches, tags or commits.
#[utoipa::path(get, path = "/api/v1/projects/{project}/diff", tag = "projects", params(
    ("project" = String, Path),
    ("from" = String, Query, description = "The branch, tag or commit before"),
    ("to" = String, Query, description = "The branch, tag or commit after"),
    ("patch" = Option<String>, Query, description = "`1`: with the patch, at most 1 MiB of it"),
    ("limit" = Option<u64>, Query, description = "At most so many files, 1 to 1000; 1000 when nothing is said"),
), responses((status = 200, body = Diff)))]
pub(crate) async fn diff(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    parameters: Parameters,
) -> Result<Json<Diff>, Refusal> {
    let project = place.name("project")?;
    let given = |key: &'static str| parameters.text(key).ok_or_else(|| FieldError::new(key, "is missing"));
    let (from, to) = (given("from")?, given("to")?);
    let most = parameters.limit(MOST, MOST)?;
    let most = usize::try_from(most).unwrap_or(actions::git::MOST_FILES);
    let with_patch = parameters.flag("patch")?;
    let diff = state.actions.diff(&actor, &project, (from, to), most, with_patch).await?;
    let (patch, patch_more) = diff.patch.map_or((None, false), |(text, more)| (Some(text), more));
    Ok(Json(Diff {
        from: diff.from.to_string(),
        to: diff.to.to_string(),
        files: diff.files.files.into_iter().map(file).collect(),
        more: diff.files.more,
        patch,
        patch_more,
    }))
}

fn file(file: actions::FileDiff) -> FileDiff {
    let change = match file.change {
        actions::FileChange::Added => FileChange::Added,
        actions::FileChange::Deleted => FileChange::Deleted,
        actions::FileChange::Modified => FileChange::Modified,
        actions::FileChange::Renamed => FileChange::Renamed,
        actions::FileChange::Retyped => FileChange::Retyped,
    };
    let (added, deleted) = file.lines.map_or((None, None), |(added, deleted)| (Some(added), Some(deleted)));
    FileDiff { change, path: file.path, before: file.before, added, deleted }
}

/// Without a fingerprint: the SSH host keys that the host of the repository presents. With one: pins the key that has it,
/// for every project with a repository on that host.
#[utoipa::path(post, path = "/api/v1/projects/{project}/trust", tag = "projects", params(("project" = String, Path)), request_body = TrustRequest, responses((status = 200, body = TrustAnswer)))]
pub(crate) async fn trust(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    body: Input,
) -> Result<Json<TrustAnswer>, Refusal> {
    let TrustRequest { fingerprint } = body.read_or_default()?;
    let trust = state.actions.trust_git_host(&actor, &place.name("project")?, fingerprint.as_deref()).await?;
    Ok(Json(super::servers::trusted(trust)))
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
