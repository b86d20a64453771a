//! What happens by itself: steps that are due after some time, or once an object was read some times.

use std::time::Duration;

use super::clock::Micros;
use super::platform::{Platform, World};

/// One step in the life of an object.
pub(crate) type Step<P> = Box<dyn FnOnce(&mut World<'_, P>) + Send>;

/// The steps that an account's objects have before them.
pub(crate) struct Life<P> {
    steps: Vec<Pending<P>>,
}

struct Pending<P> {
    table: &'static str,
    id: String,
    due: Micros,
    /// It is also due once the object was read this many times more.
    reads: Option<usize>,
    step: Step<P>,
}

impl<P> Default for Life<P> {
    fn default() -> Self {
        Self { steps: Vec::new() }
    }
}

impl<P: Platform> World<'_, P> {
    /// Does `step` after `delay`, on the sandbox's clock. Steps of one object that are due together are done in the
    /// order in which they were scheduled.
    pub(crate) fn after(
        &mut self,
        delay: Duration,
        table: &'static str,
        id: &str,
        step: impl FnOnce(&mut World<'_, P>) + Send + 'static,
    ) {
        self.schedule(delay, None, table, id, Box::new(step));
    }

    /// Does `step` once the object was read `reads` times, or after `delay`, whichever is first.
    pub(crate) fn after_reads(
        &mut self,
        reads: usize,
        delay: Duration,
        table: &'static str,
        id: &str,
        step: impl FnOnce(&mut World<'_, P>) + Send + 'static,
    ) {
        self.schedule(delay, Some(reads), table, id, Box::new(step));
    }

    /// Makes live bodies look again at `due`.
    pub(super) fn wake_at(&mut self, due: Micros) {
        self.life.steps.push(Pending { table: "", id: String::new(), due, reads: None, step: Box::new(|_| ()) });
    }

    fn schedule(&mut self, delay: Duration, reads: Option<usize>, table: &'static str, id: &str, step: Step<P>) {
        let delay = Micros::try_from(delay.as_micros()).unwrap_or(Micros::MAX);
        let due = self.now.saturating_add(delay);
        self.life.steps.push(Pending { table, id: id.to_owned(), due, reads, step });
    }

    /// Forgets the steps that an object has before it.
    pub(crate) fn cancel_steps(&mut self, table: &'static str, id: &str) {
        self.life.steps.retain(|step| step.table != table || step.id != id);
    }

    /// Does all steps that are due, each at its time.
    pub(super) fn catch_up(&mut self) {
        let now = self.now;
        while let Some(index) = self.life.earliest().filter(|index| self.life.steps[*index].due <= now) {
            let pending = self.life.steps.remove(index);
            self.now = pending.due;
            (pending.step)(self);
        }
        self.now = now;
    }

    /// Counts a reading of an object, and does the steps that it makes due.
    pub(super) fn count_read(&mut self, table: &'static str, id: &str) {
        let now = self.now;
        for pending in self.life.steps.iter_mut().filter(|pending| pending.table == table && pending.id == id) {
            pending.reads = pending.reads.map(|reads| reads.saturating_sub(1));
            if pending.reads == Some(0) {
                pending.due = pending.due.min(now);
            }
        }
        self.catch_up();
    }
}

impl<P> Life<P> {
    /// The step that is due first; of several, the one that was scheduled first.
    fn earliest(&self) -> Option<usize> {
        (0..self.steps.len()).min_by_key(|index| self.steps[*index].due)
    }

    /// When the next step is due.
    pub(super) fn next_due(&self) -> Option<Micros> {
        self.steps.iter().map(|pending| pending.due).min()
    }
}
