//! Decisions whose response is lost, and the stream of what is to be decided.

use std::time::{Duration, Instant};

use futures::StreamExt;
use polyagent::eclips::types::*;
use polyagent::eclips::{Decide, Eclips};
use polyagent::{Error, RetryPolicy};
use tokio::time::timeout;

use super::{QUICK, add, builder, client, lines, scripted};
use crate::elephantasm::json_answer;
use crate::sockets::{Server, Step, answer};

const DECIDED: &str = r#"{"error":"Triage item is already resolved"}"#;

fn item(id: &str, run_id: &str) -> TriageItem {
    serde_json::from_str(&format!(r#"{{"id":"{id}","run_id":"{run_id}"}}"#)).unwrap()
}

/// The response to the first attempt is lost; then the server answers with these.
async fn lost_then(answers: &[(&str, &str)]) -> Server {
    let rest = answers.iter().flat_map(|(status, body)| [Step::Read, answer(status, "", body)]).collect();
    Server::start(vec![vec![Step::Read, Step::Reset], rest]).await
}

fn of(server: &Server) -> Eclips {
    builder(format!("http://{}", server.address)).build().unwrap()
}

fn first_lines(server: &Server) -> Vec<String> {
    let line = |request: &Vec<u8>| String::from_utf8_lossy(request).lines().next().unwrap().replace(" HTTP/1.1", "");
    server.requests().iter().map(line).collect()
}

type Decision = fn(&Eclips) -> Decide;

#[tokio::test]
async fn a_decision_whose_response_was_lost_is_looked_up_on_its_run() {
    let approve: Decision = |c| c.triage().approve(&item("tri_1", "r"));
    let reject: Decision = |c| c.triage().reject(&item("tri_1", "r"));
    for (decide, status, decided) in [
        (approve, r#""running""#, true),
        (approve, r#""queued""#, true),
        (approve, r#""completed""#, true),
        (approve, r#""failed""#, true),
        (approve, r#""cancelled""#, false),
        (approve, r#""odd""#, false),
        (approve, r#""pending_triage","triage_item_id":"tri_2""#, true),
        (reject, r#""cancelled""#, true),
        (reject, r#""rejected""#, true),
        (reject, r#""running""#, false),
        (reject, r#""completed""#, false),
        (reject, r#""pending_triage","triage_item_id":"tri_2""#, false),
    ] {
        for refused in ["409 Conflict", "404 Not Found"] {
            let run = format!(r#"{{"id":"r","status":{status}}}"#);
            let server = lost_then(&[(refused, DECIDED), ("200 OK", &run)]).await;
            let result = decide(&of(&server)).await;
            assert_eq!(result.is_ok(), decided, "{status} {refused}: {result:?}");
            if let Err(error) = result {
                assert!(error.is_conflict() || error.is_not_found(), "the decision's own error: {error:?}");
            }
            let lines = first_lines(&server);
            assert_eq!((lines.len(), lines[2].as_str()), (3, "GET /v1/runs/r"), "{lines:?}");
            assert_eq!(lines[0], lines[1], "the decision is sent again");
        }
    }
}

#[tokio::test]
async fn a_run_that_still_waits_leaves_it_to_the_list() {
    let waits = r#"{"id":"r","status":"pending_triage","triage_item_id":"tri_1"}"#;
    for (list, decided) in [
        (r#"{"data":[],"total":0}"#, true),
        (r#"{"data":[{"id":"tri_1","status":"pending"}],"total":1}"#, false),
        (r#"{"data":[{"id":"tri_1","status":"approved"}],"total":1}"#, true),
        (r#"{"data":[{"id":"tri_1","status":"rejected"}],"total":1}"#, false),
    ] {
        let server = lost_then(&[("409 Conflict", DECIDED), ("200 OK", waits), ("200 OK", list)]).await;
        let run: Run = serde_json::from_str(waits).unwrap();
        assert_eq!(of(&server).triage().approve(&run).await.is_ok(), decided, "{list}");
        assert_eq!(first_lines(&server)[3], "GET /v1/triage?limit=100&offset=0");
    }
}

#[tokio::test]
async fn without_its_run_a_decision_is_looked_up_in_the_list() {
    let others = r#"{"data":[{"id":"tri_7"},{"id":"tri_8"}]}"#;
    let server = lost_then(&[("404 Not Found", DECIDED), ("200 OK", others), ("200 OK", r#"{"data":[]}"#)]).await;
    assert_eq!(of(&server).triage().approve("tri_1").await.unwrap(), None);
    assert_eq!(first_lines(&server)[2..], ["GET /v1/triage?limit=100&offset=0", "GET /v1/triage?limit=100&offset=2"]);

    let still = r#"{"data":[{"id":"tri_7"},{"id":"tri_1"}],"total":2}"#;
    let server = lost_then(&[("404 Not Found", DECIDED), ("200 OK", still)]).await;
    assert!(of(&server).triage().approve("tri_1").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_decision_that_was_surely_not_made_before_is_not_looked_up() {
    for status in [404, 409, 400, 403] {
        let server = scripted(&[(status, DECIDED)]).await;
        client(&server).triage().approve(&item("tri_1", "r")).await.unwrap_err();
        assert_eq!(lines(&server).await, ["POST /v1/triage/tri_1/approve"], "{status}");
    }
    let server = scripted(&[(429, r#"{"error":"Rate limit exceeded"}"#), (409, DECIDED)]).await;
    assert!(client(&server).triage().reject("tri_1").await.unwrap_err().is_conflict());
    assert_eq!(lines(&server).await, ["POST /v1/triage/tri_1/reject"; 2], "a 429 decides nothing");
}

#[tokio::test]
async fn the_own_error_comes_if_nothing_can_be_looked_up() {
    let server = Server::start(vec![vec![Step::Read, Step::Reset]]).await;
    let error = of(&server).triage().approve(&item("tri_1", "r")).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)) && error.may_have_been_processed());
    assert_eq!(error.operation(), Some("eclips_approve_triage"));
    let without_item: Run = serde_json::from_str(r#"{"run_id":"r","status":"running"}"#).unwrap();
    assert!(of(&server).triage().approve(&without_item).await.unwrap_err().is_invalid_argument());
}

#[tokio::test]
async fn a_review_yields_each_item_once_as_it_appears() {
    let page = |ids: &[&str]| {
        let items: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"{id}","status":"pending"}}"#)).collect();
        format!(r#"{{"data":[{}],"total":{}}}"#, items.join(","), ids.len())
    };
    let script = [page(&["a", "b"]), page(&["b"]), page(&[]), page(&["b", "c"]), page(&["c", "a"]), page(&["d"])];
    let mut script: Vec<(u16, &str)> = script.iter().map(|body| (200, body.as_str())).collect();
    script.splice(2..2, [(503, "<html>"), (503, ""), (503, ""), (429, "")]);
    let server = scripted(&script).await;
    let mut review = client(&server).triage().review().interval(QUICK);
    let mut ids = Vec::new();
    while ids.len() < 4 {
        ids.push(review.try_next().await.unwrap().unwrap().id);
    }
    assert_eq!(ids, ["a", "b", "c", "d"]);
    let nothing_new = timeout(Duration::from_millis(50), review.next()).await;
    assert!(nothing_new.is_err(), "the stream waits: {nothing_new:?}");
}

#[tokio::test]
async fn a_review_reads_all_pages_and_survives_a_server_without_offsets() {
    let server = scripted(&[
        (200, r#"{"data":[{"id":"a"},{"id":"b"}],"total":3}"#),
        (200, r#"{"data":[{"id":"c"}],"total":3}"#),
        (200, r#"[{"id":"d"},{"id":"x","status":"approved"}]"#),
    ])
    .await;
    let review = client(&server).triage().review().interval(QUICK);
    let ids: Vec<String> = review.take(4).map(|item| item.unwrap().id).collect().await;
    assert_eq!(ids, ["a", "b", "c", "d"], "what is decided already is not handed out");
    let lines = lines(&server).await;
    let offsets: Vec<_> = lines.iter().map(|line| line.rsplit('=').next().unwrap()).collect();
    assert_eq!(offsets, ["0", "2", "0"]);
}

#[tokio::test]
async fn a_review_waits_longer_after_each_failure() {
    let script = [(503, ""), (503, ""), (503, ""), (200, r#"{"data":[{"id":"a"}]}"#)];
    let server = scripted(&script).await;
    let client = builder(server.uri()).retry_policy(RetryPolicy::none()).build().unwrap();
    let begun = Instant::now();
    let mut review = client.triage().review().interval(Duration::from_millis(100));
    assert_eq!(review.try_next().await.unwrap().unwrap().id, "a");
    // 100, 200 and 400 ms.
    assert!(begun.elapsed() >= Duration::from_millis(700), "{:?}", begun.elapsed());
    assert_eq!(lines(&server).await.len(), 4);
}

#[tokio::test]
async fn a_review_ends_with_an_error_that_does_not_pass() {
    let server = scripted(&[(200, r#"{"data":[{"id":"a"}]}"#)]).await;
    server.reset().await;
    add(&server, "GET", "/v1/triage", 9, json_answer(401, r#"{"error":"authentication_error"}"#)).await;
    let client = builder(server.uri()).retry_policy(RetryPolicy::none()).build().unwrap();
    let mut review = client.triage().review().interval(QUICK);
    assert!(review.try_next().await.unwrap_err().is_authentication());
    assert!(review.next().await.is_none());
}
