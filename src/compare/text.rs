//! The differences of two text bodies, apart from generated words.

use super::difference::ResponseWithVariables;
use super::responses::{Assigned, Role, is_generated};

/// Maximum size in bytes of a text that is compared word by word.
const TEXT: usize = 1 << 20;
/// Units of time that follow a measured number.
const UNITS: [&str; 6] = ["ms", "µs", "us", "s", "sec", "seconds"];

/// The words of a text and the characters between them; empty if the text is too long.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    if text.len() > TEXT {
        return out;
    }
    let mut start = 0;
    for (at, sign) in text.char_indices() {
        if !is_of_word(sign) {
            if start < at {
                out.push(&text[start..at]);
            }
            out.push(&text[at..at + sign.len_utf8()]);
            start = at + sign.len_utf8();
        }
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}

fn is_of_word(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(sign, '.' | ':' | '-' | '+' | '_')
}

/// Whether two texts differ only in words that are generated for each response (ids, the present time, measured times), or
/// that the servers assigned.
pub(super) fn is_only_generated(
    (a, one): (&ResponseWithVariables<'_>, &str),
    (b, other): (&ResponseWithVariables<'_>, &str),
    assigned: Assigned<'_>,
) -> bool {
    let (before, after) = (words(one), words(other));
    differ_only(&before, &after, |at| {
        let (word, new) = (before[at], after[at]);
        let next = |words: &[&str]| {
            words
                .get(at + 2)
                .filter(|_| words[at + 1] == " ")
                .map(ToString::to_string)
        };
        let measured = |word: &str, words: &[&str]| is_measured(word, next(words).as_deref());
        (measured(word, &before) && measured(new, &after))
            || is_generated(word, new, a, b)
            || is_assigned(&before, at, new, assigned)
    })
}

fn differ_only(before: &[&str], after: &[&str], is_noise: impl Fn(usize) -> bool) -> bool {
    !before.is_empty()
        && before.len() == after.len()
        && (0..before.len()).all(|at| before[at] == after[at] || is_noise(at))
}

/// Whether the servers assigned a word and what replaces it, or the part in which they differ: `order-17` and `order-18`.
fn is_assigned(words: &[&str], at: usize, new: &str, assigned: Assigned<'_>) -> bool {
    let is_name = |word: &&&str| matches!(**word, "/" | "#") || word.contains(char::is_alphanumeric);
    let before = words[..at].iter().rev().find(is_name);
    let name = before.copied().unwrap_or_default();
    assigned(Role::Any { name }, words[at], new) || {
        let (parts, new_parts) = (parts(words[at]), parts(new));
        parts.len() > 1
            && differ_only(&parts, &new_parts, |at| {
                let inner = parts[..at].iter().rev().find(|part| part.len() > 1);
                let name = inner.copied().unwrap_or(name);
                assigned(Role::Any { name }, parts[at], new_parts[at])
            })
    }
}

/// The parts of a word and the signs between them.
fn parts(word: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for part in word.split_inclusive(|sign: char| !sign.is_alphanumeric()) {
        let end = part.trim_end_matches(|sign: char| !sign.is_alphanumeric()).len();
        out.extend(
            [&part[..end], &part[end..]]
                .into_iter()
                .filter(|piece| !piece.is_empty()),
        );
    }
    out
}

/// Whether a word is a time with a fraction, and its unit follows: `3.38ms`, or `3.38` before `ms`.
fn is_measured(word: &str, next: Option<&str>) -> bool {
    let word = word.trim_end_matches(['.', ':']);
    let digits = word.trim_end_matches(|sign: char| sign.is_alphabetic());
    let unit = &word[digits.len()..];
    let has_unit = |unit: &str| UNITS.contains(&unit.trim_end_matches(['.', ':']));
    let is_number = digits.contains('.') && digits.parse::<f64>().is_ok();
    is_number && (has_unit(unit) || (unit.is_empty() && next.is_some_and(has_unit)))
}

/// Whether the texts of two versions differ in more than the words that vary within one version. `false` if
/// no word varies, or the texts of one version have no common form.
pub(super) fn differ_beyond_noise(before: &[String], after: &[String]) -> bool {
    let (Some((one, varies)), Some((other, new_varies))) = (common(before), common(after)) else {
        return false;
    };
    if !varies && !new_varies {
        return false;
    }
    let is_same = |(word, new): (Option<&str>, Option<&str>)| word.is_none() || new.is_none() || word == new;
    one.len() != other.len() || !one.into_iter().zip(other).all(is_same)
}

/// The words that all texts have at the same position, `None` for the others, and whether there are others.
fn common(texts: &[String]) -> Option<(Vec<Option<&str>>, bool)> {
    let (first, others) = texts.split_first()?;
    let mut out: Vec<Option<&str>> = words(first).into_iter().map(Some).collect();
    let mut varies = false;
    for text in others {
        let words = words(text);
        if words.is_empty() || words.len() != out.len() {
            return None;
        }
        for (known, word) in out.iter_mut().zip(words) {
            if *known != Some(word) {
                varies = true;
                *known = None;
            }
        }
    }
    Some((out, varies))
}

#[cfg(test)]
mod tests {
    use super::{differ_beyond_noise, is_measured, words};

    #[test]
    fn words_and_signs_make_up_the_text() {
        let text = "<p>Queries took 3.38ms</p>\n";
        assert_eq!(words(text).concat(), text);
        assert_eq!(words("a b=c"), ["a", " ", "b", "=", "c"]);
    }

    #[test]
    fn a_measured_time_has_a_fraction_and_a_unit() {
        for (word, next, expected) in [
            ("3.38ms", None, true),
            ("0.012s.", None, true),
            ("3.38", Some("ms"), true),
            ("3.38", Some("items"), false),
            ("3ms", None, false),
            ("3.38", None, false),
            ("1.2.3", Some("s"), false),
        ] {
            assert_eq!(is_measured(word, next), expected, "{word} {next:?}");
        }
    }

    #[test]
    fn noise_in_a_text_hides_no_other_change() {
        let of = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (before, after, expected) in [
            (
                ["took 1 in all", "took 2 in all"],
                ["took 3 in all", "took 4 in all"],
                false,
            ),
            (
                ["took 1 in all", "took 2 in all"],
                ["took 3 in sum", "took 4 in sum"],
                true,
            ),
            (
                ["took 1 in all", "took 2 in all"],
                ["it took 3 in all", "it took 4 in all"],
                true,
            ),
            // Only the baseline varies.
            (
                ["took 1 in all", "took 2 in all"],
                ["took 3 in sum", "took 3 in sum"],
                true,
            ),
            // Nothing varies here: the noise is that of another case.
            (["a", "a"], ["b", "b"], false),
            // The texts of one version have no common form.
            (["a", "a b"], ["c", "c"], false),
        ] {
            assert_eq!(
                differ_beyond_noise(&of(&before), &of(&after)),
                expected,
                "{before:?} {after:?}"
            );
        }
    }
}
