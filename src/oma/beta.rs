//! The beta headers that groups of operations need.

use http::HeaderName;

use super::generation::ANTHROPIC;
use crate::http::{Core, Operation, Request};

/// The header; a comma-separated list, in which the caller's own values come first.
pub(super) const HEADER: &str = "anthropic-beta";
pub(super) const MANAGED_AGENTS: &str = "managed-agents-2026-04-01";
/// For tokens in the place of an API key.
const OAUTH: &str = "oauth-2025-04-20";

/// A call of an operation that needs the beta of managed agents.
pub(super) fn managed_agents<T>(core: &Core, operation: Operation<T>) -> Request<T> {
    let request = Request::new(core, operation).listed_header(HeaderName::from_static(HEADER), MANAGED_AGENTS);
    for_credential(core, request)
}

/// A call of an operation that needs no beta.
pub(super) fn none<T>(core: &Core, operation: Operation<T>) -> Request<T> {
    for_credential(core, Request::new(core, operation))
}

/// Adds the beta that a token from a provider needs on Anthropic.
pub(super) fn for_credential<T>(core: &Core, request: Request<T>) -> Request<T> {
    if core.has_provider() && core.generation() == Some(ANTHROPIC) {
        return request.listed_header(HeaderName::from_static(HEADER), OAUTH);
    }
    request
}
