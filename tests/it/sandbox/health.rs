//! The health check, and where the sandbox lives.

use std::time::Duration;

use polyagent::elephantasm::types::AnimaCreate;
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::{Quirk, Quirks};
use polyagent::{Method, Timestamp};
use serde_json::json;

use super::{PLUS, Wire, form, raw};

#[tokio::test]
async fn the_health_check_needs_no_key_and_degraded_is_200() {
    let wire = Wire::start().await;
    let answer = raw(wire.request(Method::GET, "/health").send().await.unwrap()).await;
    let mut health = answer.json();
    assert_eq!(form(&health["timestamp"].take()), PLUS);
    assert_eq!(
        (answer.status, health),
        (200, json!({"status": "healthy", "timestamp": null, "checks": {"database": "connected"}}))
    );

    let wire = Wire::with(Quirks::observed().with(Quirk::Degraded)).await;
    let answer = wire.get("/health").await;
    assert_eq!((answer.status, answer.json()["status"].clone()), (200, json!("degraded")));
    assert_eq!(wire.sandbox.elephantasm().health().await.unwrap().status.as_str(), "degraded");
}

#[tokio::test]
async fn the_clock_starts_where_it_is_told_and_moves_forward() {
    let noon: Timestamp = "2026-02-04T12:00:00Z".parse().unwrap();
    let wire = Wire::built(Sandbox::builder().starts_at(noon)).await;
    let told = async || wire.get("/health").await.json()["timestamp"].as_str().unwrap().to_owned();
    assert!(told().await.starts_with("2026-02-04T12:00:"));
    wire.sandbox.advance(Duration::from_secs(3600));
    assert!(told().await.starts_with("2026-02-04T13:00:"));
}

#[tokio::test]
async fn a_dropped_sandbox_lets_go_of_its_port_and_connections() {
    let wire = Wire::start().await;
    let request = || wire.request(Method::GET, "/animas").bearer_auth(wire.sandbox.key());
    let (first, second) = (request(), request());
    assert_eq!(first.send().await.unwrap().status(), 200);
    let port = wire.sandbox.port();
    drop(wire.sandbox);
    assert!(second.send().await.is_err(), "the pooled connection");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    let again = Sandbox::builder().port(port).start().await.unwrap();
    assert_eq!(again.port(), port);
    let error = Sandbox::builder().port(port).start().await.unwrap_err();
    assert!(error.message().contains(&port.to_string()), "{error}");
}

#[test]
fn a_sandbox_outlives_the_runtime_that_started_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = runtime().block_on(Sandbox::start()).unwrap();
    runtime().block_on(async { sandbox.elephantasm_builder().build().unwrap().health().await }).unwrap();
}

#[tokio::test]
async fn the_clock_stops_where_clients_can_still_read_it() {
    let wire = Wire::start().await;
    let told = async || wire.get("/health").await.json()["timestamp"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        wire.sandbox.advance(Duration::MAX);
        assert_eq!(told().await, "9999-12-31T23:59:59.999999+00:00");
    }
    wire.sandbox.elephantasm().health().await.unwrap();
    let anima = wire.sandbox.elephantasm().animas().create(AnimaCreate::new("Ada")).await.unwrap();
    assert_eq!(anima.created_at.to_string(), "9999-12-31T23:59:59.999999Z");
}

#[tokio::test]
async fn the_clock_starts_at_the_first_time_there_is() {
    let first: Timestamp = "0001-01-01T00:00:00Z".parse().unwrap();
    let wire = Wire::built(Sandbox::builder().starts_at(first)).await;
    let usage = wire.get("/subscriptions/usage").await.json();
    assert_eq!(usage["period_start"], json!("0001-01-01"));
}
