//! The WebSocket: what it tells, when it ends, and how.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use model::Status;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::rig::{Served, TOKEN, answer};

/// Long enough for a busy machine; nothing here waits so long when all is well.
const SOON: Duration = Duration::from_secs(5);

/// A page's end of a socket.
pub(crate) struct Socket(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(served: &Served) -> Self {
        Self::with(served, &[("Authorization", &format!("Bearer {TOKEN}"))]).await.unwrap()
    }

    async fn with(served: &Served, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{}/api/v1/push", served.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn subscribe(&mut self, topic: &str, after: u64) {
        self.say(&json!({"subscribe": {topic: {"after": after}}})).await;
    }

    /// The next message with `key`; the code of the close where the socket ends.
    pub(crate) async fn next(&mut self, key: &str) -> Result<Value, u16> {
        loop {
            let message = timeout(SOON, self.0.next()).await.unwrap();
            match message {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    if value.get(key).is_some() {
                        return Ok(value);
                    }
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return Err(0),
            }
        }
    }
}

/// The numbers of the facts in a batch.
fn numbers(batch: &Value) -> Vec<u64> {
    batch["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_socket_tells_what_polling_tells() {
    let served = Served::with_shop().await;
    served.release("main").await;
    let mut socket = Socket::open(&served).await;
    let hello = socket.next("hello").await.unwrap();
    let (_, polled) = served.get("/events?topic=release:1").await;
    assert_eq!(hello["hello"]["stream"], polled["stream"]);
    socket.subscribe("release:1", 0).await;
    assert_eq!(socket.next("events").await.unwrap(), polled, "the same batch, to the letter");
    socket.subscribe("release:1", 1).await;
    let empty = socket.next("events").await.unwrap();
    assert_eq!((numbers(&empty), &empty["seq"]), (vec![], &json!(1)), "an empty answer says that it is live");
    served.rig.end_next(Status::Failed).await;
    assert_eq!(numbers(&socket.next("events").await.unwrap())[0], 2);
    socket.say(&json!({"subscribe": {"board": {}, "project:shop": {"after": 2}}})).await;
    let mut topics = [socket.next("events").await.unwrap(), socket.next("events").await.unwrap()];
    topics.sort_by_key(|batch| batch["topic"].to_string());
    assert_eq!((numbers(&topics[0]), numbers(&topics[1])), (vec![1, 2, 3], vec![3]));
    socket.say(&json!({"unsubscribe": ["release:1"]})).await;
    socket.say(&json!({"subscribe": {"nonsense": {}, "project:shop": {"after": 2}}})).await;
    assert_eq!(socket.next("error").await.unwrap()["error"]["topic"], "nonsense");
    assert_eq!(numbers(&socket.next("events").await.unwrap()), [3], "the others go on");
    socket.subscribe("release:7", 0).await;
    let refused = socket.next("error").await.unwrap();
    assert_eq!(refused["error"]["code"], "not_found");
    assert!(refused["error"]["detail"].as_str().unwrap().contains("release:7"));
    // What was unsubscribed stays silent; what is subscribed goes on.
    served.post("/releases/1/chat", json!({"text": "unheard"})).await;
    served.post("/projects/shop/chat", json!({"text": "heard"})).await;
    let batch = socket.next("events").await.unwrap();
    assert_eq!(
        (&batch["topic"], &batch["events"][0]["data"]["text"]),
        (&json!("project:shop"), &json!("heard"))
    );
}

#[tokio::test]
async fn bad_messages_end_the_socket() {
    let served = Served::with_shop().await;
    let big = "x".repeat(70_000);
    for (bad, code) in [
        ("hello", 4400),
        ("{}", 4400),
        (r#"{"subscribe":{"board":{"after":-1}}}"#, 4400),
        (r#"{"subscribe":{"board":{"wait":1}}}"#, 4400),
        (r#"{"shout":"x"}"#, 4400),
    ] {
        let mut socket = Socket::open(&served).await;
        socket.0.send(Message::text(bad)).await.unwrap();
        assert_eq!(socket.next("events").await, Err(code), "{bad}");
    }
    let mut socket = Socket::open(&served).await;
    socket.0.send(Message::text(big)).await.ok();
    assert!(socket.next("events").await.is_err());
    let mut socket = Socket::open(&served).await;
    let many: serde_json::Map<String, Value> =
        (0..70).map(|n| (format!("project:p{n}"), json!({}))).collect();
    socket.say(&json!({"subscribe": many})).await;
    assert_eq!(socket.next("events").await, Err(4429));
}

#[tokio::test]
async fn a_browser_opens_it_from_our_own_page_only() {
    let served = Served::empty().await;
    let admin = "admin".parse().unwrap();
    let password = "four words are enough".to_owned();
    served.rig.actions.ensure_password(&admin, password.clone().into()).await.unwrap();
    let own = format!("http://{}", served.address);
    let request = served.client.post(served.url("/api/v1/session")).header("Origin", &own);
    let signed_in = request.json(&json!({"user": "admin", "password": password})).send().await.unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    for foreign in ["", "null", "http://evil.example", "https://127.0.0.1", "http://localhost"] {
        let headers: &[(&'static str, &str)] = match foreign {
            "" => &[("Cookie", &cookie)],
            foreign => &[("Cookie", &cookie), ("Origin", foreign)],
        };
        let refused = Socket::with(&served, headers).await.err().unwrap();
        let Error::Http(response) = refused else { panic!("{foreign}: {refused}") };
        assert_eq!(response.status().as_u16(), 403, "{foreign}");
    }
    let mut socket = Socket::with(&served, &[("Cookie", &cookie), ("Origin", &own)]).await.unwrap();
    assert!(socket.next("hello").await.is_ok());
    let out =
        served.client.delete(served.url("/api/v1/session")).header("Origin", &own).header("Cookie", &cookie);
    assert_eq!(out.send().await.unwrap().status().as_u16(), 204);
    assert_eq!(socket.next("events").await, Err(4401), "signing out ends it at once");
    assert!(Socket::with(&served, &[]).await.is_err(), "strangers get nothing");
}

#[tokio::test]
async fn a_token_that_is_taken_back_ends_sockets_and_held_polls() {
    let served = Served::with_shop().await;
    served.release("main").await;
    let (_, tokens) = served.get("/tokens").await;
    let path = format!("/tokens/{}", tokens["items"][0]["id"].as_str().unwrap());
    let mut socket = Socket::open(&served).await;
    socket.subscribe("release:1", 1).await;
    socket.next("events").await.unwrap();
    let held = served.get("/events?topic=release:1&after=1&wait=30");
    let take_back = async {
        // The held poll is seen to be there before the token goes.
        while socket.next("presence").await.unwrap()["presence"]["users"] != json!(["admin"]) {}
        assert_eq!(served.send(Method::DELETE, &path, None).await.0, 204);
    };
    let (held, ()) = timeout(SOON, async { tokio::join!(held, take_back) }).await.unwrap();
    assert_eq!(held.0, 401);
    assert_eq!(socket.next("events").await, Err(4401));
}

#[tokio::test]
async fn a_stop_says_so() {
    let served = Served::with_shop().await;
    let mut socket = Socket::open(&served).await;
    socket.subscribe("board", 0).await;
    socket.next("events").await.unwrap();
    served.stop.cancel();
    assert_eq!(socket.next("events").await, Err(1001));
    timeout(SOON, served.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn those_who_watch_are_known() {
    let served = Served::with_shop().await;
    served.release("main").await;
    let (_, li) = served.post("/users", json!({"name": "li"})).await;
    let code = li["setup"].as_str().unwrap().split('#').nth(1).unwrap();
    let own = format!("http://{}", served.address);
    let set_up = served.client.post(served.url("/api/v1/setup")).header("Origin", &own);
    let set_up = set_up.json(&json!({"code": code, "password": "four words of li"})).send().await.unwrap();
    let cookie = set_up.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut first = Socket::open(&served).await;
    first.subscribe("release:1", 0).await;
    assert_eq!(first.next("presence").await.unwrap()["presence"]["users"], json!(["admin"]));
    let mut second = Socket::with(&served, &[("Cookie", &cookie), ("Origin", &own)]).await.unwrap();
    second.subscribe("release:1", 0).await;
    assert_eq!(first.next("presence").await.unwrap()["presence"]["users"], json!(["admin", "li"]));
    assert_eq!(served.get("/releases/1").await.1["watching"], json!(["admin", "li"]));
    drop(second);
    assert_eq!(first.next("presence").await.unwrap()["presence"]["users"], json!(["admin"]));
    let request = served.client.get(served.url("/api/v1/push")).bearer_auth(TOKEN);
    let (status, problem) = answer(request.send().await.unwrap()).await;
    assert_eq!((status, &problem["code"]), (426, &json!("not_upgraded")));
}
