//! `http/date`.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::super::Finding;
use crate::exchange::{Answer, Request};

const FORMAT: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// Reads an HTTP date in the one form that may be sent (RFC 9110 §5.6.7); the weekday must be the right one.
pub(crate) fn imf_fixdate(text: &str) -> Option<DateTime<Utc>> {
    let at = NaiveDateTime::parse_from_str(text, FORMAT).ok()?.and_utc();
    (at.format(FORMAT).to_string() == text).then_some(at)
}

pub(super) fn check(_: &Request, answer: &Answer) -> Option<Finding> {
    let values: Vec<_> = answer.header("date").collect();
    let expected = "one date such as Fri, 07 Feb 2020 13:33:16 GMT";
    match values.as_slice() {
        [] if (200..500).contains(&answer.status) => Some(
            finding("the answer has no `Date`")
                .expected(expected)
                .actual("(absent)"),
        ),
        [] => None,
        [one] if imf_fixdate(one).is_some() => None,
        [one] => Some(
            finding("the `Date` is not an HTTP date (IMF-fixdate)")
                .expected(expected)
                .actual(one),
        ),
        more => Some(
            finding("the answer has more than one `Date`")
                .expected(expected)
                .actual(more.join(" | ")),
        ),
    }
}

fn finding(message: &str) -> Finding {
    Finding::new("http/date", message)
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
