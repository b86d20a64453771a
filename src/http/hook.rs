//! Observing attempts, and adding headers to them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::platform::Platform;
use crate::check::InvalidArgument;

/// Runs before and after every attempt of every call. Hooks run in the order in which they were added.
///
/// A hook may add headers and nothing else: method, URL and body are fixed before the first attempt. Hooks run on the
/// calling task, so they should be quick.
///
/// ```
/// use polyagent::{AttemptEnd, AttemptStart, ExtraHeaders, HeaderName, Hook};
///
/// struct Trace;
///
/// impl Hook for Trace {
///     fn before(&self, attempt: &AttemptStart<'_>, headers: &mut ExtraHeaders) {
///         let id = format!("{}-{}", attempt.operation, attempt.number);
///         if let Ok(value) = id.parse() {
///             let _ = headers.add(HeaderName::from_static("x-trace-id"), value);
///         }
///     }
///
///     fn after(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
///         println!("{} {}: {:?} in {:?}", attempt.method, attempt.url, end.status, end.took);
///     }
/// }
/// ```
pub trait Hook: Send + Sync + 'static {
    /// Called before an attempt: the credential is obtained next, then the request is sent.
    fn before(&self, attempt: &AttemptStart<'_>, headers: &mut ExtraHeaders) {
        let _ = (attempt, headers);
    }

    /// Called after an attempt, successful or not. It is not called if the call is dropped while the attempt is in
    /// flight.
    fn after(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let _ = (attempt, end);
    }
}

impl<H: Hook + ?Sized> Hook for Arc<H> {
    fn before(&self, attempt: &AttemptStart<'_>, headers: &mut ExtraHeaders) {
        (**self).before(attempt, headers);
    }

    fn after(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        (**self).after(attempt, end);
    }
}

/// An attempt that is about to start.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttemptStart<'a> {
    /// The operation's id in the OpenAPI document.
    pub operation: &'a str,
    /// The request's method.
    pub method: &'a Method,
    /// The request's URL, without the values of its query. [`Hook::before`] is told before a provided key is known: a
    /// key in the place of an id is still in it.
    pub url: &'a str,
    /// Number of the attempt within the call, from 1.
    pub number: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttemptEnd<'a> {
    /// The status of the response, if one arrived.
    pub status: Option<StatusCode>,
    /// A short description of what went wrong, if something did.
    pub cause: Option<&'a str>,
    /// Duration of the attempt.
    pub took: Duration,
}

/// Headers that a hook adds to one attempt.
pub struct ExtraHeaders {
    pub(super) headers: HeaderMap,
    platform: &'static Platform,
}

impl ExtraHeaders {
    pub(super) fn new(platform: &'static Platform) -> Self {
        Self { headers: HeaderMap::new(), platform }
    }

    /// Adds a header. A header that the call itself sets is kept as it is.
    ///
    /// # Errors
    /// `InvalidArgument` for a header that the client itself sets: credentials, and the headers that frame the body.
    pub fn add(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), InvalidArgument> {
        check_header(self.platform, &name)?;
        self.headers.append(name, value);
        Ok(())
    }
}

/// Names only: a value may be a secret of the hook.
impl fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.headers.keys()).finish()
    }
}

/// Rejects the headers that only the client itself sets.
pub(crate) fn check_header(platform: &Platform, name: &HeaderName) -> Result<(), InvalidArgument> {
    const OWN: [HeaderName; 14] = [
        header::AUTHORIZATION,
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::EXPECT,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::PROXY_AUTHORIZATION,
        header::CONTENT_ENCODING,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("x-api-key"),
    ];
    if OWN.contains(name) || platform.own_headers.contains(&name.as_str()) {
        return Err(InvalidArgument::new(name.as_str(), "is set by the client itself"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_framing_cannot_be_added() {
        let mut headers = ExtraHeaders::new(&crate::elephantasm::PLATFORM);
        for name in [
            "Authorization",
            "x-api-key",
            "Host",
            "content-length",
            "transfer-encoding",
            "connection",
            "Expect",
            "TE",
            "trailer",
            "upgrade",
            "Proxy-Authorization",
            "content-encoding",
            "keep-alive",
            "proxy-connection",
        ] {
            let refused = headers.add(name.parse().unwrap(), HeaderValue::from_static("x")).unwrap_err();
            assert_eq!(refused.to_string(), format!("`{}` is set by the client itself", name.to_lowercase()));
        }
        assert!(headers.add(HeaderName::from_static("x-trace"), HeaderValue::from_static("1")).is_ok());
        assert_eq!(format!("{headers:?}"), "{\"x-trace\"}");
    }
}
