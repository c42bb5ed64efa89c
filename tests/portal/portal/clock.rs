//! Moments in UTC and the two ways HTTP and JSON write them.

use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// One day in seconds.
pub(crate) const DAY: i64 = 86_400;

/// A moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds within the second, below 1,000,000,000.
    pub nanos: u32,
}

impl Moment {
    /// The current moment.
    #[must_use]
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanos: since.subsec_nanos(),
        }
    }

    /// The moment `seconds` later, or earlier when negative.
    #[must_use]
    pub(crate) fn plus(self, seconds: i64) -> Self {
        Self {
            seconds: self.seconds.saturating_add(seconds),
            ..self
        }
    }

    /// Year, month (1 to 12) and day (1 to 31), by Howard Hinnant's `civil_from_days`.
    #[must_use]
    pub(crate) fn civil(self) -> (i64, i64, i64) {
        let shifted = self.seconds.div_euclid(DAY) + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day)
    }

    /// `2020-02-07`.
    #[must_use]
    pub(crate) fn date(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `13:33:16`.
    #[must_use]
    pub(crate) fn time(self) -> String {
        let second = self.seconds.rem_euclid(DAY);
        format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
    }

    /// The fraction of the second cut to `digits` digits (at most 9), without the point.
    #[must_use]
    pub(crate) fn fraction(self, digits: usize) -> String {
        let all = format!("{:09}", self.nanos);
        all.chars().take(digits).collect()
    }

    /// `2020-02-07T13:33:16.0582281Z`, with as many fractional digits as asked for (RFC 3339, section 5.6).
    #[must_use]
    pub(crate) fn rfc3339(self, digits: usize) -> String {
        let point = if digits == 0 { "" } else { "." };
        format!("{}T{}{point}{}Z", self.date(), self.time(), self.fraction(digits))
    }

    /// `Fri, 07 Feb 2020 13:33:16 GMT` (RFC 9110, section 5.6.7).
    #[must_use]
    pub(crate) fn imf_fixdate(self) -> String {
        self.http_date(0, "GMT")
    }

    /// An IMF-fixdate whose weekday is off by `weekday` days and whose zone is `zone`; correct for `(0, "GMT")`.
    #[must_use]
    pub(crate) fn http_date(self, weekday: i64, zone: &str) -> String {
        let (year, month, day) = self.civil();
        let name = pick(&DAYS, self.seconds.div_euclid(DAY) + weekday);
        let month = pick(&MONTHS, month - 1);
        format!("{name}, {day:02} {month} {year:04} {} {zone}", self.time())
    }
}

/// The name at `index`, counted round the list.
fn pick(names: &[&'static str], index: i64) -> &'static str {
    let length = i64::try_from(names.len()).unwrap_or(1);
    let location = usize::try_from(index.rem_euclid(length)).unwrap_or_default();
    names[location]
}
