//! A text that matches a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Maximum number of repetitions of a part.
const REPEATED: u32 = 100;
/// Maximum length of a text in bytes.
const MAX_BYTES: usize = 1000;

/// A text that matches a pattern and passes a test; `None` if none was found.
pub(super) fn text(pattern: &str, fits: &dyn Fn(&str) -> bool) -> Option<String> {
    // JavaScript's escape of a slash.
    let pattern = pattern.replace("\\/", "/");
    let parsed = regex_syntax::Parser::new().parse(&pattern).ok()?;
    let found = (1..=REPEATED).chain([0]).find_map(|wanted| {
        let mut text = String::new();
        write(&parsed, wanted, &mut text)?;
        fits(&text).then_some(text)
    })?;
    let regex = crate::text::regex_once(&pattern).ok()?;
    regex.is_match(&found).then_some(found)
}

/// Appends a match; parts that can be repeated are repeated `wanted` times, if they can.
fn write(part: &Hir, wanted: u32, out: &mut String) -> Option<()> {
    if out.len() > MAX_BYTES {
        return None;
    }
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => out.push(character(class)?),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(REPEATED);
            // What is optional is left out.
            let count = if most <= 1 {
                repetition.min
            } else {
                wanted.clamp(repetition.min, most.max(repetition.min))
            };
            for _ in 0..count {
                write(&repetition.sub, wanted, out)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, wanted, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, wanted, out)?;
            }
        }
        HirKind::Alternation(parts) => write(parts.first()?, wanted, out)?,
    }
    Some(())
}

/// A character of a class: a usual one if there is one.
fn character(class: &Class) -> Option<char> {
    let has = |wanted: char| match class {
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .any(|range| (range.start()..=range.end()).contains(&wanted)),
        Class::Bytes(class) => u8::try_from(wanted).is_ok_and(|byte| {
            class
                .ranges()
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&byte))
        }),
    };
    let usual = "a1Ab0-_. /:".chars().find(|c| has(*c));
    usual.or_else(|| match class {
        Class::Unicode(class) => class.ranges().first().map(regex_syntax::hir::ClassUnicodeRange::start),
        Class::Bytes(class) => class.ranges().first().map(|range| char::from(range.start())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_matches_its_pattern() {
        for (pattern, expected) in [
            ("^[a-z]{3}-[0-9]{2}$", "aaa-11"),
            ("^(draft|open)$", "draft"),
            (r"^\d{4}-\d{2}$", "1111-11"),
            ("^#?[A-F0-9]{6}$", "111111"),
            ("^a+$", "a"),
            ("ab*c", "abc"),
            (r"^\/x\/[^/]+$", "/x/a"),
        ] {
            assert_eq!(text(pattern, &|_| true).as_deref(), Some(expected), "{pattern}");
        }
        assert_eq!(text("^[a-z]+$", &|text| text.len() == 5).as_deref(), Some("aaaaa"));
        assert_eq!(text("^(?=a)b$", &|_| true), None);
        assert_eq!(text("^[a-z]$", &|text| text.len() == 2), None);
    }
}
