//! eClips: a workforce of agents.
//!
//! A *run* is a task that an agent does. Where the agent may not decide, the run waits as a *triage item* for a human,
//! who approves or rejects it. A *batch* is up to 500 tasks at once, a *workflow* a saved task of several steps.
//! *Webhooks* deliver how runs end.
//!
//! ```no_run
//! use polyagent::eclips::{Eclips, RunOutcome, types::RunCreate};
//!
//! # async fn example() -> Result<(), polyagent::Error> {
//! let client = Eclips::from_env()?; // ECLIPS_API_KEY, ECLIPS_ORG_ID
//! let run = RunCreate::new("Check invoice 7781 against its purchase order").agent_type("ap_specialist");
//! match client.run_and_wait(run).await? {
//!     RunOutcome::Completed(run) => println!("{:?}", run.output()),
//!     RunOutcome::PendingTriage(run) => println!("a human must decide {:?}", run.triage_item_id),
//!     outcome => println!("{}: {:?}", outcome.run().status, outcome.run().failure()),
//! }
//! # Ok(()) }
//! ```
//!
//! Ids are opaque. The platform has no idempotency keys: a call that starts something is sent again only if it was
//! certainly not processed. The platform calls every 5xx safe to retry;
//! [`RetryPolicy::server_errors`](crate::RetryPolicy::server_errors) takes it at its word.
//!
//! Usage has no operation here, as its shape is not documented; [`raw`](Eclips::raw) reads it.

mod batches;
mod dialect;
mod health;
mod run_stream;
mod runs;
mod submit;
mod triage;
mod verifier;
pub mod webhooks;
mod workflows;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

pub use self::batches::{BatchRows, BatchUpdate, Batches};
pub use self::run_stream::{RunEvent, RunStream};
pub use self::runs::{RunOutcome, Runs};
pub use self::submit::{Submission, Submit, SubmitUpdates, Submitted};
pub use self::triage::{Decide, Review, Triage, TriageTarget};
pub use self::webhooks::Webhooks;
pub use self::workflows::Workflows;
use crate::check::InvalidArgument;
use crate::config::{Variable, eclips as defaults, variable};
use crate::http::{ClientBuilder, Core, Method, Operation, Platform, Request, Scheme, no_preflight};
use crate::{Error, Secret};

/// Requests and responses of eClips, generated from the OpenAPI document.
#[allow(
    clippy::too_many_arguments,
    clippy::too_many_lines,
    clippy::option_option,
    clippy::doc_markdown,
    clippy::large_enum_variant,
    clippy::match_single_binding,
    clippy::semicolon_if_nothing_returned,
    clippy::similar_names,
    reason = "generated"
)]
pub mod types {
    include!(concat!(env!("OUT_DIR"), "/eclips_types.rs"));
}

#[deny(dead_code)]
mod ops {
    use super::types;
    include!(concat!(env!("OUT_DIR"), "/eclips_ops.rs"));
}

pub(crate) static PLATFORM: Platform = Platform {
    name: "eclips",
    base_url: Some(defaults::BASE_URL),
    base_url_variable: "",
    optional_suffix: "/v1",
    schemes: &[Scheme { header: "authorization", prefix: "Bearer " }],
    key_optional: false,
    key_variable: defaults::API_KEY,
    own_headers: &[ORGANIZATION],
    dialect: dialect::parse,
    preflight: no_preflight,
    hint: missing_organization,
    probe: None,
};

/// The header that names the organization.
const ORGANIZATION: &str = "x-eclips-org";

/// What an error may come from if the organization was not sent.
fn missing_organization(status: StatusCode, sent: &HeaderMap) -> Option<&'static str> {
    let may_be = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    (may_be && !sent.contains_key(ORGANIZATION))
        .then_some("no organization was sent: set `organization`, or ECLIPS_ORG_ID with `from_env`")
}

/// A client of eClips. Clones are cheap and share connections.
///
/// The key can do everything that its scopes allow: it must not reach browsers or other programs of your users.
#[derive(Clone, Debug)]
pub struct Eclips {
    core: Core,
    organization: Option<Arc<str>>,
}

impl Eclips {
    /// Creates a client for the public host with default settings.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty or is not a valid header value.
    pub fn new(api_key: impl Into<Secret<String>>, organization: impl Into<String>) -> Result<Self, Error> {
        Self::builder().api_key(api_key).organization(organization).build()
    }

    /// Creates a client from the environment:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `ECLIPS_API_KEY` | the key, which begins with `eck_live_`; required |
    /// | `ECLIPS_ORG_ID` | the organization; the reference requires it, the manual does not know it |
    ///
    /// Without `ECLIPS_ORG_ID` the organization is not sent, and the message of a 401 or 403 says that it is missing.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is missing or the value of a variable is not valid.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder_from_env()?.build()
    }

    /// Returns a builder pre-filled from the environment like [`from_env`](Self::from_env), for settings that the
    /// environment does not cover.
    ///
    /// # Errors
    /// [`Error::Config`] if the value of a variable is not valid.
    pub fn builder_from_env() -> Result<ClientBuilder<Self>, Error> {
        Self::builder_from(&variable)
    }

    fn builder_from(variable: &dyn Fn(&str) -> Result<Variable, Error>) -> Result<ClientBuilder<Self>, Error> {
        let builder = Self::builder().api_key_variable(variable(defaults::API_KEY)?);
        Ok(match variable(defaults::ORG_ID)?.value() {
            Some(organization) => builder.organization(organization),
            None => builder,
        })
    }

    /// Returns a builder with default settings.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(&PLATFORM, |core| Self { core, organization: None })
    }

    /// Returns this client for another organization of the same key. It shares connections and settings. White space
    /// around the organization is trimmed; if it is then empty, or no valid header value, each call is an
    /// [`InvalidArgument`](Error::InvalidArgument).
    #[must_use]
    pub fn with_organization(&self, organization: impl Into<String>) -> Self {
        Self { core: self.core.clone(), organization: Some(organization.into().trim().into()) }
    }

    /// Returns the organization of this client, if it has one.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Tasks that agents do.
    pub fn runs(&self) -> Runs {
        Runs::new(self)
    }

    /// Decisions that humans make for agents.
    pub fn triage(&self) -> Triage {
        Triage::new(self)
    }

    /// Receivers of events.
    pub fn webhooks(&self) -> Webhooks {
        Webhooks::new(self)
    }

    /// Many tasks at once.
    pub fn batches(&self) -> Batches {
        Batches::new(self)
    }

    /// Saved tasks of several steps.
    pub fn workflows(&self) -> Workflows {
        Workflows::new(self)
    }

    /// Calls an endpoint that this crate has no operation for. Each of `segments` is one path segment, escaped and
    /// validated like an id.
    ///
    /// `GET`, `PUT` and `DELETE` are retried as idempotent; use [`retry_class`](Request::retry_class) where they are
    /// not.
    ///
    /// ```no_run
    /// # use polyagent::{Method, eclips::Eclips};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let usage = client.raw(Method::GET, ["v1", "usage"]).await?;
    /// println!("{usage}");
    /// # Ok(()) }
    /// ```
    pub fn raw<S: AsRef<str>>(
        &self,
        method: Method,
        segments: impl IntoIterator<Item = S>,
    ) -> Request<serde_json::Value> {
        self.for_organization(Request::raw(&self.core, method, segments))
    }

    /// Whether an error is about a success whose body is not as expected, where nothing is documented about it. A page
    /// for people and an object that reports an error are no success.
    fn is_acknowledged(error: &Error) -> bool {
        let body = error.body().map(|body| body.trim_ascii_start()).unwrap_or_default();
        let says_error = |body: serde_json::Value| body.get("error").is_some_and(|error| !error.is_null());
        error.is_decode() && !body.starts_with(b"<") && !serde_json::from_slice(body).is_ok_and(says_error)
    }

    fn call<T>(&self, operation: Operation<T>) -> Request<T> {
        self.for_organization(Request::new(&self.core, operation))
    }

    fn for_organization<T>(&self, request: Request<T>) -> Request<T> {
        let Some(organization) = self.organization() else { return request };
        let value = HeaderValue::try_from(organization).ok().filter(|value| !value.is_empty());
        match value {
            Some(value) => request.own_header(HeaderName::from_static(ORGANIZATION), value),
            None => request.refuse(InvalidArgument::new("organization", "is not a valid header value")),
        }
    }
}

impl ClientBuilder<Eclips> {
    /// Sets the organization, which is sent with every call that needs a key.
    ///
    /// The reference sends it with every request; according to the manual the key alone tells the organization, so it
    /// may be left out. See [`with_organization`](Eclips::with_organization).
    pub fn organization(self, organization: impl Into<String>) -> Self {
        let organization = organization.into();
        self.finish_with(move |client: Eclips| client.with_organization(organization))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Eclips, Error> {
        let find = |name: &str| variables.iter().find(|(found, _)| *found == name);
        let look_up =
            |name: &str| Ok(find(name).map_or(Variable::Unset, |(_, value)| Variable::Set((*value).to_owned())));
        Eclips::builder_from(&look_up)?.build()
    }

    #[test]
    fn the_environment_sets_key_and_organization() {
        let error = from(&[("ECLIPS_ORG_ID", "org_demo")]).unwrap_err();
        assert!(error.is_config() && error.to_string().contains("ECLIPS_API_KEY"), "{error}");
        let without = from(&[("ECLIPS_API_KEY", "eck_live_1")]).unwrap();
        assert_eq!(without.organization(), None);
        assert!(format!("{without:?}").contains("https://api.eclips.tech"), "{without:?}");
        let with = from(&[("ECLIPS_API_KEY", "eck_live_1"), ("ECLIPS_ORG_ID", " org_demo ")]).unwrap();
        assert_eq!(with.organization(), Some("org_demo"));
        assert_eq!(Eclips::new("eck_live_1", "org_new").unwrap().organization(), Some("org_new"));
    }

    #[test]
    fn only_401_and_403_may_come_from_a_missing_organization() {
        let with = HeaderMap::from_iter([(HeaderName::from_static(ORGANIZATION), HeaderValue::from_static("o"))]);
        for status in 400..600 {
            let status = StatusCode::from_u16(status).unwrap();
            let hint = missing_organization(status, &HeaderMap::new());
            assert_eq!(hint.is_some(), matches!(status.as_u16(), 401 | 403), "{status}");
            assert_eq!(missing_organization(status, &with), None);
        }
    }

    #[test]
    fn the_defaults_agree_with_the_document() {
        let document: serde_json::Value = serde_json::from_str(include_str!("../../spec/openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let own: Vec<_> = paths
            .filter(|(_, item)| item.as_object().unwrap().values().any(|operation| operation["tags"][0] == "eclips"))
            .collect();
        for (path, item) in &own {
            assert_eq!(item["servers"][0]["url"].as_str(), PLATFORM.base_url, "{path}");
            assert!(path.starts_with(PLATFORM.optional_suffix), "{path}");
        }
        assert!(!own.is_empty());
        let rows = &document["components"]["schemas"]["EclipsBatchCreate"]["properties"]["rows"];
        assert_eq!(rows["maxItems"], defaults::MAX_ROWS);
    }
}
