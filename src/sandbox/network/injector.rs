//! The armed faults, and which of them is due.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fastrand::Rng;

use super::fault::Fault;
use crate::lock::lock;

/// Any number; the same in every run.
const SEED: u64 = 8484;

/// What a fault may affect.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox) enum InjectionPoint<'o> {
    /// A connection that a client makes.
    Connection,
    /// A request that begins to arrive.
    Request,
    /// A request whose head was read, but not its body.
    Head(Option<&'o str>),
    /// A call of an operation; `None` if the request matches none.
    Call(Option<&'o str>),
}

/// An armed fault; from [`Sandbox::fault`](crate::sandbox::Sandbox::fault). It stays armed if this is dropped.
#[derive(Clone, Debug)]
pub struct Armed {
    hits: Arc<AtomicUsize>,
}

impl Armed {
    /// Returns how many calls it has affected so far; connections, or requests, if it affects those.
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
pub(in crate::sandbox) struct Injector(Mutex<List>);

#[derive(Debug)]
struct List {
    armed: Vec<Entry>,
    dice: Rng,
}

#[derive(Debug)]
struct Entry {
    fault: Fault,
    /// Calls, or connections, so far that it might have affected.
    seen: usize,
    hits: Arc<AtomicUsize>,
}

impl Default for Injector {
    fn default() -> Self {
        Self(Mutex::new(List { armed: Vec::new(), dice: Rng::with_seed(SEED) }))
    }
}

impl Injector {
    pub(in crate::sandbox) fn arm(&self, fault: Fault) -> Armed {
        let hits = Arc::<AtomicUsize>::default();
        let entry = Entry { fault, seen: 0, hits: hits.clone() };
        lock(&self.0).armed.push(entry);
        Armed { hits }
    }

    pub(in crate::sandbox) fn clear(&self) {
        lock(&self.0).armed.clear();
    }

    /// Returns the fault to apply: of those that are due, the one armed first. The others wait for the next point.
    pub(in crate::sandbox) fn inject(&self, point: InjectionPoint<'_>) -> Option<Fault> {
        let mut list = lock(&self.0);
        let List { armed, dice } = &mut *list;
        let mut chosen = None;
        armed.retain_mut(|entry| {
            if !entry.fault.concerns(point) {
                return true;
            }
            let due = entry.fault.covers(entry.seen + 1);
            if due && chosen.is_some() {
                return true;
            }
            entry.seen += 1;
            if due && entry.fault.probability.is_none_or(|probability| dice.f64() < probability) {
                entry.hits.fetch_add(1, Ordering::SeqCst);
                chosen = Some(entry.fault.clone());
            }
            !entry.fault.spent(entry.seen)
        });
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_apply_in_the_order_they_were_armed() {
        let faults = Injector::default();
        let [first, second] = [faults.arm(Fault::cut()), faults.arm(Fault::cut())];
        let third = faults.arm(Fault::cut().nth(2).times(2));
        let mut seen = Vec::new();
        while faults.inject(InjectionPoint::Call(None)).is_some() {
            seen.push((first.hits(), second.hits(), third.hits()));
        }
        assert_eq!(seen, [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 1, 2)]);
    }

    #[test]
    fn a_probability_selects_some_calls() {
        let faults = Injector::default();
        let armed = faults.arm(Fault::cut().always().with_probability(0.5));
        for _ in 0..100 {
            faults.inject(InjectionPoint::Call(None));
        }
        assert!((20..80).contains(&armed.hits()), "{}", armed.hits());
        faults.clear();
        assert!(faults.inject(InjectionPoint::Call(None)).is_none());
    }
}
