//! Whether the candidate may be released, in a sentence, and what else the reports of a comparison share.

use std::fmt::Write as _;

use crate::{
    compare::{Change, Comparison, Level, Matrix, Side},
    model::{Exchange, Exit, RunFinished},
    report::{
        account,
        curl::{self, Shell},
        outcome::{self, figure, short},
    },
};

/// Most bytes of a case's id, a name, a pointer.
pub(super) const NAME: usize = 200;
/// Maximum number of cases that were not compared and are named in a report.
pub(super) const MISSING: usize = 2000;
/// Most cases that are named before the others are counted.
pub(super) const NAMED: usize = 3;

/// The answer that a comparison gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// Nothing that counts has changed.
    May,
    /// A change at or above the level that fails.
    MustNot,
    /// What was compared does not say.
    Unknown,
}

impl Release {
    /// Only a comparison that exits with 0, compared something and has no change that fails says that it may.
    pub(super) fn of(comparison: &Comparison) -> Self {
        let summary = &comparison.summary;
        let has_failure = || comparison.changes.iter().any(|change| fails(comparison, change));
        if summary.exit_code == Exit::ContractViolated.code() || (summary.compared > 0 && has_failure()) {
            Self::MustNot
        } else if summary.exit_code != Exit::Success.code() || summary.compared == 0 || missing(comparison) > 0 {
            Self::Unknown
        } else {
            Self::May
        }
    }

    /// The same of several targets.
    pub(super) fn of_matrix(matrix: &Matrix) -> Self {
        let each = || matrix.drift.iter().map(Self::of);
        if matrix.exit_code == Exit::ContractViolated.code() || each().any(|one| one == Self::MustNot) {
            Self::MustNot
        } else if matrix.exit_code != Exit::Success.code()
            || matrix.rows.is_empty()
            || each().any(|one| one != Self::May)
        {
            Self::Unknown
        } else {
            Self::May
        }
    }
}

/// Whether a change fails the comparison.
pub(super) fn fails(comparison: &Comparison, change: &Change) -> bool {
    comparison.fail_on.is_some_and(|least| change.level >= least)
}

/// May it be released? In one line.
pub(super) fn headline(comparison: &Comparison) -> String {
    let summary = &comparison.summary;
    match Release::of(comparison) {
        Release::MustNot => {
            let why = parts(
                &counted(comparison)
                    .into_iter()
                    .filter(|(level, _)| comparison.fail_on.is_none_or(|least| *level >= least))
                    .collect::<Vec<_>>(),
            );
            match why.as_str() {
                "" => "Must not be released".to_owned(),
                why => format!("Must not be released: {why}"),
            }
        }
        Release::Unknown if summary.compared == 0 => "No verdict: no case was compared".to_owned(),
        Release::Unknown => match (stop_of(comparison), missing(comparison)) {
            (Some(stop), _) => format!("No verdict: {stop}"),
            (None, 0) => format!("No verdict: the comparison exits with {}", summary.exit_code),
            (None, missing) => format!("No verdict: the candidate did not respond to {}", cases(missing)),
        },
        Release::May => match parts(&counted(comparison)).as_str() {
            "" => "May be released: no change".to_owned(),
            // Nothing fails the comparison, and callers break all the same.
            why if summary.breaking > 0 => format!("Breaks callers, which is let pass: {why}"),
            why => format!("May be released: nothing breaking, {why}"),
        },
    }
}

/// How a target differs from the first one, in one line.
pub(super) fn drift_headline(drift: &Comparison) -> String {
    let (own, first) = (short(&drift.candidate.name, NAME), short(&drift.baseline.name, NAME));
    match (Release::of(drift), parts(&counted(drift)).as_str()) {
        (Release::Unknown, _) => format!("{own}: {}", headline(drift)),
        (_, "") => format!("{own} agrees with {first}"),
        (_, why) => format!("{own} differs from {first}: {why}"),
    }
}

/// What ended a run early, on either side.
pub(super) fn stop_of(comparison: &Comparison) -> Option<String> {
    let sides = [("baseline", &comparison.baseline), ("candidate", &comparison.candidate)];
    let told: Vec<_> = sides
        .into_iter()
        .filter_map(|(side, of)| Some(format!("the {side} is not whole ({})", of.stopped?.text())))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// May it be released on all targets, and how much was tested? In one line.
pub(super) fn matrix_headline(matrix: &Matrix) -> String {
    let state = matrix_state(matrix);
    let mut tested: Vec<(String, String)> = Vec::new();
    for (side, run) in matrix.targets.iter().zip(&matrix.runs).take(MAX_TARGETS) {
        tested.push((short(&side.name, NAME), outcome::tested(run)));
    }
    let Some((_, first)) = tested.first() else { return state };
    if tested.iter().all(|(_, one)| one == first) && matrix.runs.len() <= MAX_TARGETS {
        return format!("{state}; on each target {first}");
    }
    let each = tested.iter().map(|(name, one)| format!("{name}: {one}"));
    let mut each = each.collect::<Vec<_>>().join("; ");
    if let more @ 1.. = matrix.runs.len().saturating_sub(tested.len()) {
        let _ = write!(each, "; and {more} more");
    }
    format!("{state}; {each}")
}

/// Maximum number of targets that a headline names.
const MAX_TARGETS: usize = 8;

fn matrix_state(matrix: &Matrix) -> String {
    let broken: Vec<_> = matrix
        .drift
        .iter()
        .filter(|one| Release::of(one) == Release::MustNot)
        .collect();
    let first = || {
        matrix
            .targets
            .first()
            .map_or_else(String::new, |side| short(&side.name, NAME))
    };
    match Release::of_matrix(matrix) {
        Release::MustNot
            if broken.is_empty()
                && matrix.runs.iter().any(RunFinished::skipped_too_many)
                && matrix.runs.iter().all(|run| run.counts.failed == 0) =>
        {
            "Too many cases were skipped".to_owned()
        }
        Release::MustNot if broken.is_empty() => "Broken: cases fail, and the targets agree on it".to_owned(),
        Release::MustNot => {
            let names: Vec<_> = broken.iter().map(|one| short(&one.candidate.name, NAME)).collect();
            let verb = if names.len() == 1 { "differs" } else { "differ" };
            format!("Drift: {} {verb} from {} in what matters", names.join(", "), first())
        }
        Release::Unknown => {
            let why = matrix.drift.iter().find(|one| Release::of(one) == Release::Unknown);
            match why {
                Some(one) => format!("{} ({})", headline(one), short(&one.candidate.name, NAME)),
                None => format!("No verdict: the run exits with {}", matrix.exit_code),
            }
        }
        Release::May if matrix.drift.iter().all(|one| one.changes.is_empty()) => "The targets agree".to_owned(),
        Release::May => format!("The targets agree with {} in what matters", first()),
    }
}

/// What was compared: `412 cases compared, 389 the same, 3 not compared`.
pub(super) fn compared(comparison: &Comparison) -> String {
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

/// What the reader of a verdict has to know besides, a sentence each.
pub(super) fn cautions(comparison: &Comparison) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(stop) = stop_of(comparison) {
        out.push(format!("{}: cases may be missing.", capital(&stop)));
    }
    if comparison.baseline.suite_hash != comparison.candidate.suite_hash {
        out.push("The two sides ran different suites: only cases that both have are compared.".to_owned());
    }
    let missing = missing(comparison);
    if missing > 0 {
        out.push(format!(
            "The candidate did not respond to {} of the baseline.",
            cases(missing)
        ));
    }
    let left = comparison.summary.not_compared.saturating_sub(missing);
    if left > 0 {
        let have = if left == 1 { "has" } else { "have" };
        out.push(format!("{} {have} no response on both sides.", cases(left)));
    }
    out
}

/// Cases of the baseline that the candidate did not respond to.
pub(super) fn missing(comparison: &Comparison) -> usize {
    comparison.not_compared.iter().filter(|one| one.is_missing).count()
}

/// The cases that were not compared, those first that the candidate did not respond to: id and reason.
pub(super) fn not_compared(comparison: &Comparison) -> impl ExactSizeIterator<Item = (String, String)> {
    let told = comparison.not_compared.iter().take(MISSING);
    told.map(|one| (short(&one.case, NAME), short(&one.reason, NAME)))
}

/// How many cases that were not compared are left out of a report.
pub(super) fn not_named(comparison: &Comparison) -> usize {
    comparison.not_compared.len().saturating_sub(MISSING)
}

/// The method and the path template of a change, and its suite.
pub(super) fn origin(change: &Change) -> String {
    let suite = short(&change.suite, NAME);
    match &change.endpoint {
        Some(endpoint) => format!("{} in {suite}", short(endpoint, NAME)),
        None => suite,
    }
}

/// How many changes there are of each level, from breaking to info.
pub(super) fn counted(comparison: &Comparison) -> Vec<(Level, usize)> {
    let summary = &comparison.summary;
    vec![
        (Level::Breaking, summary.breaking),
        (Level::Warning, summary.warnings),
        (Level::Info, summary.infos),
    ]
}

/// `2 breaking changes, 1 warning`; empty where there is none.
pub(super) fn parts(counted: &[(Level, usize)]) -> String {
    let parts: Vec<_> = counted
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(level, number)| {
            let s = if *number == 1 { "" } else { "s" };
            match level {
                Level::Breaking => format!("{} breaking change{s}", figure(*number)),
                Level::Warning => format!("{} warning{s}", figure(*number)),
                Level::Info => format!("{} info{s}", figure(*number)),
            }
        })
        .collect();
    parts.join(", ")
}

/// A level's name.
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Breaking => "breaking",
        Level::Warning => "warning",
        Level::Info => "info",
    }
}

/// Where a change is: a pointer or a header field.
pub(super) fn place(change: &Change) -> Option<String> {
    match (&change.pointer, &change.header) {
        (Some(pointer), _) if pointer.is_empty() => Some("the whole body".to_owned()),
        (Some(pointer), _) => Some(short(pointer, NAME)),
        (None, Some(header)) => Some(short(header, NAME)),
        (None, None) => None,
    }
}

/// What stays the same of a change from run to run: its rule and where it is.
pub(super) fn title(change: &Change) -> String {
    let rule = short(&change.rule, NAME);
    match place(change) {
        Some(place) => format!("{rule} at {place}"),
        None => rule,
    }
}

/// The first cases that show a change, and how many more there are.
pub(super) fn some_cases(change: &Change) -> (Vec<String>, usize) {
    let some: Vec<_> = change.cases.iter().take(NAMED).map(|id| short(id, NAME)).collect();
    let more = change.cases.len() - some.len();
    (some, more)
}

/// The same in one line.
pub(super) fn whose(change: &Change) -> String {
    let (some, more) = some_cases(change);
    let more = if more > 0 {
        format!(", + {} more", figure(more))
    } else {
        String::new()
    };
    format!("{}{more}", some.join(", "))
}

/// A value as a change shows it; what is not there is told so.
pub(super) fn value(of: Option<&str>, most: usize) -> String {
    of.map_or_else(|| "(absent)".to_owned(), |text| short(text, most))
}

/// The command that sends a request again; none where its body is not all there, or it is longer than a reader wants.
pub(super) fn command(exchange: Option<&Exchange>, side: &Side, most: usize) -> Option<String> {
    let request = &exchange?.request;
    if request.body.is_cut() || request.body.bytes().len() > most || request.url.len() > most {
        return None;
    }
    let names = side.secrets.iter().filter(|name| name.len() <= NAME);
    let shell = Shell::new(names, &side.secret_variables, &side.access);
    let command = account::lines(&curl::command(request, &shell));
    (command.len() <= most).then_some(command)
}

/// `1 case`, `1,234 cases`.
pub(super) fn cases(number: usize) -> String {
    format!("{} {}", figure(number), if number == 1 { "case" } else { "cases" })
}

/// A sentence's first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), chars.as_str())
    })
}
