//! Coverage of API documents: the parts that were observed and are not declared, and those never observed.

use crate::{
    coverage::{
        Coverage, CoverageTally, Dimension, DriftLevel, ExchangePlace, OperationCoverage, Undeclared, Unobserved,
    },
    model::Exit,
    report::{
        Report,
        limits::{LINE, NAME, VALUE, terminal},
        model::{
            Column, End, Entry, GateResult, Item, ItemState, List, ListKind, Section, Severity, Start, Table, TableRow,
            VerdictCase,
        },
        text::{count, figure, short},
    },
};

/// Unobserved parts in a report.
const UNOBSERVED_COUNT: usize = 2000;
/// Incompletely observed operations that the terminal shows without `--verbose`.
const OPERATIONS_COUNT: usize = 20;

impl<'a> From<&'a Coverage> for Report<'a> {
    fn from(coverage: &'a Coverage) -> Self {
        let outcome = match Exit::of_code(coverage.exit_code) {
            Some(Exit::Success) => GateResult::Passed,
            Some(Exit::ContractViolated) => GateResult::Failed,
            _ => GateResult::NoVerdict,
        };
        let (state, kind) = match outcome {
            GateResult::Passed => (ItemState::Passed, ""),
            GateResult::Failed => (ItemState::Failed, "coverage"),
            GateResult::NoVerdict => (ItemState::Errored, "no-verdict"),
        };
        let recordings = coverage.recordings.iter().map(|one| short(&one.path, NAME));
        Self {
            start: Start {
                name: "conforme coverage",
                tool: short(&coverage.tool, NAME),
                subject: recordings.collect(),
                folder: coverage.folder.as_ref().map(|folder| short(folder, NAME)),
                started: coverage.recordings.iter().map(|one| one.started).min(),
                planned: coverage.undeclared.len(),
                has_verdict: true,
                noun: Some("differences"),
                shown: terminal::LISTED_COUNT,
                ..Start::default()
            },
            items: coverage.undeclared.iter().map(item).collect(),
            end: End {
                outcome,
                headline: short(&coverage.headline, VALUE),
                summary: summary(coverage),
                exit_code: Some(coverage.exit_code),
                is_complete: outcome != GateResult::NoVerdict
                    && coverage.not_counted.is_empty()
                    && coverage.recordings.iter().all(|one| one.stopped.is_none()),
                verdict: Some(VerdictCase {
                    name: "the coverage is reached".to_owned(),
                    state,
                    kind,
                    message: short(&coverage.headline, VALUE),
                }),
                sections: vec![section(coverage)],
                ..End::default()
            },
            data: coverage,
        }
    }
}

fn summary(coverage: &Coverage) -> Vec<String> {
    let exchanges: usize = coverage.recordings.iter().map(|one| one.exchanges).sum();
    let documents = coverage.documents.iter().map(|one| short(&one.document, NAME));
    let mut all = vec![format!(
        "{} of {}, compared with {}",
        count(exchanges, "exchange"),
        count(coverage.recordings.len(), "recording"),
        documents.collect::<Vec<_>>().join(", ")
    )];
    for (one, stop) in coverage.recordings.iter().filter_map(|one| Some((one, one.stopped?))) {
        let path = short(&one.path, NAME);
        all.push(format!("Incomplete: {path}: {}", stop.text()));
    }
    let differences = coverage.undeclared.len();
    let verb = if differences == 1 { "is" } else { "are" };
    all.push(match differences {
        0 => "Nothing was observed that is not declared".to_owned(),
        _ => format!("{} {verb} observed and not declared", count(differences, "part")),
    });
    if coverage.undeclared_left_out > 0 {
        let left_out = count(coverage.undeclared_left_out, "observation");
        all.push(format!(
            "{left_out} of further undeclared parts are left out for their number"
        ));
    }
    if coverage.is_cut {
        all.push("Bodies with very many or deep properties: those beyond the limits are not counted".to_owned());
    }
    all
}

fn item(one: &Undeclared) -> Item<'_> {
    let (severity, label) = match one.level {
        DriftLevel::Warning => (Severity::Warning, "warning"),
        DriftLevel::Info => (Severity::Note, "info"),
    };
    let place = match one.place.as_str() {
        "" => String::new(),
        place => format!(" at {place}"),
    };
    let seen = one
        .examples
        .iter()
        .map(|example| ("seen in", short(&seen(example), LINE)));
    Item {
        severity,
        state: ItemState::Passed,
        label,
        rule: one.kind.id().to_owned(),
        rule_title: one.kind.title().to_owned(),
        title: short(&format!("{}{place}", one.kind.id()), NAME),
        message: short(&one.message, VALUE),
        suite: short(&one.document, NAME),
        origin: short(&format!("{} in {}", one.operation, one.document), NAME),
        cases: one.examples.iter().map(|example| example.case.as_str()).collect(),
        case_count: one.cases,
        fingerprint: short(&one.fingerprint, NAME),
        details: seen.collect(),
        ..Item::at(&one.location)
    }
}

/// An exchange and where it is.
fn seen(example: &ExchangePlace) -> String {
    format!(
        "{} at {}:{} ({})",
        example.id(),
        example.recording,
        example.line,
        example.location
    )
}

fn section(coverage: &Coverage) -> Section {
    let all = &coverage.unobserved;
    let unobserved = List {
        more: all.len().saturating_sub(UNOBSERVED_COUNT) + coverage.unobserved_left_out,
        ..List::new(
            ListKind::Gaps,
            ("Never observed", "unobserved"),
            count(all.len() + coverage.unobserved_left_out, "declared part"),
            all.iter().take(UNOBSERVED_COUNT).map(entry),
        )
    };
    let not_counted = coverage.not_counted.iter().map(|one| {
        let what = count(one.exchanges, "exchange");
        Entry::new(
            what,
            short(&one.reason, VALUE),
            format!("such as {}", short(&one.case, NAME)),
        )
    });
    let exchanges: usize = coverage.not_counted.iter().map(|one| one.exchanges).sum();
    Section {
        items: "Observed and not declared",
        items_first: true,
        lists: vec![
            unobserved,
            List::new(
                ListKind::LeftOut,
                ("Not counted", "not counted"),
                count(exchanges, "exchange"),
                not_counted,
            ),
        ],
        tables: vec![dimensions(coverage), operations(coverage)],
        facts: incomplete(coverage)
            .into_iter()
            .map(|text| ("operations", text))
            .collect(),
        ..Section::default()
    }
}

fn entry(one: &Unobserved) -> Entry {
    let what = match one.dimension {
        Dimension::Operation => one.operation.clone(),
        _ => format!("{}: {} {}", one.operation, one.place, one.name),
    };
    let why = match one.dimension {
        Dimension::Operation => "never requested",
        Dimension::Status => "never received",
        Dimension::MediaType | Dimension::Property => "never observed",
        Dimension::Parameter => "never sent",
    };
    let note = match one.contains {
        0 => String::new(),
        more => format!("with {} in it", count(more, "declared part")),
    };
    Entry::new(short(&what, VALUE), why, note).at(&one.location, Severity::Note)
}

fn dimensions(coverage: &Coverage) -> Table {
    let minimum = |dimension| {
        let of_dimension = coverage.minimums.iter().filter(|one| one.dimension == dimension);
        let highest = of_dimension.map(|one| one.percent).max_by(f64::total_cmp);
        highest.map_or_else(String::new, |percent| format!("{percent}%"))
    };
    let row = |name: &str, tally: CoverageTally, minimum: String| TableRow {
        cells: vec![
            name.to_owned(),
            tally.shown().unwrap_or_else(|| "–".to_owned()),
            figure(tally.observed),
            figure(tally.declared),
            minimum,
        ],
        is_brief: true,
    };
    let rows = coverage.dimensions.iter();
    let rows = rows.map(|one| row(one.dimension.name(), one.tally, minimum(Some(one.dimension))));
    Table {
        title: "By dimension",
        columns: vec![
            Column::Name("dimension"),
            Column::Number("coverage"),
            Column::Number("observed"),
            Column::Number("declared"),
            Column::Number("minimum"),
        ],
        rows: rows.chain([row("total", coverage.total, minimum(None))]).collect(),
    }
}

/// The tallies of an operation: statuses, media types, parameters, properties.
fn tallies(operation: &OperationCoverage) -> [CoverageTally; 4] {
    let mut all = [CoverageTally::default(); 4];
    let mut add = |at: usize, is_observed: bool| {
        all[at].declared += 1;
        all[at].observed += usize::from(is_observed);
    };
    let contents = || {
        operation
            .request
            .iter()
            .chain(operation.responses.iter().flat_map(|one| &one.content))
    };
    operation
        .responses
        .iter()
        .for_each(|one| add(0, one.sighting.exchanges > 0));
    contents().for_each(|one| add(1, one.sighting.exchanges > 0));
    operation
        .parameters
        .iter()
        .for_each(|one| add(2, one.sighting.exchanges > 0));
    for content in contents() {
        all[3].declared += content.properties.declared;
        all[3].observed += content.properties.observed;
    }
    all
}

fn is_complete(operation: &OperationCoverage) -> bool {
    let has_all = tallies(operation).iter().all(|tally| tally.observed == tally.declared);
    operation.sighting.exchanges > 0 && has_all
}

fn operations(coverage: &Coverage) -> Table {
    let has_several = coverage.documents.len() > 1;
    let mut brief = 0;
    let all = coverage
        .documents
        .iter()
        .flat_map(|one| one.operations.iter().map(move |operation| (one, operation)));
    let rows = all.map(|(document, operation)| {
        let is_brief = !is_complete(operation) && brief < OPERATIONS_COUNT;
        brief += usize::from(is_brief);
        let name = if has_several {
            format!("{} in {}", operation.operation, document.document)
        } else {
            operation.operation.clone()
        };
        let numbers = tallies(operation).map(|tally| match tally.declared {
            0 => "–".to_owned(),
            declared => format!("{}/{declared}", tally.observed),
        });
        TableRow {
            cells: [name, figure(operation.sighting.exchanges)]
                .into_iter()
                .chain(numbers)
                .collect(),
            is_brief,
        }
    });
    Table {
        title: "By operation",
        columns: vec![
            Column::Name("operation"),
            Column::Number("seen"),
            Column::Number("status"),
            Column::Number("media"),
            Column::Number("params"),
            Column::Number("props"),
        ],
        rows: rows.collect(),
    }
}

/// How many operations the table of the terminal leaves out.
fn incomplete(coverage: &Coverage) -> Option<String> {
    let all = coverage.documents.iter().flat_map(|one| &one.operations);
    let (complete, incomplete): (Vec<_>, Vec<_>) = all.partition(|operation| is_complete(operation));
    let left = incomplete.len().saturating_sub(OPERATIONS_COUNT);
    let mut parts = Vec::new();
    if left > 0 {
        parts.push(format!(
            "{} that are not observed completely",
            count(left, "more operation")
        ));
    }
    if !complete.is_empty() {
        parts.push(format!("{} observed completely", count(complete.len(), "operation")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
