//! Where the value of a capture can be expected in a response: by the names of properties, and by what precedes it in a text.
//!
//! A short captured value, such as the id 17, could be any number. It is taken for the captured one only at such a location.

/// Minimum length in bytes of a captured value that hardly occurs by chance.
pub(crate) const MIN_DISTINCT: usize = 4;

/// Whether a property identifies a resource, by its name: `id`, `user_id`, `userId`, `uuid`.
pub(crate) fn is_identifier(name: &str) -> bool {
    let is_whole = matches!(
        name.to_ascii_lowercase().as_str(),
        "id" | "_id" | "uuid" | "guid" | "uid"
    );
    is_whole
        || ["_id", "-id", "Id", "ID", "_uuid", "Uuid", "UUID"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// Where a captured value comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct CaptureOrigin {
    /// The name of the property or header field that is captured.
    pub(crate) property: Option<String>,
    /// The resource that the request is about, if an identifier is captured: `order` of `/orders`.
    pub(crate) resource: Option<String>,
}

/// A noun without the ending of its plural.
fn singular(noun: &str) -> String {
    match noun.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => noun.strip_suffix('s').unwrap_or(noun).to_owned(),
    }
}

/// The resource that a path is about, by its last segment that is not a parameter.
pub(crate) fn resource(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next()?;
    let is_fixed = |segment: &&str| !segment.is_empty() && !segment.contains(['{', '}']);
    Some(singular(&path.rsplit('/').find(is_fixed)?.to_lowercase()))
}

/// Whether a name is that of a resource, or of its identifier: `order`, `Orders`, `order_id`, `orderId`.
fn is_named_after(name: &str, resource: &str) -> bool {
    let lower = name.to_lowercase();
    let stem = lower.strip_suffix("id").filter(|_| is_identifier(name));
    singular(&lower) == resource || stem.is_some_and(|stem| stem.trim_end_matches(['_', '-']) == resource)
}

/// How certainly the value of a capture is expected after a name, from 1; none if it is not. `name` is that of a property, or
/// what precedes the value in a text.
pub(crate) fn expectation(name: &str, capture: &str, origin: &CaptureOrigin) -> Option<u8> {
    let by_name = expected_by_name(name, capture, origin.property.as_deref());
    let of_resource = origin
        .resource
        .as_ref()
        .filter(|resource| is_named_after(name, resource));
    by_name.max(of_resource.map(|_| 2))
}

/// The same without the resource.
fn expected_by_name(name: &str, capture: &str, property: Option<&str>) -> Option<u8> {
    let (lower, capture) = (name.to_lowercase(), capture.to_lowercase());
    if lower == capture || property.is_some_and(|property| property.to_lowercase() == lower && !is_identifier(property))
    {
        return Some(3);
    }
    let singular = lower.strip_suffix('s').unwrap_or(&lower);
    let bare = |text: &str| text.replace(['_', '-'], "");
    let is_of = |name: &str| {
        let mut words = capture.split('_');
        let stem = name
            .strip_suffix("id")
            .map_or(name, |stem| stem.trim_end_matches(['_', '-']));
        words.any(|word| word == name) || (stem.len() > 2 && bare(&capture).starts_with(&bare(stem)))
    };
    if !is_identifier(&lower) && (is_of(&lower) || is_of(singular)) {
        return Some(2);
    }
    if is_identifier(name) || is_identifier(singular) {
        return Some(if is_of(&lower) { 2 } else { 1 });
    }
    matches!(name, "/" | "#").then_some(1)
}

/// What precedes a position in a text: a word, or one of the signs `/` and `#`.
pub(crate) fn preceding(text: &str) -> &str {
    let is_of_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let signs = text.trim_end_matches(|sign: char| !is_of_word(sign) && !matches!(sign, '/' | '#') || sign == '_');
    if let Some(sign) = signs.chars().next_back().filter(|sign| !is_of_word(*sign)) {
        return &signs[signs.len() - sign.len_utf8()..];
    }
    let start = signs.rfind(|sign| !is_of_word(sign));
    let start = start.map_or(0, |at| at + signs[at..].chars().next().map_or(1, char::len_utf8));
    &signs[start..]
}

/// Whether a part of a text is a whole word or number: not a part of a longer one, of a decimal or of a date.
pub(crate) fn is_word(text: &str, range: &std::ops::Range<usize>) -> bool {
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let is_inner = |sign: Option<char>| sign.is_some_and(char::is_alphanumeric);
    let is_number = text[range.clone()].bytes().all(|byte| byte.is_ascii_digit());
    let joins = |sign: Option<char>, next: Option<char>| {
        sign.is_some_and(|sign| matches!(sign, '.' | ',' | ':' | '-')) && next.is_some_and(|next| next.is_ascii_digit())
    };
    let (mut back, mut forth) = (before.chars().rev(), after.chars());
    let (last, next) = (back.next(), forth.next());
    !is_inner(last) && !is_inner(next) && !(is_number && (joins(last, back.next()) || joins(next, forth.next())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_value_is_expected_after_identifier_names() {
        let origin = CaptureOrigin {
            property: Some("number".to_owned()),
            resource: None,
        };
        let of = |name: &str| expectation(name, "order_id", &origin);
        for (name, certainty) in [
            ("order_id", Some(3)),
            ("number", Some(3)),
            ("orderId", Some(2)),
            ("order", Some(2)),
            ("Orders", Some(2)),
            // Words of the name of the capture.
            ("id", Some(2)),
            ("ids", Some(2)),
            ("customer_id", Some(1)),
            ("/", Some(1)),
            ("#", Some(1)),
            ("total", None),
            ("paid", None),
            ("or", None),
            ("", None),
            ("=", None),
        ] {
            assert_eq!(of(name), certainty, "{name}");
        }
    }

    #[test]
    fn captured_identifier_is_expected_after_its_resource() {
        for (path, expected) in [
            ("/orders", Some("order")),
            ("/v1/customers/{id}/orders/{order}?a=/b", Some("order")),
            ("/categories/", Some("category")),
            ("/{id}", None),
            ("/", None),
        ] {
            assert_eq!(resource(path).as_deref(), expected, "{path}");
        }
        let origin = CaptureOrigin {
            property: Some("id".to_owned()),
            resource: resource("/orders"),
        };
        let of = |name: &str| expectation(name, "first", &origin);
        for (name, certainty) in [
            ("Order", Some(2)),
            ("orders", Some(2)),
            ("order_id", Some(2)),
            ("orderId", Some(2)),
            ("id", Some(1)),
            ("customer_id", Some(1)),
            ("total", None),
            ("ordered", None),
        ] {
            assert_eq!(of(name), certainty, "{name}");
        }
    }

    #[test]
    fn word_before_a_value_is_found() {
        for (text, expected) in [
            ("Order 17", "Order"),
            ("order-17.pdf", "order"),
            ("order_id: 17", "order_id"),
            ("order_17", "order"),
            ("see #17", "#"),
            ("/orders/17/lines", "/"),
            ("?order=17", "order"),
            ("17", ""),
            ("ä 17", "ä"),
        ] {
            let at = text.find("17").unwrap();
            assert_eq!(preceding(&text[..at]), expected, "{text}");
        }
    }

    #[test]
    fn part_of_a_longer_number_is_not_a_word() {
        let is_word_in = |text: &str| {
            let at = text.find("17").unwrap();
            is_word(text, &(at..at + 2))
        };
        for text in ["17", "a 17.", "#17)", "order-17", "/17/", "17, 18", "x_17"] {
            assert!(is_word_in(text), "{text}");
        }
        for text in ["170", "3.17", "17.5", "2026-11-17", "17:30", "a17", "17th"] {
            assert!(!is_word_in(text), "{text}");
        }
    }
}
