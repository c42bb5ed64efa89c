//! Observed paths as templates: segments that are ids become parameters.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

use super::{super::names::name_of, shape::is_date};
use crate::text::is_id;

/// Maximum length of a segment that is not a parameter.
const MAX_SEGMENT: usize = 60;
/// Number of paths that differ in one segment from which on it is a parameter.
const SIBLINGS: usize = 3;

/// A segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TrafficSegment {
    /// A text, decoded.
    Literal(String),
    /// A value.
    Parameter,
}

/// The segments of a path.
pub(super) type TrafficPath = Vec<TrafficSegment>;

/// The segments of a path as requested, decoded.
pub(super) fn decoded_segments(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    path.split('/').map(decoded).collect()
}

/// A path in which every segment that looks like an id is a parameter.
pub(super) fn path_of(segments: &[String]) -> TrafficPath {
    let one = |segment: &String| {
        let is_word = |c: char| c.is_alphanumeric() || "._~-:!,;=+*()".contains(c);
        let is_value =
            !segment.chars().all(is_word) || segment.len() > MAX_SEGMENT || is_id(segment) || is_date(segment);
        if is_value && !segment.is_empty() {
            TrafficSegment::Parameter
        } else {
            TrafficSegment::Literal(segment.clone())
        }
    };
    segments.iter().map(one).collect()
}

/// Whether a template describes the requests of a path.
pub(super) fn describes(template: &TrafficPath, path: &TrafficPath) -> bool {
    let is_same = |(template, path): (&TrafficSegment, &TrafficSegment)| match template {
        TrafficSegment::Parameter => *path != TrafficSegment::Literal(String::new()),
        TrafficSegment::Literal(_) => template == path,
    };
    template.len() == path.len() && template.iter().zip(path).all(is_same)
}

/// The more specific template has the lower rank, as in the search for an operation.
pub(super) fn rank(template: &TrafficPath) -> Vec<bool> {
    template
        .iter()
        .map(|segment| *segment == TrafficSegment::Parameter)
        .collect()
}

/// A path with and without a slash at its end.
pub(super) fn other_slash(path: &TrafficPath) -> Option<TrafficPath> {
    let empty = TrafficSegment::Literal(String::new());
    let mut other = path.clone();
    if other.last() == Some(&empty) {
        other.pop();
    } else {
        other.push(empty);
    }
    (!other.is_empty()).then_some(other)
}

/// The templates of paths, each with the shape of its response to GET, if it was accepted: paths that are equal but for one
/// segment, and have responses of the same shape, are one template with a parameter. `values` are segments that are known to
/// be values.
pub(super) fn templates(
    paths: &BTreeMap<TrafficPath, Option<String>>,
    values: &BTreeSet<(TrafficPath, usize)>,
) -> BTreeMap<TrafficPath, TrafficPath> {
    let mut found: BTreeMap<TrafficPath, TrafficPath> = BTreeMap::new();
    for path in paths.keys() {
        let mut template = path.clone();
        for (index, segment) in template.iter_mut().enumerate() {
            if values.contains(&(path[..=index].to_vec(), index)) {
                *segment = TrafficSegment::Parameter;
            }
        }
        found.insert(path.clone(), template);
    }
    let longest = paths.keys().map(Vec::len).max().unwrap_or(0);
    for index in 1..longest {
        let mut groups: BTreeMap<(TrafficPath, &String), BTreeSet<String>> = BTreeMap::new();
        let all: BTreeSet<TrafficPath> = found.values().cloned().collect();
        for (path, template) in &found {
            let (Some(segment), Some(Some(shape))) = (template.get(index), paths.get(path)) else {
                continue;
            };
            // The collection around the values is a path itself.
            if !all.contains(&template[..index]) {
                continue;
            }
            let mut key = template.clone();
            key[index] = TrafficSegment::Parameter;
            let group = groups.entry((key, shape)).or_default();
            group.insert(match segment {
                TrafficSegment::Literal(text) => text.clone(),
                TrafficSegment::Parameter => String::new(),
            });
        }
        let is_parameter = |names: &BTreeSet<String>| {
            let has_digit = |name: &String| name.contains(|c: char| c.is_ascii_digit());
            let is_some = names.contains("") && names.len() > 1;
            is_some || names.len() >= SIBLINGS || names.len() > 1 && names.iter().all(has_digit)
        };
        let merged: BTreeMap<TrafficPath, TrafficPath> = (groups.into_iter().filter(|(_, names)| is_parameter(names)))
            .flat_map(|((key, _), names)| {
                names.into_iter().filter(|name| !name.is_empty()).map(move |name| {
                    let mut from = key.clone();
                    from[index] = TrafficSegment::Literal(name);
                    (from, key.clone())
                })
            })
            .collect();
        // What is below a value belongs to the parameter, too.
        let starts: BTreeMap<TrafficPath, TrafficPath> = merged
            .iter()
            .map(|(from, to)| (from[..=index].to_vec(), to[..=index].to_vec()))
            .collect();
        for template in found.values_mut().filter(|template| template.len() > index) {
            if let Some(to) = starts.get(&template[..=index]) {
                template[..=index].clone_from_slice(to);
            }
        }
    }
    found
}

/// A template as it is written, and the names of its parameters with the indexes of their segments.
pub(super) fn written(template: &TrafficPath) -> (String, Vec<(usize, String)>) {
    let (mut text, mut names): (String, Vec<(usize, String)>) = (String::new(), Vec::new());
    for (index, segment) in template.iter().enumerate() {
        text.push('/');
        match segment {
            TrafficSegment::Literal(literal) => text.push_str(literal),
            TrafficSegment::Parameter => {
                let before = index.checked_sub(1).and_then(|index| template.get(index));
                let stem = parameter_name(before);
                let mut all = std::iter::once(stem.clone()).chain((2..).map(|number| format!("{stem}_{number}")));
                let name = all
                    .find(|name| names.iter().all(|(_, known)| known != name))
                    .unwrap_or(stem);
                text.push('{');
                text.push_str(&name);
                text.push('}');
                names.push((index, name));
            }
        }
    }
    (text, names)
}

/// `user_id` after `users`.
fn parameter_name(before: Option<&TrafficSegment>) -> String {
    let Some(TrafficSegment::Literal(word)) = before else {
        return "id".to_owned();
    };
    let mut snake = String::new();
    for c in word.chars() {
        if c.is_ascii_uppercase() && snake.ends_with(|c: char| c.is_ascii_lowercase()) {
            snake.push('_');
        }
        snake.push(c);
    }
    let name = name_of(&snake);
    let is_version = name
        .strip_prefix('v')
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
    if is_version || name == "value" {
        return "id".to_owned();
    }
    format!("{}_id", singular(&name))
}

fn singular(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for end in ["sses", "xes", "shes", "ches"] {
        if name.ends_with(end) {
            return name[..name.len() - 2].to_owned();
        }
    }
    let is_plural = name.len() > 2 && !["ss", "us", "is"].iter().any(|end| name.ends_with(end));
    let stem = name.strip_suffix('s').filter(|_| is_plural);
    stem.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[(&str, &str)]) -> Vec<String> {
        let paths = paths.iter().map(|(path, shape)| {
            let shape = (!shape.is_empty()).then(|| (*shape).to_owned());
            (path_of(&decoded_segments(path)), shape)
        });
        let found = templates(&paths.collect(), &BTreeSet::new());
        let all: BTreeSet<_> = found.values().map(|template| written(template).0).collect();
        all.into_iter().collect()
    }

    #[test]
    fn ids_are_named_after_the_segment_before() {
        for (path, template) in [
            ("/", "/"),
            ("/users/17/orders/18", "/users/{user_id}/orders/{order_id}"),
            ("/v1/17", "/v1/{id}"),
            ("/v1/cafe/add", "/v1/cafe/add"),
            (
                "/categories/0189f7f0-1111-7abc-8000-000000000001/",
                "/categories/{category_id}/",
            ),
            ("/orderItems/2025-01-31", "/orderItems/{order_item_id}"),
            ("/addresses/$TOKEN/$TOKEN", "/addresses/{address_id}/{id}"),
            ("/users/1/users/2", "/users/{user_id}/users/{user_id_2}"),
            ("/a%20b/c%7Bd%7D", "/{id}/{id_2}"),
            ("/b%C3%BCcher/x", "/bücher/x"),
            ("/users/ada@example.com", "/users/{user_id}"),
        ] {
            assert_eq!(of(&[(path, "")]), [template]);
        }
    }

    #[test]
    fn segments_that_differ_are_a_parameter() {
        let users = [
            ("/users", "l"),
            ("/users/ada", "u"),
            ("/users/bob", "u"),
            ("/users/eve", "u"),
            ("/users/ada/posts", "p"),
        ];
        assert_eq!(of(&users), ["/users", "/users/{user_id}", "/users/{user_id}/posts"]);
        // Two are too few, unless they have digits or one is an id.
        assert_eq!(of(&users[..3]).len(), 3);
        assert_eq!(of(&[("/users", "l"), ("/users/u1", "u"), ("/users/u2", "u")]).len(), 2);
        assert_eq!(of(&[("/users", "l"), ("/users/17", "u"), ("/users/me", "u")]).len(), 2);
        assert_eq!(
            of(&[("/users", "l"), ("/users/17", "u"), ("/users/me", "other")]).len(),
            3
        );
        // Nothing is known about paths that are next to each other.
        assert_eq!(of(&[("/countries", "l"), ("/cities", "l"), ("/regions", "l")]).len(), 3);
        assert_eq!(
            of(&[("/geo/countries", "l"), ("/geo/cities", "l"), ("/geo/regions", "l")]).len(),
            3
        );
    }
}
