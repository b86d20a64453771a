//! Differences between servers and their documentation, each with a switch.

/// A difference between a server and what is documented or expected.
///
/// "Observed" is the behaviour of a self-hosted server of version 0.5.8, "older code" that of the published code of an
/// older server. By default the sandbox simulates those of [`Quirks::observed`]; the others are marked "off".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Timestamps read back from the database have no offset: `2026-02-04T12:00:00`. Without: they end in `Z`.
    /// Observed.
    NaiveTimestamps,
    /// Animas and events do not show whether they are deleted. Without: they have `is_deleted`. Observed.
    HiddenDeletion,
    /// The `meta` of an anima created without one is `{}`. Without: null. Observed.
    EmptyMeta,
    /// The latest pack of an anima that does not exist or is another tenant's gives 500 in plain text. Without: 404.
    /// Observed.
    AbsentAnimaFails,
    /// The latest pack without a query is compiled if none is stored. Without: the response is null, as documented.
    /// Observed.
    PackOnDemand,
    /// Items of stored packs, including the latest one, have `retrieval_reason` and `knowledge_type`. Without:
    /// `reason`, `breakdown` and `type`, which the official SDKs read. Observed.
    RenamedPackItems,
    /// Of events without a dedupe key, only those with a `source_uri` get one. Without: all of them, as documented.
    /// Observed.
    KeyNeedsSource,
    /// Two events may have the same dedupe key, so an event that is sent again is stored again. Without: the second
    /// gets 409, as documented. A key is then unique per tenant, across animas, and deleting its event does not free
    /// it; the scope on real servers with that check is not known. Observed.
    DuplicateKeys,
    /// A memory created by the API has no embedding. Before
    /// [`Tenant::embed_memories`](crate::sandbox::Tenant::embed_memories) neither semantic search nor `POST /query`
    /// finds it, and packs hold it only as a session memory: if it is active and of the last 24 hours. Without: it has
    /// one immediately. Observed.
    UnembeddedMemories,
    /// Values that the server does not validate make it fail with 500 in plain text: blank queries, U+0000 in the text
    /// of any field that it knows, names that are null or too long in updates of animas, a null `meta` in updates of
    /// events, unknown organisations, an identity whose `self` is nested wrongly. Without: 422; only U+0000 is accepted
    /// like other characters. Observed.
    UncheckedValuesFail,
    /// A used-up plan gives 403. Without: 429, as documented. Older code.
    PlanLimitForbids,
    /// A plan rejects a call only once usage is above the limit, so one more than the limit goes through. Without: the
    /// limit is exact. Older code.
    LateLimits,
    /// `Retry-After` of a rate limit is text that is not valid, such as `5 per 1 second`, and its body has more fields.
    /// Without: it is `1`. Older code; off.
    WordyRetryAfter,
    /// Every path that the public host does not serve gives 404 `Not found`. Without: only for requests whose `Host` is
    /// the public host. Off.
    PublicHost,
    /// `GET /subscriptions/usage` does not exist: 404. Observed; off.
    NoUsageRoute,
    /// `POST /query` does not exist: 404. Observed; off.
    NoQueryRoute,
    /// Triggering a dream requires a query parameter `kwargs`, with any value; if it is missing: 422. The client always
    /// sends it. Observed.
    DreamNeedsKwargs,
    /// The latest pack, if it would hold a long-term memory, always gives 500 in plain text, as on servers that are
    /// installed with `NumPy` 2 or later. Observed; off, since others work.
    LongTermMemoriesFail,
    /// The health response reports `degraded`, as if the database were down; everything else works. Off.
    Degraded,
}

impl Quirk {
    /// All quirks.
    pub const ALL: &'static [Self] = &[
        Self::NaiveTimestamps,
        Self::HiddenDeletion,
        Self::EmptyMeta,
        Self::AbsentAnimaFails,
        Self::PackOnDemand,
        Self::RenamedPackItems,
        Self::KeyNeedsSource,
        Self::DuplicateKeys,
        Self::UnembeddedMemories,
        Self::UncheckedValuesFail,
        Self::PlanLimitForbids,
        Self::LateLimits,
        Self::WordyRetryAfter,
        Self::PublicHost,
        Self::NoUsageRoute,
        Self::NoQueryRoute,
        Self::DreamNeedsKwargs,
        Self::LongTermMemoriesFail,
        Self::Degraded,
    ];

    const fn bit(self) -> u64 {
        1 << self as u64
    }
}

/// The quirks that the sandbox simulates.
///
/// ```
/// # use polyagent::sandbox::Sandbox;
/// use polyagent::sandbox::elephantasm::{Quirk, Quirks};
/// # #[tokio::main]
/// # async fn main() -> Result<(), polyagent::Error> {
/// let quirks = Quirks::observed().without(Quirk::DuplicateKeys);
/// let sandbox = Sandbox::builder().elephantasm_quirks(quirks).start().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quirks(u64);

impl Quirks {
    /// Returns the observed quirks, except those that remove a route; the default. Where nothing could be observed,
    /// because the server has no plans, it follows an older server's code:
    /// [`PlanLimitForbids`](Quirk::PlanLimitForbids) and [`LateLimits`](Quirk::LateLimits). A single server need not
    /// have all of them.
    #[must_use]
    pub const fn observed() -> Self {
        Self::of(&[
            Quirk::NaiveTimestamps,
            Quirk::HiddenDeletion,
            Quirk::EmptyMeta,
            Quirk::AbsentAnimaFails,
            Quirk::PackOnDemand,
            Quirk::RenamedPackItems,
            Quirk::KeyNeedsSource,
            Quirk::DuplicateKeys,
            Quirk::UnembeddedMemories,
            Quirk::UncheckedValuesFail,
            Quirk::PlanLimitForbids,
            Quirk::LateLimits,
            Quirk::DreamNeedsKwargs,
        ])
    }

    /// Returns the quirks of a self-hosted server of version 0.5.8, as observed. Unlike [`observed`](Self::observed) it
    /// has no routes for usage and queries. It does not enforce plans either, so an older server's quirks of plans are
    /// off; a sandbox with a [`Plan`](super::Plan) still enforces it.
    ///
    /// ```
    /// # use polyagent::sandbox::Sandbox;
    /// use polyagent::sandbox::elephantasm::Quirks;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::builder().elephantasm_quirks(Quirks::self_hosted()).start().await?;
    /// assert!(sandbox.elephantasm().subscriptions().usage().await.unwrap_err().is_not_found());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn self_hosted() -> Self {
        Self::observed()
            .with(Quirk::NoUsageRoute)
            .with(Quirk::NoQueryRoute)
            .without(Quirk::PlanLimitForbids)
            .without(Quirk::LateLimits)
    }

    /// Returns no quirks: the server as documented.
    #[must_use]
    pub const fn documented() -> Self {
        Self(0)
    }

    const fn of(quirks: &[Quirk]) -> Self {
        let (mut all, mut index) = (Self::documented(), 0);
        while index < quirks.len() {
            all = all.with(quirks[index]);
            index += 1;
        }
        all
    }

    /// Adds `quirk`.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | quirk.bit())
    }

    /// Removes `quirk`.
    #[must_use]
    pub const fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !quirk.bit())
    }

    /// Whether `quirk` is included.
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & quirk.bit() != 0
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self::observed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quirk_has_its_own_switch() {
        for &quirk in Quirk::ALL {
            assert!(Quirks::documented().with(quirk).has(quirk));
            let others = Quirk::ALL.iter().filter(|other| Quirks::documented().with(quirk).has(**other)).count();
            assert_eq!(others, 1, "{quirk:?}");
            assert!(!Quirks::observed().with(quirk).without(quirk).has(quirk));
        }
    }

    fn off(quirks: Quirks) -> Vec<Quirk> {
        Quirk::ALL.iter().copied().filter(|quirk| !quirks.has(*quirk)).collect()
    }

    #[test]
    fn by_default_no_route_is_missing_and_nothing_is_broken() {
        use Quirk::{Degraded, LongTermMemoriesFail, NoQueryRoute, NoUsageRoute, PublicHost, WordyRetryAfter};
        assert_eq!(Quirks::default(), Quirks::observed());
        let absent = [WordyRetryAfter, PublicHost, NoUsageRoute, NoQueryRoute, LongTermMemoriesFail, Degraded];
        assert_eq!(off(Quirks::observed()), absent);
    }

    #[test]
    fn a_self_hosted_server_has_no_plans_and_lacks_two_routes() {
        use Quirk::{Degraded, LateLimits, LongTermMemoriesFail, PlanLimitForbids, PublicHost, WordyRetryAfter};
        let absent = [PlanLimitForbids, LateLimits, WordyRetryAfter, PublicHost, LongTermMemoriesFail, Degraded];
        assert_eq!(off(Quirks::self_hosted()), absent);
    }

    #[test]
    fn the_documented_server_has_none() {
        assert_eq!(off(Quirks::documented()), Quirk::ALL);
    }
}
