//! Comparisons, a matrix and a coverage report, made by hand.

use conforme::{
    compare::{Comparison, Matrix},
    coverage::Coverage,
};
use serde_json::{Value, json};

const URL: &str = "/v1.0/customers/7d0f/users/a1/sendActivationEmail";

fn side(name: &str, base_url: &str, commit: &str) -> Value {
    json!({
        "name": name, "base_url": base_url, "started": "2026-01-02T03:04:05.678901Z", "commit": commit,
        "suite_hash": "0123456789abcdef", "cases": 17, "repeats": 2, "secrets": ["TOKEN"], "folder": "tests/my api",
    })
}

/// A request to one of the two deployments and its response.
fn exchange(host: &str, status: u16, headers: &[[&str; 2]], body: &str) -> Value {
    json!({
        "request": {
            "method": "POST", "url": format!("https://{host}{URL}"), "headers": [["authorization", "Bearer $TOKEN"]],
        },
        "outcome": { "response": {
            "version": "HTTP/1.1", "status": status, "headers": headers, "body": { "text": body },
            "received": "2026-01-02T03:04:06Z", "elapsed_us": 12_345,
        } },
    })
}

const JSON_TYPE: [&str; 2] = ["content-type", "application/json; charset=utf-8"];

fn refusal(case: &str, before: (u16, &str), after: (u16, &str)) -> Value {
    let dated = |day: &'static str| [["date", day], JSON_TYPE];
    json!({
        "case": case,
        "name": "Refused outside the user's primary tenant",
        "location": { "file": format!("cases/{case}.yaml"), "line": 7, "column": 3 },
        "baseline_verdict": "passed",
        "candidate_verdict": "failed",
        "baseline": exchange("v1.example.com", before.0, &dated("Fri, 02 Jan 2026 03:04:06 GMT"), before.1),
        "candidate": exchange("v2.example.com", after.0, &dated("Fri, 02 Jan 2026 03:04:07 GMT"), after.1),
    })
}

fn ids(names: &[&str]) -> Vec<String> {
    names
        .iter()
        .map(|name| format!("send-activation-email/{name}"))
        .collect()
}

/// What differs between the two versions, every level and more.
// Long: one comparison with every kind of item, written out as data.
pub(crate) fn portal() -> Comparison {
    let not_primary = r#"{"error":400,"errorCode":"TenantNotPrimary","message":"The tenant is not the primary one.","details":[{"field":"tenant"}],"requestId":"1"}"#;
    let bare = r#"{"error":"400","message":"The tenant is not the user's primary tenant.","details":[{"field":"tenant"},{"field":"user"}],"requestId":"2"}"#;
    let refusals = [
        "non-primary-tenant",
        "unknown-tenant",
        "unknown-user",
        "foreign-user",
        "malformed-tenant",
    ];
    let change = |rule: &str, level: &str, fingerprint: &str, message: &str, reason: &str, evidence: Value| {
        json!({
            "rule": rule, "level": level, "fingerprint": fingerprint, "message": message, "reason": reason,
            "suite": "send-activation-email", "cases": [], "evidence": evidence,
        })
    };
    let with = |mut change: Value, more: Value| {
        for (name, value) in more.as_object().unwrap() {
            change[name] = value.clone();
        }
        change
    };
    let case = "send-activation-email/non-primary-tenant";
    let changes = [
        with(
            change(
                "body/property-removed",
                "breaking",
                "3f9a0c6de1b24785",
                "the property /errorCode is missing",
                "required by the schema; clients that read it will fail",
                refusal(case, (400, not_primary), (400, bare)),
            ),
            json!({ "pointer": "/errorCode", "before": "\"TenantNotPrimary\"", "cases": ids(&refusals) }),
        ),
        with(
            change(
                "body/type-changed",
                "breaking",
                "b07e55d2419cfa63",
                "the property /error was an integer and is a string",
                "the schema TenantNotPrimary declares an integer: who calculates with it fails",
                refusal(case, (400, not_primary), (400, bare)),
            ),
            json!({ "pointer": "/error", "before": "400", "after": "\"400\"", "cases": ids(&refusals[..2]) }),
        ),
        with(
            change(
                "status/error-to-success",
                "breaking",
                "1c44f0aa9d3be872",
                "a request that was rejected succeeds",
                "the case is about authorisation: who must not do this now can",
                with(
                    refusal(
                        "send-activation-email/expired-token",
                        (401, "{\"error\":401,\"errorCode\":\"TokenExpired\"}"),
                        (204, ""),
                    ),
                    json!({ "name": "Refused with an expired token" }),
                ),
            ),
            json!({ "before": "401 Unauthorized", "after": "204 No Content", "cases": ids(&["expired-token"]) }),
        ),
        with(
            change(
                "body/message-changed",
                "warning",
                "77aa03c1f2e9d456",
                "the text of /message differs",
                "the text is for people, and clients that search it will fail",
                refusal(case, (400, not_primary), (400, bare)),
            ),
            json!({
                "pointer": "/message", "before": "\"The tenant is not the primary one.\"",
                "after": "\"The tenant is not the user's primary tenant.\"", "cases": ids(&refusals[..3]),
            }),
        ),
        with(
            change(
                "latency/slower",
                "warning",
                "e2d1b7308c5f9a64",
                "responses take longer",
                "the shift is significant over 10 responses on each side",
                refusal("send-activation-email/activated", (204, ""), (204, "")),
            ),
            json!({ "before": "12.4 ms", "after": "48.9 ms", "cases": ids(&["activated"]) }),
        ),
        with(
            change(
                "header/added",
                "info",
                "90fe21ab34cd7865",
                "the header field x-request-id is new",
                "clients are expected to ignore additional fields",
                refusal(case, (400, not_primary), (400, bare)),
            ),
            json!({ "header": "x-request-id", "after": "8c3a", "cases": ids(&["activated", "blank-tenant", "empty-tenant", "empty-token"]) }),
        ),
    ];
    let mut accepted = changes[5].clone();
    accepted["header"] = "server".into();
    accepted["rule"] = "header/value-changed".into();
    accepted["message"] = "the header field server has a different value".into();
    accepted["accepted_because"] = "the gateway was replaced, API-812".into();
    accepted["expires"] = "2027-01-31".into();
    accepted["location"] = json!({ "file": "accepted.toml", "line": 3, "column": 1 });
    let latency = |case: &str, before: u64, after: u64| {
        let times = |median: u64| json!({ "responses": 10, "least_us": median * 4 / 5, "median_us": median, "most_us": median * 3 / 2 });
        json!({ "case": format!("send-activation-email/{case}"), "baseline": times(before), "candidate": times(after) })
    };
    let comparison = json!({
        "format": 2, "tool": "conforme 0.0.0",
        "baseline": side("v1", "https://v1.example.com", "fedcba9876543210"),
        "candidate": side("v2", "https://v2.example.com", "0f1e2d3c4b5a6978"),
        "fail_on": "breaking",
        "summary": {
            "compared": 16, "same": 9, "not_compared": 1, "breaking": 3, "warnings": 2, "infos": 1, "exit_code": 1,
        },
        "changes": changes, "accepted": [accepted],
        "stale": [{
            "reason": "expired on 2025-12-31, and matches no change",
            "location": { "file": "accepted.toml", "line": 9, "column": 1 },
        }],
        "noise": [
            { "suite": "send-activation-email", "what": "/requestId", "source": "two responses of the baseline differ", "cases": 14 },
            { "suite": "send-activation-email", "what": "date", "source": "the suite calls it volatile", "cases": 16 },
        ],
        "latencies": [
            latency("activated", 12_400, 48_900), latency("non-primary-tenant", 3_100, 3_300),
            latency("unknown-tenant", 2_900, 2_850), latency("unknown-user", 4_000, 3_100),
            latency("expired-token", 900, 450), latency("foreign-user", 5_200, 5_300),
        ],
    });
    serde_json::from_value(comparison).expect("a comparison")
}

/// Two versions that do not differ.
pub(crate) fn same() -> Comparison {
    let mut comparison = portal();
    comparison.changes.clear();
    comparison.accepted.clear();
    comparison.stale.clear();
    comparison.summary.same = 16;
    comparison.summary.not_compared = 0;
    (
        comparison.summary.breaking,
        comparison.summary.warnings,
        comparison.summary.infos,
    ) = (0, 0, 0);
    comparison.summary.exit_code = 0;
    comparison
}

/// Three regions, the second of which differs from the first.
pub(crate) fn regions() -> Matrix {
    let [mut first, mut second, mut third] = [portal().baseline, portal().candidate, portal().baseline];
    for (side, name) in [(&mut first, "eu"), (&mut second, "us"), (&mut third, "asia-pacific")] {
        name.clone_into(&mut side.name);
        side.base_url = format!("https://{name}.example.com");
    }
    let (mut drift, mut calm) = (portal(), same());
    drift.baseline = first.clone();
    drift.candidate = second.clone();
    calm.baseline = first.clone();
    calm.candidate = third.clone();
    let row = |case: &str, verdicts: [Option<&str>; 3], reason: Option<&str>| {
        json!({
            "case": format!("send-activation-email/{case}"), "verdicts": verdicts,
            "reasons": [null, reason, (verdicts[2] == Some("skipped")).then_some("skipped: effect `email` is not allowed here")],
        })
    };
    let passed = Some("passed");
    let matrix = json!({
        "format": 2, "tool": "conforme 0.0.0", "targets": [first, second, third],
        "rows": [
            row("activated", [passed, passed, Some("skipped")], None),
            row("expired-token", [passed, Some("failed"), passed], Some("status: expected 200, got 401")),
            row("non-primary-tenant", [passed, Some("failed"), passed], Some("body/schema: the body breaks its schema")),
            row("unknown-tenant", [passed, passed, passed], None),
            row("unknown-user", [passed, None, passed], None),
        ],
        "drift": [drift, calm], "exit_code": 1,
    });
    serde_json::from_value(matrix).expect("a matrix")
}

/// The coverage of a document of two operations, with a part of each kind.
pub(crate) fn coverage() -> Coverage {
    let location = json!({ "file": "schemas/shop.yaml", "line": 7, "column": 5 });
    let place = json!({
        "case": "shop/list", "step": "all", "location": { "file": "cases/shop/list.yaml", "line": 1, "column": 1 },
        "recording": "run.ndjson", "line": 12,
    });
    let tally = |observed: usize, declared: usize| json!({ "observed": observed, "declared": declared });
    let content = json!({
        "media_type": "application/json", "exchanges": 3, "first": place, "properties": tally(4, 5),
    });
    let undeclared = |kind: &str, level: &str, name: &str| {
        json!({
            "kind": kind, "level": level, "document": "shop.yaml", "operation": "GET /orders",
            "place": "response 200 application/json /*", "name": name, "location": location, "exchanges": 3, "cases": 2,
            "message": format!("the response has `{name}`, which the document does not declare"), "examples": [place],
            "fingerprint": "0123456789abcdef",
        })
    };
    let dimensions = json!([
        { "dimension": "operation", "observed": 1, "declared": 2, "percent": 50.0 },
        { "dimension": "property", "observed": 4, "declared": 5, "percent": 80.0 },
    ]);
    let value = json!({
        "format": 1, "tool": "conforme 0.1.0",
        "recordings": [{ "path": "run.ndjson", "target": "staging", "started": "2026-01-02T03:04:05Z", "exchanges": 3 }],
        "headline": "Coverage is too low: total 71.4%, minimum 80%", "total": tally(5, 7), "percent": 71.4,
        "minimums": [{ "percent": 80.0 }, { "dimension": "property", "percent": 70.0 }],
        "dimensions": dimensions,
        "documents": [{
            "document": "shop.yaml", "title": "Shop", "dimensions": dimensions,
            "operations": [
                {
                    "operation": "GET /orders", "id": "list", "location": location, "exchanges": 3, "first": place,
                    "parameters": [{ "name": "page", "in": "query", "exchanges": 0 }],
                    "responses": [{ "status": "200", "exchanges": 3, "first": place, "content": [content] }],
                },
                { "operation": "POST /orders", "location": location, "exchanges": 0, "request": [content] },
            ],
        }],
        "undeclared": [undeclared("property", "warning", "colour"), undeclared("status", "info", "404")],
        "unobserved": [
            { "dimension": "operation", "document": "shop.yaml", "operation": "POST /orders", "location": location, "contains": 2 },
            {
                "dimension": "parameter", "document": "shop.yaml", "operation": "GET /orders", "place": "request",
                "name": "page (query)", "location": location,
            },
        ],
        "not_counted": [{ "reason": "no response", "exchanges": 1, "case": "shop/slow" }],
        "exit_code": 1,
    });
    serde_json::from_value(value).expect("a coverage report")
}
