//! Environments, with their credentials and secrets.

use super::types::{Environment, OrganizationScope};
use super::{Elacity, ops};
use crate::{Page, Request};

/// The environments of an organization; from [`Elacity::environments`].
#[derive(Clone, Debug)]
pub struct Environments {
    client: Elacity,
}

impl Environments {
    pub(super) fn new(client: &Elacity) -> Self {
        Self { client: client.clone() }
    }

    /// Lists the environments of the organization. Its path is documented; the fields of environments are inferred.
    ///
    /// Should the server send credentials or secrets, they are [`Secret`](crate::Secret), and no error quotes the
    /// response.
    pub fn list(&self) -> Request<Page<Environment>> {
        let documented = self.client.call(ops::LIST_ENVIRONMENTS);
        self.client.scoped(documented, OrganizationScope::new(), |scope| &mut scope.org_slug)
    }
}
