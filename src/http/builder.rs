//! Building a client.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};

use super::base_headers::base_headers;
use super::base_url::{parse_base, roomy};
use super::budget::Budget;
use super::client::{Core, Learnt, Settings, Shared};
use super::credential::{Credential, CredentialProvider, Provider};
use super::hook::Hook;
use super::http_client::{self, Configure};
use super::limiter::{CallLimit, Limiter};
use super::path_override::PathOverride;
use super::platform::{Platform, Profile, Scheme};
use super::retry_policy::RetryPolicy;
use super::transport::Transport;
use crate::config::{self, Variable};
use crate::error::{Error, redacted};
use crate::secret::Secret;

/// Builds a client for a platform; from the client's `builder()`.
///
/// ```
/// # use std::time::Duration;
/// # use polyagent::RetryPolicy;
/// # use polyagent::elephantasm::Elephantasm;
/// # fn main() -> Result<(), polyagent::Error> {
/// let client = Elephantasm::builder()
///     .api_key("sk_live_00000000000000000000000000000000")
///     .attempt_timeout(Duration::from_secs(10))
///     .retry_policy(RetryPolicy::default().max_retries(4))
///     .configure_http(|http| http.pool_max_idle_per_host(4))
///     .build()?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder<C> {
    platform: &'static Platform,
    finish: Box<dyn FnOnce(Core) -> C + Send>,
    key: Key,
    scheme: Option<&'static Scheme>,
    base_url: Option<BaseUrl>,
    insecure_http: bool,
    user_agent: Option<String>,
    headers: Vec<(String, String)>,
    own_headers: Vec<(HeaderName, String)>,
    settings: Settings,
    own_retry_budget: bool,
    call_limit: Option<CallLimit>,
    hooks: Vec<Arc<dyn Hook>>,
    configure: Vec<Configure>,
    overrides: HashMap<&'static str, PathOverride>,
    /// The first setting that is not valid; returned on building.
    problem: Option<String>,
}

enum Key {
    /// Why there is none.
    Missing(String),
    /// The key, and where it comes from.
    Fixed(Secret<String>, String),
    Provided(Provider),
}

struct BaseUrl {
    /// What errors call it.
    name: &'static str,
    url: String,
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("platform", &self.platform.name).finish_non_exhaustive()
    }
}

impl<C> ClientBuilder<C> {
    pub(crate) fn new(platform: &'static Platform, finish: impl FnOnce(Core) -> C + Send + 'static) -> Self {
        Self {
            platform,
            finish: Box::new(finish),
            key: Key::Missing(format!("set `api_key`, or {} with `from_env`", platform.key_variable)),
            scheme: None,
            base_url: None,
            insecure_http: false,
            user_agent: None,
            headers: Vec::new(),
            own_headers: Vec::new(),
            settings: Settings {
                connect: config::CONNECT_TIMEOUT,
                attempt: None,
                total: None,
                policy: RetryPolicy::default(),
                max_body: config::MAX_BODY,
                generation: None,
            },
            own_retry_budget: false,
            call_limit: None,
            hooks: Vec::new(),
            configure: Vec::new(),
            overrides: HashMap::new(),
            problem: None,
        }
    }

    /// Sends the credential by another scheme of the platform.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn scheme(mut self, scheme: &'static Scheme) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// Sets the generation of the server, which is then not learnt.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn server_generation(mut self, generation: &'static str) -> Self {
        self.settings.generation = Some(generation);
        self
    }

    /// Adds a header that the platform has a setting for.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn own_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.own_headers.push((name, value.into()));
        self
    }

    /// Sets another path for `operation`, which is one of `known`: ids of operations, with the names of the ids in
    /// their paths. The path stands below `base`.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn override_path(
        mut self,
        known: &'static [(&'static str, &'static [&'static str])],
        base: &str,
        operation: &str,
        path: &str,
    ) -> Self {
        let found = known.iter().find(|(id, _)| *id == operation);
        let parsed = found.ok_or_else(|| "cannot be set: there is no such operation".to_owned());
        match parsed.and_then(|(id, names)| Ok((*id, PathOverride::parse(path, base, names)?))) {
            Ok((id, other)) => drop(self.overrides.insert(id, other)),
            Err(problem) => drop(self.problem.get_or_insert(format!("the path of `{operation}` {problem}"))),
        }
        self
    }

    /// Runs `then` on the client once it is built.
    pub(crate) fn finish_with(mut self, then: impl FnOnce(C) -> C + Send + 'static) -> Self
    where
        C: 'static,
    {
        let finish = self.finish;
        self.finish = Box::new(move |core| then(finish(core)));
        self
    }

    /// Sets the API key. Surrounding white space is trimmed.
    pub fn api_key(mut self, key: impl Into<Secret<String>>) -> Self {
        self.key = Key::Fixed(key.into(), format!("for {}", self.platform.name));
        self
    }

    /// Sets the API key to the value of the platform's variable.
    pub(crate) fn api_key_variable(self, value: Variable) -> Self {
        let name = self.platform.key_variable;
        self.api_key_variable_named(name, value)
    }

    /// Sets the API key to the value of the variable `name`.
    pub(crate) fn api_key_variable_named(mut self, name: &'static str, value: Variable) -> Self {
        self.key = match value {
            Variable::Set(key) => Key::Fixed(Secret::new(key), format!("in {name}")),
            Variable::Blank => Key::Missing(format!("{name} is blank")),
            Variable::Unset => Key::Missing(format!("{name} is not set")),
        };
        self
    }

    /// Asks `provider` for the key before every attempt; for keys that rotate or come from a vault. The provider
    /// should cache the key and renew it when it is due; a [`CredentialProvider`] of your own is also told when the
    /// server rejects a key. If it fails, the call fails with [`Error::Config`], whose text
    /// and source are the provider's own error, unchanged: keep keys out of it. A provided key that is passed as an id
    /// or as the name of a query pair appears in the URL of spans; a fixed key there is rejected.
    ///
    /// ```
    /// # use polyagent::Secret;
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn read_key_from_vault() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # fn main() -> Result<(), polyagent::Error> {
    /// let client = Elephantasm::builder()
    ///     .credentials(|| async { Ok(Secret::new(read_key_from_vault().await?)) })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn credentials(mut self, provider: impl CredentialProvider) -> Self {
        self.key = Key::Provided(Arc::new(provider));
        self
    }

    /// Sets the base URL, for self-hosted servers and tests. Default: the platform's public host.
    ///
    /// Its path is prefixed to the paths of all operations; trailing slashes are ignored. Plain `http` is accepted for
    /// loopback hosts only, see [`allow_insecure_http`](Self::allow_insecure_http).
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(BaseUrl { name: "the base URL", url: url.into() });
        self
    }

    /// Sets the base URL to the value of the variable `name`.
    pub(crate) fn base_url_variable(mut self, name: &'static str, value: Variable) -> Self {
        if let Some(url) = value.value() {
            self.base_url = Some(BaseUrl { name, url });
        }
        self
    }

    /// Allows a plain `http` base URL on a non-loopback host. The key is then sent in cleartext.
    pub fn allow_insecure_http(mut self) -> Self {
        self.insecure_http = true;
        self
    }

    /// Sets how long making a connection may take, including the TLS handshake. Default: 10 s. [`Duration::MAX`] sets
    /// no timer, here and in the other timeouts.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect = timeout;
        self
    }

    /// Sets how long one attempt may take, from sending to the last byte of the response. Default: 30 s, or more for
    /// operations that are known to be slow; a value set here applies to those too.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.settings.attempt = Some(timeout);
        self
    }

    /// Sets how long a call may take, including all attempts, pauses and server-requested waits. Default: 90 s, to
    /// which server-requested waits are added; an attempt timeout beyond 90 s raises it.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.settings.total = Some(timeout);
        self
    }

    /// Sets how often and with what pauses calls are retried.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Gives the client and its clones their own retry budget.
    ///
    /// A budget limits what retries add to the load of a host that is down: 100 retries, and one more for every 10
    /// calls that find the host working. By default all clients of a process that call the same host share one, which
    /// is kept without them until it is full again.
    pub fn own_retry_budget(mut self) -> Self {
        self.own_retry_budget = true;
        self
    }

    /// Limits the calls of the client and its clones. Default: no limit.
    ///
    /// A wait for the limit comes on top of the default total timeout. Where the caller has set a total timeout, a call
    /// whose wait does not fit fails at once, with [`Error::Throttled`].
    pub fn call_limit(mut self, limit: CallLimit) -> Self {
        self.call_limit = Some(limit);
        self
    }

    /// Sets the largest successful response body that is read, in bytes. Default: 64 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.settings.max_body = bytes;
        self
    }

    /// Adds a header to every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the `User-Agent`. Default: `polyagent/` and the crate's version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Adds a hook, which runs around every attempt.
    pub fn hook(mut self, hook: impl Hook) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// Customises the underlying reqwest client: proxies, root certificates, client certificates, addresses. Calls
    /// accumulate and run in order.
    ///
    /// The proxy that the environment sets (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` and so on) is used unless proxies
    /// are set or cleared here, except for plain `http` on loopback: the key would leave the machine in cleartext.
    ///
    /// Afterwards the crate itself sets redirects, reqwest's own retries, decompression, the connect timeout and
    /// HTTP/1.1. A total timeout set here would cut streams off; use the timeouts of this builder.
    pub fn configure_http<F>(mut self, configure: F) -> Self
    where
        F: FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + 'static,
    {
        self.configure.push(Box::new(configure));
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`Error::Config`]: no key, or one that no platform issues (quotes around it, `Bearer ` in front, invisible
    /// characters); a base URL that is not valid or not safe; a header that HTTP does not allow; a malformed proxy
    /// variable; no TLS backend or trust store for an `https` URL.
    pub fn build(self) -> Result<C, Error> {
        let platform = self.platform;
        if let Some(problem) = self.problem {
            return Err(Error::config(problem));
        }
        let by_hand = profile(platform, |profile| self.settings.generation == Some(profile.generation));
        let default_url = || by_hand.map(|profile| profile.base_url).or(platform.base_url).map(BaseUrl::default_of);
        let BaseUrl { name, url } = self.base_url.or_else(default_url).ok_or_else(|| no_base_url(platform))?;
        let parsed = parse_base(platform, &url, self.insecure_http).map_err(|problem| {
            let secret = if let Key::Fixed(secret, _) = &self.key { Some(secret) } else { None };
            Error::config(redacted(format!("{name} {problem}"), secret))
        });
        let (origin, prefix) = parsed?;
        let by_host = || profile(platform, |profile| origin.host_str() == Some(profile.host));
        let profile = by_hand.or_else(|| by_host().filter(|_| self.settings.generation.is_none()));
        let of_profile = profile.map(|profile| &profile.scheme);
        let scheme = self.scheme.or(of_profile).unwrap_or(&platform.schemes[0]);
        let credential = match self.key {
            Key::Fixed(key, origin) => Credential::fixed(scheme, key)
                .map_err(|problem| Error::config(format!("no usable API key {origin}: {problem}")))?,
            Key::Provided(provider) => Credential::Provided(provider),
            Key::Missing(why) if platform.key_optional => Credential::None(why),
            Key::Missing(why) => return Err(Error::config(format!("no API key: {why}"))),
        };
        let mut headers = base_headers(platform, self.user_agent.as_deref(), &self.headers)?;
        for (name, value) in profile.iter().flat_map(|profile| profile.headers) {
            headers.entry(*name).or_insert(HeaderValue::from_static(value));
        }
        for (name, value) in &self.own_headers {
            let value = HeaderValue::try_from(value.trim());
            let mut value = value.map_err(|e| Error::config_from(format!("{name} is not a valid header value"), e))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if let Credential::Fixed { header, .. } = &credential {
            headers.insert(scheme.name(), header.clone());
        }
        let mut json_headers = headers.clone();
        json_headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let http = http_client::build(&origin, self.configure, self.settings.connect)?;
        let budget = if self.own_retry_budget { Arc::new(Budget::new()) } else { Budget::shared(&origin) };
        let shared = Shared {
            platform,
            transport: Transport::new(http),
            roomy: roomy(&origin),
            origin,
            prefix,
            headers: Arc::new(headers),
            json_headers: Arc::new(json_headers),
            scheme,
            credential,
            settings: Settings {
                generation: self.settings.generation.or(profile.map(|p| p.generation)),
                ..self.settings
            },
            hooks: self.hooks,
            budget,
            limiter: self.call_limit.map(Limiter::new),
            learnt: Learnt::default(),
            overrides: self.overrides,
        };
        Ok((self.finish)(Core::new(shared)))
    }
}

impl BaseUrl {
    fn default_of(url: &str) -> Self {
        Self { name: "the base URL", url: url.to_owned() }
    }
}

fn profile(platform: &Platform, is: impl Fn(&Profile) -> bool) -> Option<&'static Profile> {
    platform.probe?.profiles.iter().find(|profile| is(profile))
}

fn no_base_url(platform: &Platform) -> Error {
    Error::config(format!("no base URL: set `base_url`, or {} with `from_env`", platform.base_url_variable))
}
