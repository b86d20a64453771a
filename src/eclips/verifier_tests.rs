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
    for body in ["", "null", "{}", "[]", "\"run\"", "{\"event\":1}", r#"{"event":"run.failed","run_id":"r"}"#, &deep] {
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
        assert!(matches!(refused, Err(WebhookError::Contradiction { header: h }) if h == header), "{header}: {value}");
        assert!(verifier().compare_headers(false).verify(&with(&[(header, value)]), BODY.as_bytes()).is_ok());
    }
    let mut both = with(&[(EVENT, "run.completed")]);
    both.append(EVENT, HeaderValue::from_static("run.failed"));
    assert!(matches!(verifier().verify(&both, BODY.as_bytes()), Err(WebhookError::Contradiction { .. })));
}
