//! The nearest known name.

/// The name of `known` that is most similar to `given`, if any is similar enough.
pub(crate) fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let fold = |name: &str| name.to_lowercase().replace(['-', ' '], "_");
    let given = fold(given);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&given, &fold(name)), name))
        .filter(|(distance, name)| *distance <= (given.chars().count().max(name.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn misspelling_is_recognized_and_different_word_is_not() {
        let known = ["request", "expect", "examples", "redact_headers"];
        assert_eq!(nearest("expct", known), Some("expect"));
        assert_eq!(nearest("Examples", known), Some("examples"));
        assert_eq!(nearest("redact-headers", known), Some("redact_headers"));
        assert_eq!(nearest("weather", known), None);
    }
}
