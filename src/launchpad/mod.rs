//! Agent Launchpad: ElizaOS agents on Kubernetes.
//!
//! An *agent* is deployed from its description, which takes minutes; then it has a URL, health, metrics and a log, and
//! can be scaled, restarted, updated and deleted. There is no public host: every client needs the base URL of an
//! installation.
//!
//! ```no_run
//! use polyagent::launchpad::types::{AgentCreate, Personality, Platforms, Resources, TelegramConfig};
//! use polyagent::launchpad::{Cpu, DeployOutcome, Launchpad, Memory};
//!
//! # async fn example() -> Result<(), polyagent::Error> {
//! let client = Launchpad::from_env()?; // LAUNCHPAD_BASE_URL, LAUNCHPAD_API_KEY
//! let agent = AgentCreate::new(
//!     "faq-bot",
//!     Personality::new().system("Answer briefly.").bio(["FAQ helper"]),
//!     ["@elizaos/plugin-telegram"],
//!     Resources::new(Memory::mib(512), Cpu::millis(250)),
//!     Platforms::new().telegram(TelegramConfig::new("123:token")),
//! );
//! match client.agents().deploy(agent).await? {
//!     DeployOutcome::Deployed(state) => println!("live at {:?}", state.url),
//!     DeployOutcome::Failed(failed) => println!("failed: {:?}", failed.last_logs),
//!     DeployOutcome::Stopped(_) => println!("stopped meanwhile"),
//! }
//! # Ok(()) }
//! ```
//!
//! The published pages contradict each other. The client speaks the oldest one, and reads the responses of all: fields
//! in camel case and in snake case, objects bare and under `agent`, statuses in any case. What only later versions have
//! says so.
//!
//! An installation allows 100 calls in 15 minutes, and 20 in a minute, by default. Waits here poll every 15 s and
//! slower, and slow down further as the allowance shrinks; [`limit_calls`](crate::ClientBuilder::limit_calls) keeps a
//! whole program within it. That waiting helps is said by [`is_rate_limited`](crate::Error::is_rate_limited); a used-up
//! quota of resources is [`Reason::Quota`](crate::Reason::Quota) and never retried, nor is a deployment that failed.
//!
//! Stacks, batches, reports and the WebSocket of later versions have no operations here; [`raw`](Launchpad::raw)
//! reaches those that speak HTTP.

mod agents;
mod auth;
mod deploy;
mod dialect;
mod follow;
mod follower;
mod health;
mod logs;
mod monitoring;
mod piece;
mod quantity;
mod security;
mod seen;
mod system;
mod users;

use std::time::Duration;

use http::HeaderName;

pub use self::agents::Agents;
pub use self::auth::Auth;
pub use self::deploy::{DeployOutcome, Deployment};
pub use self::follow::FollowLogs;
pub use self::logs::{Logs, Since};
pub use self::monitoring::Monitoring;
pub use self::quantity::{Cpu, InvalidQuantity, Memory};
pub use self::security::Security;
pub use self::system::System;
pub use self::users::Users;
use crate::config::{Variable, launchpad as defaults, variable};
use crate::http::{CallLimit, ClientBuilder, Core, Method, Platform, Request, Scheme, no_hint, no_preflight};
use crate::{Error, Secret};

/// Requests and responses of Agent Launchpad, generated from the OpenAPI document.
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
    include!(concat!(env!("OUT_DIR"), "/launchpad_types.rs"));
}

#[deny(dead_code)]
mod ops {
    use super::types;
    include!(concat!(env!("OUT_DIR"), "/launchpad_ops.rs"));
}

static TOKEN: Scheme = Scheme { header: "authorization", prefix: "Bearer " };
/// The header of the anonymous key that goes with a token.
const ANON_KEY: &str = "apikey";

pub(crate) static PLATFORM: Platform = Platform {
    name: "launchpad",
    base_url: None,
    base_url_variable: defaults::BASE_URL,
    optional_suffix: "/api",
    schemes: &[Scheme { header: "x-api-key", prefix: "" }],
    key_optional: true,
    key_variable: defaults::API_KEY,
    own_headers: &[ANON_KEY],
    dialect: dialect::parse,
    preflight: no_preflight,
    hint: no_hint,
    probe: None,
};

/// A client of Agent Launchpad. Clones are cheap and share connections and the limit of calls.
#[derive(Clone, Debug)]
pub struct Launchpad {
    core: Core,
}

impl Launchpad {
    /// Creates a client of the installation at `base_url`, with default settings. The URL may end in `/api` or not.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty or no valid header value, or the URL is not valid.
    pub fn new(base_url: impl Into<String>, api_key: impl Into<Secret<String>>) -> Result<Self, Error> {
        Self::builder().base_url(base_url).api_key(api_key).build()
    }

    /// Creates a client from the environment:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `LAUNCHPAD_BASE_URL` | base URL of the installation, trailing `/api` optional; required |
    /// | `LAUNCHPAD_API_KEY` | the key, which begins with `alk_`; required |
    ///
    /// # Errors
    /// [`Error::Config`] if a variable is missing or its value is not valid.
    pub fn from_env() -> Result<Self, Error> {
        Self::from(&variable)
    }

    fn from(variable: &dyn Fn(&str) -> Result<Variable, Error>) -> Result<Self, Error> {
        let builder = Self::builder_from(variable)?;
        if variable(defaults::BASE_URL)?.is_set() && !variable(defaults::API_KEY)?.is_set() {
            return Err(Error::config(format!("no API key: {} is not set", defaults::API_KEY)));
        }
        builder.build()
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
        let builder = Self::builder().base_url_variable(defaults::BASE_URL, variable(defaults::BASE_URL)?);
        Ok(match variable(defaults::API_KEY)? {
            key @ Variable::Set(_) => builder.api_key_variable(key),
            Variable::Unset | Variable::Blank => builder,
        })
    }

    /// Returns a builder with default settings. It needs a base URL. Without a key, the client can do nothing but
    /// [create one](Auth::generate_key).
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(&PLATFORM, |core| Self { core })
    }

    /// Keys of users.
    pub fn auth(&self) -> Auth {
        Auth::new(&self.core)
    }

    /// The agents.
    pub fn agents(&self) -> Agents {
        Agents::new(&self.core)
    }

    /// Metrics and logs of agents.
    pub fn monitoring(&self) -> Monitoring {
        Monitoring::new(&self.core)
    }

    /// Scans of agents, and security events.
    pub fn security(&self) -> Security {
        Security::new(&self.core)
    }

    /// Metrics of the whole installation.
    pub fn system(&self) -> System {
        System::new(&self.core)
    }

    /// The user that the key belongs to.
    pub fn users(&self) -> Users {
        Users::new(&self.core)
    }

    /// Calls an endpoint that this crate has no operation for. Each of `segments` is one path segment, escaped and
    /// validated like an id; the path starts at the host, so most begin with `api`.
    ///
    /// The platform rejects a `POST` or `PUT` without a JSON body: give it an empty object if there is nothing to say.
    /// `GET`, `PUT` and `DELETE` are retried as idempotent; use [`retry_class`](Request::retry_class) where they are
    /// not.
    ///
    /// ```no_run
    /// # use polyagent::{Method, launchpad::Launchpad};
    /// # use serde_json::json;
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// let stack = json!({"name": "web", "template": "eliza"});
    /// let created = client.raw(Method::POST, ["api", "stacks"]).json_body(&stack).await?;
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

impl ClientBuilder<Launchpad> {
    /// Signs in as later versions want it: the API key, fixed or provided, is sent as a bearer token, which is a
    /// Supabase JWT, and the project's anonymous key goes with it.
    ///
    /// ```
    /// # use polyagent::launchpad::Launchpad;
    /// # fn main() -> Result<(), polyagent::Error> {
    /// let client = Launchpad::builder()
    ///     .base_url("https://launchpad.example.org")
    ///     .api_key("eyJhbGciOi.demo.token") // or `credentials`, for tokens that expire
    ///     .supabase("anonymous-key")
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn supabase(self, anon_key: impl Into<Secret<String>>) -> Self {
        self.scheme(&TOKEN).own_header(HeaderName::from_static(ANON_KEY), anon_key.into().into_inner())
    }

    /// Keeps the client and its clones within what an installation allows by default: 100 calls in 15 minutes, and 20
    /// in a minute. Calls beyond it wait; [`call_limit`](Self::call_limit) sets other numbers, or has them refused.
    pub fn limit_calls(self) -> Self {
        self.call_limit(documented_limit())
    }
}

fn documented_limit() -> CallLimit {
    let minute = Duration::from_secs(60);
    CallLimit::new(defaults::CALLS_PER_QUARTER, 15 * minute).and(defaults::CALLS_PER_MINUTE, minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Launchpad, String> {
        let find = |name: &str| variables.iter().find(|(found, _)| *found == name);
        let look_up =
            |name: &str| Ok(find(name).map_or(Variable::Unset, |(_, value)| Variable::Set((*value).to_owned())));
        Launchpad::from(&look_up).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_sets_base_url_and_key() {
        let client = from(&[("LAUNCHPAD_BASE_URL", "https://pad.example/api/"), ("LAUNCHPAD_API_KEY", "alk_00")]);
        assert!(format!("{:?}", client.unwrap()).contains("base_url: https://pad.example,"));
        let error = from(&[("LAUNCHPAD_API_KEY", "alk_00")]).unwrap_err();
        assert!(error.contains("no base URL") && error.contains("LAUNCHPAD_BASE_URL"), "{error}");
        assert!(from(&[]).unwrap_err().contains("LAUNCHPAD_BASE_URL"));
        let error = from(&[("LAUNCHPAD_BASE_URL", "https://pad.example")]).unwrap_err();
        assert!(error.contains("LAUNCHPAD_API_KEY"), "{error}");
    }

    #[test]
    fn a_client_without_a_key_can_be_built_but_not_one_without_a_base_url() {
        assert!(Launchpad::builder().base_url("https://pad.example").build().is_ok());
        let error = Launchpad::builder().api_key("alk_00").build().unwrap_err();
        assert!(error.is_config() && error.to_string().contains("LAUNCHPAD_BASE_URL"), "{error}");
    }

    #[test]
    fn the_limit_is_the_documented_one() {
        let quarter = CallLimit::new(100, Duration::from_secs(900));
        assert_eq!(documented_limit(), quarter.and(20, Duration::from_secs(60)));
    }

    #[test]
    fn the_defaults_agree_with_the_document() {
        let document: serde_json::Value = serde_json::from_str(include_str!("../../spec/openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let mine =
            |item: &&serde_json::Value| item.as_object().unwrap().values().any(|op| op["tags"][0] == "launchpad");
        let servers: Vec<_> =
            paths.values().filter(mine).map(|item| item["servers"][0]["url"].as_str().unwrap()).collect();
        assert_eq!(servers.len(), 17);
        assert!(servers.iter().all(|url| url.ends_with(PLATFORM.optional_suffix)), "{servers:?}");
    }
}
