//! The WebSocket of a shell: who may open it, and what it says when there is none.

use futures::StreamExt;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::rig::{Served, TOKEN};

const SHELL: &str = "/servers/web-1/shell?columns=80&rows=24";

/// Every text until the socket is closed, and the code of the close.
async fn told(served: &Served, headers: &[(&'static str, &str)]) -> Result<(Vec<Value>, u16), Error> {
    let mut request = format!("ws://{}/api/v1{SHELL}", served.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (mut socket, _) = connect_async(request).await?;
    let mut texts = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => texts.push(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => return Ok((texts, frame.map_or(0, |frame| frame.code.into()))),
            _ => {}
        }
    }
    Ok((texts, 0))
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_with_what_to_do() {
    let served = Served::with_shop().await;
    let (texts, code) = told(&served, &[("Authorization", &format!("Bearer {TOKEN}"))]).await.unwrap();
    let error = json!({"error": {
        "code": "server_unreachable",
        "message": "deploy@10.0.0.1:22 refuses the connection",
        "hint": "start sshd there",
    }});
    assert_eq!((texts, code), (vec![error], 1000));
    assert_eq!(served.get("/recordings").await.1["items"], json!([]), "nothing was opened");
}

#[tokio::test]
async fn only_our_own_page_and_programs_with_a_token_get_one() {
    let served = Served::with_shop().await;
    let admin = "admin".parse().unwrap();
    let password = "four words are enough".to_owned();
    served.rig.actions.ensure_password(&admin, password.clone().into()).await.unwrap();
    let own = format!("http://{}", served.address);
    let request = served.client.post(served.url("/api/v1/session")).header("Origin", &own);
    let signed_in = request.json(&json!({"user": "admin", "password": password})).send().await.unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let status = async |headers: &[(&'static str, &str)]| match told(&served, headers).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        Ok(_) => 101,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(status(&[]).await, 401);
    assert_eq!(status(&[("Cookie", &cookie)]).await, 403);
    for foreign in ["null", "http://evil.example"] {
        assert_eq!(status(&[("Cookie", &cookie), ("Origin", foreign)]).await, 403, "{foreign}");
    }
    assert_eq!(status(&[("Cookie", &cookie), ("Origin", &own)]).await, 101);
}
