//! Properties of every pair of recordings.

use std::path::Path;

use conforme::compare::{ChangeLevel, ChangeRule, CompareOptions, Comparison, Levels, SuiteFacts, Version, compare};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::agreeing;

fn value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..20_i64).prop_map(Value::from),
        Just(json!(1.5)),
        "[ab ]{0,3}".prop_map(Value::from),
        Just(json!("2020-02-07T13:33:16Z")),
        Just(json!("a@example.com")),
        Just(json!("0b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3c")),
        Just(json!("user-0001")),
    ];
    plain.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abC_]{1,2}|message", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A response: status, fields, media type, body.
fn response() -> impl Strategy<Value = Value> {
    let fields = prop::collection::btree_map(
        prop::sample::select(&["x-a", "allow", "location", "www-authenticate", "etag", "vary"][..]),
        prop::sample::select(&["GET", "GET, PUT", "Bearer", "Basic a=b", "/user-0001"][..]),
        0..3,
    );
    let kinds = ["application/json", "application/json; charset=utf-8", "text/plain", ""];
    (
        prop::sample::select(&[200, 204, 301, 401, 404, 500][..]),
        fields,
        prop::sample::select(kinds.to_vec()),
        prop::option::of(value()),
    )
        .prop_map(|(status, fields, kind, body)| {
            let mut headers: Vec<_> = fields.into_iter().map(|(name, value)| json!([name, value])).collect();
            if !kind.is_empty() {
                headers.push(json!(["content-type", kind]));
            }
            let text = body.map(|body| body.to_string()).unwrap_or_default();
            json!({
                "version": "HTTP/1.1", "status": status, "headers": headers, "body": { "text": text },
                "received": "2026-01-01T00:00:00Z", "elapsed_us": 1000,
            })
        })
}

/// A case of a recording: suite, verdict, response, failed check.
fn case() -> impl Strategy<Value = (u8, bool, Value)> {
    (0..2_u8, prop::bool::weighted(0.2), response())
}

fn event(number: usize, (suite, fails, response): &(u8, bool, Value)) -> Value {
    let findings = if *fails {
        json!([{ "check": "body/json", "level": "deny", "message": "no", "pointer": "/a" }])
    } else {
        json!([])
    };
    json!({
        "event": "case-finished", "id": format!("s{suite}/c{number}"), "suite": format!("s{suite}"), "index": number,
        "location": { "file": "c.yaml", "line": 1, "column": 1 }, "verdict": if *fails { "failed" } else { "passed" },
        "started": "2026-01-01T00:00:00Z", "elapsed_us": 1000, "findings": findings,
        "exchange": {
            "request": { "method": "GET", "url": "http://a/", "headers": [] }, "outcome": { "response": response },
        },
    })
}

fn write(path: &Path, cases: &[(usize, (u8, bool, Value))]) {
    let start = json!({
        "event": "run-started", "format": 2, "tool": "t", "started": "2026-01-01T00:00:00Z", "target": "t",
        "base_url": "http://a", "suites": 2, "cases": cases.len(), "secrets": [], "vars": { "user": "user-0001" },
        "suite_hash": "0",
    });
    let end = json!({
        "event": "run-finished", "elapsed_us": 1,
    });
    let lines: Vec<_> = std::iter::once(start)
        .chain(cases.iter().map(|(number, case)| event(*number, case)))
        .chain([end])
        .collect();
    std::fs::write(path, agreeing(&lines)).unwrap();
}

fn compared(a: &Path, b: &Path) -> Comparison {
    let (facts, levels) = (SuiteFacts::default(), Levels::default());
    let how = CompareOptions {
        facts: &facts,
        judge: None,
        levels: &levels,
        accepted: &[],
        today: chrono::NaiveDate::default(),
        fail_on: Some(ChangeLevel::Breaking),
        wanted: &|_| true,
    };
    let version = |path| Version { path, name: "v" };
    compare(version(a), version(b), &how).unwrap()
}

/// Rule, location, all values before and after, cases.
type ChangeKey = (String, String, Vec<(Option<String>, Option<String>)>, Vec<String>);

/// What identifies each change, and what it says was and is.
fn keys_of(comparison: &Comparison) -> Vec<ChangeKey> {
    let mut all: Vec<_> = (comparison.changes.iter())
        .map(|change| {
            let location = format!("{:?} {:?} {}", change.pointer, change.header, change.suite);
            let others = change.others.iter().map(|one| (one.before.clone(), one.after.clone()));
            let mut values: Vec<_> = std::iter::once((change.before.clone(), change.after.clone()))
                .chain(others)
                .collect();
            values.sort();
            (change.rule.clone(), location, values, change.cases.clone())
        })
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn comparison_with_itself_is_empty_and_swap_mirrors(
        one in prop::collection::vec(case(), 1..6),
        other in prop::collection::vec(response(), 6),
        flips in prop::collection::vec(prop::bool::weighted(0.2), 6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (a, b, shuffled) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("s"));
        let cases: Vec<_> = one.into_iter().enumerate().collect();
        let mut others: Vec<_> = cases.iter().zip(other).zip(flips)
            .map(|(((number, (suite, fails, _)), response), flip)| (*number, (*suite, *fails != flip, response)))
            .collect();
        write(&a, &cases);
        write(&b, &others);
        let same = compared(&a, &a);
        prop_assert!(same.changes.is_empty() && same.noise.is_empty(), "{:?}", same.changes);
        prop_assert_eq!(same.summary.same, cases.len());

        let (there, back) = (compared(&a, &b), compared(&b, &a));
        let mut mirrored: Vec<_> = keys_of(&back).into_iter()
            .map(|(rule, location, values, cases)| {
                let mirror = ChangeRule::of(&rule).unwrap().info().mirror.id().to_owned();
                let mut values: Vec<_> = values.into_iter().map(|(before, after)| (after, before)).collect();
                values.sort();
                (mirror, location, values, cases)
            })
            .collect();
        mirrored.sort();
        prop_assert_eq!(keys_of(&there), mirrored);
        let unique: std::collections::BTreeSet<_> = there.changes.iter().map(|change| &change.fingerprint).collect();
        prop_assert_eq!(unique.len(), there.changes.len());

        others.reverse();
        write(&shuffled, &others);
        let again = compared(&a, &shuffled);
        prop_assert_eq!(&there.changes, &again.changes);
        prop_assert_eq!(&there.summary, &again.summary);
    }
}
