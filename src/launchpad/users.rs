//! The user that the key belongs to.

use super::ops;
use super::types::{ProfileUpdate, UserProfile};
use crate::Request;
use crate::http::Core;

/// The user that the key belongs to; from [`Launchpad::users`](super::Launchpad::users).
#[derive(Clone, Debug)]
pub struct Users {
    core: Core,
}

impl Users {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns the profile of the user, with its permissions.
    pub fn profile(&self) -> Request<UserProfile> {
        Request::new(&self.core, ops::GET_PROFILE)
    }

    /// Changes what is set in `changes`. `None` where the server responds with nothing.
    pub fn update_profile(&self, changes: ProfileUpdate) -> Request<Option<UserProfile>> {
        Request::new(&self.core, ops::UPDATE_PROFILE).json(&changes)
    }
}
