//! From the differences of single cases to changes of the API: each told once, however many cases show it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ChangeRule as Rule, Level, Noise,
    answers::{differ, replies},
    difference::{Difference, Part, Told},
    facts::{Facts, general},
    side::{Recorded, answers, exchange},
};
use crate::{
    check::Level as FindingLevel,
    event::{CaseFinished, Verdict},
    exchange::Reply,
};

/// Most answers of one case on one side that are held against those of the other.
const ANSWERS: usize = 5;

/// What makes a change this one and no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) suite: String,
    pub(super) rule: Rule,
    pub(super) part: Part,
    pub(super) kind: String,
}

/// A change and the cases that show it.
#[derive(Debug)]
pub(super) struct Group {
    /// By place in the suite, then id.
    pub(super) cases: BTreeSet<(usize, String)>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// The highest level that a case of it calls for, and why.
    pub(super) level: Level,
    pub(super) reason: String,
    /// The check that fails because of it, and did not before.
    pub(super) raised: Option<String>,
    /// The check that fails and does no more than hold the wording of a text.
    pub(super) worded: Option<String>,
    /// Whether a check that failed holds because of it.
    pub(super) is_satisfied: bool,
}

/// A check and a place that it fails at.
type Mark = (String, Option<String>);

/// A case whose findings are others than before.
struct Judged {
    index: usize,
    id: String,
    suite: String,
    new: BTreeSet<Mark>,
    gone: BTreeSet<Mark>,
    keys: Vec<Key>,
}

/// What noise can hide: never a type, a name, a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hides {
    Value,
    Order,
    Items,
}

impl Hides {
    fn of(rule: Rule) -> Option<Self> {
        match rule {
            Rule::BodyOrderChanged => Some(Self::Order),
            Rule::BodyFewerItems | Rule::BodyMoreItems => Some(Self::Items),
            _ if rule.is_of_value() => Some(Self::Value),
            _ => None,
        }
    }
}

/// Differences of all cases, until each has been seen.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) groups: BTreeMap<Key, Group>,
    noise: BTreeMap<(String, String, &'static str), BTreeSet<String>>,
    learned: BTreeSet<(String, Part, Hides)>,
    judged: Vec<Judged>,
    /// Cases with an answer on both sides, and those of them without a difference that is none of noise.
    pub(super) compared: usize,
    same: BTreeMap<String, Vec<Key>>,
    pub(super) not_compared: usize,
}

impl Gathered {
    /// A case that both sides have.
    pub(super) fn both(&mut self, a: (&CaseFinished, &Recorded), b: (&CaseFinished, &Recorded), facts: &Facts<'_>) {
        let ((one, own), (other, theirs)) = (a, b);
        let mut differences = Vec::new();
        let ran = |verdict: Verdict| !matches!(verdict, Verdict::Skipped | Verdict::NotRun);
        match (one.verdict, other.verdict) {
            (Verdict::NotRun, _) | (_, Verdict::NotRun) | (Verdict::Skipped, Verdict::Skipped) => {}
            _ if one.passed_before || other.passed_before => {}
            (_, Verdict::Skipped) => differences.push(whole(Rule::VerdictNewlySkipped)),
            (Verdict::Skipped, _) => differences.push(whole(Rule::VerdictNoLongerSkipped)),
            (Verdict::Flaky, Verdict::Passed) => differences.push(whole(Rule::VerdictNoLongerFlaky)),
            (Verdict::Passed, Verdict::Flaky) => differences.push(whole(Rule::VerdictNewlyFlaky)),
            _ => {}
        }
        let is_compared = match (exchange(one), exchange(other)) {
            (Some(before), Some(after)) if ran(one.verdict) && ran(other.verdict) => {
                differences.extend(replies(&before.reply, &after.reply));
                matches!((&before.reply, &after.reply), (Reply::Answer(_), Reply::Answer(_)))
            }
            _ => false,
        };
        if is_compared {
            self.compared += 1;
            self.learn(one, own, facts);
            self.learn(other, theirs, facts);
            differences.extend(lasting(one, own, other, theirs));
        } else {
            self.not_compared += 1;
        }
        let (before, after) = (marks(one), marks(other));
        let (new, gone): (BTreeSet<_>, BTreeSet<_>) = (
            after.difference(&before).cloned().collect(),
            before.difference(&after).cloned().collect(),
        );
        let mut keys = Vec::new();
        for difference in differences {
            // A value that differs each time is noise only as long as the suite takes it.
            let is_taken = !new
                .iter()
                .chain(&gone)
                .any(|(check, pointer)| is_at(check, pointer.as_deref(), &difference.part));
            keys.extend(self.add(difference, other, facts, is_taken));
        }
        if is_compared {
            self.same.insert(other.id.clone(), keys.clone());
        }
        if is_compared && !(new.is_empty() && gone.is_empty()) {
            self.judged.push(Judged {
                index: other.index,
                id: other.id.clone(),
                suite: other.suite.clone(),
                new,
                gone,
                keys,
            });
        }
    }

    /// A case that only one side has.
    pub(super) fn alone(&mut self, case: &CaseFinished, rule: Rule) {
        let part = Part::Whole;
        self.put(
            &case.suite,
            Difference::new(rule, part, None, None),
            (case.index, &case.id),
        );
    }

    fn add(&mut self, difference: Difference, case: &CaseFinished, facts: &Facts<'_>, is_taken: bool) -> Option<Key> {
        let volatile = difference
            .rule
            .is_of_value()
            .then(|| facts.volatile(&case.id, &difference.part))
            .flatten();
        let looks = difference.is_fleeting.then_some("it is made anew for each answer");
        if let Some(source) = volatile.or(looks).filter(|_| is_taken) {
            self.note(&case.suite, &difference, source, &case.id);
            return None;
        }
        let difference = weighed(difference, case, facts);
        Some(self.put(&case.suite, difference, (case.index, &case.id)))
    }

    fn put(&mut self, suite: &str, difference: Difference, (index, id): (usize, &str)) -> Key {
        let Difference {
            rule,
            part,
            kind,
            before,
            after,
            level,
            ..
        } = difference;
        let key = Key {
            suite: suite.to_owned(),
            rule,
            part,
            kind,
        };
        let (level, reason) = level.unwrap_or((rule.info().level, rule.info().reason));
        let case = (index, id.to_owned());
        let group = self.groups.entry(key.clone()).or_insert_with(|| Group {
            cases: BTreeSet::new(),
            before: None,
            after: None,
            level,
            reason: reason.to_owned(),
            raised: None,
            worded: None,
            is_satisfied: false,
        });
        if level > group.level {
            (group.level, group.reason) = (level, reason.to_owned());
        }
        if group.cases.first().is_none_or(|first| case < *first) {
            (group.before, group.after) = (before, after);
        }
        group.cases.insert(case);
        key
    }

    fn note(&mut self, suite: &str, difference: &Difference, source: &'static str, case: &str) {
        let what = match (&difference.part, difference.rule) {
            (Part::Body(pointer), Rule::BodyOrderChanged) => format!("order of {}", shown(pointer)),
            (Part::Body(pointer), _) => shown(pointer).to_owned(),
            (Part::Header(name), _) => name.clone(),
            (Part::Status, _) => "status".to_owned(),
            (Part::Whole, _) => "answer".to_owned(),
        };
        self.noise
            .entry((suite.to_owned(), what, source))
            .or_default()
            .insert(case.to_owned());
    }

    /// What differs between two answers of one version.
    fn learn(&mut self, case: &CaseFinished, side: &Recorded, facts: &Facts<'_>) {
        let all = answers(case);
        let Some((first, others)) = all.split_first() else {
            return;
        };
        for other in others {
            let told = |answer| Told {
                answer,
                names: &side.names,
            };
            for difference in differ(told(first), told(other)) {
                let is_known = difference.is_fleeting || facts.volatile(&case.id, &difference.part).is_some();
                if let Some(hides) = Hides::of(difference.rule) {
                    self.learned
                        .insert((case.suite.clone(), difference.part.clone(), hides));
                }
                if !is_known {
                    self.note(&case.suite, &difference, "two answers of one version differ", &case.id);
                }
            }
        }
    }

    /// Takes noise away, and finds for each finding that is new or gone the change that explains it: what nothing
    /// explains is a change of its own.
    pub(super) fn settle(&mut self, facts: &Facts<'_>) -> Vec<Noise> {
        let learned = &self.learned;
        self.groups.retain(|key, _| {
            let hidden = Hides::of(key.rule).map(|hides| (key.suite.clone(), key.part.clone(), hides));
            hidden.is_none_or(|hidden| !learned.contains(&hidden))
        });
        for case in std::mem::take(&mut self.judged) {
            let keys: Vec<_> = case
                .keys
                .iter()
                .filter(|key| self.groups.contains_key(key))
                .cloned()
                .collect();
            for (marks, rule) in [(&case.new, Rule::VerdictNewlyFailing), (&case.gone, Rule::VerdictFixed)] {
                for (check, pointer) in marks {
                    // The answer that this one is compared with has changed, and says so in its own case.
                    let other = facts.same_as(&case.id).filter(|_| check == "same-as");
                    let mut is_explained = other.is_some_and(|other| {
                        let tells = |group: &Group| group.cases.iter().any(|(_, id)| id == other);
                        keys.is_empty() && self.groups.values().any(tells)
                    });
                    // Fields that came or went matter to it only where the bodies are the same.
                    let has_body = keys.iter().any(|key| matches!(key.part, Part::Body(_)));
                    let concerned = |key: &&Key| {
                        let is_beside = check == "same-as" && has_body && matches!(key.part, Part::Header(_));
                        !is_beside && concerns(check, pointer.as_deref(), &key.part, key.rule)
                    };
                    for key in keys.iter().filter(concerned) {
                        is_explained = true;
                        let Some(group) = self.groups.get_mut(key) else {
                            continue;
                        };
                        // A snapshot tells what was seen, not what is demanded.
                        if rule == Rule::VerdictFixed {
                            group.is_satisfied |= check != "snapshot";
                        } else if check != "snapshot" {
                            let is_wording = is_wording(key, group, check);
                            let failing = if is_wording {
                                &mut group.worded
                            } else {
                                &mut group.raised
                            };
                            failing.get_or_insert_with(|| check.clone());
                        }
                    }
                    let is_told_apart = check == "snapshot" && marks.len() > 1;
                    if !is_explained && !is_told_apart {
                        let kind = format!("{check} {}", pointer.as_deref().unwrap_or_default());
                        let mut difference = whole(rule);
                        kind.trim_end().clone_into(&mut difference.kind);
                        let key = self.put(&case.suite, difference, (case.index, &case.id));
                        self.same.entry(case.id.clone()).or_default().push(key);
                    }
                }
            }
        }
        let noise = std::mem::take(&mut self.noise);
        noise
            .into_iter()
            .map(|((suite, what, source), cases)| Noise {
                suite,
                what,
                source: source.to_owned(),
                cases: cases.len(),
            })
            .collect()
    }

    /// Compared cases without any change.
    pub(super) fn same(&self) -> usize {
        self.same
            .values()
            .filter(|keys| !keys.iter().any(|key| self.groups.contains_key(key)))
            .count()
    }
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "body" } else { pointer }
}

fn whole(rule: Rule) -> Difference {
    Difference::new(rule, Part::Whole, None, None)
}

/// What the candidate answers differently from every answer of the baseline. What one side wavers in by value is
/// learned apart.
fn lasting(one: &CaseFinished, own: &Recorded, other: &CaseFinished, theirs: &Recorded) -> Vec<Difference> {
    let (before, after) = (answers(one), answers(other));
    let mut found: Vec<Difference> = Vec::new();
    for new in after.iter().take(ANSWERS) {
        let new = Told {
            answer: new,
            names: &theirs.names,
        };
        let mut kept: Option<Vec<Difference>> = None;
        for old in before.iter().take(ANSWERS) {
            let seen = differ(
                Told {
                    answer: old,
                    names: &own.names,
                },
                new,
            );
            kept = Some(match kept {
                None => seen,
                Some(kept) => kept
                    .into_iter()
                    .filter(|one| seen.iter().any(|other| other.key() == one.key()))
                    .collect(),
            });
            if kept.as_ref().is_some_and(Vec::is_empty) {
                break;
            }
        }
        for difference in kept.unwrap_or_default() {
            if !found.iter().any(|known| known.key() == difference.key()) {
                found.push(difference);
            }
        }
    }
    found
}

/// The findings that fail a case, by check and place.
fn marks(case: &CaseFinished) -> BTreeSet<Mark> {
    super::side::tries(case)
        .flat_map(|one| &one.findings)
        .filter(|finding| finding.level == FindingLevel::Deny)
        .map(|finding| (finding.check.to_string(), finding.pointer.as_deref().map(general)))
        .collect()
}

/// Whether a check looks at what has changed there.
fn concerns(check: &str, pointer: Option<&str>, part: &Part, rule: Rule) -> bool {
    if check == "snapshot" || *part == Part::Status {
        return true;
    }
    if check == "same-as" {
        return matches!(part, Part::Body(_) | Part::Header(_));
    }
    let is_all_of_body = matches!(
        rule,
        Rule::BodyVanished
            | Rule::BodyAppeared
            | Rule::BodyNotJson
            | Rule::BodyBecameJson
            | Rule::HeaderMediaTypeChanged
    );
    match part {
        Part::Whole => matches!(rule, Rule::AnswerMalformed | Rule::AnswerWellFormed),
        Part::Status => true,
        Part::Header(name) => {
            let field = match check {
                "http/challenge" => "www-authenticate",
                "http/coding" => "content-encoding",
                other => other
                    .strip_prefix("header/")
                    .or(other.strip_prefix("http/"))
                    .unwrap_or_default(),
            };
            field == name || check == "http/leak" || (is_all_of_body && is_of_body(check))
        }
        Part::Body(place) => {
            let meets = |at: &str| is_below(place, at) || is_below(at, place);
            // What is missing is told where it should be.
            let at_parent = |at: &str| place.rfind('/').is_some_and(|end| &place[..end] == at);
            is_of_body(check) && (is_all_of_body || pointer.is_none_or(|at| meets(at) || at_parent(at)))
        }
    }
}

/// Whether a check fails at that very place.
fn is_at(check: &str, pointer: Option<&str>, part: &Part) -> bool {
    match part {
        Part::Body(place) => check.starts_with("body/") && pointer.is_some_and(|at| is_below(at, place)),
        Part::Header(name) => check.strip_prefix("header/") == Some(name),
        Part::Whole | Part::Status => false,
    }
}

fn is_of_body(check: &str) -> bool {
    check.starts_with("body/")
        || matches!(
            check,
            "http/json" | "http/length" | "http/no-content" | "http/leak" | "http/content-type"
        )
        || check.starts_with("header/content-")
}

fn is_below(place: &str, above: &str) -> bool {
    place
        .strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a check does no more than hold the wording of a text: what callers must not rely on does not break them.
fn is_wording(key: &Key, group: &Group, check: &str) -> bool {
    key.rule == Rule::BodyMessageChanged && check.starts_with("body/") && group.after.as_deref() != Some("\"\"")
}

/// The level of a difference in this case, by what the suite declares.
fn weighed(mut difference: Difference, case: &CaseFinished, facts: &Facts<'_>) -> Difference {
    let declared = match &difference.part {
        Part::Body(pointer) => facts.declared(&case.id, pointer),
        _ => None,
    };
    let weighed = match (difference.rule, declared) {
        (Rule::StatusErrorToSuccess, _) => refused(&difference, case, facts),
        (Rule::BodyPropertyRemoved, Some(declared)) if declared.is_required => {
            Some((Level::Breaking, "the schema requires it: who reads it finds nothing"))
        }
        (Rule::BodyPropertyRemoved, Some(declared)) if declared.is_known => {
            Some((Level::Warning, "the schema does not require it, and it was there"))
        }
        (Rule::BodyValueChanged, Some(declared)) if declared.is_closed => Some((
            Level::Breaking,
            "the schema names the values that it may have, and callers branch on them",
        )),
        (Rule::BodyBecameNull, Some(declared)) if declared.types.contains("null") => {
            Some((Level::Warning, "the schema allows null, and it was never seen"))
        }
        (Rule::BodyIntegerToNumber, Some(declared)) if declared.types.contains("number") => {
            Some((Level::Info, "the schema declares a number"))
        }
        _ => None,
    };
    difference.level = weighed.or(difference.level);
    difference
}

/// That a request succeeds which was refused breaks the API itself, unless the suite allows both.
fn refused(difference: &Difference, case: &CaseFinished, facts: &Facts<'_>) -> Option<(Level, &'static str)> {
    let status = |text: &Option<String>| -> Option<u16> { text.as_ref()?.get(..3)?.parse().ok() };
    let (before, after) = (status(&difference.before)?, status(&difference.after)?);
    let expected = facts.statuses(&case.id);
    if expected.is_some_and(|expected| expected.contains(after)) {
        return None;
    }
    if matches!(before, 401 | 403 | 407) || Facts::is_about_authorisation(&case.tags) {
        return Some((
            Level::Breaking,
            "the case is about authorisation: who must not do this now can",
        ));
    }
    expected.is_some_and(|expected| expected.contains(before)).then_some((
        Level::Breaking,
        "the case is about refusal: what must be refused now is done",
    ))
}
