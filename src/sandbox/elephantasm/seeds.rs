//! Objects that the sandbox can add and no operation can: the platform creates them in the background.

use serde_json::{Value, json};

use super::Settings;
use super::plan::Plan;
use super::search::EMBEDDING_MODEL;
use super::tables::{ANIMAS, EVENTS, IDENTITIES, KNOWLEDGE, LINKS, MEMORIES, account_mut};
use crate::Error;
use crate::check::InvalidArgument;
use crate::elephantasm::types::{KnowledgeType, MemoryCreate, SourceType};
use crate::sandbox::Tenant;
use crate::sandbox::clock::stored;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, Table, object, text};

/// An item of knowledge to give an anima with [`Tenant::add_knowledge`].
#[derive(Clone, Debug)]
#[must_use]
pub struct KnowledgeSeed(Object);

impl KnowledgeSeed {
    /// Creates an item of a kind, such as `FACT`.
    pub fn new(knowledge_type: impl Into<KnowledgeType>, content: impl Into<String>) -> Self {
        let kind = knowledge_type.into();
        let item = json!({"knowledge_type": kind.as_str(), "content": content.into(), "source_type": "INTERNAL"});
        Self(object(item))
    }

    fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Sets its topic.
    pub fn topic(self, topic: impl Into<String>) -> Self {
        self.set("topic", topic.into())
    }

    /// Sets a summary of its content.
    pub fn summary(self, summary: impl Into<String>) -> Self {
        self.set("summary", summary.into())
    }

    /// Sets the confidence in it, 0 to 1.
    pub fn confidence(self, confidence: f64) -> Self {
        self.set("confidence", confidence)
    }

    /// Sets its source. Default: `INTERNAL`.
    pub fn source_type(self, source_type: impl Into<SourceType>) -> Self {
        self.set("source_type", source_type.into().as_str())
    }
}

/// An identity to give an anima with [`Tenant::set_identity`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct IdentitySeed(Object);

impl IdentitySeed {
    /// Creates an identity without content.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one of the sixteen MBTI codes, such as `INTJ`.
    pub fn personality_type(mut self, personality_type: impl Into<String>) -> Self {
        self.0.insert("personality_type".to_owned(), json!(personality_type.into()));
        self
    }

    /// Sets the communication style of the anima.
    pub fn communication_style(mut self, style: impl Into<String>) -> Self {
        self.0.insert("communication_style".to_owned(), json!(style.into()));
        self
    }

    /// Sets one part of the anima's view of itself: `purpose` is `{"primary": ".."}`, `being` is `{"essence": "..",
    /// "nature": ".."}`. A part that is not an object makes every pack with the identity fail with 500, because of
    /// [`Quirk::UncheckedValuesFail`](super::Quirk::UncheckedValuesFail).
    pub fn reflection(mut self, part: impl Into<String>, value: Value) -> Self {
        if let Value::Object(parts) = self.0.entry("self").or_insert_with(|| json!({})) {
            parts.insert(part.into(), value);
        }
        self
    }
}

/// What only Elephantasm has.
impl Tenant {
    /// Adds an item of knowledge to an anima of Elephantasm, and returns its id.
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
        let mut item = seed.0;
        item.insert("embedding_model".to_owned(), json!(EMBEDDING_MODEL));
        self.give(&KNOWLEDGE, anima_id, item)
    }

    /// Adds a memory to an anima of Elephantasm, as the platform creates them: with an embedding. Returns its id.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the tenant has no such anima.
    pub fn add_memory(&self, memory: MemoryCreate) -> Result<String, Error> {
        let anima_id = memory.anima_id.clone();
        let mut row = object(json!(memory));
        row.entry("meta").or_insert_with(|| json!({}));
        row.insert("embedding_model".to_owned(), json!(EMBEDDING_MODEL));
        self.give(&MEMORIES, &anima_id, row)
    }

    /// Sets the identity of an anima of Elephantasm, replacing any it has, and returns its id.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the tenant has no such anima.
    pub fn set_identity(&self, anima_id: &str, seed: IdentitySeed) -> Result<String, Error> {
        let id = self.give(&IDENTITIES, anima_id, seed.0)?;
        self.work(|world| {
            let others = |row: &Object| text(row, "anima_id") == Some(anima_id) && IDENTITIES.id(row) != id;
            world.store.remove_all(&IDENTITIES, others);
        });
        Ok(id)
    }

    /// Links a memory of Elephantasm to the event that it came from, which is then no longer pending.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the tenant has no such memory or event.
    pub fn link_memory(&self, memory_id: &str, event_id: &str) -> Result<(), Error> {
        let linked = self.work(|world| {
            if world.store.get(&MEMORIES, memory_id).is_none() {
                return Err(unknown("memory_id", memory_id));
            }
            if world.store.get(&EVENTS, event_id).is_none() {
                return Err(unknown("event_id", event_id));
            }
            if !world.store.of(&LINKS, "memory_id", memory_id).any(|link| text(link, "event_id") == Some(event_id)) {
                world.store.insert(&LINKS, object(json!({"memory_id": memory_id, "event_id": event_id})));
            }
            Ok(())
        });
        linked.unwrap_or(Ok(()))
    }

    /// Gives all of the tenant's memories on Elephantasm an embedding, so that semantic search finds them, and returns
    /// how many had none. Memories that the API creates have none.
    ///
    /// ```
    /// # use polyagent::elephantasm::types::{AnimaCreate, MemoryCreate, MemorySearch};
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::builder().elephantasm(|platform| platform.self_hosted()).start().await?;
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
        let embed = |world: &mut World<'_, Settings>| {
            world.store.set_all(&MEMORIES, "embedding_model", &json!(EMBEDDING_MODEL), |_| true)
        };
        self.work(embed).unwrap_or_default()
    }

    /// Changes the tenant's plan on Elephantasm.
    pub fn set_plan(&self, plan: Plan) {
        self.work(|world| {
            account_mut(world.store).map(|account| account.insert("plan".to_owned(), json!(plan.limits)))
        });
    }

    /// Stores an object of an anima.
    fn give(&self, table: &'static Table, anima_id: &str, mut row: Object) -> Result<String, Error> {
        let given = self.work(|world| {
            let anima = world.store.get(&ANIMAS, anima_id).filter(|anima| !ANIMAS.is_hidden(anima));
            anima.ok_or_else(|| unknown("anima_id", anima_id))?;
            for field in ["created_at", "updated_at"] {
                row.insert(field.to_owned(), json!(stored(world.now)));
            }
            row.insert("anima_id".to_owned(), json!(anima_id));
            Ok(table.id(world.store.insert(table, row)).to_owned())
        });
        given.unwrap_or_else(|| Err(unknown("tenant", self.name())))
    }

    fn work<T>(&self, work: impl FnOnce(&mut World<'_, Settings>) -> T) -> Option<T> {
        self.shared.platforms.elephantasm.with(self.name(), work)
    }
}

fn unknown(argument: &str, id: &str) -> Error {
    InvalidArgument::new(argument, format!("is unknown to the sandbox: {id}")).into()
}
