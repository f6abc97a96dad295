//! The route of the doctor.

use actions::{Actor, Examined, Health};
use api::{DoctorFinding, DoctorReport, DoctorState, SandboxState};
use axum::extract::State;
use axum::{Extension, Json};

use crate::AppState;
use crate::error::Refusal;

/// Looks at the machine of Aweigh: the sandbox of builds, settings, folders, programs and limits.
#[utoipa::path(get, path = "/api/v1/doctor", tag = "doctor", responses((status = 200, body = DoctorReport)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<DoctorReport>, Refusal> {
    Ok(Json(report(state.actions.examine(&actor).await?)))
}

/// What crosses the wire of what was found. The command line says the same of a machine without a server.
pub fn report(examined: Examined) -> DoctorReport {
    let state = |health| match health {
        Health::Ok => DoctorState::Ok,
        Health::Warning => DoctorState::Warning,
        Health::Failed => DoctorState::Failed,
    };
    let sandbox = examined.sandbox;
    let findings = examined.findings.into_iter().map(|finding| DoctorFinding {
        what: finding.what.to_owned(),
        state: state(finding.health),
        detail: finding.detail,
        hint: finding.hint,
    });
    DoctorReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sandbox: SandboxState {
            level: sandbox.level,
            min: sandbox.least,
            text: sandbox.words,
            missing: sandbox.missing,
        },
        findings: findings.collect(),
    }
}
