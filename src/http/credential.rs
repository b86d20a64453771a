//! The key of a platform, fixed or from a provider.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue};

use super::operation::AuthUse;
use super::platform::Scheme;
use crate::error::BoxError;
use crate::secret::Secret;

/// Provides the key for an attempt.
pub(crate) type Provider = Arc<dyn Fn() -> BoxFuture<'static, Result<Secret<String>, BoxError>> + Send + Sync>;

/// The key that was sent with an attempt, to redact it from errors and spans.
pub(crate) type SentSecret = Arc<Secret<String>>;

impl Scheme {
    fn value(&self, secret: &Secret<String>) -> Result<HeaderValue, InvalidKey> {
        let key = secret.expose().trim();
        if key.is_empty() {
            return Err(InvalidKey("is empty"));
        }
        let value = HeaderValue::try_from(format!("{}{key}", self.prefix));
        let mut value = value.map_err(|_| InvalidKey("has characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the key {0}")]
pub(crate) struct InvalidKey(&'static str);

/// A client's key.
pub(crate) enum Credential {
    Fixed {
        header: HeaderValue,
        secret: SentSecret,
    },
    Provided(Provider),
    /// The platform has operations that need none.
    None,
}

impl Credential {
    pub(crate) fn fixed(scheme: &Scheme, secret: Secret<String>) -> Result<Self, InvalidKey> {
        Ok(Self::Fixed { header: scheme.value(&secret)?, secret: Arc::new(secret) })
    }

    /// A key that is known before any call, if it is long enough to be searched for.
    pub(super) fn fixed_key(&self) -> Option<&str> {
        match self {
            Self::Fixed { secret, .. } => secret.sought(),
            Self::Provided(_) | Self::None => None,
        }
    }

    /// Adds a provided credential to `headers` if the operation is `wanted` to carry one, and returns the key that is
    /// sent. A fixed one is among the client's own headers.
    pub(crate) async fn authorize(
        &self,
        scheme: &Scheme,
        wanted: AuthUse,
        headers: &mut HeaderMap,
    ) -> Result<Option<SentSecret>, BoxError> {
        match self {
            _ if wanted == AuthUse::None => Ok(None),
            Self::None if wanted == AuthUse::Required => Err(InvalidKey("is missing: this operation needs one").into()),
            Self::None => Ok(None),
            Self::Fixed { secret, .. } => Ok(Some(Arc::clone(secret))),
            Self::Provided(provider) => {
                let secret = provider().await?;
                headers.insert(scheme.name(), scheme.value(&secret)?);
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
