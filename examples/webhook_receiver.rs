//! How do I receive webhooks?
//!
//! `cargo run --example webhook_receiver` serves a receiver with axum, and lets the sandbox deliver to it, each event
//! twice, and a forged one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use polyagent::eclips::types::{RunCreate, WebhookCreate, WebhookEvent, WebhookEventType};
use polyagent::eclips::webhooks::Verifier;
use polyagent::sandbox::Sandbox;
use polyagent::{HeaderMap, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

struct Receiver {
    verifier: Verifier,
    events: mpsc::Sender<WebhookEvent>,
}

/// Verifies, hands over, responds: the sender waits 10 s at most, so the work is done elsewhere.
async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match receiver.verifier.verify(&headers, &body) {
        // A full queue makes the sender try again later.
        Ok(event) => {
            receiver.events.try_send(event).map_or(StatusCode::SERVICE_UNAVAILABLE, |()| StatusCode::NO_CONTENT)
        }
        Err(error) => {
            println!("refused: {error}");
            StatusCode::UNAUTHORIZED
        }
    }
}

/// Works on each event once.
async fn work(mut events: mpsc::Receiver<WebhookEvent>, expected: usize) -> usize {
    let mut seen = HashSet::new();
    let mut repeated = 0;
    while seen.len() + repeated < 2 * expected {
        let Some(event) = events.recv().await else { break };
        // A program that restarts keeps these keys in its database.
        if !seen.insert(event.dedupe_key()) {
            repeated += 1;
            continue;
        }
        println!("{} {}: {:?}", event.run_id, event.event, event.output());
    }
    repeated
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::builder().eclips(|platform| platform.repeated_deliveries(1)).start().await?;
    let client = sandbox.eclips();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/eclips", listener.local_addr()?);
    let webhook = client.webhooks().create(WebhookCreate::new(&url, [WebhookEventType::RunCompleted])).await?;

    let verifier = Verifier::new(webhook.secret)?.tolerance(Duration::from_secs(300));
    let (events, queue) = mpsc::channel(64);
    let app = Router::new().route("/eclips", post(receive)).with_state(Arc::new(Receiver { verifier, events }));
    tokio::spawn(async move { axum::serve(listener, app).await });

    for invoice in [7781, 7782] {
        client.runs().create(RunCreate::new(format!("Check invoice {invoice}"))).await?;
    }
    let repeated = tokio::time::timeout(Duration::from_secs(30), work(queue, 2)).await?;
    let forged = polyagent::reqwest::Client::builder().no_proxy().build()?.post(&url).body("{}").send().await?.status();
    if repeated != 2 || forged.as_u16() != 401 {
        return Err(format!("two repeated events and a refused one were expected: {repeated}, {forged}").into());
    }
    Ok(())
}
