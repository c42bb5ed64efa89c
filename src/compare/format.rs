//! Formats of strings that readers parse.

use chrono::{DateTime, NaiveDate, Utc};

/// How a string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
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

impl Format {
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

    /// As JSON Schema names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Uuid => "uuid",
            Self::Uri => "uri",
            Self::Email => "email",
            Self::Text => "text",
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
    use super::Format;

    #[test]
    fn each_format_is_known_by_its_form() {
        for (text, format) in [
            ("2020-02-07T13:33:16.0582281Z", Format::DateTime),
            ("2020-02-07T13:33:16+01:00", Format::DateTime),
            // Without a zone it is no instant.
            ("2020-02-07T13:33:16", Format::Text),
            ("2020-02-30T13:33:16Z", Format::Text),
            ("2020-02-07", Format::Date),
            ("0b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3c", Format::Uuid),
            ("0b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3", Format::Text),
            ("https://example.com/x?y=1", Format::Uri),
            ("see https://example.com", Format::Text),
            ("a@example.com", Format::Email),
            ("a@b", Format::Text),
            ("", Format::Text),
            ("über", Format::Text),
        ] {
            assert_eq!(Format::of(text), format, "{text}");
        }
    }
}
