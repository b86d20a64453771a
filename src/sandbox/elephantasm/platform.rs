//! Request handling: route, key, rate limit, validation, handler.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use super::account::Account;
use super::api_keys::{ApiKey, secret};
use super::call::{Call, Scene};
use super::handlers::handler;
use super::plan::Plan;
use super::quirks::{Quirk, Quirks};
use super::scalars::Wrong;
use super::validation::{self, Validator, Violation};
use super::{health, json_error, refusal};
use crate::Secret;
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::document::{Operation, Route};

/// A number of calls of one tenant within a period.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox) struct RateLimit {
    pub(in crate::sandbox) calls: usize,
    pub(in crate::sandbox) per: Duration,
}

/// The platform with all its tenants.
#[derive(Debug)]
pub(in crate::sandbox) struct Platform {
    quirks: Quirks,
    plan: Plan,
    rate: Option<RateLimit>,
    accounts: Vec<Account>,
}

impl Platform {
    pub(in crate::sandbox) fn new(quirks: Quirks, plan: Plan, rate: Option<RateLimit>) -> Self {
        Self { quirks, plan, rate, accounts: Vec::new() }
    }

    /// Returns the key of a tenant, creating the tenant if necessary, with `key` or a new one.
    pub(in crate::sandbox) fn tenant(
        &mut self,
        name: &str,
        key: Option<Secret<String>>,
        now: Micros,
    ) -> Secret<String> {
        if let Some(account) = self.accounts.iter().find(|account| account.name == name) {
            return account.first_key.clone();
        }
        let key = key.unwrap_or_else(secret);
        let record = ApiKey::new("sandbox", None, key.clone(), now);
        self.accounts.push(Account::new(name, self.plan.clone(), record));
        key
    }

    pub(super) fn account(&mut self, name: &str) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.name == name)
    }

    pub(in crate::sandbox) fn answer(&mut self, route: &Route, head: &Parts, body: &Bytes, now: Micros) -> Answer {
        self.refuse_or_answer(route, head, body, now).unwrap_or_else(|refusal| refusal)
    }

    fn refuse_or_answer(&mut self, route: &Route, head: &Parts, body: &Bytes, now: Micros) -> Result<Answer, Answer> {
        let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let public = self.quirks.has(Quirk::PublicHost) || host.contains("api.elephantasm.com");
        if public && !is_public(head.uri.path()) {
            return Err(refusal::hidden());
        }
        let (operation, path) = match route {
            Route::Operation(operation, path) => (operation, path),
            Route::OtherMethods(methods) => return Err(refusal::wrong_method(methods)),
            Route::Slash(path) => {
                let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
                return Err(refusal::redirect(&format!("http://{host}{path}{query}")));
            }
            Route::Nowhere => return Err(refusal::no_route()),
        };
        if !operation.auth {
            return Ok(health::get(self.quirks, now));
        }
        let handler = handler(&operation.id).filter(|_| self.has_route(operation)).ok_or_else(refusal::no_route)?;
        let (account, key) = self.authenticate(&head.headers).ok_or_else(refusal::unauthorized)?;
        let organization = head.headers.get("x-organization-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        let others_organization = self
            .accounts
            .iter()
            .enumerate()
            .any(|(index, other)| index != account && other.organization_id.eq_ignore_ascii_case(organization));
        let account = &mut self.accounts[account];
        account.keys[key].used(now);
        if let Some(RateLimit { calls, per }) = self.rate
            && account.is_over_rate(calls, per, Instant::now())
        {
            return Err(refusal::rate_limited(&format!("{calls} per {} second", per.as_secs_f64()), self.quirks));
        }
        let call = read(operation, path, head, body)?;
        // The server ignores values that it does not know.
        let known = || call.query.values().chain([&call.body]);
        if self.quirks.has(Quirk::UncheckedValuesFail) && known().any(has_nul) {
            return Err(refusal::server_error());
        }
        handler(&mut Scene { account, others_organization, quirks: self.quirks, now }, &call)
    }

    fn has_route(&self, operation: &Operation) -> bool {
        match operation.id.as_str() {
            "elephantasm_get_usage" => !self.quirks.has(Quirk::NoUsageRoute),
            "elephantasm_query" => !self.quirks.has(Quirk::NoQueryRoute),
            _ => true,
        }
    }

    /// The account and the index of its key. `Bearer` is case-sensitive.
    fn authenticate(&self, headers: &HeaderMap) -> Option<(usize, usize)> {
        let secret = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        self.accounts.iter().enumerate().find_map(|(index, account)| {
            let key = account.keys.iter().position(|key| key.is_active && key.secret.expose() == secret)?;
            Some((index, key))
        })
    }
}

/// Whether the public host serves a path, with any method.
fn is_public(path: &str) -> bool {
    let Some(path) = path.strip_prefix("/api/") else { return false };
    let segments: Vec<&str> = path.split('/').collect();
    matches!(
        segments[..],
        ["health" | "events" | "animas" | "query"]
            | ["animas", _]
            | ["animas", _, "memory-packs", "latest"]
            | ["subscriptions", "usage"]
            | ["memories" | "knowledge", "search", "semantic"]
            | ["knowledge", "type", _]
            | ["identities", "anima", _]
    )
}

/// Validates all values of a request.
fn read(operation: &Operation, path: &[(String, String)], head: &Parts, body: &Bytes) -> Result<Call, Answer> {
    let path = path.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    // If a value is given twice, the last one counts.
    let query = head.uri.query().unwrap_or_default();
    let sent_query: Map<String, Value> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), json!(value))).collect();
    let mut validator = Validator::new(&operation.id);
    let path = validator.parameters("path", &operation.path_parameters, &path);
    let query = validator.parameters("query", &operation.query, &sent_query);
    let (mut sent, mut read) = (Value::Null, Value::Null);
    if let Some(schema) = &operation.body {
        match read_body(&head.headers, body)? {
            None => validator.violations.push(Violation::missing(vec![json!("body")], Value::Null)),
            Some(value) => {
                read = validator.body(schema, &value);
                sent = value;
            }
        }
    }
    if !validator.violations.is_empty() {
        return Err(validation::refusal(&validator.violations));
    }
    Ok(Call { path, query, body: read, sent_query, sent, headers: head.headers.clone() })
}

/// The body as JSON; as text if it has another content type; `None` if it is empty.
fn read_body(headers: &HeaderMap, body: &Bytes) -> Result<Option<Value>, Answer> {
    if body.is_empty() {
        return Ok(None);
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(refusal::bad_request("There was an error parsing the body"));
    };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|content_type| !is_json(content_type)) {
        return Ok(Some(json!(text)));
    }
    serde_json::from_str(text).map(Some).map_err(|_| {
        let (at, reason) = json_error::find(text).unwrap_or((0, "Expecting value"));
        let mut wrong = Wrong::new("json_invalid", "JSON decode error");
        wrong.context = Some(json!({"error": reason}));
        validation::refusal(&[Violation::new(wrong, &[json!("body"), json!(at)], &json!({}))])
    })
}

/// `application/json`, `application/problem+json`, with or without parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// Whether `value` has U+0000, which the database cannot store.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_host_serves_a_list_of_paths() {
        for path in [
            "/api/health",
            "/api/events",
            "/api/animas",
            "/api/animas/search",
            "/api/animas/x",
            "/api/animas/x/memory-packs/latest",
            "/api/subscriptions/usage",
            "/api/memories/search/semantic",
            "/api/knowledge/search/semantic",
            "/api/knowledge/type/FACT",
            "/api/identities/anima/x",
            "/api/query",
        ] {
            assert!(is_public(path), "{path}");
        }
        for path in [
            "/api/events/x",
            "/api/memories",
            "/api/animas/x/stats",
            "/api/api-keys",
            "/api/animas/x/memory-packs",
            "/health",
        ] {
            assert!(!is_public(path), "{path}");
        }
    }
}
