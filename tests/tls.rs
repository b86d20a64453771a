//! https without a TLS backend or provider is an error of configuration, never a panic. Which of these tests are built
//! depends on the features: `.ci/run tls` has the builds. What TLS does once it is there is in `tests/https`.

#![allow(clippy::unwrap_used)]

use polyagent::elephantasm::Elephantasm;

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[test]
fn a_backend_makes_an_https_client() {
    assert!(Elephantasm::new("sk_live_0").is_ok());
}

#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls")))]
#[test]
fn no_backend_means_no_https_client_and_http_to_loopback_only() {
    let error = Elephantasm::new("sk_live_0").unwrap_err();
    assert!(matches!(error, polyagent::Error::Config(_)), "{error:?}");
    assert!(error.to_string().contains("enable the feature `rustls`"), "{error}");
    assert!(Elephantasm::builder().api_key("sk_live_0").base_url("http://127.0.0.1:1").build().is_ok());
}

#[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
#[test]
fn no_provider_is_an_error_that_says_what_to_install() {
    let error = Elephantasm::new("sk_live_0").unwrap_err();
    assert!(matches!(error, polyagent::Error::Config(_)), "{error:?}");
    assert!(error.to_string().contains("install_default"), "{error}");
}
