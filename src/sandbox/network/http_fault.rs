//! Faults at the HTTP level: error responses, responses that are changed or too short, live bodies that lose frames.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::fault::{Effect, Fault};

/// The response of a [`Fault::status`].
#[derive(Clone, Debug)]
pub(super) struct Canned {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

impl Canned {
    /// Whether its status allows no body.
    pub(super) fn is_bodiless(&self) -> bool {
        matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

/// HTTP-level faults.
impl Fault {
    /// Truncates the response's body to `bytes` bytes, at most all but the last one, with a matching length:
    /// well-formed HTTP, broken JSON. A response without a body ends within its head.
    pub fn truncate(bytes: usize) -> Self {
        Self::new(Effect::Truncate(bytes), true)
    }

    /// Changes one byte of the response's body, the `at`-th one, counted from 0, or the last one if the body is
    /// shorter: an error that TCP's checksum missed, or a proxy's bug. The length stays the same.
    pub fn corrupt_body_at(at: usize) -> Self {
        Self::new(Effect::Corrupt(at), true)
    }

    /// Loses some frames of a live body, such as events of a stream: `count` ones from the `first` on, counted from 1.
    pub fn drop_frames(first: usize, count: usize) -> Self {
        let mut fault = Self::new(Effect::DropFrames(first, count), true);
        fault.invalid = (first == 0).then(|| "frames are counted from 1".to_owned());
        fault
    }

    /// Ends a live body after this many frames, as if it were complete: a proxy's time limit, or a deployment.
    pub fn end_after_frames(frames: usize) -> Self {
        Self::new(Effect::EndAfter(frames), true)
    }

    /// Sets a header of the server's own response, replacing any of that name: what a proxy adds or changes. Not one
    /// that frames the response.
    pub fn set_header(name: &str, value: &str) -> Self {
        match unframing(name, value) {
            Ok((name, value)) => Self::new(Effect::Header(name, value), true),
            Err(reason) => {
                let mut fault = Self::new(Effect::Undamaged, true);
                fault.invalid = Some(reason);
                fault
            }
        }
    }

    /// Rejects the call with this status and an empty body, without processing it. Set a body with
    /// [`text`](Self::text), [`html`](Self::html) or [`json`](Self::json).
    pub fn status(status: u16) -> Self {
        let known = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
        let status = known.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let reply = Canned { status, headers: Vec::new(), body: Bytes::new() };
        let mut fault = Self::new(Effect::Respond(reply), false);
        fault.invalid = known.is_none().then(|| format!("{status} is not a response status"));
        fault
    }

    /// Adds a header to a [`status`](Self::status) fault; not one that frames the response.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match unframing(name, value) {
            Ok(header) => self.respond("takes a header", |reply| reply.headers.push(header)),
            Err(reason) => {
                self.invalid = Some(reason);
                self
            }
        }
    }

    /// Sets a plain-text body of a [`status`](Self::status) fault.
    pub fn text(self, body: impl Into<String>) -> Self {
        self.body("text/plain; charset=utf-8", body.into())
    }

    /// Sets an HTML body of a [`status`](Self::status) fault, as proxies send it.
    pub fn html(self, body: impl Into<String>) -> Self {
        self.body("text/html", body.into())
    }

    /// Sets a JSON body of a [`status`](Self::status) fault.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends the response of a [`status`](Self::status) fault before the body of the request is read, like a proxy that
    /// finds it too large. A client that is still writing may find the connection gone before it has read the response.
    /// The call is not processed, and [`Sandbox::requests`](crate::sandbox::Sandbox::requests) does not list it.
    pub fn early(mut self) -> Self {
        self = self.respond("can be early", |_| ());
        self.early = true;
        self
    }

    fn body(self, content_type: &'static str, body: String) -> Self {
        self.respond("takes a body", |reply| {
            reply.headers.push((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
            reply.body = Bytes::from(body);
        })
    }

    fn respond(mut self, what: &str, change: impl FnOnce(&mut Canned)) -> Self {
        match &mut self.effect {
            Effect::Respond(reply) => change(reply),
            _ => self.invalid = Some(format!("only `Fault::status` {what}")),
        }
        self
    }
}

/// A header that does not frame the response.
fn unframing(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    const FRAMING: [HeaderName; 3] = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION];
    let (Ok(parsed), Ok(content)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
        return Err(format!("{name:?} with the value {value:?} is not a valid header"));
    };
    if FRAMING.contains(&parsed) {
        return Err(format!("{parsed} frames the response; `Fault::raw` writes any bytes"));
    }
    Ok((parsed, content))
}
