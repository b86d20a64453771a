//! Health of the server.

use http::StatusCode;
use serde_json::json;

use super::quirks::{Quirk, Quirks};
use super::stamp::{Form, Stamp};
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;

/// Always 200, degraded or not.
pub(super) fn get(quirks: Quirks, now: Micros) -> Answer {
    let (status, database) =
        if quirks.has(Quirk::Degraded) { ("degraded", "error: connection refused") } else { ("healthy", "connected") };
    let body = json!({"status": status, "timestamp": Stamp::new(now, Form::Plus), "checks": {"database": database}});
    Answer::json(StatusCode::OK, &body)
}
