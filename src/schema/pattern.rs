//! Regular expressions of schemas, bounded in size.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jsonschema::PatternOptions;
use serde_json::json;

use crate::text::{Budget, MAX_REGEX, bounded_regex};

/// Maximum number of patterns whose result is kept.
const MAX_KEPT: usize = 4096;

/// Whether a `pattern` can be compiled, by itself and together with all others so far.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    type Known = (Budget, BTreeMap<String, Result<(), String>>);
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let (budget, results) = known.get_or_insert_with(Default::default);
    if let Some(result) = results.get(pattern) {
        return result.clone();
    }
    let result = budget.charge(|limit| {
        let options =
            jsonschema::draft202012::options().with_pattern_options(PatternOptions::regex().size_limit(limit));
        match options.build(&json!({ "pattern": pattern })) {
            Ok(_) => Ok(()),
            // The validator reports only that the pattern is invalid; the engine reports the reason.
            Err(_) => Err(match bounded_regex(pattern, limit) {
                Err(reason) => reason,
                Ok(_) if limit < MAX_REGEX => None,
                Ok(_) => Some("not a regular expression that is supported here".to_owned()),
            }),
        }
    });
    if results.len() >= MAX_KEPT {
        results.clear();
    }
    results.insert(pattern.to_owned(), result.clone());
    result
}

/// The options of every schema.
pub(super) fn options() -> PatternOptions<jsonschema::Regex> {
    PatternOptions::regex().size_limit(MAX_REGEX)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_pattern_that_is_invalid_or_too_large_is_rejected() {
        assert_eq!(super::check("^[a-z]{2,4}$"), Ok(()));
        assert_eq!(super::check(r"^[\p{L}\d ._-]{1,64}$"), Ok(()));
        for (pattern, part) in [
            ("(", "unclosed group"),
            ("(?=a)", "look-around"),
            ("((a{1000}){1000}){10}", "too large"),
        ] {
            let error = super::check(pattern).err().unwrap_or_default();
            assert!(error.contains(part), "{pattern}: {error}");
        }
    }
}
