//! The key of a platform, fixed or from a provider.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::operation::AuthUse;
use super::platform::Scheme;
use crate::check::is_blank;
use crate::error::BoxError;
use crate::secret::Secret;

/// The future of a [`CredentialProvider`].
pub type KeyFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Secret<String>, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Provides the key of every attempt; for keys that rotate, expire or come from a vault.
///
/// Every closure that returns a future of a key is one. Implement it for a provider that caches: when the server
/// rejects a key with 401, the provider is told which, and asked again. If it then has another key, the call is sent
/// once more at once, whatever its retry class: a 401 did nothing.
///
/// ```
/// use std::sync::Mutex;
///
/// use polyagent::{CredentialProvider, KeyFuture, Secret};
///
/// struct Cached(Mutex<Option<Secret<String>>>);
///
/// # async fn renew() -> Result<Secret<String>, std::io::Error> { Ok(Secret::from("token")) }
/// impl CredentialProvider for Cached {
///     fn key(&self) -> KeyFuture<'_> {
///         Box::pin(async {
///             let cached = self.0.lock().map_err(|_| "poisoned")?.clone();
///             let key = match cached {
///                 Some(key) => key,
///                 None => renew().await?,
///             };
///             *self.0.lock().map_err(|_| "poisoned")? = Some(key.clone());
///             Ok(key)
///         })
///     }
///
///     fn invalidate(&self, rejected: &Secret<String>) {
///         if let Ok(mut cached) = self.0.lock() {
///             cached.take_if(|key| *key == *rejected);
///         }
///     }
/// }
/// ```
pub trait CredentialProvider: Send + Sync + 'static {
    /// Returns the key, renewed if it is due.
    fn key(&self) -> KeyFuture<'_>;

    /// Forgets a key that the server rejected. Another call may have renewed it meanwhile, so compare before you
    /// forget.
    fn invalidate(&self, rejected: &Secret<String>) {
        let _ = rejected;
    }
}

impl<F, Fut> CredentialProvider for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Secret<String>, Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    fn key(&self) -> KeyFuture<'_> {
        Box::pin(self())
    }
}

/// A provider that the clones of a client share.
pub(crate) type Provider = Arc<dyn CredentialProvider>;

/// The key that was sent with an attempt, to redact it from errors and spans.
pub(crate) type SentSecret = Arc<Secret<String>>;

impl Scheme {
    fn value(&self, secret: &Secret<String>) -> Result<HeaderValue, InvalidKey> {
        let key = secret.expose().trim();
        check_key(key)?;
        let value = HeaderValue::try_from(format!("{}{key}", self.prefix));
        let mut value = value.map_err(|_| InvalidKey::from("has characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// What is wrong with a key, without any of it.
#[derive(Debug, thiserror::Error)]
#[error("the key {0}")]
pub(crate) struct InvalidKey(String);

impl From<&str> for InvalidKey {
    fn from(problem: &str) -> Self {
        Self(problem.to_owned())
    }
}

/// Rejects what no platform issues: what was copied along with a key, or changed in it by a word processor.
fn check_key(key: &str) -> Result<(), InvalidKey> {
    const PREFIXES: [&str; 5] = ["Bearer ", "Basic ", "Token ", "Authorization:", "x-api-key:"];
    let begins = |prefix: &str| key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if key.is_empty() {
        return Err("is blank".into());
    }
    if key.starts_with(is_quote) || key.ends_with(is_quote) {
        return Err("has quotes around it".into());
    }
    if let Some(prefix) = PREFIXES.into_iter().find(|prefix| begins(prefix) || key.eq_ignore_ascii_case(prefix.trim()))
    {
        return Err(InvalidKey(format!("begins with `{prefix}`: give the key alone")));
    }
    if let Some((name, rest)) = key.split_once('=') {
        // Padding of base64 is at the end.
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if is_name && !rest.trim_matches('=').is_empty() {
            return Err("begins with a name and `=`: give the key alone".into());
        }
    }
    match key.chars().find(|c| !c.is_ascii_graphic()) {
        None => Ok(()),
        Some(c) if c.is_whitespace() => Err("has white space in it".into()),
        Some(c) if c.is_control() || is_blank(c) => {
            Err(InvalidKey(format!("has an invisible character in it, {}", code(c))))
        }
        Some(c) => Err(InvalidKey(format!("has a character in it that is not ASCII, {}", code(c)))),
    }
}

fn code(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}')
}

/// A client's key.
pub(crate) enum Credential {
    Fixed {
        header: HeaderValue,
        secret: SentSecret,
    },
    Provided(Provider),
    /// The platform has operations that need none. The text says why there is none.
    None(String),
}

impl Credential {
    pub(crate) fn fixed(scheme: &Scheme, secret: Secret<String>) -> Result<Self, InvalidKey> {
        Ok(Self::Fixed { header: scheme.value(&secret)?, secret: Arc::new(secret) })
    }

    /// A key that is known before any call, if it is long enough to be searched for.
    pub(super) fn fixed_key(&self) -> Option<&str> {
        match self {
            Self::Fixed { secret, .. } => secret.searchable(),
            Self::Provided(_) | Self::None(_) => None,
        }
    }

    /// What failed if there is no key to send.
    pub(super) fn failure(&self) -> &'static str {
        if matches!(self, Self::None(_)) { "an API key is needed here" } else { "the credential provider failed" }
    }

    /// Whether the provider, told that `rejected` is not valid, has another key.
    pub(super) async fn renew(&self, rejected: &Secret<String>) -> bool {
        let Self::Provided(provider) = self else { return false };
        provider.invalidate(rejected);
        let other = |key: Secret<String>| key.expose().trim() != rejected.expose().trim();
        provider.key().await.is_ok_and(other)
    }

    /// The key among the client's own headers, if the operation is `wanted` to carry it.
    pub(super) fn own_secret(&self, wanted: AuthUse) -> Option<SentSecret> {
        match self {
            Self::Fixed { secret, .. } if wanted != AuthUse::None => Some(Arc::clone(secret)),
            _ => None,
        }
    }

    /// Adds a provided credential to `headers` if the operation is `wanted` to carry one, and returns the key that is
    /// sent. For a fixed one ask [`own_secret`](Self::own_secret).
    pub(crate) async fn authorize(
        &self,
        scheme: &Scheme,
        wanted: AuthUse,
        headers: &mut HeaderMap,
    ) -> Result<Option<SentSecret>, BoxError> {
        match self {
            Self::None(why) if wanted == AuthUse::Required => Err(why.as_str().into()),
            Self::Provided(provider) if wanted != AuthUse::None => {
                let secret = provider.key().await?;
                headers.insert(scheme.name(), scheme.value(&secret)?);
                Ok(Some(Arc::new(secret)))
            }
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::secret::REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientBuilder;
    use crate::elephantasm::Elephantasm;

    fn header(key: &str) -> Result<HeaderValue, String> {
        Scheme { header: "authorization", prefix: "Bearer " }
            .value(&Secret::from(key))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_that_no_platform_issues_is_refused_by_its_mistake() {
        for (key, problem) in [
            ("", "the key is blank"),
            (" \n", "the key is blank"),
            ("\u{feff}sk_live_0", "the key has an invisible character in it, U+FEFF"),
            ("sk_live_0\u{200b}", "the key has an invisible character in it, U+200B"),
            ("sk_\u{202e}live_0", "the key has an invisible character in it, U+202E"),
            ("sk_live_0\u{0}", "the key has an invisible character in it, U+0000"),
            ("sk\u{2013}live", "the key has a character in it that is not ASCII, U+2013"),
            ("sk_livé_0", "the key has a character in it that is not ASCII, U+00E9"),
            ("sk live", "the key has white space in it"),
            ("sk_live_0\nsk_live_1", "the key has white space in it"),
            ("sk\u{a0}live", "the key has white space in it"),
            ("\"sk_live_0\"", "the key has quotes around it"),
            ("'sk_live_0'", "the key has quotes around it"),
            ("`sk_live_0`", "the key has quotes around it"),
            ("\u{201c}sk_live_0\u{201d}", "the key has quotes around it"),
            ("\u{ab}sk_live_0\u{bb}", "the key has quotes around it"),
            ("sk_live_0\"", "the key has quotes around it"),
            ("Bearer sk_live_0", "the key begins with `Bearer `: give the key alone"),
            ("bearer  sk_live_0", "the key begins with `Bearer `: give the key alone"),
            ("Bearer ", "the key begins with `Bearer `: give the key alone"),
            ("Basic YTpi", "the key begins with `Basic `: give the key alone"),
            ("authorization: Bearer sk", "the key begins with `Authorization:`: give the key alone"),
            ("X-API-Key: sk_live_0", "the key begins with `x-api-key:`: give the key alone"),
            ("ELEPHANTASM_API_KEY=sk_live_0", "the key begins with a name and `=`: give the key alone"),
            ("key=sk_live_0", "the key begins with a name and `=`: give the key alone"),
            ("export KEY=sk_live_0", "the key has white space in it"),
        ] {
            assert_eq!(header(key).unwrap_err(), problem, "{key:?}");
        }
    }

    #[test]
    fn a_key_of_any_issued_form_is_sent() {
        for key in ["k", "sk_live_0", "a.b-c~d+e/f", "YWJjZA==", "YWI=", "eyJh.eyJi.c_d-e", "Bearer_1", "a:b", "$a"] {
            assert_eq!(header(key).unwrap(), format!("Bearer {key}"));
        }
        assert_eq!(header("\t sk_live_0\r\n").unwrap(), "Bearer sk_live_0");
        assert!(header("k").unwrap().is_sensitive());
    }

    #[test]
    fn a_client_needs_a_key_that_a_header_can_carry() {
        let message = |builder: ClientBuilder<Elephantasm>| builder.build().unwrap_err().to_string();
        assert!(message(Elephantasm::builder()).contains("ELEPHANTASM_API_KEY"));
        for key in ["", "  ", "sk\nlive", "sk\u{7f}"] {
            let message = message(Elephantasm::builder().api_key(key));
            assert!(message.contains("key"), "{message}");
        }
        assert!(Elephantasm::builder().api_key(" sk_live_0\n").build().is_ok());
    }
}
