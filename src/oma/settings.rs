//! Clients from keys and from the environment.

use super::{Generation, Oma, PLATFORM};
use crate::config::{Variable, oma as defaults, variable};
use crate::http::ClientBuilder;
use crate::{Error, Secret};

type LookUp<'a> = &'a dyn Fn(&str) -> Result<Variable, Error>;

impl Oma {
    /// Creates a client for the hosted servers of openma, with default settings.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty or is not a valid header value.
    pub fn new(api_key: impl Into<Secret<String>>) -> Result<Self, Error> {
        Self::builder().api_key(api_key).build()
    }

    /// Creates a client of a server of openma from the environment:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `OMA_API_KEY` | the key; required |
    /// | `OMA_BASE_URL` | base URL, trailing `/v1` optional, `http` for loopback only. Default: the hosted servers |
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

    /// Returns a builder with default settings.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(&PLATFORM, |core| Self { core })
    }

    /// Creates a client for Anthropic's servers, with default settings.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty or is not a valid header value.
    pub fn anthropic(api_key: impl Into<Secret<String>>) -> Result<Self, Error> {
        Self::builder().generation(Generation::Anthropic).api_key(api_key).build()
    }

    /// Creates a client for Anthropic's servers from the environment:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `ANTHROPIC_API_KEY` | the key |
    /// | `ANTHROPIC_AUTH_TOKEN` | a token, if there is no key; one of the two is required |
    /// | `ANTHROPIC_BASE_URL` | base URL, `http` for loopback only. Default: `https://api.anthropic.com` |
    /// | `ANTHROPIC_CUSTOM_HEADERS` | headers of every request, one `Name: value` a line |
    ///
    /// With a key and a token the key is used, and the feature `tracing` warns.
    ///
    /// Profiles and workload identities are not read: use
    /// [`credentials`](ClientBuilder::credentials) for their tokens.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no key and no token, or the value of a variable is not valid.
    pub fn anthropic_from_env() -> Result<Self, Error> {
        Self::anthropic_builder_from_env()?.build()
    }

    /// Returns a builder pre-filled from the environment like [`anthropic_from_env`](Self::anthropic_from_env). A key
    /// or provider that is set on it replaces that of the environment.
    ///
    /// # Errors
    /// [`Error::Config`] if the value of a variable is not valid.
    pub fn anthropic_builder_from_env() -> Result<ClientBuilder<Self>, Error> {
        Self::anthropic_builder_from(&variable)
    }

    fn builder_from(variable: LookUp<'_>) -> Result<ClientBuilder<Self>, Error> {
        Ok(Self::builder()
            .api_key_variable(variable(defaults::API_KEY)?)
            .base_url_variable(defaults::BASE_URL_VARIABLE, variable(defaults::BASE_URL_VARIABLE)?))
    }

    fn anthropic_builder_from(variable: LookUp<'_>) -> Result<ClientBuilder<Self>, Error> {
        let (key, token) = (variable(defaults::ANTHROPIC_API_KEY)?, variable(defaults::ANTHROPIC_AUTH_TOKEN)?);
        #[cfg(feature = "tracing")]
        if let (Variable::Set(_), Variable::Set(_)) = (&key, &token) {
            tracing::warn!("ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN are both set: the key is used");
        }
        let (name, value) = match (key, token) {
            (key @ Variable::Set(_), _) => (defaults::ANTHROPIC_API_KEY, key),
            (_, token @ Variable::Set(_)) => (defaults::ANTHROPIC_AUTH_TOKEN, token),
            (neither, _) => (defaults::ANTHROPIC_KEY_OR_TOKEN, neither),
        };
        let base_url = variable(defaults::ANTHROPIC_BASE_URL_VARIABLE)?;
        let builder = Self::builder()
            .generation(Generation::Anthropic)
            .api_key_variable_named(name, value)
            .base_url_variable(defaults::ANTHROPIC_BASE_URL_VARIABLE, base_url);
        let lines = variable(defaults::ANTHROPIC_CUSTOM_HEADERS)?.value().unwrap_or_default();
        let lines = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.into_iter().try_fold(builder, |builder, (at, line)| {
            let name = defaults::ANTHROPIC_CUSTOM_HEADERS;
            let invalid = || Error::config(format!("line {} of {name} is not of the form `Name: value`", at + 1));
            let (name, value) = line.split_once(':').ok_or_else(invalid)?;
            Ok(builder.header(name.trim(), value.trim()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Result<Variable, Error> {
        move |name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            Ok(found.map_or(Variable::Unset, |(_, value)| Variable::Set((*value).to_owned())))
        }
    }

    fn oma(variables: &'static [(&str, &str)]) -> Result<Oma, Error> {
        Oma::builder_from(&look_up(variables))?.build()
    }

    fn anthropic(variables: &'static [(&str, &str)]) -> Result<Oma, Error> {
        Oma::anthropic_builder_from(&look_up(variables))?.build()
    }

    #[test]
    fn the_environment_sets_key_and_base_url() {
        let shown = |client: Oma| format!("{client:?}");
        assert!(shown(oma(&[("OMA_API_KEY", "oma_1")]).unwrap()).contains("https://app.openma.dev"));
        let own = oma(&[("OMA_API_KEY", "oma_1"), ("OMA_BASE_URL", "http://localhost:8787/v1/")]).unwrap();
        assert!(shown(own).contains("http://localhost:8787"));
        assert!(shown(anthropic(&[("ANTHROPIC_API_KEY", "k")]).unwrap()).contains("https://api.anthropic.com"));
        let gateway = [("ANTHROPIC_AUTH_TOKEN", "k"), ("ANTHROPIC_BASE_URL", "https://gateway.example.com/a")];
        assert!(shown(anthropic(Box::leak(Box::new(gateway))).unwrap()).contains("https://gateway.example.com/a"));
    }

    #[cfg(feature = "tracing")]
    #[test]
    fn a_key_beside_a_token_is_used_with_a_warning() {
        use std::sync::{Arc, Mutex};

        #[derive(Clone, Default)]
        struct Log(Arc<Mutex<Vec<u8>>>);
        impl std::io::Write for Log {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let said = |variables: &'static [(&str, &str)]| {
            let log = Log::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
            tracing::subscriber::with_default(subscriber, || anthropic(variables).unwrap());
            String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
        };
        let both = said(&[("ANTHROPIC_API_KEY", "secret-1"), ("ANTHROPIC_AUTH_TOKEN", "secret-2")]);
        assert!(both.contains("both set: the key is used") && !both.contains("secret"), "{both}");
        assert_eq!(said(&[("ANTHROPIC_AUTH_TOKEN", "secret-2")]), "");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let message = |result: Result<Oma, Error>| result.unwrap_err().to_string();
        assert!(message(oma(&[])).contains("OMA_API_KEY is not set"));
        let neither = message(anthropic(&[]));
        assert!(neither.contains("ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN is not set"), "{neither}");
        let blank = message(anthropic(&[("ANTHROPIC_API_KEY", "k"), ("ANTHROPIC_CUSTOM_HEADERS", "x-a: 1\n\nsecret")]));
        assert_eq!(blank, "line 3 of ANTHROPIC_CUSTOM_HEADERS is not of the form `Name: value`");
        let own = message(anthropic(&[("ANTHROPIC_API_KEY", "k"), ("ANTHROPIC_CUSTOM_HEADERS", "Authorization: x")]));
        assert!(own.contains("is set by the client itself"), "{own}");
    }

    #[test]
    fn anthropic_is_known_by_its_host() {
        let generation = |builder: ClientBuilder<Oma>| builder.api_key("k").build().unwrap().core.generation();
        assert_eq!(generation(Oma::builder().base_url("https://api.anthropic.com/v1")), Some("anthropic"));
        assert_eq!(generation(Oma::builder().base_url("https://api.anthropic.com.example.com")), None);
        assert_eq!(generation(Oma::builder()), None);
        let by_hand = Oma::builder().base_url("https://api.anthropic.com").generation(Generation::V1);
        assert_eq!(generation(by_hand), Some("v1"));
    }

    #[test]
    fn the_defaults_agree_with_the_document() {
        let document: serde_json::Value = serde_json::from_str(include_str!("../../spec/openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let own = paths
            .iter()
            .filter(|(_, item)| item.as_object().unwrap().values().any(|operation| operation["tags"][0] == "oma"));
        assert!(own.clone().count() > 50);
        for (path, item) in own {
            assert_eq!(item["servers"][0]["url"].as_str(), PLATFORM.base_url, "{path}");
        }
    }
}
