//! Tenants: accounts that do not see each other.

use std::fmt;
use std::sync::Arc;

use super::elephantasm::{IdentitySeed, KnowledgeSeed, Plan};
use super::server::Shared;
use crate::elephantasm::Elephantasm;
use crate::http::ClientBuilder;
use crate::{Error, Secret};

/// An account of a sandbox, with its own key and client; from [`Sandbox::tenant`](super::Sandbox::tenant).
///
/// It adds what no operation can: the platform creates knowledge and identities in the background.
#[derive(Clone)]
pub struct Tenant {
    name: String,
    url: String,
    key: Secret<String>,
    client: Elephantasm,
    shared: Arc<Shared>,
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Tenant {
    pub(super) fn new(name: &str, key: Option<Secret<String>>, url: &str, shared: &Arc<Shared>) -> Result<Self, Error> {
        let key = shared.with_elephantasm(|platform, now| platform.tenant(name, key, now));
        let client = builder(url, key.clone()).build()?;
        Ok(Self { name: name.to_owned(), url: url.to_owned(), key, client, shared: shared.clone() })
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the base URL of the sandbox.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns its initial key.
    pub fn key(&self) -> &str {
        self.key.expose()
    }

    /// Returns its client of Elephantasm.
    pub fn elephantasm(&self) -> Elephantasm {
        self.client.clone()
    }

    /// Returns a builder of a client of Elephantasm, with URL and key filled in. Proxies are not used, because a
    /// sandbox is on this machine.
    pub fn elephantasm_builder(&self) -> ClientBuilder<Elephantasm> {
        builder(&self.url, self.key.clone())
    }

    /// Adds an item of knowledge to an anima, and returns its id.
    ///
    /// ```
    /// # use polyagent::elephantasm::types::{AnimaCreate, KnowledgeSearch};
    /// # use polyagent::sandbox::Sandbox;
    /// use polyagent::sandbox::elephantasm::KnowledgeSeed;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let client = sandbox.elephantasm();
    /// let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
    /// let fact = KnowledgeSeed::new("FACT", "Parcels take three days.").topic("shipping");
    /// let id = sandbox.default_tenant().add_knowledge(&anima.id, fact)?;
    ///
    /// let found = client.knowledge().search_semantic(KnowledgeSearch::new(&anima.id, "parcels")).await?;
    /// assert_eq!(found[0].knowledge.id, id);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the tenant has no such anima.
    pub fn add_knowledge(&self, anima_id: &str, seed: KnowledgeSeed) -> Result<String, Error> {
        self.shared.with_elephantasm(|platform, now| platform.add_knowledge(&self.name, anima_id, seed, now))
    }

    /// Sets the identity of an anima, replacing any it has, and returns its id.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the tenant has no such anima.
    pub fn set_identity(&self, anima_id: &str, seed: IdentitySeed) -> Result<String, Error> {
        self.shared.with_elephantasm(|platform, now| platform.set_identity(&self.name, anima_id, seed, now))
    }

    /// Links a memory to the event that it came from. Packs without a query then exclude the event from their pending
    /// ones.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the tenant has no such memory or event.
    pub fn link_memory(&self, memory_id: &str, event_id: &str) -> Result<(), Error> {
        self.shared.with_elephantasm(|platform, _| platform.link(&self.name, memory_id, event_id))
    }

    /// Gives all of the tenant's memories an embedding, so that semantic search finds them, and returns how many had
    /// none.
    ///
    /// Memories created by the API have none, because of
    /// [`Quirk::UnembeddedMemories`](super::elephantasm::Quirk::UnembeddedMemories).
    ///
    /// ```
    /// # use polyagent::elephantasm::types::{AnimaCreate, MemoryCreate, MemorySearch};
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let client = sandbox.elephantasm();
    /// let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
    /// client.memories().create(MemoryCreate::new(&anima.id).summary("Likes tea.").state("active")).await?;
    ///
    /// assert!(client.memories().search_semantic(MemorySearch::new(&anima.id, "tea")).await?.is_empty());
    /// assert_eq!(sandbox.default_tenant().embed_memories(), 1);
    /// assert_eq!(client.memories().search_semantic(MemorySearch::new(&anima.id, "tea")).await?.len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn embed_memories(&self) -> usize {
        self.shared.with_elephantasm(|platform, _| platform.embed_memories(&self.name))
    }

    /// Changes the tenant's plan.
    pub fn set_plan(&self, plan: Plan) {
        self.shared.with_elephantasm(|platform, _| platform.set_plan(&self.name, plan));
    }
}

fn builder(url: &str, key: Secret<String>) -> ClientBuilder<Elephantasm> {
    // An earlier sandbox on the same port may have spent the shared budget.
    let builder = Elephantasm::builder().base_url(url).api_key(key).own_retry_budget();
    builder.configure_http(reqwest::ClientBuilder::no_proxy)
}
