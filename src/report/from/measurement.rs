//! A measurement of `conforme mutate`: the score, and an item for each group of changes that the suite does not detect.

use crate::{
    model::Exit,
    mutate::{self, Layer, Measured, SurvivorGroup, Tally},
    report::{
        Report,
        limits::{CASES_COUNT, LEFT_OUT_COUNT, LINE, NAME, VALUE, terminal},
        model::{
            Column, End, Entry, GateResult, Item, ItemState, List, ListKind, Section, Severity, Start, Table, TableRow,
            Values, VerdictCase,
        },
        text::{cases, count, figure, short},
    },
};

/// How the score is calculated.
const FORMULA: &str = "Score: killed / (killed + survived). A change is killed if a check fails for the changed response. \
                       Accepted survivors, equivalent changes and incidental header fields do not count";

impl<'a> From<&'a Measured> for Report<'a> {
    fn from(measured: &'a Measured) -> Self {
        let outcome = match Exit::of_code(measured.exit_code) {
            Some(Exit::Success) => GateResult::Passed,
            Some(Exit::ContractViolated) => GateResult::Failed,
            _ => GateResult::NoVerdict,
        };
        let (state, kind) = match outcome {
            GateResult::Passed => (ItemState::Passed, ""),
            GateResult::Failed => (ItemState::Failed, "score"),
            GateResult::NoVerdict => (ItemState::Errored, "no-verdict"),
        };
        let least = measured.min_score.map(|least| ("min_score", least.to_string()));
        Self {
            start: Start {
                name: "conforme mutate",
                tool: measured.tool.clone(),
                subject: vec![measured.recording.clone()],
                planned: measured.survivors.len(),
                has_verdict: true,
                shown: terminal::SURVIVORS_COUNT,
                properties: [("recording", short(&measured.recording, NAME))]
                    .into_iter()
                    .chain(least)
                    .collect(),
                ..Start::default()
            },
            items: measured.survivors.iter().map(|group| item(group, outcome)).collect(),
            end: End {
                outcome,
                headline: measured.headline.clone(),
                summary: [summary(measured), FORMULA.to_owned()]
                    .into_iter()
                    .chain(undecided(measured))
                    .collect(),
                exit_code: Some(measured.exit_code),
                is_complete: outcome != GateResult::NoVerdict && measured.not_measured.is_empty(),
                verdict: Some(VerdictCase {
                    name: "the score is reached".to_owned(),
                    state,
                    kind,
                    message: measured.headline.clone(),
                }),
                sections: vec![section(measured)],
                ..End::default()
            },
            data: measured,
        }
    }
}

fn summary(measured: &Measured) -> String {
    let Tally {
        killed,
        survived,
        accepted,
        equivalent,
        undecided,
    } = measured.total;
    let mut parts = vec![
        format!("{} killed", figure(killed)),
        format!("{} survived", figure(survived)),
    ];
    let others = [
        (accepted, "accepted"),
        (equivalent, "equivalent"),
        (undecided, "undecided"),
    ];
    for (number, what) in others {
        if number > 0 {
            parts.push(format!("{} {what}", figure(number)));
        }
    }
    let all = count(
        killed + survived + accepted + equivalent + undecided,
        "changed response",
    );
    let of = if measured.cases < measured.selected {
        format!("{} of {}", figure(measured.cases), cases(measured.selected))
    } else {
        cases(measured.cases)
    };
    format!("{all} of {of}: {}", parts.join(", "))
}

/// Why some changes are not in the score.
fn undecided(measured: &Measured) -> Option<String> {
    let all = measured.total.undecided;
    let verb = if all == 1 { "is" } else { "are" };
    (all > 0).then(|| {
        format!(
            "{} {verb} undecided and {verb} not counted: a later step would send a different request, whose response is \
             not recorded",
            count(all, "change")
        )
    })
}

fn item(group: &SurvivorGroup, outcome: GateResult) -> Item<'_> {
    let mut ids: Vec<&str> = group.survivors.iter().map(|survivor| survivor.case.as_str()).collect();
    ids.dedup();
    let first = group.survivors.first();
    let values = first.map(|first| Values {
        case: None,
        before: first.before.as_deref(),
        after: first.after.as_deref(),
    });
    let reason = if group.advice.is_some() {
        None
    } else {
        let hint = group.hint.as_deref();
        Some(hint.unwrap_or("no check was found that passes for the recorded response and fails for the changed one"))
    };
    Item {
        severity: Severity::Warning,
        // Every survivor is a reason for a score that is too low.
        state: if outcome == GateResult::Failed {
            ItemState::Failed
        } else {
            ItemState::Passed
        },
        label: "survived",
        rule: short(group.operators.first().map_or("", String::as_str), NAME),
        rule_title: format!(
            "Changes by {} are detected.",
            group.operators.first().map_or("", String::as_str)
        ),
        title: short(&title(group), VALUE),
        message: short(&group.message, VALUE),
        reason: reason.map(|reason| short(reason, VALUE)),
        suite: short(&group.suite, NAME),
        origin: format!("{} in {}", count(group.count, "change"), short(&group.suite, NAME)),
        values: values
            .filter(|values| values.before.is_some() || values.after.is_some())
            .into_iter()
            .collect(),
        cases: ids,
        case_count: group.cases,
        fingerprint: first.map_or_else(String::new, |first| short(&first.id, NAME)),
        advice: group.advice.as_deref(),
        details: vec![("by", short(&group.operators.join(", "), LINE))],
        ..Item::at(&group.location)
    }
}

fn title(group: &SurvivorGroup) -> String {
    let first = group.operators.first().map_or("", String::as_str);
    match group.operators.len() {
        0 | 1 => format!("{first} at {}", group.target),
        all => format!("{first} (+ {} more) at {}", all - 1, group.target),
    }
}

fn section(measured: &Measured) -> Section {
    let not_measured = measured.not_measured.iter().take(LEFT_OUT_COUNT);
    let not_measured = not_measured.map(|one| Entry::new(short(&one.case, NAME), short(&one.reason, VALUE), ""));
    let stale = measured.stale.iter();
    let stale = stale.map(|one| {
        Entry::new(short(&one.what, NAME), "no such survivor any more", "").at(&one.waiver, Severity::Warning)
    });
    let accepted = measured.accepted.iter().map(|one| {
        let ids = one.group.survivors.iter().map(|survivor| survivor.case.as_str());
        let mut ids: Vec<_> = ids.take(CASES_COUNT).collect();
        ids.dedup();
        let ids = short(&ids.join(", "), VALUE);
        Entry::new(short(&title(&one.group), VALUE), short(&one.reason, VALUE), ids).at(&one.waiver, Severity::Note)
    });
    let by_snapshot = measured.by_snapshot.iter().map(|one| {
        let what = format!("{} at {} in {}", one.operator, one.target, one.suite);
        Entry::new(short(&what, VALUE), "", count(one.mutants, "change"))
    });
    let (left, only) = (measured.not_measured.len(), measured.by_snapshot.len());
    let lists = vec![
        List {
            more: left.saturating_sub(LEFT_OUT_COUNT),
            ..List::new(
                ListKind::LeftOut,
                ("Not measured", "not measured"),
                cases(left),
                not_measured,
            )
        },
        List::new(
            ListKind::Stale,
            ("Accepted survivors that do not apply", "stale"),
            count(measured.stale.len(), "waiver"),
            stale,
        ),
        List::new(
            ListKind::Accepted,
            ("Accepted survivors", "accepted"),
            count(measured.accepted.len(), "group"),
            accepted,
        ),
        List::new(
            ListKind::Info,
            ("Detected by nothing but the snapshot", "snapshot"),
            format!("{} of change only the snapshot detects", count(only, "kind")),
            by_snapshot,
        ),
    ];
    Section {
        items: "Changes that the suite does not detect",
        items_first: true,
        lists,
        tables: tables(measured),
        ..Section::default()
    }
}

fn tables(measured: &Measured) -> Vec<Table> {
    // Only cases of several steps have undecided changes.
    let has_undecided = measured.total.undecided > 0;
    let numbers = || {
        let names = ["score", "killed", "survived", "accepted"].into_iter();
        names.chain(has_undecided.then_some("undecided")).map(Column::Number)
    };
    let cells = |tally: Tally| {
        let score = mutate::percent(tally).unwrap_or_else(|| "–".to_owned());
        let counts = [tally.killed, tally.survived, tally.accepted].map(figure);
        let undecided = has_undecided.then(|| figure(tally.undecided));
        std::iter::once(score).chain(counts).chain(undecided)
    };
    let layers = measured.layers.iter().map(|one| TableRow {
        cells: vec![layer(one.layer).to_owned(), figure(one.first), figure(one.only)],
        is_brief: one.first + one.only > 0,
    });
    let operators = measured.operators.iter().filter(|one| one.tally != Tally::default());
    let operators = operators.map(|one| TableRow {
        cells: [one.operator.clone(), one.stands_for.clone()]
            .into_iter()
            .chain(cells(one.tally))
            .collect(),
        is_brief: one.tally.survived + one.tally.accepted > 0,
    });
    let suites = measured.suites.iter().map(|one| TableRow {
        cells: std::iter::once(one.suite.clone()).chain(cells(one.tally)).collect(),
        is_brief: measured.suites.len() > 1,
    });
    let mail = measured.mail.map(|tally| TableRow {
        cells: std::iter::once("e-mails".to_owned()).chain(cells(tally)).collect(),
        is_brief: true,
    });
    let table = |title, columns, rows| Table { title, columns, rows };
    let mut tables = vec![
        table(
            "By layer",
            vec![
                Column::Name("layer"),
                Column::Number("first to detect"),
                Column::Number("only one to detect"),
            ],
            layers.collect(),
        ),
        table(
            "By operator",
            [Column::Name("operator"), Column::Note("represents")]
                .into_iter()
                .chain(numbers())
                .collect(),
            operators.collect(),
        ),
        table(
            "By suite",
            std::iter::once(Column::Name("suite")).chain(numbers()).collect(),
            suites.collect(),
        ),
    ];
    tables.extend(mail.map(|row| {
        let columns = std::iter::once(Column::Name("part")).chain(numbers()).collect();
        table("Of these, changes of e-mails", columns, vec![row])
    }));
    tables
}

fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Status => "status",
        Layer::Headers => "headers",
        Layer::Schema => "schema",
        Layer::Body => "body",
        Layer::Other => "same-as, duration",
        Layer::Rules => "HTTP rules",
        Layer::OpenApi => "OpenAPI",
        Layer::Snapshot => "snapshot",
    }
}
