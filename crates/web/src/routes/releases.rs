//! Routes of releases: ask for one, look at them.

use actions::{Actor, Back, Others, Request, Topic, Wanted};
use api::request::ReleasePlan;
use api::{FieldError, FieldErrors, Node, Page, Progress, Release, ReleaseRequest, RollbackTo, Snapshot};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use futures::stream;
use model::{Name, ReleaseId, Selector};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::{Parameters, Place, idempotency_key};
use crate::push::gauge::figures;

/// Makes a release or a rollback. The ref is resolved first; an unknown one makes no release.
#[utoipa::path(post, path = "/api/v1/releases", tag = "releases", params(
    ("plan" = Option<String>, Query, description = "`1`: only tell what would be done (200, a `ReleasePlan`)"),
    ("Idempotency-Key" = Option<String>, Header, description = "A repeated request with the same key answers the first one's release"),
), request_body = ReleaseRequest, responses((status = 201, body = Release), (status = 200, body = ReleasePlan)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
    headers: HeaderMap,
    body: Input,
) -> Result<Response, Refusal> {
    let request = wanted(body.read()?)?;
    if parameters.flag("plan")? {
        let plan = state.actions.preview(&actor, &request).await?;
        return Ok(Json(ReleasePlan {
            git_ref: plan.git_ref,
            commit: plan.commit.to_string(),
            servers: plan.servers.iter().map(|server| server.name.to_string()).collect(),
            nodes: plan.steps.into_iter().map(model::Node::from).map(Node::from).collect(),
        })
        .into_response());
    }
    let key = idempotency_key(&headers);
    let release = state.actions.request(&actor, request, key).await?;
    let location = [(LOCATION, format!("/api/v1/releases/{}", release.id))];
    Ok((StatusCode::CREATED, location, Json(Release::from(release))).into_response())
}

/// The request in the terms of actions.
fn wanted(request: ReleaseRequest) -> Result<Request, Refusal> {
    let mut errors = FieldErrors::default();
    let name = |errors: &mut FieldErrors, key: &str, text: &str| -> Option<Name> {
        errors.add_if(text.is_empty(), key, "is missing");
        if text.is_empty() { None } else { errors.take(key, text.parse()) }
    };
    let project = name(&mut errors, "project", &request.project);
    let environment = name(&mut errors, "environment", &request.environment);
    let servers = request.servers.as_deref().map(str::parse::<Selector>).transpose();
    let servers = errors.take("servers", servers);
    let said = [
        ("ref", request.git_ref.is_some()),
        ("rollback_to", request.rollback_to.is_some()),
        ("catch_up", request.catch_up),
        ("from", request.from.is_some()),
        ("artifact", request.artifact.is_some()),
    ];
    let mut said = said.into_iter().filter(|(_, is_said)| *is_said).map(|(key, _)| key);
    if let (Some(first), Some(second)) = (said.next(), said.next()) {
        errors.add(second, format_args!("cannot stand beside {first}"));
    }
    let wanted = match (request.git_ref, request.rollback_to, request.from) {
        (Some(git_ref), ..) if git_ref.is_empty() => errors.take("ref", Err("is empty")),
        (Some(git_ref), ..) => Some(Wanted::Ref(git_ref)),
        (_, Some(RollbackTo::Previous), _) => Some(Wanted::Back(Back::Previous)),
        (_, Some(RollbackTo::Release(id)), _) => Some(Wanted::Back(Back::Release(ReleaseId(id)))),
        (_, _, Some(other)) => name(&mut errors, "from", &other).map(Wanted::From),
        _ if request.catch_up => Some(Wanted::CatchUp),
        _ => match request.artifact {
            Some(hash) => Some(Wanted::Artifact(hash)),
            None => errors.take("ref", Err("is missing: write ref, rollback_to, catch_up, from or artifact")),
        },
    };
    let parts = project.zip(environment).zip(servers.zip(wanted));
    let others = match (request.now, request.supersede, request.queue) {
        (true, false, false) => Others::End,
        (true, ..) => {
            errors.take("now", Err("does not wait: leave queue and supersede out")).unwrap_or_default()
        }
        (false, true, _) => Others::Supersede,
        (false, false, true) => Others::Queue,
        (false, false, false) => Others::Refuse,
    };
    errors.add_if(
        request.catch_up && others != Others::Refuse,
        "catch_up",
        "cannot wait: what is live may be another release then",
    );
    let note = request.note;
    Ok(errors.finish(parts.map(|((project, environment), (servers, wanted))| Request {
        project,
        environment,
        wanted,
        servers,
        note,
        others,
    }))?)
}

/// Releases, newest first.
#[utoipa::path(get, path = "/api/v1/releases", tag = "releases", params(
    ("project" = Option<String>, Query, description = "Only of this project"),
    ("environment" = Option<String>, Query, description = "Only of environments with this name"),
    ("before" = Option<u64>, Query, description = "Only older than this one; `next` of the page before"),
    ("limit" = Option<u64>, Query, description = "20 when nothing is said; 1 to 200"),
), responses((status = 200, body = Page<Release>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
) -> Result<Json<Page<Release>>, Refusal> {
    let project: Option<Name> = parameters.value("project", "a name")?;
    let environment: Option<Name> = parameters.value("environment", "a name")?;
    let before = parameters.number("before")?;
    let before = before.map(|id| ReleaseId(i64::try_from(id).unwrap_or(i64::MAX)));
    let limit = parameters.limit(20, actions::releases::MOST)?;
    let page = state.actions.releases(&actor, project, environment, before, limit).await?;
    let items = page.items.into_iter().map(Into::into).collect();
    Ok(Json(Page { items, next: page.next.map(|id| id.0) }))
}

/// A release and its tree at one moment.
#[utoipa::path(get, path = "/api/v1/releases/{release}", tag = "releases", params(("release" = i64, Path)), responses((status = 200, body = Snapshot)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Snapshot>, Refusal> {
    let snapshot = state.actions.snapshot(&actor, place.release()?).await?;
    let id = snapshot.release.id;
    Ok(Json(Snapshot {
        watching: state.reader.presence.names(&Topic::Release(id)),
        progress: state.actions.progress(&actor, id)?.map(figures),
        release: snapshot.release.into(),
        nodes: snapshot.nodes.into_iter().map(Node::from).collect(),
        stream: snapshot.stream,
        seq: snapshot.seq,
    }))
}

/// How far the uploads of a release are; zeros when none is under way.
#[utoipa::path(get, path = "/api/v1/releases/{release}/progress", tag = "releases", params(("release" = i64, Path)), responses((status = 200, body = Progress)))]
pub(crate) async fn progress(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
) -> Result<Json<Progress>, Refusal> {
    let progress = state.actions.progress(&actor, place.release()?)?;
    Ok(Json(progress.map(figures).unwrap_or_default()))
}

/// The log of a release, or of one of its nodes.
#[utoipa::path(get, path = "/api/v1/releases/{release}/log", tag = "releases", params(
    ("release" = i64, Path),
    ("node" = Option<String>, Query, description = "Only of this node"),
    ("from" = Option<u64>, Query, description = "First byte"),
    ("to" = Option<u64>, Query, description = "The byte after the last"),
    ("tail" = Option<u64>, Query, description = "Only the last so many bytes of the node, and what splits no character; the header `Aweigh-Log-Bytes` tells how long it is"),
), responses((status = 200, body = String, content_type = "text/plain; charset=utf-8")))]
pub(crate) async fn log(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let id = place.release()?;
    let mut from = parameters.number("from")?.unwrap_or(0);
    let mut to = parameters.number("to")?;
    let mut bytes = None;
    if let Some(node) = parameters.text("node") {
        let now = state.actions.log_bytes(&actor, id, node).await?;
        if let Some(tail) = parameters.number("tail")? {
            (from, to) = (now.saturating_sub(tail), Some(now));
        }
        bytes = Some(now);
    } else if parameters.text("tail").is_some() {
        return Err(FieldError::new("tail", "needs the node").into());
    }
    let reader = state.actions.log(&actor, id, parameters.text("node"), from, to).await?;
    let text = stream::unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        match reader.next().await {
            Ok(slice) => slice.map(|slice| (Ok(slice.text), Some(reader))),
            // The status is out already; cutting the body short is what is left to say.
            Err(error) => Some((Err(error), None)),
        }
    });
    let name = format!("attachment; filename=\"release-{id}.log\"");
    let head = [(CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    let bytes = bytes.map(|bytes| (HeaderName::from_static("aweigh-log-bytes"), bytes.to_string()));
    Ok((head, AppendHeaders(bytes), Body::from_stream(text)).into_response())
}
