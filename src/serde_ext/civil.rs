//! Dates of the Gregorian calendar, from the year 1 on.

const DAYS_PER_YEAR: i64 = 365;
const DAYS_PER_4_YEARS: i64 = 4 * DAYS_PER_YEAR + 1;
const DAYS_PER_100_YEARS: i64 = 25 * DAYS_PER_4_YEARS - 1;
const DAYS_PER_400_YEARS: i64 = 4 * DAYS_PER_100_YEARS + 1;
/// From 0001-01-01 to 1970-01-01.
const DAYS_BEFORE_EPOCH: i64 = 719_162;

/// Days of a common year before each month, and before the next year.
const BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
}

impl Date {
    /// The date that is `days` days after 1970-01-01.
    pub(super) fn from_days(days: i64) -> Self {
        let days = days + DAYS_BEFORE_EPOCH;
        let (cycles, days) = (days.div_euclid(DAYS_PER_400_YEARS), days.rem_euclid(DAYS_PER_400_YEARS));
        // The last day of 400 years, and of 4, belongs to a part that is one day longer than the others.
        let centuries = (days / DAYS_PER_100_YEARS).min(3);
        let days = days - centuries * DAYS_PER_100_YEARS;
        let (fours, days) = (days / DAYS_PER_4_YEARS, days % DAYS_PER_4_YEARS);
        let years = (days / DAYS_PER_YEAR).min(3);
        let days = days - years * DAYS_PER_YEAR;
        let year = 400 * cycles + 100 * centuries + 4 * fours + years + 1;
        let month = (2..=12).rev().find(|month| before(year, *month) <= days).unwrap_or(1);
        Self { year, month, day: days - before(year, month) + 1 }
    }

    /// Days since 1970-01-01; `None` for a date that does not exist, or before the year 1.
    pub(super) fn days(self) -> Option<i64> {
        let Self { year, month, day } = self;
        if year < 1 || !(1..=12).contains(&month) || day < 1 || before(year, month) + day > before(year, month + 1) {
            return None;
        }
        let years = year - 1;
        let leap_days = years / 4 - years / 100 + years / 400;
        Some(years * DAYS_PER_YEAR + leap_days + before(year, month) + day - 1 - DAYS_BEFORE_EPOCH)
    }
}

/// Days of the year before `month`, which may be the thirteenth.
fn before(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let common = usize::try_from(month - 1).ok().and_then(|index| BEFORE.get(index)).copied().unwrap_or_default();
    common + i64::from(leap && month > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates_have_their_days() {
        for (year, month, day, days) in [
            (1970, 1, 1, 0),
            (1969, 12, 31, -1),
            (1, 1, 1, -719_162),
            (2000, 2, 29, 11_016),
            (2000, 3, 1, 11_017),
            (1900, 3, 1, -25_508),
            (2026, 2, 4, 20_488),
            (2400, 12, 31, 157_419),
            (9999, 12, 31, 2_932_896),
        ] {
            let date = Date { year, month, day };
            assert_eq!((date.days(), Date::from_days(days)), (Some(days), date));
        }
    }

    #[test]
    fn every_day_of_10000_years_follows_the_one_before() {
        let mut last = Date::from_days(-719_163);
        assert_eq!(last, Date { year: 0, month: 12, day: 31 });
        for days in -719_162..=2_932_896 {
            let date = Date::from_days(days);
            assert_eq!(date.days(), Some(days));
            let next_day = (date.year, date.month, date.day) == (last.year, last.month, last.day + 1);
            let next_month = date.day == 1 && date.month == last.month % 12 + 1;
            assert!(next_day || (next_month && last.day >= 28), "{date:?} after {last:?}");
            last = date;
        }
    }

    #[test]
    fn dates_that_do_not_exist_have_no_days() {
        for (year, month, day) in
            [(0, 12, 31), (2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 1, 32), (2026, 4, 31), (1900, 2, 29)]
        {
            assert_eq!(Date { year, month, day }.days(), None, "{year}-{month}-{day}");
        }
    }
}
