//! Why no connection was made: who refused it, and whether another attempt could make one.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;

use crate::error::{TransportKind, root_cause};

/// An error and all that it stands on.
pub(super) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |error| {
        // The source of an IO error that wraps another is the source of that other.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| (**error).source())
    })
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
    {
        use rustls::Error::InvalidMessage;
        use rustls::InvalidMessage::{
            InvalidContentType, InvalidEmptyPayload, MessageTooLarge, UnknownProtocolVersion,
        };
        // What the first bytes of another protocol look like as a TLS record.
        if let Some(InvalidMessage(
            InvalidContentType | UnknownProtocolVersion | MessageTooLarge | InvalidEmptyPayload,
        )) = cause.downcast_ref()
        {
            return true;
        }
    }
    // OpenSSL's words for the same.
    cfg!(feature = "native-tls")
        && ["wrong version number", "packet length too long"].iter().any(|words| cause.to_string().contains(words))
}
