//! Tenants: accounts that do not see each other.

use std::fmt;
use std::sync::Arc;

use super::elephantasm::{IdentitySeed, KnowledgeSeed, Plan};
use super::server::Shared;
use crate::elephantasm::Elephantasm;
use crate::http::ClientBuilder;
use crate::{Error, Secret};

/// An account of a sandbox, with a key and a client of its own; from [`Sandbox::tenant`](super::Sandbox::tenant).
///
/// It gives animas what no operation can: the platform makes knowledge and identities in the background.
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

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The base URL of the sandbox.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that it began with.
    pub fn key(&self) -> &str {
        self.key.expose()
    }

    /// Its client of Elephantasm.
    pub fn elephantasm(&self) -> Elephantasm {
        self.client.clone()
    }

    /// A builder of clients of Elephantasm, with URL and key filled in. Proxies are not used, because a sandbox is on
    /// this machine.
    pub fn elephantasm_builder(&self) -> ClientBuilder<Elephantasm> {
        builder(&self.url, self.key.clone())
    }

    /// Gives an anima an item of knowledge, and tells its id.
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

    /// Gives an anima an identity, in place of the one it may have, and tells its id.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the tenant has no such anima.
    pub fn set_identity(&self, anima_id: &str, seed: IdentitySeed) -> Result<String, Error> {
        self.shared.with_elephantasm(|platform, now| platform.set_identity(&self.name, anima_id, seed, now))
    }

    /// Says that a memory came from an event. Packs without a query then leave the event out of their pending ones.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the tenant lacks one of them.
    pub fn link_memory(&self, memory_id: &str, event_id: &str) -> Result<(), Error> {
        self.shared.with_elephantasm(|platform, _| platform.link(&self.name, memory_id, event_id))
    }

    /// Gives all of the tenant's memories an embedding, so that they are found by meaning, and says how many had none.
    ///
    /// Memories that the API creates have none, by
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

    /// Puts the tenant on another plan.
    pub fn set_plan(&self, plan: Plan) {
        self.shared.with_elephantasm(|platform, _| platform.set_plan(&self.name, plan));
    }
}

fn builder(url: &str, key: Secret<String>) -> ClientBuilder<Elephantasm> {
    // Another sandbox may have used up what the port has left.
    let builder = Elephantasm::builder().base_url(url).api_key(key).own_retry_budget();
    builder.configure_http(reqwest::ClientBuilder::no_proxy)
}
