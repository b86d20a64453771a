//! Model cards: models of providers, with keys of your own.

use super::beta::none;
use super::ops;
use super::types::{Deletion, ListModelCardsParams, ModelCard, ModelCardCreate, ModelCardUpdate};
use crate::http::{Core, Operation};
use crate::{Page, Request};

/// Model cards; from [`Oma::model_cards`](super::Oma::model_cards). Not on Anthropic.
///
/// Once a tenant has an active one, the model of every agent must be the `model_id` of a card.
#[derive(Clone, Debug)]
pub struct ModelCards {
    core: Core,
}

impl ModelCards {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    fn call<T>(&self, operation: Operation<T>) -> Request<T> {
        none(&self.core, operation).instead("use `models()`")
    }

    /// Creates a model card, and tries its key, which may take 6 s.
    ///
    /// A key that does not work is a success: `probe` says what the provider said, and is null where it was not asked.
    ///
    /// # Errors
    /// [`Reason::Duplicate`](crate::Reason::Duplicate) if `model_id` is taken: a [`Conflict`](crate::Error::Conflict),
    /// or on hosted servers of `V0` a [`Server`](crate::Error::Server) error.
    pub fn create(&self, card: ModelCardCreate) -> Request<ModelCard> {
        self.call(ops::CREATE_MODEL_CARD).json(&card)
    }

    /// Returns a model card, without its key.
    pub fn get(&self, card_id: impl Into<String>) -> Request<ModelCard> {
        self.call(ops::GET_MODEL_CARD).id(card_id)
    }

    /// Lists model cards.
    pub fn list(&self, params: ListModelCardsParams) -> Request<Page<ModelCard>> {
        self.call(ops::LIST_MODEL_CARDS).params(&params)
    }

    /// Updates a model card, or replaces its key, without trying it. Sessions that run keep the old key for a while.
    pub fn update(&self, card_id: impl Into<String>, update: ModelCardUpdate) -> Request<ModelCard> {
        self.call(ops::UPDATE_MODEL_CARD).id(card_id).json(&update)
    }

    /// Deletes a model card.
    pub fn delete(&self, card_id: impl Into<String>) -> Request<Deletion> {
        self.call(ops::DELETE_MODEL_CARD).id(card_id)
    }
}
