//! Outputs of a session: the files that its agent leaves behind.

use super::beta::managed_agents;
use super::ops;
use super::types::Output;
use crate::http::Core;
use crate::{Download, Page, Request};

/// Files that the agents of sessions put out; from [`Oma::outputs`](super::Oma::outputs).
///
/// A file may be listed some seconds after the turn that wrote it. Anthropic lists them as files of the session.
#[derive(Clone, Debug)]
pub struct Outputs {
    core: Core,
}

impl Outputs {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Lists the outputs of a session.
    pub fn list(&self, session_id: impl Into<String>) -> Request<Page<Output>> {
        managed_agents(&self.core, ops::LIST_OUTPUTS).id(session_id).instead(FILES)
    }

    /// Downloads an output by its name, which is one path segment.
    pub fn download(&self, session_id: impl Into<String>, filename: impl Into<String>) -> Request<Download> {
        managed_agents(&self.core, ops::DOWNLOAD_OUTPUT).id(session_id).id(filename).instead(FILES)
    }
}

const FILES: &str = "list the files with the session as `scope_id`";
