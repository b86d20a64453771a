//! Ways in which the server differs from its documentation, each with a switch.

/// One way in which the server that was observed differs from what is documented or expected.
///
/// The sandbox plays the [`observed`](Quirks::observed) ones unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Timestamps read back from the database carry no offset: `2026-02-04T12:00:00`. Without: they end in `Z`.
    /// Observed.
    NaiveTimestamps,
    /// Animas and events do not tell whether they are deleted. Without: they have `is_deleted`. Observed.
    HiddenDeletion,
    /// The `meta` of an anima that was given none is `{}`. Without: null. Observed.
    EmptyMeta,
    /// The latest pack of an anima that is absent or another tenant's gives 500 in plain text. Without: 404. Observed.
    AbsentAnimaFails,
    /// The latest pack without a query is compiled if none is stored. Without: the answer is null, as documented.
    /// Observed.
    PackOnDemand,
    /// Items of packs have `retrieval_reason` and `knowledge_type`. Without: `reason`, `breakdown` and `type`, which the
    /// official SDKs read. Observed.
    RenamedPackItems,
    /// A dedupe key is derived only from an event with a `source_uri`. Without: from every event, as documented.
    /// Observed.
    KeyNeedsSource,
    /// Two events may have the same dedupe key, so an event that is sent again is stored again. Without: the second gets
    /// 409, as documented. A key is then taken once per tenant, whatever the anima, and deleting its event does not free
    /// it; how real servers with that check scope it is not known. Observed.
    DuplicateKeys,
    /// A memory that was created by the API has no embedding: semantic search and packs do not find it before
    /// [`Tenant::embed_memories`](crate::sandbox::Tenant::embed_memories). Without: it has one at once. Observed.
    UnembeddedMemories,
    /// What the server never looks at makes it fail with 500 in plain text: blank queries, U+0000 in any text, names that
    /// are null or too long in updates of animas, a null `meta` in updates of events, unknown organisations, an identity
    /// whose `self` is nested wrongly. Without: 422. Observed.
    UncheckedValuesFail,
    /// A used-up plan gives 403. Without: 429, as documented. Observed in an older server.
    PlanLimitForbids,
    /// A plan refuses a call only once usage is above the limit, so one more than the limit goes through. Without: the
    /// limit is the limit. Observed in an older server.
    LateLimits,
    /// `Retry-After` of a rate limit is text that can't be read, such as `5 per 1 second`, and its body has more fields.
    /// Without: it is `1`. Seen in an older server; off.
    WordyRetryAfter,
    /// Every path that the public host does not serve gives 404 `Not found`. Without: only for requests whose `Host` is
    /// the public host. Off.
    PublicHost,
    /// `GET /subscriptions/usage` is not there, as on self-hosted servers. Off.
    NoUsageRoute,
    /// `POST /query` is not there, as on self-hosted servers. Off.
    NoQueryRoute,
    /// Triggering a dream needs a query parameter `kwargs`, as on self-hosted servers. Off.
    DreamNeedsKwargs,
    /// The database is down: the health answer says `degraded`. Off.
    Degraded,
}

impl Quirk {
    /// All of them.
    pub const ALL: [Self; 18] = [
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
        Self::Degraded,
    ];

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Which quirks the sandbox plays.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks(u32);

impl Quirks {
    /// Those of the server that was observed; the default.
    #[must_use]
    pub const fn observed() -> Self {
        // The first twelve.
        Self(Quirk::WordyRetryAfter.bit() - 1)
    }

    /// None: the server as it is documented.
    #[must_use]
    pub const fn documented() -> Self {
        Self(0)
    }

    /// These and `quirk`.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | quirk.bit())
    }

    /// These but `quirk`.
    #[must_use]
    pub const fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !quirk.bit())
    }

    /// Whether `quirk` is one of these.
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
        for quirk in Quirk::ALL {
            assert!(Quirks::documented().with(quirk).has(quirk));
            let others = Quirk::ALL.into_iter().filter(|other| Quirks::documented().with(quirk).has(*other)).count();
            assert_eq!(others, 1, "{quirk:?}");
            assert!(!Quirks::observed().with(quirk).without(quirk).has(quirk));
        }
    }

    #[test]
    fn the_observed_quirks_are_the_first_ones() {
        assert!(Quirks::default().has(Quirk::LateLimits));
        assert!(!Quirks::default().has(Quirk::WordyRetryAfter));
    }
}
