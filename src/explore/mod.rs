//! Requests that the document of an API allows, made from the request of a case: values at the limits of their schemas one at a
//! time, then generated ones.
//!
//! [`Explorer`] makes them, [`simpler`](Explorer::simpler) gives simpler ones for one that fails. What a request changes is an
//! [`ExploredInput`]; [`Explorer::row`] is how a case contains it.

mod parts;
mod shrink;
mod values;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::{
    strategy::{BoxedStrategy, Just, Strategy as _, Union, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value};

use self::parts::{PartValue, Parts, RequestPart, WrittenRequest};
use crate::{check::ApiContract, openapi::Operation};

/// Number of times that a new request is looked for before all of them count as sent.
const ATTEMPTS: usize = 200;

/// What a request changes: values by the index of the part. The others are as in the case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExploredInput(BTreeMap<usize, PartValue>);

/// Makes the requests of one step. With the same seed, they are the same in the same order.
pub struct Explorer {
    parts: Vec<RequestPart>,
    kept: Vec<(String, &'static str)>,
    /// The request as the case writes it, with what it inherits.
    written: Value,
    /// Inputs at limits that were not taken yet, the next one last.
    edges: Vec<ExploredInput>,
    any: BoxedStrategy<Vec<Option<PartValue>>>,
    runner: TestRunner,
    /// The rows that were made.
    seen: HashSet<String>,
}

impl std::fmt::Debug for Explorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explorer")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

impl Explorer {
    /// `written` is the request of the step as JSON; `constants` are the variables in it whose values are constant.
    pub fn new(
        contract: &ApiContract,
        operation: &Operation,
        written: Value,
        constants: &BTreeSet<String>,
        seed: u64,
    ) -> Self {
        let request = WrittenRequest {
            value: &written,
            constants,
        };
        let Parts { all: parts, kept, .. } = Parts::of(contract, operation, request);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config {
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self {
            edges: edges(&parts),
            any: any(&parts),
            parts,
            kept,
            written,
            runner: TestRunner::new_with_rng(config, rng),
            seen: HashSet::new(),
        }
    }

    /// The names of the parts that are explored.
    pub fn parts(&self) -> impl Iterator<Item = String> {
        self.parts.iter().map(|part| part.place.name())
    }

    /// The parts that stay as they are, with the reasons.
    pub fn kept(&self) -> &[(String, &'static str)] {
        &self.kept
    }

    /// The next request; `None` if no new one was found.
    pub fn next_input(&mut self) -> Option<ExploredInput> {
        while let Some(input) = self.edges.pop() {
            if self.is_new(&input) {
                return Some(input);
            }
        }
        for _ in 0..ATTEMPTS {
            let values = self.any.new_tree(&mut self.runner).ok()?.current();
            let given = values.into_iter().enumerate();
            let input = ExploredInput(given.filter_map(|(part, value)| Some((part, value?))).collect());
            if self.is_new(&input) {
                return Some(input);
            }
        }
        None
    }

    /// Whether a request can be written and is not one of those that were made.
    pub fn is_new(&mut self, input: &ExploredInput) -> bool {
        let row = self.row(input);
        row.is_some_and(|row| !input.0.is_empty() && self.seen.insert(row.to_string()))
    }

    /// The `request` of a row: what differs from that of the case. `None` if a value cannot be written.
    pub fn row(&self, input: &ExploredInput) -> Option<Value> {
        let mut request = Map::new();
        for (index, value) in &input.0 {
            let part = &self.parts[*index];
            if let PartValue::Value(value) = value
                && has_braces(value)
            {
                return None;
            }
            part.write(value, &mut request, &self.written)?;
        }
        Some(Value::Object(request))
    }

    /// What is changed, for people: `query limit = 0`.
    pub fn describe(&self, input: &ExploredInput) -> String {
        let texts = input.0.iter().map(|(index, value)| {
            let name = self.parts[*index].place.name();
            match value {
                PartValue::Value(value) => format!("{name} = {}", crate::json::show(value)),
                PartValue::Absent => format!("{name} absent"),
            }
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    /// Simpler inputs, the simplest first.
    pub fn simpler(&self, input: &ExploredInput) -> Vec<ExploredInput> {
        shrink::simpler(input)
    }
}

/// One part at a time, at each of its limits. In the reverse order: they are taken from the end.
fn edges(parts: &[RequestPart]) -> Vec<ExploredInput> {
    let mut all = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let values = part.edges.iter().cloned().map(PartValue::Value);
        let absent = (part.can_be_absent && part.is_sent).then_some(PartValue::Absent);
        all.extend(
            absent
                .into_iter()
                .chain(values)
                .map(|value| ExploredInput([(index, value)].into())),
        );
    }
    all.reverse();
    all
}

/// Values of any of the parts.
fn any(parts: &[RequestPart]) -> BoxedStrategy<Vec<Option<PartValue>>> {
    let of_part = |part: &RequestPart| {
        let value = part
            .strategy
            .clone()
            .prop_map(|value| Some(PartValue::Value(value)))
            .boxed();
        let mut all = vec![(3, Just(None).boxed()), (4, value)];
        if part.can_be_absent && part.is_sent {
            all.push((1, Just(Some(PartValue::Absent)).boxed()));
        }
        Union::new_weighted(all).boxed()
    };
    let all: Vec<_> = parts.iter().map(of_part).collect();
    all.boxed()
}

/// Whether a text would be read as a variable.
fn has_braces(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::Array(items) => items.iter().any(has_braces),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| key.contains("{{") || has_braces(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
