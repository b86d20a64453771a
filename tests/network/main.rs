//! What stands between client and server: compressed answers, proxies, SOCKS. `cargo test` runs what the default
//! features allow; `.ci/run tls` runs it again with `gzip` and `socks`.

#![allow(clippy::unwrap_used, clippy::panic)]

mod encoding;
mod environment;
mod proxy;
#[allow(dead_code, reason = "tests of other binaries use the rest")]
#[path = "../it/sockets.rs"]
mod sockets;
#[cfg(feature = "socks")]
mod socks;

/// A host of its own on loopback, where nobody listens: who calls it goes through a proxy or fails.
const NOWHERE: &str = "http://nowhere.localhost:1";
const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef";

/// Requests as text, for reading.
fn text(requests: &[Vec<u8>]) -> Vec<String> {
    requests.iter().map(|request| String::from_utf8_lossy(request).into_owned()).collect()
}
