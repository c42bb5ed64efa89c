//! Formats two different values so that the difference is visible.
//!
//! Characters that look like others (UTS #39), are invisible (spaces, zero-width characters, byte order marks) or
//! combine with the previous one are written as `\u{e9}` if they differ. All others are unchanged.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};
use unicode_security::skeleton;

/// Maximum number of characters of each value that are compared one by one: the time grows with their product.
const COMPARED: usize = 2000;
/// Characters that stay in front of the first difference of two values that are too long to be shown whole.
const LEAD: usize = 12;

/// Both values with every difference made visible.
pub(crate) fn distinct<'t>(expected: &'t str, actual: &'t str) -> (Cow<'t, str>, Cow<'t, str>) {
    if expected == actual || (is_plain(expected) && is_plain(actual)) {
        return (Cow::Borrowed(expected), Cow::Borrowed(actual));
    }
    compared(expected, actual)
}

/// Whether no character of a text is ever spelled out: it is ASCII, and no space is at its ends or next to another.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

fn compared<'t>(expected: &'t str, actual: &'t str) -> (Cow<'t, str>, Cow<'t, str>) {
    if look(expected) == look(actual) {
        let (one, other) = (spelled_whole(expected, false), spelled_whole(actual, false));
        if escaped(&one) != escaped(&other) {
            return (one.into(), other.into());
        }
        // One text contains `\n` in two characters, the other a line break.
        return (spelled_whole(expected, true).into(), spelled_whole(actual, true).into());
    }
    let (old, new): (Vec<char>, Vec<char>) = (expected.chars().collect(), actual.chars().collect());
    let (mut in_old, mut in_new) = (Vec::new(), Vec::new());
    let skip = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let some = |chars: &[char]| chars.iter().skip(skip).take(COMPARED).copied().collect::<Vec<_>>();
    let at = |range: Range<usize>| range.start + skip..range.end + skip;
    for op in capture_diff_slices(Algorithm::Myers, &some(&old), &some(&new)) {
        let (old_range, new_range) = (at(op.old_range()), at(op.new_range()));
        let text = |chars: &[char], range: &Range<usize>| chars[range.clone()].iter().collect::<String>();
        let (removed, added) = (text(&old, &old_range), text(&new, &new_range));
        let hides = match op {
            DiffOp::Equal { .. } => false,
            DiffOp::Delete { .. } | DiffOp::Insert { .. } => removed.chars().chain(added.chars()).all(is_faint),
            DiffOp::Replace { .. } => look(&removed) == look(&added),
        };
        if hides {
            in_old.push(old_range);
            in_new.push(new_range);
        }
    }
    (spelled(&old, &in_old).into(), spelled(&new, &in_new).into())
}

/// A single value: invisible characters are spelled out, except single spaces between others.
pub(crate) fn alone(text: &str) -> Cow<'_, str> {
    let has_space_at_end = text.starts_with(' ') || text.ends_with(' ');
    if !has_space_at_end && (text.is_ascii() || !text.chars().any(is_blank)) {
        return Cow::Borrowed(text);
    }
    let chars: Vec<char> = text.chars().collect();
    spelled(&chars, &[]).into()
}

/// Both values from shortly before their first difference, if they are longer than `most` characters.
pub(crate) fn excerpts<'t>(expected: &'t str, actual: &'t str, most: usize) -> (Cow<'t, str>, Cow<'t, str>) {
    let is_long = |text: &str| text.chars().nth(most).is_some();
    let same = expected.chars().zip(actual.chars()).take_while(|(a, b)| a == b).count();
    if same + LEAD <= most || !(is_long(expected) || is_long(actual)) {
        return (Cow::Borrowed(expected), Cow::Borrowed(actual));
    }
    let from = |text: &'t str| -> Cow<'t, str> {
        let start = text.char_indices().nth(same - LEAD).map_or(0, |(at, _)| at);
        format!("…{}", &text[start..]).into()
    };
    (from(expected), from(actual))
}

/// The visual skeleton of a text: texts that look the same have equal skeletons.
fn look(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let compatible: String = escaped(text).nfkc().collect();
    for c in skeleton(&compatible) {
        if is_space(c) {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// Line breaks and tabs as every output writes them.
fn escaped(text: &str) -> String {
    text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{3164}' | '\u{115f}' | '\u{1160}' | '\u{ffa0}')
}

/// Whether a character is invisible on its own.
fn is_faint(c: char) -> bool {
    is_blank(c) || is_space(c) || is_combining_mark(c)
}

/// Whether a character other than a plain space is invisible.
fn is_blank(c: char) -> bool {
    (is_space(c) && !c.is_ascii()) || c != ' ' && skeleton(c.encode_utf8(&mut [0; 4])).next().is_none()
}

/// Every character that is not plain ASCII spelled out, and spaces that are easy to overlook.
fn spelled_whole(text: &str, backslashes: bool) -> String {
    let text = if backslashes {
        Cow::Owned(text.replace('\\', "\\\\"))
    } else {
        Cow::Borrowed(text)
    };
    let chars: Vec<char> = text.chars().collect();
    spelled(&chars, std::slice::from_ref(&(0..chars.len())))
}

/// Text in which the characters of `ranges` that are not plain ASCII are spelled out, and all invisible characters.
fn spelled(chars: &[char], ranges: &[Range<usize>]) -> String {
    let mut out = String::new();
    for (at, c) in chars.iter().enumerate() {
        let is_meant = ranges.iter().any(|range| range.contains(&at));
        let is_at_end = at == 0 || at + 1 == chars.len();
        let is_lost = |other: Option<&char>| other.is_none_or(|other| is_space(*other) || *other == '\u{feff}');
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        let is_spelled = match c {
            ' ' => is_at_end || is_meant && (is_lost(before) || is_lost(chars.get(at + 1))),
            '\n' | '\r' | '\t' => false,
            c if c.is_ascii() => false,
            c => is_meant || is_blank(*c),
        };
        if is_spelled {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(*c));
        } else {
            out.push(*c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expected: &str, actual: &str) -> (String, String) {
        let (expected, actual) = distinct(expected, actual);
        (expected.into_owned(), actual.into_owned())
    }

    #[test]
    fn plain_values_are_shown_as_they_are() {
        for (one, other) in [
            ("", "a b"),
            ("m l", "rn 1"),
            ("a b c", "ab c"),
            ("a-b #1", "a -b# 1"),
            ("O 0", "0 O"),
            ("(absent)", "one date such as Fri, 07 Feb 2020 13:33:16 GMT"),
        ] {
            assert!(is_plain(one) && is_plain(other));
            assert_eq!(compared(one, other), (Cow::Borrowed(one), Cow::Borrowed(other)));
        }
        for text in [" a", "a ", "a  b", "a\tb", "a\n", "\u{e9}", "\u{7f}"] {
            assert!(!is_plain(text), "{text:?}");
        }
    }

    #[test]
    fn values_that_look_alike_are_spelled_out() {
        for (expected, actual, one, other) in [
            ("caf\u{e9}", "cafe\u{301}", "caf\\u{e9}", "cafe\\u{301}"),
            ("a b", "a\u{a0}b", "a b", "a\\u{a0}b"),
            ("admin", "\u{430}dmin", "admin", "\\u{430}dmin"),
            ("ab", "a\u{200b}b", "ab", "a\\u{200b}b"),
            ("ab", "\u{feff}ab", "ab", "\\u{feff}ab"),
            ("ab", "ab ", "ab", "ab\\u{20}"),
            ("ab", " ab", "ab", "\\u{20}ab"),
            ("a b", "a  b", "a b", "a\\u{20}\\u{20}b"),
            ("\"a b\"", "\"a  b\"", "\"a b\"", "\"a\\u{20}\\u{20}b\""),
            ("A", "\u{ff21}", "A", "\\u{ff21}"),
            ("x2", "x\u{b2}", "x2", "x\\u{b2}"),
            ("\u{3a9}", "\u{2126}", "\\u{3a9}", "\\u{2126}"),
            ("fi", "\u{fb01}", "fi", "\\u{fb01}"),
            ("a-b", "a\u{2010}b", "a-b", "a\\u{2010}b"),
            ("a\u{ad}b", "ab", "a\\u{ad}b", "ab"),
            ("\u{2764}\u{fe0f}", "\u{2764}", "\\u{2764}\\u{fe0f}", "\\u{2764}"),
            ("a\\nb", "a\nb", "a\\\\nb", "a\nb"),
            ("", "\u{200d}", "", "\\u{200d}"),
        ] {
            let found = shown(expected, actual);
            assert_eq!(
                (found.0.as_str(), found.1.as_str()),
                (one, other),
                "{expected:?} {actual:?}"
            );
            let found = shown(actual, expected);
            assert_eq!(
                (found.0.as_str(), found.1.as_str()),
                (other, one),
                "{actual:?} {expected:?}"
            );
        }
    }

    #[test]
    fn a_hidden_difference_beside_a_visible_one_is_spelled_out() {
        assert_eq!(
            shown("user p\u{430}ul, id 1", "user paul, id 2"),
            ("user p\\u{430}ul, id 1".to_owned(), "user paul, id 2".to_owned())
        );
        assert_eq!(
            shown("caf\u{e9} number one", "cafe\u{301} number two"),
            ("caf\\u{e9} number one".to_owned(), "cafe\\u{301} number two".to_owned())
        );
    }

    #[test]
    fn values_that_differ_visibly_stay_readable() {
        for (expected, actual) in [
            ("Müller", "Meier"),
            ("漢字", "汉语"),
            ("naïve café", "naïve cafés"),
            ("1", "\"1\""),
            ("a", "b"),
            ("привет", "пока"),
            ("a\nb", "a\nc"),
        ] {
            assert_eq!(shown(expected, actual), (expected.to_owned(), actual.to_owned()));
        }
    }

    #[test]
    fn a_single_value_shows_what_has_no_ink() {
        assert_eq!(alone("plain text"), "plain text");
        assert_eq!(alone("x "), "x\\u{20}");
        assert_eq!(alone("10\u{a0}km\u{200b}"), "10\\u{a0}km\\u{200b}");
        assert_eq!(alone("日本 ü"), "日本 ü");
    }

    #[test]
    fn long_values_are_shown_from_their_first_difference() {
        let (one, other) = (format!("{}one", "é".repeat(100)), format!("{}two", "é".repeat(100)));
        let (left, right) = excerpts(&one, &other, 60);
        assert_eq!(left, format!("…{}one", "é".repeat(LEAD)));
        assert_eq!(right, format!("…{}two", "é".repeat(LEAD)));
        assert_eq!(excerpts("a", "b", 60), ("a".into(), "b".into()));
        let long = "x".repeat(100);
        assert_eq!(excerpts("y", &long, 60).1, long);
    }
}
