//! Decodes a response's bytes into its value, once.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::operation::{OperationSpec, Route};
use crate::error::DecodeFault;
use crate::page::{ListCall, Page, Paging, rows};

/// A response together with those parts of its request that decoding needs.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) spec: &'a OperationSpec,
    /// The home of the operation that responded.
    pub(crate) route: &'a Route,
    /// The call as the page of a list sees it.
    pub(crate) list: ListCall<'a>,
    pub(crate) body: &'a Bytes,
}

/// Decodes a JSON value. An absent body reads as `null`.
pub(crate) fn json<T: DeserializeOwned>(exchange: &Exchange<'_>) -> Result<T, DecodeFault> {
    from_json(exchange.body)
}

/// Ignores the body.
#[allow(clippy::unnecessary_wraps, reason = "it stands where any decoder may")]
pub(crate) fn empty(_: &Exchange<'_>) -> Result<(), DecodeFault> {
    Ok(())
}

/// Hands the body on as it is.
#[allow(clippy::unnecessary_wraps, reason = "it stands where any decoder may")]
pub(crate) fn bytes(exchange: &Exchange<'_>) -> Result<Bytes, DecodeFault> {
    Ok(exchange.body.clone())
}

/// Decodes one page of a list.
pub(crate) fn page<T: DeserializeOwned>(exchange: &Exchange<'_>) -> Result<Page<T>, DecodeFault> {
    let wrapped = exchange.spec.wrapped;
    exchange.route.paging.unwrap_or(Paging::ONCE).read(&exchange.list, exchange.body, |items| {
        rows::unwrap(items, wrapped).map_or_else(|| from_json(items), |items| from_json(items.as_bytes()))
    })
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeFault> {
    let body = if body.trim_ascii().is_empty() { b"null" } else { body };
    // Validating UTF-8 once and decoding from `&str` is cheaper than checking each string of a slice.
    let decoded = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
    decoded.map_err(|source| locate::<T>(body, source))
}

/// Decodes again, this time tracking the path: successes do not pay for it.
fn locate<T: DeserializeOwned>(body: &[u8], source: serde_json::Error) -> DecodeFault {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => DecodeFault { path: error.path().to_string(), source: error.into_inner() },
        // The value is complete; trailing data is the fault.
        Ok(_) => DecodeFault { path: ".".to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Scored {
        #[allow(dead_code, reason = "only read")]
        score: f64,
    }

    fn fault(body: &str) -> (String, String) {
        let fault = from_json::<Vec<Scored>>(body.as_bytes()).unwrap_err();
        (fault.path, fault.source.to_string())
    }

    #[test]
    fn a_fault_names_its_place() {
        let (path, words) = fault(r#"[{"score":1},{"score":"high"}]"#);
        assert_eq!(path, "[1].score");
        assert!(words.starts_with("invalid type: string \"high\", expected f64"), "{words}");
        assert_eq!(fault(r#"[{"score":1}"#).0, ".");
        assert_eq!(fault("[] []").0, ".");
        assert_eq!(fault("<html>").0, ".");
    }

    #[test]
    fn no_body_reads_as_null() {
        assert_eq!(from_json::<Option<u8>>(b"").unwrap(), None);
        assert_eq!(from_json::<Option<u8>>(b" \r\n").unwrap(), None);
        assert!(from_json::<u8>(b"").is_err());
        assert!(from_json::<String>(b"\"\xff\"").is_err());
    }
}
