//! The OpenAPI document, generated from the routes and the types they speak.

use api::Problem;
use utoipa::openapi::schema::{ArrayItems, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as Generated};

use crate::routes::{
    adhoc, adopt, apply, archive, artifacts, audit, board, chat, checks, credentials, doctor, drift,
    environments, events, git, groups, hooks, locks, master_key, projects, recordings, releases, servers,
    session, shared, shell, steer, tokens, transfers, users, variables,
};

#[derive(Generated)]
#[openapi(
    info(title = "Aweigh", version = "1", description = "Releases of git commits to servers over SSH.", license(name = "Apache-2.0")),
    paths(
        servers::list, servers::create, servers::show, servers::replace, servers::change, servers::remove,
        servers::trust, checks::check, checks::facts, groups::list, groups::create, groups::show,
        groups::replace, groups::remove, credentials::list, credentials::create, credentials::show,
        credentials::replace, credentials::change, credentials::remove, credentials::generate, credentials::rotate,
        master_key::show, master_key::rotate, hooks::list, hooks::create, hooks::show, hooks::replace, hooks::change,
        hooks::remove, hooks::versions, hooks::try_it, adhoc::run, transfers::put, transfers::get,
        transfers::download, transfers::forget, shared::list, shared::put, shared::get, projects::list,
        projects::create, projects::show, projects::replace, projects::change, projects::remove, environments::list, environments::create, environments::show,
        environments::replace, environments::change, environments::remove, locks::lock, locks::unlock, drift::show,
        drift::accept, adopt::adopt, git::refs, git::fetch, git::changes, git::diff, git::trust, archive::archive,
        variables::of_project, variables::of_environment, variables::of_server, variables::put_of_project,
        variables::put_of_environment, variables::put_of_server, variables::forget_of_project,
        variables::forget_of_environment, variables::forget_of_server, apply::apply, apply::export, artifacts::list,
        artifacts::push, releases::create, releases::list, releases::show, releases::progress, releases::log,
        shell::open, recordings::list, recordings::show, steer::cancel, steer::pause, steer::resume, steer::promote,
        steer::retry, steer::skip, events::events, board::show, chat::to_release, chat::to_project, chat::list,
        doctor::show, session::create, session::show, session::remove, session::set_up, session::list, session::end,
        session::change_password, users::list, users::create, users::remove, users::set_up, tokens::list,
        tokens::create, tokens::remove, audit::list,
    ),
    components(schemas(Problem)),
    security(("token" = [])),
    modifiers(&Whole),
)]
struct Document;

/// What holds for the whole document: how to sign in, and what every refusal looks like.
struct Whole;

impl Modify for Whole {
    fn modify(&self, document: &mut OpenApi) {
        if let Some(components) = &mut document.components {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
            components.schemas.values_mut().for_each(open_parts);
            components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(bearer).into());
        }
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let refusal = ResponseBuilder::new()
            .description("A problem (RFC 9457) with a stable code")
            .content("application/problem+json", problem)
            .build();
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in [
                ("get", &mut item.get),
                ("put", &mut item.put),
                ("post", &mut item.post),
                ("delete", &mut item.delete),
                ("patch", &mut item.patch),
            ] {
                if let Some(operation) = operation {
                    operation.operation_id = Some(operation_id(method, path));
                    for (status, response) in &mut operation.responses.responses {
                        if let RefOr::T(response) = response {
                            meaning(status).clone_into(&mut response.description);
                        }
                    }
                    operation.responses.responses.insert("default".to_owned(), RefOr::T(refusal.clone()));
                }
            }
        }
    }
}

/// A name that no other operation has: `get_servers_server` for `GET /api/v1/servers/{server}`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1/").replace(['{', '}'], "").replace('/', "_");
    format!("{method}_{words}")
}

/// What a status of success says; every response has to say something.
fn meaning(status: &str) -> &'static str {
    match status {
        "201" => "It is made, and durable",
        "202" => "It is asked for",
        "204" => "It is done",
        _ => "The answer",
    }
}

/// A table that is put together from parts has the keys of all of them, so no part may forbid the others.
fn open_parts(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::AllOf(parts) => {
            for part in &mut parts.items {
                if let RefOr::T(Schema::Object(table)) = part {
                    table.additional_properties = None;
                }
            }
        }
        Schema::Object(table) => table.properties.values_mut().for_each(open_parts),
        Schema::Array(list) => {
            if let ArrayItems::RefOrSchema(items) = &mut list.items {
                open_parts(items);
            }
        }
        _ => {}
    }
}

/// What is committed is what the program serves, and what the types of the page are made from.
#[test]
fn the_committed_document_is_what_the_routes_say() {
    let text = format!("{:#}\n", serde_json::to_value(Document::openapi()).unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/openapi.json");
    if std::env::var_os("AWEIGH_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "ui/openapi.json is old: run AWEIGH_BLESS=1 cargo test -p web committed_document"
    );
}
