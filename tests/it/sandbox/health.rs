//! The health check, the clock and the end of a sandbox.

use std::time::Duration;

use polyagent::elephantasm::types::AnimaCreate;
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::Quirk;
use polyagent::{Method, Timestamp};
use serde_json::json;

use super::{Wire, raw};

#[tokio::test]
async fn reports_health_without_a_key() {
    let wire = Wire::start().await;
    let response = raw(wire.request(Method::GET, "/health").send().await.unwrap()).await;
    let mut health = response.json();
    assert!(health["timestamp"].take().is_string());
    let expected = json!({"status": "healthy", "timestamp": null, "checks": {"database": "connected"}});
    assert_eq!((response.status, health), (200, expected));
}

#[tokio::test]
async fn a_database_that_is_down_looks_like_a_wrong_key() {
    let wire = Wire::with(|it| it.with(Quirk::Degraded)).await;
    assert_eq!(wire.sandbox.elephantasm().health().await.unwrap().status.as_str(), "degraded");
    assert_eq!(wire.get("/animas").await.status, 401);
}

#[tokio::test]
async fn the_clock_starts_where_it_is_told_and_moves_forward() {
    let noon: Timestamp = "2026-02-04T12:00:00Z".parse().unwrap();
    let wire = Wire::built(Sandbox::builder().starts_at(noon)).await;
    let told = async || wire.get("/health").await.json()["timestamp"].as_str().unwrap().to_owned();
    assert!(told().await.starts_with("2026-02-04T12:00:"));
    wire.sandbox.advance(Duration::from_secs(3600));
    assert!(told().await.starts_with("2026-02-04T13:00:"));
    wire.sandbox.advance(Duration::MAX);
    let anima = wire.sandbox.elephantasm().animas().create(AnimaCreate::new("Ada")).await.unwrap();
    assert_eq!(anima.created_at.to_string(), "9999-12-31T23:59:59.999999Z", "where clients can still read it");
}

#[tokio::test]
async fn a_dropped_sandbox_closes_its_port_and_connections() {
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
