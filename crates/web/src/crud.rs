//! Create, replace, change and remove: what the routes of servers, groups, credentials, hook templates, projects and environments share.

use actions::{Actor, Brought, Definitions, Error};
use api::{FieldError, GroupView, Stored, TemplateSpec, TemplateView};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use model::Name;
use serde_json::Value;

use crate::AppState;
use crate::body::Json;
use crate::define::{Manner, define, inside};
use crate::error::Refusal;
use crate::thing::{Thing, Unfit, stored};

/// A change by hand.
pub(crate) const BY_HAND: Manner = Manner { plan: false, prune: false, by_apply: false };

/// Takes `name` out of the body of a `POST`.
pub(crate) fn named(body: Json) -> Result<(Name, Json), Refusal> {
    let named = api::Named::<Value>::read(body.0)?;
    Ok((named.name, Json(named.spec)))
}

/// Makes a thing that must not exist yet: 201.
pub(crate) async fn create(
    state: &AppState,
    actor: &Actor,
    thing: &Thing,
    body: Json,
) -> Result<Response, Refusal> {
    put(state, actor, thing, body.0, |stored| {
        let exists = thing.spec(stored).is_some();
        if exists { Err(Error::Exists { what: thing.word(), name: thing.name() }) } else { Ok(()) }
    })
    .await?;
    Ok((StatusCode::CREATED, [(LOCATION, thing.location())], axum::Json(view(state, actor, thing).await?))
        .into_response())
}

/// Makes a thing or replaces it: 201 or 200.
pub(crate) async fn replace(
    state: &AppState,
    actor: &Actor,
    thing: &Thing,
    body: Json,
) -> Result<Response, Refusal> {
    let existed = thing.spec(&read(state, actor).await?).is_some();
    put(state, actor, thing, body.0, |_| Ok(())).await?;
    let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(view(state, actor, thing).await?)).into_response())
}

/// Changes the keys that the body names (a merge patch, RFC 7396): 200.
pub(crate) async fn change(
    state: &AppState,
    actor: &Actor,
    thing: &Thing,
    body: Json,
) -> Result<Response, Refusal> {
    let before = thing.spec(&read(state, actor).await?).ok_or_else(|| missing(thing))?;
    let mut merged = before.clone();
    merge(&mut merged, body.0);
    put(state, actor, thing, merged, |stored| {
        let same = thing.spec(stored).as_ref() == Some(&before);
        if same { Ok(()) } else { Err(Error::Changed { what: thing.word(), name: thing.name() }) }
    })
    .await?;
    Ok(axum::Json(view(state, actor, thing).await?).into_response())
}

/// Forgets a thing that nothing else needs: 204.
pub(crate) async fn remove(state: &AppState, actor: &Actor, thing: &Thing) -> Result<StatusCode, Refusal> {
    let judge = |defined: &Definitions| match thing.spec(&stored(defined)) {
        Some(_) => Ok((vec![thing.delete()], ())),
        None => Err(missing(thing)),
    };
    state.actions.define(actor, thing.action(), &thing.object(), &Brought::default(), judge).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The thing as it is shown.
pub(crate) async fn view(state: &AppState, actor: &Actor, thing: &Thing) -> Result<Value, Refusal> {
    let defined = state.actions.definitions(actor).await?;
    shown(&defined, &stored(&defined), thing).ok_or_else(|| missing(thing).into())
}

/// Those of `things` that are defined, as they are shown.
pub(crate) fn list(defined: &Definitions, things: impl IntoIterator<Item = Thing>) -> Vec<Value> {
    // Once for all of them: it is as large as everything that is defined.
    let stored = stored(defined);
    things.into_iter().filter_map(|thing| shown(defined, &stored, &thing)).collect()
}

/// The thing as it is shown, out of what is defined, in the terms of `api` too.
fn shown(defined: &Definitions, stored: &Stored, thing: &Thing) -> Option<Value> {
    if let Thing::Credential(name) = thing {
        let record = defined.credentials.iter().find(|record| record.name == *name)?;
        return serde_json::to_value(crate::routes::credentials::view(record)).ok();
    }
    if let Thing::Hook(name) = thing {
        let (template, version) = stored.templates.get(name)?;
        let used_by = api::template::uses(name, stored);
        let spec = TemplateSpec::from(template);
        let view = TemplateView { name: name.clone(), version: *version, used_by, spec };
        return serde_json::to_value(view).ok();
    }
    if let Thing::Group(name) = thing {
        let selector = stored.groups.get(name)?.to_string();
        let servers = defined.servers.iter().filter(|server| server.groups.contains(name));
        let servers = servers.map(|server| server.name.clone()).collect();
        return serde_json::to_value(GroupView { name: name.clone(), selector, servers }).ok();
    }
    let mut spec = thing.spec(stored)?;
    let name = match thing {
        Thing::Credential(name)
        | Thing::Hook(name)
        | Thing::Server(name)
        | Thing::Group(name)
        | Thing::Project(name)
        | Thing::Environment(_, name) => name,
    };
    spec.as_object_mut()?.insert("name".to_owned(), Value::String(name.to_string()));
    Some(spec)
}

async fn read(state: &AppState, actor: &Actor) -> Result<Stored, Refusal> {
    Ok(stored(&state.actions.definitions(actor).await?))
}

async fn put(
    state: &AppState,
    actor: &Actor,
    thing: &Thing,
    body: Value,
    allow: impl FnOnce(&Stored) -> Result<(), Error> + Send,
) -> Result<(), Refusal> {
    let fleet = thing.fleet(&read(state, actor).await?, body).map_err(|unfit| match unfit {
        Unfit::Fields(errors) => Refusal::from(errors),
        Unfit::Missing(error) => Refusal::from(error),
    })?;
    let door = (thing.action(), thing.object());
    let allow = |defined: &Definitions| Ok(allow(&stored(defined))?);
    let answer = define(state, actor, door, &fleet, BY_HAND, allow).await;
    answer.map(drop).map_err(|refusal| {
        refusal.map_errors(|errors| {
            inside(&thing.prefix(), errors).into_iter().map(|error| own_key(thing, error)).collect()
        })
    })
}

/// In a fleet a group is the text of its selector; in a request that text has a key of its own.
fn own_key(thing: &Thing, error: FieldError) -> FieldError {
    let is_text = matches!(thing, Thing::Group(_)) && error.field.is_empty();
    if is_text { FieldError::new("selector", error.message) } else { error }
}

fn missing(thing: &Thing) -> Error {
    Error::missing(thing.word(), &thing.name())
}

/// RFC 7396 section 2: tables are merged, `null` removes, everything else replaces.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(table) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            table.remove(&key);
        } else {
            merge(table.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_changes_what_it_names() {
        let merged = |mut target: Value, patch: Value| {
            merge(&mut target, patch);
            target
        };
        assert_eq!(
            merged(json!({"a": 1, "b": {"c": 2, "d": 3}}), json!({"a": 4, "b": {"c": null}})),
            json!({"a": 4, "b": {"d": 3}})
        );
        assert_eq!(merged(json!({"a": [1, 2]}), json!({"a": [3]})), json!({"a": [3]}));
        assert_eq!(merged(json!({}), json!({"a": {"b": {"c": null}}})), json!({"a": {"b": {}}}));
    }
}
