//! Which base URLs are accepted, and how long a URL may become.

use std::net::IpAddr;

use url::{ParseError, Url, form_urlencoded};

use super::platform::Platform;
use crate::check::{self, InvalidArgument};
use crate::config;

/// Splits a base URL into its origin and the prefix of the document's paths.
///
/// # Errors
/// What is wrong with it; `the base URL`, or the name of a variable, comes before it.
pub(super) fn parse_base(platform: &Platform, given: &str, insecure: bool) -> Result<(Url, String), String> {
    let given = given.trim();
    let problem = |problem: &str| match shown(given) {
        Some(shown) => format!("{shown:?} {problem}"),
        None => problem.to_owned(),
    };
    if given.is_empty() {
        return Err(problem("is blank"));
    }
    let parsed = Url::parse(given);
    let without_scheme = !given.contains("://") && !matches!(&parsed, Ok(url) if url.has_host());
    let mut url = match parsed {
        _ if without_scheme => return Err(problem(&no_scheme(given))),
        Err(ParseError::RelativeUrlWithoutBase) => return Err(problem(&no_scheme(given))),
        Err(error) => return Err(problem(&format!("is not a valid URL: {error}"))),
        Ok(url) => url,
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("must not hold credentials"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(problem("must have neither query nor fragment"));
    }
    match url.scheme() {
        "https" => {}
        "http" if insecure || is_loopback(&url) => {}
        "http" => {
            return Err(problem("is plain http on a host that is not loopback: use https, or `allow_insecure_http`"));
        }
        _ => return Err(problem("must begin with `https://`, or `http://` for loopback")),
    }
    let path = url.path().trim_end_matches('/');
    let prefix = path.strip_suffix(platform.optional_suffix).unwrap_or(path).trim_end_matches('/').to_owned();
    url.set_path("/");
    Ok((url, prefix))
}

fn no_scheme(given: &str) -> String {
    let begin = "must begin with `https://`, or `http://` for loopback";
    let bare = given.trim_start_matches('/');
    // What is not shown is not repeated here either; and who wrote a scheme, or half of one, did not forget it.
    let showable = shown(given).as_deref() == Some(given) && !bare.starts_with("http") && !given.contains("://");
    match Url::parse(&format!("https://{bare}")) {
        Ok(url) if showable => {
            format!("{begin}: did you mean {}://{bare}?", if is_loopback(&url) { "http" } else { "https" })
        }
        _ => begin.to_owned(),
    }
}

/// A URL as errors show it: without credentials and query. One without a scheme is shown only if it is short, for it
/// may be a key in the wrong place.
pub(super) fn shown(url: &str) -> Option<String> {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None if url.chars().nth(check::SHOWN).is_some() => return None,
        None => (String::new(), url),
    };
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => ("…@", rest),
        None => ("", rest),
    };
    let end = rest.find(['?', '#']).map(|at| &rest[..=at]);
    let (rest, more) = end.map_or((rest, ""), |rest| (rest, "…"));
    Some(format!("{scheme}{user}{rest}{more}"))
}

/// `origin` with a path as long as most.
pub(super) fn roomy(origin: &Url) -> Url {
    let mut roomy = origin.clone();
    roomy.set_path(&"-".repeat(config::USUAL_PATH));
    roomy
}

/// Rejects a URL that is longer than the HTTP client can send, and names the argument that makes it so. Path and query
/// are escaped already.
pub(super) fn check_length(origin: &Url, path: &str, query: &str) -> Result<(), InvalidArgument> {
    let mark = usize::from(!query.is_empty());
    let length = origin.as_str().trim_end_matches('/').len() + path.len() + mark + query.len();
    if length <= config::MAX_URL {
        return Ok(());
    }
    let longest = query.split('&').max_by_key(|pair| pair.len()).unwrap_or_default();
    let name = form_urlencoded::parse(longest.as_bytes()).next().map(|(name, _)| name.into_owned());
    let name = match name {
        _ if query.len() < path.len() => "path".to_owned(),
        Some(name) if name.chars().nth(check::SHOWN).is_none() => name,
        _ => "query".to_owned(),
    };
    let limit = config::MAX_URL;
    Err(InvalidArgument::new(name, format!("makes the URL too long: {length} bytes, where the limit is {limit}")))
}

/// Whether requests go to this machine in cleartext: no proxy may see them.
pub(crate) fn is_loopback_http(url: &Url) -> bool {
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
        parse_base(&PLATFORM, url, false).map(|(url, prefix)| (url.to_string(), prefix))
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
        for url in [
            "http://host",
            "http://127.0.0.1.host",
            "http://10.0.0.5",
            "http://localhost.host",
            "http://[::2]",
            "http://evillocalhost",
            "http://evil-localhost",
            "http://localhost.",
            "http://128.0.0.1",
        ] {
            assert!(base(url).unwrap_err().contains("allow_insecure_http"), "{url}");
        }
        assert!(parse_base(&PLATFORM, "http://10.0.0.5", true).is_ok());
    }

    #[test]
    fn an_unsafe_base_url_is_refused_without_its_secrets() {
        for (url, error) in [
            ("https://user:hunter2@host", "\"https://…@host\" must not hold credentials"),
            ("https://:hunter2@host", "\"https://…@host\" must not hold credentials"),
            ("https://user:hunter@2@host", "\"https://…@host\" must not hold credentials"),
            ("https://host?key=hunter2", "\"https://host?…\" must have neither query nor fragment"),
            ("https://host/#hunter2", "\"https://host/#…\" must have neither query nor fragment"),
            ("user:hunter2@host", "\"…@host\" must begin with `https://`, or `http://` for loopback"),
            // A key in the wrong place.
            ("sk_live_0123456789abcdef0123456789abcdef", "must begin with `https://`, or `http://` for loopback"),
        ] {
            assert_eq!(base(url).unwrap_err(), error);
        }
    }

    #[test]
    fn a_base_url_that_is_not_valid_is_shown() {
        for (url, error) in [
            ("ftp://host", "\"ftp://host\" must begin with `https://`, or `http://` for loopback"),
            ("https://host:port", "\"https://host:port\" is not a valid URL: invalid port number"),
            ("https://", "\"https://\" is not a valid URL: empty host"),
            ("not a url", "\"not a url\" must begin with `https://`, or `http://` for loopback"),
            ("\u{feff}https://host", "\"\\u{feff}https://host\" must begin with `https://`, or `http://` for loopback"),
            (" ", "\"\" is blank"),
        ] {
            assert_eq!(base(url).unwrap_err(), error);
        }
    }

    #[test]
    fn a_missing_scheme_is_suggested() {
        for (url, meant) in [
            ("127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("localhost:8000", "http://localhost:8000"),
            ("localhost", "http://localhost"),
            ("[::1]:8000/api", "http://[::1]:8000/api"),
            ("//127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("api.elephantasm.com", "https://api.elephantasm.com"),
            ("api.elephantasm.com:443/api", "https://api.elephantasm.com:443/api"),
            ("memory.internal:8000", "https://memory.internal:8000"),
            ("10.0.0.5:8000", "https://10.0.0.5:8000"),
        ] {
            let error = base(url).unwrap_err();
            let start = format!("{url:?} must begin with `https://`, or `http://` for loopback");
            assert_eq!(error, format!("{start}: did you mean {meant}?"));
        }
    }

    #[test]
    fn the_longest_url_that_can_be_sent_is_65534_bytes() {
        let origin = Url::parse("https://host").unwrap();
        let check = |path: &str, query: &str| check_length(&origin, path, query).map_err(|error| error.to_string());
        let start = "https://host/a?b=1&query=";
        let query = |length: usize| format!("b=1&query={}", "x".repeat(length - start.len()));
        assert!(check("/a", &query(65_534)).is_ok());
        let error = "`query` makes the URL too long: 65535 bytes, where the limit is 65534";
        assert_eq!(check("/a", &query(65_535)).unwrap_err(), error);
        assert!(check(&format!("/{}", "x".repeat(65_534 - "https://host/".len())), "").is_ok());
        let error = check(&format!("/{}", "x".repeat(65_535)), "b=1").unwrap_err();
        assert!(error.starts_with("`path` makes the URL too long: "), "{error}");
        let error = check("/", &format!("{}=1", "x".repeat(65_535))).unwrap_err();
        assert!(error.starts_with("`query` makes the URL too long: "), "{error}");
    }
}
