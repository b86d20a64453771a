//! A response with an error status.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::Reason;
use super::call::{Attempt, CallRecord, call_accessors};
use super::decode::{Body, Head, Headers};
use super::field::FieldError;
use super::redact::{content_encoding, one_line, redacted};
use crate::config;
use crate::headers::{RateLimit, should_retry};
use crate::secret::Secret;

/// What a platform's dialect reads from an error response.
#[derive(Default)]
pub(crate) struct ErrorDetails {
    pub(crate) message: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) reason: Option<Reason>,
    pub(crate) request_id: Option<String>,
    pub(crate) field_errors: Vec<FieldError>,
    /// A wait that only the body states.
    pub(crate) retry_after: Option<Duration>,
    /// Sending the same again would fail again, whatever the status suggests.
    pub(crate) permanent: bool,
    /// The call is spelled for another generation of the server.
    pub(crate) other_generation: bool,
    /// The other fields of the error body, by name.
    pub(crate) others: serde_json::Map<String, Value>,
}

/// Without the other fields: they may hold anything that a server sends.
impl fmt::Debug for ErrorDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorDetails")
            .field("message", &self.message)
            .field("code", &self.code)
            .field("reason", &self.reason)
            .field("request_id", &self.request_id)
            .field("field_errors", &self.field_errors)
            .finish_non_exhaustive()
    }
}

impl ErrorDetails {
    /// Whether a body with a success status is an error all the same.
    pub(crate) fn is_error(&self) -> bool {
        let says = self.message.as_ref().is_some_and(|message| !message.is_empty());
        says || self.code.is_some() || self.reason.is_some() || !self.field_errors.is_empty()
    }

    /// Servers may echo the key in their messages; it is removed here.
    fn redact(&mut self, secret: Option<&Secret<String>>) {
        let clean = |text: &mut String| *text = one_line(&redacted(std::mem::take(text), secret), config::MAX_MESSAGE);
        [&mut self.message, &mut self.code, &mut self.request_id].into_iter().flatten().for_each(clean);
        for field in &mut self.field_errors {
            clean(&mut field.path);
            clean(&mut field.message);
            field.code.iter_mut().for_each(clean);
        }
        redact_map(&mut self.others, secret);
    }
}

fn redact_map(map: &mut serde_json::Map<String, Value>, secret: Option<&Secret<String>>) {
    let entries = std::mem::take(map).into_iter().map(|(name, mut value)| {
        redact_value(&mut value, secret);
        (redacted(name, secret), value)
    });
    *map = entries.collect();
}

fn redact_value(value: &mut Value, secret: Option<&Secret<String>>) {
    match value {
        Value::String(text) => *text = redacted(std::mem::take(text), secret),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, secret)),
        Value::Object(map) => redact_map(map, secret),
        _ => {}
    }
}

/// A response with an error status; payload of the variants of [`Error`](crate::Error) that are named after a status.
#[derive(Debug)]
pub struct ApiError {
    pub(super) head: Head,
    /// Taken out of `details`, on one line; empty if there is none.
    message: String,
    details: ErrorDetails,
    retry_after: Option<Duration>,
    permanent: bool,
    pub(super) record: CallRecord,
}

call_accessors!(ApiError);

impl ApiError {
    pub(crate) fn new(response: ErrorResponse, record: CallRecord, key: Option<&Secret<String>>) -> Box<Self> {
        let permanent = response.wants_retry() == Some(false);
        let ErrorResponse { status, headers, body, mut details, retry_after } = response;
        let body = Body(body);
        if details.message.is_none() {
            details.message = redirect_target(status, &headers).or_else(|| match content_encoding(&headers) {
                Some(encoding) if !body.0.is_empty() => Some(format!("{} bytes of {encoding}", body.0.len())),
                _ => body.excerpt(&record, key),
            });
        }
        details.redact(key);
        let message = details.message.take().unwrap_or_default();
        let mut head = Head::new(status, headers, body, key);
        // An id in the body, if there is one, is the platform's own.
        head.request_id = details.request_id.take().or(head.request_id);
        Box::new(Self { head, message, details, retry_after, permanent, record })
    }

    /// What the response consisted of, and the attempts up to it.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn into_response_parts(self) -> (StatusCode, Headers, Vec<Attempt>) {
        let Self { head: Head { status, headers, .. }, record: CallRecord { attempts, .. }, .. } = self;
        (status, headers, attempts)
    }

    /// Returns the response's status.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Returns the server's message, on one line; for a redirect that is not followed, its target. Empty if there is
    /// none.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the platform's own error code.
    pub fn code(&self) -> Option<&str> {
        self.details.code.as_deref()
    }

    /// Returns what the status alone cannot say.
    pub fn reason(&self) -> Option<Reason> {
        self.details.reason
    }

    /// Returns the server's request id, to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        self.head.request_id.as_deref()
    }

    /// Returns how long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the rate limit reported in the response headers.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::from_headers(self.headers())
    }

    /// Returns the values that the server rejected.
    pub fn field_errors(&self) -> &[FieldError] {
        &self.details.field_errors
    }

    /// Whether the server says that sending the same again would fail again.
    pub(crate) fn is_permanent(&self) -> bool {
        self.permanent
    }

    /// Returns another field of the error body, by the platform's own name: for a plan limit of Elephantasm, for
    /// example, `action`, `current_plan` and `upgrade_url`.
    pub fn detail(&self, name: &str) -> Option<&Value> {
        self.details.others.get(name)
    }

    /// Returns the response's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers.0
    }

    /// Returns the first 64 KiB of the raw body. It may echo what was sent.
    pub fn body(&self) -> &Bytes {
        &self.head.body.0
    }
}

/// Host and path of a redirect's target. Any other part of a URL can be a secret.
fn redirect_target(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    let location = headers.get(header::LOCATION).filter(|_| status.is_redirection())?.to_str().ok()?;
    match Url::parse(location) {
        Ok(url) if url.scheme().starts_with("http") => {
            Some(format!("redirects to {}{}", url.origin().ascii_serialization(), url.path()))
        }
        Ok(_) => None,
        Err(_) => Some(format!("redirects to {}", location.split(['?', '#']).next()?)),
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status())?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        write!(f, " ({}", self.record)?;
        if let Some(wait) = self.retry_after {
            write!(f, ", retry after {wait:?}")?;
        }
        if let Some(id) = self.request_id() {
            write!(f, ", request id {id}")?;
        }
        f.write_str(")")
    }
}

impl StdError for ApiError {}

/// A response with an error status, before it is an error of a call.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) details: ErrorDetails,
    pub(crate) retry_after: Option<Duration>,
}

impl ErrorResponse {
    /// Whether the server wants the call again, where it says so.
    pub(crate) fn wants_retry(&self) -> Option<bool> {
        if self.details.permanent { Some(false) } else { should_retry(&self.headers) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Error;
    use crate::secret::REDACTED;

    fn response(status: u16, body: &'static str, details: ErrorDetails) -> ErrorResponse {
        let status = StatusCode::from_u16(status).unwrap();
        let body = Bytes::from_static(body.as_bytes());
        ErrorResponse { status, headers: HeaderMap::new(), body, details, retry_after: None }
    }

    fn error(status: u16, body: &'static str, details: ErrorDetails) -> Error {
        let key = Secret::from("sk_live_0123");
        Error::from_api(ApiError::new(response(status, body, details), CallRecord::example(), Some(&key)))
    }

    #[test]
    fn each_status_has_its_variant_whatever_the_body_says() {
        for status in 300..=999 {
            let got = format!("{:#?}", error(status, "<html>", ErrorDetails::default()));
            let want = match status {
                400 => "BadRequest",
                401 => "Authentication",
                402 => "PaymentRequired",
                403 => "PermissionDenied",
                404 => "NotFound",
                409 => "Conflict",
                413 => "TooLarge",
                422 => "UnprocessableEntity",
                429 => "RateLimited",
                _ if (400..500).contains(&status) => "OtherClient",
                500..=599 => "Server",
                _ => "UnexpectedStatus",
            };
            assert!(got.starts_with(&format!("{want}(")), "{status}: {got}");
        }
    }

    #[test]
    fn display_is_one_line_with_status_message_and_call() {
        let details = ErrorDetails { message: Some("Anima 1\nnot found".to_owned()), ..ErrorDetails::default() };
        assert_eq!(
            error(404, "{}", details).to_string(),
            "404 Not Found: Anima 1 not found (GET https://host/api/animas/1?limit=…)"
        );
        assert_eq!(
            error(502, "<html>\n<h1>502</h1>", ErrorDetails::default()).to_string(),
            "502 Bad Gateway: `<html> <h1>502</h1>` (GET https://host/api/animas/1?limit=…)"
        );
        assert_eq!(
            error(401, "", ErrorDetails::default()).to_string(),
            "401 Unauthorized (GET https://host/api/animas/1?limit=…)"
        );
    }

    #[test]
    fn a_redirect_tells_host_and_path_of_where_it_leads() {
        let told = |location: &str| {
            let headers = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
            redirect_target(StatusCode::FOUND, &headers)
        };
        assert_eq!(told("https://user:hunter2@host/a/b?key=hunter2#x").unwrap(), "redirects to https://host/a/b");
        assert_eq!(told("/login?next=hunter2").unwrap(), "redirects to /login");
        assert_eq!(told("data:text/html,hunter2"), None);
    }

    #[test]
    fn a_key_that_the_server_echoes_is_redacted_everywhere() {
        let details = ErrorDetails {
            message: Some("bad key sk_live_0123".to_owned()),
            code: Some("sk_live_0123".to_owned()),
            request_id: Some("r-sk_live_0123".to_owned()),
            field_errors: vec![FieldError {
                path: "header.sk_live_0123".to_owned(),
                code: Some("sk_live_0123".to_owned()),
                message: "sk_live_0123?".to_owned(),
            }],
            others: json!({"a": ["sk_live_0123"], "b": {"sk_live_0123": 1}}).as_object().unwrap().clone(),
            ..ErrorDetails::default()
        };
        let detailed = error(401, "sk_live_0123", details);
        let plain = error(500, "no details, but sk_live_0123", ErrorDetails::default());
        let others = format!("{:?} {:?}", detailed.api().unwrap().detail("a"), detailed.api().unwrap().detail("b"));
        assert!(!others.contains("0123"), "{others}");
        for error in [detailed, plain] {
            let shown = format!("{error} {error:?} {error:#?} {}", error.message());
            assert!(!shown.contains("0123"), "{shown}");
            assert!(shown.contains(REDACTED), "{shown}");
        }
    }

    #[test]
    fn display_names_the_wait_and_a_spent_retry_budget() {
        let limited = |wait: Option<Duration>, spent: bool| {
            let details = ErrorDetails { message: Some("Slow down".to_owned()), ..ErrorDetails::default() };
            let mut record = CallRecord::example();
            record.attempts.push(Attempt { retry_budget_spent: spent, ..Attempt::example() });
            let response = ErrorResponse { retry_after: wait, ..response(429, "{}", details) };
            Error::from_api(ApiError::new(response, record, None)).to_string()
        };
        let call = "429 Too Many Requests: Slow down (GET https://host/api/animas/1?limit=…";
        assert_eq!(limited(None, false), format!("{call})"));
        assert_eq!(limited(Some(Duration::from_secs(3)), false), format!("{call}, retry after 3s)"));
        assert_eq!(
            limited(Some(Duration::from_millis(250)), true),
            format!("{call}, not retried: the retry budget is spent, retry after 250ms)")
        );
    }

    #[test]
    fn an_id_in_the_body_comes_before_one_in_a_header() {
        let id = |in_body: Option<&str>, headers: &[(&'static str, &'static str)]| {
            let details = ErrorDetails { request_id: in_body.map(str::to_owned), ..ErrorDetails::default() };
            let mut response = response(500, "{}", details);
            response.headers = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
            let error = Error::from_api(ApiError::new(response, CallRecord::example(), None));
            assert_eq!(error.to_string().contains(", request id "), error.request_id().is_some());
            error.request_id().map(str::to_owned)
        };
        assert_eq!(id(None, &[]), None);
        assert_eq!(id(Some("body"), &[]).as_deref(), Some("body"));
        assert_eq!(id(None, &[("request-id", "plain")]).as_deref(), Some("plain"));
        assert_eq!(id(None, &[("request-id", "plain"), ("x-request-id", "x")]).as_deref(), Some("x"));
        assert_eq!(id(Some("body"), &[("request-id", "plain"), ("x-request-id", "x")]).as_deref(), Some("body"));
    }

    #[test]
    fn a_json_text_or_list_is_no_message() {
        for body in ["\"sk_new_key\"", "[\"sk_new_key\"]", "{\"key\":\"sk_new_key\"}", " \n\"sk_new_key\""] {
            assert_eq!(error(500, body, ErrorDetails::default()).message(), "", "{body}");
        }
        assert_eq!(error(500, "sk_new_key", ErrorDetails::default()).message(), "`sk_new_key`", "the probe can fail");
    }
}
