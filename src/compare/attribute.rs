//! Attribution of findings to differences.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    ChangeRule as Rule,
    difference::ChangedPart,
    gather::{ChangeInstance, ChangeKey},
    side::attempts,
};
use crate::{
    check::{MAX_DECODED, ResponseView, RuleInfo, rule_of},
    json,
    model::{CaseFinished, CheckId, CheckedPart, Finding, Level, Outcome},
};

/// A failing check and its location: a pointer with `*` for the items of arrays.
pub(super) type Mark = (CheckId, Option<String>);

/// The findings that fail a case, on any of its responses.
pub(super) fn marks(case: &CaseFinished) -> BTreeSet<Mark> {
    let mut out = BTreeSet::new();
    for one in attempts(case) {
        let response = match one.exchange().map(|exchange| &exchange.outcome) {
            Some(Outcome::Response(response)) => Some(ResponseView::new(response, MAX_DECODED)),
            _ => None,
        };
        out.extend(marks_of(one.findings(), response.as_ref()));
    }
    out
}

/// The messages of the findings that fail a case, on any of its responses.
pub(super) fn texts(case: &CaseFinished) -> BTreeMap<Mark, String> {
    let mut out = BTreeMap::new();
    for one in attempts(case) {
        let response = match one.exchange().map(|exchange| &exchange.outcome) {
            Some(Outcome::Response(response)) => Some(ResponseView::new(response, MAX_DECODED)),
            _ => None,
        };
        for finding in one.findings() {
            for mark in marks_of([finding], response.as_ref()) {
                out.entry(mark).or_insert_with(|| text_of(finding));
            }
        }
    }
    out
}

fn text_of(finding: &Finding) -> String {
    match (&finding.expected, &finding.actual) {
        (Some(expected), Some(actual)) => format!("{}: expected {expected}, got {actual}", finding.message),
        (Some(expected), None) => format!("{}: expected {expected}", finding.message),
        (None, Some(actual)) => format!("{}: got {actual}", finding.message),
        (None, None) => finding.message.clone(),
    }
}

/// The findings that fail a response.
pub(super) fn marks_of<'f>(
    findings: impl IntoIterator<Item = &'f Finding>,
    view: Option<&ResponseView<'_>>,
) -> BTreeSet<Mark> {
    let mut failing = findings
        .into_iter()
        .filter(|finding| finding.level == Level::Deny)
        .peekable();
    if failing.peek().is_none() {
        return BTreeSet::new();
    }
    let body = view.and_then(|view| view.json().ok());
    failing
        .map(|finding| {
            let pointer = finding.pointer.as_deref();
            (finding.check.clone(), pointer.map(|at| general(at, body)))
        })
        .collect()
}

/// A pointer into a body with `*` for the items of its arrays. Numbers as names of properties stay.
fn general(pointer: &str, body: Option<&Value>) -> String {
    let mut out = String::new();
    let mut here = body;
    for step in pointer.split('/').skip(1) {
        let name = json::unescaped(step);
        let (is_item, next) = match here {
            Some(Value::Array(items)) => (true, name.parse().ok().and_then(|at: usize| items.get(at))),
            Some(Value::Object(entries)) => (false, entries.get(&name)),
            _ => (false, None),
        };
        out.push('/');
        out.push_str(if is_item { "*" } else { step });
        here = next;
    }
    out
}

/// Whether a check looks at what has changed there. Used only if a response cannot be judged again and has one
/// difference.
pub(super) fn concerns(check: &CheckId, pointer: Option<&str>, part: &ChangedPart, rule: Rule) -> bool {
    if *check == CheckId::Snapshot || *part == ChangedPart::Status {
        return true;
    }
    if *check == CheckId::SameAs {
        return matches!(part, ChangedPart::Body(_) | ChangedPart::Header(_));
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
        ChangedPart::Whole => matches!(rule, Rule::ResponseMalformed | Rule::ResponseWellFormed),
        ChangedPart::Status => true,
        ChangedPart::Header(name) => {
            let is_of_field = match rule_of(check) {
                Some(rule) => rule.is_about_header(name),
                None => check.info().part == CheckedPart::Header(name),
            };
            is_of_field || (is_all_of_body && is_of_body(check))
        }
        ChangedPart::Body(location) => {
            let meets = |at: &str| is_below(location, at) || is_below(at, location);
            // A missing value is reported at its expected location.
            let at_parent = |at: &str| location.rfind('/').is_some_and(|end| &location[..end] == at);
            is_of_body(check) && (is_all_of_body || pointer.is_none_or(|at| meets(at) || at_parent(at)))
        }
    }
}

/// Whether a check fails at exactly this location.
pub(super) fn is_at(check: &CheckId, pointer: Option<&str>, part: &ChangedPart) -> bool {
    match part {
        ChangedPart::Body(location) => {
            check.info().part == CheckedPart::Body && pointer.is_some_and(|at| is_below(at, location))
        }
        ChangedPart::Header(name) => check.info().part == CheckedPart::Header(name),
        ChangedPart::Whole | ChangedPart::Status => false,
    }
}

fn is_of_body(check: &CheckId) -> bool {
    match check.info().part {
        CheckedPart::Body => true,
        CheckedPart::Header(name) => name.starts_with("content-"),
        CheckedPart::Status | CheckedPart::Response => rule_of(check).is_some_and(RuleInfo::is_about_body),
    }
}

fn is_below(location: &str, above: &str) -> bool {
    location
        .strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a check only tests the wording of a text, which clients must not depend on.
pub(super) fn is_wording(key: &ChangeKey, shown: &ChangeInstance, check: &CheckId) -> bool {
    key.rule == Rule::BodyMessageChanged
        && check.info().part == CheckedPart::Body
        && shown.after.as_deref() != Some("\"\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_items_of_arrays_become_stars() {
        let body = json!({"0": {"1": [ { "2": 3 } ]}, "a/b": [[1]]});
        for (pointer, expected) in [
            ("/0/1/0/2", "/0/1/*/2"),
            ("/a~1b/0/0", "/a~1b/*/*"),
            ("/0/7", "/0/7"),
            ("", ""),
        ] {
            assert_eq!(general(pointer, Some(&body)), expected);
        }
        assert_eq!(general("/0/a", None), "/0/a");
    }
}
