//! Decodes a response's bytes into its value, once, and finds the errors among the successes.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::operation::{OperationSpec, Route};
use super::wrapped;
use crate::error::{DecodeFault, ErrorDetails};
use crate::page::{ListCall, Page, Paging, rows};
use crate::text;

/// A 2xx response together with those parts of its request that decoding needs.
pub(crate) struct Exchange<'a> {
    pub(crate) spec: &'a OperationSpec,
    /// The home of the operation that responded.
    pub(crate) route: &'a Route,
    /// The call as the page of a list sees it.
    pub(crate) list: ListCall<'a>,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
    /// The platform's reading of an error.
    pub(crate) dialect: fn(StatusCode, &HeaderMap, &[u8]) -> ErrorDetails,
}

/// Decodes a JSON value, which may be wrapped in an object. An absent body reads as `null`.
pub(crate) fn json<T: DeserializeOwned>(exchange: &Exchange<'_>) -> Result<T, DecodeFault> {
    exchange.reject_html()?;
    let value = match wrapped::inner(exchange.spec, exchange.body) {
        None => from_json(exchange.body),
        Some((key, inner)) => from_json(inner.as_bytes()).map_err(|fault: DecodeFault| fault.under(key)),
    };
    exchange.reject_error()?;
    value
}

/// Ignores the body, unless it is no JSON or an error.
pub(crate) fn empty(exchange: &Exchange<'_>) -> Result<(), DecodeFault> {
    json::<IgnoredAny>(exchange).map(|_| ())
}

/// Ignores the body, unless it is a page for people or an error.
pub(crate) fn ignored(exchange: &Exchange<'_>) -> Result<(), DecodeFault> {
    if text::without_bom(exchange.body).trim_ascii_start().starts_with(b"<") {
        return Err(DecodeFault::whole("it is HTML"));
    }
    exchange.reject_error()
}

/// Hands the body on as it is.
#[allow(clippy::unnecessary_wraps, reason = "it stands where any decoder may")]
pub(crate) fn bytes(exchange: &Exchange<'_>) -> Result<Bytes, DecodeFault> {
    Ok(exchange.body.clone())
}

/// Decodes one page of a list.
pub(crate) fn page<T: DeserializeOwned>(exchange: &Exchange<'_>) -> Result<Page<T>, DecodeFault> {
    exchange.reject_html()?;
    let decode = |items: &[u8]| match rows::unwrap(items, exchange.spec.wrapped) {
        Some(unwrapped) => from_json(unwrapped.as_bytes()),
        None => from_json(items),
    };
    let page = exchange.route.paging.unwrap_or(Paging::ONCE).read(&exchange.list, exchange.body, decode);
    exchange.reject_error()?;
    page
}

impl Exchange<'_> {
    /// Rejects a page for people, such as a sign-in form. Without content, its type means nothing.
    fn reject_html(&self) -> Result<(), DecodeFault> {
        let has_content = !matches!(self.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
        let media = self.headers.get(header::CONTENT_TYPE).filter(|_| has_content);
        let media = media.map(HeaderValue::as_bytes).unwrap_or_default();
        let is = |html: &[u8]| {
            let (essence, parameters) = media.split_at_checked(html.len()).unwrap_or_default();
            essence.eq_ignore_ascii_case(html) && matches!(parameters.trim_ascii_start(), [] | [b';', ..])
        };
        if is(b"text/html") || is(b"application/xhtml+xml") {
            return Err(DecodeFault::whole("it is HTML, not JSON"));
        }
        Ok(())
    }

    /// Rejects an object that the platform's dialect reads as an error, and that has none of the response's required
    /// properties: any object may have a property `error`.
    fn reject_error(&self) -> Result<(), DecodeFault> {
        let body = text::without_bom(self.body).trim_ascii_start();
        let raw = self.route.path.is_empty();
        if raw || !body.starts_with(b"{") || has_any(body, self.spec.required) {
            return Ok(());
        }
        let details = (self.dialect)(self.status, self.headers, body);
        if !details.is_error() {
            return Ok(());
        }
        let message = details.message.filter(|message| !message.is_empty()).or(details.code).unwrap_or_default();
        Err(DecodeFault::whole(format_args!("it reports an error: {message}")))
    }
}

/// Whether a JSON object has one of the keys.
fn has_any(object: &[u8], keys: &[&[&str]]) -> bool {
    struct Keys<'a> {
        wanted: &'a [&'a [&'a str]],
        found: &'a mut bool,
    }

    impl<'de> Visitor<'de> for Keys<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                if self.wanted.iter().any(|names| names.contains(&key.as_str())) {
                    *self.found = true;
                    return Ok(());
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    if keys.is_empty() {
        return false;
    }
    // Most objects begin with a required property, their id.
    let first = object.strip_prefix(b"{\"").and_then(|rest| rest.split(|byte| *byte == b'"').next());
    let mut found =
        first.is_some_and(|first| keys.iter().flat_map(|names| names.iter()).any(|key| key.as_bytes() == first));
    if !found {
        // The search ends at the first key that is found: its result says nothing.
        let keys = Keys { wanted: keys, found: &mut found };
        let _ = serde_json::Deserializer::from_slice(object).deserialize_map(keys);
    }
    found
}

/// Decodes JSON; an absent body reads as `null`.
pub(crate) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeFault> {
    let content = text::without_bom(body).trim_ascii();
    let body = if content.is_empty() { b"null" } else { body };
    text::from_json(body).or_else(|source| {
        let null = matches!(content, b"" | b"null");
        null.then(empty_list).flatten().ok_or_else(|| locate::<T>(body, source))
    })
}

/// The empty list, if `T` is a list. A struct whose fields may all be absent reads `[]` too, and `{}` besides.
fn empty_list<T: DeserializeOwned>() -> Option<T> {
    if serde_json::from_str::<T>("{}").is_ok() { None } else { serde_json::from_str("[]").ok() }
}

/// Decodes again, this time tracking the path: successes do not pay for it.
fn locate<T: DeserializeOwned>(body: &[u8], source: serde_json::Error) -> DecodeFault {
    let text = text::readable(body);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => DecodeFault { path: error.path().to_string(), source: error.into_inner() },
        // The value is complete; trailing data is the fault.
        Ok(_) => DecodeFault { path: ".".to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::Method;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;
    use crate::http::{AuthUse, Piece, RetryClass};

    #[derive(Debug, Deserialize)]
    struct Scored {
        #[allow(dead_code, reason = "only read")]
        score: f64,
    }

    /// Decodes from an empty object, and from an empty list.
    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Lenient {
        items: Vec<u8>,
        error: Option<String>,
    }

    fn fault(body: &str) -> (String, String) {
        let fault = from_json::<Vec<Scored>>(body.as_bytes()).unwrap_err();
        (fault.path, fault.source.to_string())
    }

    #[test]
    fn a_fault_names_its_place() {
        let (path, message) = fault(r#"[{"score":1},{"score":"high"}]"#);
        assert_eq!(path, "[1].score");
        assert!(message.starts_with("invalid type: string \"high\", expected f64"), "{message}");
        assert_eq!(fault(r#"[{"score":1}"#).0, ".");
        assert_eq!(fault("[] []").0, ".");
        assert_eq!(fault("<html>").0, ".");
        // What precedes the fault may need a repair.
        assert_eq!(fault("\u{feff}[{\"score\":1,\"a\":\"\\ud83d\"},{\"score\":\"high\"}]").0, "[1].score");
        let (path, message) = fault(r#"[{"score":1},{"score":1e400}]"#);
        assert_eq!((path.as_str(), message.as_str()), ("[1].score", "number out of range at line 1 column 27"));
    }

    #[test]
    fn no_body_reads_as_null() {
        for body in ["", " \r\n", "\u{feff}", "null"] {
            assert_eq!(from_json::<Option<u8>>(body.as_bytes()).unwrap(), None);
            assert!(from_json::<u8>(body.as_bytes()).is_err());
        }
    }

    #[test]
    fn null_and_no_body_are_an_empty_list_and_no_other_value() {
        for body in ["", " ", "null", " null\n", "\u{feff}null"] {
            assert_eq!(from_json::<Vec<u8>>(body.as_bytes()).unwrap(), [0; 0], "{body:?}");
            assert_eq!(from_json::<Option<Vec<u8>>>(body.as_bytes()).unwrap(), None);
            assert_eq!(from_json::<Value>(body.as_bytes()).unwrap(), Value::Null);
            assert!(from_json::<BTreeMap<String, u8>>(body.as_bytes()).is_err());
            assert!(from_json::<Lenient>(body.as_bytes()).is_err());
        }
        assert!(from_json::<Vec<u8>>(b"nul").is_err());
        assert!(from_json::<Vec<u8>>(b"{}").is_err());
    }

    const PATH: &[Piece] = &[Piece::Text("/things")];

    fn exchanged<T>(
        decode: fn(&Exchange<'_>) -> Result<T, DecodeFault>,
        (path, required): (&'static [Piece], &'static [&'static [&'static str]]),
        (status, media, body): (u16, &'static str, &'static str),
    ) -> Result<T, String> {
        let spec = OperationSpec {
            id: "test",
            auth: AuthUse::Required,
            retry: RetryClass::Idempotent,
            timeout: None,
            secret: false,
            required,
            wrapped: &[],
            routes: &[],
        };
        let (accept, generations) = (crate::config::ACCEPT, &[] as &[_]);
        let route = Route { method: Method::GET, path, query: &[], generations, accept, paging: None };
        let exchange = Exchange {
            spec: &spec,
            route: &route,
            list: ListCall { operation: "test", ids: &[], query: "", cursor: None },
            status: StatusCode::from_u16(status).unwrap(),
            headers: &HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media))]),
            body: &Bytes::from_static(body.as_bytes()),
            dialect: crate::elephantasm::PLATFORM.dialect,
        };
        decode(&exchange).map_err(|fault| fault.source.to_string())
    }

    #[test]
    fn html_is_no_response_whatever_is_in_it() {
        for media in ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml ;a=b"] {
            for body in ["", "null", "[]", "<html>"] {
                let told = [
                    exchanged(json::<Option<Value>>, (PATH, &[]), (200, media, body)).map(|_| ()),
                    exchanged(page::<Value>, (PATH, &[]), (200, media, body)).map(|_| ()),
                    exchanged(empty, (PATH, &[]), (200, media, body)),
                ];
                assert_eq!(told, [(); 3].map(|()| Err("it is HTML, not JSON".to_owned())), "{media} {body}");
            }
            assert_eq!(
                exchanged(empty, (PATH, &[]), (204, media, "")),
                Ok(()),
                "there is nothing that it could describe"
            );
        }
        for media in ["application/json", "text/plain", "text/htmlx", "application/html", ""] {
            assert_eq!(exchanged(empty, (PATH, &[]), (200, media, "")), Ok(()), "{media}");
        }
    }

    #[test]
    fn an_operation_without_a_response_takes_any_json_that_is_no_error() {
        let told = |body: &'static str| exchanged(empty, (PATH, &[]), (200, "application/json", body));
        for ignored in [
            "",
            " ",
            "null",
            "true",
            "\"ok\"",
            "[]",
            "{}",
            r#"{"deleted":true}"#,
            r#"{"message":"Deleted"}"#,
            "\u{feff}{}",
        ] {
            assert_eq!(told(ignored), Ok(()), "{ignored}");
        }
        let error = |message: &str| Err(format!("it reports an error: {message}"));
        assert_eq!(told(r#"{"detail":"Authentication required"}"#), error("Authentication required"));
        assert_eq!(told("\u{feff} {\"detail\":\"Authentication required\"}"), error("Authentication required"));
        assert_eq!(told(r#"{"error":"unauthorized"}"#), error("unauthorized"));
        assert_eq!(told(r#"{"error":"unauthorized","message":"Sign in"}"#), error("Sign in"));
        assert!(told("<p>Sign in</p>").unwrap_err().starts_with("expected value"));
        assert!(told("OK").is_err());
        assert!(told("{\"deleted\":").is_err());
    }

    #[test]
    fn an_object_is_an_error_if_it_reads_as_one_and_has_no_required_property() {
        let told = |required: &'static [&'static [&'static str]], body: &'static str| {
            exchanged(json::<Lenient>, (PATH, required), (200, "application/json", body))
        };
        let error = |message: &str| Err(format!("it reports an error: {message}"));
        let failed = r#"{"error":"failed"}"#;
        assert_eq!(told(&[], failed), error("failed"));
        assert_eq!(told(&[&["id"], &["items"]], failed), error("failed"));
        let lenient = |items: &[u8]| Lenient { items: items.to_vec(), error: Some("failed".to_owned()) };
        for body in [
            r#"{"items":[1],"error":"failed"}"#,
            r#"{"error":"failed","items":[1]}"#,
            r#" { "error" : "failed", "more": {"deep": "}"}, "items" : [1]}"#,
        ] {
            assert_eq!(told(&[&["id"], &["items"]], body), Ok(lenient(&[1])), "{body}");
            assert_eq!(told(&[&["id"]], body), error("failed"), "{body}");
        }
        // It may come under another of its names.
        assert_eq!(told(&[&["id"], &["rows", "items"]], r#"{"error":"failed","items":[1]}"#), Ok(lenient(&[1])));
        // A required property further down is not one.
        assert_eq!(told(&[&["id"]], r#"{"error":"failed","of":{"id":1}}"#), error("failed"));
        assert_eq!(told(&[&["id"]], "{}"), Ok(Lenient::default()));
        assert_eq!(told(&[&["id"]], r#"{"error":null}"#), Ok(Lenient::default()));
        // What does not decode either is told by its own message.
        let list = exchanged(json::<Vec<u8>>, (PATH, &[]), (200, "application/json", r#"{"detail":"Not allowed"}"#));
        assert_eq!(list.unwrap_err(), "it reports an error: Not allowed");
    }

    #[test]
    fn a_raw_call_returns_any_object() {
        let body = r#"{"error":"failed","detail":"x"}"#;
        let raw = exchanged(json::<Value>, (&[], &[]), (200, "application/json", body)).unwrap();
        assert_eq!(raw["error"], "failed");
    }
}
