//! Facts over HTTP: polling and long polling read the same.

use std::time::{Duration, Instant};

use model::Status;
use serde_json::{Value, json};

use crate::rig::Served;

#[tokio::test]
async fn polling_and_long_polling_read_the_same_facts() {
    let served = Served::with_shop().await;
    served.release("main").await;
    let waiting = served.get("/events?topic=release:1&after=1&wait=30");
    let (woken, _) = tokio::join!(waiting, served.rig.end_next(Status::Failed));
    assert_eq!((woken.0, woken.1["events"][0]["seq"].as_u64()), (200, Some(2)));
    let (_, all) = served.get("/events?topic=release:1").await;
    let numbers: Vec<_> =
        all["events"].as_array().unwrap().iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!((numbers, all["seq"].as_u64()), (vec![1, 2, 3], Some(3)));
    assert_eq!(all["events"][2]["data"]["status"], "failed");
    // A batch may be the one that whoever waited got, which has only the first of the two.
    let mut rest: Vec<Value> = Vec::new();
    while rest.len() < 2 {
        let after = 1 + rest.len();
        let (_, batch) = served.get(&format!("/events?topic=release:1&after={after}&wait=30")).await;
        rest.extend(batch["events"].as_array().unwrap().iter().cloned());
    }
    assert_eq!(rest[..], all["events"].as_array().unwrap()[1..]);
    let (_, snapshot) = served.get("/releases/1").await;
    assert_eq!((&snapshot["seq"], &snapshot["stream"]), (&all["seq"], &all["stream"]));
}

#[tokio::test]
async fn odd_numbers_and_topics_have_their_answers() {
    let served = Served::with_shop().await;
    served.release("main").await;
    for query in ["after=-1", "after=x", "after=1.5", "after=%2B1", "after=99999999999999999999", "wait=soon"]
    {
        let (status, problem) = served.get(&format!("/events?topic=release:1&{query}")).await;
        assert_eq!((status, problem["code"].as_str()), (422, Some("invalid")), "{query}");
    }
    for topic in ["release:2", "release:x", "release:-1", "*", "project:nowhere"] {
        assert_eq!(served.get(&format!("/events?topic={topic}")).await.0, 404, "{topic}");
    }
    assert_eq!(served.get("/events").await.0, 422);
    for after in ["5", "9223372036854775808", "18446744073709551615"] {
        let (status, batch) = served.get(&format!("/events?topic=release:1&after={after}&wait=30")).await;
        assert_eq!((status, &batch["events"], batch["seq"].as_u64()), (200, &json!([]), Some(1)), "{after}");
    }
    let (status, _) = served.get("/events?topic=release:1&after=1&wait=-5").await;
    assert_eq!(status, 200, "a wait is moved into its bounds");
}

#[tokio::test]
async fn a_stop_answers_whoever_waits() {
    let served = Served::with_shop().await;
    served.release("main").await;
    let began = Instant::now();
    let stop = async {
        // Whether the request is refused, under way or waiting by then, the end must not wait for it.
        tokio::task::yield_now().await;
        served.stop.cancel();
    };
    let ask = served.client.get(served.url("/api/v1/events?topic=release:1&after=1&wait=30"));
    let (answer, ()) = tokio::join!(ask.bearer_auth(crate::rig::TOKEN).send(), stop);
    if let Ok(answer) = answer {
        assert_eq!(answer.status().as_u16(), 200);
    }
    served.task.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(9), "it took {:?}", began.elapsed());
}
