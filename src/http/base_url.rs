//! Which base URLs are accepted.

use std::net::IpAddr;

use url::Url;

use super::platform::Platform;
use crate::Error;

/// Splits a base URL into its origin and the prefix of the document's paths.
pub(super) fn parse_base(platform: &Platform, given: Option<&str>, insecure: bool) -> Result<(Url, String), Error> {
    let none =
        || Error::config(format!("no base URL: set `base_url`, or {} with `from_env`", platform.base_url_variable));
    let given = given.or(platform.base_url).ok_or_else(none)?.trim();
    let mut url = Url::parse(given).map_err(|e| Error::config_from("the base URL is not a valid URL", e))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::config("the base URL must not hold credentials"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::config("the base URL must have neither query nor fragment"));
    }
    match url.scheme() {
        "https" => {}
        "http" if insecure || is_loopback(&url) => {}
        "http" => {
            return Err(Error::config(
                "the base URL is plain http on a host that is not loopback: use https, or `allow_insecure_http`",
            ));
        }
        _ => return Err(Error::config("the base URL must begin with `https://`, or `http://` for loopback")),
    }
    let path = url.path().trim_end_matches('/');
    let prefix = path.strip_suffix(platform.optional_suffix).unwrap_or(path).trim_end_matches('/').to_owned();
    url.set_path("/");
    Ok((url, prefix))
}

/// Whether requests go to this machine in cleartext: no proxy may see them.
pub(crate) fn stays_here(url: &Url) -> bool {
    url.scheme() == "http" && is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elephantasm::PLATFORM;

    fn base(url: &str) -> Result<(String, String), String> {
        parse_base(&PLATFORM, Some(url), false)
            .map(|(url, prefix)| (url.to_string(), prefix))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn the_base_url_may_end_in_slashes_and_in_the_documents_own_prefix() {
        for url in ["https://host", "https://host/", "https://host/api", "https://host/api/", "https://host//"] {
            assert_eq!(base(url), Ok(("https://host/".to_owned(), String::new())), "{url}");
        }
        assert_eq!(base("https://host:8443/memory/api/"), Ok(("https://host:8443/".to_owned(), "/memory".to_owned())));
        assert_eq!(base("https://host/apiary"), Ok(("https://host/".to_owned(), "/apiary".to_owned())));
    }

    #[test]
    fn plain_http_is_for_loopback_unless_allowed() {
        for url in
            ["http://localhost:1", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1", "http://a.localhost"]
        {
            assert!(base(url).is_ok(), "{url}");
        }
        for url in ["http://host", "http://127.0.0.1.host", "http://10.0.0.5", "http://localhost.host", "http://[::2]"]
        {
            assert!(base(url).unwrap_err().contains("allow_insecure_http"), "{url}");
        }
        assert!(parse_base(&PLATFORM, Some("http://10.0.0.5"), true).is_ok());
    }

    #[test]
    fn an_unsafe_base_url_is_refused_without_being_echoed() {
        for url in [
            "https://user:hunter2@host",
            "https://:hunter2@host",
            "https://host?key=hunter2",
            "https://host#hunter2",
            "hunter2",
            "ftp://hunter2",
        ] {
            let error = base(url).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
