//! How do I share one client in a service?
//!
//! `cargo run --example axum_service` serves a chat on a free port of the loopback address, talks to it, and ends. The
//! memory of the chat is the sandbox.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::future::try_join_all;
use polyagent::elephantasm::types::{AnimaCreate, Event, EventType, ListEventsParams};
use polyagent::elephantasm::{Capture, Elephantasm};
use polyagent::sandbox::Sandbox;
use polyagent::{Error, reqwest};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The client is the state: axum clones it for each request, and clones share connections, settings and retry budget.
fn service(ada: Elephantasm) -> Router {
    Router::new().route("/chats/{chat}", post(say)).route("/chats/{chat}", get(read)).with_state(ada)
}

async fn say(State(ada): State<Elephantasm>, Path(chat): Path<String>, said: String) -> Result<String, Failure> {
    ada.extract(Capture::new(EventType::MessageIn, said.clone()).session_id(chat).retry_in_doubt()).await?;
    // The user waits: better no memory than a late one. If the user leaves, axum drops this future, and the call ends.
    let pack = match ada.inject(said).total_timeout(Duration::from_secs(2)).await {
        Err(Error::Timeout(_)) => None,
        pack => pack?,
    };
    Ok(pack.map(|pack| pack.as_prompt().to_owned()).unwrap_or_default())
}

async fn read(State(ada): State<Elephantasm>, Path(chat): Path<String>) -> Result<Json<Vec<Event>>, Failure> {
    let anima = ada.anima_id().unwrap_or_default();
    Ok(Json(ada.events().list(ListEventsParams::new(anima).session_id(chat)).await?.items))
}

/// What this service answers when the platform does not.
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let wait = error.retry_after().map_or(1, |wait| wait.as_secs().max(1));
        let busy: [(HeaderName, String); 1] = [(header::RETRY_AFTER, wait.to_string())];
        match &error {
            // The caller's mistake: the text names the argument, and no secret.
            Error::InvalidArgument(invalid) => (StatusCode::BAD_REQUEST, invalid.to_string()).into_response(),
            error if error.is_rate_limited() => (StatusCode::SERVICE_UNAVAILABLE, busy).into_response(),
            error => {
                eprintln!("{error}");
                StatusCode::BAD_GATEWAY.into_response()
            }
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.elephantasm();
    let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/chats", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, service(client.with_anima(anima.id))).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let server = tokio::spawn(server.into_future());

    // Eight users at once.
    let http = reqwest::Client::builder().no_proxy().build()?;
    let talks = (0..8).map(|user| http.post(format!("{url}/{user}")).body(format!("I am user {user}.")).send());
    for answer in try_join_all(talks).await? {
        let prompt = answer.error_for_status()?.text().await?;
        anyhow::ensure!(prompt.contains("I am user"), "the prompt holds what was said: {prompt}");
    }
    let chat = http.get(format!("{url}/3")).send().await?.error_for_status()?.text().await?;
    println!("chat 3: {chat}");
    anyhow::ensure!(chat.contains("I am user 3.") && !chat.contains("I am user 4."), "each chat has its own events");

    // The platform rejects what is too long; so does the client, before sending, and so does this service.
    let long = http.post(format!("{url}/{}", "x".repeat(256))).body("Hi").send().await?;
    println!("{}: {}", long.status(), long.text().await?);

    drop(http);
    let _ = stop.send(());
    server.await??;
    Ok(())
}
