//! The verification of what webhooks are sent.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::types::WebhookEvent;
use crate::config::eclips as defaults;
use crate::webhook::{Signers, WebhookError, within};
use crate::{Error, Secret, Timestamp};

const SIGNATURE: &str = "x-eclips-signature";
const EVENT: &str = "x-eclips-event";
const TIMESTAMP: &str = "x-eclips-timestamp";

/// Verifies what webhooks are sent, and reads it.
///
/// The signature covers the bytes of the body and nothing else: pass the body exactly as it was received, before any
/// JSON parser. The sender waits 10 s for a 2xx: respond first and work later. Whether it sends an event again is not
/// documented; skip what has a [`dedupe_key`](WebhookEvent::dedupe_key) that you have seen.
///
/// ```
/// use std::time::Duration;
/// use polyagent::HeaderMap;
/// use polyagent::eclips::webhooks::Verifier;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let verifier = Verifier::new("demo-secret-not-real")?.tolerance(Duration::from_secs(300));
/// # let (headers, body) = (HeaderMap::new(), b"");
/// match verifier.verify(&headers, body) {
///     Ok(event) => println!("{} of run {}", event.event, event.run_id),
///     Err(error) => println!("respond with 401: {error}"),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    signers: Signers,
    tolerance: Option<Duration>,
    compares_headers: bool,
    max_body: usize,
}

impl Verifier {
    /// Creates a verifier with the secret of [`Webhooks::create`](super::Webhooks::create).
    ///
    /// # Errors
    /// [`Error::Config`] if the secret is empty, or has white space around it, which no secret has.
    pub fn new(secret: impl Into<Secret<String>>) -> Result<Self, Error> {
        let verifier =
            Self { signers: Signers::none(), tolerance: None, compares_headers: true, max_body: defaults::MAX_EVENT };
        verifier.or_secret(secret)
    }

    /// Accepts deliveries that are signed with another secret too: while a webhook is replaced, or for several
    /// webhooks with one receiver.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn or_secret(mut self, secret: impl Into<Secret<String>>) -> Result<Self, Error> {
        let secret = secret.into();
        let secret = secret.expose();
        if secret.trim().len() != secret.len() {
            return Err(Error::config("the webhook secret has white space around it"));
        }
        self.signers.add(secret.as_bytes())?;
        Ok(self)
    }

    /// Rejects what was sent longer ago than `tolerance`, or from as far in the future, by the timestamp in the signed
    /// body. By default the time is not looked at; 5 minutes are usual.
    ///
    /// An event that is sent again keeps its timestamp, as far as is known; a short tolerance may therefore reject an
    /// event that is new to you.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Sets whether the headers `X-eClips-Event` and `X-eClips-Timestamp`, which are not signed, must say what the body
    /// says if they are there. Default: true.
    #[must_use]
    pub fn compare_headers(mut self, compare: bool) -> Self {
        self.compares_headers = compare;
        self
    }

    /// Sets the largest body that is read, in bytes. Default: 16 MiB.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Verifies a delivery, and returns its event.
    ///
    /// # Errors
    /// Any variant of [`WebhookError`]. The signature is checked before anything else of the body is read.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<WebhookEvent, WebhookError> {
        self.verify_at(headers, body, Timestamp::now())
    }

    /// Verifies the signature only, given the value of the header `X-eClips-Signature`; for frameworks with other types
    /// of headers, and bodies to be read in another way.
    ///
    /// # Errors
    /// A [`WebhookError`] about size or signature.
    pub fn verify_signature(&self, signature: impl AsRef<[u8]>, body: &[u8]) -> Result<(), WebhookError> {
        if body.len() > self.max_body {
            return Err(WebhookError::TooLarge { limit: self.max_body });
        }
        let signature = signature.as_ref();
        let hex = signature.strip_prefix(b"sha256=").ok_or(WebhookError::MalformedSignature)?;
        let signature = from_hex(hex).ok_or(WebhookError::MalformedSignature)?;
        if self.signers.signed(&[body], &signature) { Ok(()) } else { Err(WebhookError::WrongSignature) }
    }

    fn verify_at(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<WebhookEvent, WebhookError> {
        let mut signatures = headers.get_all(SIGNATURE).iter();
        match (signatures.next(), signatures.next()) {
            (None, _) => return Err(WebhookError::Unsigned),
            (Some(signature), None) => self.verify_signature(signature, body)?,
            (Some(_), Some(_)) => return Err(WebhookError::MalformedSignature),
        }
        let event: WebhookEvent = serde_json::from_slice(body).map_err(WebhookError::InvalidBody)?;
        if self.compares_headers {
            agree(headers, EVENT, |name| name == event.event.as_str())?;
            agree(headers, TIMESTAMP, |time| event.timestamp.is_some() && time.parse().ok() == event.timestamp)?;
        }
        match (self.tolerance, event.timestamp) {
            (Some(tolerance), Some(sent)) => within(tolerance, sent, now)?,
            (Some(_), None) => return Err(WebhookError::Undated),
            (None, _) => {}
        }
        Ok(event)
    }
}

/// Checks that each header of that name, if there is any, agrees with the signed body.
fn agree(headers: &HeaderMap, header: &'static str, body_says: impl Fn(&str) -> bool) -> Result<(), WebhookError> {
    let agrees = |value: &http::HeaderValue| value.to_str().is_ok_and(|value| body_says(value.trim()));
    if headers.get_all(header).iter().all(agrees) { Ok(()) } else { Err(WebhookError::Contradiction { header }) }
}

/// 32 bytes from 64 digits, in upper or lower case.
fn from_hex(hex: &[u8]) -> Option<[u8; 32]> {
    let (pairs, rest) = hex.as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

impl WebhookEvent {
    /// Returns what identifies the event, as it has no id of its own: run, kind and time. A delivery that is repeated
    /// has the same.
    pub fn dedupe_key(&self) -> String {
        let time = self.timestamp.map(|time| time.to_string()).unwrap_or_default();
        format!("{} {} {time}", self.run_id, self.event)
    }

    /// Returns the result of a completed run; [`Run::output`](super::types::Run::output) is the same.
    pub fn output(&self) -> Option<&Value> {
        self.data.output.as_ref()
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
