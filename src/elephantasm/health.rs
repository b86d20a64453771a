//! Server health.

use super::types::Health;
use super::{Elephantasm, ops};
use crate::Request;

impl Elephantasm {
    /// Checks the server's health.
    ///
    /// No key is sent or checked; to find out whether a key works, list one anima. A server without its database
    /// responds too, so check `status`: while it is degraded, calls with a valid key fail with
    /// [`Authentication`](crate::Error::Authentication).
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::HealthStatus};
    /// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
    /// let health = client.health().await?;
    /// if health.status != HealthStatus::Healthy {
    ///     println!("{}: {:?}", health.status, health.checks);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn health(&self) -> Request<Health> {
        Request::new(&self.core, ops::GET_HEALTH)
    }
}
