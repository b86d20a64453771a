//! Models that agents can have.

use super::beta::none;
use super::ops;
use super::types::{ListModelsParams, ModelInfo};
use crate::http::Core;
use crate::{Page, Request};

/// Models; from [`Oma::models`](super::Oma::models).
///
/// On servers of openma these are the tenant's active model cards. Servers of `V0` do not have them.
#[derive(Clone, Debug)]
pub struct Models {
    core: Core,
}

impl Models {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns a model.
    pub fn get(&self, model_id: impl Into<String>) -> Request<ModelInfo> {
        none(&self.core, ops::GET_MODEL).id(model_id).instead(MODEL_CARDS)
    }

    /// Lists models, newest first.
    pub fn list(&self, params: ListModelsParams) -> Request<Page<ModelInfo>> {
        none(&self.core, ops::LIST_MODELS).params(&params).instead(MODEL_CARDS)
    }
}

const MODEL_CARDS: &str = "list the model cards";
