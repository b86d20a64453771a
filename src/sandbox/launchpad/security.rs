//! Scans and security events.

use serde_json::{Value, json};

use super::{AGENTS, Call, EVENTS, SCANS, Settings, text_of};
use crate::sandbox::clock::{parse, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object};

/// Adds an event.
pub(super) fn note(world: &mut World<'_, Settings>, kind: &str, severity: &str, agent: Option<&str>, message: &str) {
    let event = json!({
        "type": kind, "severity": severity, "agentId": agent, "message": message, "timestamp": stored(world.now),
        "details": {},
    });
    world.store.insert(&EVENTS, object(event));
}

pub(super) fn scan(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    call.find(&AGENTS, &id)?;
    let mut scan = object(json!({"agentId": id, "status": "RUNNING", "results": null, "scannedAt": null}));
    if !call.platform.slow_scans {
        end(&mut scan, &stored(call.now));
    }
    Ok(call.store.insert(&SCANS, scan).clone().into())
}

fn end(scan: &mut Object, now: &str) {
    scan.extend(object(json!({
        "status": "COMPLETED",
        "results": {
            "passed": true,
            "vulnerabilities": {"critical": 0, "high": 0, "medium": 2, "low": 7},
            "recommendations": ["refresh the base image"],
        },
        "scannedAt": now,
    })));
}

/// The last scan of an agent, which has ended by now.
pub(super) fn last_scan(call: &mut Call<'_>) -> Outcome<Settings> {
    let (id, now) = (call.id().to_owned(), stored(call.now));
    call.find(&AGENTS, &id)?;
    let scan = call.store.rows_mut(&SCANS).rev().find(|scan| text_of(scan, "agentId") == id);
    let scan = scan.ok_or_else(|| ErrorReply::not_found(SCANS.kind, id))?;
    if text_of(scan, "status") == "RUNNING" {
        end(scan, &now);
    }
    Ok(scan.clone().into())
}

/// The newest events first.
pub(super) fn events(call: &mut Call<'_>) -> Outcome<Settings> {
    let since = call.text("since").and_then(parse);
    let wanted = |event: &&Object| {
        let is = |name: &str, field: &str| {
            call.text(name).is_none_or(|wanted| text_of(event, field).eq_ignore_ascii_case(wanted))
        };
        is("severity", "severity")
            && is("event_type", "type")
            && since.is_none_or(|since| parse(text_of(event, "timestamp")).is_some_and(|at| at >= since))
    };
    let all: Vec<Value> = call.store.rows(&EVENTS).rev().filter(wanted).cloned().map(Value::Object).collect();
    let limit = call.count("limit").unwrap_or(50);
    Ok(json!({"total": all.len(), "events": all.into_iter().take(limit).collect::<Vec<_>>()}).into())
}
