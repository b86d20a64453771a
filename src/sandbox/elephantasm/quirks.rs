//! Ways in which servers differ from their documentation, each with a switch.

/// One way in which a server differs from what is documented or expected.
///
/// "Observed" is what a self-hosted server of version 0.5.8 did, "older code" what the published code of an older server
/// says. The sandbox plays those that [`Quirks::observed`] lists unless told otherwise; the others say that they are off.
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
    /// Items of stored packs, the latest one among them, have `retrieval_reason` and `knowledge_type`. Without: `reason`,
    /// `breakdown` and `type`, which the official SDKs read. Observed.
    RenamedPackItems,
    /// Of events that come without a dedupe key, only those with a `source_uri` get one. Without: all of them, as
    /// documented. Observed.
    KeyNeedsSource,
    /// Two events may have the same dedupe key, so an event that is sent again is stored again. Without: the second gets
    /// 409, as documented. A key is then taken once per tenant, whatever the anima, and deleting its event does not free
    /// it; how real servers with that check scope it is not known. Observed.
    DuplicateKeys,
    /// A memory that was created by the API has no embedding. Before
    /// [`Tenant::embed_memories`](crate::sandbox::Tenant::embed_memories) neither semantic search nor `POST /query` finds
    /// it, and packs hold it only as a session memory: if it is active and of the last 24 hours. Without: it has one at
    /// once. Observed.
    UnembeddedMemories,
    /// What the server never looks at makes it fail with 500 in plain text: blank queries, U+0000 in any text that it knows, names that
    /// are null or too long in updates of animas, a null `meta` in updates of events, unknown organisations, an identity
    /// whose `self` is nested wrongly. Without: 422; only U+0000 is taken like other characters. Observed.
    UncheckedValuesFail,
    /// A used-up plan gives 403. Without: 429, as documented. Older code.
    PlanLimitForbids,
    /// A plan refuses a call only once usage is above the limit, so one more than the limit goes through. Without: the
    /// limit is the limit. Older code.
    LateLimits,
    /// `Retry-After` of a rate limit is text that can't be read, such as `5 per 1 second`, and its body has more fields.
    /// Without: it is `1`. Older code; off.
    WordyRetryAfter,
    /// Every path that the public host does not serve gives 404 `Not found`. Without: only for requests whose `Host` is
    /// the public host. Off.
    PublicHost,
    /// `GET /subscriptions/usage` is not there: 404. Observed; off.
    NoUsageRoute,
    /// `POST /query` is not there: 404. Observed; off.
    NoQueryRoute,
    /// Triggering a dream needs a query parameter `kwargs`, whatever its value. Without it: 422. The client always sends
    /// it. Observed.
    DreamNeedsKwargs,
    /// The latest pack, if it would hold a long-term memory, gives 500 in plain text, whenever it is asked for: so do servers
    /// that are installed with `NumPy` 2 or later. Observed; off, since others work.
    LongTermMemoriesFail,
    /// The health answer says `degraded`, as if the database were down; all else goes on. Off.
    Degraded,
}

impl Quirk {
    /// All of them.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quirks(u64);

impl Quirks {
    /// What was seen of servers, as far as it takes no route away; the default. Where nothing could be observed, because
    /// the server has no plans, it goes by an older server's code: [`PlanLimitForbids`](Quirk::PlanLimitForbids) and
    /// [`LateLimits`](Quirk::LateLimits). No one server need show all of it.
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

    /// A self-hosted server of version 0.5.8 as it was observed. Unlike [`observed`](Self::observed) it has no route for
    /// usage and none for queries. It enforces no plans either, so what an older server makes of those is off; a sandbox
    /// that is given a [`Plan`](super::Plan) enforces it all the same.
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

    /// None: the server as it is documented.
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
