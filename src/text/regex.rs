//! Regular expressions of bounded size.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use regex::Regex;

/// Maximum number of patterns that are kept.
const KEPT: usize = 256;
/// Maximum size of one compiled pattern in bytes.
pub(crate) const MAX_REGEX: usize = 10 << 20;
/// Compiled patterns up to this size are not counted.
const SMALL_REGEX: usize = 128 << 10;
/// Maximum size of all larger patterns together in bytes.
const MAX_LARGE: usize = 64 << 20;

/// Memory of compiled patterns; the engine only reports whether a pattern fits a limit.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    used: usize,
}

impl Budget {
    /// Compiles a pattern with the smallest limit that it fits. `compile` fails with the reason, or with `None` if the
    /// pattern exceeds the limit.
    pub(crate) fn charge<T>(&mut self, compile: impl Fn(usize) -> Result<T, Option<String>>) -> Result<T, String> {
        for limit in [SMALL_REGEX, 1 << 20, MAX_REGEX] {
            let cost = if limit == SMALL_REGEX { 0 } else { limit };
            if self.used + cost > MAX_LARGE {
                return Err("the regular expressions of this project are too large together".to_owned());
            }
            match compile(limit) {
                Ok(compiled) => {
                    self.used += cost;
                    return Ok(compiled);
                }
                Err(Some(reason)) => return Err(reason),
                Err(None) => {}
            }
        }
        Err(format!(
            "not a regular expression within the limits: it is too large (compiled, more than {} MiB)",
            MAX_REGEX >> 20
        ))
    }
}

/// Compiles a pattern of bounded size; the error is `None` if it is too large.
pub(crate) fn bounded_regex(text: &str, limit: usize) -> Result<Regex, Option<String>> {
    regex::RegexBuilder::new(text)
        .size_limit(limit)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => None,
            error => {
                let reason = error.to_string();
                let last = reason.lines().last().unwrap_or_default().trim();
                Some(format!(
                    "not a regular expression: {}",
                    last.trim_start_matches("error: ")
                ))
            }
        })
}

/// A compiled pattern: each is compiled once, even if many cases use it. The error is a fragment with the reason.
pub(crate) fn regex(text: &str) -> Result<Arc<Regex>, String> {
    #[derive(Default)]
    struct PatternCache {
        patterns: BTreeMap<String, Arc<Regex>>,
        budget: Budget,
        /// Large patterns that have been counted.
        charged: BTreeSet<String>,
    }
    static KNOWN: Mutex<Option<PatternCache>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_with(PatternCache::default);
    if let Some(pattern) = known.patterns.get(text) {
        return Ok(Arc::clone(pattern));
    }
    let pattern = if known.charged.contains(text) {
        bounded_regex(text, MAX_REGEX).map_err(Option::unwrap_or_default)?
    } else {
        let before = known.budget.used;
        let pattern = known.budget.charge(|limit| bounded_regex(text, limit))?;
        if known.budget.used > before {
            known.charged.insert(text.to_owned());
        }
        pattern
    };
    let pattern = Arc::new(pattern);
    if known.patterns.len() >= KEPT {
        known.patterns.clear();
    }
    known.patterns.insert(text.to_owned(), Arc::clone(&pattern));
    Ok(pattern)
}

/// A pattern that differs from case to case, so that it is not kept.
pub(crate) fn regex_once(text: &str) -> Result<Arc<Regex>, String> {
    Budget::default()
        .charge(|limit| bounded_regex(text, limit))
        .map(Arc::new)
}

/// Whether a pattern is found in every text of one line, so that a test with it cannot fail: it matches the empty text
/// without an anchor, or its anchors exclude nothing (`^.*$`).
pub(crate) fn matches_every_text(pattern: &Regex) -> bool {
    const VARIED: &str = "Zz9 _-./:;,!?\"'()[]{}<>@#$%&*+=|\\^~`\t\u{7}\u{7f}\u{a0}é\u{4e2d}\u{1f600}\u{10ffff}";
    // The first test excludes nearly every pattern.
    ["", "a", "0", " ", "-", "\u{1}", "é", VARIED]
        .iter()
        .all(|text| pattern.is_match(text))
        && pattern.is_match(&"x1 ".repeat(5000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_cannot_fail_is_recognized() {
        let always = |pattern: &str| matches_every_text(&Regex::new(pattern).unwrap());
        for pattern in [
            "",
            "a*",
            ".*",
            "(x|)",
            "^",
            "$",
            "^.*$",
            "^.*",
            "(?s)^.*$",
            "a?",
            "[a-z]*[0-9]*",
            r"^\s*",
            "()",
            "(?m)^",
            "x{0,3}",
            "a|b*",
            "^$|.",
        ] {
            assert!(always(pattern), "{pattern}");
        }
        for pattern in [
            "^$",
            "a",
            "^(abc)?$",
            "^a*$",
            ".",
            r"\S",
            r"^\d*$",
            "^.{0,500}$",
            "^[[:ascii:]]*$",
            r"^\P{Cc}*$",
            ".+",
            "^.+$",
            r"\b",
        ] {
            assert!(!always(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_large_pattern_is_rejected_with_the_reason() {
        assert!(regex("(a{1000}){1000}").is_err_and(|error| error.contains("too large")));
        assert!(regex("(a{1000}").is_err_and(|error| error.contains("unclosed group")));
        assert!(regex_once("((a{1000}){100}){100}").is_err_and(|error| error.contains("too large")));
        let large = |index: usize| regex(&format!("{index}(a{{1000}}){{20}}"));
        let failed = (0..200).find_map(|index| large(index).err());
        assert!(failed.is_some_and(|error| error.contains("too large together")));
    }
}
