//! The key of a platform, fixed or from a provider.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::BoxError;
use crate::secret::Secret;

/// Provides the key for an attempt.
pub(crate) type Provider = Arc<dyn Fn() -> BoxFuture<'static, Result<Secret<String>, BoxError>> + Send + Sync>;

/// The key that was sent with an attempt, to redact it from errors and spans.
pub(crate) type SentSecret = Arc<Secret<String>>;

/// How a platform wants its key.
pub(crate) enum Auth {
    /// `Authorization: Bearer <key>`
    Bearer,
}

impl Auth {
    pub(super) fn name(&self) -> HeaderName {
        match self {
            Self::Bearer => header::AUTHORIZATION,
        }
    }

    fn value(&self, secret: &Secret<String>) -> Result<HeaderValue, InvalidKey> {
        let key = secret.expose().trim();
        if key.is_empty() {
            return Err(InvalidKey("is empty"));
        }
        let mut value = match self {
            Self::Bearer => HeaderValue::try_from(format!("Bearer {key}")),
        }
        .map_err(|_| InvalidKey("has characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the key {0}")]
pub(crate) struct InvalidKey(&'static str);

/// A client's key.
pub(crate) enum Credential {
    Fixed { header: HeaderValue, secret: SentSecret },
    Provided(Provider),
}

impl Credential {
    pub(crate) fn fixed(auth: &Auth, secret: Secret<String>) -> Result<Self, InvalidKey> {
        Ok(Self::Fixed { header: auth.value(&secret)?, secret: Arc::new(secret) })
    }

    /// A key that is known before any call, if it is long enough to be searched for.
    pub(super) fn fixed_key(&self) -> Option<&str> {
        match self {
            Self::Fixed { secret, .. } => secret.searchable(),
            Self::Provided(_) => None,
        }
    }

    /// Adds a provided credential to `headers` if the operation is `wanted` to carry one, and returns the key that is
    /// sent. A fixed one is among the client's own headers.
    pub(crate) async fn authorize(
        &self,
        auth: &Auth,
        wanted: bool,
        headers: &mut HeaderMap,
    ) -> Result<Option<SentSecret>, BoxError> {
        if !wanted {
            return Ok(None);
        }
        match self {
            Self::Fixed { secret, .. } => Ok(Some(Arc::clone(secret))),
            Self::Provided(provider) => {
                let secret = provider().await?;
                headers.insert(auth.name(), auth.value(&secret)?);
                Ok(Some(Arc::new(secret)))
            }
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::secret::REDACTED)
    }
}
