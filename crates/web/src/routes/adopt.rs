//! The route of adoption.

use actions::{Actor, AdoptOne, LeftOut, ServerFound};
use api::{
    AdoptFolder, AdoptLeftOut, AdoptPlace, AdoptRelease, AdoptReport, AdoptRequest, AdoptServer, FieldErrors,
};
use axum::extract::State;
use axum::{Extension, Json};
use model::{Name, ReleaseName};

use crate::AppState;
use crate::body::Json as Input;
use crate::error::Refusal;
use crate::input::{Parameters, Place};

/// Takes over what another tool brought to the servers of an environment; with `plan=1` only tells what would be done.
#[utoipa::path(post, path = "/api/v1/projects/{project}/environments/{environment}/adopt", tag = "environments", params(("project" = String, Path), ("environment" = String, Path), ("plan" = Option<bool>, Query, description = "only tell what would be done")), request_body = AdoptRequest, responses((status = 200, body = AdoptReport)))]
pub(crate) async fn adopt(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    place: Place,
    parameters: Parameters,
    body: Input,
) -> Result<Json<AdoptReport>, Refusal> {
    let request: AdoptRequest = body.read_or_default()?;
    let mut errors = FieldErrors::default();
    let servers = errors.take("servers", request.servers.as_deref().map(str::parse).transpose());
    let link = errors.take("link", request.link.as_deref().map(str::parse).transpose());
    let (servers, link) = errors.finish(servers.zip(link))?;
    let (project, environment) = (place.name("project")?, place.name("environment")?);
    let request = actions::AdoptRequest { project, environment, servers, link };
    let report = if parameters.flag("plan")? {
        state.actions.preview_adoption(&actor, &request).await?
    } else {
        state.actions.adopt(&actor, &request).await?
    };
    Ok(Json(shown(report)))
}

fn shown(report: actions::AdoptReport) -> AdoptReport {
    let hint = report.refusal.as_ref().and_then(actions::Error::hint);
    AdoptReport {
        servers: report.servers.into_iter().map(server).collect(),
        releases: report.releases.into_iter().map(release).collect(),
        sealed: report.sealed.iter().map(place).collect(),
        behind: report.behind.iter().map(ToString::to_string).collect(),
        left_out: report.left_out.into_iter().map(left_out).collect(),
        refusal: report.refusal.map(|error| error.to_string()),
        hint,
    }
}

fn server(server: ServerFound) -> AdoptServer {
    let name = server.name.to_string();
    let found = match server.found {
        Ok(found) => found,
        Err(failure) => {
            let reason = Some(failure.message);
            return AdoptServer {
                server: name,
                tool: None,
                runs: None,
                link: None,
                folders: Vec::new(),
                reason,
            };
        }
    };
    let folder = |folder: actions::Folder| AdoptFolder {
        folder: folder.name.to_string(),
        commit: folder.commit.map(|commit| commit.to_string()),
    };
    AdoptServer {
        server: name,
        tool: found.tool.map(|tool| tool.word().to_owned()),
        runs: Some(found.runs.name.to_string()),
        link: Some(found.runs.text),
        folders: found.folders.into_iter().map(folder).collect(),
        reason: None,
    }
}

fn release(one: AdoptOne) -> AdoptRelease {
    let release = one.release;
    let elsewhere = release
        .elsewhere
        .iter()
        .map(|(server, folder)| AdoptPlace { server: server.to_string(), folder: folder.to_string() });
    AdoptRelease {
        id: one.id.map(|id| id.0),
        folder: release.name.to_string(),
        elsewhere: elsewhere.collect(),
        commit: release.commit.known().map(ToString::to_string),
        made_at: release.made_at(),
        tool: release.tool.word().to_owned(),
        live: one.is_live,
    }
}

fn place((server, folder): &(Name, ReleaseName)) -> AdoptPlace {
    AdoptPlace { server: server.to_string(), folder: folder.to_string() }
}

fn left_out(left: LeftOut) -> AdoptLeftOut {
    AdoptLeftOut { server: left.server.to_string(), folder: left.folder, reason: left.why }
}
