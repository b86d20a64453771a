//! How much retries may add to the load of a host that is down.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use url::Url;

use crate::config;
use crate::lock::lock;

/// Retries that are left for a host: it starts with [`config::RETRY_BUDGET`] of them, and earns one back per
/// [`config::CALLS_PER_RETRY_EARNED`] calls that find the host working.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

/// The budgets of all hosts that some client of the process speaks to, and of those that failed, by origin.
static SHARED: Mutex<BTreeMap<String, Arc<Budget>>> = Mutex::new(BTreeMap::new());

impl Budget {
    const FULL: u32 = config::RETRY_BUDGET * config::CALLS_PER_RETRY_EARNED;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }

    /// The budget that all clients of `origin` share. Without a client it is kept until it would be as good as new.
    pub(crate) fn shared(origin: &Url) -> Arc<Self> {
        let mut budgets = lock(&SHARED);
        budgets.retain(|_, budget| Arc::strong_count(budget) > 1 || !budget.is_full());
        Arc::clone(budgets.entry(origin.to_string()).or_insert_with(|| Arc::new(Self::new())))
    }

    fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::FULL
    }

    pub(crate) fn earn(&self) {
        let one_more = |left: u32| (left < Self::FULL).then(|| left + 1);
        // Full is as good as earned.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
    }

    pub(crate) fn try_spend(&self) -> bool {
        let price = config::CALLS_PER_RETRY_EARNED;
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(price)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_spent_and_earned_back() {
        let budget = Budget::new();
        let spent = (0..500).filter(|_| budget.try_spend()).count();
        assert_eq!(spent, 100);
        (0..9).for_each(|_| budget.earn());
        assert!(!budget.try_spend());
        budget.earn();
        assert!(budget.try_spend() && !budget.try_spend());
        (0..5000).for_each(|_| budget.earn());
        assert_eq!((0..500).filter(|_| budget.try_spend()).count(), 100);
    }

    #[test]
    fn clients_of_one_host_share_it_and_a_host_that_failed_is_remembered() {
        let host = |port: u16| Url::parse(&format!("http://budget.test:{port}/")).unwrap();
        let first = Budget::shared(&host(1));
        assert!(Arc::ptr_eq(&first, &Budget::shared(&host(1))));
        assert!(!Arc::ptr_eq(&first, &Budget::shared(&host(2))));
        while first.try_spend() {}
        assert!(!Budget::shared(&host(1)).try_spend());
        drop(first);
        assert!(!Budget::shared(&host(1)).try_spend(), "a new client does not begin anew");

        let kept = || SHARED.lock().unwrap().keys().filter(|origin| origin.contains("budget.test")).count();
        (0..Budget::FULL).for_each(|_| Budget::shared(&host(1)).earn());
        drop(Budget::shared(&host(3)));
        assert_eq!(kept(), 1, "what is full again is forgotten, and so is what nobody uses");
    }
}
