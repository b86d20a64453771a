//! The proxy that the environment sets.

use url::Url;

use super::base_url::{is_loopback_http, shown};
use crate::Error;
use crate::config::variable;

/// A proxy from the environment, and the hosts that are called without it.
pub(super) struct EnvironmentProxy {
    pub(super) url: Url,
    exempt: String,
}

impl EnvironmentProxy {
    /// Reads the variables that curl reads, for calls to `origin`.
    ///
    /// # Errors
    /// A variable that does not hold the URL of a proxy: without it the call would go out directly.
    pub(super) fn read(origin: &Url) -> Result<Option<Self>, Error> {
        // What goes to this machine in cleartext must not leave it.
        if is_loopback_http(origin) {
            return Ok(None);
        }
        let own = match origin.scheme() {
            "https" => ["HTTPS_PROXY", "https_proxy"],
            // In CGI the client of the web server sets it, by a header `Proxy`.
            _ if variable("REQUEST_METHOD")?.is_set() => ["", ""],
            _ => ["HTTP_PROXY", "http_proxy"],
        };
        let names = own.into_iter().chain(["ALL_PROXY", "all_proxy"]).filter(|name| !name.is_empty());
        let Some((name, value)) = first(names)? else { return Ok(None) };
        let exempt = first(["NO_PROXY", "no_proxy"])?.map(|(_, hosts)| hosts);
        Ok(Some(Self { url: parse(name, &value)?, exempt: exempt.unwrap_or_default() }))
    }

    pub(super) fn into_reqwest(self) -> Result<reqwest::Proxy, Error> {
        let proxy = reqwest::Proxy::all(self.url)
            .map_err(|error| Error::config_from("the proxy is not usable", error.without_url()));
        Ok(proxy?.no_proxy(reqwest::NoProxy::from_string(&self.exempt)))
    }
}

/// The first of these variables that is not blank.
fn first<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Option<(&'a str, String)>, Error> {
    for name in names {
        if let Some(value) = variable(name)?.value() {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn parse(variable: &str, value: &str) -> Result<Url, Error> {
    let has_scheme = value.contains("://");
    let url = Url::parse(&if has_scheme { value.to_owned() } else { format!("http://{value}") });
    let url = url.ok().filter(|url| names_a_proxy(url) && (has_scheme || url.path() == "/")).ok_or_else(|| {
        let value = shown(value).map(|value| format!(", not {value:?}")).unwrap_or_default();
        Error::config(format!("{variable} must be the URL of a proxy, such as `http://proxy.example:3128`{value}"))
    })?;
    if url.scheme().starts_with("socks") && !cfg!(feature = "socks") {
        return Err(Error::config(format!("{variable} names a SOCKS proxy: enable the feature `socks`")));
    }
    Ok(url)
}

/// An unescaped `/`, `?` or `#` in a password ends the host, and so the password would be taken for a port or worse.
fn names_a_proxy(url: &Url) -> bool {
    let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let whole = url.query().is_none() && url.fragment().is_none() && !url.path().contains('@');
    schemes.contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty()) && whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_may_be_written_with_and_without_its_scheme() {
        for (value, url) in [
            ("http://proxy:3128", "http://proxy:3128/"),
            ("https://proxy", "https://proxy/"),
            ("proxy:3128", "http://proxy:3128/"),
            ("127.0.0.1:3128", "http://127.0.0.1:3128/"),
            ("[::1]:3128", "http://[::1]:3128/"),
            ("http://proxy:3128/", "http://proxy:3128/"),
            ("ada:pw@proxy:3128", "http://ada:pw@proxy:3128/"),
        ] {
            assert_eq!(parse("HTTPS_PROXY", value).unwrap().as_str(), url, "{value}");
        }
    }

    #[test]
    fn a_password_is_kept_whole() {
        for (value, password) in [
            ("http://ada:p@ss@proxy:3128", "p%40ss"),
            ("http://ada:p%40ss@proxy:3128", "p%40ss"),
            ("http://ada:a@b@c@proxy:3128", "a%40b%40c"),
            ("ada:p:ss@proxy:3128", "p%3Ass"),
        ] {
            let url = parse("HTTPS_PROXY", value).unwrap();
            assert_eq!((url.username(), url.password()), ("ada", Some(password)), "{value}");
            assert_eq!((url.host_str(), url.port()), (Some("proxy"), Some(3128)), "{value}");
        }
    }

    #[test]
    fn a_malformed_variable_is_an_error_without_the_password() {
        for value in [
            "http://",
            "http://proxy:port",
            "http://proxy:99999",
            "proxy server:3128",
            "ftp://proxy",
            "htp://proxy",
            "http:/proxy:3128",
            "http://ada:hunter/2@proxy:3128",
            "http://ada:12/hunter2@proxy:3128",
            "http://ada:12#hunter2@proxy:3128",
            "http://ada:12?hunter2@proxy:3128",
        ] {
            let error = parse("HTTPS_PROXY", value).unwrap_err().to_string();
            assert!(error.starts_with("HTTPS_PROXY must be the URL of a proxy"), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        }
        let error = parse("HTTPS_PROXY", "ftp://ada:hunter2@proxy").unwrap_err().to_string();
        assert!(error.ends_with("not \"ftp://…@proxy\""), "{error}");
    }

    #[test]
    #[cfg(not(feature = "socks"))]
    fn socks_needs_its_feature() {
        let error = parse("ALL_PROXY", "socks5h://proxy").unwrap_err().to_string();
        assert_eq!(error, "ALL_PROXY names a SOCKS proxy: enable the feature `socks`");
    }
}
