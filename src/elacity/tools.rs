//! Tools of agents.

use serde_json::Value;

use super::types::ToolUpdate;
use super::{Elacity, ops};
use crate::Request;
use crate::check::InvalidArgument;

/// The tools of agents; from [`Elacity::tools`].
#[derive(Clone, Debug)]
pub struct Tools {
    client: Elacity,
}

impl Tools {
    pub(super) fn new(client: &Elacity) -> Self {
        Self { client: client.clone() }
    }

    /// Changes a tool, and its version. Its path is documented; the response is not.
    ///
    /// A tool's name has no dots, unlike a prompt's.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) when both `version` and `bump_version` are set: which one
    /// counts is not documented.
    ///
    /// ```no_run
    /// # use polyagent::elacity::{Elacity, types::{ToolUpdate, VersionBump}};
    /// # async fn example(client: Elacity) -> Result<(), polyagent::Error> {
    /// let update = ToolUpdate::new().description("Find a customer").bump_version(VersionBump::Minor);
    /// client.tools().update("tool_1", update).await?;
    /// # Ok(()) }
    /// ```
    pub fn update(&self, tool_id: impl Into<String>, tool: ToolUpdate) -> Request<Value> {
        let request = self.client.call(ops::UPDATE_TOOL).id(tool_id).json(&tool);
        if tool.version.is_some() && tool.bump_version.is_some() {
            return request.refuse(InvalidArgument::new("bumpVersion", "must not be set together with `version`"));
        }
        request
    }
}
