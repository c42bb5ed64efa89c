//! The causes of a run's failures: cases that did not pass, grouped by what failed.
//!
//! The cause of a case is its first finding that fails it, or the reason why it has no response, without ids and values
//! that vary ([`crate::model::Finding::pattern`]). A case has one cause, so that the groups add up to all of them.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{
    escape::visible,
    limits::CAUSES_COUNT,
    plain,
    text::{cut, short},
};
use crate::{
    model::{Attempt, CaseFinished, Finding, Phase, Verdict, text_pattern},
    report::limits::VALUE,
};

/// All causes of a run, in the order in which they first appeared.
#[derive(Default)]
pub(super) struct Causes {
    numbers: BTreeMap<(Verdict, String), usize>,
    all: Vec<Cause>,
}

/// A cause and the number of its cases.
pub(super) struct Cause {
    /// Its number in the order of appearance: cases have it.
    pub number: usize,
    /// How its cases ended: `failed`, `errored` or `flaky`.
    pub verdict: Verdict,
    /// The problem in one line: of its only case, or without the values that vary.
    pub title: String,
    /// The position in the plan of its first case.
    pub first: usize,
    /// The id of that case.
    pub id: String,
    /// The problem of that case, with its values.
    pub example: String,
    /// The number of its cases.
    pub cases: usize,
}

impl Causes {
    /// Adds a case, and returns the number of its cause; none if it passed or was not run.
    pub(super) fn add(&mut self, finished: &CaseFinished) -> Option<usize> {
        if !matches!(finished.verdict, Verdict::Failed | Verdict::Errored | Verdict::Flaky) {
            return None;
        }
        let attempt = match finished.verdict {
            Verdict::Flaky => finished.previous.first().unwrap_or(&finished.last),
            _ => &finished.last,
        };
        let (pattern, example) = of(attempt);
        // The last group has all further causes.
        let pattern = if self.all.len() < CAUSES_COUNT {
            pattern
        } else {
            "other causes".to_owned()
        };
        let number = match self.numbers.entry((finished.verdict, pattern)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let number = self.all.len();
                self.all.push(Cause {
                    number,
                    verdict: finished.verdict,
                    title: short(&new.key().1, VALUE),
                    first: finished.index,
                    id: finished.id.clone(),
                    example: example.clone(),
                    cases: 0,
                });
                new.insert(number);
                number
            }
        };
        let cause = &mut self.all[number];
        cause.cases += 1;
        if finished.index < cause.first {
            (cause.first, cause.id, cause.example) = (finished.index, finished.id.clone(), example);
        }
        Some(number)
    }

    /// The causes: of failed cases first, then of errored and flaky ones; frequent causes first.
    pub(super) fn sorted(&self) -> Vec<&Cause> {
        let mut all: Vec<_> = self.all.iter().collect();
        all.sort_by_key(|cause| (cause.verdict, std::cmp::Reverse(cause.cases), cause.first));
        all
    }

    /// The number of cases that did not pass.
    pub(super) fn cases(&self) -> usize {
        self.all.iter().map(|cause| cause.cases).sum()
    }
}

/// The cause of an attempt, and the same with its values.
fn of(attempt: &Attempt) -> (String, String) {
    let of_phase = |text: String| match attempt.deciding().map(|step| step.phase) {
        Some(phase @ (Phase::Setup | Phase::Teardown)) => format!("{}: {text}", phase.name()),
        _ => text,
    };
    let finding: Option<&Finding> = attempt.failing().filter(|_| !plain::has_no_response(attempt));
    match (finding, &attempt.reason) {
        (Some(finding), _) => (of_phase(finding.pattern()), of_phase(plain::title(finding))),
        (None, reason) => {
            let reason = reason.as_deref().unwrap_or("no reason was given");
            let kind = plain::kind(attempt);
            let text = format!("{kind}: {}", text_pattern(reason));
            (text, format!("{kind}: {}", cut(&visible(reason))))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn finished(index: usize, verdict: &str, more: Value) -> CaseFinished {
        let mut case = json!({
            "id": format!("s/c{index}"), "suite": "s", "index": index, "verdict": verdict,
            "location": { "file": "cases/s/c.yaml", "line": 1, "column": 1 },
        });
        if let (Value::Object(case), Value::Object(more)) = (&mut case, more) {
            case.extend(more);
        }
        serde_json::from_value(case).unwrap()
    }

    fn failed(index: usize, check: &str, actual: &str) -> CaseFinished {
        let finding = json!({
            "check": check, "level": "deny", "message": "unexpected", "pointer": format!("/items/{index}/id"),
            "expected": "1", "actual": actual,
        });
        let step = json!({ "elapsed_us": 1, "findings": [finding] });
        finished(index, "failed", json!({ "steps": [step] }))
    }

    #[test]
    fn hundreds_of_failures_with_three_causes_are_three_groups() {
        let mut causes = Causes::default();
        for index in 0..636 {
            let case = match index % 3 {
                0 => failed(index, "body/json", &index.to_string()),
                1 => failed(index, "body/json", "null"),
                _ => {
                    let reason = format!("no connection to 127.0.0.1:{}", 40_000 + index);
                    finished(index, "errored", json!({ "reason": reason }))
                }
            };
            let number = causes.add(&case);
            assert_eq!(number, Some(index % 3));
        }
        assert_eq!(causes.add(&finished(700, "passed", json!({}))), None);
        let sorted: Vec<_> = causes
            .sorted()
            .iter()
            .map(|one| (one.title.as_str(), one.cases))
            .collect();
        assert_eq!(
            sorted,
            [
                ("body/json at /items/*/id: expected a number, got a different one", 212),
                ("body/json at /items/*/id: expected a number, got null", 212),
                ("no-verdict: no connection to #.#.#.#:#", 212),
            ]
        );
        assert_eq!(causes.cases(), 636);
        let example = "body/json at /items/0/id: expected 1, got 0";
        assert_eq!(
            (causes.all[0].id.as_str(), causes.all[0].example.as_str()),
            ("s/c0", example)
        );
    }

    #[test]
    fn more_causes_than_the_limit_share_a_group() {
        let mut causes = Causes::default();
        for index in 0..CAUSES_COUNT + 50 {
            let letters: String = index.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            let case = finished(index, "errored", json!({ "reason": letters }));
            assert!(causes.add(&case).is_some());
        }
        assert_eq!(causes.all.len(), CAUSES_COUNT + 1);
        assert_eq!(causes.all[CAUSES_COUNT].cases, 50);
        assert_eq!(causes.cases(), CAUSES_COUNT + 50);
    }
}
