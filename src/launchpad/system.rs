//! Metrics of the whole installation.

use super::ops;
use super::types::{HostMetrics, SystemMetrics};
use crate::Request;
use crate::http::Core;

/// Metrics of the whole installation; from [`Launchpad::system`](super::Launchpad::system). Probably for admins.
#[derive(Clone, Debug)]
pub struct System {
    core: Core,
}

impl System {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns how many agents and deployments there are, and what the cluster has.
    pub fn metrics(&self) -> Request<SystemMetrics> {
        Request::new(&self.core, ops::GET_SYSTEM_METRICS)
    }

    /// Returns what the host uses and how fast it responds. Only later versions have it.
    pub fn host_metrics(&self) -> Request<HostMetrics> {
        Request::new(&self.core, ops::GET_HOST_METRICS)
    }
}
