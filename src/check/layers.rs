//! Which kinds of checks notice something: the same judgement as [`super::check`], without saying what is wrong.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BodyTest, Expectation, Level, ResponseView, body, header, rules, same_as, snapshot};
use crate::{
    model::{Answer, Reply, Request},
    schema,
};

/// A kind of check, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The status code.
    Status,
    /// Header fields.
    Headers,
    /// The JSON Schema of the body.
    Schema,
    /// Other demands on the body: JSON, text, empty.
    Body,
    /// The answer of another case (`same_as`) and the time limit.
    Other,
    /// The standing rules of HTTP.
    Rules,
    /// The snapshot.
    Snapshot,
}

impl Layer {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Status,
        Self::Headers,
        Self::Schema,
        Self::Body,
        Self::Other,
        Self::Rules,
        Self::Snapshot,
    ];
}

/// The layers that fail a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noticed(u8);

impl Noticed {
    fn add(&mut self, layer: Layer, fails: bool) {
        self.0 |= u8::from(fails) << layer as u8;
    }

    /// The first in the order of [`Layer`].
    pub(crate) fn first(self) -> Option<Layer> {
        Layer::ALL.into_iter().find(|layer| self.has(*layer))
    }

    /// The only one, where there is one.
    pub(crate) fn only(self) -> Option<Layer> {
        self.first().filter(|_| self.0.is_power_of_two())
    }

    pub(crate) fn has(self, layer: Layer) -> bool {
        self.0 >> layer as u8 & 1 == 1
    }
}

/// Judges an answer. The body is read once, for whatever asks for JSON.
pub(crate) fn noticed(expected: &Expectation, request: &Request, answer: &Answer, other: Option<&Reply>) -> Noticed {
    let mut noticed = Noticed::default();
    if let Some((status, _)) = &expected.status {
        noticed.add(Layer::Status, !status.contains(answer.status));
    }
    let mut findings = Vec::new();
    for one in expected.headers.iter() {
        header::check(one, answer, &mut findings);
    }
    noticed.add(Layer::Headers, !findings.is_empty());
    findings.clear();
    let view = &ResponseView::new(answer, expected.max_body);
    let wants_json = expected.body.iter().find(|one| body::wants_json(&one.test));
    if let Some(one) = wants_json
        && view.json().is_err()
    {
        let is_schema = matches!(one.test, BodyTest::Schema(_));
        noticed.add(if is_schema { Layer::Schema } else { Layer::Body }, true);
    }
    for one in expected.body.iter() {
        if let BodyTest::Schema(schema) = &one.test {
            let is_valid = view.json().map_or(true, |value| schema::is_valid(schema, value));
            noticed.add(Layer::Schema, !is_valid);
        } else {
            body::check_one(one, view, &mut findings);
            noticed.add(Layer::Body, !findings.is_empty());
            findings.clear();
        }
    }
    let is_late = |limit: Duration| answer.elapsed() > limit;
    noticed.add(
        Layer::Other,
        expected.duration.as_ref().is_some_and(|(limit, _)| is_late(*limit)),
    );
    if let (Some(expected), Some(other)) = (&expected.same_as, other) {
        same_as::check(expected, view, other, &mut findings);
        noticed.add(Layer::Other, !findings.is_empty());
        findings.clear();
    }
    rules::check(&expected.rules, request, view, &mut findings);
    noticed.add(
        Layer::Rules,
        findings.iter().any(|finding| finding.level == Level::Deny),
    );
    if let Some(expected) = &expected.snapshot {
        noticed.add(Layer::Snapshot, !snapshot::is_same(expected, view));
    }
    noticed
}
