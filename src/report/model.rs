//! The model of a report: what writers read, whatever the subject is.
//!
//! A source in [`super::from`] makes a [`Start`], [`Item`]s and an [`End`] of its subject. A writer in [`super::write`]
//! receives them in this order. Items of a run arrive one by one as its cases finish.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{curl::CommandContext, escape::visible, text::count};
use crate::model::{Attempt, Location, Verdict};

/// A report whose subject is complete: a comparison, a matrix or a measurement.
pub struct Report<'a> {
    pub(super) start: Start,
    pub(super) items: Vec<Item<'a>>,
    pub(super) end: End,
    /// The subject, for the JSON format.
    pub(super) data: &'a dyn JsonDocument,
}

/// A subject that has a JSON format.
pub(super) trait JsonDocument {
    /// One JSON document.
    fn json(&self) -> io::Result<String>;
}

impl<T: Serialize> JsonDocument for T {
    fn json(&self) -> io::Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }
}

/// What is known before the first item.
#[derive(Clone, Debug, Default)]
pub(super) struct Start {
    /// The command, as in the names of test suites and annotations: `conforme compare`.
    pub name: &'static str,
    /// Name and version of the program.
    pub tool: String,
    /// What makes results of two reports comparable: the names of the targets.
    pub subject: Vec<String>,
    /// The project's folder in its repository.
    pub folder: Option<String>,
    /// When the run began.
    pub started: Option<DateTime<Utc>>,
    /// The number of items.
    pub planned: usize,
    /// Whether [`End::verdict`] is a test case of its own.
    pub has_verdict: bool,
    /// What the items are, if not changes: `differences`.
    pub noun: Option<&'static str>,
    /// Items that the terminal shows in full without `--verbose`.
    pub shown: usize,
    /// The targets.
    pub targets: Vec<ReportTarget>,
    /// Further properties of the report, by name.
    pub properties: Vec<(&'static str, String)>,
}

impl Start {
    /// What the items are, in the plural.
    pub(super) fn noun(&self) -> &'static str {
        self.noun.unwrap_or("changes")
    }
}

/// A deployment that the report is about.
#[derive(Clone, Debug)]
pub(super) struct ReportTarget {
    /// Its role: `candidate`, `baseline`, or `[1]` for the first column of a grid.
    pub role: String,
    pub name: String,
    pub base_url: String,
    pub commit: Option<String>,
    pub suite_hash: String,
    pub started: DateTime<Utc>,
    /// Facts of its run, in a few words each.
    pub facts: Vec<String>,
}

/// Whether the subject passed its gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum GateResult {
    Passed,
    Failed,
    /// There is nothing to judge, or the subject is incomplete.
    #[default]
    NoVerdict,
}

/// How much an item or an entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Note,
    Warning,
    Error,
}

/// The state of an item as a test case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemState {
    Passed,
    Failed,
    Errored,
    Skipped,
}

/// One thing that the report lists: a change, a group of survivors, a case.
pub(super) struct Item<'a> {
    /// The index in [`End::sections`].
    pub section: usize,
    /// [`Section::prefix`].
    pub prefix: String,
    pub severity: Severity,
    pub state: ItemState,
    /// The level in the subject's own words: `breaking`, `survived`.
    pub label: &'static str,
    /// The id of the rule or check.
    pub rule: String,
    /// What the rule requires or detects, in one sentence.
    pub rule_title: String,
    /// The id of a case, or the rule and the location without observed values: `body/property-removed at /errorCode`.
    pub title: String,
    /// What happened, in one sentence.
    pub message: String,
    /// Why it matters, in one sentence.
    pub reason: Option<String>,
    pub suite: String,
    /// The endpoint and the suite: `GET /users in accounts`.
    pub origin: String,
    /// Where the first case is written.
    pub location: &'a Location,
    /// Values before and after; those after the first name their case.
    pub values: Vec<Values<'a>>,
    /// The cases: the first ones, and how many there are.
    pub cases: Vec<&'a str>,
    pub case_count: usize,
    /// What they are, if not cases: `operation`.
    pub unit: &'static str,
    /// Identifies the item in later reports.
    pub fingerprint: String,
    /// Items with the same text are shown once in the terminal.
    pub group: Option<String>,
    /// Lines to add to a file, as YAML.
    pub advice: Option<&'a str>,
    /// Further details in the text, by label.
    pub details: Vec<(&'static str, String)>,
    /// Further properties, by name.
    pub properties: Vec<(&'static str, &'a str)>,
    /// Requests and responses before and after.
    pub evidence: Option<Box<dyn Evidence + 'a>>,
    /// How a case was run.
    pub execution: Option<Execution<'a>>,
}

/// The attempts of a case. Each has steps with their findings, request and response.
pub(super) struct Execution<'a> {
    /// Its position in the plan, from zero.
    pub index: usize,
    pub verdict: Verdict,
    pub name: Option<&'a str>,
    pub tags: &'a [String],
    pub snapshot: Option<&'a str>,
    /// The attempts before the last; none of them passed.
    pub previous: &'a [Attempt],
    pub last: &'a Attempt,
    /// What command lines need.
    pub shell: &'a CommandContext,
}

impl<'a> Execution<'a> {
    /// The attempt that explains the verdict: of a flaky case, the first one.
    pub(super) fn explaining(&self) -> &'a Attempt {
        let first = self.previous.first().filter(|_| self.verdict == Verdict::Flaky);
        first.unwrap_or(self.last)
    }

    /// All attempts, in order.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &'a Attempt> {
        self.previous.iter().chain([self.last])
    }
}

impl<'a> Item<'a> {
    /// A note about a location.
    pub(super) fn at(location: &'a Location) -> Self {
        Self {
            section: 0,
            prefix: String::new(),
            severity: Severity::Note,
            state: ItemState::Passed,
            label: "",
            rule: String::new(),
            rule_title: String::new(),
            title: String::new(),
            message: String::new(),
            reason: None,
            suite: String::new(),
            origin: String::new(),
            location,
            values: Vec::new(),
            cases: Vec::new(),
            case_count: 0,
            unit: "case",
            fingerprint: String::new(),
            group: None,
            advice: None,
            details: Vec::new(),
            properties: Vec::new(),
            evidence: None,
            execution: None,
        }
    }
}

impl Item<'_> {
    /// The number of its cases, or of whatever they are: `3 operations`.
    pub(super) fn counted(&self) -> String {
        count(self.case_count, self.unit)
    }
}

/// A value before and after.
pub(super) struct Values<'a> {
    pub case: Option<&'a str>,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

/// The requests and responses of an item. They are made when a writer needs them.
pub(super) trait Evidence {
    /// The case's name, or else its id.
    fn name(&self) -> &str;

    /// A command line of at most `max` bytes for each target that was requested: the most important one first.
    fn commands(&self, max: usize) -> Vec<(&'static str, String)>;

    /// The responses before and after.
    fn sides(&self) -> [TargetResponse<'_>; 2];
}

/// A response.
pub(super) struct TargetResponse<'a> {
    pub target: &'a str,
    pub verdict: Option<Verdict>,
    /// Its lines, not yet escaped; none if there was no response.
    pub lines: Option<Vec<Line>>,
}

/// A line of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub text: String,
    /// Whether the item is about it.
    pub is_subject: bool,
}

/// What is known after the last item.
#[derive(Default)]
pub(super) struct End {
    pub outcome: GateResult,
    /// The result in one line.
    pub headline: String,
    /// What was examined, in a few sentences without final periods.
    pub summary: Vec<String>,
    pub exit_code: Option<u8>,
    /// The duration in microseconds.
    pub elapsed_us: Option<u64>,
    /// The number of cases of each verdict.
    pub counts: Vec<(&'static str, usize)>,
    /// Further properties, by name.
    pub properties: Vec<(&'static str, String)>,
    /// Whether everything was examined, so that there is nothing to report besides the items.
    pub is_complete: bool,
    /// The result as a test case, if the items do not show it.
    pub verdict: Option<VerdictCase>,
    pub grid: Option<Grid>,
    /// Parts of the report; the first one has no heading if it is the only one.
    pub sections: Vec<Section>,
}

/// The result as a test case.
pub(super) struct VerdictCase {
    pub name: String,
    pub state: ItemState,
    /// The kind of failure: `no-verdict`.
    pub kind: &'static str,
    /// Why it failed, in one line.
    pub message: String,
}

/// Verdicts by case and target.
pub(super) struct Grid {
    pub columns: Vec<String>,
    pub rows: Vec<GridRow>,
    /// Whether a flaky case passes.
    pub flaky_passes: bool,
}

/// A case on every target.
pub(super) struct GridRow {
    pub case: String,
    pub verdicts: Vec<Option<Verdict>>,
    pub reasons: Vec<Option<String>>,
}

impl GridRow {
    /// Whether the case passes on every target.
    pub(super) fn passes(&self) -> bool {
        self.verdicts.iter().all(|verdict| *verdict == Some(Verdict::Passed))
    }
}

/// A part of a report.
#[derive(Default)]
pub(super) struct Section {
    pub heading: Option<String>,
    /// What precedes the names of its items in formats without sections: `us: `.
    pub prefix: String,
    pub outcome: GateResult,
    /// What was examined, if that differs from the report's summary.
    pub summary: String,
    /// What limits the result, a sentence each.
    pub cautions: Vec<String>,
    /// The heading of the items.
    pub items: &'static str,
    /// What the items count, if not cases: `operations`.
    pub unit: Option<&'static str>,
    /// Whether a page shows the items before everything else.
    pub items_first: bool,
    pub lists: Vec<List>,
    pub tables: Vec<Table>,
    /// Facts by label: `latency`.
    pub facts: Vec<(&'static str, String)>,
}

/// How the entries of a list are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListKind {
    /// Cases that were not examined: shown before the items, and test cases of their own.
    LeftOut,
    /// Findings that do not fail a case: the first part of an entry is the check.
    Warnings,
    /// Someone has to act: never folded.
    Stale,
    /// Accepted by a reviewed file.
    Accepted,
    /// For information: the terminal lists it with `--verbose` only.
    Info,
    /// Parts that are missing: the terminal lists the first ones.
    Gaps,
}

/// Entries of one kind.
pub(super) struct List {
    pub kind: ListKind,
    pub title: &'static str,
    /// The label of the list in the terminal, of its entries in TAP, and of annotations: `not compared`.
    pub label: &'static str,
    /// The number of entries in words: `2 known changes`.
    pub count: String,
    pub entries: Vec<Entry>,
    /// Entries that are left out.
    pub more: usize,
}

/// An entry of a list.
pub(super) struct Entry {
    pub what: String,
    pub why: String,
    /// How many cases it concerns, or which.
    pub note: String,
    pub location: Option<Location>,
    pub severity: Severity,
}

impl List {
    pub(super) fn new(
        kind: ListKind,
        (title, label): (&'static str, &'static str),
        count: String,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Self {
        Self {
            kind,
            title,
            label,
            count,
            entries: entries.into_iter().collect(),
            more: 0,
        }
    }
}

impl Entry {
    /// A note without a location.
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            note: note.into(),
            location: None,
            severity: Severity::Note,
        }
    }

    pub(super) fn at(self, location: &Location, severity: Severity) -> Self {
        Self {
            location: Some(location.clone()),
            severity,
            ..self
        }
    }

    /// The entry and its location in one line.
    pub(super) fn line(&self) -> String {
        match &self.location {
            Some(location) => format!("{} at {}", self.text(), visible(&location.to_string())),
            None => self.text(),
        }
    }

    /// The entry without its location.
    pub(super) fn text(&self) -> String {
        let text = match (self.what.as_str(), self.why.as_str()) {
            (what, "") => what.to_owned(),
            ("", why) => why.to_owned(),
            (what, why) => format!("{what}: {why}"),
        };
        match self.note.as_str() {
            "" => text,
            note => format!("{text} ({note})"),
        }
    }
}

/// A table of numbers.
pub(super) struct Table {
    pub title: &'static str,
    pub columns: Vec<Column>,
    pub rows: Vec<TableRow>,
}

/// A column of a table.
pub(super) enum Column {
    /// Names: text from outside.
    Name(&'static str),
    /// Descriptions, for which the terminal has no room.
    Note(&'static str),
    Number(&'static str),
}

impl Column {
    pub(super) fn title(&self) -> &'static str {
        match self {
            Self::Name(title) | Self::Note(title) | Self::Number(title) => title,
        }
    }
}

/// A row of a table.
pub(super) struct TableRow {
    pub cells: Vec<String>,
    /// Whether the terminal shows it without `--verbose`.
    pub is_brief: bool,
}

/// Writes a report in one format.
pub(super) trait Writer {
    /// Called once, first.
    fn begin(&mut self, _: &Start, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Called for each item.
    fn item(&mut self, start: &Start, item: &Item<'_>, out: &mut dyn Write) -> io::Result<()>;

    /// Called once, last.
    fn end(&mut self, start: &Start, end: &End, out: &mut dyn Write) -> io::Result<()>;
}

impl Report<'_> {
    /// Passes the report to a writer.
    pub(super) fn to(&self, writer: &mut dyn Writer, out: &mut dyn Write) -> io::Result<()> {
        writer.begin(&self.start, out)?;
        for item in &self.items {
            writer.item(&self.start, item, out)?;
        }
        writer.end(&self.start, &self.end, out)?;
        out.flush()
    }
}
