//! Elephantasm in memory: its behaviour, its messages and its quirks.

#![allow(clippy::unnecessary_wraps, reason = "handlers have one signature, whether or not they can refuse")]

mod account;
mod animas;
mod api_keys;
mod call;
mod compile;
mod dreams;
mod events;
mod handlers;
mod health;
mod identities;
mod json_error;
mod knowledge;
mod memories;
mod meter;
mod packs;
mod plan;
mod platform;
mod query;
mod quirks;
mod refusal;
mod scalars;
mod seed;
mod stamp;
mod usage;
mod validation;

pub use self::identities::IdentitySeed;
pub use self::knowledge::KnowledgeSeed;
pub use self::plan::Plan;
pub(super) use self::platform::{Platform, RateLimit};
pub use self::quirks::{Quirk, Quirks};
use crate::elephantasm::types;
