//! Elacity: a control plane for prompts and agents.
//!
//! *Registries* hold versions of *prompts*, which are compiled from text and shared *promptlets*. A version is
//! *deployed* to *agents* in an *environment*; *fleets* group agents. *LLM providers* are connections to vendors of
//! models.
//!
//! ```no_run
//! use polyagent::elacity::Elacity;
//!
//! # async fn example() -> Result<(), polyagent::Error> {
//! let client = Elacity::from_env()?; // ELACITY_API_KEY, ELACITY_ORG
//! let prompt = client.registry().pull("acme/voice", "greeter", "1.2.0").await?;
//! println!("{}", prompt.render([("name", "Ada")])?);
//! # Ok(()) }
//! ```
//!
//! # How sure a path is
//!
//! The vendor documents few paths, and hardly any response. Each method says how sure its path is:
//!
//! | resource | documented | inferred, but what is sent is documented | inferred, with all the rest |
//! |---|---|---|---|
//! | [`Registries`] | `publish`, `pull` | `clone_version`, `get` | `list`, `artifacts` |
//! | [`Drafts`] | | all | |
//! | [`Agents`] | `list`, `deploy` | | |
//! | [`Environments`] | `list` | | |
//! | [`Deployments`] | | | `list`, `heatmap` |
//! | [`Fleets`] | | | `list` |
//! | [`LlmProviders`] | | `create` | `list` |
//! | [`Tools`] | `update` | | |
//!
//! Where an inferred path is wrong the error says so: it is a [`NotFound`](Error::NotFound), or the status 405.
//! [`path_override`](ClientBuilder::path_override) sets the right one. Fields of responses are optional where they are
//! not documented, and further fields are kept; a list is read bare, or as an array in an object under `items`, `data`
//! or the name of what it holds; nothing and `null` are an empty list. If a field is of another type than inferred, use
//! [`decode_as`](Request::decode_as) or [`decode_items_as`](Request::decode_items_as).
//!
//! # What has no operation here
//!
//! The vendor names more than it documents: get, create, update, configure and delete of agents and of environments,
//! credentials and secrets of environments, grouping of fleets, list, create, get and delete of tools.
//! [`raw`](Elacity::raw) calls them, once you know their paths:
//!
//! ```no_run
//! # use polyagent::{Method, elacity::Elacity};
//! # use serde_json::json;
//! # async fn example(client: Elacity) -> Result<(), polyagent::Error> {
//! let agent = json!({"orgSlug": "acme", "name": "Front desk"});
//! let created = client.raw(Method::POST, ["api", "agents"]).json_body(&agent).await?;
//! let secrets = json!({"orgSlug": "acme", "environment": "dev"});
//! let secrets = client.raw(Method::POST, ["api", "environments", "secrets", "list"]).json_body(&secrets).await?;
//! let fleet = json!({"orgSlug": "acme", "name": "Europe", "agentIds": ["ag_1"]});
//! let fleet = client.raw(Method::POST, ["api", "fleets"]).json_body(&fleet).await?;
//! let tools = client.raw(Method::POST, ["api", "tools", "list"]).json_body(&json!({"orgSlug": "acme"})).await?;
//! # Ok(()) }
//! ```
//!
//! Calls that only read are [`Idempotent`](crate::RetryClass::Idempotent), except previews; the platform has no
//! idempotency keys, so all others are retried only if they were certainly not processed.

mod agents;
mod deployments;
mod dialect;
mod drafts;
mod environments;
mod fleets;
mod llm_providers;
mod registry;
mod render;
mod response;
mod tools;

use std::sync::Arc;

use serde::Serialize;

pub use self::agents::{Agents, Deployed};
pub use self::deployments::Deployments;
pub use self::drafts::Drafts;
pub use self::environments::Environments;
pub use self::fleets::Fleets;
pub use self::llm_providers::LlmProviders;
pub use self::registry::Registries;
pub use self::render::{RenderError, render, variables};
pub use self::tools::Tools;
use crate::check::{Check, InvalidArgument};
use crate::config::{Variable, elacity as defaults, variable};
use crate::http::{ClientBuilder, Core, Method, Operation, Platform, Request, Scheme, no_hint, no_preflight};
use crate::{Error, Secret};

/// Requests and responses of Elacity, generated from the OpenAPI document.
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
    include!(concat!(env!("OUT_DIR"), "/elacity_types.rs"));
}

#[deny(dead_code)]
mod ops {
    use super::types;
    include!(concat!(env!("OUT_DIR"), "/elacity_ops.rs"));
}

/// Kinds of artifact that the vendor's guide names. The values are inferred; any other text may be sent.
pub mod artifact_type {
    /// A prompt.
    pub const PROMPT: &str = "prompt";
    /// A part that prompts share.
    pub const PROMPTLET: &str = "promptlet";
}

/// Vendors of models. The values are inferred; any other text may be sent.
pub mod llm_provider {
    /// `OpenAI`.
    pub const OPENAI: &str = "openai";
    /// Anthropic.
    pub const ANTHROPIC: &str = "anthropic";
    /// Google.
    pub const GOOGLE: &str = "google";
    /// `OpenRouter`.
    pub const OPENROUTER: &str = "openrouter";
    /// An endpoint of one's own.
    pub const CUSTOM: &str = "custom";
}

/// The path of the document's server.
const BASE: &str = "/api";
const API_KEY: Scheme = Scheme { header: "x-api-key", prefix: "" };
static BEARER: Scheme = Scheme { header: "authorization", prefix: "Bearer " };

pub(crate) static PLATFORM: Platform = Platform {
    name: "elacity",
    base_url: Some(defaults::BASE_URL),
    base_url_variable: "",
    optional_suffix: BASE,
    schemes: &[API_KEY],
    key_optional: true,
    key_variable: defaults::API_KEY,
    own_headers: &[],
    dialect: dialect::parse,
    preflight: no_preflight,
    hint: no_hint,
    probe: None,
};

/// What an error of an inferred path adds.
const INFERRED: &str =
    "the path of this operation is inferred, not confirmed by the vendor's documentation: see `path_override`";

/// A client of Elacity. Clones are cheap and share connections.
#[derive(Clone, Debug)]
pub struct Elacity {
    core: Core,
    organization: Option<Arc<str>>,
}

impl Elacity {
    /// Creates a client for the public host with default settings.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty or is not a valid header value.
    pub fn new(api_key: impl Into<Secret<String>>) -> Result<Self, Error> {
        Self::builder().api_key(api_key).build()
    }

    /// Creates a client from the environment:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `ELACITY_API_KEY` | the key; without it only public registries can be read |
    /// | `ELACITY_ORG` | slug of the organization, for the calls that need one |
    ///
    /// # Errors
    /// [`Error::Config`] if the value of a variable is not valid.
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
        Ok(match variable(defaults::ORG)?.value() {
            Some(organization) => builder.organization(organization),
            None => builder,
        })
    }

    /// Returns a builder with default settings. A client without a key can read public registries only; its other calls
    /// are [`Error::Config`].
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(&PLATFORM, |core| Self { core, organization: None })
    }

    /// Returns this client for another organization. It shares connections and settings. White space around the slug is
    /// trimmed; if it is then empty, each call that needs one is an [`InvalidArgument`](Error::InvalidArgument).
    #[must_use]
    pub fn with_organization(&self, organization: impl Into<String>) -> Self {
        Self { core: self.core.clone(), organization: Some(organization.into().trim().into()) }
    }

    /// Returns the organization of this client, if it has one.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Versions of prompts and promptlets.
    pub fn registry(&self) -> Registries {
        Registries::new(self)
    }

    /// Drafts of prompts.
    pub fn drafts(&self) -> Drafts {
        Drafts::new(self)
    }

    /// Agents, and deploying to them.
    pub fn agents(&self) -> Agents {
        Agents::new(self)
    }

    /// Environments.
    pub fn environments(&self) -> Environments {
        Environments::new(self)
    }

    /// The history of deployments.
    pub fn deployments(&self) -> Deployments {
        Deployments::new(self)
    }

    /// Groups of agents.
    pub fn fleets(&self) -> Fleets {
        Fleets::new(self)
    }

    /// Connections to vendors of models.
    pub fn llm_providers(&self) -> LlmProviders {
        LlmProviders::new(self)
    }

    /// Tools of agents.
    pub fn tools(&self) -> Tools {
        Tools::new(self)
    }

    /// Calls an endpoint that this crate has no operation for. Each of `segments` is one path segment, escaped and
    /// validated like an id; the path starts at the host, so most begin with `api`. The key is sent if there is one.
    ///
    /// `GET`, `PUT` and `DELETE` are retried as idempotent; use [`retry_class`](Request::retry_class) where they are
    /// not.
    pub fn raw<S: AsRef<str>>(
        &self,
        method: Method,
        segments: impl IntoIterator<Item = S>,
    ) -> Request<serde_json::Value> {
        Request::raw(&self.core, method, segments)
    }

    /// A call whose path is documented.
    fn call<T>(&self, operation: Operation<T>) -> Request<T> {
        Request::new(&self.core, operation)
    }

    /// A call whose path is inferred.
    fn inferred<T>(&self, operation: Operation<T>) -> Request<T> {
        self.call(operation).if_missing(INFERRED)
    }

    /// Sets the body, whose `organization` is this client's unless it has one.
    fn scoped<T, B: Check + Serialize>(
        &self,
        request: Request<T>,
        mut body: B,
        organization: fn(&mut B) -> &mut Option<String>,
    ) -> Request<T> {
        let slug = organization(&mut body);
        if slug.is_none() {
            *slug = self.organization().map(str::to_owned);
        }
        match slug.as_deref().map(str::trim) {
            Some("") => request.refuse(InvalidArgument::new("orgSlug", "must not be empty")),
            Some(_) => request.json(&body),
            None => request.refuse(InvalidArgument::new(
                "orgSlug",
                "is missing: set `organization` on the client, or ELACITY_ORG with `from_env`",
            )),
        }
    }
}

impl ClientBuilder<Elacity> {
    /// Sets the organization, by its slug, for the calls that need one; see
    /// [`with_organization`](Elacity::with_organization).
    pub fn organization(self, organization: impl Into<String>) -> Self {
        let organization = organization.into();
        self.finish_with(move |client: Elacity| client.with_organization(organization))
    }

    /// Sends the key as bearer token instead of `X-API-Key`. Never both are sent.
    pub fn bearer(self) -> Self {
        self.scheme(&BEARER)
    }

    /// Sets the path of one operation, where the one that this crate has is not the server's. An operation is named as
    /// in [`Error::operation`]; the path stands below the base URL, behind `/api`. A method in front of it changes the
    /// method too, and the ids of the operation stand in braces.
    ///
    /// ```
    /// # use polyagent::elacity::Elacity;
    /// # fn main() -> Result<(), polyagent::Error> {
    /// let client = Elacity::builder()
    ///     .api_key("demo-key-0123")
    ///     .path_override("elacity_list_fleets", "/v2/fleets/list")
    ///     .path_override("elacity_list_drafts", "/prompts/{promptName}/drafts")
    ///     .path_override("elacity_save_draft", "POST /drafts/save")
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// On building, [`Error::Config`] for an operation that does not exist, or a path that is not valid.
    pub fn path_override(self, operation: impl AsRef<str>, path: impl AsRef<str>) -> Self {
        self.override_path(ops::IDS, BASE, operation.as_ref(), path.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Elacity, Error> {
        let find = |name: &str| variables.iter().find(|(found, _)| *found == name);
        let look_up =
            |name: &str| Ok(find(name).map_or(Variable::Unset, |(_, value)| Variable::Set((*value).to_owned())));
        Elacity::builder_from(&look_up)?.build()
    }

    #[test]
    fn the_environment_sets_key_and_organization_and_needs_neither() {
        let without = from(&[]).unwrap();
        assert_eq!(without.organization(), None);
        assert!(format!("{without:?}").contains("base_url: https://elacity.ai,"), "{without:?}");
        let with = from(&[("ELACITY_API_KEY", "demo-key-0123"), ("ELACITY_ORG", " acme ")]).unwrap();
        assert_eq!(with.organization(), Some("acme"));
        assert_eq!(with.with_organization("other").organization(), Some("other"));
        assert!(!format!("{with:?}").contains("demo-key"), "{with:?}");
        assert!(from(&[("ELACITY_API_KEY", "Bearer demo-key-0123")]).unwrap_err().is_config());
    }

    #[test]
    fn a_wrong_override_is_told_when_the_client_is_built() {
        let told = |operation: &str, path: &str| {
            let built = Elacity::builder().path_override(operation, path).path_override("elacity_deploy", "/x").build();
            built.unwrap_err().to_string()
        };
        assert!(told("elacity_fly", "/fly").contains("`elacity_fly` cannot be set: there is no such operation"));
        assert!(told("elacity_list_drafts", "/drafts").contains("`elacity_list_drafts` must have `{promptName}` once"));
        assert!(told("elacity_list_fleets", "fleets").contains("must begin with `/`"));
    }

    #[test]
    fn the_defaults_agree_with_the_document() {
        let document: serde_json::Value = serde_json::from_str(include_str!("../../spec/openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let own: Vec<_> = paths
            .filter(|(_, item)| item.as_object().unwrap().values().any(|operation| operation["tags"][0] == "elacity"))
            .collect();
        for (path, item) in &own {
            assert_eq!(item["servers"][0]["url"].as_str(), PLATFORM.base_url, "{path}");
            assert!(item["servers"][0]["url"].as_str().unwrap().ends_with(BASE));
        }
        assert_eq!(own.len(), 19);
    }
}
