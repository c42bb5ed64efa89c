//! The nearest known name.

/// The name of `known` that `given` was most likely meant to be, if any is near enough to say so.
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
    fn a_slip_is_recognised_and_a_different_word_is_not() {
        let known = ["request", "expect", "examples", "redact_headers"];
        assert_eq!(nearest("expct", known), Some("expect"));
        assert_eq!(nearest("Examples", known), Some("examples"));
        assert_eq!(nearest("redact-headers", known), Some("redact_headers"));
        assert_eq!(nearest("weather", known), None);
    }
}
