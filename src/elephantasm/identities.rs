//! Identities: the personality type, communication style and self-image that an anima has developed.

use super::ops;
use super::types::Identity;
use crate::Request;
use crate::http::Core;

/// The identities that animas have developed; from [`Elephantasm::identities`](super::Elephantasm::identities).
#[derive(Clone, Debug)]
pub struct Identities {
    core: Core,
}

impl Identities {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns the identity of an anima. An anima has at most one, and none at first.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the anima has none, or does not exist; the two are indistinguishable.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// match client.identities().of_anima(anima_id).await {
    ///     Ok(identity) => println!("{}", identity.communication_style.unwrap_or_default()),
    ///     Err(error) if error.is_not_found() => println!("nobody yet"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn of_anima(&self, anima_id: impl Into<String>) -> Request<Identity> {
        Request::new(&self.core, ops::GET_ANIMA_IDENTITY).id(anima_id)
    }
}
