//! Cases of several steps in commands that read recordings.

use super::*;

/// The totals of a measurement of one case against the shop.
fn measured(case: &str) -> Value {
    let (project, ran, _) = run(case, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = project.run(&[
        "mutate",
        "run.ndjson",
        "--report",
        "json=m.json",
        "--report",
        "markdown=m.md",
    ]);
    assert!(project.has("m.json"), "{ran:?}");
    let measured: Value = serde_json::from_str(&project.read("m.json")).unwrap();
    let undecided = measured["total"]["undecided"].as_u64().unwrap();
    for text in [&ran.stdout, &project.read("m.md")] {
        assert_eq!(text.contains("undecided"), undecided > 0, "{text}");
    }
    measured
}

/// Whether mutants of an operator at a location of a step survive.
fn survives(measured: &Value, operator: &str, target: &str, step: &str) -> bool {
    survivors(measured, operator, target, step) > 0
}

fn survivors(measured: &Value, operator: &str, target: &str, step: &str) -> usize {
    let groups = measured["survivors"].as_array().unwrap().iter();
    let groups = groups.filter(|group| group["target"] == target);
    let prefix = format!("s/c:{step}#{operator}#");
    let all = groups.flat_map(|group| group["survivors"].as_array().unwrap());
    all.filter(|one| one["id"].as_str().unwrap().starts_with(&prefix))
        .count()
}

const CREATE: &str = "  - id: create
    request: { method: POST, path: /orders }
    expect: { status: 201 }
    capture: { number: /lines/0/n, order_id: /id }
";

#[test]
fn mutant_is_killed_by_later_step_that_uses_capture() {
    let with = |later: &str| {
        let case = format!(
            "cookies: false\nsteps:\n{CREATE}  - {{ id: echo, request: {{ method: POST, path: /echo, body: {{ json: 7 }} }}, expect: {later} }}\n"
        );
        measured(&case)
    };
    let unused = with("{ status: 200 }");
    let used = with("{ status: 200, body: { json: { body: '{{ number }}' } } }");
    let mutants = [
        "body/number-changed",
        "body/property-null",
        "body/property-type-changed",
    ];
    for operator in mutants {
        let count = |measured: &Value| survivors(measured, operator, "body /lines/*/n", "create");
        // Nothing expects the number of the second line.
        assert_eq!(count(&used) * 2, count(&unused), "{operator}");
        assert!(count(&used) > 0, "{operator}");
    }
    for all in [&unused, &used] {
        assert_eq!(all["total"]["undecided"], 0);
        // A capture that finds nothing fails its own step.
        assert!(!survives(all, "body/property-removed", "body /id", "create"));
    }
}

#[test]
fn mutant_that_changes_a_later_request_is_undecided() {
    let with = |create: &str, later: &str| {
        let steps = format!("{create}  - {{ id: later, {later} }}\n");
        measured(&format!("steps:\n{steps}"))
    };
    let is_undecided = |measured: &Value, operator: &str| {
        let mut operators = measured["operators"].as_array().unwrap().iter();
        let one = operators.find(|one| one["operator"] == operator).unwrap();
        one["undecided"].as_u64().unwrap() > 0
    };
    let path = "request: { path: '/orders/{id}', params: { id: '{{ order_id }}' } }, expect: { status: 200 }";
    let by_path = with(CREATE, path);
    assert!(is_undecided(&by_path, "body/number-changed"), "{by_path}");
    assert!(!survives(&by_path, "body/number-changed", "body /id", "create"));
    assert!(
        by_path["headline"].as_str().unwrap().contains("not counting"),
        "{by_path}"
    );
    // `null` is not sent in a path, so the case fails.
    assert!(!is_undecided(&by_path, "body/property-null"), "{by_path}");
    assert!(!survives(&by_path, "body/property-null", "body /id", "create"));

    let location = with(CREATE, "follow: create, expect: { status: 200 }");
    assert!(is_undecided(&location, "header/value-changed"), "{location}");
    assert!(!survives(&location, "header/removed", "header location", "create"));
    assert!(!is_undecided(&location, "body/number-changed"), "{location}");

    let echo = "request: { method: POST, path: /echo }, expect: { status: 200 }";
    let cookie = with(CREATE, echo);
    assert!(is_undecided(&cookie, "header/removed"), "{cookie}");
    let no_cookie = measured(&format!(
        "cookies: false\nsteps:\n{CREATE}  - {{ id: later, {echo} }}\n"
    ));
    assert!(!is_undecided(&no_cookie, "header/removed"), "{no_cookie}");
}

#[test]
fn mutant_is_killed_by_a_later_step_that_must_be_the_same() {
    let count = "request: { path: /count }, expect: { status: 200";
    let with = |same: &str| {
        measured(&format!(
            "steps:\n  - {{ id: one, {count} }} }}\n  - {{ id: two, {count}{same} }} }}\n"
        ))
    };
    let operator = "body/number-changed";
    assert!(survives(&with(""), operator, "body /orders", "one"));
    assert!(!survives(&with(", same_as: one"), operator, "body /orders", "one"));
}

#[test]
fn recheck_never_takes_a_mask_for_the_value() {
    let exact = |session: &str, id: u32| {
        let lines = "[{ sku: A1, n: 7 }, { sku: B2, n: 8 }]";
        format!("body: {{ exact: {{ id: {id}, session: '{session}', lines: {lines} }} }}")
    };
    // The expectation, and the exit codes of the run and of `recheck`.
    for (expectation, ran_code, rechecked_code) in [
        ("body: { json: { session: '{{ session }}' } }", 0, 0),
        ("body: { json: { session: { $type: string } } }", 0, 0),
        ("body: { json: { session: { $matches: '^s3ss10n' } } }", 0, 3),
        ("body: { json: { session: { $matches: '^[$]SESSION' } } }", 1, 3),
        ("body: { json: { session: { $matches: '^.{8}$' } } }", 1, 3),
        ("body: { json: { session: { $length: 8 } } }", 1, 3),
        ("body: { json: { session: '{{ session | upper }}' } }", 1, 3),
        ("body: { json: { session: '{{ session | sha256 }}' } }", 1, 3),
        ("body: { text: { matches: '\"session\":\"s3ss10n' } }", 0, 3),
        ("body: { text: { contains: '{{ session }}' } }", 0, 0),
        ("headers: { set-cookie: { matches: '^sid=s3ss10n' } }", 0, 3),
        ("headers: { set-cookie: { matches: HttpOnly } }", 0, 0),
        (&exact("{{ session }}", 42), 0, 0),
        (&exact("{{ session }}", 17), 1, 1),
        (&exact(SECRET, 42), 0, 3),
        // Another check of the same response fails.
        (
            "headers: { x-none: present }, body: { json: { session: { $matches: '^s3ss10n' } } }",
            1,
            1,
        ),
    ] {
        let case = format!(
            "steps:
  - id: create
    request: {{ method: POST, path: /orders }}
    expect: {{ status: 201 }}
    capture: {{ session: {{ json: /session, secret: true }} }}
  - id: again
    request: {{ method: POST, path: /orders }}
    expect: {{ status: 201, {expectation} }}
"
        );
        let (project, ran, _) = run(&case, &[]);
        assert_eq!(ran.code, ran_code, "{expectation}: {ran:?}");
        let rechecked = project.run(&["recheck", "run.ndjson"]);
        assert_eq!(rechecked.code, rechecked_code, "{expectation}: {rechecked:?}");
    }
}
