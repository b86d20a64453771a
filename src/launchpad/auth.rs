//! Keys of users.

use super::ops;
use super::types::{ApiKey, ApiKeyCreate};
use crate::Request;
use crate::http::Core;

/// Keys of users; from [`Launchpad::auth`](super::Launchpad::auth). No operation lists or revokes them.
#[derive(Clone, Debug)]
pub struct Auth {
    core: Core,
}

impl Auth {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a key for a user. It is shown in this response only, and probably replaces the user's earlier one.
    ///
    /// The client's own key is sent if it has one: the pages disagree whether one is needed.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for an empty name or address.
    ///
    /// ```no_run
    /// # use polyagent::launchpad::{Launchpad, types::{ApiKeyCreate, Role}};
    /// # async fn example() -> Result<(), polyagent::Error> {
    /// let url = "https://launchpad.example.org";
    /// let user = ApiKeyCreate::new("dana", "dana@example.org").role(Role::User);
    /// let created = Launchpad::builder().base_url(url).build()?.auth().generate_key(user).await?;
    /// let client = Launchpad::new(url, created.api_key)?;
    /// # Ok(()) }
    /// ```
    pub fn generate_key(&self, user: ApiKeyCreate) -> Request<ApiKey> {
        Request::new(&self.core, ops::GENERATE_API_KEY).json(&user)
    }
}
