//! Knowledge: what an anima has learned permanently. The platform distils it from memories: facts, concepts, methods,
//! principles, experience.

use super::ops;
use super::types::{Knowledge, KnowledgeMatch, KnowledgeSearch, KnowledgeType, ListKnowledgeByTypeParams};
use crate::http::Core;
use crate::{Page, Request};

/// Knowledge distilled from memories; from [`Elephantasm::knowledge`](super::Elephantasm::knowledge).
#[derive(Clone, Debug)]
pub struct KnowledgeItems {
    core: Core,
}

impl KnowledgeItems {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Lists the knowledge of an anima of one kind.
    ///
    /// # Errors
    /// [`UnprocessableEntity`](crate::Error::UnprocessableEntity) for a kind that the server does not know; kinds are
    /// in upper case.
    pub fn list_by_type(
        &self,
        knowledge_type: impl Into<KnowledgeType>,
        params: ListKnowledgeByTypeParams,
    ) -> Request<Page<Knowledge>> {
        Request::new(&self.core, ops::LIST_KNOWLEDGE_BY_TYPE).id(knowledge_type.into().as_str()).params(&params)
    }

    /// Finds knowledge by meaning, and returns it with its similarity to the query.
    ///
    /// Items whose similarity only equals the threshold are not found.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::KnowledgeSearch};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// for found in client.knowledge().search_semantic(KnowledgeSearch::new(anima_id, "brewing tea")).await? {
    ///     println!("{:.2} {}", found.score, found.knowledge.content);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn search_semantic(&self, search: KnowledgeSearch) -> Request<Vec<KnowledgeMatch>> {
        Request::new(&self.core, ops::SEARCH_KNOWLEDGE_SEMANTIC).json(&search)
    }
}
