//! Numbers, times and shortened texts in plain words.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{escape::visible, limits};

/// `1 case`, `1,234 cases`.
pub(super) fn cases(number: usize) -> String {
    count(number, "case")
}

/// `1 byte`, `1,234 bytes`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {what}{s}", figure(number))
}

/// `5,000`.
pub(super) fn figure(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Text on one line, at most `max` bytes of it.
pub(super) fn short(text: &str, max: usize) -> String {
    // A long text is cut before it is escaped.
    let end = text.floor_char_boundary(max);
    let shown = visible(&text[..end]);
    if shown.len() <= max && end == text.len() {
        return shown.into_owned();
    }
    format!("{}…", &shown[..shown.floor_char_boundary(max)])
}

/// Whole lines, at most `max` bytes of them, and the number of those that are left out.
pub(super) fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = match text[..text.floor_char_boundary(max)].rfind('\n') {
        Some(end) => end + 1,
        // The first line is too long.
        None => return format!("{}…\n", &text[..text.floor_char_boundary(max)]),
    };
    format!("{}… {} more lines\n", &text[..end], text[end..].lines().count())
}

/// At most [`limits::LINE`] bytes of a text, and the number of those that are left out.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= limits::LINE {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limits::LINE);
    format!("{}… ({} more bytes)", &text[..end], text.len() - end)
}

/// A sentence with an upper-case first letter.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), chars.as_str())
    })
}

/// The first 12 characters of a digest.
pub(super) fn digest(digest: &str) -> String {
    visible(&digest[..digest.floor_char_boundary(12)]).into_owned()
}

/// A time in whole milliseconds.
pub(super) fn millis(micros: u64) -> u64 {
    micros / 1000 + u64::from(micros % 1000 >= 500)
}

/// Milliseconds as seconds with three digits.
pub(super) fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// An instant in UTC, as RFC 3339 writes it.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `7 µs`, `12.3 ms`, `345 ms`, `3.45 s`, `2 min 5 s`.
pub(super) fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..100_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        100_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..60_000_000 => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
        _ => format!("{} min {} s", micros / 60_000_000, micros % 60_000_000 / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_formatted() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(figure),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [7, 12_345, 345_678, 3_456_789, 125_000_000].map(duration),
            ["7 µs", "12.3 ms", "345 ms", "3.45 s", "2 min 5 s"]
        );
        assert_eq!(
            (cases(1), cases(1_000)),
            ("1 case".to_owned(), "1,000 cases".to_owned())
        );
    }

    #[test]
    fn times_are_rounded_once() {
        for (micros, shown) in [(0, "0.000"), (499, "0.000"), (500, "0.001"), (61_000_000, "61.000")] {
            assert_eq!(seconds(millis(micros)), shown);
        }
        assert_eq!(seconds(millis(u64::MAX)), "18446744073709.552");
    }

    #[test]
    fn long_text_is_cut_and_states_the_rest() {
        let long = "é".repeat(limits::LINE);
        let half = "é".repeat(limits::LINE / 2);
        assert_eq!(cut(&long), format!("{half}… ({} more bytes)", limits::LINE));
        assert_eq!(clip("a\nbc\nd\n", 5), "a\nbc\n… 1 more lines\n");
        assert_eq!(short("a\nb", 2), "a\\…");
    }
}
