//! From the differences of single cases to changes of the API: each reported once per endpoint, for any number of cases.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ChangeLevel, ChangeRule as Rule, Noise, NotCompared,
    apply::applied,
    assigned::AssignedIds,
    attribute::{Mark, concerns, is_at, is_wording, marks, texts},
    difference::{ChangedPart, Difference, ResponseWithVariables},
    facts::SuiteFacts,
    format::TextFormat,
    judge::Judge,
    responses::{ResponseComparison, Role, differ, without_response},
    side::{Recorded, exchange, is_sent, rounds},
    text::differ_beyond_noise,
};
use crate::{
    check::{MAX_DECODED, ResponseView},
    model::{CaseFinished, CheckId, Outcome, Response, Verdict},
};

/// Maximum number of responses of one case on one side that are compared.
const ROUNDS: usize = 5;
/// Maximum number of differences of one case that are judged one by one.
const JUDGED: usize = 300;

/// The identity of a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChangeKey {
    pub(super) suite: String,
    /// Method and path template; empty for changes of a suite as a whole.
    pub(super) endpoint: String,
    pub(super) rule: Rule,
    pub(super) part: ChangedPart,
    pub(super) kind: String,
}

/// The cases that show a change, by their index in the suite, then by id.
pub(super) type ChangeGroup = BTreeMap<(usize, String), ChangeInstance>;

/// How one case shows a change.
#[derive(Clone, Debug)]
pub(super) struct ChangeInstance {
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// The level by the evidence of this case, and why.
    pub(super) level: ChangeLevel,
    pub(super) reason: String,
    /// Which of the repeated responses show it, from zero.
    pub(super) round: usize,
    /// The check that fails because of it and did not fail before.
    pub(super) raised: Option<String>,
    /// The failing check, if it only tests the wording of a text.
    pub(super) worded: Option<String>,
    /// Whether a check that failed passes because of it.
    pub(super) is_satisfied: bool,
    /// Whether it is more than what varies between the responses of one version.
    pub(super) is_beyond_noise: bool,
}

/// The effect of one difference alone on the checks of a case.
#[derive(Clone, Debug, Default)]
struct EffectOnChecks {
    fails: BTreeSet<Mark>,
    passes: BTreeSet<Mark>,
}

/// A case whose findings differ from those before.
struct ChangedVerdict {
    index: usize,
    id: String,
    suite: String,
    endpoint: String,
    new: BTreeSet<Mark>,
    gone: BTreeSet<Mark>,
    /// The changes it shows, and their effects, where those are known.
    keys: Vec<(ChangeKey, Option<EffectOnChecks>)>,
    /// The messages of the findings of both sides.
    texts: BTreeMap<Mark, String>,
}

/// What noise can suppress: never a type, a name or a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NoiseKind {
    Value,
    Order,
    Items,
}

impl NoiseKind {
    fn of(rule: Rule) -> Option<Self> {
        match rule {
            Rule::BodyOrderChanged => Some(Self::Order),
            Rule::BodyFewerItems | Rule::BodyMoreItems => Some(Self::Items),
            _ if rule.is_of_value() => Some(Self::Value),
            _ => None,
        }
    }
}

/// A case of both sides.
#[derive(Clone, Copy)]
pub(super) struct Pair<'p> {
    pub(super) one: &'p CaseFinished,
    pub(super) own: &'p Recorded,
    pub(super) other: &'p CaseFinished,
    pub(super) theirs: &'p Recorded,
}

impl<'p> Pair<'p> {
    fn before(&self, response: &'p Response) -> ResponseWithVariables<'p> {
        ResponseWithVariables {
            response,
            names: &self.own.names,
        }
    }

    fn after(&self, response: &'p Response) -> ResponseWithVariables<'p> {
        ResponseWithVariables {
            response,
            names: &self.theirs.names,
        }
    }

    /// Whether the texts of the two sides differ in more than what varies on one side.
    fn is_beyond_noise(&self) -> bool {
        let of = |case: &CaseFinished, side: &Recorded| -> Vec<String> {
            let all = rounds(case).into_iter().take(ROUNDS);
            all.map(|(_, response)| {
                side.names
                    .substitute_names(&ResponseView::new(response, MAX_DECODED).shown())
            })
            .collect()
        };
        let is_repeated = !(self.one.repeats.is_empty() && self.other.repeats.is_empty());
        is_repeated && differ_beyond_noise(&of(self.one, self.own), &of(self.other, self.theirs))
    }

    /// The responses of one round, of the first where a side has none in it.
    fn of_round(&self, round: usize) -> Option<(ResponseWithVariables<'p>, ResponseWithVariables<'p>)> {
        let of = |case| -> Option<&'p Response> {
            let all = rounds(case);
            let same = all.iter().find(|(number, _)| *number == round);
            same.or(all.first()).map(|(_, response)| *response)
        };
        Some((self.before(of(self.one)?), self.after(of(self.other)?)))
    }
}

/// The change of a verdict that is reported whatever the responses are.
fn verdict_change(one: &CaseFinished, other: &CaseFinished) -> Option<Rule> {
    match (one.verdict, other.verdict) {
        (Verdict::NotRun, _) | (_, Verdict::NotRun) | (Verdict::Skipped, Verdict::Skipped) => None,
        _ if one.passed_before || other.passed_before => None,
        (_, Verdict::Skipped) => Some(Rule::VerdictNewlySkipped),
        (Verdict::Skipped, _) => Some(Rule::VerdictNoLongerSkipped),
        (Verdict::Flaky, Verdict::Passed) => Some(Rule::VerdictNoLongerFlaky),
        (Verdict::Passed, Verdict::Flaky) => Some(Rule::VerdictNewlyFlaky),
        _ => None,
    }
}

/// Differences of all cases, until each has been seen.
#[derive(Default)]
pub(super) struct ChangeSet {
    pub(super) groups: BTreeMap<ChangeKey, ChangeGroup>,
    noise: BTreeMap<(String, String, &'static str), BTreeSet<String>>,
    learned: BTreeSet<(String, String, ChangedPart, NoiseKind)>,
    judged: Vec<ChangedVerdict>,
    /// Cases with a response on both sides.
    pub(super) compared: usize,
    same: BTreeMap<String, Vec<ChangeKey>>,
    pub(super) not_compared: Vec<NotCompared>,
    /// Pairs of values that the servers assigned.
    pub(super) assigned: AssignedIds,
    /// The endpoints of all cases.
    pub(super) endpoints: BTreeSet<String>,
}

impl ChangeSet {
    /// A case that both sides have.
    pub(super) fn both(&mut self, pair: Pair<'_>, facts: &SuiteFacts<'_>, judge: Option<&Judge<'_>>) {
        let Pair {
            one,
            own,
            other,
            theirs,
        } = pair;
        let endpoint = facts.endpoint(other, theirs).or_else(|| facts.endpoint(one, own));
        let endpoint = endpoint.unwrap_or_default();
        self.endpoints.insert(endpoint.clone());
        let mut differences = Vec::new();
        let ran = |verdict: Verdict| !matches!(verdict, Verdict::Skipped | Verdict::NotRun);
        differences.extend(verdict_change(one, other).map(|rule| (whole(rule), 0)));
        let is_compared = match (exchange(one), exchange(other)) {
            (Some(before), Some(after)) if ran(one.verdict) && ran(other.verdict) => {
                differences.extend(without_response(&before.outcome, &after.outcome).map(|difference| (difference, 0)));
                matches!(
                    (&before.outcome, &after.outcome),
                    (Outcome::Response(_), Outcome::Response(_))
                )
            }
            _ => false,
        };
        let volatile = |part: &ChangedPart| facts.volatile(&other.id, part);
        let assigned_ids = std::mem::take(&mut self.assigned);
        let assigned = |role: Role<'_>, before: &str, after: &str| {
            let is_sent = || exchange(one).is_none_or(|exchange| is_sent(&exchange.request, before));
            let origin = |capture: &str| facts.capture_origin(&other.id, capture);
            let is_captured = |name| assigned_ids.is_captured((&other.id, name), before, after, origin);
            match role {
                Role::Identifier { name, is_created } => {
                    is_captured(name)
                        || assigned_ids.is_created(before, after)
                        || (is_created && is_similar(before, after) && !is_sent())
                }
                Role::Any { name } => is_captured(name),
            }
        };
        let how = ResponseComparison {
            volatile: &volatile,
            with_edits: false,
            assigned: &assigned,
        };
        if is_compared {
            self.compared += 1;
            self.learn(one, own, &endpoint, how);
            self.learn(other, theirs, &endpoint, how);
            differences.extend(lasting(pair, how));
        } else {
            self.not_compared.extend(NotCompared::of(Some(one), Some(other)));
        }
        let (before, after) = (marks(one), marks(other));
        let (new, gone): (BTreeSet<_>, BTreeSet<_>) = (
            after.difference(&before).cloned().collect(),
            before.difference(&after).cloned().collect(),
        );
        let has_findings = !(new.is_empty() && gone.is_empty());
        let judge = judge.filter(|_| is_compared && has_findings);
        let effects = judge.map_or_else(Vec::new, |judge| effects(pair, &differences, how, judge));
        let keys = self.put_all(pair, &endpoint, differences, &effects, (&new, &gone), facts);
        self.assigned = assigned_ids;
        if is_compared {
            let keys = keys.iter().map(|(key, _)| key.clone()).collect();
            self.same.insert(other.id.clone(), keys);
        }
        if is_compared && has_findings {
            self.judged.push(ChangedVerdict {
                index: other.index,
                id: other.id.clone(),
                suite: other.suite.clone(),
                endpoint,
                new,
                gone,
                keys,
                texts: texts(one).into_iter().chain(texts(other)).collect(),
            });
        }
    }

    /// Files the differences of a case as changes or as noise. Returns the changes and their effects on its checks.
    fn put_all(
        &mut self,
        pair: Pair<'_>,
        endpoint: &str,
        differences: Vec<(Difference, usize)>,
        effects: &[Option<EffectOnChecks>],
        (new, gone): (&BTreeSet<Mark>, &BTreeSet<Mark>),
        facts: &SuiteFacts<'_>,
    ) -> Vec<(ChangeKey, Option<EffectOnChecks>)> {
        let other = pair.other;
        let mut keys = Vec::new();
        for (number, (difference, round)) in differences.into_iter().enumerate() {
            let effect = effects.get(number).cloned().flatten();
            // A varying value is noise only while the suite accepts it.
            let mut found = new.iter().chain(gone);
            let is_taken = !found.any(|(check, pointer)| is_at(check, pointer.as_deref(), &difference.part));
            let is_pinned = new.iter().any(|mark| mark.0 == CheckId::Snapshot)
                && (effect.as_ref()).is_some_and(|effect| effect.fails.iter().any(|mark| mark.0 == CheckId::Snapshot));
            if let Some(source) = difference.noise.filter(|_| is_taken && !is_pinned) {
                self.note(&other.suite, &difference, source, &other.id);
                continue;
            }
            let difference = facts.weighed(difference, other);
            let is_text = difference.rule == Rule::BodyTextChanged;
            let key = self.put(&other.suite, endpoint, difference, (other.index, &other.id), round);
            if is_text && pair.is_beyond_noise() {
                let group = self.groups.get_mut(&key);
                if let Some(shown) = group.and_then(|group| group.get_mut(&(other.index, other.id.clone()))) {
                    shown.is_beyond_noise = true;
                }
            }
            keys.push((key, effect));
        }
        keys
    }

    /// A case that only one side has. If the run of the other side ended early, the case is not known to be missing.
    pub(super) fn alone(
        &mut self,
        (case, side): (&CaseFinished, &Recorded),
        rule: Rule,
        is_cut: bool,
        facts: &SuiteFacts<'_>,
    ) {
        let endpoint = facts.endpoint(case, side).unwrap_or_default();
        self.endpoints.insert(endpoint.clone());
        self.not_compared.extend(if rule == Rule::VerdictCaseRemoved {
            NotCompared::of(Some(case), None)
        } else {
            NotCompared::of(None, Some(case))
        });
        if !is_cut {
            let difference = Difference::new(rule, ChangedPart::Whole, None, None);
            self.put(&case.suite, &endpoint, difference, (case.index, &case.id), 0);
        }
    }

    fn put(
        &mut self,
        suite: &str,
        endpoint: &str,
        difference: Difference,
        (index, id): (usize, &str),
        round: usize,
    ) -> ChangeKey {
        let Difference {
            rule,
            part,
            kind,
            before,
            after,
            level,
            ..
        } = difference;
        let key = ChangeKey {
            suite: suite.to_owned(),
            endpoint: endpoint.to_owned(),
            rule,
            part,
            kind,
        };
        let (level, reason) = level.unwrap_or((rule.info().level, rule.info().reason));
        let group = self.groups.entry(key.clone()).or_default();
        group.entry((index, id.to_owned())).or_insert_with(|| ChangeInstance {
            before,
            after,
            level,
            reason: reason.to_owned(),
            round,
            raised: None,
            worded: None,
            is_satisfied: false,
            is_beyond_noise: false,
        });
        key
    }

    fn note(&mut self, suite: &str, difference: &Difference, source: &'static str, case: &str) {
        let what = match (&difference.part, difference.rule) {
            (ChangedPart::Body(pointer), Rule::BodyOrderChanged) => format!("order of {}", shown(pointer)),
            (ChangedPart::Body(pointer), _) => shown(pointer).to_owned(),
            (ChangedPart::Header(name), _) => name.clone(),
            (ChangedPart::Status, _) => "status".to_owned(),
            (ChangedPart::Whole, _) => "response".to_owned(),
        };
        self.noise
            .entry((suite.to_owned(), what, source))
            .or_default()
            .insert(case.to_owned());
    }

    /// The differences between two responses of one version.
    fn learn(&mut self, case: &CaseFinished, side: &Recorded, endpoint: &str, how: ResponseComparison<'_>) {
        let all = rounds(case);
        let Some(((_, first), others)) = all.split_first() else {
            return;
        };
        for (_, other) in others {
            let with_variables = |response| ResponseWithVariables {
                response,
                names: &side.names,
            };
            for difference in differ(with_variables(first), with_variables(other), how) {
                if let Some(hides) = NoiseKind::of(difference.rule) {
                    let part = difference.part.clone();
                    self.learned
                        .insert((case.suite.clone(), endpoint.to_owned(), part, hides));
                }
                if difference.noise.is_none() {
                    let source = "two responses of one version differ";
                    self.note(&case.suite, &difference, source, &case.id);
                }
            }
        }
    }

    /// Removes noise, and attributes each finding that is new or no longer reported to a change; unattributed findings are
    /// changes themselves.
    pub(super) fn settle(&mut self, facts: &SuiteFacts<'_>) -> Vec<Noise> {
        let learned = &self.learned;
        self.groups.retain(|key, group| {
            let hidden =
                NoiseKind::of(key.rule).map(|hides| (key.suite.clone(), key.endpoint.clone(), key.part.clone(), hides));
            if hidden.is_some_and(|hidden| learned.contains(&hidden)) {
                group.retain(|_, shown| shown.is_beyond_noise);
            }
            !group.is_empty()
        });
        for case in std::mem::take(&mut self.judged) {
            self.explain(&case, &case.new, Rule::VerdictNewlyFailing, facts);
            self.explain(&case, &case.gone, Rule::VerdictFixed, facts);
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

    fn explain(&mut self, case: &ChangedVerdict, marks: &BTreeSet<Mark>, rule: Rule, facts: &SuiteFacts<'_>) {
        let keys: Vec<_> = (case.keys.iter())
            .filter(|(key, _)| self.groups.contains_key(key))
            .cloned()
            .collect();
        // The status comes first: the other checks look at a response that follows from it.
        let (first, others): (Vec<_>, Vec<_>) = marks.iter().partition(|mark| mark.0 == CheckId::Status);
        for mark in first.into_iter().chain(others) {
            let (check, pointer) = mark;
            // The response that this one is compared with has changed, and its own case shows it.
            let other = facts.same_as(&case.id).filter(|_| *check == CheckId::SameAs);
            let mut is_explained = other.is_some_and(|other| {
                let has_other = |group: &ChangeGroup| group.keys().any(|(_, id)| *id == other);
                keys.is_empty() && self.groups.values().any(has_other)
            });
            for (key, effect) in causes(&keys, mark, rule) {
                is_explained = true;
                let location = (case.index, case.id.clone());
                let Some(shown) = self.groups.get_mut(key).and_then(|group| group.get_mut(&location)) else {
                    continue;
                };
                raise(shown, (key, effect.is_some()), check, rule);
            }
            let has_other_snapshot = *check == CheckId::Snapshot && marks.len() > 1;
            if !is_explained && !has_other_snapshot {
                let kind = format!("{check} {}", pointer.as_deref().unwrap_or_default());
                let mut difference = whole(rule);
                kind.trim_end().clone_into(&mut difference.kind);
                let (passes, text) = (Some("passes".to_owned()), case.texts.get(mark).cloned());
                (difference.before, difference.after) = match rule {
                    Rule::VerdictFixed => (text, passes),
                    _ => (passes, text),
                };
                if keys.iter().any(|(_, effect)| effect.is_none()) {
                    let reason = "the response of the baseline cannot be checked again here, so the cause is not known";
                    difference.level = Some((rule.info().level, reason));
                }
                let key = self.put(&case.suite, &case.endpoint, difference, (case.index, &case.id), 0);
                self.same.entry(case.id.clone()).or_default().push(key);
            }
        }
    }

    /// Compared cases without any change.
    pub(super) fn same(&self) -> usize {
        self.same
            .values()
            .filter(|keys| !keys.iter().any(|key| self.groups.contains_key(key)))
            .count()
    }
}

/// Whether both can be identifiers that one server assigns.
fn is_similar(before: &str, after: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_value =
        |text: &str| !["", "0", "undefined", "null", "none", "nan"].contains(&text.to_ascii_lowercase().as_str());
    is_value(before)
        && is_value(after)
        && (is_number(after) || !is_number(before))
        && (TextFormat::of(before) == TextFormat::of(after))
}

fn effect_of(effect: &EffectOnChecks, rule: Rule) -> &BTreeSet<Mark> {
    if rule == Rule::VerdictFixed {
        &effect.passes
    } else {
        &effect.fails
    }
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "body" } else { pointer }
}

fn whole(rule: Rule) -> Difference {
    Difference::new(rule, ChangedPart::Whole, None, None)
}

/// The differences of a round, and the checks that the response of the baseline fails.
type RoundMarks = (Vec<Difference>, BTreeSet<Mark>);

/// What each difference does to the checks when it alone is applied to the response of the baseline.
fn effects(
    pair: Pair<'_>,
    all: &[(Difference, usize)],
    how: ResponseComparison<'_>,
    judge: &Judge<'_>,
) -> Vec<Option<EffectOnChecks>> {
    let how = ResponseComparison {
        with_edits: true,
        ..how
    };
    let mut rounds: BTreeMap<usize, Option<RoundMarks>> = BTreeMap::new();
    let Some(judging) = judge.case(pair.one) else {
        return Vec::new();
    };
    let effect = |(difference, round): &(Difference, usize)| -> Option<EffectOnChecks> {
        let (old, new) = pair.of_round(*round)?;
        let known = rounds.entry(*round).or_insert_with(|| {
            let before = judging.marks(old.response)?;
            Some((differ(old, new, how), before))
        });
        let (differences, before) = known.as_ref()?;
        let edited = differences.iter().find(|one| one.key() == difference.key())?;
        let after = judging.marks(&applied(edited, old, new)?)?;
        Some(EffectOnChecks {
            fails: after.difference(before).cloned().collect(),
            passes: before.difference(&after).cloned().collect(),
        })
    };
    all.iter().take(JUDGED).map(effect).collect()
}

/// How the responses of the candidate differ from every response of the baseline, each difference with the round that
/// shows it. Values that vary on one side are collected separately.
fn lasting(pair: Pair<'_>, how: ResponseComparison<'_>) -> Vec<(Difference, usize)> {
    let (before, after) = (rounds(pair.one), rounds(pair.other));
    let mut found: Vec<(Difference, usize)> = Vec::new();
    for (round, new) in after.iter().take(ROUNDS) {
        // The two responses of a round were requested next to each other: their values are shown.
        let Some((old, _)) = pair.of_round(*round) else {
            continue;
        };
        let mut kept = differ(old, pair.after(new), how);
        for (_, other) in before.iter().take(ROUNDS) {
            if kept.is_empty() {
                break;
            }
            if std::ptr::eq(*other, old.response) {
                continue;
            }
            let seen = differ(pair.before(other), pair.after(new), how);
            kept.retain(|one| seen.iter().any(|other| other.key() == one.key()));
        }
        for difference in kept {
            let is_same_place = |(known, at): &&mut (Difference, usize)| {
                let is_cookie = difference.part == ChangedPart::Header("set-cookie".to_owned());
                known.key() == difference.key()
                    || (at != round && known.part == difference.part && (!is_cookie || known.kind == difference.kind))
            };
            match found.iter_mut().find(is_same_place) {
                None => found.push((difference, *round)),
                // A cause is reported once, at its highest level.
                Some((known, at)) if difference.rule.info().level > known.rule.info().level => {
                    (*known, *at) = (difference, *round);
                }
                Some(_) => {}
            }
        }
    }
    found
}

/// A change of a case with its effect on the checks, if it is known.
type KeyWithEffect = (ChangeKey, Option<EffectOnChecks>);

/// The changes of a case that explain why the result of a check has changed.
fn causes<'k>(keys: &'k [KeyWithEffect], mark: &Mark, rule: Rule) -> Vec<&'k KeyWithEffect> {
    let (check, pointer) = mark;
    let exact = |effect: &EffectOnChecks| effect_of(effect, rule).contains(mark);
    let similar = |effect: &EffectOnChecks| effect_of(effect, rule).iter().any(|known| known.0 == *check);
    let is_exact = keys.iter().any(|(_, effect)| effect.as_ref().is_some_and(exact));
    // Fields that came or went matter to it only where the bodies are the same.
    let has_body = keys.iter().any(|(key, _)| matches!(key.part, ChangedPart::Body(_)));
    let is_cause = |(key, effect): &&KeyWithEffect| match effect {
        Some(effect) if *check != CheckId::SameAs => {
            if is_exact {
                exact(effect)
            } else {
                similar(effect)
            }
        }
        _ => {
            let is_candidate = if *check == CheckId::SameAs {
                !(has_body && matches!(key.part, ChangedPart::Header(_)))
            } else {
                // Among several differences, the cause would be a guess.
                keys.len() == 1
            };
            is_candidate && concerns(check, pointer.as_deref(), &key.part, key.rule)
        }
    };
    keys.iter().filter(is_cause).collect()
}

/// Notes at a change that it explains the result of a check. `is_known` says whether its effect was determined.
fn raise(shown: &mut ChangeInstance, (key, is_known): (&ChangeKey, bool), check: &CheckId, rule: Rule) {
    if rule == Rule::VerdictFixed {
        // A snapshot contains observed values, not requirements.
        shown.is_satisfied |= *check != CheckId::Snapshot;
    } else if *check == CheckId::Snapshot {
        // It requires the values that it contains. Additions keep their level.
        let is_value = matches!(key.rule, Rule::BodyValueChanged | Rule::HeaderValueChanged);
        if is_value && is_known {
            shown.raised.get_or_insert_with(|| check.to_string());
        }
    } else if is_wording(key, shown, check) {
        shown.worded.get_or_insert_with(|| check.to_string());
    } else {
        shown.raised.get_or_insert_with(|| check.to_string());
    }
}
