//! Faults at the HTTP level: error responses, and responses that are changed or too short.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::answer::Answer;
use super::fault::{Effect, Fault};

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

    /// Sets a header of the server's own response, replacing any of that name: what a proxy adds or changes. Not one
    /// that frames the response.
    ///
    /// ```
    /// # use polyagent::sandbox::{Fault, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// sandbox.fault(Fault::set_header("x-ratelimit-remaining", "3").always())?;
    /// let response = sandbox.elephantasm().health().with_response().await?;
    /// assert_eq!(response.rate_limit().and_then(|limit| limit.remaining), Some(3));
    /// # Ok(()) }
    /// ```
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
        let answer = Answer::empty(known.unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
        let mut fault = Self::new(Effect::Answer(answer), false);
        fault.invalid = known.is_none().then(|| format!("{status} is not a response status"));
        fault
    }

    /// Adds a header to a [`status`](Self::status) fault; not one that frames the response.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match unframing(name, value) {
            Ok(header) => self.answer("takes a header", |answer| answer.headers.push(header)),
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
    /// The call is not processed, and [`Sandbox::requests`](super::Sandbox::requests) does not list it.
    ///
    /// ```
    /// # use polyagent::elephantasm::types::AnimaCreate;
    /// # use polyagent::sandbox::{Fault, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// sandbox.fault(Fault::status(413).html("<h1>Too large</h1>").early())?;
    /// let error = sandbox.elephantasm().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    /// assert_eq!(error.status().unwrap(), 413);
    /// assert!(sandbox.requests().is_empty());
    /// # Ok(()) }
    /// ```
    pub fn early(mut self) -> Self {
        self = self.answer("can be early", |_| ());
        self.early = true;
        self
    }

    fn body(self, content_type: &'static str, body: String) -> Self {
        self.answer("takes a body", |answer| {
            answer.headers.push((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
            answer.body = Bytes::from(body);
        })
    }

    fn answer(mut self, what: &str, change: impl FnOnce(&mut Answer)) -> Self {
        match &mut self.effect {
            Effect::Answer(answer) => change(answer),
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
