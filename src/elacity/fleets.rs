//! Fleets: groups of agents.

use super::types::{Fleet, OrganizationScope};
use super::{Elacity, ops};
use crate::{Page, Request};

/// The fleets of an organization; from [`Elacity::fleets`].
#[derive(Clone, Debug)]
pub struct Fleets {
    client: Elacity,
}

impl Fleets {
    pub(super) fn new(client: &Elacity) -> Self {
        Self { client: client.clone() }
    }

    /// Lists the fleets of the organization. The operation and its path are inferred, not confirmed by the vendor's
    /// documentation; so are the fields of fleets.
    pub fn list(&self) -> Request<Page<Fleet>> {
        let inferred = self.client.inferred(ops::LIST_FLEETS);
        self.client.scoped(inferred, OrganizationScope::new(), |scope| &mut scope.org_slug)
    }
}
