//! What a platform tells the road.

use http::{HeaderMap, HeaderName, StatusCode};

use super::operation::OperationSpec;
use crate::check::InvalidArgument;
use crate::error::ErrorDetails;

/// A platform, as far as carrying its calls is concerned.
pub(crate) struct Platform {
    pub(crate) name: &'static str,
    /// The public host; `None` if there is none.
    pub(crate) base_url: Option<&'static str>,
    /// The environment variable of the base URL, for the error about a missing one.
    pub(crate) base_url_variable: &'static str,
    /// A path that users may include at the end of a base URL, although the document's paths start with it.
    pub(crate) optional_suffix: &'static str,
    /// How the credential is sent; the first is the default.
    pub(crate) schemes: &'static [Scheme],
    /// Whether a client can be built without a credential.
    pub(crate) key_optional: bool,
    /// The environment variable of the key, for the error about a missing key.
    pub(crate) key_variable: &'static str,
    /// Headers with a setting of their own, which callers may not set by name.
    pub(crate) own_headers: &'static [&'static str],
    /// Reads an error response; runs before the response is classified.
    pub(crate) dialect: Dialect,
    /// Looks at the encoded query and the JSON body before anything is sent.
    pub(crate) preflight: fn(&str, Option<&[u8]>) -> Result<(), InvalidArgument>,
    /// What an error of this status adds, seen the headers that were sent: a setting that is missing.
    pub(crate) hint: fn(StatusCode, &HeaderMap) -> Option<&'static str>,
    /// How the generation of a server is found out, if servers have generations.
    pub(crate) probe: Option<&'static Probe>,
}

/// Reads what an error response says.
pub(crate) type Dialect = fn(StatusCode, &HeaderMap, &[u8]) -> ErrorDetails;

/// A preflight that finds nothing.
#[allow(clippy::unnecessary_wraps, reason = "it stands where any preflight may")]
pub(crate) fn no_preflight(_: &str, _: Option<&[u8]>) -> Result<(), InvalidArgument> {
    Ok(())
}

/// No hint.
pub(crate) fn no_hint(_: StatusCode, _: &HeaderMap) -> Option<&'static str> {
    None
}

/// A header that carries the credential.
#[derive(Debug)]
pub(crate) struct Scheme {
    /// Its name in lower case.
    pub(crate) header: &'static str,
    /// Stands before the key, with its space.
    pub(crate) prefix: &'static str,
}

impl Scheme {
    pub(super) fn name(&self) -> HeaderName {
        HeaderName::from_static(self.header)
    }
}

/// A call whose response tells the generation of a server.
pub(crate) struct Probe {
    pub(crate) operation: &'static OperationSpec,
    pub(crate) query: &'static str,
    /// Items of comma-separated headers.
    pub(crate) listed: &'static [(&'static str, &'static str)],
    /// The generation, if the successful response is of a known one.
    pub(crate) judge: fn(&HeaderMap, &[u8]) -> Option<&'static str>,
    /// What errors add: how to set the generation by hand.
    pub(crate) advice: &'static str,
    pub(crate) profiles: &'static [Profile],
}

/// What is different for a generation that is known by its host or set by hand, and never found out.
pub(crate) struct Profile {
    pub(crate) generation: &'static str,
    pub(crate) host: &'static str,
    pub(crate) base_url: &'static str,
    pub(crate) scheme: Scheme,
    /// Sent unless the caller sets them.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}
