//! The client against real TLS on loopback: whom it trusts, what a handshake that fails is called, and what a cut means.
//! These tests run with rustls, with a provider that the program installs, and with the system's library; `.ci/run tls`
//! has the builds.

#![cfg(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod cut;
mod handshake;
mod proxy;
mod redirect;
mod server;
mod trust;

/// What the backend says of a certificate that no root vouches for.
#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
const UNKNOWN_ISSUER: &str = "UnknownIssuer";
#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
const UNKNOWN_ISSUER: &str = "certificate verify failed";

const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef";
const HEALTHY: &str =
    r#"{"status":"healthy","timestamp":"2026-02-04T12:00:00.794408+00:00","checks":{"database":"connected"}}"#;
