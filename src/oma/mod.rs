//! Open Managed Agents: agents with sessions, tools and environments, on servers of openma in two generations (`v0` and
//! `v1`) and on Anthropic's Managed Agents API, which `v1` follows.

/// Requests, responses and events, generated from the OpenAPI document.
#[allow(
    clippy::too_many_arguments,
    clippy::too_many_lines,
    clippy::option_option,
    clippy::doc_markdown,
    clippy::large_enum_variant,
    clippy::unreadable_literal,
    reason = "generated"
)]
pub mod types {
    include!(concat!(env!("OUT_DIR"), "/oma_types.rs"));
}
