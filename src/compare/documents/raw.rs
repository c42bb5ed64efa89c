//! Whether two parts of documents mean the same, apart from descriptions and the structure of references.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{operations::DocumentComparer, shape::is_cosmetic};
use crate::openapi::{ApiDocument, DocumentPart};

/// Maximum length of a chain of references.
const MAX_CHAIN: usize = 64;

/// Where a part leads if it is a reference inside its file.
fn followed(document: &ApiDocument, part: &DocumentPart) -> DocumentPart {
    let mut here = part.clone();
    for _ in 0..MAX_CHAIN {
        let reference = document.value(&here).and_then(|value| value.get("$ref"));
        let Some(pointer) = reference
            .and_then(Value::as_str)
            .and_then(|text| text.strip_prefix('#'))
        else {
            break;
        };
        let next = here.in_file(pointer);
        if document.value(&next).is_none() {
            break;
        }
        here = next;
    }
    here
}

/// Whether two parts mean the same; a part that does not exist is equal to an empty one.
pub(super) fn same_text(comparer: &DocumentComparer<'_, '_>, old: &DocumentPart, new: &DocumentPart) -> bool {
    let (documents, mut seen) = ((comparer.old, comparer.new), HashSet::new());
    let mut open = vec![(old.clone(), new.clone(), false)];
    while let Some((a, b, is_map)) = open.pop() {
        let (a, b) = (followed(documents.0, &a), followed(documents.1, &b));
        if !seen.insert((a.clone(), b.clone())) {
            continue;
        }
        let (one, other) = (documents.0.value(&a), documents.1.value(&b));
        match (one, other) {
            (Some(Value::Object(one)), Some(Value::Object(other))) => {
                // The keys of these are names and not keywords.
                let is_named = |key: &str| ["properties", "headers", "schemas", "content"].contains(&key);
                let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
                for key in keys.into_iter().filter(|key| is_map || !is_cosmetic(key)) {
                    if !one.contains_key(key) || !other.contains_key(key) {
                        return false;
                    }
                    open.push((a.at(key), b.at(key), !is_map && is_named(key)));
                }
            }
            (Some(Value::Array(one)), Some(Value::Array(other))) => {
                if one.len() != other.len() {
                    return false;
                }
                let indexes = (0..one.len()).map(|index| index.to_string());
                open.extend(indexes.map(|index| (a.at(&index), b.at(&index), false)));
            }
            (Some(one), Some(other)) => {
                if one != other {
                    return false;
                }
            }
            (None, None) => {}
            (Some(value), None) | (None, Some(value)) => {
                let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
                if !is_empty {
                    return false;
                }
            }
        }
    }
    true
}
