//! Elephantasm: long-term memory for agents.
//!
//! An *anima* is an agent whose memory is kept. Its experiences are captured as *events*; the platform distils them
//! into memories, knowledge and an identity, and returns a *memory pack*, whose text goes into the prompt.
//!
//! ```no_run
//! use polyagent::elephantasm::{Elephantasm, types::*};
//!
//! # async fn example() -> Result<(), polyagent::Error> {
//! let client = Elephantasm::from_env()?;
//! let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
//! client.events().create(EventCreate::new(&anima.id, EventType::MessageIn, "I like green tea.")).await?;
//! let pack = client.memory_packs().latest(&anima.id, GetLatestMemoryPackParams::new().query("tea")).await?;
//! # Ok(()) }
//! ```
//!
//! # What holds for all calls
//!
//! - Ids are UUIDs, hyphenated or not. Any other id, and any value out of the bounds that its field documents, is an
//!   [`InvalidArgument`](Error::InvalidArgument): nothing is sent. So is a blank query, on which the server would fail.
//! - A key sees the animas of all organisations of its user, and what belongs to them. Anything else is as good as
//!   absent: mostly [`NotFound`](Error::NotFound), never [`PermissionDenied`](Error::PermissionDenied).
//! - [`Authentication`](Error::Authentication) means that the key is missing, wrong, expired or revoked, or that the
//!   server's database is down: the response is the same for all. [`health`](Elephantasm::health) says which.
//! - A plan that is used up is [`PermissionDenied`](Error::PermissionDenied) with
//!   [`Reason::PlanLimit`](crate::Reason::PlanLimit). The platform documents 429 instead, so ask
//!   [`is_limit_exceeded`](Error::is_limit_exceeded), which knows both: a 429 counts unless it speaks of a rate, or
//!   only of how long to wait. Self-hosted servers have no plans.
//! - Calls are [`Idempotent`](crate::RetryClass::Idempotent), except those that create, trigger, cancel or revoke
//!   something, and some that compile packs: they are [`NonIdempotent`](crate::RetryClass::NonIdempotent).
//!
//! # Which server has which operation
//!
//! | operations | public host | self-hosted, version 0.5.8 |
//! |---|---|---|
//! | [`health`](Elephantasm::health) | yes | yes |
//! | [`Animas`]: `create`, `get`, `get_with`, `list`, `search`, `summaries`, `update`, `delete` | yes | yes |
//! | [`Animas`]: `stats`, `restore` | | yes |
//! | [`Events`]: `create`, `list`; [`extract`](Elephantasm::extract) and its kin | yes | yes |
//! | [`Events`]: `get`, `get_with`, `update`, `delete`, `memories` | | yes |
//! | [`MemoryPacks`]: `latest`; [`inject`](Elephantasm::inject) | yes | yes |
//! | [`MemoryPacks`]: `get`, `list`, `delete`, `stats`, `compile`, `preview`, `compile_preset` | | yes |
//! | [`Memories`]: `search_semantic` | yes | yes |
//! | [`Memories`]: `create`, `get`, `list`, `search` | | yes |
//! | [`KnowledgeItems`]: `list_by_type`, `search_semantic` | yes | yes |
//! | [`Identities`]: `of_anima` | yes | yes |
//! | [`query`](Elephantasm::query) | yes | |
//! | [`Subscriptions`]: `usage` | yes | |
//! | [`Dreams`], [`ApiKeys`]: all | | yes |
//!
//! Where an operation is missing, the call is [`NotFound`](Error::NotFound) with
//! [`Reason::RouteMissing`](crate::Reason::RouteMissing).

mod animas;
mod api_keys;
mod capture;
mod dedupe;
mod dialect;
mod dreams;
mod events;
mod extract;
mod extract_many;
mod health;
mod identities;
mod knowledge;
mod memories;
mod memory_packs;
mod preflight;
mod query;
mod subscriptions;

use std::sync::Arc;
use std::time::Duration;

pub use self::animas::Animas;
pub use self::api_keys::ApiKeys;
pub use self::capture::{Capture, Captured};
pub use self::dreams::Dreams;
pub use self::events::Events;
pub use self::extract::Extract;
pub use self::extract_many::{ExtractMany, Outcome, Rest};
pub use self::identities::Identities;
pub use self::knowledge::KnowledgeItems;
pub use self::memories::Memories;
pub use self::memory_packs::MemoryPacks;
pub use self::subscriptions::Subscriptions;
use crate::check;
use crate::config::{Variable, elephantasm as defaults, variable};
use crate::http::{ClientBuilder, Core, Method, Platform, Request, Scheme, no_hint};
use crate::{Error, Secret};

/// Requests and responses of Elephantasm, generated from the OpenAPI document.
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
    include!(concat!(env!("OUT_DIR"), "/elephantasm_types.rs"));
}

#[deny(dead_code)]
mod ops {
    use super::types;
    include!(concat!(env!("OUT_DIR"), "/elephantasm_ops.rs"));
}

pub(crate) static PLATFORM: Platform = Platform {
    name: "elephantasm",
    base_url: Some(defaults::BASE_URL),
    base_url_variable: defaults::ENDPOINT,
    optional_suffix: "/api",
    schemes: &[Scheme { header: "authorization", prefix: "Bearer " }],
    key_optional: false,
    key_variable: defaults::API_KEY,
    own_headers: &[],
    dialect: dialect::parse,
    preflight: preflight::reject_nul,
    hint: no_hint,
    probe: None,
};

/// A client of Elephantasm. Clones are cheap and share connections.
///
/// # Several runtimes
/// A kept connection lives in the runtime whose call opened it. In a call from another runtime it fails if its own is
/// shut down meanwhile, and hangs until a timeout if its own stands still, as a `current_thread` one does outside
/// `block_on`. Use one client per runtime, or keep no connections:
/// `configure_http(|http| http.pool_max_idle_per_host(0))`.
#[derive(Clone, Debug)]
pub struct Elephantasm {
    core: Core,
    /// The anima for `inject` and `extract`.
    anima_id: Option<Arc<str>>,
}

impl Elephantasm {
    /// Creates a client for the public host with default settings.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty or is not a valid header value.
    pub fn new(api_key: impl Into<Secret<String>>) -> Result<Self, Error> {
        Self::builder().api_key(api_key).build()
    }

    /// Creates a client from the environment, from the variables that the platform's own SDKs read:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `ELEPHANTASM_API_KEY` | the key; required |
    /// | `ELEPHANTASM_ENDPOINT` | base URL, trailing `/api` optional, `http` for loopback only. Default: public host |
    /// | `ELEPHANTASM_TIMEOUT` | attempt timeout in whole seconds. Default: 30, or 60 where packs are compiled |
    /// | `ELEPHANTASM_ANIMA_ID` | the anima for [`inject`](Self::inject) and [`extract`](Self::extract) |
    ///
    /// A self-hosted server on plain `http` needs an explicit opt-in, because the key is sent in cleartext:
    /// `Elephantasm::builder_from_env()?.allow_insecure_http().build()`.
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
        let mut builder = Self::builder()
            .api_key_variable(variable(defaults::API_KEY)?)
            .base_url_variable(defaults::ENDPOINT, variable(defaults::ENDPOINT)?);
        if let Some(timeout) = variable(defaults::TIMEOUT)?.value() {
            let seconds = timeout.parse().ok().filter(|seconds| *seconds > 0);
            let wanted = "must be a whole number of seconds, and at least 1";
            let invalid = || Error::config(check::unlike(defaults::TIMEOUT, wanted, &timeout).to_string());
            builder = builder.attempt_timeout(Duration::from_secs(seconds.ok_or_else(invalid)?));
        }
        if let Some(anima_id) = variable(defaults::ANIMA_ID)?.value() {
            check::uuid(defaults::ANIMA_ID, &anima_id).map_err(|invalid| Error::config(invalid.to_string()))?;
            builder = builder.finish_with(move |client: Self| client.with_anima(anima_id));
        }
        Ok(builder)
    }

    /// Returns a builder with default settings.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(&PLATFORM, |core| Self { core, anima_id: None })
    }

    /// The agents whose memory is kept.
    pub fn animas(&self) -> Animas {
        Animas::new(&self.core)
    }

    /// The events of animas.
    pub fn events(&self) -> Events {
        Events::new(&self.core)
    }

    /// Memory compiled for a prompt.
    pub fn memory_packs(&self) -> MemoryPacks {
        MemoryPacks::new(&self.core)
    }

    /// The plan and its current usage.
    pub fn subscriptions(&self) -> Subscriptions {
        Subscriptions::new(&self.core)
    }

    /// Memories distilled from events.
    pub fn memories(&self) -> Memories {
        Memories::new(&self.core)
    }

    /// Knowledge distilled from memories.
    pub fn knowledge(&self) -> KnowledgeItems {
        KnowledgeItems::new(&self.core)
    }

    /// The identities that animas have developed.
    pub fn identities(&self) -> Identities {
        Identities::new(&self.core)
    }

    /// Dreams: background maintenance of memories. Self-hosted servers only.
    pub fn dreams(&self) -> Dreams {
        Dreams::new(&self.core)
    }

    /// The account's API keys. Self-hosted servers only.
    pub fn api_keys(&self) -> ApiKeys {
        ApiKeys::new(&self.core)
    }

    /// Calls an endpoint that this crate has no operation for. Each of `segments` is one path segment, escaped and
    /// validated like an id; the path starts at the host, so most begin with `api`.
    ///
    /// `GET`, `PUT` and `DELETE` are retried as idempotent; use [`retry_class`](Request::retry_class) where they are
    /// not.
    ///
    /// ```no_run
    /// # use polyagent::{Method, elephantasm::Elephantasm};
    /// # async fn example(client: Elephantasm, id: &str) -> Result<(), polyagent::Error> {
    /// let config = client.raw(Method::GET, ["api", "animas", id, "io-config"]).await?;
    /// # Ok(()) }
    /// ```
    pub fn raw<S: AsRef<str>>(
        &self,
        method: Method,
        segments: impl IntoIterator<Item = S>,
    ) -> Request<serde_json::Value> {
        Request::raw(&self.core, method, segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Elephantasm, Error> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let look_up = move |name: &str| {
            let found = variables.iter().find(|(n, _)| n == name);
            Ok(found.map_or(Variable::Unset, |(_, value)| Variable::Set(value.clone())))
        };
        Elephantasm::builder_from(&look_up)?.build()
    }

    #[test]
    fn the_environment_sets_key_endpoint_timeout_and_anima() {
        let error = from(&[]).unwrap_err();
        assert!(error.to_string().contains("ELEPHANTASM_API_KEY"), "{error}");
        let plain = from(&[("ELEPHANTASM_API_KEY", "k")]).unwrap();
        assert_eq!(plain.anima_id(), None);
        assert!(format!("{plain:?}").contains("https://api.elephantasm.com"), "{plain:?}");
        let all = from(&[
            ("ELEPHANTASM_API_KEY", "k"),
            ("ELEPHANTASM_ENDPOINT", "http://localhost:8000/api/"),
            ("ELEPHANTASM_TIMEOUT", "5"),
            ("ELEPHANTASM_ANIMA_ID", "b2352c05-e685-4021-8624-595406c725f2"),
        ]);
        let all = all.unwrap();
        assert_eq!(all.anima_id(), Some("b2352c05-e685-4021-8624-595406c725f2"));
        assert!(format!("{all:?}").contains("base_url: http://localhost:8000,"), "{all:?}");
    }

    #[test]
    fn a_variable_without_a_usable_value_is_named() {
        for (name, value) in [
            ("ELEPHANTASM_TIMEOUT", "soon"),
            ("ELEPHANTASM_TIMEOUT", "0"),
            ("ELEPHANTASM_TIMEOUT", "-1"),
            ("ELEPHANTASM_ANIMA_ID", "agent-01"),
        ] {
            let error = from(&[("ELEPHANTASM_API_KEY", "k"), (name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(from(&[("ELEPHANTASM_API_KEY", "k"), ("ELEPHANTASM_ENDPOINT", "http://10.0.0.1")]).is_err());
    }

    #[test]
    fn the_defaults_agree_with_the_document() {
        let document: serde_json::Value = serde_json::from_str(include_str!("../../spec/openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        for (path, item) in
            paths.iter().filter(|(_, item)| item.as_object().unwrap().values().any(|op| op["tags"][0] == "elephantasm"))
        {
            assert_eq!(item["servers"][0]["url"].as_str(), PLATFORM.base_url, "{path}");
            assert!(path.starts_with(PLATFORM.optional_suffix), "{path}");
        }
    }
}
