//! The generations of servers, and how a client tells them apart.

use std::fmt;

use http::HeaderMap;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::beta::{HEADER, MANAGED_AGENTS};
use super::ops;
use crate::config::oma as defaults;
use crate::http::{ClientBuilder, Probe, Profile, Scheme};

use super::Oma;

/// A generation of servers: they have different operations, and spell requests differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Generation {
    /// openma before September 2026, in both builds (hosted and self-hosted), and servers made to its documentation.
    V0,
    /// openma since September 2026: the API of Anthropic, as of mid 2026, beside its own under `/v1/oma`.
    V1,
    /// Anthropic's own servers.
    Anthropic,
}

impl Generation {
    /// Returns its name: `v0`, `v1` or `anthropic`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V0 => V0,
            Self::V1 => V1,
            Self::Anthropic => ANTHROPIC,
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(super) const V0: &str = "v0";
pub(super) const V1: &str = "v1";
pub(super) const ANTHROPIC: &str = "anthropic";

/// The answer to the first page of agents differs between the generations of openma.
pub(super) static PROBE: Probe = Probe {
    operation: ops::LIST_AGENTS.spec,
    query: "limit=1",
    listed: &[(HEADER, MANAGED_AGENTS)],
    judge,
    advice: "this call finds out the server's generation; `generation(..)` of the builder sets it by hand",
    profiles: &[Profile {
        generation: ANTHROPIC,
        host: "api.anthropic.com",
        base_url: defaults::ANTHROPIC_BASE_URL,
        scheme: Scheme { header: "authorization", prefix: "Bearer " },
        headers: &[("anthropic-version", defaults::ANTHROPIC_VERSION)],
    }],
};

fn judge(_: &HeaderMap, body: &[u8]) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Listed {
        #[serde(rename = "data")]
        _data: Vec<IgnoredAny>,
        #[serde(default, deserialize_with = "present")]
        has_more: bool,
        #[serde(default, deserialize_with = "present")]
        next_page: bool,
    }
    fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| true)
    }
    match serde_json::from_slice(body).ok()? {
        Listed { has_more: true, .. } => Some(V0),
        Listed { next_page: true, .. } => Some(V1),
        Listed { .. } => None,
    }
}

impl ClientBuilder<Oma> {
    /// Sets the generation of the server. Default: Anthropic for its host; else the first call that depends on it finds
    /// out whether the server is `V0` or `V1`.
    ///
    /// [`Generation::Anthropic`] sets the base URL, unless [`base_url`](Self::base_url) does, and sends the key as
    /// `Authorization: Bearer`; servers of openma get it as `x-api-key`.
    pub fn generation(self, generation: Generation) -> Self {
        self.server_generation(generation.as_str())
    }

    /// Sets the workspace, for credentials that reach several: the header `anthropic-workspace-id`. A header of a call
    /// with this name replaces it.
    pub fn workspace(self, workspace_id: impl Into<String>) -> Self {
        self.header("anthropic-workspace-id", workspace_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_of_a_list_tells_the_generation() {
        let judged = |body: &str| judge(&HeaderMap::new(), body.as_bytes());
        assert_eq!(judged(r#"{"data":[],"has_more":false}"#), Some(V0));
        assert_eq!(judged(r#"{"data":[{"id":"agent-1"}],"has_more":true,"next_cursor":"c"}"#), Some(V0));
        assert_eq!(judged(r#"{"data":[],"has_more":true,"next_page":null}"#), Some(V0));
        assert_eq!(judged(r#"{"data":[],"next_page":null}"#), Some(V1));
        assert_eq!(judged(r#"{"data":[{"id":"agent_1"}],"next_page":"pg_2"}"#), Some(V1));
        for none in [r#"{"data":[]}"#, "[]", "{}", r#"{"has_more":true}"#, "<html>", r#"{"data":7,"next_page":null}"#] {
            assert_eq!(judged(none), None, "{none}");
        }
    }
}
