//! Kept connections that the server ends without announcing it. Clocks are paused where the order of events decides:
//! they leap on when nothing else is left to do, on a loaded machine too.

use std::time::Duration;

use polyagent::RetryPolicy;
use polyagent::elephantasm::types::AnimaCreate;

use crate::elephantasm::SERVER_ANIMA;
use crate::sockets::{Server, Step, answer};

/// Like uvicorn on an unhandled exception: the end of the connection follows the response, unannounced.
fn fails_and_ends(after: Duration) -> Vec<Step> {
    vec![Step::Read, answer("500 Internal Server Error", "", "Internal Server Error"), Step::Sleep(after)]
}

fn works() -> Vec<Step> {
    vec![Step::Read, answer("201 Created", "", SERVER_ANIMA)]
}

#[tokio::test(start_paused = true)]
async fn the_call_after_a_500_is_not_lost() {
    let end = || fails_and_ends(Duration::from_millis(5));
    let server = Server::start((0..75).flat_map(|_| [end(), [works(), end()].concat()]).collect()).await;
    let client = server.builder().retry_policy(RetryPolicy::none()).build().unwrap();
    for round in 0..75 {
        // The first response of a connection is a 500, and the second of the next.
        let error = client.animas().create(AnimaCreate::new("fail")).await.unwrap_err();
        assert!(error.is_server(), "{round}: {error:?}");
        client.animas().create(AnimaCreate::new("Ada")).await.unwrap();
        let error = client.animas().create(AnimaCreate::new("fail")).await.unwrap_err();
        assert!(error.is_server(), "{round}: {error:?}");
    }
    assert_eq!((server.connections(), server.requests().len()), (150, 225));
}

#[tokio::test(start_paused = true)]
async fn a_call_beside_a_500_waits_until_its_connection_has_ended() {
    let server = Server::start(vec![fails_and_ends(Duration::from_millis(8)), works()]).await;
    let client = server.builder().retry_policy(RetryPolicy::none()).build().unwrap();
    let failing = client.animas().create(AnimaCreate::new("fail")).send();
    // Given up between the response and the end of the connection.
    assert!(tokio::time::timeout(Duration::from_millis(4), failing).await.is_err());
    client.clone().animas().create(AnimaCreate::new("Ada")).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_503_that_asks_for_an_immediate_retry_is_retried_on_another_connection() {
    let busy = vec![
        Step::Read,
        answer("503 Service Unavailable", "retry-after: 0\r\n", "{}"),
        Step::Sleep(Duration::from_millis(5)),
    ];
    let server = Server::start(vec![busy, works()]).await;
    server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_500_whose_connection_lives_on_keeps_it() {
    let failure = vec![Step::Read, answer("500 Internal Server Error", "", "{}")];
    let server = Server::start(vec![[failure, works()].concat()]).await;
    let client = server.builder().retry_policy(RetryPolicy::none()).build().unwrap();
    assert!(client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err().is_server());
    client.animas().create(AnimaCreate::new("Ada")).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_is_dropped_after_four_idle_seconds() {
    // The pool's clock is not tokio's.
    let server = Server::start(vec![[works(), works()].concat()]).await;
    let client = server.client();
    client.animas().create(AnimaCreate::new("Ada")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(4_200)).await;
    client.animas().create(AnimaCreate::new("Ada")).await.unwrap();
    assert_eq!(server.connections(), 2, "common servers drop it after 5 s");
}
