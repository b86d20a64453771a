//! What a retried call waits for, and what its error says, over the real client.

use std::time::Duration;

use polyagent::RetryPolicy;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::AnimaCreate;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::elephantasm::{ID, KEY, SERVER_ANIMA, client, json_answer, server};
use crate::sockets::reqwest_without_proxy;

async fn answering(responses: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::builder().start().await;
    for response in responses {
        Mock::given(any()).respond_with(response).up_to_n_times(1).mount(&server).await;
    }
    server
}

fn with_policy(server: &MockServer, policy: RetryPolicy) -> Elephantasm {
    let builder = Elephantasm::builder().base_url(server.uri()).api_key(KEY).retry_policy(policy);
    builder.configure_http(reqwest_without_proxy).build().unwrap()
}

#[tokio::test]
async fn a_call_may_have_been_processed_if_any_attempt_may() {
    let gone = || json_answer(404, r#"{"detail":"Anima gone not found"}"#);
    let server = answering(vec![ResponseTemplate::new(500), gone()]).await;
    let error = client(&server).animas().delete(ID).await.unwrap_err();
    let each: Vec<bool> = error.attempts().iter().map(polyagent::Attempt::may_have_been_processed).collect();
    assert!(error.is_not_found() && error.may_have_been_processed());
    assert_eq!(each, [true, false]);

    let server = answering(vec![json_answer(429, "{}").insert_header("retry-after", "0"), gone()]).await;
    let error = client(&server).animas().delete(ID).await.unwrap_err();
    assert_eq!((error.attempts().len(), error.may_have_been_processed()), (2, false));
}

#[tokio::test]
async fn pauses_of_the_client_are_jittered() {
    let bound = Duration::from_millis(40);
    let pauses = async |policy: RetryPolicy| {
        let down = server(ResponseTemplate::new(500)).await;
        let error =
            with_policy(&down, policy.max_retries(12).backoff(bound, bound)).animas().get(ID).await.unwrap_err();
        let (_, waited) = error.attempts().split_last().unwrap();
        waited.iter().map(polyagent::Attempt::waited).collect::<Vec<_>>()
    };
    let drawn = pauses(RetryPolicy::default()).await;
    assert_eq!(drawn.len(), 12);
    assert!(drawn.iter().all(|pause| *pause < bound), "{drawn:?}");
    assert!(drawn.iter().any(|pause| *pause != drawn[0]), "{drawn:?}");
    assert_eq!(pauses(RetryPolicy::default().jitter(false)).await, [bound; 12]);
}

#[tokio::test]
async fn the_wait_in_the_header_counts_more_than_the_one_in_the_body() {
    let asked = async |header: Option<&str>, in_body: &str| {
        let body =
            format!(r#"{{"error":"rate_limit_exceeded","message":"Slow down","retry_after_seconds":{in_body}}}"#);
        let response = json_answer(429, &body);
        let response = header.into_iter().fold(response, |response, wait| response.insert_header("retry-after", wait));
        let limited = server(response).await;
        client(&limited).animas().get(ID).max_retries(0).await.unwrap_err().retry_after()
    };
    let seconds = |seconds| Some(Duration::from_secs_f64(seconds));
    assert_eq!(asked(Some("7"), "3").await, seconds(7.0));
    assert_eq!(asked(Some("0"), "3").await, seconds(0.0));
    assert_eq!(asked(Some("5 per 1 second"), "3").await, seconds(3.0), "a header that cannot be read");
    assert_eq!(asked(None, "3").await, seconds(3.0));
    assert_eq!(asked(None, "2.5").await, seconds(2.5));
    assert_eq!(asked(None, "\"3\"").await, seconds(3.0));
    assert_eq!(asked(None, "-3").await, None);
    assert_eq!(asked(None, "null").await, None);
}

#[tokio::test]
async fn retries_as_the_server_wants_within_the_class() {
    let attempts = async |status: u16, wants: &str| {
        let failing = server(json_answer(status, "{}").insert_header("x-should-retry", wants)).await;
        let client = client(&failing);
        let get = client.animas().get(ID).await.unwrap_err().attempts().len();
        let create = client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err().attempts().len();
        (get, create)
    };
    assert_eq!(attempts(503, "false").await, (1, 1));
    assert_eq!(attempts(429, "false").await, (1, 1));
    assert_eq!(attempts(400, "true").await, (3, 1));
    assert_eq!(attempts(500, "true").await, (3, 1));
    assert_eq!(attempts(409, "true").await, (1, 1));
    assert_eq!(attempts(503, "maybe").await, (3, 1));
}

#[tokio::test]
async fn retries_529_like_503() {
    let overloaded = || ResponseTemplate::new(529);
    let created = || json_answer(201, SERVER_ANIMA);
    let server = answering(vec![overloaded().insert_header("retry-after-ms", "0"), created()]).await;
    client(&server).animas().create(AnimaCreate::new("Ada")).await.unwrap();
    let server = answering(vec![overloaded(), created()]).await;
    let error = client(&server).animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(error.is_server() && error.attempts().len() == 1, "{error:?}");
    let server = answering(vec![overloaded(), json_answer(200, SERVER_ANIMA)]).await;
    client(&server).animas().get(ID).await.unwrap();
}

#[tokio::test]
async fn never_retries_402() {
    let unpaid = server(json_answer(402, "{}").insert_header("retry-after", "0")).await;
    let error = client(&unpaid).animas().get(ID).await.unwrap_err();
    assert!(error.is_payment_required() && error.attempts().len() == 1, "{error:?}");
}
