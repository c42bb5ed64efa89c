//! What the suite says of its cases: which values it calls volatile, and what it demands.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    check::{Declared, SchemaStore, StatusSet},
    suite::{CaseDef, HeaderDef, MatcherDef, PatternDef, PatternDefKind, Suites, TextTestDef},
};

use super::difference::Part;

/// Words among the tags of cases that are about who may do what.
const AUTHORISATION: [&str; 9] = [
    "access",
    "auth",
    "authentication",
    "authorisation",
    "authorization",
    "forbidden",
    "permission",
    "refusal",
    "security",
];

/// What is known of the cases of a project.
#[derive(Debug, Default)]
pub struct Facts<'s> {
    cases: BTreeMap<String, Arc<CaseDef>>,
    schemas: Option<&'s SchemaStore>,
}

impl<'s> Facts<'s> {
    /// Of loaded suites.
    pub fn of(suites: &Suites, schemas: &'s SchemaStore) -> Self {
        let cases = suites.cases.iter();
        Self {
            cases: cases.map(|case| (case.id.clone(), Arc::clone(&case.def))).collect(),
            schemas: Some(schemas),
        }
    }

    /// What the schema of a case's body declares at a place.
    pub(super) fn declared(&self, case: &str, pointer: &str) -> Option<Declared> {
        let schema = self.cases.get(case)?.expect.body.schema.as_ref()?;
        Some(self.schemas?.declared(&schema.value.reference, pointer))
    }

    /// The statuses that a case expects.
    pub(super) fn statuses(&self, case: &str) -> Option<&StatusSet> {
        self.cases.get(case)?.expect.status.as_ref().map(|status| &status.value)
    }

    /// The case whose answer nobody may be able to tell from that of this one.
    pub(super) fn same_as(&self, case: &str) -> Option<&str> {
        self.cases
            .get(case)?
            .expect
            .same_as
            .as_ref()
            .map(|other| other.value.as_str())
    }

    /// Whether a case is about who may do what, by its tags.
    pub(super) fn is_about_authorisation(tags: &[String]) -> bool {
        tags.iter()
            .any(|tag| AUTHORISATION.contains(&tag.to_ascii_lowercase().as_str()))
    }

    /// How a case itself calls the value of a place volatile, if it does.
    pub(super) fn volatile(&self, case: &str, part: &Part) -> Option<&'static str> {
        let def = self.cases.get(case)?;
        match part {
            Part::Body(pointer) => {
                if def.snapshots.redact.iter().any(|redacted| covers(redacted, pointer)) {
                    return Some("the suite redacts it");
                }
                let pattern = def.expect.body.json.as_ref()?;
                is_open(pattern, &steps(pointer)).then_some("the suite takes any value that its matcher takes")
            }
            Part::Header(name) => {
                let (_, test) = def
                    .expect
                    .headers
                    .iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
                let is_open = match &test.value {
                    HeaderDef::Value(tests) => tests.iter().all(|test| {
                        matches!(
                            test,
                            TextTestDef::Matches(_) | TextTestDef::Within(_) | TextTestDef::Contains(_)
                        )
                    }),
                    HeaderDef::Present => true,
                    HeaderDef::Absent => false,
                };
                is_open.then_some("the suite takes any value that its test takes")
            }
            Part::Whole | Part::Status => None,
        }
    }
}

fn steps(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Whether a pointer with `*` leads to the place or above it.
fn covers(pointer: &str, place: &str) -> bool {
    let (pointer, place) = (steps(pointer), steps(place));
    pointer.len() <= place.len()
        && pointer
            .iter()
            .zip(&place)
            .all(|(step, at)| step == "*" || step == at || (at == "*" && step.parse::<usize>().is_ok()))
}

/// Whether nothing but matchers that take more than one value is asked at the place.
fn is_open(pattern: &PatternDef, steps: &[String]) -> bool {
    match (&pattern.kind, steps) {
        (PatternDefKind::Match(matchers), []) => {
            !matchers.is_empty()
                && matchers.iter().all(|matcher| match matcher {
                    MatcherDef::Matches(_)
                    | MatcherDef::Type(_)
                    | MatcherDef::Within(_)
                    | MatcherDef::Length(_)
                    | MatcherDef::Contains(_)
                    | MatcherDef::Each(_) => true,
                    MatcherDef::Any(is_there) => *is_there,
                    MatcherDef::Equals(_) | MatcherDef::OneOf(_) | MatcherDef::Status => false,
                })
        }
        (PatternDefKind::Object(entries), [step, rest @ ..]) => {
            entries.iter().any(|(key, entry)| key == step && is_open(entry, rest))
        }
        (PatternDefKind::Array(items), [step, rest @ ..]) => {
            step == "*" && !items.is_empty() && items.iter().all(|item| is_open(item, rest))
        }
        (PatternDefKind::Match(matchers), [step, rest @ ..]) => matchers.iter().any(|matcher| match matcher {
            MatcherDef::Each(item) => step == "*" && is_open(item, rest),
            _ => false,
        }),
        _ => false,
    }
}

/// A pointer of one answer with `*` for the items of arrays, as far as numbers tell.
pub(super) fn general(pointer: &str) -> String {
    let mut out = String::new();
    for step in pointer.split('/').skip(1) {
        if step.parse::<usize>().is_ok() {
            out.push_str("/*");
        } else {
            out.push('/');
            out.push_str(step);
        }
    }
    out
}
