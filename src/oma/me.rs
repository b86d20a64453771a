//! Whose key the client has.

use super::beta::none;
use super::types::Me;
use super::{Oma, ops};
use crate::Request;

impl Oma {
    /// Returns the user and the tenant of the key. Not on Anthropic.
    pub fn me(&self) -> Request<Me> {
        none(&self.core, ops::GET_ME)
    }
}
