//! Scans of agents, and security events.

use super::ops;
use super::types::{Empty, ListSecurityEventsParams, Scan, ScanStatus, SecurityEvent};
use crate::http::Core;
use crate::{Job, Page, Request};

/// Scans of agents, and security events; from [`Launchpad::security`](super::Launchpad::security). For admins.
#[derive(Clone, Debug)]
pub struct Security {
    core: Core,
}

impl Security {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Scans the container of an agent, and returns what was found. An attempt may take 5 minutes.
    ///
    /// A server may also respond before the scan has ended: then [`is_done`](Job::is_done) is false, and
    /// [`wait`](Request::wait) of [`last_scan`](Self::last_scan) waits for it. Each call scans again, so it is
    /// [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent).
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the agent does not exist.
    ///
    /// ```no_run
    /// # use polyagent::Job;
    /// # use polyagent::launchpad::Launchpad;
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// let security = client.security();
    /// let mut scan = security.scan("agent-9k2").await?;
    /// if !scan.is_done() {
    ///     scan = security.last_scan("agent-9k2").wait().await?;
    /// }
    /// println!("passed: {:?}", scan.passed());
    /// # Ok(()) }
    /// ```
    pub fn scan(&self, agent_id: impl Into<String>) -> Request<Scan> {
        Request::new(&self.core, ops::SCAN_AGENT).id(agent_id).json(&Empty::new())
    }

    /// Returns the last scan of an agent. Only some versions have it.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the agent does not exist or was never scanned.
    pub fn last_scan(&self, agent_id: impl Into<String>) -> Request<Scan> {
        Request::new(&self.core, ops::GET_SCAN).id(agent_id)
    }

    /// Lists the newest events, 50 by default. There are no further pages: the parameters choose.
    ///
    /// ```no_run
    /// # use polyagent::launchpad::{Launchpad, types::{ListSecurityEventsParams, Severity}};
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// let critical = ListSecurityEventsParams::new().severity(Severity::Critical).limit(10);
    /// for event in client.security().events(critical).await? {
    ///     println!("{:?}: {:?}", event.type_, event.message);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn events(&self, params: ListSecurityEventsParams) -> Request<Page<SecurityEvent>> {
        Request::new(&self.core, ops::LIST_SECURITY_EVENTS).params(&params)
    }
}

impl Scan {
    /// Whether nothing critical was found; `None` until the scan has ended.
    pub fn passed(&self) -> Option<bool> {
        let said = self.results.as_ref().and_then(|results| results.passed);
        said.or(match self.status {
            ScanStatus::Passed => Some(true),
            ScanStatus::Failed => Some(false),
            _ => None,
        })
    }
}

impl Job for Scan {
    type Outcome = Self;

    /// An unknown status is done once there are results.
    fn is_done(&self) -> bool {
        match self.status {
            ScanStatus::Completed | ScanStatus::Passed | ScanStatus::Failed => true,
            ScanStatus::Pending | ScanStatus::Running => false,
            _ => self.results.is_some(),
        }
    }

    fn into_outcome(self) -> Self {
        self
    }
}
