//! A run: an item for each case as it finishes, and lists of warnings, skipped cases and snapshots at the end.

use std::collections::{BTreeMap, btree_map};

use crate::{
    model::{CaseFinished, Flaky, Level, Location, RunFinished, RunStarted, Stop, Verdict},
    report::{
        curl::CommandContext,
        limits::{CASES_COUNT, LINE, NAME, VALUE},
        model::{
            End, Entry, Execution, GateResult, Item, ItemState, List, ListKind, ReportTarget, Section, Severity, Start,
            VerdictCase,
        },
        plain,
        summary::{columns, headline},
        text::{cases, count, cut, figure, short},
    },
};

/// What a report of a run collects until its end.
#[derive(Default)]
pub(in crate::report) struct RunSource {
    pub shell: CommandContext,
    pub started: Option<RunStarted>,
    pub finished: Option<RunFinished>,
    /// Cases with a verdict of any kind.
    reported: usize,
    /// Findings of level `warn`, by check and message.
    warnings: BTreeMap<(String, String), Warning>,
    skipped: BTreeMap<String, ReasonGroup>,
    skipped_steps: BTreeMap<String, ReasonGroup>,
    left: BTreeMap<String, ReasonGroup>,
    /// Paths of snapshots that no case uses.
    pub unused: Vec<String>,
    /// Snapshots that were written: the ids of their cases, and their paths.
    pub written: Vec<(String, String)>,
}

/// A warning: its first case in the plan, and how many show it.
struct Warning {
    index: usize,
    location: Location,
    id: String,
    cases: usize,
}

/// Cases or steps with the same reason: the first ids, and how many there are.
#[derive(Default)]
struct ReasonGroup {
    first: Vec<String>,
    number: usize,
}

impl ReasonGroup {
    fn add(&mut self, id: &str) {
        if self.first.len() < CASES_COUNT {
            self.first.push(short(id, NAME));
        }
        self.number += 1;
    }
}

impl RunSource {
    pub(in crate::report) fn start(&mut self, started: &RunStarted) -> Start {
        self.shell = CommandContext::of(started);
        self.started = Some(started.clone());
        let flaky = match started.flaky {
            Flaky::Fail => "fail",
            Flaky::Pass => "pass",
        };
        Start {
            name: "conforme",
            tool: started.tool.clone(),
            subject: vec![started.target.clone()],
            folder: started.folder.clone(),
            started: Some(started.started),
            planned: started.cases,
            has_verdict: false,
            noun: None,
            shown: 0,
            targets: vec![ReportTarget {
                role: "target".to_owned(),
                name: short(&started.target, NAME),
                base_url: short(&started.base_url, NAME),
                commit: started.commit.as_ref().map(|commit| short(commit, NAME)),
                suite_hash: short(&started.suite_hash, NAME),
                started: started.started,
                facts: vec![cases(started.cases)],
            }],
            properties: vec![("flaky", flaky.to_owned())],
        }
    }

    /// Keeps what the lists show of a case.
    pub(in crate::report) fn add(&mut self, finished: &CaseFinished) {
        self.reported += 1;
        for finding in finished.last.findings().filter(|finding| finding.level == Level::Warn) {
            let key = (short(finding.check.as_str(), NAME), short(&finding.message, VALUE));
            let first = Warning {
                index: finished.index,
                location: finding.location.as_ref().unwrap_or(&finished.location).clone(),
                id: short(&finished.id, NAME),
                cases: 1,
            };
            match self.warnings.entry(key) {
                btree_map::Entry::Vacant(entry) => drop(entry.insert(first)),
                btree_map::Entry::Occupied(mut entry) => {
                    let cases = entry.get().cases + 1;
                    if first.index < entry.get().index {
                        entry.insert(first);
                    }
                    entry.get_mut().cases = cases;
                }
            }
        }
        let written = finished.snapshot.clone().map(|path| (finished.id.clone(), path));
        self.written.extend(written);
        if !matches!(finished.verdict, Verdict::Skipped | Verdict::NotRun) {
            for step in finished.last.skipped_steps() {
                let why = step.omitted.as_deref().unwrap_or("no reason was given");
                let group = self.skipped_steps.entry(short(why, VALUE)).or_default();
                group.add(&format!("{}:{}", finished.id, step.id));
            }
        }
        let reasons = match finished.verdict {
            Verdict::Skipped => &mut self.skipped,
            Verdict::NotRun => &mut self.left,
            _ => return,
        };
        let group = reasons.entry(short(&reason(finished), VALUE)).or_default();
        group.add(&finished.id);
    }

    /// Findings of level `warn`: the check, the message, and how many cases have it.
    pub(in crate::report) fn warnings(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        let warnings = self.warnings.iter();
        warnings.map(|((check, message), warning)| (check.as_str(), message.as_str(), warning.cases))
    }

    /// Keeps a snapshot that no case uses.
    pub(in crate::report) fn add_unused(&mut self, path: &str) {
        self.unused.push(short(path, NAME));
    }

    /// Keeps how the run ended.
    pub(in crate::report) fn finish(&mut self, finished: &RunFinished) {
        self.finished = Some(finished.clone());
    }

    /// The item of a case.
    pub(in crate::report) fn item<'a>(&'a self, finished: &'a CaseFinished) -> Item<'a> {
        let flaky_passes = self
            .started
            .as_ref()
            .is_some_and(|started| started.flaky == Flaky::Pass);
        let (severity, state) = match finished.verdict {
            Verdict::Passed => (Severity::Note, ItemState::Passed),
            Verdict::Flaky if flaky_passes => (Severity::Warning, ItemState::Passed),
            Verdict::Failed | Verdict::Flaky => (Severity::Error, ItemState::Failed),
            Verdict::Errored => (Severity::Error, ItemState::Errored),
            Verdict::Skipped => (Severity::Note, ItemState::Skipped),
            Verdict::NotRun => (Severity::Note, ItemState::Errored),
        };
        let (rule, rule_title, message) = match finished.verdict {
            Verdict::Passed => ("", "", String::new()),
            Verdict::Failed => (plain::kind(&finished.last), "", plain::headline(&finished.last)),
            Verdict::Errored => (
                plain::kind(&finished.last),
                "There is a response to judge.",
                plain::headline(&finished.last),
            ),
            Verdict::Flaky => (
                "flaky",
                "The case passes at the first attempt.",
                plain::flaky(&finished.previous),
            ),
            Verdict::Skipped => ("skipped", "", short(&reason(finished), LINE)),
            Verdict::NotRun => ("not-run", "", format!("not run: {}", short(&reason(finished), LINE))),
        };
        Item {
            severity,
            state,
            label: finished.verdict.name(),
            rule: rule.to_owned(),
            rule_title: rule_title.to_owned(),
            title: finished.id.clone(),
            message,
            suite: finished.suite.clone(),
            origin: finished.suite.clone(),
            cases: vec![&finished.id],
            case_count: 1,
            execution: Some(Execution {
                index: finished.index,
                verdict: finished.verdict,
                name: finished.name.as_deref(),
                tags: &finished.tags,
                snapshot: finished.snapshot.as_deref(),
                previous: &finished.previous,
                last: &finished.last,
                shell: &self.shell,
            }),
            ..Item::at(&finished.location)
        }
    }

    pub(in crate::report) fn end(&mut self) -> End {
        let target = self.started.as_ref().map_or("", |started| started.target.as_str());
        let summary = format!("{} against {}", cases(self.reported), short(target, NAME));
        let verdict = self.verdict();
        let section = Section {
            cautions: self.cautions(),
            lists: self.lists(),
            ..Section::default()
        };
        let Some(finished) = &self.finished else {
            return End {
                headline: headline(None),
                summary: vec![summary],
                verdict,
                sections: vec![section],
                ..End::default()
            };
        };
        let counts = columns(&finished.counts).into_iter();
        let mut properties = vec![
            ("cases", finished.counts.all().to_string()),
            ("project_cases", finished.project_cases.to_string()),
        ];
        properties.extend(finished.max_skipped.map(|max| ("max_skipped", max.to_string())));
        properties.extend(finished.stopped.map(|stop| ("stopped", stop.text().to_owned())));
        End {
            outcome: GateResult::of(finished),
            headline: headline(Some(finished)),
            summary: vec![summary],
            exit_code: Some(finished.exit_code),
            elapsed_us: Some(finished.elapsed_us),
            counts: counts
                .filter(|(name, number)| *number > 0 || *name != "passed before")
                .collect(),
            properties,
            // Every case was judged, so that there is nothing to report besides the items.
            is_complete: finished.stopped.is_none()
                && matches!(finished.exit_code, 0 | 1)
                && finished.counts.errored == 0,
            verdict,
            grid: None,
            sections: vec![section],
        }
    }

    /// A test case that fails if the run is incomplete or skipped too many cases: all cases may have passed.
    fn verdict(&self) -> Option<VerdictCase> {
        let planned = self.started.as_ref().map_or(0, |started| started.cases);
        let is_short = self.reported < planned;
        let why = match self.finished.as_ref().map(|finished| finished.stopped) {
            Some(Some(stop)) if stop == Stop::Lost || is_short => stop.text(),
            Some(None) if is_short => "not all planned cases were run",
            None => "the run did not end",
            Some(_) => {
                let finished = self.finished.as_ref().filter(|finished| finished.skipped_too_many())?;
                return Some(VerdictCase {
                    name: "max-skipped".to_owned(),
                    state: ItemState::Failed,
                    kind: "max-skipped",
                    message: headline(Some(finished)),
                });
            }
        };
        let (reported, planned) = (figure(self.reported), cases(planned));
        Some(VerdictCase {
            name: "the run is complete".to_owned(),
            state: ItemState::Errored,
            kind: "incomplete",
            message: format!("{why}: {reported} of {planned} reported"),
        })
    }

    fn cautions(&self) -> Vec<String> {
        let stop = self
            .finished
            .as_ref()
            .and_then(|finished| Some((finished.stopped?, finished)));
        let caution = stop.map(|(stop, finished)| {
            let left = cases(finished.counts.not_run);
            format!("The run is incomplete: {}; {left} did not run.", stop.text())
        });
        caution.into_iter().collect()
    }

    fn lists(&mut self) -> Vec<List> {
        let warnings = std::mem::take(&mut self.warnings).into_iter();
        let warnings = warnings.map(|((check, message), warning)| {
            let note = match warning.cases {
                1 => warning.id,
                number => format!("{} and {}", warning.id, count(number - 1, "more case")),
            };
            Entry::new(check, message, note).at(&warning.location, Severity::Warning)
        });
        let unused = std::mem::take(&mut self.unused).into_iter().map(|path| {
            let location = Location {
                file: path.into(),
                line: 1,
                column: 1,
            };
            Entry::new("", "no case uses this snapshot", "").at(&location, Severity::Warning)
        });
        let (pending, accepted): (Vec<_>, Vec<_>) = std::mem::take(&mut self.written)
            .into_iter()
            .map(|(_, path)| path)
            .partition(|path| is_pending(path));
        let snapshots = |paths: Vec<String>| paths.into_iter().map(|path| Entry::new(short(&path, NAME), "", ""));
        let info = |titles, count, entries| List::new(ListKind::Info, titles, count, entries);
        let (skipped, left) = (reasons(&mut self.skipped, "case"), reasons(&mut self.left, "case"));
        let steps = reasons(&mut self.skipped_steps, "step");
        let (waiting, taken) = (
            count(pending.len(), "pending snapshot"),
            count(accepted.len(), "accepted snapshot"),
        );
        vec![
            List::new(ListKind::Warnings, ("Warnings", "warning"), String::new(), warnings),
            List::new(
                ListKind::Stale,
                ("Snapshots without a case", "unused"),
                String::new(),
                unused,
            ),
            info(("Skipped", "skipped"), format!("{} skipped", skipped.0), skipped.1),
            info(("Skipped steps", "skipped"), format!("{} skipped", steps.0), steps.1),
            info(("Not run", "not run"), format!("{} not run", left.0), left.1),
            info(("Pending snapshots", "pending"), waiting, snapshots(pending).collect()),
            info(("Accepted snapshots", "accepted"), taken, snapshots(accepted).collect()),
        ]
    }
}

/// The number of cases or steps in words, and an entry for each reason.
fn reasons(reasons: &mut BTreeMap<String, ReasonGroup>, what: &str) -> (String, Vec<Entry>) {
    let all: usize = reasons.values().map(|reason| reason.number).sum();
    let entries = std::mem::take(reasons).into_iter().map(|(text, reason)| {
        let more = if reason.number > reason.first.len() {
            ", …"
        } else {
            ""
        };
        let note = format!("{}: {}{more}", count(reason.number, what), reason.first.join(", "));
        Entry::new(text, "", note)
    });
    (count(all, what), entries.collect())
}

fn reason(finished: &CaseFinished) -> String {
    cut(finished.last.reason.as_deref().unwrap_or("no reason was given"))
}

/// Whether a snapshot is waiting for a review.
pub(in crate::report) fn is_pending(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "new")
}
