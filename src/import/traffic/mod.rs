//! Observed exchanges as a first `OpenAPI` document.
//!
//! [`TrafficGathering`] keeps shapes and numbers only, never a value: neither an id nor a credential nor a text of a body
//! reaches the document.

mod document;
mod facts;
mod paths;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    document::written_document,
    facts::{TrafficExchange, TrafficOperation},
    paths::{TrafficPath, TrafficSegment, decoded_segments, describes, other_slash, path_of, rank, templates},
};
use crate::{
    check::{MAX_DECODED, ResponseView, below},
    model::{Attempt, CaseFinished, Outcome},
};

/// Methods that a document of version 3.1 can declare, and that are described.
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
/// Statuses that do not show that a path exists.
const ABSENT: [u16; 3] = [404, 405, 501];
/// Maximum number of different paths.
const MAX_PATHS: usize = 20_000;

/// What is observed of an API.
#[derive(Debug, Default)]
pub struct TrafficGathering {
    paths: BTreeMap<TrafficPath, BTreeMap<String, TrafficOperation>>,
    /// Segments that are captured or generated values, each with the path up to it.
    values: BTreeSet<(TrafficPath, usize)>,
    /// The paths of the base URLs.
    bases: BTreeSet<String>,
    left_out: BTreeMap<String, usize>,
    exchanges: usize,
}

/// A document that describes what was observed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrafficDocument {
    /// The document as YAML.
    pub text: String,
    /// Number of operations.
    pub operations: usize,
    /// Number of exchanges that it describes.
    pub exchanges: usize,
    /// What it does not describe.
    pub notes: Vec<String>,
}

impl TrafficGathering {
    /// Adds the exchanges of a case. `base` is the base URL of the target, without a slash at its end.
    pub fn case(&mut self, case: &CaseFinished, base: &str) {
        let origin = base.split_once("://").map_or(base, |(_, rest)| rest);
        let path = origin.find('/').map_or("", |at| &origin[at..]);
        self.bases.insert(path.to_owned());
        for attempt in case.previous.iter().chain([&case.last]).chain(&case.repeats) {
            self.attempt(attempt, base);
        }
    }

    fn attempt(&mut self, attempt: &Attempt, base: &str) {
        let mut known: BTreeSet<String> = BTreeSet::new();
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        for step in &attempt.steps {
            known.extend(step.generated.values().map(text));
            if let Some(exchange) = &step.exchange {
                let request = &exchange.request;
                match &exchange.outcome {
                    Outcome::Response(response) if !request.is_mail() && !response.is_refusal() => {
                        let view = ResponseView::new(response, MAX_DECODED);
                        match below(&request.url, base) {
                            Some((path, query)) => {
                                let query = query.unwrap_or_default();
                                self.exchange(&TrafficExchange { request, view, query }, path, &known);
                            }
                            None => self.leave_out("sent to another URL than the target's"),
                        }
                    }
                    Outcome::Response(_) => {}
                    _ => self.leave_out("no response"),
                }
            }
            known.extend(step.captures.values().map(text));
        }
    }

    fn leave_out(&mut self, reason: impl Into<String>) {
        *self.left_out.entry(reason.into()).or_default() += 1;
    }

    fn exchange(&mut self, exchange: &TrafficExchange<'_>, path: &str, known: &BTreeSet<String>) {
        let method = exchange.request.method.as_str();
        if !METHODS.contains(&method) {
            return self.leave_out("the method is not described");
        }
        if !(100..600).contains(&exchange.view.status) {
            return self.leave_out("the status cannot be declared");
        }
        let segments = decoded_segments(path);
        let path = path_of(&segments);
        if !self.paths.contains_key(&path) && self.paths.len() >= MAX_PATHS {
            return self.leave_out("too many different paths");
        }
        for (index, segment) in segments.iter().enumerate() {
            let is_literal = matches!(&path[index], TrafficSegment::Literal(text) if !text.is_empty());
            if is_literal && index > 0 && known.contains(segment) && exchange.is_accepted() {
                self.values.insert((path[..=index].to_vec(), index));
            }
        }
        let operations = self.paths.entry(path.clone()).or_default();
        let operation = operations.entry(method.to_owned()).or_default();
        let values = segments.iter().enumerate();
        operation.observe(
            exchange,
            values.filter(|(index, _)| path[*index] == TrafficSegment::Parameter),
        );
        self.exchanges += 1;
    }

    /// The document, or `None` if no operation was observed.
    pub fn finish(mut self) -> Option<TrafficDocument> {
        let shapes = self.paths.iter().map(|(path, operations)| {
            let get = operations.get("GET").and_then(TrafficOperation::signature);
            (path.clone(), get)
        });
        // A path that was never accepted does not say what is below it.
        let shapes: BTreeMap<_, _> = shapes.collect();
        let found = templates(&shapes, &self.values);
        let declared = declared(&self.paths, &found);
        let mut operations: BTreeMap<TrafficPath, BTreeMap<String, TrafficOperation>> = BTreeMap::new();
        for (path, of_path) in std::mem::take(&mut self.paths) {
            for (method, facts) in of_path {
                let Some((template, method)) = best(&declared, &path, &method) else {
                    self.exchanges -= facts.exchanges();
                    let entry = self
                        .left_out
                        .entry("no request for their path and method succeeded".to_owned());
                    *entry.or_default() += facts.exchanges();
                    continue;
                };
                let own = operations
                    .entry(template.clone())
                    .or_default()
                    .entry(method)
                    .or_default();
                own.merge(facts, &path, &template);
            }
        }
        let count = operations.values().map(BTreeMap::len).sum();
        let notes = self.left_out.iter().map(|(reason, count)| {
            let noun = if *count == 1 { "exchange" } else { "exchanges" };
            format!("{count} {noun}: {reason}")
        });
        let notes: Vec<_> = notes.collect();
        (count > 0).then(|| TrafficDocument {
            text: written_document(&operations, &self.bases, &notes),
            operations: count,
            exchanges: self.exchanges,
            notes,
        })
    }
}

type TrafficRoutes = BTreeMap<TrafficPath, BTreeSet<String>>;

/// The templates and methods that the document declares.
fn declared(
    paths: &BTreeMap<TrafficPath, BTreeMap<String, TrafficOperation>>,
    found: &BTreeMap<TrafficPath, TrafficPath>,
) -> TrafficRoutes {
    let template_of = |path: &TrafficPath| found.get(path).unwrap_or(path).clone();
    let is_alive =
        |operations: &BTreeMap<String, TrafficOperation>| operations.values().any(TrafficOperation::is_accepted);
    let alive = paths.iter().filter(|(_, operations)| is_alive(operations));
    let alive: BTreeSet<_> = alive.map(|(path, _)| template_of(path)).collect();
    let mut all: TrafficRoutes = BTreeMap::new();
    for (path, operations) in paths {
        let own = template_of(path);
        // A missing id leaves an empty segment.
        let inner = path.iter().take(path.len().saturating_sub(1));
        let has_gap = inner
            .into_iter()
            .any(|segment| *segment == TrafficSegment::Literal(String::new()));
        if has_gap && !alive.contains(&own) {
            continue;
        }
        // A path that was never accepted is that of an object that does not exist, or of an invalid id.
        let template = if alive.contains(&own) {
            own
        } else {
            let others = alive.iter().filter(|template| describes(template, path));
            others.min_by_key(|template| rank(template)).cloned().unwrap_or(own)
        };
        for (method, facts) in operations {
            if facts.statuses().any(|status| !ABSENT.contains(&status)) {
                all.entry(template.clone()).or_default().insert(method.clone());
            }
        }
    }
    // A response to HEAD is that to GET without its content.
    for methods in all.values_mut().filter(|methods| methods.contains("GET")) {
        methods.remove("HEAD");
    }
    all
}

/// The template and method that describe a request, as requests are matched with documents.
fn best(declared: &TrafficRoutes, path: &TrafficPath, method: &str) -> Option<(TrafficPath, String)> {
    let forms = [Some(path.clone()), other_slash(path)];
    let methods = [Some(method), (method == "HEAD").then_some("GET")];
    methods.into_iter().flatten().find_map(|method| {
        forms.iter().flatten().find_map(|form| {
            let all = declared
                .iter()
                .filter(|(template, methods)| methods.contains(method) && describes(template, form));
            let (template, _) = all.min_by_key(|(template, _)| rank(template))?;
            Some((template.clone(), method.to_owned()))
        })
    })
}
