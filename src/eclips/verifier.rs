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
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::super::types::WebhookEventType;
    use super::*;

    const SECRET: &str = "demo-secret-not-real";
    const BODY: &str = r#"{"event":"run.completed","run_id":"run_0f9e8d7c","agent_type":"ap_specialist","organization_id":"org_demo","timestamp":"2026-07-01T12:00:00.000Z","data":{"output":{"ok":true},"confidence_score":0.91,"requires_triage":false,"triage_item_id":null,"error":null}}"#;
    const SIGNED: &str = "sha256=8857e8ba5eb15eea2fc7e864ff0010fa14aeb006560be19ad634fba256d886db";
    const UPPER: &str = "sha256=8857E8BA5EB15EEA2FC7E864FF0010FA14AEB006560BE19AD634FBA256D886DB";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn verifier() -> Verifier {
        Verifier::new(SECRET).unwrap()
    }

    fn verify(signature: &str, body: &[u8]) -> Result<WebhookEvent, WebhookError> {
        verifier().verify(&headers(&[(SIGNATURE, signature)]), body)
    }

    /// Signs what is not in the sheet; the vectors above and those of `webhook.rs` pin the algorithm.
    fn signed(body: &str) -> String {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes.iter().fold("sha256=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn the_documented_delivery_is_accepted_and_read() {
        assert_eq!(BODY.len(), 259);
        assert_eq!(signed(BODY), SIGNED);
        let event = verify(SIGNED, BODY.as_bytes()).unwrap();
        assert_eq!((event.event.clone(), event.run_id.as_str()), (WebhookEventType::RunCompleted, "run_0f9e8d7c"));
        assert_eq!(
            (event.agent_type.as_deref(), event.organization_id.as_deref()),
            (Some("ap_specialist"), Some("org_demo"))
        );
        assert_eq!(event.output(), Some(&json!({"ok": true})));
        assert_eq!((event.data.confidence_score, event.data.requires_triage), (Some(0.91), Some(false)));
        assert_eq!((&event.data.triage_item_id, &event.data.error), (&None, &None));
        assert_eq!(event.timestamp, Some(at("2026-07-01T12:00:00Z")));
        assert_eq!(event.dedupe_key(), "run_0f9e8d7c run.completed 2026-07-01T12:00:00Z");
    }

    #[test]
    fn header_names_and_hex_digits_may_be_in_any_case() {
        assert!(verify(UPPER, BODY.as_bytes()).is_ok());
        let mut any_case = HeaderMap::new();
        any_case.insert(HeaderName::try_from("X-eClips-Signature").unwrap(), HeaderValue::from_static(SIGNED));
        assert!(verifier().verify(&any_case, BODY.as_bytes()).is_ok());
    }

    #[test]
    fn the_bytes_are_signed_not_the_json() {
        let spaced = BODY.replace(':', " : ").replace(',', ",\n");
        assert!(matches!(verify(SIGNED, spaced.as_bytes()), Err(WebhookError::WrongSignature)));
        let odd = format!("\r\n {} \t", BODY.replace(",\"data\"", " ,\t\"data\""));
        assert_eq!(verify(&signed(&odd), odd.as_bytes()).unwrap().run_id, "run_0f9e8d7c");
        assert!(matches!(verify(SIGNED, format!("{BODY}\n").as_bytes()), Err(WebhookError::WrongSignature)));
    }

    #[test]
    fn a_tampered_body_or_signature_is_refused() {
        for at in 0..BODY.len() {
            let mut body = BODY.as_bytes().to_vec();
            body[at] ^= 1;
            assert!(matches!(verify(SIGNED, &body), Err(WebhookError::WrongSignature)), "byte {at}");
        }
        let other = SIGNED.replace("8857", "8858");
        assert!(matches!(verify(&other, BODY.as_bytes()), Err(WebhookError::WrongSignature)));
        let truncated = &BODY.as_bytes()[..258];
        assert!(matches!(verify(SIGNED, truncated), Err(WebhookError::WrongSignature)));
    }

    #[test]
    fn a_signature_out_of_its_form_is_refused() {
        let bare = SIGNED.strip_prefix("sha256=").unwrap();
        for malformed in [
            "",
            " ",
            "sha256=",
            bare,
            "sha1=8857e8ba",
            "SHA256=8857e8ba",
            &SIGNED[..SIGNED.len() - 1],
            &SIGNED[..SIGNED.len() - 2],
            &format!("{SIGNED}0"),
            &format!("{SIGNED}00"),
            &format!("{SIGNED},{SIGNED}"),
            &format!("sha256= {bare}"),
            &SIGNED.replace("88", "+8"),
            &SIGNED.replace("88", "0x"),
            &SIGNED.replace("88", "zz"),
        ] {
            let refused = verifier().verify_signature(malformed, BODY.as_bytes());
            assert!(matches!(refused, Err(WebhookError::MalformedSignature)), "{malformed}");
            assert!(verify(malformed, BODY.as_bytes()).is_err(), "{malformed}");
        }
        for bytes in
            [&b"sha256=\xff\xfe"[..], b"\xc3\xa9", &[0x80; 71], "sha256=éééééééééééééééééééééééééééééééé".as_bytes()]
        {
            let mut headers = HeaderMap::new();
            headers.insert(SIGNATURE, HeaderValue::from_bytes(bytes).unwrap());
            let refused = verifier().verify(&headers, BODY.as_bytes());
            assert!(matches!(refused, Err(WebhookError::MalformedSignature)), "{bytes:?}");
        }
    }

    #[test]
    fn no_signature_and_two_of_them_are_refused() {
        assert!(matches!(verifier().verify(&HeaderMap::new(), BODY.as_bytes()), Err(WebhookError::Unsigned)));
        let mut twice = headers(&[(SIGNATURE, SIGNED)]);
        twice.append(SIGNATURE, HeaderValue::from_static(SIGNED));
        assert!(matches!(verifier().verify(&twice, BODY.as_bytes()), Err(WebhookError::MalformedSignature)));
    }

    #[test]
    fn any_of_several_secrets_may_sign() {
        let other = || Verifier::new("another-secret").unwrap();
        let delivery = headers(&[(SIGNATURE, SIGNED)]);
        assert!(matches!(other().verify(&delivery, BODY.as_bytes()), Err(WebhookError::WrongSignature)));
        assert!(other().or_secret(SECRET).unwrap().verify(&delivery, BODY.as_bytes()).is_ok());
        assert!(verifier().or_secret("another-secret").unwrap().verify(&delivery, BODY.as_bytes()).is_ok());
        for (useless, says) in [("", "empty"), (" ", "white space"), ("demo-secret-not-real\n", "white space")] {
            let error = Verifier::new(useless).unwrap_err();
            assert!(error.is_config() && error.to_string().contains(says), "{error}");
            assert!(verifier().or_secret(useless).is_err());
        }
        assert!(!format!("{:?}", verifier()).contains("demo"));
    }

    #[test]
    fn a_signed_body_that_is_no_event_is_refused() {
        let deep = "[".repeat(100_000);
        for body in
            ["", "null", "{}", "[]", "\"run\"", "{\"event\":1}", r#"{"event":"run.failed","run_id":"r"}"#, &deep]
        {
            let refused = verify(&signed(body), body.as_bytes());
            assert!(matches!(refused, Err(WebhookError::InvalidBody(_))), "{refused:?}");
        }
    }

    #[test]
    fn an_unknown_event_is_an_event() {
        let body = BODY.replace("run.completed", "run.paused").replace("\"data\":{", "\"data\":{\"new\":1,");
        let event = verify(&signed(&body), body.as_bytes()).unwrap();
        assert_eq!((event.event.as_str(), &event.data.unknown["new"]), ("run.paused", &json!(1)));
    }

    #[test]
    fn a_huge_body_is_refused_unread() {
        let huge = vec![b' '; (16 << 20) + 1];
        assert!(matches!(verify(SIGNED, &huge), Err(WebhookError::TooLarge { limit: 16_777_216 })));
        let exactly = verifier().max_body(259).verify(&headers(&[(SIGNATURE, SIGNED)]), BODY.as_bytes());
        assert!(exactly.is_ok());
        let smaller = verifier().max_body(258).verify(&headers(&[(SIGNATURE, SIGNED)]), BODY.as_bytes());
        assert!(matches!(smaller, Err(WebhookError::TooLarge { limit: 258 })));
    }

    #[test]
    fn the_window_is_measured_on_the_signed_timestamp() {
        let within = |body: &str, now: &str, headers: &HeaderMap| {
            verifier().tolerance(Duration::from_secs(300)).verify_at(headers, body.as_bytes(), at(now))
        };
        let delivery = headers(&[(SIGNATURE, SIGNED)]);
        for now in ["2026-07-01T12:00:00Z", "2026-07-01T12:05:00Z", "2026-07-01T11:55:00Z"] {
            assert!(within(BODY, now, &delivery).is_ok(), "{now}");
        }
        let old = within(BODY, "2026-07-01T12:05:00.001Z", &delivery);
        assert!(matches!(old, Err(WebhookError::TooOld { sent }) if sent == at("2026-07-01T12:00:00Z")), "{old:?}");
        let new = within(BODY, "2026-07-01T11:54:59.999Z", &delivery);
        assert!(matches!(new, Err(WebhookError::TooNew { .. })), "{new:?}");
        // The header is not signed: a replay with a fresh one is a contradiction, and ignoring headers does not help.
        let fresh = headers(&[(SIGNATURE, SIGNED), (TIMESTAMP, "2026-07-01T13:00:00.000Z")]);
        let replayed = within(BODY, "2026-07-01T13:00:00Z", &fresh);
        assert!(matches!(replayed, Err(WebhookError::Contradiction { header: TIMESTAMP })), "{replayed:?}");
        let lenient = verifier().tolerance(Duration::from_secs(300)).compare_headers(false);
        let replayed = lenient.verify_at(&fresh, BODY.as_bytes(), at("2026-07-01T13:00:00Z"));
        assert!(matches!(replayed, Err(WebhookError::TooOld { .. })), "{replayed:?}");
        let undated = BODY.replace(r#""timestamp":"2026-07-01T12:00:00.000Z","#, "");
        let refused = within(&undated, "2026-07-01T12:00:00Z", &headers(&[(SIGNATURE, &signed(&undated))]));
        assert!(matches!(refused, Err(WebhookError::Undated)), "{refused:?}");
        assert!(verify(&signed(&undated), undated.as_bytes()).is_ok(), "without a window no time is needed");
    }

    #[test]
    fn headers_must_agree_with_the_body() {
        let with = |more: &[(&'static str, &str)]| {
            let mut headers = headers(more);
            headers.insert(SIGNATURE, HeaderValue::from_static(SIGNED));
            headers
        };
        let agreeing = with(&[(EVENT, "run.completed"), (TIMESTAMP, "2026-07-01T12:00:00.000Z")]);
        assert!(verifier().verify(&agreeing, BODY.as_bytes()).is_ok());
        assert!(verifier().verify(&with(&[(TIMESTAMP, "2026-07-01T14:00:00+02:00")]), BODY.as_bytes()).is_ok());
        for (header, value) in [
            (EVENT, "run.failed"),
            (EVENT, ""),
            (EVENT, "RUN.COMPLETED"),
            (TIMESTAMP, ""),
            (TIMESTAMP, "now"),
            (TIMESTAMP, "2026-07-01T12:00:00.001Z"),
        ] {
            let refused = verifier().verify(&with(&[(header, value)]), BODY.as_bytes());
            assert!(
                matches!(refused, Err(WebhookError::Contradiction { header: h }) if h == header),
                "{header}: {value}"
            );
            assert!(verifier().compare_headers(false).verify(&with(&[(header, value)]), BODY.as_bytes()).is_ok());
        }
        let mut both = with(&[(EVENT, "run.completed")]);
        both.append(EVENT, HeaderValue::from_static("run.failed"));
        assert!(matches!(verifier().verify(&both, BODY.as_bytes()), Err(WebhookError::Contradiction { .. })));
    }
}
