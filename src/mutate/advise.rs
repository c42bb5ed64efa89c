//! Verified advice: with the addition, the case passes for the recorded response and fails for the change.

use std::collections::{BTreeMap, HashMap};

use super::{
    MeasuredStep, OPERATORS, SurvivingMutant, advice,
    mutant::{Elsewhere, Mutants},
    yaml,
};
use crate::{
    check::{self, Expectation, ResponseView, failing_layers},
    model::{Outcome, Request},
    plan::Plan,
    schema::SchemaStore,
    source::{FileId, Sources},
    suite::{Amended, CaseFile},
};

/// Maximum length of an addition, in bytes.
const LONGEST: usize = 4000;
/// Maximum number of survivors of one operator in a group for which an addition is verified; the result applies to the rest.
const TRIED: usize = 100;

/// The advice for a part of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Advice {
    /// The lines to add.
    pub(super) lines: Option<String>,
    /// A different way to detect the change.
    pub(super) hint: Option<String>,
}

/// Survivors by their subjects.
pub(super) type Survived = Vec<(usize, SurvivingMutant)>;

/// Verifies additions to cases.
pub(super) struct Adviser<'a> {
    pub(super) subjects: &'a [MeasuredStep],
    pub(super) elsewhere: &'a HashMap<String, Elsewhere>,
    pub(super) plan: &'a Plan,
    pub(super) sources: &'a Sources,
    pub(super) schemas: &'a SchemaStore,
    /// By case file, its content and its subjects.
    files: HashMap<FileId, (Option<CaseFile>, Vec<usize>)>,
}

/// An addition to a file that passes for every response recorded for it.
struct Trial {
    /// By subject.
    expectations: HashMap<usize, Expectation>,
}

impl<'a> Adviser<'a> {
    pub(super) fn new(
        subjects: &'a [MeasuredStep],
        elsewhere: &'a HashMap<String, Elsewhere>,
        plan: &'a Plan,
        sources: &'a Sources,
        schemas: &'a SchemaStore,
    ) -> Self {
        let mut files: HashMap<FileId, (Option<CaseFile>, Vec<usize>)> = HashMap::new();
        for (at, subject) in subjects.iter().enumerate() {
            files.entry(subject.case.span.file).or_default().1.push(at);
        }
        Self {
            subjects,
            elsewhere,
            plan,
            sources,
            schemas,
            files,
        }
    }

    /// Divides survivors at one target by the addition that detects them.
    pub(super) fn advise(&mut self, survived: Survived) -> Vec<(Advice, Survived)> {
        let mut by_file: BTreeMap<FileId, Survived> = BTreeMap::new();
        for (at, found) in survived {
            let file = self.subjects[at].case.span.file;
            by_file.entry(file).or_default().push((at, found));
        }
        let mut parts: BTreeMap<Advice, Survived> = BTreeMap::new();
        for (file, survived) in by_file {
            for (advice, survived) in self.advise_file(file, survived) {
                parts.entry(advice).or_default().extend(survived);
            }
        }
        parts.into_iter().collect()
    }

    fn advise_file(&mut self, file: FileId, mut left: Survived) -> Vec<(Advice, Survived)> {
        let mut parts = Vec::new();
        let Some((at, found)) = left.first() else { return parts };
        let subject = &self.subjects[*at];
        // Additions are written for the case, from which a step that reads a mailbox does not inherit.
        if subject.response.version == Request::MAIL {
            return vec![(Advice::default(), left)];
        }
        let known = self.files.entry(file).or_default();
        if known.0.is_none() {
            known.0 = CaseFile::read(&subject.case, self.sources);
        }
        let Some((Some(case_file), of_file)) = self.files.get(&file) else {
            return vec![(Advice::default(), left)];
        };
        let view = &ResponseView::new(&subject.response, subject.bound.expectation.max_body);
        let mut last = String::new();
        for mut candidate in advice::candidates(&OPERATORS[found.operator], &found.target, view, &subject.names) {
            case_file.complete(&mut candidate);
            let lines = yaml::render(&candidate);
            if lines.len() > LONGEST || lines == last {
                continue;
            }
            let amended = case_file.with(&lines, self.schemas);
            last.clone_from(&lines);
            let Some(trial) = amended.and_then(|amended| self.trial(&amended, of_file, &left)) else {
                continue;
            };
            let (killed, rest) = self.divide(&trial, left);
            left = rest;
            if !killed.is_empty() {
                let advice = Advice {
                    lines: Some(lines),
                    hint: None,
                };
                parts.push((advice, killed));
            }
            if left.is_empty() {
                return parts;
            }
        }
        let (hinted, rest) = self.hint(case_file, view, subject, left);
        parts.extend(hinted);
        if !rest.is_empty() {
            parts.push((Advice::default(), rest));
        }
        parts
    }

    /// Binds an addition for every case of its file, if it passes for all of them.
    fn trial(&self, amended: &Amended, of_file: &[usize], left: &Survived) -> Option<Trial> {
        let mut expectations = HashMap::new();
        for at in of_file {
            let subject = &self.subjects[*at];
            let expectation = self.plan.bind_amended(&subject.case, amended, self.sources).ok()?;
            let other = subject.other.as_ref();
            let failing_layers = failing_layers(&expectation, &subject.bound.request, &subject.response, other);
            if !failing_layers.is_empty() {
                return None;
            }
            if left.iter().any(|(wanted, _)| wanted == at) {
                expectations.insert(*at, expectation);
            }
        }
        Some(Trial { expectations })
    }

    /// The survivors that an addition detects, and the others.
    fn divide(&self, trial: &Trial, survived: Survived) -> (Survived, Survived) {
        let mut tried: HashMap<usize, (usize, bool)> = HashMap::new();
        let mut is_killed = Vec::with_capacity(survived.len());
        let mut from = 0;
        while from < survived.len() {
            // All mutants of one operator and response are created again at once.
            let (at, operator) = (survived[from].0, survived[from].1.operator);
            let same = survived[from..].iter();
            let count = same
                .take_while(|(other, found)| *other == at && found.operator == operator)
                .count();
            let batch = &survived[from..from + count];
            from += count;
            let (before, all_killed) = tried.entry(operator).or_insert((0, true));
            if *before >= TRIED {
                is_killed.extend(batch.iter().map(|_| *all_killed));
                continue;
            }
            let numbers = batch.iter().take(TRIED - *before).map(|(_, found)| found.number);
            let killed = self.kills(trial, at, operator, &numbers.collect::<Vec<_>>());
            *before += killed.len();
            *all_killed &= killed.iter().all(|killed| *killed);
            let rest = batch.len() - killed.len();
            is_killed.extend(killed);
            is_killed.extend(std::iter::repeat_n(*all_killed, rest));
        }
        let (mut killed, mut rest) = (Vec::new(), Vec::new());
        for (one, is_killed) in survived.into_iter().zip(is_killed) {
            if is_killed { &mut killed } else { &mut rest }.push(one);
        }
        (killed, rest)
    }

    /// Which of an operator's mutants of a response are detected.
    fn kills(&self, trial: &Trial, at: usize, operator: usize, numbers: &[usize]) -> Vec<bool> {
        let subject = &self.subjects[at];
        let mut killed = vec![false; numbers.len()];
        let (Some(expectation), Some(elsewhere)) = (trial.expectations.get(&at), self.elsewhere.get(&subject.suite))
        else {
            return killed;
        };
        let other = subject.other.as_ref();
        Mutants::make_with(&subject.response, elsewhere, &OPERATORS[operator], &mut |mutant| {
            if let Some(at) = numbers.iter().position(|number| *number == mutant.number) {
                let failing_layers = failing_layers(expectation, &subject.bound.request, mutant.response, other);
                killed[at] = !failing_layers.is_empty();
            }
        });
        killed
    }

    /// The survivors that a snapshot would detect. This is a hint, not advice, since a snapshot passes only once accepted.
    fn hint(
        &self,
        file: &CaseFile,
        view: &ResponseView<'_>,
        subject: &MeasuredStep,
        left: Survived,
    ) -> (Option<(Advice, Survived)>, Survived) {
        let Some((at, _)) = left.first() else {
            return (None, left);
        };
        let at = *at;
        let Some(def) = subject.case.def.steps.get(subject.step) else {
            return (None, left);
        };
        if def.expect.snapshot.as_ref().is_some_and(|asked| asked.value) {
            return (None, left);
        }
        let expectation =
            advice::snapshot(view, &def.snapshots.redact, &subject.names).and_then(|(addition, locations)| {
                let amended = file.with(&yaml::render(&addition), self.schemas)?;
                let mut expectation = self.plan.bind_amended(&subject.case, &amended, self.sources).ok()?;
                let outcome = Outcome::Response(subject.response.clone());
                let other = subject.other.as_ref();
                let new = check::check(&expectation, &subject.bound.request, &outcome, other).snapshot?;
                expectation.snapshot.as_mut()?.stored = Some(new.trim_end().to_owned());
                let failing_layers = failing_layers(&expectation, &subject.bound.request, &subject.response, other);
                failing_layers.is_empty().then_some((expectation, locations))
            });
        let Some((expectation, locations)) = expectation else {
            return (None, left);
        };
        let trial = Trial {
            expectations: HashMap::from([(at, expectation)]),
        };
        let (of_subject, others): (Survived, Survived) = left.into_iter().partition(|(other, _)| *other == at);
        let (killed, mut rest) = self.divide(&trial, of_subject);
        rest.extend(others);
        if killed.is_empty() {
            return (None, rest);
        }
        let hint = match locations.as_slice() {
            [] => "a snapshot detects it (`snapshot: true`)".to_owned(),
            locations => format!(
                "a snapshot without {} detects it (`snapshot: true`)",
                locations.join(", ")
            ),
        };
        let advice = Advice {
            lines: None,
            hint: Some(hint),
        };
        (Some((advice, killed)), rest)
    }
}
