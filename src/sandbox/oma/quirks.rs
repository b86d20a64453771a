//! What servers of generation v0 do differently, and a client must survive.

/// A quirk of servers of generation v0; see [`Settings::with`](super::Settings::with).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quirk {
    /// No `session.status_running` or `session.status_idle` events, so that nothing says that a turn is over.
    NoStatusEvents,
    /// Stored events have `seq`, `ts` in milliseconds and an `id:` line, and stand in pages without a row around them.
    FlatRows,
    /// Turns of one session run at the same time, instead of one after another.
    Interleaved,
    /// An interrupt is accepted and does nothing.
    IgnoredInterrupts,
    /// The result of a client's tool is stored, and the turn does not go on.
    StrandedResults,
    /// Errors are `{"error": "Session not found"}`, and a missing route is `{"error": "not found"}`.
    PlainErrors,
}

impl Quirk {
    pub(super) const ALL: [Self; 6] = [
        Self::NoStatusEvents,
        Self::FlatRows,
        Self::Interleaved,
        Self::IgnoredInterrupts,
        Self::StrandedResults,
        Self::PlainErrors,
    ];
}
