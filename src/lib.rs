//! Typed async clients for agent platforms.
//!
//! polyagent has one client per platform, all built on the same core: typed requests and responses generated from an
//! OpenAPI document, retries that honour the server's instructions, typed errors, lists as pages or streams. A sandbox
//! serves the platforms in memory, so you can write and test your program without an account.
//!
//! ```no_run
//! use polyagent::elephantasm::{Elephantasm, types::{AnimaCreate, EventCreate, EventType}};
//!
//! # async fn example() -> Result<(), polyagent::Error> {
//! let client = Elephantasm::from_env()?;
//! let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
//! client.events().create(EventCreate::new(&anima.id, EventType::MessageIn, "I like green tea.")).await?;
//! # Ok(()) }
//! ```
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | a call and its options | [`Request`], [`Response`] |
//! | a list | [`Page`], [`Items`], [`Cursor`] |
//! | errors | [`Error`], [`Reason`] |
//! | retries | [`RetryPolicy`], [`RetryClass`] |
//! | a long job | [`Poller`], [`Job`], [`StartAndWait`] |
//! | verifying webhooks | [`eclips::webhooks::Verifier`], [`oma::webhooks::Verifier`], [`WebhookError`] |
//! | keeping to a limit of calls | [`CallLimit`] |
//! | observing attempts, adding headers | [`Hook`] |
//! | timeouts, proxies, credentials | [`ClientBuilder`] |
//! | testing your program | `polyagent::sandbox`, with the feature `sandbox` |
//!
//! # What a server may send
//!
//! A newer server's values are kept: open enums and unions have `Unknown`, and objects that promise it a map of unknown
//! fields. Floats are read to the last bit. In free-form JSON ([`serde_json::Value`]) an integer beyond `u64` or `i64`
//! becomes the nearest float, and a number beyond every float its text. A byte that is not UTF-8, or an escape of half
//! a surrogate pair, becomes U+FFFD; the rest of the response is delivered.
//!
//! # Features
//!
//! | feature | default | provides |
//! |---|---|---|
//! | `elephantasm` | yes | [`elephantasm`], long-term memory for agents |
//! | `eclips` | yes | [`eclips`], a workforce of agents |
//! | `oma` | yes | [`oma`], Open Managed Agents and Anthropic's Managed Agents |
//! | `launchpad` | yes | [`launchpad`], ElizaOS agents on Kubernetes |
//! | `elacity` | yes | [`elacity`], a control plane for prompts and agents |
//! | `rustls` | yes | TLS by rustls with aws-lc-rs and the operating system's trust store |
//! | `rustls-no-provider` | | TLS by rustls with the `CryptoProvider` that the program installs |
//! | `native-tls` | | TLS by the operating system's library; rustls is used if both are enabled |
//! | `gzip`, `socks` | | compressed responses, SOCKS proxies |
//! | `tracing` | | a span per call and an event per attempt |
//! | `sandbox` | | `sandbox`, the platforms in memory on a loopback port |

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(not(any(
    feature = "elephantasm",
    feature = "oma",
    feature = "eclips",
    feature = "launchpad",
    feature = "elacity"
)))]
compile_error!(
    "polyagent needs at least one platform: enable the feature `elephantasm`, `oma`, `eclips`, `launchpad` or `elacity`"
);

#[allow(dead_code, reason = "not every platform needs all of it")]
mod check;
mod clock;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod config;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod error;
#[cfg(test)]
mod fixture;
#[cfg(any(feature = "eclips", feature = "launchpad"))]
mod frames;
#[cfg(any(feature = "eclips", feature = "launchpad"))]
mod framing;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod headers;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod http;
mod lock;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod page;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod poll;
mod secret;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod serde_ext;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod spelling;
#[cfg(any(feature = "eclips", feature = "launchpad", feature = "oma"))]
#[allow(dead_code, reason = "no platform needs all of it yet")]
mod sse;
#[allow(dead_code, reason = "not every platform needs all of it")]
mod text;
#[cfg(any(feature = "eclips", feature = "oma"))]
#[allow(dead_code, reason = "not every platform needs all of it")]
mod webhook;

#[cfg(feature = "eclips")]
pub mod eclips;
#[cfg(feature = "elacity")]
pub mod elacity;
#[cfg(feature = "elephantasm")]
pub mod elephantasm;
#[cfg(feature = "launchpad")]
pub mod launchpad;
#[cfg(feature = "oma")]
pub mod oma;
#[cfg(feature = "sandbox")]
pub mod sandbox;

pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use ::reqwest;

pub use self::check::{Check, InvalidArgument};
pub use self::error::{
    ApiError, Attempt, ConfigError, DecodeError, Error, FieldError, Reason, StreamError, StreamFault, ThrottledError,
    TimeoutError, Timer, TransportError, TransportKind, UnsupportedError,
};
pub use self::headers::RateLimit;
pub use self::http::{
    AttemptEnd, AttemptStart, CallLimit, ClientBuilder, CredentialProvider, Download, ExtraHeaders, Hook, KeyFuture,
    Redirect, Request, RequestFuture, Response, RetryClass, RetryPolicy, TransferProgress, Upload,
};
pub use self::page::{Cursor, Items, Page, Pages};
pub use self::poll::{Job, Poller, StartAndWait, Updates};
pub use self::secret::Secret;
pub use self::serde_ext::{InvalidTimestamp, Timestamp};
#[cfg(feature = "oma")]
pub use self::sse::{EventStream, Gap, Position, StreamItem};
#[cfg(any(feature = "eclips", feature = "oma"))]
pub use self::webhook::WebhookError;
