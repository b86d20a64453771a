//! Query: one search of the memories, knowledge and identity of an anima.

use super::types::{QueryRequest, QueryResponse};
use super::{Elephantasm, ops};
use crate::Request;

impl Elephantasm {
    /// Queries the memory of an anima, and returns the nearest results together with a text for the prompt.
    ///
    /// Unlike [`MemoryPacks::latest`](super::MemoryPacks::latest), it stores nothing. An anima that does not exist
    /// gives an empty result. The public host serves the operation; self-hosted servers of version 0.5.8 do not.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a blank query or a number out of its bounds,
    /// [`NotFound`](crate::Error::NotFound) with [`Reason::RouteMissing`](crate::Reason::RouteMissing) where the server
    /// lacks the operation.
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
