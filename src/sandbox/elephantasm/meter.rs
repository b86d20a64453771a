//! Counting by the month.

use std::collections::BTreeMap;

use super::stamp::{Form, Stamp};
use crate::sandbox::clock::Micros;

/// How often something happened, month by month. It never decreases: what is deleted was still used.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(BTreeMap<String, i64>);

impl Meter {
    /// Counts one occurrence.
    pub(super) fn count(&mut self, at: Micros) {
        *self.0.entry(first_day(at)).or_default() += 1;
    }

    /// How often it happened in the month of `now`.
    pub(super) fn in_month_of(&self, now: Micros) -> i64 {
        self.0.get(&first_day(now)).copied().unwrap_or_default()
    }
}

/// The first day of the month, as `YYYY-MM-DD`.
pub(super) fn first_day(now: Micros) -> String {
    let today = Stamp::new(now, Form::Naive).text();
    format!("{}-01", &today[..7])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_month_has_its_count() {
        let noon = 1_770_206_400_000_000;
        let day = 86_400_000_000;
        let mut meter = Meter::default();
        for at in [noon, noon + 24 * day, noon + 25 * day] {
            meter.count(at);
        }
        assert_eq!(first_day(noon), "2026-02-01");
        assert_eq!([noon, noon + 40 * day, noon + 60 * day].map(|now| meter.in_month_of(now)), [2, 1, 0]);
    }
}
