//! Everything that belongs to one tenant.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::animas::Anima;
use super::api_keys::ApiKey;
use super::dreams::Dream;
use super::events::Event;
use super::identities::Identity;
use super::knowledge::Item;
use super::memories::Memory;
use super::meter::Meter;
use super::packs::Pack;
use super::plan::Plan;
use super::refusal;
use crate::Secret;
use crate::sandbox::answer::Answer;
use crate::sandbox::ids;

/// One tenant: a user with an organisation, and what they have stored.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) user_id: String,
    pub(super) organization_id: String,
    pub(super) plan: Plan,
    /// The tenant's initial key, revoked or not.
    pub(super) first_key: Secret<String>,
    pub(super) keys: Vec<ApiKey>,
    pub(super) animas: Vec<Anima>,
    pub(super) events: Vec<Event>,
    pub(super) memories: Vec<Memory>,
    pub(super) knowledge: Vec<Item>,
    pub(super) identities: Vec<Identity>,
    pub(super) packs: Vec<Pack>,
    pub(super) dreams: Vec<Dream>,
    /// Which memories came from which events.
    pub(super) links: Vec<Link>,
    /// The dedupe keys of all events, deleted or not: they are unique within the account.
    pub(super) dedupe_keys: HashSet<String>,
    pub(super) events_created: Meter,
    pub(super) pack_builds: Meter,
    pub(super) dreams_begun: Meter,
    /// Times of the latest calls, for the rate limit.
    calls: VecDeque<Instant>,
}

/// A memory that came from an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Link {
    pub(super) memory_id: String,
    pub(super) event_id: String,
}

impl Account {
    pub(super) fn new(name: &str, plan: Plan, key: ApiKey) -> Self {
        Self {
            name: name.to_owned(),
            user_id: ids::uuid(),
            organization_id: ids::uuid(),
            plan,
            first_key: key.secret.clone(),
            keys: vec![key],
            animas: Vec::new(),
            events: Vec::new(),
            memories: Vec::new(),
            knowledge: Vec::new(),
            identities: Vec::new(),
            packs: Vec::new(),
            dreams: Vec::new(),
            links: Vec::new(),
            dedupe_keys: HashSet::new(),
            events_created: Meter::default(),
            pack_builds: Meter::default(),
            dreams_begun: Meter::default(),
            calls: VecDeque::new(),
        }
    }

    /// An anima that is not deleted.
    pub(super) fn anima(&mut self, id: &str) -> Result<&mut Anima, Answer> {
        self.any_anima(id).filter(|anima| !anima.deleted).ok_or_else(|| refusal::absent("Anima", id))
    }

    /// An anima, deleted or not.
    pub(super) fn any_anima(&mut self, id: &str) -> Option<&mut Anima> {
        self.animas.iter_mut().find(|anima| anima.id == id)
    }

    /// Counts a call at `now`, and returns whether it exceeds `limit` within `window`.
    pub(super) fn is_over_rate(&mut self, limit: usize, window: Duration, now: Instant) -> bool {
        while self.calls.front().is_some_and(|call| now.duration_since(*call) >= window) {
            self.calls.pop_front();
        }
        if self.calls.len() >= limit {
            return true;
        }
        self.calls.push_back(now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_counts_the_calls_of_its_window() {
        let mut account = Account::new("t", Plan::default(), ApiKey::new("k", None, Secret::new("sk".to_owned()), 0));
        let start = Instant::now();
        let mut over = |millis| account.is_over_rate(2, Duration::from_secs(1), start + Duration::from_millis(millis));
        assert_eq!([0, 500, 900, 999].map(&mut over), [false, false, true, true]);
        assert_eq!([1000, 1001, 1500].map(&mut over), [false, true, false]);
    }
}
