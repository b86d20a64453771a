//! Memory packs: what an anima knows, compiled into one text for the prompt, together with its parts.

use super::ops;
use super::types::{
    CompilePresetPackParams, CompiledPack, GetLatestMemoryPackParams, ListMemoryPacksParams, MemoryPack,
    MemoryPackStats, PackPreview, Preset, RetrievalConfig,
};
use crate::http::Core;
use crate::{Page, Request, RetryClass};

/// Memory compiled for a prompt; from [`Elephantasm::memory_packs`](super::Elephantasm::memory_packs).
///
/// A query selects memories and knowledge only. Events that no memory covers yet are in every pack, whatever was asked:
/// the oldest ones, up to 20. Each kind of content has a share of the pack's token budget, which ends at the first item
/// that does not fit: session memories 20 %, such events 15 %, knowledge 30 %, long-term memories 35 %.
///
/// Compiling is slow: these methods allow 60 s per attempt where a pack may be compiled. The public host has
/// [`latest`](Self::latest) only.
#[derive(Clone, Debug)]
pub struct MemoryPacks {
    core: Core,
}

impl MemoryPacks {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns the memory pack to put into a prompt, compiling it if necessary.
    ///
    /// With a `query`, the server compiles a new pack each time, stores it and bills it. Such a call is
    /// [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent): after an attempt whose outcome is unknown,
    /// another could be billed as well.
    ///
    /// Without a `query`, it returns the newest stored pack, whatever it was compiled for and however old it is: new
    /// events never refresh it, and `preset` is ignored. If none is stored, the server compiles and stores a general
    /// one, which is empty for a new anima. Only older servers return `None`, as documented for an anima without packs.
    ///
    /// # Errors
    /// [`Server`](crate::Error::Server), with plain text and not 404, when the anima does not exist or is another
    /// user's. [`BadRequest`](crate::Error::BadRequest) for a preset that the server does not know,
    /// [`PermissionDenied`](crate::Error::PermissionDenied) with [`Reason::PlanLimit`](crate::Reason::PlanLimit) when
    /// the plan's packs are used up.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::GetLatestMemoryPackParams};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let params = GetLatestMemoryPackParams::new().query("What does she drink?");
    /// let pack = client.memory_packs().latest(anima_id, params).await?;
    /// let memory = pack.as_ref().map_or("", |pack| pack.as_prompt());
    /// println!("You talk to a returning customer.\n\n{memory}");
    /// # Ok(()) }
    /// ```
    pub fn latest(
        &self,
        anima_id: impl Into<String>,
        params: GetLatestMemoryPackParams,
    ) -> Request<Option<MemoryPack>> {
        let class = if params.query.is_some() { RetryClass::NonIdempotent } else { RetryClass::Idempotent };
        Request::new(&self.core, ops::GET_LATEST_MEMORY_PACK).id(anima_id).params(&params).retry_class(class)
    }

    /// Returns a stored pack. Self-hosted servers only.
    pub fn get(&self, pack_id: impl Into<String>) -> Request<MemoryPack> {
        Request::new(&self.core, ops::GET_MEMORY_PACK).id(pack_id)
    }

    /// Lists the stored packs of an anima, newest first. Self-hosted servers only.
    pub fn list(&self, anima_id: impl Into<String>, params: ListMemoryPacksParams) -> Request<Page<MemoryPack>> {
        Request::new(&self.core, ops::LIST_MEMORY_PACKS).id(anima_id).params(&params)
    }

    /// Deletes a stored pack for good. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, possibly because an earlier attempt of the same
    /// call deleted it.
    pub fn delete(&self, pack_id: impl Into<String>) -> Request<()> {
        Request::new(&self.core, ops::DELETE_MEMORY_PACK).id(pack_id)
    }

    /// Returns statistics of the stored packs of an anima. Self-hosted servers only.
    pub fn stats(&self, anima_id: impl Into<String>) -> Request<MemoryPackStats> {
        Request::new(&self.core, ops::GET_MEMORY_PACK_STATS).id(anima_id)
    }

    /// Compiles a pack from a custom configuration, without storing it. Self-hosted servers only.
    ///
    /// An anima that does not exist or is deleted gives a pack as well.
    ///
    /// # Errors
    /// [`Server`](crate::Error::Server) when the anima's identity has strings where objects belong.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::RetrievalConfig};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let config = RetrievalConfig::new(anima_id).query("tea").max_tokens(1000).include_identity(false);
    /// let pack = client.memory_packs().compile(config).await?;
    /// println!("{}", pack.context);
    /// # Ok(()) }
    /// ```
    pub fn compile(&self, config: RetrievalConfig) -> Request<CompiledPack> {
        Request::new(&self.core, ops::COMPILE_PACK).json(&config)
    }

    /// Returns how much [`compile`](Self::compile) would put into a pack, and with what scores. Self-hosted servers
    /// only.
    ///
    /// # Errors
    /// Those of [`compile`](Self::compile).
    pub fn preview(&self, config: RetrievalConfig) -> Request<PackPreview> {
        Request::new(&self.core, ops::PREVIEW_PACK).json(&config)
    }

    /// Compiles a pack from a preset, and stores it if `persist` is set. Self-hosted servers only.
    ///
    /// The server stores the pack after responding, so the response has no id, and keeps the newest 100 packs of the
    /// anima. A call that stores is [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent); any other changes
    /// nothing and is [`RetryClass::Idempotent`](crate::RetryClass::Idempotent). An anima that does not exist gives a
    /// pack as well.
    ///
    /// # Errors
    /// [`BadRequest`](crate::Error::BadRequest) for a preset that the server does not know, or for
    /// [`SelfDetermined`](Preset::SelfDetermined) without a query.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::{CompilePresetPackParams, Preset}};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let params = CompilePresetPackParams::new(anima_id).query("tea").persist(true);
    /// let pack = client.memory_packs().compile_preset(Preset::Conversational, params).await?;
    /// # Ok(()) }
    /// ```
    pub fn compile_preset(&self, preset: impl Into<Preset>, params: CompilePresetPackParams) -> Request<CompiledPack> {
        let class = if params.persist == Some(true) { RetryClass::NonIdempotent } else { RetryClass::Idempotent };
        let request = Request::new(&self.core, ops::COMPILE_PRESET_PACK).id(preset.into().as_str());
        request.params(&params).retry_class(class)
    }
}
