//! Formats of strings that clients parse.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// How a string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFormat {
    /// RFC 3339.
    DateTime,
    /// A day of RFC 3339.
    Date,
    /// RFC 9562.
    Uuid,
    /// An absolute one, with an authority (RFC 3986).
    Uri,
    /// An address (RFC 5321), roughly.
    Email,
    /// Any other text.
    Text,
}

impl TextFormat {
    pub(super) fn of(text: &str) -> Self {
        if date_time(text).is_some() {
            Self::DateTime
        } else if text.len() == 10 && text.parse::<NaiveDate>().is_ok() {
            Self::Date
        } else if is_uuid(text) {
            Self::Uuid
        } else if is_uri(text) {
            Self::Uri
        } else if is_email(text) {
            Self::Email
        } else {
            Self::Text
        }
    }
}

/// An instant; a leap second counts as the one before.
pub(super) fn date_time(text: &str) -> Option<DateTime<Utc>> {
    let is_near = (20..=40).contains(&text.len()) && text.as_bytes()[4] == b'-';
    is_near
        .then(|| DateTime::parse_from_rfc3339(text).ok())?
        .map(|at| at.to_utc())
}

/// Whether two instants have a different format: a different separator or form of the time zone. For the same instant, any
/// difference counts.
pub(super) fn is_spelled_differently(a: &str, b: &str) -> bool {
    let (Some(one), Some(other)) = (date_time(a), date_time(b)) else {
        return false;
    };
    if one == other {
        return a != b;
    }
    let (separator, zone) = style(a);
    let (other_separator, other_zone) = style(b);
    // The number of digits of a fraction is ignored, because some servers omit zeros.
    separator != other_separator || zone != other_zone
}

/// The separator of date and time, and how the zone is written.
fn style(text: &str) -> (u8, Zone) {
    let separator = text.as_bytes().get(10).copied().unwrap_or_default();
    let zone = match text.get(text.len().saturating_sub(6)..) {
        _ if text.ends_with('Z') => Zone::Upper,
        _ if text.ends_with('z') => Zone::Lower,
        Some("+00:00") => Zone::Zero,
        Some("-00:00") => Zone::Unknown,
        _ => Zone::Offset,
    };
    (separator, zone)
}

/// How the zone of an instant is written (RFC 3339 section 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Upper,
    Lower,
    Zero,
    Unknown,
    Offset,
}

/// Times of a second format that servers write: an HTTP date, or RFC 3339 without a zone, which is taken for UTC.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let near = (19..=40).contains(&text.len());
    date_time(text).or_else(|| {
        near.then(|| {
            let zoned = DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc());
            let bare = || {
                ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
                    .iter()
                    .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok().map(|at| at.and_utc()))
            };
            zoned.or_else(bare)
        })?
    })
}

fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-');
    let fits = [8, 4, 4, 4, 12].into_iter().all(|length| {
        groups
            .next()
            .is_some_and(|group| group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    fits && groups.next().is_none()
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme && !rest.is_empty() && !rest.contains(|sign: char| sign.is_whitespace() || "<>\"{}|\\^`".contains(sign))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_plain = |part: &str| !part.is_empty() && !part.contains(|sign: char| sign.is_whitespace() || sign == '@');
    is_plain(local) && is_plain(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::{TextFormat, instant, is_spelled_differently};

    #[test]
    fn instants_are_compared_by_their_spelling() {
        for (a, b, differ) in [
            ("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05Z", true),
            ("2024-01-02T03:04:05.100Z", "2024-01-02T03:04:05.1Z", true),
            ("2024-01-02T03:04:05+01:00", "2024-01-02T02:04:05Z", true),
            ("2024-01-02T03:04:05Z", "2024-01-02t03:04:05Z", true),
            // Other instants in the same spelling.
            ("2024-01-02T03:04:05Z", "2025-01-02T03:04:05Z", false),
            ("2024-01-02T03:04:05.12Z", "2025-01-02T03:04:05.1Z", false),
            ("2024-01-02T03:04:05.12Z", "2025-01-02T03:04:05Z", false),
            // And in another.
            ("2024-01-02T03:04:05+00:00", "2025-01-02T03:04:05Z", true),
            ("2024-01-02T03:04:05.123456Z", "2025-01-02T03:04:05Z", false),
            ("2024-01-02", "2024-01-03", false),
        ] {
            assert_eq!(is_spelled_differently(a, b), differ, "{a} {b}");
        }
    }

    #[test]
    fn times_are_read_in_three_formats() {
        for text in [
            "2024-01-02T03:04:05Z",
            "2024-01-02T03:04:05",
            "2024-01-02 03:04:05.5",
            "Tue, 02 Jan 2024 03:04:05 GMT",
        ] {
            assert!(instant(text).is_some(), "{text}");
        }
        assert!(instant("2024-01-02").is_none() && instant("2 hours ago, or so").is_none());
    }

    #[test]
    fn each_format_is_known_by_its_form() {
        for (text, format) in [
            ("2020-02-07T13:33:16.0582281Z", TextFormat::DateTime),
            ("2020-02-07T13:33:16+01:00", TextFormat::DateTime),
            // Without a time zone it is not an instant.
            ("2020-02-07T13:33:16", TextFormat::Text),
            ("2020-02-30T13:33:16Z", TextFormat::Text),
            ("2020-02-07", TextFormat::Date),
            ("0b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3c", TextFormat::Uuid),
            ("0b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3", TextFormat::Text),
            ("https://example.com/x?y=1", TextFormat::Uri),
            ("see https://example.com", TextFormat::Text),
            ("a@example.com", TextFormat::Email),
            ("a@b", TextFormat::Text),
            ("", TextFormat::Text),
            ("über", TextFormat::Text),
        ] {
            assert_eq!(TextFormat::of(text), format, "{text}");
        }
    }
}
