//! Schemas of the words that `model` owns, for the OpenAPI document.

use model::{Kind, ServerState, Status, StepKind, StepStatus};
use serde::Serialize;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

fn one_of(words: impl IntoIterator<Item = impl Serialize>) -> Object {
    let words = words.into_iter().filter_map(|word| serde_json::to_value(word).ok());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

pub(crate) fn status() -> Object {
    one_of(Status::ALL)
}

pub(crate) fn kind() -> Object {
    one_of(Kind::ALL)
}

pub(crate) fn step_status() -> Object {
    one_of(StepStatus::ALL)
}

pub(crate) fn step_kind() -> Object {
    one_of([
        StepKind::Start,
        StepKind::Fetch,
        StepKind::Build,
        StepKind::Pack,
        StepKind::Upload,
        StepKind::EnvFile,
        StepKind::Staged,
        StepKind::Batch,
        StepKind::Activate,
        StepKind::Verify,
        StepKind::Prune,
        StepKind::Undo,
        StepKind::Hook,
        StepKind::Adopt,
    ])
}

pub(crate) fn server_state() -> Object {
    one_of([
        ServerState::Pending,
        ServerState::Staged,
        ServerState::Activated,
        ServerState::Live,
        ServerState::Undone,
        ServerState::Behind,
        ServerState::Unknown,
    ])
}
