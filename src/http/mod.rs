//! The path of every call from request to response: spell it for the server, send it until it succeeds or must not be
//! retried, read its response.

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
mod operation;
mod pace;
mod parts;
mod platform;
mod proxy;
mod rate_limit;
mod reader;
mod request;
mod response;
mod retry;
mod retry_after;
mod trace;
mod transport;
mod upload;

pub(crate) use http::Method;

pub use self::builder::ClientBuilder;
#[cfg(feature = "oma")]
pub(crate) use self::call::{Answered, Ending};
pub(crate) use self::client::Core;
pub use self::credential::{CredentialProvider, KeyFuture};
pub use self::download::Download;
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use self::follow::Composed;
pub use self::hook::{AttemptEnd, AttemptStart, ExtraHeaders, Hook};
pub use self::operation::RetryClass;
pub(crate) use self::operation::{AuthUse, Operation, OperationSpec, Piece, Route};
#[cfg(feature = "oma")]
pub(crate) use self::parts::RequestParts;
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use self::platform::{Platform, Probe, Profile, Scheme, no_hint, no_preflight};
pub use self::rate_limit::RateLimit;
pub(crate) use self::reader::Reader;
pub use self::reader::Redirect;
pub use self::request::{Request, RequestFuture};
pub use self::response::Response;
pub(crate) use self::response::request_id;
pub use self::retry::RetryPolicy;
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use self::retry_after::{seconds, should_retry};
pub use self::upload::{TransferProgress, Upload};
pub(crate) use crate::page::{PageBy, Paging};
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use bytes::Bytes;
