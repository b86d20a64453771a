//! Differences between servers and their documentation, each with a switch.

/// A difference between a server and its documentation that a client must be able to deal with; for
/// [`Settings::with`](super::Settings::with) and [`Settings::without`](super::Settings::without).
///
/// By default a sandbox has those that were observed on a server of version 0.5.8, or stand in the published code of an
/// older one; the others are marked "off".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Timestamps have no offset: `2026-02-04T12:00:00`. Without: they end in `Z`.
    NaiveTimestamps,
    /// The latest pack of an anima that does not exist gives 500 in plain text. Without: 404.
    AbsentAnimaFails,
    /// The latest pack without a query is compiled if none is stored. Without: the response is null.
    PackOnDemand,
    /// Items of stored packs have `retrieval_reason` and `knowledge_type`. Without: `reason`, `breakdown` and `type`,
    /// which the official SDKs read.
    RenamedPackItems,
    /// Two events may have the same dedupe key, so an event that is sent again is stored again. Without: the second
    /// gets 409. A key is then unique per tenant, across animas, and deleting its event does not free it.
    DuplicateKeys,
    /// Values that the server does not validate make it fail with 500 in plain text: blank queries, negative limits of
    /// a semantic search, U+0000 in any text, names that are too long in updates of animas, unknown organisations, an
    /// identity whose `self` is nested wrongly. Without: 422.
    UncheckedValuesFail,
    /// A used-up plan gives 403. Without: 429.
    PlanLimitForbids,
    /// Triggering a dream requires a query parameter `kwargs`, with any value; the client sends it.
    DreamNeedsKwargs,
    /// `Retry-After` of a rate limit is text that is not valid, such as `5 per 1 second`. Without: it is `1`. Off.
    WordyRetryAfter,
    /// The database is down: the health response is `degraded`, and every call with a key gets 401, as if the key were
    /// wrong. Off.
    Degraded,
}

/// A set of quirks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quirks(u16);

impl Quirks {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | 1 << quirk as u16)
    }

    pub(super) const fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !(1 << quirk as u16))
    }

    pub(super) const fn has(self, quirk: Quirk) -> bool {
        self.0 & 1 << quirk as u16 != 0
    }
}

impl Default for Quirks {
    fn default() -> Self {
        // All bits but those of the two that are off.
        Self(u16::MAX).without(Quirk::WordyRetryAfter).without(Quirk::Degraded)
    }
}
