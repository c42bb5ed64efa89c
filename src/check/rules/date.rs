//! `http/date`.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};

use super::{super::view::ResponseView, Violation};
use crate::model::Request;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Reads an HTTP date in the one form that may be sent (RFC 9110 §5.6.7); the weekday must be the right one.
pub(crate) fn imf_fixdate(text: &str) -> Option<DateTime<Utc>> {
    // Each field has a fixed position: `Fri, 07 Feb 2020 13:33:16 GMT`. A leap second is written as `:60`.
    let separators = [
        (3, ", "),
        (7, " "),
        (11, " "),
        (16, " "),
        (19, ":"),
        (22, ":"),
        (25, " GMT"),
    ];
    let fits = |(at, separator): &(usize, &str)| text.get(*at..at + separator.len()) == Some(separator);
    if text.len() != 29 || !separators.iter().all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = text.get(from..to)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let month = MONTHS
        .iter()
        .zip(1..)
        .find(|(name, _)| text.get(8..11) == Some(**name))?
        .1;
    let date = NaiveDate::from_ymd_opt(number(12, 16)?.try_into().ok()?, month, number(5, 7)?)?;
    let day = DAYS[date.weekday().num_days_from_monday() as usize];
    let (second, leap) = match number(23, 25)? {
        60 => (59, 1000),
        second => (second, 0),
    };
    let at = date.and_hms_milli_opt(number(17, 19)?, number(20, 22)?, second, leap)?;
    (text.get(..3) == Some(day)).then(|| at.and_utc())
}

pub(super) fn check(_: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let values: Vec<_> = response.header("date").collect();
    let expected = "one date such as Fri, 07 Feb 2020 13:33:16 GMT";
    match values.as_slice() {
        [] if (200..500).contains(&response.status) => Some(
            finding("the response has no `Date`")
                .expected(expected)
                .actual("(absent)"),
        ),
        [] => None,
        [one] if imf_fixdate(one).is_some() => None,
        [one] => Some(
            finding("the `Date` is not an HTTP date (IMF-fixdate)")
                .expected(expected)
                .actual(*one),
        ),
        more => Some(
            finding("the response has more than one `Date`")
                .expected(expected)
                .actual(more.join(" | ")),
        ),
    }
}

fn finding(message: &str) -> Violation {
    Violation::new(message)
}

#[cfg(test)]
mod tests {
    use super::imf_fixdate;

    #[test]
    fn only_the_preferred_form_with_its_true_weekday_is_a_date() {
        assert!(imf_fixdate("Fri, 07 Feb 2020 13:33:16 GMT").is_some());
        for wrong in [
            "Thu, 07 Feb 2020 13:33:16 GMT",
            "Fri, 7 Feb 2020 13:33:16 GMT",
            "Fri, 07 Feb 2020 13:33:16 UTC",
            "Fri, 07 Feb 2020 13:33:16 +0000",
            "fri, 07 feb 2020 13:33:16 gmt",
            "Friday, 07-Feb-20 13:33:16 GMT",
            "Fri Feb  7 13:33:16 2020",
            "2020-02-07T13:33:16Z",
            "Sun, 30 Feb 2020 13:33:16 GMT",
            "Fri, 07 Feb 2020 25:33:16 GMT",
            "",
        ] {
            assert!(imf_fixdate(wrong).is_none(), "{wrong}");
        }
    }
}
