//! Subscriptions: the plan of an organisation, and its current usage.

use super::ops;
use super::types::Usage;
use crate::Request;
use crate::http::Core;

/// The plan and its current usage; from [`Elephantasm::subscriptions`](super::Elephantasm::subscriptions).
#[derive(Clone, Debug)]
pub struct Subscriptions {
    core: Core,
}

impl Subscriptions {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns the usage of the plan in the current period. Self-hosted servers lack it.
    ///
    /// The platform publishes no schema for the response, so every field may be missing; fields that the crate does not
    /// know are in `unknown`. The header `X-Organization-Id` selects the organisation of a user who is in several.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the organisation does not exist,
    /// [`PermissionDenied`](crate::Error::PermissionDenied) when the user is not in it,
    /// [`BadRequest`](crate::Error::BadRequest) when the header is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
    /// let usage = client.subscriptions().usage().await?;
    /// if let (Some(used), Some(limit)) = (usage.events_created, usage.events_limit) {
    ///     println!("{used} events of {limit}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn usage(&self) -> Request<Usage> {
        Request::new(&self.core, ops::GET_USAGE)
    }
}
