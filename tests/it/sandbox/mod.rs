//! The sandbox, as programs in other languages see it over its port, and as users of the crate see it.

mod auth;
mod document;
mod elephantasm;
mod faults;
mod health;
mod limits;
#[cfg(feature = "oma")]
mod oma;
mod outages;
mod resets;
mod tenants;
mod validation;

use polyagent::reqwest::redirect::Policy;
use polyagent::reqwest::{Client, RequestBuilder};
use polyagent::sandbox::elephantasm::Settings;
use polyagent::sandbox::{Sandbox, SandboxBuilder};
use polyagent::{HeaderMap, Method};
use serde_json::Value;

/// An id that nothing has.
const ABSENT: &str = "00000000-0000-4000-8000-000000000000";

/// A sandbox, and a plain HTTP client of its Elephantasm that shows what is on the wire.
struct Wire {
    sandbox: Sandbox,
    http: Client,
}

/// A response as it came.
struct Raw {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Raw {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Wire {
    /// The public host.
    async fn start() -> Self {
        Self::with(|it| it).await
    }

    /// A self-hosted server.
    async fn self_hosted() -> Self {
        Self::with(Settings::self_hosted).await
    }

    async fn with(set: impl FnOnce(Settings) -> Settings) -> Self {
        Self::built(Sandbox::builder().elephantasm(set)).await
    }

    async fn built(builder: SandboxBuilder) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { sandbox: builder.start().await.unwrap(), http }
    }

    /// A request without a key, for a path below `/api`.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/elephantasm/api{path}", self.sandbox.url()))
    }

    async fn send(&self, request: RequestBuilder) -> Raw {
        raw(request.bearer_auth(self.sandbox.key()).send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Raw {
        self.send(self.request(Method::GET, path)).await
    }

    async fn delete(&self, path: &str) -> Raw {
        self.send(self.request(Method::DELETE, path)).await
    }

    async fn post(&self, path: &str, body: impl ToString) -> Raw {
        self.send(self.request(Method::POST, path).header("content-type", "application/json").body(body.to_string()))
            .await
    }

    async fn patch(&self, path: &str, body: impl ToString) -> Raw {
        self.send(self.request(Method::PATCH, path).header("content-type", "application/json").body(body.to_string()))
            .await
    }

    /// The id of a new anima.
    async fn anima(&self, name: &str) -> String {
        text(&self.post("/animas", serde_json::json!({"name": name})).await.json()["id"])
    }

    /// The id of a new message.
    async fn message(&self, anima_id: &str, content: &str) -> String {
        let body = serde_json::json!({"anima_id": anima_id, "event_type": "message.in", "content": content});
        text(&self.post("/events", body).await.json()["id"])
    }

    /// The id of a new active memory.
    async fn memory(&self, anima_id: &str, summary: &str) -> String {
        let body = serde_json::json!({"anima_id": anima_id, "summary": summary, "state": "active"});
        text(&self.post("/memories", body).await.json()["id"])
    }
}

async fn raw(response: polyagent::reqwest::Response) -> Raw {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Raw { status, headers, body: response.text().await.unwrap() }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The texts in `field` of all items of a list.
fn column(list: &Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| text(&item[field])).collect()
}

/// A timestamp with its digits made alike: what is left is its format.
fn format_of(value: &Value) -> String {
    text(value).chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect()
}

/// The format of timestamps by default.
const NAIVE: &str = "0000-00-00T00:00:00.000000";
