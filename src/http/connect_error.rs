//! Why no connection was made: who refused it, and whether another attempt could make one.

use std::error::Error as StdError;
use std::iter::successors;

use crate::error::{TransportKind, root_cause};

/// An error and its sources.
pub(super) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |error| (**error).source())
}

/// What `error` says about the connection, in words of its own where the libraries' are not clear enough.
pub(super) fn explain(error: &(dyn StdError + 'static)) -> (TransportKind, Option<String>) {
    let mut to_proxy = false;
    for cause in chain(error) {
        if speaks_no_tls(cause) {
            let (who, which) = if to_proxy { ("proxy", "proxy's") } else { ("server", "base") };
            let text = format!("the {who} does not speak TLS; should the {which} URL be http? ({})", root_cause(cause));
            return (TransportKind::NotTls, Some(text));
        }
        // hyper-util keeps the type of this error to itself.
        let text = cause.to_string();
        let refusal = match text.strip_prefix("tunnel error: ") {
            None => continue,
            Some("failed to create underlying connection" | "io error establishing tunnel") => {
                to_proxy = true;
                continue;
            }
            Some("proxy authorization required") => {
                let text = "the proxy wants other credentials: 407 Proxy Authentication Required";
                return (TransportKind::ProxyAuthentication, Some(text.to_owned()));
            }
            Some("unexpected end of file") => "the proxy ended the connection instead of opening a tunnel".to_owned(),
            Some("unsuccessful") => "the proxy refused to open a tunnel".to_owned(),
            Some(other) => format!("the proxy opened no tunnel: {other}"),
        };
        return (TransportKind::NotConnected, Some(refusal));
    }
    let text = to_proxy.then(|| format!("no connection to the proxy: {}", root_cause(error)));
    (TransportKind::NotConnected, text)
}

/// Whether the far end answered the TLS handshake with something else.
fn speaks_no_tls(cause: &(dyn StdError + 'static)) -> bool {
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
    if let Some(io) = cause.downcast_ref::<std::io::Error>() {
        use rustls::InvalidMessage::{
            InvalidContentType, InvalidEmptyPayload, MessageTooLarge, UnknownProtocolVersion,
        };
        let inner = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        // What the first bytes of another protocol look like as a TLS record.
        if let Some(rustls::Error::InvalidMessage(
            InvalidContentType | UnknownProtocolVersion | MessageTooLarge | InvalidEmptyPayload,
        )) = inner
        {
            return true;
        }
    }
    // OpenSSL's words for the same.
    cfg!(feature = "native-tls")
        && ["wrong version number", "packet length too long"].iter().any(|words| cause.to_string().contains(words))
}
