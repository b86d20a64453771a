//! Health of the platform.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::quantity::{Memory, duration};
use super::types::{ApplicationHealth, Health, HealthComponent};
use super::{Launchpad, ops};
use crate::Request;

impl Launchpad {
    /// Returns the health of the platform and of its parts. An unhealthy platform is no error, even if it says so with
    /// the status 503. The call counts against the rate limit.
    ///
    /// ```no_run
    /// # use polyagent::launchpad::{Launchpad, types::HealthState};
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// let health = client.health().await?;
    /// for (name, part) in &health.components {
    ///     if part.status != Some(HealthState::Healthy) {
    ///         println!("{name}: {:?}", part.status);
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn health(&self) -> Request<Health> {
        Request::new(&self.core, ops::GET_HEALTH).also(is_health)
    }
}

/// Whether an error response is a report of bad health.
fn is_health(status: StatusCode, body: &[u8]) -> bool {
    let report: Option<Value> = serde_json::from_slice(body).ok();
    status == StatusCode::SERVICE_UNAVAILABLE && report.is_some_and(|report| report["status"].is_string())
}

/// What a part of the platform may report. Versions differ: what is absent or has another form is `None`, and all of it
/// is in `unknown`.
impl HealthComponent {
    /// Returns how fast it responds.
    pub fn response_time(&self) -> Option<Duration> {
        duration(self.text(&["responseTime", "response_time"])?)
    }

    /// Returns the number of its connections.
    pub fn connections(&self) -> Option<i64> {
        self.count("connections")
    }

    /// Returns the number of its nodes.
    pub fn nodes(&self) -> Option<i64> {
        self.count("nodes")
    }

    /// Returns the number of its pods.
    pub fn pods(&self) -> Option<i64> {
        self.count("pods")
    }

    /// Returns the memory that it uses.
    pub fn memory(&self) -> Option<Memory> {
        Memory::read(self.text(&["memory", "memory_usage"])?)
    }

    /// Returns whether it is available.
    pub fn available(&self) -> Option<bool> {
        self.unknown.get("available")?.as_bool()
    }

    fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.unknown.get(*name)?.as_str())
    }

    /// A number, or the total of an object of numbers.
    fn count(&self, name: &str) -> Option<i64> {
        let value = self.unknown.get(name)?;
        value.as_i64().or_else(|| value.get("total")?.as_i64())
    }
}

impl ApplicationHealth {
    /// Returns how long it has been up, read from the text.
    pub fn uptime_duration(&self) -> Option<Duration> {
        duration(self.uptime.as_deref()?)
    }

    /// Returns how fast it responds, read from the text.
    pub fn response_time_duration(&self) -> Option<Duration> {
        duration(self.response_time.as_deref()?)
    }
}
