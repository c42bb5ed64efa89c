//! A comparison of two versions: whether the candidate may be released, and an item for each change.

use super::response;
use crate::{
    compare::{AcceptedChange, CaseLatency, Change, ChangeLevel, ComparedVersion, Comparison, Latency},
    model::{Exchange, Exit},
    report::{
        Report,
        curl::{self, CommandContext},
        escape::lines,
        limits::{CASES_COUNT, LEFT_OUT_COUNT, NAME, VALUE, terminal},
        model::{
            End, Entry, Evidence, GateResult, Item, ItemState, Line, List, ListKind, ReportTarget, Section, Severity,
            Start, TargetResponse, Values, VerdictCase,
        },
        plain,
        text::{capital, cases, count, duration, figure, short},
    },
};

impl<'a> From<&'a Comparison> for Report<'a> {
    fn from(comparison: &'a Comparison) -> Self {
        let outcome = outcome(comparison);
        let properties = comparison.fail_on.map(|least| ("fail_on", level(least).to_owned()));
        Self {
            start: Start {
                name: "conforme compare",
                tool: comparison.tool.clone(),
                subject: vec![comparison.baseline.name.clone(), comparison.candidate.name.clone()],
                folder: folder(comparison),
                started: Some(comparison.candidate.started),
                planned: comparison.changes.len(),
                has_verdict: true,
                noun: None,
                shown: terminal::ITEMS_COUNT,
                targets: vec![
                    target("candidate", &comparison.candidate),
                    target("baseline", &comparison.baseline),
                ],
                properties: properties.into_iter().collect(),
            },
            items: items(comparison, 0, ""),
            end: End {
                outcome,
                headline: headline(comparison),
                summary: vec![compared(comparison)],
                exit_code: Some(comparison.summary.exit_code),
                is_complete: outcome != GateResult::NoVerdict && cautions(comparison).is_empty(),
                verdict: Some(verdict_case(outcome, has_failure(comparison), headline(comparison))),
                sections: vec![section(comparison)],
                ..End::default()
            },
            data: comparison,
        }
    }
}

/// The result as a test case: it fails only if no item does.
pub(super) fn verdict_case(outcome: GateResult, has_failed_item: bool, message: String) -> VerdictCase {
    let (state, kind) = match outcome {
        GateResult::NoVerdict => (ItemState::Errored, "no-verdict"),
        GateResult::Failed if !has_failed_item => (ItemState::Failed, "changed"),
        GateResult::Failed | GateResult::Passed => (ItemState::Passed, ""),
    };
    VerdictCase {
        name: "the cases are compared".to_owned(),
        state,
        kind,
        message,
    }
}

/// A comparison passes only if its exit code is 0, at least one case was compared, and no change fails it.
pub(super) fn outcome(comparison: &Comparison) -> GateResult {
    let summary = &comparison.summary;
    if summary.exit_code == Exit::ContractViolated.code() || (summary.compared > 0 && has_failure(comparison)) {
        GateResult::Failed
    } else if summary.exit_code != Exit::Success.code() || summary.compared == 0 || missing(comparison) > 0 {
        GateResult::NoVerdict
    } else {
        GateResult::Passed
    }
}

fn fails(comparison: &Comparison, change: &Change) -> bool {
    comparison.fail_on.is_some_and(|least| change.level >= least)
}

pub(super) fn has_failure(comparison: &Comparison) -> bool {
    comparison.changes.iter().any(|change| fails(comparison, change))
}

/// Whether the candidate may be released, in one line.
pub(super) fn headline(comparison: &Comparison) -> String {
    let summary = &comparison.summary;
    match outcome(comparison) {
        GateResult::Failed => {
            let failing = counts(comparison).into_iter();
            let failing = failing.filter(|(level, _)| comparison.fail_on.is_none_or(|least| *level >= least));
            match parts(failing).as_str() {
                "" => "Must not be released".to_owned(),
                why => format!("Must not be released: {why}"),
            }
        }
        GateResult::NoVerdict if summary.compared == 0 => "No verdict: no case was compared".to_owned(),
        GateResult::NoVerdict => match (incomplete(comparison), missing(comparison)) {
            (Some(why), _) => format!("No verdict: {why}"),
            (None, 0) => format!("No verdict: the comparison exits with {}", summary.exit_code),
            (None, missing) => format!("No verdict: the candidate did not respond to {}", cases(missing)),
        },
        GateResult::Passed => match parts(counts(comparison)).as_str() {
            "" => "May be released: no change".to_owned(),
            why if summary.breaking > 0 => format!("Breaking, but allowed by `--fail-on`: {why}"),
            why => format!("May be released: nothing breaking, {why}"),
        },
    }
}

/// The number of changes of each level.
pub(super) fn counts(comparison: &Comparison) -> [(ChangeLevel, usize); 3] {
    let summary = &comparison.summary;
    [
        (ChangeLevel::Breaking, summary.breaking),
        (ChangeLevel::Warning, summary.warnings),
        (ChangeLevel::Info, summary.infos),
    ]
}

/// `2 breaking changes, 1 warning`; empty if there is no change.
pub(super) fn parts(counts: impl IntoIterator<Item = (ChangeLevel, usize)>) -> String {
    let parts = counts.into_iter().filter(|(_, number)| *number > 0);
    let parts = parts.map(|(level, number)| match level {
        ChangeLevel::Breaking => count(number, "breaking change"),
        ChangeLevel::Warning => count(number, "warning"),
        ChangeLevel::Info => count(number, "info"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

pub(super) fn level(level: ChangeLevel) -> &'static str {
    match level {
        ChangeLevel::Breaking => "breaking",
        ChangeLevel::Warning => "warning",
        ChangeLevel::Info => "info",
    }
}

/// Why a recording ends early, on either side.
fn incomplete(comparison: &Comparison) -> Option<String> {
    let sides = [("baseline", &comparison.baseline), ("candidate", &comparison.candidate)];
    let stopped = sides
        .into_iter()
        .filter_map(|(side, of)| Some(format!("the {side} is incomplete ({})", of.stopped?.text())));
    let stopped: Vec<_> = stopped.collect();
    (!stopped.is_empty()).then(|| stopped.join(", "))
}

/// `412 cases compared, 389 the same, 3 not compared`.
fn compared(comparison: &Comparison) -> String {
    let summary = &comparison.summary;
    let out = format!(
        "{} compared, {} the same",
        cases(summary.compared),
        figure(summary.same)
    );
    match summary.not_compared {
        0 => out,
        left => format!("{out}, {} not compared", figure(left)),
    }
}

/// Cases of the baseline that the candidate did not respond to.
fn missing(comparison: &Comparison) -> usize {
    comparison.not_compared.iter().filter(|one| one.is_missing).count()
}

fn cautions(comparison: &Comparison) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(why) = incomplete(comparison) {
        out.push(format!("{}: cases may be missing.", capital(&why)));
    }
    if comparison.baseline.suite_hash != comparison.candidate.suite_hash {
        out.push("The suites of the two runs differ: only cases of both are compared.".to_owned());
    }
    let missing = missing(comparison);
    if missing > 0 {
        let number = cases(missing);
        out.push(format!("The candidate did not respond to {number} of the baseline."));
    }
    let left = comparison.summary.not_compared.saturating_sub(missing);
    if left > 0 {
        let have = if left == 1 { "has" } else { "have" };
        out.push(format!("{} {have} no response on both sides.", cases(left)));
    }
    out
}

fn folder(comparison: &Comparison) -> Option<String> {
    let (candidate, baseline) = (&comparison.candidate.folder, &comparison.baseline.folder);
    candidate.clone().or_else(|| baseline.clone())
}

pub(super) fn target(role: &str, version: &ComparedVersion) -> ReportTarget {
    let mut facts = vec![cases(version.cases)];
    if version.repeats > 1 {
        facts.push(format!("each requested up to {} times", version.repeats));
    }
    ReportTarget {
        role: role.to_owned(),
        name: short(&version.name, NAME),
        base_url: short(&version.base_url, NAME),
        commit: version.commit.as_ref().map(|commit| short(commit, NAME)),
        suite_hash: short(&version.suite_hash, NAME),
        started: version.started,
        facts,
    }
}

/// The section of a comparison, without a heading.
pub(super) fn section(comparison: &Comparison) -> Section {
    Section {
        outcome: outcome(comparison),
        summary: compared(comparison),
        cautions: cautions(comparison),
        lists: vec![
            left_out(comparison),
            stale(comparison),
            accepted(comparison),
            noise(comparison),
        ],
        facts: latency(&comparison.latencies)
            .map(|text| ("latency", text))
            .into_iter()
            .collect(),
        ..Section::default()
    }
}

/// The medians over all cases, baseline and candidate, in microseconds.
fn medians(latencies: &[CaseLatency]) -> Option<(u64, u64)> {
    let median = |of: fn(&CaseLatency) -> &Latency| {
        let mut all: Vec<_> = latencies.iter().map(|case| of(case).median_us).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    Some((median(|case| &case.baseline)?, median(|case| &case.candidate)?))
}

/// `4.0 ms → 3.3 ms, the median over 6 cases`.
fn latency(latencies: &[CaseLatency]) -> Option<String> {
    let (before, after) = medians(latencies)?;
    let (before, after, number) = (duration(before), duration(after), cases(latencies.len()));
    Some(format!("{before} → {after}, the median over {number}"))
}

fn left_out(comparison: &Comparison) -> List {
    let all = &comparison.not_compared;
    let entries = all.iter().take(LEFT_OUT_COUNT).map(|one| {
        let severity = if one.is_missing {
            Severity::Error
        } else {
            Severity::Note
        };
        Entry::new(short(&one.case, NAME), short(&one.reason, NAME), "").at(&one.location, severity)
    });
    let titles = ("Not compared", "not compared");
    List {
        more: all.len().saturating_sub(LEFT_OUT_COUNT),
        ..List::new(ListKind::LeftOut, titles, cases(all.len()), entries)
    }
}

fn stale(comparison: &Comparison) -> List {
    let all = comparison.stale.iter();
    let entries = all.map(|one| Entry::new("", short(&one.reason, VALUE), "").at(&one.location, Severity::Warning));
    let count = format!("{} of accepted changes", entry_count(comparison.stale.len()));
    let titles = ("Accepted changes that do not apply", "stale");
    List::new(ListKind::Stale, titles, count, entries)
}

fn entry_count(number: usize) -> String {
    match number {
        1 => "1 entry".to_owned(),
        number => format!("{} entries", figure(number)),
    }
}

fn accepted(comparison: &Comparison) -> List {
    let entry = |one: &AcceptedChange| {
        let change = &one.change;
        let cases = plain::some_cases(&change.cases, change.cases.len(), CASES_COUNT);
        let until = one.expires.as_ref().map(|day| format!(", until {}", short(day, NAME)));
        let what = format!("{} {} of {}", level(change.level), title(change), origin(change));
        let why = format!("{}{}", short(&one.accepted_because, VALUE), until.unwrap_or_default());
        Entry::new(what, why, cases).at(&one.location, Severity::Note)
    };
    let (all, titles) = (&comparison.accepted, ("Accepted changes", "accepted"));
    let count = count(all.len(), "known change");
    List::new(ListKind::Accepted, titles, count, all.iter().map(entry))
}

fn noise(comparison: &Comparison) -> List {
    let entries = comparison.noise.iter().map(|one| {
        let what = format!("{} in {}", short(&one.what, NAME), short(&one.suite, NAME));
        Entry::new(what, short(&one.source, NAME), cases(one.cases))
    });
    let number = comparison.noise.len();
    let (differ, are) = if number == 1 {
        ("differs", "is")
    } else {
        ("differ", "are")
    };
    let count = count(number, "location");
    let count = format!("{count} that {differ} between responses of one version {are} ignored");
    List::new(ListKind::Info, ("Noise", "noise"), count, entries)
}

/// The rule and the location of a change: the same in every comparison.
fn title(change: &Change) -> String {
    let rule = short(&change.rule, NAME);
    let location = match (&change.pointer, &change.header) {
        (Some(pointer), _) if pointer.is_empty() => "the whole body".to_owned(),
        (Some(pointer), _) => short(pointer, NAME),
        (None, Some(header)) => short(header, NAME),
        (None, None) => return rule,
    };
    format!("{rule} at {location}")
}

/// `Body: property removed.`
pub(super) fn rule_title(rule: &str) -> String {
    let rule = short(rule, NAME);
    let (kind, what) = rule.split_once('/').unwrap_or((&rule, "changed"));
    format!("{}.", capital(&format!("{kind}: {}", what.replace('-', " "))))
}

fn origin(change: &Change) -> String {
    let suite = short(&change.suite, NAME);
    match &change.endpoint {
        Some(endpoint) => format!("{} in {suite}", short(endpoint, NAME)),
        None => suite,
    }
}

/// An item for each change.
pub(super) fn items<'a>(comparison: &'a Comparison, section: usize, prefix: &str) -> Vec<Item<'a>> {
    let item = |change| Item {
        section,
        prefix: prefix.to_owned(),
        ..item(comparison, change)
    };
    comparison.changes.iter().map(item).collect()
}

fn item<'a>(comparison: &'a Comparison, change: &'a Change) -> Item<'a> {
    let is_failure = fails(comparison, change);
    let main = (change.before.is_some() || change.after.is_some()).then_some(Values {
        case: None,
        before: change.before.as_deref(),
        after: change.after.as_deref(),
    });
    let others = change.others.iter().map(|other| Values {
        case: Some(&other.case),
        before: other.before.as_deref(),
        after: other.after.as_deref(),
    });
    let group = change.header.as_ref().filter(|_| change.others.is_empty());
    let group = group.map(|header| {
        let texts = (&change.rule, header, &change.message, &change.reason);
        format!("{:?}", (change.level, texts, &change.before, &change.after))
    });
    let properties = [
        ("endpoint", &change.endpoint),
        ("pointer", &change.pointer),
        ("header", &change.header),
    ];
    let properties = properties
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)));
    Item {
        severity: severity(change.level, is_failure),
        state: state_of(is_failure),
        label: level(change.level),
        rule: short(&change.rule, NAME),
        rule_title: rule_title(&change.rule),
        title: title(change),
        message: short(&change.message, VALUE),
        reason: Some(short(&change.reason, VALUE)),
        suite: short(&change.suite, NAME),
        origin: origin(change),
        values: main.into_iter().chain(others).collect(),
        cases: change.cases.iter().map(String::as_str).collect(),
        case_count: change.cases.len(),
        fingerprint: short(&change.fingerprint, NAME),
        group,
        properties: properties.collect(),
        evidence: Some(Box::new(Exchanges { comparison, change })),
        ..Item::at(&change.evidence.location)
    }
}

/// A change that fails the comparison is an error, whatever its level.
pub(super) fn severity(level: ChangeLevel, is_failure: bool) -> Severity {
    match level {
        _ if is_failure => Severity::Error,
        ChangeLevel::Breaking => Severity::Error,
        ChangeLevel::Warning => Severity::Warning,
        ChangeLevel::Info => Severity::Note,
    }
}

pub(super) fn state_of(is_failure: bool) -> ItemState {
    if is_failure {
        ItemState::Failed
    } else {
        ItemState::Passed
    }
}

/// The exchanges of the first case of a change.
struct Exchanges<'a> {
    comparison: &'a Comparison,
    change: &'a Change,
}

impl Evidence for Exchanges<'_> {
    fn name(&self) -> &str {
        let evidence = &self.change.evidence;
        evidence.name.as_ref().unwrap_or(&evidence.case)
    }

    fn commands(&self, max: usize) -> Vec<(&'static str, String)> {
        let (evidence, comparison) = (&self.change.evidence, self.comparison);
        [
            ("candidate", &evidence.candidate, &comparison.candidate),
            ("baseline", &evidence.baseline, &comparison.baseline),
        ]
        .into_iter()
        .filter_map(|(role, exchange, version)| Some((role, command(exchange.as_ref()?, version, max)?)))
        .collect()
    }

    fn sides(&self) -> [TargetResponse<'_>; 2] {
        let (evidence, comparison) = (&self.change.evidence, self.comparison);
        let is_pair = evidence.baseline.is_some() && evidence.candidate.is_some();
        [
            TargetResponse {
                target: &comparison.baseline.name,
                verdict: evidence.baseline_verdict,
                lines: evidence.baseline.as_ref().map(|exchange| self.lines(exchange, is_pair)),
            },
            TargetResponse {
                target: &comparison.candidate.name,
                verdict: evidence.candidate_verdict,
                lines: evidence
                    .candidate
                    .as_ref()
                    .map(|exchange| self.lines(exchange, is_pair)),
            },
        ]
    }
}

impl Exchanges<'_> {
    /// The lines of a response. In a pair, values that are noise are replaced, so that they do not differ.
    fn lines(&self, exchange: &Exchange, is_pair: bool) -> Vec<Line> {
        let change = self.change;
        let (pointer, header) = (change.pointer.as_deref(), change.header.as_deref());
        let mut lines = response::lines(exchange);
        if is_pair {
            let noise = self.comparison.noise.iter();
            let noise = noise.filter(|noise| noise.suite == change.suite && !noise.what.starts_with("order of "));
            let noise = noise.map(|noise| noise.what.as_str());
            let noise: Vec<_> = noise
                .filter(|what| pointer != Some(what) && header != Some(what))
                .collect();
            lines = response::without(lines, &noise);
        }
        let is_status_change = change.rule.starts_with("status");
        let line = |line: response::ResponseLine| Line {
            is_subject: (is_status_change && line.part == response::ResponsePart::Status)
                || line.part.is_at(pointer, header),
            text: line.text,
        };
        lines.into_iter().map(line).collect()
    }
}

/// The command that sends a request again, unless its body is incomplete or it is longer than `max` bytes.
fn command(exchange: &Exchange, version: &ComparedVersion, max: usize) -> Option<String> {
    let request = &exchange.request;
    if request.body.is_cut() || request.body.bytes().len() > max || request.url.len() > max {
        return None;
    }
    let names = version.secrets.iter().filter(|name| name.len() <= NAME);
    let shell = CommandContext::new(names, &version.secret_variables, &version.access);
    let command = lines(&curl::of_request(request, &shell).line);
    (command.len() <= max).then_some(command)
}
