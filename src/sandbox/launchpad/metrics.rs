//! Metrics and health: they follow from the agents and the clock.

use http::StatusCode;
use serde_json::{Value, json};

use super::{AGENTS, Call, Settings, logs, text_of};
use crate::sandbox::clock::{Micros, parse, stored};
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::reply::Reply;
use crate::sandbox::store::Object;

const GIB: i64 = 1 << 30;

/// How long an agent has been live.
pub(super) fn seconds_live(agent: &Object, now: Micros) -> i64 {
    let since = parse(text_of(agent, "deployedAt")).filter(|_| text_of(agent, "status") == "DEPLOYED");
    since.map_or(0, |since| now.saturating_sub(since) / 1_000_000)
}

/// What an agent uses, as later versions say it.
pub(super) fn usage(agent: &Object, now: Micros) -> Value {
    let seconds = seconds_live(agent, now);
    json!({
        "cpu_usage": 20.0, "memory_usage": 256.0, "memory_limit": 512.0,
        "network_rx": seconds * 90, "network_tx": seconds * 70,
        "requests_per_minute": 24.0, "error_rate": 0.1, "uptime": seconds,
    })
}

pub(super) fn of_agent(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let agent = call.find(&AGENTS, &id)?;
    let seconds = seconds_live(agent, call.now);
    let replicas = agent["_ready"].as_i64().unwrap_or_default();
    let (requests, lines) = (seconds * 2 / 5, logs::count(call, &id));
    let metrics = json!({
        "cpu": {"usage": 0.2 * f64::from(i32::try_from(replicas).unwrap_or_default()), "limit": 0.5, "percentage": 40.0},
        "memory": {"usage": replicas * (GIB / 4), "limit": replicas * (GIB / 2), "percentage": 50.0},
        "network": {"bytesIn": seconds * 90, "bytesOut": seconds * 70 + i64::try_from(lines).unwrap_or_default()},
        "requests": {"total": requests, "success": requests - requests / 10, "errors": requests / 10, "rate": 0.4},
    });
    Ok(json!({"agentId": id, "metrics": metrics, "timestamp": stored(call.now)}).into())
}

/// The numbers of all agents, of those that are live, and of those that failed.
fn counts(call: &Call<'_>) -> (usize, usize, usize) {
    let with = |status: &str| call.store.rows(&AGENTS).filter(|agent| text_of(agent, "status") == status).count();
    (call.store.rows(&AGENTS).count(), with("DEPLOYED"), with("FAILED"))
}

pub(super) fn of_system(call: &mut Call<'_>) -> Outcome<Settings> {
    let (all, live, failed) = counts(call);
    let ended = f64::from(u32::try_from(live + failed).unwrap_or(u32::MAX));
    let rate = if ended > 0.0 { 100.0 * f64::from(u32::try_from(live).unwrap_or(u32::MAX)) / ended } else { 100.0 };
    let capacity = |total: i64| json!({"total": total * GIB, "used": total * GIB / 4, "percentage": 25.0});
    let said = json!({
        "system": {
            "totalAgents": all, "runningAgents": live, "failedAgents": failed,
            "deployments": {"successful": live, "failed": failed, "successRate": rate},
        },
        "resources": {
            "cpu": {"total": 8.0, "used": 2.0, "percentage": 25.0},
            "memory": capacity(32), "storage": capacity(100),
        },
        "timestamp": stored(call.now),
    });
    Ok(said.into())
}

pub(super) fn of_host(call: &mut Call<'_>) -> Outcome<Settings> {
    let (all, live, failed) = counts(call);
    let said = json!({
        "system": {"cpu_usage": 25.0, "memory_usage": 40.0, "disk_usage": 10.0, "network_rx": 900.0, "network_tx": 700.0},
        "containers": {"total": all, "running": live, "stopped": 0, "failed": failed},
        "agents": {"total": all, "active": live, "deploying": all - live - failed, "failed": failed},
        "performance": {"average_response_time": "45ms", "requests_per_minute": 12.0, "error_rate": 0.01},
    });
    Ok(said.into())
}

pub(super) fn health(call: &mut Call<'_>) -> Outcome<Settings> {
    let (_, live, _) = counts(call);
    let (status, database) = match call.platform.unhealthy {
        Some(_) => ("UNHEALTHY", "UNHEALTHY"),
        None => ("HEALTHY", "HEALTHY"),
    };
    let said = json!({
        "status": status, "timestamp": stored(call.now), "version": "1.0.0",
        "components": {
            "database": {"status": database, "responseTime": "3ms", "connections": 4},
            "kubernetes": {"status": "HEALTHY", "nodes": 3, "pods": live},
            "redis": {"status": "HEALTHY", "memory": "45MB", "connections": 2},
            "registry": {"status": "HEALTHY", "available": true},
        },
    });
    match call.platform.unhealthy.and_then(|status| StatusCode::from_u16(status).ok()) {
        Some(status) if status != StatusCode::OK => Ok(Output::Reply(Reply::json(status, &said))),
        _ => Ok(said.into()),
    }
}
