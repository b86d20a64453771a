//! Health of the platform.

use super::types::Health;
use super::{Eclips, ops};
use crate::Request;

impl Eclips {
    /// Checks whether the platform works. Needs no key and checks none: to find out whether a key works, list one run.
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let health = client.health().await?;
    /// assert_eq!(health.status, "ok");
    /// # Ok(()) }
    /// ```
    pub fn health(&self) -> Request<Health> {
        Request::new(&self.core, ops::GET_HEALTH)
    }
}
