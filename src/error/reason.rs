//! Why a server rejects a call.

/// What the status alone cannot say about an error.
///
/// Any version may add reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Too many requests in too short a time. Waiting helps.
    RateLimit,
    /// The plan allows no more of this, such as more objects or more calls this month.
    PlanLimit,
    /// The plan does not include the feature.
    FeatureUnavailable,
    /// Today's calls of the plan are used up.
    DailyCap,
    /// The credits are used up.
    Credits,
    /// A quota of resources is used up.
    Quota,
    /// The key lacks a scope.
    Scope,
    /// The object exists already, or was stored already.
    Duplicate,
    /// A deployment failed; the same again would fail again.
    DeploymentFailed,
    /// A security scan found something that forbids it.
    SecurityScanFailed,
    /// The servers behind the platform have no room at the moment.
    NoCapacity,
    /// What the call is about does not work at the moment.
    Unhealthy,
    /// A service that the platform needs cannot be reached at the moment.
    BackendUnavailable,
    /// The object has changed since the caller read it: read it again, and decide again.
    PreconditionFailed,
    /// The server does not route the operation: it is an older or different build, or a host that hides it. The object
    /// may still exist.
    RouteMissing,
}

impl Reason {
    /// A limit that waiting a moment does not lift.
    pub(crate) fn is_limit(self) -> bool {
        matches!(self, Self::PlanLimit | Self::FeatureUnavailable | Self::DailyCap | Self::Credits | Self::Quota)
    }
}
