//! Header fields whose value is a list without a significant order (RFC 9110 §5.6.1): compared as sets.

use std::collections::BTreeSet;

/// How the items of a list are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ItemComparison {
    /// As they are: methods and the like are case-sensitive.
    Exact,
    /// Tokens and names of fields: without case.
    Token,
    /// `name=value`: the name without case, a quoted value equal to the same token.
    Directive,
}

/// The fields; documented in `docs/reference/cases.md`.
const LISTS: [(&str, ItemComparison); 18] = [
    ("accept-ch", ItemComparison::Token),
    ("accept-patch", ItemComparison::Token),
    ("accept-post", ItemComparison::Token),
    ("accept-ranges", ItemComparison::Token),
    ("access-control-allow-headers", ItemComparison::Token),
    ("access-control-allow-methods", ItemComparison::Exact),
    ("access-control-expose-headers", ItemComparison::Token),
    ("allow", ItemComparison::Exact),
    ("cache-control", ItemComparison::Directive),
    ("clear-site-data", ItemComparison::Exact),
    ("connection", ItemComparison::Token),
    ("content-language", ItemComparison::Token),
    ("pragma", ItemComparison::Directive),
    ("proxy-connection", ItemComparison::Token),
    ("timing-allow-origin", ItemComparison::Exact),
    ("trailer", ItemComparison::Token),
    ("upgrade", ItemComparison::Token),
    ("vary", ItemComparison::Token),
];

/// Whether a field, given in lower case, is compared as a set.
pub(crate) fn is_list(name: &str) -> bool {
    item(name).is_some()
}

fn item(name: &str) -> Option<ItemComparison> {
    LISTS.iter().find(|(known, _)| *known == name).map(|(_, item)| *item)
}

/// The items of all values of a field as a set, each in one spelling; `None` for other fields.
pub(crate) fn set<'v>(name: &str, values: impl Iterator<Item = &'v str>) -> Option<BTreeSet<String>> {
    let item = item(name)?;
    Some(
        values
            .flat_map(split)
            .map(|one| match item {
                ItemComparison::Exact => one.to_owned(),
                ItemComparison::Token => one.to_ascii_lowercase(),
                ItemComparison::Directive => directive(one),
            })
            .collect(),
    )
}

/// All values of a list field in one spelling; `None` for other fields.
pub(crate) fn normal<'v>(name: &str, values: impl Iterator<Item = &'v str>) -> Option<String> {
    set(name, values).map(|set| set.into_iter().collect::<Vec<_>>().join(", "))
}

/// The items of one value, without empty ones; a comma in a quoted string is not a separator.
fn split(value: &str) -> Vec<&str> {
    let (mut items, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                items.push(&value[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&value[start..]);
    items
        .into_iter()
        .map(|item| item.trim_matches([' ', '\t']))
        .filter(|item| !item.is_empty())
        .collect()
}

fn directive(text: &str) -> String {
    let Some((name, value)) = text.split_once('=') else {
        return text.to_ascii_lowercase();
    };
    let value = value.trim_matches([' ', '\t']);
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let value = inner.filter(|inner| super::is_token(inner)).unwrap_or(value);
    format!("{}={value}", name.trim_matches([' ', '\t']).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(name: &str, one: &[&str], other: &[&str]) -> bool {
        set(name, one.iter().copied()).unwrap() == set(name, other.iter().copied()).unwrap()
    }

    #[test]
    fn lists_are_sets() {
        for (name, one, other) in [
            ("allow", &["GET, HEAD"][..], &["HEAD,GET"][..]),
            ("allow", &["GET, HEAD"], &["HEAD", "GET"]),
            ("allow", &["GET, , GET,"], &["\tGET "]),
            ("allow", &[""], &[","]),
            ("vary", &["Accept, Origin"], &["origin,ACCEPT"]),
            (
                "cache-control",
                &["no-cache, max-age=60"],
                &["Max-Age=\"60\", No-Cache"],
            ),
            ("cache-control", &["private=\"a, b\""], &["PRIVATE=\"a, b\""]),
            ("connection", &["Keep-Alive"], &["keep-alive"]),
        ] {
            assert!(same(name, one, other), "{name}: {one:?} {other:?}");
        }
        for (name, one, other) in [
            ("allow", "GET", "get"),
            ("allow", "GET", "GET, HEAD"),
            ("access-control-allow-methods", "PATCH", "patch"),
            ("vary", "Accept", "Accept-Encoding"),
            ("cache-control", "max-age=60", "max-age=61"),
            ("cache-control", "private=\"a, b\"", "private=\"b, a\""),
            ("cache-control", "no-store", "no-cache"),
        ] {
            assert!(!same(name, &[one], &[other]), "{name}: {one} {other}");
        }
        assert!(!is_list("content-encoding") && !is_list("etag"));
    }
}
