//! What was observed and is not declared.

use std::collections::{BTreeMap, HashMap};

use super::data::{DriftLevel, ExchangePlace, Undeclared, UndeclaredKind};
use crate::{check::sha256, model::Location, openapi::DocumentPart, text::is_id};

/// Maximum number of undeclared parts.
const MAX_UNDECLARED: usize = 5000;
/// Maximum number of undeclared names in one place; more are one part.
const MAX_NAMES: usize = 20;
/// Maximum number of exchanges that are named for each.
const MAX_EXAMPLES: usize = 3;
/// Maximum length of a name in bytes.
const MAX_NAME: usize = 200;

/// Identifies an undeclared part. The order is that of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DriftKey {
    pub(super) kind: UndeclaredKind,
    /// The index of the document.
    pub(super) document: usize,
    /// Method and path.
    pub(super) operation: String,
    pub(super) place: String,
    pub(super) name: String,
}

/// An undeclared part.
pub(super) struct DriftFacts {
    level: DriftLevel,
    message: String,
    pub(super) part: DocumentPart,
    exchanges: usize,
    cases: usize,
    last_case: usize,
    examples: Vec<ExchangePlace>,
}

/// How a part is reported when it is observed first.
pub(super) struct DriftNote {
    pub(super) level: DriftLevel,
    pub(super) message: String,
    pub(super) part: DocumentPart,
}

/// All undeclared parts.
#[derive(Default)]
pub(super) struct DriftMap {
    pub(super) all: BTreeMap<DriftKey, DriftFacts>,
    /// The number of different names in each place.
    names: HashMap<(usize, String, String), usize>,
    /// Observations of further parts.
    pub(super) left_out: usize,
}

impl DriftMap {
    /// Counts an observation. `case` numbers the cases of all recordings.
    pub(super) fn add(
        &mut self,
        mut key: DriftKey,
        case: usize,
        place: &dyn Fn() -> ExchangePlace,
        note: impl FnOnce(&DriftKey) -> DriftNote,
    ) {
        key.name.truncate(key.name.floor_char_boundary(MAX_NAME));
        key.operation.truncate(key.operation.floor_char_boundary(2 * MAX_NAME));
        if !self.all.contains_key(&key) {
            let names = (key.document, key.operation.clone(), key.place.clone());
            let known = self.names.get(&names).copied().unwrap_or(0);
            if known >= MAX_NAMES {
                "*".clone_into(&mut key.name);
            }
            if !self.all.contains_key(&key) {
                if self.all.len() >= MAX_UNDECLARED {
                    self.left_out += 1;
                    return;
                }
                self.names.insert(names, known + 1);
                let DriftNote { level, message, part } = note(&key);
                let facts = DriftFacts {
                    level,
                    message,
                    part,
                    exchanges: 0,
                    cases: 0,
                    last_case: usize::MAX,
                    examples: Vec::new(),
                };
                self.all.insert(key.clone(), facts);
            }
        }
        let Some(facts) = self.all.get_mut(&key) else { return };
        facts.exchanges += 1;
        if facts.last_case != case {
            facts.last_case = case;
            facts.cases += 1;
            if facts.examples.len() < MAX_EXAMPLES {
                facts.examples.push(place());
            }
        }
    }
}

impl DriftFacts {
    /// The part as it is reported.
    pub(super) fn report(self, key: DriftKey, document: String, location: Location) -> Undeclared {
        let parts = [key.kind.id(), &document, &key.operation, &key.place, &key.name];
        let mut fingerprint = sha256(parts.join("\n").as_bytes());
        fingerprint.truncate(16);
        Undeclared {
            fingerprint,
            kind: key.kind,
            level: self.level,
            document,
            operation: key.operation,
            place: key.place,
            name: key.name,
            message: self.message,
            location,
            exchanges: self.exchanges,
            cases: self.cases,
            examples: self.examples,
        }
    }
}

/// A path with `{}` in place of segments that are likely to be ids, so that requests for many objects are one path.
pub(super) fn path_shape(path: &str) -> String {
    let is_id = |segment: &str| segment.contains('$') || is_id(segment);
    let segments = path
        .split('/')
        .map(|segment| if is_id(segment) { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_that_are_ids_are_one_path() {
        for (path, shape) in [
            ("/users/17/orders", "/users/{}/orders"),
            ("/v1/cafe/add", "/v1/cafe/add"),
            ("/a/0189f7f0-1111-7abc-8000-000000000001", "/a/{}"),
            ("/a/01HV6Z8Q7X2M4N5P6R7S8T9V0W/", "/a/{}/"),
            ("/$tenant/x", "/{}/x"),
            ("/", "/"),
        ] {
            assert_eq!(path_shape(path), shape);
        }
    }

    #[test]
    fn many_names_in_one_place_are_one_part() {
        let mut map = DriftMap::default();
        let place = || -> ExchangePlace {
            ExchangePlace {
                case: "s/c".to_owned(),
                step: None,
                location: Location {
                    file: "f".into(),
                    line: 1,
                    column: 1,
                },
                recording: "r".to_owned(),
                line: 2,
            }
        };
        for number in 0..1000 {
            let key = DriftKey {
                kind: UndeclaredKind::Property,
                document: 0,
                operation: "GET /a".to_owned(),
                place: "response 200".to_owned(),
                name: format!("key {number}"),
            };
            map.add(key, number, &place, |_| DriftNote {
                level: DriftLevel::Warning,
                message: String::new(),
                part: DocumentPart::default(),
            });
        }
        assert_eq!(map.all.len(), MAX_NAMES + 1);
        let rest = map.all.iter().find(|(key, _)| key.name == "*").unwrap().1;
        assert_eq!((rest.exchanges, rest.cases, rest.examples.len()), (980, 980, 3));
    }
}
