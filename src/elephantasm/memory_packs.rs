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
/// Compiling is slow: these methods allow 60 s per attempt where a pack may be compiled.
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
    /// user's. [`InvalidArgument`](crate::Error::InvalidArgument) for a blank query,
    /// [`BadRequest`](crate::Error::BadRequest) for a preset that the server does not know.
    /// [`PermissionDenied`](crate::Error::PermissionDenied) or [`RateLimited`](crate::Error::RateLimited) when the
    /// plan's packs are used up, see [`Reason::PlanLimit`](crate::Reason::PlanLimit).
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::GetLatestMemoryPackParams};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let params = GetLatestMemoryPackParams::new().query("What does she drink?");
    /// let pack = client.memory_packs().latest(anima_id, params).await?;
    /// let memory = pack.and_then(|pack| pack.content.context).unwrap_or_default();
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
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`InvalidArgument`](crate::Error::InvalidArgument) when
    /// the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, pack_id: &str) -> Result<(), polyagent::Error> {
    /// let pack = client.memory_packs().get(pack_id).await?;
    /// # Ok(()) }
    /// ```
    pub fn get(&self, pack_id: impl Into<String>) -> Request<MemoryPack> {
        Request::new(&self.core, ops::GET_MEMORY_PACK).id(pack_id)
    }

    /// Lists the stored packs of an anima, newest first. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) with [`Reason::RouteMissing`](crate::Reason::RouteMissing) on the public
    /// host, [`InvalidArgument`](crate::Error::InvalidArgument) for a limit or offset out of its bounds.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::ListMemoryPacksParams};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let packs = client.memory_packs().list(anima_id, ListMemoryPacksParams::new().limit(5)).await?;
    /// for pack in &packs.items {
    ///     println!("{} {:?}: {} tokens", pack.compiled_at, pack.query, pack.token_count);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, anima_id: impl Into<String>, params: ListMemoryPacksParams) -> Request<Page<MemoryPack>> {
        Request::new(&self.core, ops::LIST_MEMORY_PACKS).id(anima_id).params(&params)
    }

    /// Deletes a stored pack for good. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, possibly because an earlier attempt of the same
    /// call deleted it, or, on the public host, with [`Reason::RouteMissing`](crate::Reason::RouteMissing).
    /// [`InvalidArgument`](crate::Error::InvalidArgument) when the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, pack_id: &str) -> Result<(), polyagent::Error> {
    /// client.memory_packs().delete(pack_id).await?;
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, pack_id: impl Into<String>) -> Request<()> {
        Request::new(&self.core, ops::DELETE_MEMORY_PACK).id(pack_id)
    }

    /// Returns statistics of the stored packs of an anima. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) with [`Reason::RouteMissing`](crate::Reason::RouteMissing) on the public
    /// host, [`InvalidArgument`](crate::Error::InvalidArgument) when the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let stats = client.memory_packs().stats(anima_id).await?;
    /// println!("{} packs of {} tokens on average", stats.total_packs, stats.avg_token_count.unwrap_or_default());
    /// # Ok(()) }
    /// ```
    pub fn stats(&self, anima_id: impl Into<String>) -> Request<MemoryPackStats> {
        Request::new(&self.core, ops::GET_MEMORY_PACK_STATS).id(anima_id)
    }

    /// Compiles a pack from a custom configuration, without storing it. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) with [`Reason::RouteMissing`](crate::Reason::RouteMissing) on the public
    /// host, [`InvalidArgument`](crate::Error::InvalidArgument) for a blank query or a number out of its bounds,
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
    /// As [`compile`](Self::compile): [`NotFound`](crate::Error::NotFound),
    /// [`InvalidArgument`](crate::Error::InvalidArgument), [`Server`](crate::Error::Server).
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::RetrievalConfig};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let preview = client.memory_packs().preview(RetrievalConfig::new(anima_id).query("tea")).await?;
    /// println!("best scores: {:?}", preview.top_longterm_scores);
    /// # Ok(()) }
    /// ```
    pub fn preview(&self, config: RetrievalConfig) -> Request<PackPreview> {
        Request::new(&self.core, ops::PREVIEW_PACK).json(&config)
    }

    /// Compiles a pack from a preset, and stores it if `persist` is set. Self-hosted servers only.
    ///
    /// The server stores the pack after responding, so the response has no id, and keeps the newest 100 packs of the
    /// anima. A call that stores is [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent), because a second
    /// attempt could store a second pack; any other changes nothing and is
    /// [`RetryClass::Idempotent`](crate::RetryClass::Idempotent).
    ///
    /// # Errors
    /// [`BadRequest`](crate::Error::BadRequest) for a preset that the server does not know, or for
    /// [`SelfDetermined`](Preset::SelfDetermined) without a query. [`InvalidArgument`](crate::Error::InvalidArgument)
    /// for a blank query. [`NotFound`](crate::Error::NotFound) with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing) on the public host.
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
