//! The beta headers that groups of operations need.

use http::HeaderName;

use super::generation::ANTHROPIC;
use crate::http::{Core, Operation, Request};

/// The header; a comma-separated list, in which the caller's own values come first.
pub(super) const HEADER: &str = "anthropic-beta";
pub(super) const MANAGED_AGENTS: &str = "managed-agents-2026-04-01";
const FILES: &str = "files-api-2025-04-14";
const SKILLS: &str = "skills-2025-10-02";
const MEMORY: &str = "agent-memory-2026-07-22";
const DREAMS: &str = "dreaming-2026-04-21";
/// For tokens in the place of an API key.
const OAUTH: &str = "oauth-2025-04-20";

/// A call of an operation that needs the beta of managed agents.
pub(super) fn managed_agents<T>(core: &Core, operation: Operation<T>) -> Request<T> {
    of_group(core, operation, MANAGED_AGENTS)
}

/// Adds the beta of managed agents to that of another group.
pub(super) fn also_managed_agents<T>(request: Request<T>) -> Request<T> {
    with(request, MANAGED_AGENTS)
}

/// A call of an operation that needs the beta of files.
pub(super) fn files<T>(core: &Core, operation: Operation<T>) -> Request<T> {
    of_group(core, operation, FILES)
}

/// A call of an operation that needs the beta of skills.
pub(super) fn skills<T>(core: &Core, operation: Operation<T>) -> Request<T> {
    of_group(core, operation, SKILLS)
}

/// A call of an operation that needs the beta of memory.
pub(super) fn memory<T>(core: &Core, operation: Operation<T>) -> Request<T> {
    of_group(core, operation, MEMORY)
}

/// A call of an operation that needs the beta of dreams.
pub(super) fn dreams<T>(core: &Core, operation: Operation<T>) -> Request<T> {
    of_group(core, operation, DREAMS)
}

fn of_group<T>(core: &Core, operation: Operation<T>, beta: &'static str) -> Request<T> {
    for_credential(core, with(Request::new(core, operation), beta))
}

fn with<T>(request: Request<T>, beta: &'static str) -> Request<T> {
    request.listed_header(HeaderName::from_static(HEADER), beta)
}

/// A call of an operation that needs no beta.
pub(super) fn none<T>(core: &Core, operation: Operation<T>) -> Request<T> {
    for_credential(core, Request::new(core, operation))
}

/// Adds the beta that a token from a provider needs on Anthropic.
pub(super) fn for_credential<T>(core: &Core, request: Request<T>) -> Request<T> {
    if core.has_provider() && core.generation() == Some(ANTHROPIC) {
        return with(request, OAUTH);
    }
    request
}
