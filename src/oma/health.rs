//! Whether a server of openma works.

use super::types::Health;
use super::{Oma, ops};
use crate::Request;

impl Oma {
    /// Returns the health of the server. It needs no key, and its generation is not found out for it. Anthropic has
    /// none.
    pub fn health(&self) -> Request<Health> {
        Request::new(&self.core, ops::GET_HEALTH)
    }
}
