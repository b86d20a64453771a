//! The underlying reqwest client.

use std::time::Duration;

use http::StatusCode;
use url::Url;

use super::connect_error::chain;
use super::connection::WatchLayer;
use super::proxy::EnvironmentProxy;
use crate::config;
use crate::error::Error;

pub(super) type Configure = Box<dyn FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send>;

/// Builds the client for calls to `origin`, as the caller wants it and as the crate needs it.
///
/// # Errors
/// `Config`: no TLS, no trust store, or a malformed proxy variable that the caller does not override.
pub(super) fn build(origin: &Url, configure: Vec<Configure>, connect: Duration) -> Result<reqwest::Client, Error> {
    check_tls(origin.scheme())?;
    let builder = reqwest::Client::builder().pool_idle_timeout(config::POOL_IDLE_TIMEOUT).tcp_nodelay(true);
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
    let builder = builder.tls_backend_rustls();
    // The environment's proxy is added below; reqwest would ignore one that it does not understand.
    let mark = Mark::new(origin);
    let builder = builder.no_proxy().proxy(mark.proxy()?);
    let marked = mark.proxies(&builder) == Proxies::Untouched;
    let builder = configure.into_iter().fold(builder, |builder, configure| configure(builder));
    // If the mark cannot be read, the environment counts.
    let proxies = if marked { mark.proxies(&builder) } else { Proxies::Untouched };
    let environment = if proxies == Proxies::Untouched { EnvironmentProxy::read(origin)? } else { None };
    if let Some(proxy) = &environment {
        check_tls(proxy.url.scheme())?;
    }
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"))]
    let builder = {
        let to_proxy = environment.as_ref().is_some_and(|proxy| proxy.url.scheme() == "https");
        let trusts_someone = origin.scheme() == "https" || proxies == Proxies::Own || to_proxy;
        // Without TLS there is no need for a trust store, which small containers lack.
        if trusts_someone { builder } else { builder.tls_certs_only([]) }
    };
    let builder = match environment {
        Some(proxy) => builder.proxy(proxy.into_reqwest()?),
        None => builder,
    };
    let builder = if connect == Duration::MAX { builder } else { builder.connect_timeout(connect) };
    // Another crate may enable reqwest's HTTP/2, whose failures are not classified here.
    let builder = builder.http1_only();
    let never = reqwest::retry::never().max_retries_per_request(0);
    let builder = builder.redirect(redirects()).referer(false).retry(never).connector_layer(WatchLayer);
    let builder = builder.no_brotli().no_deflate().no_zstd();
    #[cfg(not(feature = "gzip"))]
    let builder = builder.no_gzip();
    builder.build().map_err(unbuildable)
}

/// Reports missing TLS before reqwest does, and without its panic.
fn check_tls(scheme: &str) -> Result<(), Error> {
    #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(Error::config(
            "no rustls provider: install one with `CryptoProvider::install_default`, or enable the feature `rustls`",
        ));
    }
    let backend = cfg!(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"));
    if scheme == "https" && !backend {
        return Err(Error::config("https without a TLS backend: enable the feature `rustls` or `native-tls`"));
    }
    Ok(())
}

fn unbuildable(error: reqwest::Error) -> Error {
    // The type that says so is not in reach.
    if chain(&error).any(|error| error.to_string().contains("No CA certificates")) {
        return Error::config(
            "no trust store for https: install the system's CA certificates (on Linux the package `ca-certificates`), \
             point SSL_CERT_FILE or SSL_CERT_DIR to some, or set your own with `tls_certs_only` in `configure_http`",
        );
    }
    Error::config_from("the HTTP client cannot be built", error)
}

/// Shows whether the caller sets or clears proxies, which reqwest's builder tells only in its debug output: a proxy
/// that no call goes through, because all calls of a client have one scheme and this is for the other.
struct Mark {
    https: bool,
}

impl Mark {
    const URL: &str = "http://environment.invalid/";

    fn new(origin: &Url) -> Self {
        Self { https: origin.scheme() == "http" }
    }

    fn proxy(&self) -> Result<reqwest::Proxy, Error> {
        let proxy = if self.https { reqwest::Proxy::https(Self::URL) } else { reqwest::Proxy::http(Self::URL) };
        proxy.map_err(|error| Error::config_from("the HTTP client cannot be built", error))
    }

    fn proxies(&self, builder: &reqwest::ClientBuilder) -> Proxies {
        let scheme = if self.https { "https" } else { "http" };
        let shown = format!("{builder:?}");
        let alone = format!("proxies: [Matcher {{ {scheme}: Intercept {{ uri: {} }} }}]", Self::URL);
        match shown.contains("proxies: [") {
            true if shown.contains(&alone) => Proxies::Untouched,
            true => Proxies::Own,
            false => Proxies::Cleared,
        }
    }
}

/// What the caller did to the proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proxies {
    Untouched,
    Cleared,
    /// There are some of the caller's.
    Own,
}

/// Follows redirects that keep method and body (307, 308) within one origin. Any other redirect is returned as the
/// response: reqwest would send a key header to another origin, and would turn a POST into a GET.
fn redirects() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let from = attempt.previous();
        let hops = from.len();
        match from.last() {
            Some(from) if hops <= config::MAX_REDIRECTS && follows(attempt.status(), from, attempt.url()) => {
                attempt.follow()
            }
            _ => attempt.stop(),
        }
    })
}

fn follows(status: StatusCode, from: &Url, to: &Url) -> bool {
    matches!(status.as_u16(), 307 | 308) && from.origin() == to.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_followed_within_its_origin_only() {
        let follows = |status, to: &str| {
            let from = Url::parse("https://host/api/a").unwrap();
            follows(StatusCode::from_u16(status).unwrap(), &from, &Url::parse(to).unwrap())
        };
        assert!(follows(307, "https://host/api/b") && follows(308, "https://host:443/"));
        for elsewhere in
            ["http://host/api/a", "https://other/api/a", "https://host:444/", "https://host.evil/", "ftp://host/"]
        {
            assert!(!follows(307, elsewhere), "{elsewhere}");
        }
        for status in [300, 301, 302, 303, 304, 305] {
            assert!(!follows(status, "https://host/api/b"), "{status}");
        }
    }

    #[test]
    fn a_mark_shows_whether_the_caller_sets_proxies() {
        for origin in ["https://host", "http://host"] {
            let mark = Mark::new(&Url::parse(origin).unwrap());
            let builder = || reqwest::Client::builder().no_proxy().proxy(mark.proxy().unwrap());
            let other = || reqwest::Proxy::all("http://proxy").unwrap();
            assert_eq!(mark.proxies(&builder()), Proxies::Untouched, "{origin}: {:?}", builder());
            assert_eq!(mark.proxies(&builder().user_agent("x").redirect(redirects())), Proxies::Untouched);
            assert_eq!(mark.proxies(&builder().no_proxy()), Proxies::Cleared);
            assert_eq!(mark.proxies(&builder().proxy(other())), Proxies::Own);
            assert_eq!(mark.proxies(&builder().no_proxy().proxy(other())), Proxies::Own);
        }
    }
}
