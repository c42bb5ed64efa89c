//! A comparison of two documents: whether the API that the candidate describes may be released, and an item for each change.

use std::fmt::Write as _;

use super::comparison::{level, parts, rule_title, severity, state_of, verdict_case};
use crate::{
    compare::{
        AcceptedDeclaration, Change, ChangeLevel, ChangePlace, ComparedDocument, DeclaredChange, DocumentComparison,
        ObservedDeclaration, ObservedState, ObservedVersions, StaleEntry,
    },
    model::{Exchange, Exit, Location, Outcome},
    report::{
        Report,
        limits::{NAME, VALUE, terminal},
        model::{End, Entry, GateResult, Item, List, ListKind, Section, Severity, Start, Values},
        text::{count, figure, short},
    },
};

/// Where a change is if it has no location.
static NOWHERE: std::sync::LazyLock<Location> = std::sync::LazyLock::new(|| Location {
    file: "openapi".into(),
    line: 1,
    column: 1,
});

impl<'a> From<&'a DocumentComparison> for Report<'a> {
    fn from(comparison: &'a DocumentComparison) -> Self {
        let is_failed = comparison.summary.exit_code == Exit::ContractViolated.code();
        let outcome = if is_failed {
            GateResult::Failed
        } else {
            GateResult::Passed
        };
        let has_failed_item = comparison.changes.iter().any(|change| fails(comparison, change));
        let properties = comparison.fail_on.map(|least| ("fail_on", level(least).to_owned()));
        let headline = headline(comparison, is_failed);
        Self {
            start: Start {
                name: "conforme compare",
                tool: comparison.tool.clone(),
                subject: vec![
                    short(&comparison.baseline.name, NAME),
                    short(&comparison.candidate.name, NAME),
                ],
                planned: comparison.changes.len(),
                has_verdict: true,
                shown: terminal::ITEMS_COUNT,
                properties: [
                    ("baseline", document(&comparison.baseline)),
                    ("candidate", document(&comparison.candidate)),
                ]
                .into_iter()
                .chain(properties)
                .collect(),
                ..Start::default()
            },
            items: comparison
                .changes
                .iter()
                .map(|change| item(comparison, change))
                .collect(),
            end: End {
                outcome,
                verdict: Some(verdict_case(outcome, has_failed_item, headline.clone())),
                headline,
                summary: [
                    compared(comparison),
                    format!("Baseline: {}", document(&comparison.baseline)),
                    format!("Candidate: {}", document(&comparison.candidate)),
                ]
                .into_iter()
                .chain(comparison.observed.as_ref().map(observed))
                .collect(),
                exit_code: Some(comparison.summary.exit_code),
                is_complete: true,
                sections: vec![Section {
                    outcome,
                    summary: compared(comparison),
                    unit: Some("operations"),
                    lists: vec![
                        stale(&comparison.stale),
                        undeclared(comparison.observed.as_ref()),
                        accepted(&comparison.accepted),
                    ],
                    ..Section::default()
                }],
                ..End::default()
            },
            data: comparison,
        }
    }
}

/// `old.yaml (Orders, OpenAPI 3.0, 12 operations)`.
fn document(one: &ComparedDocument) -> String {
    let title = one.title.as_ref().map(|title| format!("{}, ", short(title, NAME)));
    let operations = count(one.operations, "operation");
    let name = short(&one.name, NAME);
    format!(
        "{name} ({}OpenAPI {}, {operations})",
        title.unwrap_or_default(),
        one.openapi
    )
}

/// `12 operations compared, 9 the same, 1 new, 2 removed`.
fn compared(comparison: &DocumentComparison) -> String {
    let summary = &comparison.summary;
    let mut text = format!(
        "{} compared, {} the same",
        count(summary.compared, "operation"),
        figure(summary.same)
    );
    for (number, what) in [(summary.added, "new"), (summary.removed, "removed")] {
        if number > 0 {
            let _ = write!(text, ", {} {what}", figure(number));
        }
    }
    text
}

fn fails(comparison: &DocumentComparison, change: &DeclaredChange) -> bool {
    comparison.fail_on.is_some_and(|least| change.level >= least)
}

fn headline(comparison: &DocumentComparison, is_failed: bool) -> String {
    let summary = &comparison.summary;
    let counts = [
        (ChangeLevel::Breaking, summary.breaking),
        (ChangeLevel::Warning, summary.warnings),
        (ChangeLevel::Info, summary.infos),
    ];
    if is_failed {
        let failing = counts
            .into_iter()
            .filter(|(level, _)| comparison.fail_on.is_none_or(|least| *level >= least));
        return format!("Must not be released: {}", parts(failing));
    }
    match parts(counts).as_str() {
        "" => "May be released: no change".to_owned(),
        why if summary.breaking > 0 => format!("Breaking, but allowed by `--fail-on`: {why}"),
        why => format!("May be released: nothing breaking, {why}"),
    }
}

/// The rule and the part of the message.
fn title(change: &DeclaredChange) -> String {
    let rule = short(&change.rule, NAME);
    let Some(place) = change.places.first() else {
        return rule;
    };
    let part = [&place.parameter, &place.header].into_iter().flatten().next().cloned();
    let pointer = place.pointer.as_deref();
    let location = match (part, pointer) {
        (Some(part), None | Some("")) => part,
        (Some(part), Some(pointer)) => format!("{part}{pointer}"),
        (None, Some("")) => "the whole body".to_owned(),
        (None, Some(pointer)) => pointer.to_owned(),
        (None, None) => return rule,
    };
    format!("{rule} at {}", short(&location, NAME))
}

/// The operation of the first place, and the response if it is one: `GET /users/{id} → 200`.
fn origin(change: &DeclaredChange) -> String {
    let Some(place) = change.places.first() else {
        return "the document".to_owned();
    };
    let endpoint = place.endpoint.as_deref().unwrap_or("the document");
    let more = match change.operations {
        0 | 1 => String::new(),
        all => format!(" and {} more", figure(all - 1)),
    };
    format!("{}{}{more}", short(endpoint, NAME), message_of(place))
}

/// Which message of an operation: `, response 200 (application/json)`.
fn message_of(place: &ChangePlace) -> String {
    let media_type = place
        .media_type
        .as_ref()
        .map(|name| format!(" ({})", short(name, NAME)));
    let media_type = media_type.unwrap_or_default();
    match &place.status {
        Some(status) => format!(", response {}{media_type}", short(status, NAME)),
        None if !media_type.is_empty() => format!(", request{media_type}"),
        None => String::new(),
    }
}

fn item<'a>(comparison: &'a DocumentComparison, change: &'a DeclaredChange) -> Item<'a> {
    let is_failure = fails(comparison, change);
    let values = (change.before.is_some() || change.after.is_some()).then_some(Values {
        case: None,
        before: change.before.as_deref(),
        after: change.after.as_deref(),
    });
    let mut endpoints: Vec<&str> = Vec::new();
    let named = change.places.iter().filter_map(|place| place.endpoint.as_deref());
    for endpoint in named {
        // The places of an operation follow each other.
        if endpoints.last() != Some(&endpoint) {
            endpoints.push(endpoint);
        }
    }
    let place = change.places.first();
    let properties = [
        ("endpoint", place.and_then(|place| place.endpoint.as_deref())),
        ("status", place.and_then(|place| place.status.as_deref())),
        ("pointer", place.and_then(|place| place.pointer.as_deref())),
        ("parameter", place.and_then(|place| place.parameter.as_deref())),
        ("header", place.and_then(|place| place.header.as_deref())),
    ];
    let sides = [("baseline", &change.baseline), ("candidate", &change.candidate)];
    let details = sides.into_iter().filter_map(|(side, part)| {
        let part = part.as_ref()?;
        let pointer = part.part.split_once('#').map_or("", |(_, pointer)| pointer);
        let (location, pointer) = (short(&part.location.to_string(), NAME), short(pointer, NAME));
        Some((side, format!("{location} (#{pointer})")))
    });
    let observed = change.observed.as_ref().map(|one| ("observed", state(one)));
    let details = details.chain(observed);
    let location = change.candidate.as_ref().or(change.baseline.as_ref());
    Item {
        severity: severity(change.level, is_failure),
        state: state_of(is_failure),
        label: level(change.level),
        rule: short(&change.rule, NAME),
        rule_title: rule_title(&change.rule),
        title: title(change),
        message: short(&change.message, VALUE),
        reason: Some(short(&change.reason, VALUE)),
        suite: place
            .and_then(|place| place.endpoint.as_deref())
            .map_or_else(|| "the document".to_owned(), |endpoint| short(endpoint, NAME)),
        origin: origin(change),
        values: values.into_iter().collect(),
        cases: endpoints,
        case_count: change.operations,
        unit: "operation",
        fingerprint: short(&change.fingerprint, NAME),
        details: details.collect(),
        properties: properties
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        ..Item::at(location.map_or(&*NOWHERE, |part| &part.location))
    }
}

/// What the recordings show of all changes.
fn observed(all: &ObservedVersions) -> String {
    format!(
        "Recordings of {}: {} observed, {} not observed, {} not exercised",
        count(all.compared, "case"),
        count(all.observed, "change"),
        figure(all.not_observed),
        figure(all.not_exercised)
    )
}

/// What the recordings show of a change.
fn state(one: &ObservedDeclaration) -> String {
    match (one.state, &one.evidence) {
        (ObservedState::Observed, Some(evidence)) => {
            let status = |exchange: Option<&Exchange>| match exchange.map(|exchange| &exchange.outcome) {
                Some(Outcome::Response(response)) => response.status.to_string(),
                _ => "no response".to_owned(),
            };
            let (before, after) = (status(evidence.baseline.as_ref()), status(evidence.candidate.as_ref()));
            format!("yes, in the case {} ({before} → {after})", short(&evidence.case, NAME))
        }
        (ObservedState::Observed, None) => "yes".to_owned(),
        (ObservedState::NotObserved, _) => "no, although its operation and status were exercised".to_owned(),
        (ObservedState::NotExercised, _) => "no case exercises its operation and status".to_owned(),
    }
}

/// What the recordings show and no document declares.
fn undeclared(observed: Option<&ObservedVersions>) -> List {
    let all = observed.map_or(&[][..], |one| &one.undeclared);
    let entry = |change: &Change| {
        let what = format!("{} {}", level(change.level), short(&change.rule, NAME));
        let endpoint = change.endpoint.as_deref().unwrap_or(&change.suite);
        let why = format!("{} in {}", short(&change.message, VALUE), short(endpoint, NAME));
        Entry::new(what, why, short(&change.evidence.case, NAME)).at(&change.evidence.location, Severity::Warning)
    };
    let titles = ("Observed and not declared", "undeclared");
    let number = format!("{} that no document declares", count(all.len(), "observed change"));
    List::new(ListKind::Stale, titles, number, all.iter().map(entry))
}

fn stale(all: &[StaleEntry]) -> List {
    let entries = all
        .iter()
        .map(|one| Entry::new("", short(&one.reason, VALUE), "").at(&one.location, Severity::Warning));
    let number = match all.len() {
        1 => "1 entry".to_owned(),
        number => format!("{} entries", figure(number)),
    };
    let titles = ("Accepted changes that do not apply", "stale");
    List::new(
        ListKind::Stale,
        titles,
        format!("{number} of accepted changes"),
        entries,
    )
}

fn accepted(all: &[AcceptedDeclaration]) -> List {
    let entry = |one: &AcceptedDeclaration| {
        let change = &one.change;
        let until = one.expires.as_ref().map(|day| format!(", until {}", short(day, NAME)));
        let what = format!("{} {} of {}", level(change.level), title(change), origin(change));
        let why = format!("{}{}", short(&one.accepted_because, VALUE), until.unwrap_or_default());
        Entry::new(what, why, "").at(&one.location, Severity::Note)
    };
    let titles = ("Accepted changes", "accepted");
    List::new(
        ListKind::Accepted,
        titles,
        count(all.len(), "known change"),
        all.iter().map(entry),
    )
}
