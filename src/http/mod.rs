//! The path of every call from request to response: spell it for the server, send it until it succeeds or must not be
//! retried, read its response.

mod attempt;
mod base_headers;
mod base_url;
mod body;
mod budget;
mod builder;
mod call;
mod client;
mod connect_error;
mod connection;
mod credential;
pub(crate) mod decode;
mod depth;
mod download;
mod follow;
mod frozen;
mod hook;
mod http_client;
mod limiter;
mod lists;
mod live;
mod operation;
mod pace;
mod parts;
mod path_override;
mod platform;
mod proxy;
mod reader;
mod request;
mod response;
mod retry;
mod retry_policy;
mod sending;
mod trace;
mod transport;
mod upload;
mod wrapped;

pub(crate) use http::Method;

#[cfg(any(feature = "eclips", feature = "sandbox"))]
pub(crate) use self::base_url::is_loopback_http;
#[allow(unused_imports, reason = "not every platform needs it")]
pub(crate) use self::body::Form;
pub use self::builder::ClientBuilder;
pub(crate) use self::client::Core;
#[cfg(feature = "oma")]
pub(crate) use self::credential::SentSecret;
pub use self::credential::{CredentialProvider, KeyFuture};
pub use self::download::Download;
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use self::follow::Composed;
pub use self::hook::{AttemptEnd, AttemptStart, ExtraHeaders, Hook};
pub use self::limiter::CallLimit;
#[cfg(any(feature = "oma", feature = "eclips", feature = "launchpad"))]
pub(crate) use self::live::LiveBody;
pub use self::operation::RetryClass;
pub(crate) use self::operation::{AuthUse, Operation, OperationSpec, Piece, Route};
#[cfg(feature = "oma")]
pub(crate) use self::parts::RequestParts;
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use self::platform::{Platform, Probe, Profile, Scheme, no_hint, no_preflight};
pub(crate) use self::reader::Reader;
pub use self::reader::Redirect;
pub use self::request::Request;
pub use self::response::Response;
pub use self::retry_policy::RetryPolicy;
pub use self::sending::RequestFuture;
pub use self::upload::{TransferProgress, Upload};
pub(crate) use crate::page::{PageBy, Paging};
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use bytes::Bytes;
