//! The OpenAPI document, and that every route of it is closed to whoever may not.

use std::collections::BTreeSet;

use actions::Actor;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::response::Response;
use axum::{Extension, Router};
use serde_json::Value;
use tower::ServiceExt;

use crate::rig::{Served, answer};

async fn document(served: &Served) -> Value {
    let (status, document) =
        answer(served.client.get(served.url("/api/v1/openapi.json")).send().await.unwrap()).await;
    assert_eq!(status, 200);
    document
}

/// Every operation, with the parameters of its path filled in.
fn operations(document: &Value) -> Vec<(Method, String)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{release}", "1").replace(['{', '}'], "");
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            operations.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    operations
}

#[tokio::test]
async fn every_route_is_closed_to_strangers_and_to_nobody() {
    let served = Served::with_shop().await;
    let document = document(&served).await;
    let operations = operations(&document);
    assert!(operations.len() >= 36, "{}", operations.len());
    let router = web::router(web::AppState::new(served.rig.actions.clone(), web::Site::default()));
    let ask = async |router: &Router, method: &Method, path: &str| -> Response {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let nobody = Actor { name: "nobody".into(), administrator: false };
    let as_nobody = router.clone().layer(Extension(web::Peer::Known(nobody)));
    // Doors let strangers in who know a secret; of what is one's own even nobody may speak.
    let doors = ["POST /api/v1/session", "POST /api/v1/setup"];
    let own = ["/api/v1/session", "/api/v1/sessions", "/api/v1/account/password", "/api/v1/tokens"];
    for (method, path) in operations {
        let is_door = doors.contains(&format!("{method} {path}").as_str());
        let is_own = own.iter().any(|own| path == *own || path.starts_with(&format!("{own}/")));
        let stranger = ask(&router, &method, &path).await.status().as_u16();
        assert_eq!(stranger, if is_door { 403 } else { 401 }, "{method} {path}");
        let nobody = ask(&as_nobody, &method, &path).await.status().as_u16();
        assert_eq!(nobody == 403, is_door || !is_own, "{method} {path}: {nobody}");
    }
}

#[tokio::test]
async fn the_document_is_whole() {
    let served = Served::empty().await;
    let document = document(&served).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let mut names = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for (_, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(operation["responses"]["default"].is_object(), "{name}");
            for response in operation["responses"].as_object().unwrap().values() {
                assert!(response["description"].is_string(), "{name}");
            }
            assert!(names.insert(name.clone()), "{name} is twice");
        }
    }
    let server = &document["components"]["schemas"]["Named_ServerSpec"]["allOf"];
    assert_eq!(server.as_array().unwrap().len(), 2);
    assert!(
        !server.to_string().contains("\"additionalProperties\":false"),
        "a name beside a spec is allowed"
    );
    let environments = &document["paths"]["/api/v1/projects/{project}/environments"]["get"].to_string();
    assert!(environments.contains("EnvironmentSpec"), "a list tells what is in it: {environments}");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    assert!(text.contains("rolled_back") && text.contains("repository_unreachable"), "words are listed");
}
