//! Finds the operation of a request by its method and path.

use std::collections::{BTreeMap, HashMap};

use super::{
    Operation, PathTemplate,
    model::{PathPiece, decoded},
};

/// The operations by their paths.
#[derive(Debug)]
pub(super) struct Routes {
    /// Paths without parameters, decoded.
    literal: HashMap<String, Vec<usize>>,
    /// Paths with parameters, by number of segments; the more specific ones first.
    templates: BTreeMap<usize, Vec<usize>>,
    /// Paths of the servers' URLs, the longest first.
    prefixes: Vec<String>,
}

impl Routes {
    pub(super) fn new(operations: &[Operation], servers: &[String]) -> Self {
        let mut routes = Self {
            literal: HashMap::new(),
            templates: BTreeMap::new(),
            prefixes: servers.iter().filter_map(|url| path_of(url)).collect(),
        };
        routes.prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
        for (index, operation) in operations.iter().enumerate() {
            if operation.path.names().next().is_none() {
                let path = decoded(&operation.path.text);
                routes.literal.entry(path).or_default().push(index);
            } else {
                let count = operation.path.segments.len();
                routes.templates.entry(count).or_default().push(index);
            }
        }
        for indexes in routes.templates.values_mut() {
            indexes.sort_by_key(|index| specificity(&operations[*index].path));
        }
        routes
    }

    /// The operation of a request, and the values of its path parameters as sent.
    pub(super) fn find(
        &self,
        operations: &[Operation],
        method: &str,
        path: &str,
    ) -> Option<(usize, HashMap<String, String>)> {
        // A slash at the end is optional, unless only one of both forms is declared.
        let shorter = path.strip_suffix('/').filter(|path| !path.is_empty());
        let longer = format!("{path}/");
        let mut forms = vec![path];
        forms.extend(shorter.or_else(|| (!path.ends_with('/')).then_some(longer.as_str())));
        let of_servers = self
            .prefixes
            .iter()
            .filter_map(|prefix| path.strip_prefix(prefix.as_str()));
        forms.extend(of_servers.filter(|path| path.starts_with('/')));
        forms
            .into_iter()
            .find_map(|path| self.find_exactly(operations, method, path))
    }

    fn find_exactly(
        &self,
        operations: &[Operation],
        method: &str,
        path: &str,
    ) -> Option<(usize, HashMap<String, String>)> {
        let is_method = |index: &&usize| operations[**index].method == method;
        let literal = self.literal.get(&decoded(path)).into_iter().flatten();
        if let Some(index) = literal.into_iter().find(is_method) {
            return Some((*index, HashMap::new()));
        }
        let segments: Vec<_> = path.strip_prefix('/')?.split('/').collect();
        let candidates = self.templates.get(&segments.len())?;
        candidates.iter().filter(is_method).find_map(|index| {
            let values = matched(&operations[*index].path, &segments)?;
            Some((*index, values))
        })
    }

    /// The methods of a path.
    pub(super) fn methods<'o>(&self, operations: &'o [Operation], path: &str) -> Vec<&'o str> {
        let mut methods: Vec<&str> = Vec::new();
        for operation in operations {
            if !methods.contains(&operation.method.as_str()) && self.find(operations, &operation.method, path).is_some()
            {
                methods.push(&operation.method);
            }
        }
        methods
    }

    /// The values of the path parameters of an operation.
    pub(super) fn values(&self, operation: &Operation, path: &str) -> Option<HashMap<String, String>> {
        let prefixes = self.prefixes.iter().map(String::as_str).chain([""]);
        let paths = prefixes.filter_map(|prefix| path.strip_prefix(prefix)?.strip_prefix('/'));
        paths
            .flat_map(|path| [path, path.strip_suffix('/').unwrap_or(path)])
            .find_map(|path| matched(&operation.path, &path.split('/').collect::<Vec<_>>()))
    }

    /// A path with another value of a parameter.
    pub(super) fn replaced(&self, operation: &Operation, path: &str, name: &str, value: &str) -> Option<String> {
        let template = &operation.path;
        let at = |pieces: &Vec<PathPiece>| {
            pieces
                .iter()
                .any(|piece| *piece == PathPiece::Parameter(name.to_owned()))
        };
        let at = template.segments.iter().position(at)?;
        let prefixes = self.prefixes.iter().map(String::as_str).chain([""]);
        prefixes.into_iter().find_map(|prefix| {
            let rest = path.strip_prefix(prefix)?.strip_prefix('/')?;
            let mut segments: Vec<_> = rest.split('/').map(str::to_owned).collect();
            let end =
                segments.len() - usize::from(segments.len() == template.segments.len() + 1 && rest.ends_with('/'));
            let own: Vec<_> = segments[..end].iter().map(String::as_str).collect();
            let values = matched(template, &own)?;
            let piece = |piece: &PathPiece| match piece {
                PathPiece::Literal(text) => text.clone(),
                PathPiece::Parameter(other) if other == name => value.to_owned(),
                PathPiece::Parameter(other) => values.get(other).cloned().unwrap_or_default(),
            };
            segments[at] = template.segments[at].iter().map(piece).collect();
            Some(format!("{prefix}/{}", segments.join("/")))
        })
    }
}

/// The path of a URL without the slash at its end, if it is not empty.
fn path_of(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = if url.contains("://") {
        &rest[rest.find('/')?..]
    } else {
        rest
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    (path.starts_with('/') && path.len() > 1).then(|| path.to_owned())
}

/// Sorts the more specific paths first: at each segment, text comes before parameters.
fn specificity(path: &PathTemplate) -> Vec<(u8, std::cmp::Reverse<usize>)> {
    let segment = |pieces: &Vec<PathPiece>| {
        let is_text = |piece: &&PathPiece| matches!(piece, PathPiece::Literal(_));
        let length = pieces.iter().filter(is_text).map(|piece| match piece {
            PathPiece::Literal(text) => text.len(),
            PathPiece::Parameter(_) => 0,
        });
        let kind = match pieces.iter().filter(is_text).count() {
            count if count == pieces.len() => 0,
            0 => 2,
            _ => 1,
        };
        (kind, std::cmp::Reverse(length.sum()))
    };
    path.segments.iter().map(segment).collect()
}

/// The values of the parameters if the segments match.
fn matched(path: &PathTemplate, segments: &[&str]) -> Option<HashMap<String, String>> {
    if path.segments.len() != segments.len() {
        return None;
    }
    let mut values = HashMap::new();
    for (pieces, segment) in path.segments.iter().zip(segments) {
        match_segment(pieces, segment, &mut values)?;
    }
    Some(values)
}

/// Matches one segment: the first parameter takes as much as possible, as in `{name}.{ext}`.
fn match_segment(pieces: &[PathPiece], segment: &str, values: &mut HashMap<String, String>) -> Option<()> {
    match pieces {
        [] => segment.is_empty().then_some(()),
        [PathPiece::Literal(text)] => (decoded(segment) == *text).then_some(()),
        [PathPiece::Parameter(name)] => {
            if segment.is_empty() {
                return None;
            }
            values.insert(name.clone(), segment.to_owned());
            Some(())
        }
        [PathPiece::Literal(text), rest @ ..] => match_segment(rest, segment.strip_prefix(text.as_str())?, values),
        [PathPiece::Parameter(name), rest @ ..] => {
            for (end, _) in segment.char_indices().skip(1).collect::<Vec<_>>().into_iter().rev() {
                if match_segment(rest, &segment[end..], values).is_some() {
                    values.insert(name.clone(), segment[..end].to_owned());
                    return Some(());
                }
            }
            None
        }
    }
}
