//! Webhooks: the verification of what Anthropic delivers, in the scheme of Standard Webhooks.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::HeaderMap;

use super::types::{WebhookEvent, WebhookEventType};
use crate::config::oma::{MAX_WEBHOOK, WEBHOOK_KEY, WEBHOOK_TOLERANCE};
use crate::config::variable;
use crate::webhook::{Signers, WebhookError, within};
use crate::{Error, Secret, Timestamp};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
/// In front of secrets; no part of the key.
const PREFIX: &str = "whsec_";
/// In front of signatures of the only known version.
const VERSION: &str = "v1,";

/// Verifies what webhooks are sent, and reads it.
///
/// The signature covers the id and the time of the delivery and the bytes of its body: pass the body exactly as it was
/// received, before any JSON parser. An event names things by their ids only; read them afterwards. A delivery that is
/// repeated has the same [`id`](WebhookEvent::id).
///
/// ```
/// use polyagent::HeaderMap;
/// use polyagent::oma::webhooks::Verifier;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let verifier = Verifier::new("whsec_ZGVtby1zZWNyZXQtbm90LXJlYWw=")?;
/// # let (headers, body) = (HeaderMap::new(), b"");
/// match verifier.verify(&headers, body) {
///     Ok(event) if event.is_idle() => println!("session {} waits", event.data.id),
///     Ok(event) => println!("{}: {}", event.data.type_, event.data.id),
///     Err(error) => println!("respond with 401: {error}"),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    signers: Signers,
    tolerance: Duration,
    max_body: usize,
}

impl Verifier {
    /// Creates a verifier with the signing key of a webhook: base64, with or without `whsec_` in front.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty or is no base64.
    pub fn new(secret: impl Into<Secret<String>>) -> Result<Self, Error> {
        let verifier = Self { signers: Signers::none(), tolerance: WEBHOOK_TOLERANCE, max_body: MAX_WEBHOOK };
        verifier.or_secret(secret)
    }

    /// Creates a verifier with the key in `ANTHROPIC_WEBHOOK_SIGNING_KEY`.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), and [`Error::Config`] if the variable is not set.
    pub fn from_env() -> Result<Self, Error> {
        match variable(WEBHOOK_KEY)?.value() {
            Some(secret) => Self::new(secret),
            None => Err(Error::config(format!("{WEBHOOK_KEY} is not set"))),
        }
    }

    /// Accepts deliveries that are signed with another key too: while one replaces another, or for several webhooks
    /// with one receiver.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn or_secret(mut self, secret: impl Into<Secret<String>>) -> Result<Self, Error> {
        let secret = secret.into();
        let secret = secret.expose();
        let encoded = secret.strip_prefix(PREFIX).unwrap_or(secret);
        // Not the cause, which shows a part of the secret.
        let key = decode(encoded).ok_or_else(|| Error::config("the webhook secret is not base64"))?;
        self.signers.add(&key)?;
        Ok(self)
    }

    /// Sets how far the time of a delivery may be from now, in the past or in the future. Default: 5 minutes.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
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
    /// Any variant of [`WebhookError`] but `Contradiction`. Nothing of the body is read before its signature is right.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<WebhookEvent, WebhookError> {
        self.verify_at(headers, body, Timestamp::now())
    }

    fn verify_at(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<WebhookEvent, WebhookError> {
        if body.len() > self.max_body {
            return Err(WebhookError::TooLarge { limit: self.max_body });
        }
        let signatures = only(headers, SIGNATURE)?.ok_or(WebhookError::Unsigned)?;
        let id = only(headers, ID)?.ok_or(WebhookError::Unsigned)?;
        let time = only(headers, TIMESTAMP)?.ok_or(WebhookError::Undated)?;
        let sent = time.parse().ok().and_then(Timestamp::from_unix_seconds);
        let sent = sent.ok_or(WebhookError::Undated)?;
        let message = [id.as_bytes(), b".", time.as_bytes(), b".", body];
        let mut known = signatures.split(' ').filter_map(|signature| signature.strip_prefix(VERSION)).peekable();
        if known.peek().is_none() {
            return Err(WebhookError::MalformedSignature);
        }
        let is_right = |signature: [u8; 32]| self.signers.signed(&message, &signature);
        let decoded = known.filter_map(|signature| decode(signature)?.try_into().ok());
        if !decoded.fold(false, |found, signature| found | is_right(signature)) {
            return Err(WebhookError::WrongSignature);
        }
        within(self.tolerance, sent, now)?;
        serde_json::from_slice(body).map_err(WebhookError::InvalidBody)
    }
}

/// The value of a header that may be there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, WebhookError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| WebhookError::MalformedSignature),
        (Some(_), Some(_)) => Err(WebhookError::MalformedSignature),
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()
}

impl WebhookEvent {
    /// Whether a session waits, in either of the spellings that are in use.
    pub fn is_idle(&self) -> bool {
        matches!(self.data.type_, WebhookEventType::SessionIdled | WebhookEventType::SessionStatusIdled)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    // Made with `openssl dgst -sha256 -hmac`, not with the code under test.
    const SECRET: &str = "whsec_ZGVtby1zZWNyZXQtbm90LXJlYWw=";
    const OTHER: &str = "whsec_YW5vdGhlci1zZWNyZXQ=";
    const BODY: &str = r#"{"type":"event","id":"evt_01","created_at":"2026-10-01T10:00:00Z","data":{"type":"session.status_idled","id":"sesn_01","organization_id":"org_01","workspace_id":"wrkspc_01"}}"#;
    const TIME: &str = "1790848800";
    const SIGNED: &str = "v1,fCFAKJcPjUj40nmTMM9VDkZ180g4ifyi/i7owSflJEs=";
    const BY_OTHER: &str = "v1,NgDvjt34NxTEi3g3Ew1bBnTRbNIDQ+YN15LxggxfXsE=";
    const UNREADABLE: &str = "v1,bCjaTKI1hk8PxE4MXPFxJHSkPv3hLCrMUoC5jmnFzOs=";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn delivery(signature: &str) -> HeaderMap {
        headers(&[(ID, "msg_01"), (TIMESTAMP, TIME), (SIGNATURE, signature)])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_848_800 + seconds).unwrap()
    }

    fn verify(verifier: &Verifier, headers: &HeaderMap, body: &str) -> Result<WebhookEvent, WebhookError> {
        verifier.verify_at(headers, body.as_bytes(), at(0))
    }

    fn verifier() -> Verifier {
        Verifier::new(SECRET).unwrap()
    }

    #[test]
    fn a_delivery_is_accepted_and_read() {
        let event = verify(&verifier(), &delivery(SIGNED), BODY).unwrap();
        assert_eq!((event.id.as_str(), event.data.id.as_str()), ("evt_01", "sesn_01"));
        assert_eq!(event.data.type_, WebhookEventType::SessionStatusIdled);
        assert_eq!(
            (event.data.organization_id.as_deref(), event.data.workspace_id.as_deref()),
            (Some("org_01"), Some("wrkspc_01"))
        );
        assert!(event.is_idle() && event.created_at == Some(at(0)));
        let bare = Verifier::new(SECRET.strip_prefix(PREFIX).unwrap()).unwrap();
        assert!(verify(&bare, &delivery(SIGNED), BODY).is_ok(), "without the prefix");
    }

    #[test]
    fn idle_is_known_in_both_spellings() {
        for (word, idle) in [
            ("session.idled", true),
            ("session.status_idled", true),
            ("session.thread_idled", false),
            ("agent.created", false),
        ] {
            let body = BODY.replace("session.status_idled", word);
            let event: WebhookEvent = serde_json::from_str(&body).unwrap();
            assert_eq!((event.data.type_.as_str(), event.is_idle()), (word, idle));
        }
        let more = BODY.replace(
            r#""id":"sesn_01""#,
            r#""id":"vcrd_01","vault_id":"vlt_01","session_thread_id":"t","enforcement_action_id":"e","new":1"#,
        );
        let event: WebhookEvent = serde_json::from_str(&more).unwrap();
        assert_eq!((event.data.vault_id.as_deref(), &event.data.unknown["new"]), (Some("vlt_01"), &json!(1)));
    }

    #[test]
    fn one_right_signature_of_several_is_enough() {
        for list in
            [format!("{BY_OTHER} {SIGNED}"), format!("{SIGNED} {BY_OTHER}"), format!("v1a,x v2,{SIGNED} {SIGNED}")]
        {
            assert!(verify(&verifier(), &delivery(&list), BODY).is_ok(), "{list}");
        }
        for list in [
            BY_OTHER.to_owned(),
            "v1,".to_owned(),
            "v1,%%%".to_owned(),
            format!("{BY_OTHER} {BY_OTHER}"),
            format!("{}A", &SIGNED[..20]),
        ] {
            let refused = verify(&verifier(), &delivery(&list), BODY);
            assert!(matches!(refused, Err(WebhookError::WrongSignature)), "{list}: {refused:?}");
        }
        for list in ["", "v2,x", "x", SIGNED.strip_prefix("v1,").unwrap(), &SIGNED.replace("v1,", "V1,")] {
            let refused = verify(&verifier(), &delivery(list), BODY);
            assert!(matches!(refused, Err(WebhookError::MalformedSignature)), "{list}: {refused:?}");
        }
    }

    #[test]
    fn several_secrets_hold_at_once() {
        for both in [verifier().or_secret(OTHER).unwrap(), Verifier::new(OTHER).unwrap().or_secret(SECRET).unwrap()] {
            assert!(verify(&both, &delivery(SIGNED), BODY).is_ok());
            assert!(verify(&both, &delivery(BY_OTHER), BODY).is_ok());
        }
        assert!(verify(&verifier(), &delivery(BY_OTHER), BODY).is_err());
        for useless in ["", "whsec_", "whsec_%%%", "not base64!", "whsec_ZGVtby1z\n"] {
            let error = Verifier::new(useless).unwrap_err();
            assert!(error.is_config() && verifier().or_secret(useless).is_err(), "{useless}");
            assert!(!format!("{error:?}").contains("ZGVtby"), "{error:?}");
        }
        assert!(!format!("{:?}", verifier()).contains("ZGVtby"));
    }

    #[test]
    fn id_time_and_body_are_signed() {
        for other in [
            headers(&[(ID, "msg_02"), (TIMESTAMP, TIME), (SIGNATURE, SIGNED)]),
            headers(&[(ID, "msg_01"), (TIMESTAMP, "1790848801"), (SIGNATURE, SIGNED)]),
            headers(&[(ID, "msg_01"), (TIMESTAMP, "01790848800"), (SIGNATURE, SIGNED)]),
        ] {
            assert!(matches!(verify(&verifier(), &other, BODY), Err(WebhookError::WrongSignature)), "{other:?}");
        }
        for place in 0..BODY.len() {
            let mut body = BODY.as_bytes().to_vec();
            body[place] ^= 1;
            let refused = verifier().verify_at(&delivery(SIGNED), &body, at(0));
            assert!(matches!(refused, Err(WebhookError::WrongSignature)), "byte {place}");
        }
    }

    #[test]
    fn a_header_that_is_missing_or_there_twice_is_refused() {
        let refused = |headers: HeaderMap| verify(&verifier(), &headers, BODY).unwrap_err();
        let all = [(ID, "msg_01"), (TIMESTAMP, TIME), (SIGNATURE, SIGNED)];
        assert!(matches!(refused(headers(&all[1..])), WebhookError::Unsigned));
        assert!(matches!(refused(headers(&all[..2])), WebhookError::Unsigned));
        assert!(matches!(refused(headers(&[all[0], all[2]])), WebhookError::Undated));
        for again in all {
            let mut twice = headers(&all);
            twice.append(again.0, HeaderValue::from_str(again.1).unwrap());
            assert!(matches!(refused(twice), WebhookError::MalformedSignature), "{}", again.0);
        }
        for time in ["", "now", "1790848800.5", "99999999999999999999"] {
            assert!(matches!(refused(headers(&[all[0], (TIMESTAMP, time), all[2]])), WebhookError::Undated), "{time}");
        }
    }

    #[test]
    fn the_time_may_be_five_minutes_off_both_ways() {
        let off = |seconds: i64| verifier().verify_at(&delivery(SIGNED), BODY.as_bytes(), at(seconds));
        for seconds in [298, 300, -298, -300] {
            assert!(off(seconds).is_ok(), "{seconds}");
        }
        assert!(matches!(off(301), Err(WebhookError::TooOld { sent }) if sent == at(0)));
        assert!(matches!(off(-301), Err(WebhookError::TooNew { sent }) if sent == at(0)));
        let wide = verifier().tolerance(Duration::from_secs(302));
        assert!(wide.verify_at(&delivery(SIGNED), BODY.as_bytes(), at(302)).is_ok());
    }

    #[test]
    fn a_body_that_is_too_large_or_no_event_is_refused() {
        let small = verifier().max_body(BODY.len() - 1);
        assert!(matches!(verify(&small, &delivery(SIGNED), BODY), Err(WebhookError::TooLarge { .. })));
        assert!(verify(&verifier().max_body(BODY.len()), &delivery(SIGNED), BODY).is_ok());
        assert!(matches!(verify(&verifier(), &delivery(UNREADABLE), "{}"), Err(WebhookError::InvalidBody(_))));
    }
}
