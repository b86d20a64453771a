//! Query: one search of the memories, knowledge and identity of an anima.

use super::types::{QueryRequest, QueryResponse};
use super::{Elephantasm, ops};
use crate::Request;

impl Elephantasm {
    /// Queries the memory of an anima, and returns the nearest results together with a text for the prompt.
    ///
    /// Unlike [`MemoryPacks::latest`](super::MemoryPacks::latest), it stores nothing. An anima that does not exist
    /// gives an empty result. A small `max_tokens` may give one too: the frame of the text alone can take 150.
    /// Self-hosted servers of version 0.5.8 lack the operation.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::QueryRequest};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let answer = client.query(QueryRequest::new(anima_id, "What does she drink?").limit(5)).await?;
    /// for result in &answer.results {
    ///     println!("{:.2} {}", result.similarity, result.content);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn query(&self, request: QueryRequest) -> Request<QueryResponse> {
        Request::new(&self.core, ops::QUERY).json(&request)
    }
}
