//! What the clones of a client share: its transport, its settings, and what it has learnt about the server.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::OnceCell;
use url::Url;

use super::budget::Budget;
use super::credential::Credential;
use super::hook::Hook;
use super::limiter::Limiter;
use super::path_override::PathOverride;
use super::platform::{Platform, Scheme};
use super::retry_policy::RetryPolicy;
use super::transport::Transport;
use crate::lock::lock;

/// State shared by all clones and resources of a client.
#[derive(Clone)]
pub(crate) struct Core(Arc<Shared>);

pub(super) struct Shared {
    pub(super) platform: &'static Platform,
    pub(super) transport: Transport,
    /// Scheme, host and port.
    pub(super) origin: Url,
    /// The same with a long path, so that a clone has the room for another path without growing.
    pub(super) roomy: Url,
    /// Prefix of the document's paths, without a trailing slash.
    pub(super) prefix: String,
    /// Sent with every request, a fixed credential among them.
    pub(super) headers: Arc<HeaderMap>,
    /// The same, with those for a JSON body.
    pub(super) json_headers: Arc<HeaderMap>,
    pub(super) scheme: &'static Scheme,
    pub(super) credential: Credential,
    pub(super) settings: Settings,
    pub(super) hooks: Vec<Arc<dyn Hook>>,
    pub(super) budget: Arc<Budget>,
    pub(super) limiter: Option<Limiter>,
    pub(super) learnt: Learnt,
    /// By operation.
    pub(super) overrides: HashMap<&'static str, PathOverride>,
}

/// Settings of a client that the builder sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(super) connect: Duration,
    /// The two timers, if the caller set them.
    pub(super) attempt: Option<Duration>,
    pub(super) total: Option<Duration>,
    pub(super) policy: RetryPolicy,
    pub(super) max_body: usize,
    /// The generation of the server, if the caller set it.
    pub(super) generation: Option<&'static str>,
}

/// What a client has learnt about its server.
#[derive(Default)]
pub(super) struct Learnt {
    generation: Mutex<Arc<OnceCell<&'static str>>>,
    /// By operation: the place of the route that worked, where there was a choice.
    routes: Mutex<HashMap<&'static str, usize>>,
    /// The operations that the server was found not to have.
    missing: Mutex<HashSet<&'static str>>,
}

impl Learnt {
    /// The generation, or the place where it is put by the first call that needs it.
    pub(super) fn generation(&self) -> Arc<OnceCell<&'static str>> {
        Arc::clone(&lock(&self.generation))
    }

    /// Forgets the generation, unless another call has done so since `known` was handed out.
    pub(super) fn forget(&self, known: &Arc<OnceCell<&'static str>>) {
        let mut generation = lock(&self.generation);
        if Arc::ptr_eq(&generation, known) {
            *generation = Arc::default();
            lock(&self.routes).clear();
            lock(&self.missing).clear();
        }
    }

    /// Takes note that a server of this generation does not have the operation.
    pub(super) fn remember_missing(&self, operation: &'static str) {
        lock(&self.missing).insert(operation);
    }

    pub(super) fn is_missing(&self, operation: &'static str) -> bool {
        lock(&self.missing).contains(operation)
    }

    pub(super) fn route(&self, operation: &'static str) -> Option<usize> {
        lock(&self.routes).get(operation).copied()
    }

    pub(super) fn remember_route(&self, operation: &'static str, place: usize) {
        lock(&self.routes).insert(operation, place);
    }
}

impl Core {
    pub(super) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    /// The pause before retry number `retry`, counted from 0, for what retries outside of a call.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn backoff(&self, retry: u32) -> Duration {
        self.0.settings.policy.delay(retry, None, fastrand::f64())
    }

    /// The generation of the server, if it is set or was learnt.
    pub(crate) fn generation(&self) -> Option<&'static str> {
        self.0.settings.generation.or_else(|| self.0.learnt.generation().get().copied())
    }

    /// The platform's reading of an error.
    #[cfg(feature = "oma")]
    pub(crate) fn dialect(&self) -> fn(http::StatusCode, &http::HeaderMap, &[u8]) -> crate::error::ErrorDetails {
        self.0.platform.dialect
    }

    /// Whether keys come from a provider.
    pub(crate) fn has_provider(&self) -> bool {
        matches!(self.0.credential, Credential::Provided(_))
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("platform", &self.0.platform.name)
            .field("base_url", &format_args!("{}{}", self.0.origin.as_str().trim_end_matches('/'), self.0.prefix))
            .finish_non_exhaustive()
    }
}
