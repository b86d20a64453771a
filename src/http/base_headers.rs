//! The headers that every request of a client has.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::hook;
use super::platform::Platform;
use crate::{Error, config};

/// # Errors
/// `Config` for a header that is not valid, or that the client sets by itself.
pub(super) fn base_headers(
    platform: &Platform,
    user_agent: Option<&str>,
    more: &[(String, String)],
) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(config::ACCEPT));
    let agent = HeaderValue::try_from(user_agent.unwrap_or(config::USER_AGENT));
    headers.insert(
        header::USER_AGENT,
        agent.map_err(|e| Error::config_from("the user agent is not a valid header value", e))?,
    );
    for (name, value) in more {
        let invalid = |what: &str| Error::config(format!("header {name:?} {what}"));
        let parsed = HeaderName::try_from(name.as_str()).map_err(|_| invalid("is not a valid header name"))?;
        hook::check_header(platform, &parsed).map_err(|_| invalid("is set by the client itself"))?;
        headers.insert(parsed, HeaderValue::try_from(value.as_str()).map_err(|_| invalid("has an invalid value"))?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elephantasm::Elephantasm;

    #[test]
    fn headers_are_checked() {
        let build = |name: &str, value: &str| Elephantasm::builder().api_key("k").header(name, value).build();
        assert!(build("x-team", "memory").is_ok());
        for (name, value) in [("x team", "a"), ("x-team", "a\nb"), ("authorization", "a"), ("content-length", "1")] {
            assert!(matches!(build(name, value), Err(Error::Config(_))), "{name}");
        }
        assert!(Elephantasm::builder().api_key("k").user_agent("a\nb").build().is_err());
    }
}
