//! The homes of an operation.

use super::*;

fn start(core: &Core) -> Request<types::Run> {
    Request::new(core, ops::START_RUN).json(&types::RunCreate::new("x"))
}

#[tokio::test]
async fn that_are_missing_give_way_and_what_worked_is_remembered() {
    for status in ["404 Not Found", "405 Method Not Allowed"] {
        let server = Server::start(vec![json(status, "<html>"), ok(r#"{"id":"r1"}"#)]).await;
        let core = fixture::old(&server);
        let run = start(&core).with_response().await.unwrap();
        assert_eq!((run.value().run_id.as_str(), run.failed_attempts().len()), ("r1", 1));
        start(&core.clone()).await.unwrap();
        assert_eq!(server.lines(), ["post /api/runs", "post /api/run", "post /api/run"], "{status}");
    }
}

#[tokio::test]
async fn all_missing_are_the_last_error_with_all_attempts() {
    let server = Server::start(vec![missing()]).await;
    let error = start(&fixture::old(&server)).await.unwrap_err();
    assert_eq!((error.reason(), error.attempts().len()), (Some(Reason::RouteMissing), 2));
    assert!(error.is_unsupported() && error.is_not_found());
    assert_eq!(error.method(), Some(&Method::POST));
    assert!(error.to_string().contains("/api/run)") || error.to_string().contains("/api/run,"), "{error}");
}

#[tokio::test]
async fn of_the_users_own_are_the_only_ones() {
    let server = Server::start(vec![missing()]).await;
    let builder = fixture::builder(&server).server_generation("old");
    let core = builder.override_path(ops::IDS, "/api", "fixture_start_run", "PUT /begin").build().unwrap();
    let error = start(&core).if_missing("the path is a guess").await.unwrap_err();
    assert_eq!((error.reason(), error.method()), (Some(Reason::RouteMissing), Some(&Method::PUT)));
    assert!(!error.to_string().contains("a guess"), "{error}");
    assert_eq!(server.lines(), ["put /api/begin"]);
    let error = start(&fixture::old(&server)).if_missing("the path is a guess").await.unwrap_err();
    assert!(error.to_string().contains("; the path is a guess"), "{error}");
}

#[tokio::test]
async fn are_not_left_for_a_missing_object_or_a_failure() {
    for (status, body) in [("404 Not Found", r#"{"error":{"message":"no such thing"}}"#), ("403 Forbidden", NO_ROUTE)] {
        let server = Server::start(vec![json(status, body)]).await;
        get(&fixture::old(&server)).await.unwrap_err();
        assert_eq!(server.lines().len(), 1, "{status}");
    }
    let server = Server::start(vec![json("500 Internal Server Error", "")]).await;
    start(&fixture::old(&server)).await.unwrap_err();
    assert_eq!(server.lines(), ["post /api/runs"], "what may have happened is not repeated");
}
