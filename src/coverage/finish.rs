//! Makes the report of what was gathered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Gathering,
    data::{
        ContentCoverage, Coverage, CoverageMinimum, CoverageTally, Dimension, DimensionCoverage, DocumentCoverage,
        FORMAT, OperationCoverage, ParameterCoverage, StatusCoverage, Unobserved,
    },
    drift::DriftMap,
    facts::{ContentFacts, DocumentFacts, OperationFacts},
};
use crate::{
    model::{Exit, Location},
    openapi::{ApiDocument, DeclaredContent, DocumentPart, Operation},
};

/// Maximum number of unobserved parts.
const MAX_UNOBSERVED: usize = 20_000;

/// The tallies of all dimensions, in the order of [`Dimension::NAMES`].
#[derive(Clone, Copy, Default)]
struct Tallies([CoverageTally; 5]);

impl Tallies {
    fn of(&mut self, dimension: Dimension) -> &mut CoverageTally {
        &mut self.0[dimension as usize]
    }

    fn total(&self) -> CoverageTally {
        let mut total = CoverageTally::default();
        self.0.iter().for_each(|tally| total.join(*tally));
        total
    }

    fn list(&self) -> Vec<DimensionCoverage> {
        let all = Dimension::NAMES.iter().zip(self.0);
        let all = all.map(|((_, dimension), tally)| DimensionCoverage {
            dimension: *dimension,
            tally,
            percent: tally.percent(),
        });
        all.collect()
    }
}

/// An unobserved part, before its location is known.
struct Missing {
    dimension: Dimension,
    operation: usize,
    place: String,
    name: String,
    part: DocumentPart,
    contains: usize,
}

/// What is made of one document.
struct DocumentSummary<'f> {
    document: &'f ApiDocument,
    tallies: Tallies,
    missing: Vec<Missing>,
    /// Further ones.
    left_out: usize,
    /// The index of the operation.
    operation: usize,
}

impl DocumentSummary<'_> {
    /// Notes an unobserved part, with the number of parts in it.
    fn miss(&mut self, dimension: Dimension, (place, name): (&str, &str), part: &DocumentPart, contains: usize) {
        if self.missing.len() < MAX_UNOBSERVED {
            self.missing.push(Missing {
                dimension,
                operation: self.operation,
                place: place.to_owned(),
                name: name.to_owned(),
                part: part.clone(),
                contains,
            });
        } else {
            self.left_out += 1;
        }
    }

    /// Counts the parts of an operation. Of an unobserved part, its own parts are counted and not noted.
    fn operation(&mut self, operation: &Operation, facts: &OperationFacts) {
        let is_observed = facts.sighting.is_observed();
        let before = self.tallies.total().declared;
        self.tallies.of(Dimension::Operation).add(is_observed);
        for (parameter, facts) in operation.parameters.iter().zip(&facts.parameters) {
            let is_sent = facts.sighting.is_observed();
            self.tallies.of(Dimension::Parameter).add(is_sent);
            if is_observed && !is_sent {
                let name = format!("{} ({})", parameter.name, parameter.place.name());
                self.miss(Dimension::Parameter, ("request", &name), &parameter.part, 0);
            }
        }
        let declared = operation.body.iter().flat_map(|body| &body.content);
        for (content, facts) in declared.zip(&facts.request) {
            self.content("request", content, facts, is_observed);
        }
        for (response, facts) in operation.responses.iter().zip(&facts.responses) {
            let is_sent = facts.sighting.is_observed();
            self.tallies.of(Dimension::Status).add(is_sent);
            let place = format!("response {}", response.status);
            let before = self.tallies.total().declared;
            for (content, facts) in response.content.iter().zip(&facts.content) {
                self.content(&place, content, facts, is_sent);
            }
            if is_observed && !is_sent {
                let contains = self.tallies.total().declared - before;
                let status = response.status.to_string();
                self.miss(Dimension::Status, ("response", &status), &response.part, contains);
            }
        }
        if !is_observed {
            let contains = self.tallies.total().declared - before - 1;
            self.miss(Dimension::Operation, ("", ""), &operation.part, contains);
        }
    }

    fn content(&mut self, place: &str, content: &DeclaredContent, facts: &ContentFacts, is_around: bool) {
        let is_observed = facts.sighting.is_observed();
        self.tallies.of(Dimension::MediaType).add(is_observed);
        let properties = properties(facts);
        self.tallies.of(Dimension::Property).join(properties);
        if !is_around {
            return;
        }
        if !is_observed {
            let contains = properties.declared;
            let name = content.media_type.as_str();
            self.miss(Dimension::MediaType, (place, name), &content.part, contains);
            return;
        }
        let Some(tree) = &facts.tree else { return };
        // The number of properties in each node; a node comes after the one around it.
        let mut contained = vec![0; tree.nodes.len()];
        for (index, node) in tree.nodes.iter().enumerate().rev() {
            if let Some(parent) = node.parent {
                contained[parent] += contained[index] + usize::from(node.is_property);
            }
        }
        let mut is_noted = vec![false; tree.nodes.len()];
        for (index, node) in tree.nodes.iter().enumerate() {
            let is_inside = node.parent.is_some_and(|parent| is_noted[parent]);
            let is_missing = node.is_property && !facts.seen.get(index).is_some_and(|seen| *seen);
            is_noted[index] = is_inside || is_missing;
            if is_missing && !is_inside {
                let place = format!("{place} {}", content.media_type);
                self.miss(
                    Dimension::Property,
                    (&place, &node.pointer),
                    &node.part,
                    contained[index],
                );
            }
        }
    }
}

/// The properties of a content.
fn properties(facts: &ContentFacts) -> CoverageTally {
    let observed = facts.seen.iter().filter(|seen| **seen).count();
    CoverageTally {
        observed,
        declared: facts.tree.as_ref().map_or(0, |tree| tree.count),
    }
}

fn contents<'c>(declared: impl Iterator<Item = &'c DeclaredContent>, facts: &[ContentFacts]) -> Vec<ContentCoverage> {
    let all = declared.zip(facts).map(|(content, facts)| ContentCoverage {
        media_type: content.media_type.clone(),
        sighting: facts.sighting.clone(),
        properties: properties(facts),
    });
    all.collect()
}

fn operation(operation: &Operation, facts: &OperationFacts, location: Location) -> OperationCoverage {
    let parameters = operation.parameters.iter().zip(&facts.parameters);
    let parameters = parameters.map(|(parameter, facts)| ParameterCoverage {
        name: parameter.name.clone(),
        place: parameter.place.name().to_owned(),
        sighting: facts.sighting.clone(),
    });
    let responses = operation.responses.iter().zip(&facts.responses);
    let responses = responses.map(|(response, facts)| StatusCoverage {
        status: response.status.to_string(),
        sighting: facts.sighting.clone(),
        content: contents(response.content.iter(), &facts.content),
    });
    OperationCoverage {
        operation: operation.name(),
        id: operation.id.clone(),
        location,
        sighting: facts.sighting.clone(),
        parameters: parameters.collect(),
        request: contents(operation.body.iter().flat_map(|body| &body.content), &facts.request),
        responses: responses.collect(),
    }
}

/// The locations of parts of one document.
struct Places<'p> {
    document: &'p ApiDocument,
    known: HashMap<&'p DocumentPart, Location>,
}

impl Places<'_> {
    fn of(&self, part: &DocumentPart) -> Location {
        let known = self.known.get(part).cloned();
        known.unwrap_or_else(|| Location {
            file: self.document.name.as_str().into(),
            line: 1,
            column: 1,
        })
    }
}

impl Gathering {
    /// The report. `tool` is the name and version of the program.
    pub fn finish(self, tool: &str, minimums: &[CoverageMinimum]) -> Coverage {
        let (mut tallies, mut documents, mut unobserved) = (Tallies::default(), Vec::new(), Vec::new());
        let mut drift = self.drift;
        let (mut undeclared, mut unobserved_left_out) = (Vec::new(), 0);
        let undeclared_left_out = drift.left_out;
        let mut of_documents = by_document(&mut drift);
        for (index, facts) in self.documents.iter().enumerate().filter(|(_, facts)| facts.is_named) {
            let mut summary = DocumentSummary {
                document: &facts.document,
                tallies: Tallies::default(),
                missing: Vec::new(),
                left_out: 0,
                operation: 0,
            };
            for (at, (declared, facts)) in facts.document.operations.iter().zip(&facts.operations).enumerate() {
                summary.operation = at;
                summary.operation(declared, facts);
            }
            unobserved_left_out += summary.left_out;
            let own = of_documents.remove(&index).unwrap_or_default();
            let parts = parts(facts, &summary, &own);
            let places = Places {
                document: &facts.document,
                known: facts.document.locations(parts.iter()),
            };
            summary
                .tallies
                .0
                .iter()
                .zip(&mut tallies.0)
                .for_each(|(own, all)| all.join(*own));
            documents.push(document(facts, &summary, &places));
            unobserved.extend(
                summary
                    .missing
                    .iter()
                    .map(|missing| missing.report(&facts.document, &places)),
            );
            let name = &facts.document.name;
            undeclared.extend(own.all.into_iter().map(|(key, facts)| {
                let location = places.of(&facts.part);
                facts.report(key, name.clone(), location)
            }));
        }
        undeclared.sort_by_key(|one| one.level);
        let exchanges = documents.iter().flat_map(|one: &DocumentCoverage| &one.operations);
        let has_any = exchanges.into_iter().any(|one| one.sighting.is_observed());
        let dimensions = tallies.list();
        let total = tallies.total();
        let stopped = self.recordings.iter().find_map(|one| Some((one, one.stopped?)));
        let stopped = stopped.map(|(one, stop)| format!("`{}`: {}", one.path, stop.text()));
        let (headline, exit) = verdict(total, &dimensions, minimums, has_any, stopped.as_deref());
        Coverage {
            format: FORMAT,
            tool: tool.to_owned(),
            recordings: self.recordings,
            folder: self.folder,
            headline,
            total,
            percent: total.percent(),
            minimums: minimums.to_vec(),
            dimensions,
            is_cut: self.documents.iter().any(|facts| facts.is_named && facts.is_cut),
            documents,
            undeclared,
            undeclared_left_out,
            unobserved,
            unobserved_left_out,
            not_counted: self.not_counted.into_values().collect(),
            exit_code: exit.code(),
        }
    }
}

/// The undeclared parts of each document.
fn by_document(drift: &mut DriftMap) -> BTreeMap<usize, DriftMap> {
    let mut all: BTreeMap<usize, DriftMap> = BTreeMap::new();
    for (key, facts) in std::mem::take(&mut drift.all) {
        all.entry(key.document).or_default().all.insert(key, facts);
    }
    all
}

/// The parts whose locations are reported.
fn parts(facts: &DocumentFacts, summary: &DocumentSummary<'_>, drift: &DriftMap) -> BTreeSet<DocumentPart> {
    let operations = facts.document.operations.iter().map(|operation| &operation.part);
    let missing = summary.missing.iter().map(|missing| &missing.part);
    let undeclared = drift.all.values().map(|facts| &facts.part);
    operations.chain(missing).chain(undeclared).cloned().collect()
}

fn document(facts: &DocumentFacts, summary: &DocumentSummary<'_>, places: &Places<'_>) -> DocumentCoverage {
    let operations = summary.document.operations.iter().zip(&facts.operations);
    let operations = operations.map(|(declared, facts)| operation(declared, facts, places.of(&declared.part)));
    DocumentCoverage {
        document: summary.document.name.clone(),
        title: summary.document.title.clone(),
        dimensions: summary.tallies.list(),
        operations: operations.collect(),
    }
}

impl Missing {
    fn report(&self, document: &ApiDocument, places: &Places<'_>) -> Unobserved {
        let operation = document.operations.get(self.operation);
        Unobserved {
            dimension: self.dimension,
            document: document.name.clone(),
            operation: operation.map(Operation::name).unwrap_or_default(),
            place: self.place.clone(),
            name: self.name.clone(),
            location: places.of(&self.part),
            contains: self.contains,
        }
    }
}

/// The result in one line, and the exit code.
fn verdict(
    total: CoverageTally,
    dimensions: &[DimensionCoverage],
    minimums: &[CoverageMinimum],
    has_any: bool,
    stopped: Option<&str>,
) -> (String, Exit) {
    let Some(percent) = total.shown().filter(|_| has_any) else {
        let headline = "No verdict: the recordings contain no response of an operation that the document declares";
        return (headline.to_owned(), Exit::NoVerdict);
    };
    let missed = minimums.iter().filter_map(|minimum| {
        let (name, tally) = match minimum.dimension {
            None => ("total", total),
            Some(dimension) => (dimension.name(), dimensions.get(dimension as usize)?.tally),
        };
        let is_missed = tally.percent()? < minimum.percent;
        is_missed.then(|| {
            format!(
                "{name} {}, minimum {}%",
                tally.shown().unwrap_or_default(),
                minimum.percent
            )
        })
    });
    let missed: Vec<_> = missed.collect();
    if missed.is_empty() {
        let CoverageTally { observed, declared } = total;
        let headline = format!("Coverage {percent}: {observed} of {declared} declared parts were observed");
        (headline, Exit::Success)
    } else if let Some(stopped) = stopped {
        // The rest of the run could have reached the minimum.
        let headline = format!("No verdict: {stopped}; until then, {}", missed.join("; "));
        (headline, Exit::NoVerdict)
    } else {
        (
            format!("Coverage is too low: {}", missed.join("; ")),
            Exit::ContractViolated,
        )
    }
}
