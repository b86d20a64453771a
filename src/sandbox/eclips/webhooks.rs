//! Webhooks: registration, and the deliveries that are sent to them.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Call, RUNS, Settings, WEBHOOKS};
use crate::Secret;
use crate::sandbox::clock::TimeFormat;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::outgoing::Outgoing;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, Table, object, text};
use crate::sandbox::{Tenant, ids};
use crate::webhook::Signers;

/// Deliveries that are to be sent: `url`, `secret`, `event`, `time`, `body`.
static DUE: Table = Table::new("deliveries", "Delivery");
/// One object: the secret of receivers that are not registered.
static SECRET: Table = Table::new("secret", "Secret");
const SECRET_ID: &str = "secret";

pub(super) fn open(world: &mut World<'_, Settings>) {
    world.store.insert(&SECRET, object(json!({"id": SECRET_ID, "secret": new_secret()})));
}

fn new_secret() -> String {
    ids::prefixed("whsec_", 32)
}

/// Completes a new webhook.
#[allow(clippy::unnecessary_wraps, reason = "it stands where others refuse")]
pub(super) fn new(_: &mut Call<'_>, webhook: &mut Object) -> Result<(), ErrorReply> {
    webhook.extend(object(json!({"secret": new_secret(), "active": true})));
    Ok(())
}

/// In the order of the documented body.
#[derive(Serialize)]
struct Body<'a> {
    event: &'a str,
    run_id: &'a str,
    agent_type: &'a Value,
    organization_id: &'a Value,
    timestamp: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    output: &'a Value,
    confidence_score: &'a Value,
    requires_triage: bool,
    triage_item_id: &'a Value,
    error: &'a Value,
}

/// Makes deliveries of an event of a run due.
pub(super) fn emit(world: &mut World<'_, Settings>, run_id: &str, event: &str) {
    let Some(run) = world.store.get(&RUNS, run_id).cloned() else { return };
    let (time, none) = (TimeFormat::MILLIS.text(world.now), Value::Null);
    let of = |name: &str| run.get(name).unwrap_or(&none);
    let waits = event == "run.triage_required";
    let body = Body {
        event,
        run_id,
        agent_type: of("agent_type"),
        organization_id: of("organization_id"),
        timestamp: &time,
        data: Data {
            output: of("result"),
            confidence_score: of("confidence_score"),
            requires_triage: waits,
            triage_item_id: if waits { of("triage_item_id") } else { &none },
            error: of("error"),
        },
    };
    let body = serde_json::to_string(&body).unwrap_or_default();
    let subscribed = |webhook: &&Object| {
        webhook.get("events").and_then(Value::as_array).is_some_and(|events| events.iter().any(|name| name == event))
    };
    let receiver = |row: &Object| Some((text(row, "url")?.to_owned(), text(row, "secret")?.to_owned()));
    let mut receivers: Vec<_> = world.store.rows(&WEBHOOKS).filter(subscribed).filter_map(receiver).collect();
    if let (Some(url), Some(secret)) = (text(&run, "webhook_url"), own_secret(world)) {
        receivers.push((url.to_owned(), secret));
    }
    for (url, secret) in receivers {
        let due = json!({"url": url, "secret": secret, "event": event, "time": time, "body": body});
        world.store.insert(&DUE, object(due));
    }
}

fn own_secret(world: &World<'_, Settings>) -> Option<String> {
    text(world.store.get(&SECRET, SECRET_ID)?, "secret").map(str::to_owned)
}

/// Takes what is due.
pub(super) fn outgoing(world: &mut World<'_, Settings>) -> Vec<Outgoing> {
    let due: Vec<Object> = world.store.rows(&DUE).cloned().collect();
    world.store.remove_all(&DUE, |_| true);
    let times = world.platform.deliveries as usize + 1;
    due.iter().filter_map(delivery).flat_map(|delivery| std::iter::repeat_n(delivery, times)).collect()
}

fn delivery(due: &Object) -> Option<Outgoing> {
    let body = text(due, "body")?.as_bytes().to_vec();
    let mut signers = Signers::none();
    signers.add(text(due, "secret")?.as_bytes()).ok()?;
    let hex = signers.sign(&[&body])?.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("x-eclips-event", text(due, "event")?),
        ("x-eclips-timestamp", text(due, "time")?),
        ("x-eclips-signature", &format!("sha256={hex}")),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
    }
    Some(Outgoing { url: text(due, "url")?.to_owned(), headers, body: body.into() })
}

impl Tenant {
    /// Returns the secret that signs what eClips delivers to the `webhook_url` of a run.
    pub fn eclips_webhook_secret(&self) -> Secret<String> {
        let secret = self.shared.platforms.eclips.with(self.name(), |world| own_secret(world));
        Secret::new(secret.flatten().unwrap_or_default())
    }
}
