//! What each room costs: `cargo bench --bench rooms`. Whole commands are measured by `benches/whole`.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be made has no figure")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use conforme::{
    check,
    mask::{Masked, Masker},
    model::{Content, Event, Outcome, Request, Response},
    mutate::{Measuring, measure},
    plan::{Bound, Late, Plan, Selection},
    project::{BaseUrl, Project, Secret, Target, TargetOptions},
    recording::Recording,
    report::{Format, ReportOutput},
    schema::SchemaStore,
    snapshot::SnapshotStore,
    source::{Diagnostics, Sources},
    suite::{self, Suites},
};
use divan::{Bencher, black_box, counter::ItemsCount};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// Number of cases that are loaded, planned or reported at a time.
const CASES: usize = 1_000;
const EXPECT: &str = "expect:\n  status: 400\n  headers: { content-type: application/json; charset=utf-8 }\n  body:\n    \
                      schema: error.schema.json#/$defs/TenantNotPrimary\n    json: { error: { $status: true }, status: error, \
                      timestamp: { $matches: Z$ } }\n";

struct Loaded {
    sources: Sources,
    suites: Suites,
    snapshots: SnapshotStore,
    schemas: SchemaStore,
}

fn load(folder: &Path) -> Loaded {
    let mut errors = Diagnostics::default();
    let (project, mut sources) = Project::open(folder, &mut errors);
    let schemas = SchemaStore::open(&project.schemas);
    let suites = suite::load(&project.cases, &schemas, &mut sources, &mut errors);
    assert!(errors.is_empty(), "{errors:?}");
    Loaded {
        snapshots: SnapshotStore::new(&project.snapshots),
        sources,
        suites,
        schemas,
    }
}

fn target() -> Arc<Target> {
    let base = BaseUrl::parse("http://127.0.0.1:9/api").expect("a URL");
    let secret = Secret::new("a-token-of-twenty-and-more".to_owned()).expect("a secret");
    let secrets = BTreeMap::from([("token".to_owned(), secret)]);
    Arc::new(Target::embedded(
        base,
        BTreeMap::new(),
        secrets,
        &TargetOptions::default(),
    ))
}

fn plan(loaded: &Loaded) -> Plan {
    let mut errors = Diagnostics::default();
    let (selection, snapshots) = (Selection::default(), loaded.snapshots.clone());
    let plan = Plan::new(
        &loaded.suites,
        &selection,
        target(),
        snapshots,
        &loaded.sources,
        &mut errors,
    );
    assert!(errors.is_empty(), "{errors:?}");
    plan
}

fn project(cases: &[(String, String)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("conforme.toml", "");
    write(
        "schemas/error.schema.json",
        include_str!("../schemas/error.schema.json"),
    );
    let request = "request: { method: POST, path: '/v1.0/{tenant}/{user}', params: { tenant: '{{ tenant }}', user: none }, \
                   headers: { Authorization: 'Bearer {{ token }}' } }\n";
    let inputs = "inputs: { tenant: { default: a945b880-2bee-426f-9004-e3da55f3bb38 }, token: { secret: true } }\nsnapshots: { headers: [content-type], redact: [/timestamp] }\n";
    write("cases/portal/suite.yaml", &format!("{inputs}{request}"));
    for (name, text) in cases {
        write(&format!("cases/portal/{name}.yaml"), text);
    }
    folder
}

fn rows(expect: &str) -> TempDir {
    let mut text = format!("request: {{ params: {{ user: '{{{{ user }}}}' }} }}\n{expect}examples:\n");
    for number in 0..CASES {
        let _ = writeln!(text, "  r{number}: {{ user: f47ac10b-58cc-4372-a567-{number:012x} }}");
    }
    project(&[("table".to_owned(), text)])
}

fn files() -> TempDir {
    let files: Vec<_> = (0..CASES)
        .map(|number| {
            (
                format!("case-{number}"),
                format!("request: {{ params: {{ user: u{number} }} }}\n{EXPECT}"),
            )
        })
        .collect();
    project(&files)
}

#[divan::bench]
fn load_rows(bencher: Bencher<'_, '_>) {
    let folder = rows(EXPECT);
    bencher.counter(ItemsCount::new(CASES)).bench(|| load(folder.path()));
}

#[divan::bench]
fn load_files(bencher: Bencher<'_, '_>) {
    let folder = files();
    bencher.counter(ItemsCount::new(CASES)).bench(|| load(folder.path()));
}

#[divan::bench]
fn plan_rows(bencher: Bencher<'_, '_>) {
    let folder = rows(EXPECT);
    let loaded = load(folder.path());
    bencher
        .counter(ItemsCount::new(CASES))
        .bench(|| plan(black_box(&loaded)));
}

/// One case, and the response that keeps it.
fn judged(expect: &str) -> (TempDir, Bound, Outcome) {
    let folder = project(&[("case".to_owned(), expect.to_owned())]);
    let loaded = load(folder.path());
    let plan = plan(&loaded);
    let bound = plan
        .bind(&plan.cases[0].case, 0, &Late::default(), &loaded.sources)
        .expect("a case");
    let body = r#"{"error":400,"errorCode":"TenantNotPrimary","message":"This is not the primary tenant for this User.","status":"error","timestamp":"2026-01-31T12:30:15.1234567Z"}"#;
    let headers = [
        ("date", "Sat, 31 Jan 2026 12:30:15 GMT".to_owned()),
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("content-length", body.len().to_string()),
    ];
    let response = Response {
        version: "HTTP/1.1".to_owned(),
        status: 400,
        reason: None,
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        body: body.into(),
        trailers: Vec::new(),
        cut: None,
        stopped: None,
        excess: Content::default(),
        syntax: Vec::new(),
        received: "2026-01-31T12:30:15Z".parse().expect("a time"),
        elapsed_us: 1_000,
    };
    (folder, bound, Outcome::Response(response))
}

fn check(bound: &Bound, request: &Request, outcome: &Outcome) {
    let judgement = check::check(&bound.expectation, request, outcome, None);
    assert!(!judgement.fails(), "{:?}", judgement.findings);
}

#[divan::bench]
fn check_schema_json_and_rules(bencher: Bencher<'_, '_>) {
    let (_folder, bound, outcome) = judged(&format!("request: {{}}\n{EXPECT}"));
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench(|| check(black_box(&bound), &bound.request, black_box(&outcome)));
}

#[divan::bench]
fn check_snapshot(bencher: Bencher<'_, '_>) {
    let (folder, _, outcome) = judged("request: {}\nexpect: { status: 400, snapshot: true }\n");
    let snapshot = "---\nsource: x\n---\nHTTP 400\ncontent-type: application/json; charset=utf-8\n\n{\n  \"error\": 400,\n  \
                    \"errorCode\": \"TenantNotPrimary\",\n  \"message\": \"This is not the primary tenant for this User.\",\n  \
                    \"status\": \"error\",\n  \"timestamp\": \"[redacted]\"\n}\n";
    let path = folder.path().join("snapshots/portal/case.snap");
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, snapshot).expect("a file");
    let loaded = load(folder.path());
    let plan = plan(&loaded);
    let bound = plan
        .bind(&plan.cases[0].case, 0, &Late::default(), &loaded.sources)
        .expect("a case");
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench(|| check(black_box(&bound), &bound.request, black_box(&outcome)));
}

/// The events of a run against the reference API in which every second case fails.
/// How many changed responses one core judges in a second: error bodies of about 160 bytes.
#[divan::bench]
fn mutate_error_bodies(bencher: Bencher<'_, '_>) {
    let (folder, bound, outcome) = judged(EXPECT);
    let loaded = load(folder.path());
    let plan = plan(&loaded);
    let path = folder.path().join("run.ndjson");
    let start = serde_json::json!({
        "event": "run-started", "format": 1, "tool": "bench", "started": "2026-01-01T00:00:00Z", "target": "reference",
        "base_url": "http://127.0.0.1:9/api", "suites": 1, "cases": 1, "secrets": [], "suite_hash": "",
    });
    let case = &plan.cases[0].case;
    let finished = serde_json::json!({
        "event": "case-finished", "id": case.id, "suite": case.suite.id, "index": 0, "verdict": "passed", "elapsed_us": 1,
        "location": { "file": "c.yaml", "line": 1, "column": 1 },
        "exchange": { "request": bound.request, "outcome": outcome },
    });
    fs::write(&path, format!("{start}\n{finished}\n")).expect("a file");
    let how = Measuring {
        name: "bench",
        jobs: 1,
        min_score: None,
        schemas: &loaded.schemas,
        advised: 10,
    };
    let measured = || measure(&path, &plan, &loaded.sources, how).expect("a measurement");
    let total = measured().total;
    assert!(total.killed > 50, "{total:?}");
    bencher
        .counter(ItemsCount::new(total.killed + total.survived + total.equivalent))
        .bench(measured);
}

fn events() -> (TempDir, Vec<Masked<Event>>) {
    let table = |status: usize| {
        let start =
            format!("request: {{ headers: {{ Authorization: null }} }}\nexpect: {{ status: {status} }}\nexamples:\n");
        let rows = (0..CASES / 2).fold(start, |rows, number| rows + &format!("  r{number}: {{}}\n"));
        (format!("table-{status}"), rows)
    };
    let folder = project(&[table(400), table(404)]);
    let recording = folder.path().join("run.ndjson");
    Command::new(env!("CARGO_BIN_EXE_conforme"))
        .args(["run", "--record", "run.ndjson"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .status()
        .expect("a run");
    let events = Recording::open(&recording).expect("a recording");
    let events = events.collect::<Result<_, _>>().expect("events");
    (folder, events)
}

#[divan::bench]
fn mask(bencher: Bencher<'_, '_>) {
    let (_folder, events) = events();
    let secret = Secret::new("a-token-of-twenty-and-more".to_owned()).expect("a secret");
    let masker = Masker::new([("token", &secret)]);
    let events: Vec<Event> = events.iter().map(|event| (**event).clone()).collect();
    bencher
        .counter(ItemsCount::new(CASES))
        .with_inputs(|| events.clone())
        .bench_values(|events| events.into_iter().map(|event| masker.event(event)).collect::<Vec<_>>());
}

#[divan::bench(args = Format::NAMES.map(|(name, _)| name))]
fn render(bencher: Bencher<'_, '_>, format: &str) {
    let (folder, events) = events();
    let (_, format) = Format::NAMES
        .into_iter()
        .find(|(name, _)| *name == format)
        .expect("a format");
    let path = folder.path().join("report");
    bencher.counter(ItemsCount::new(CASES)).bench(|| {
        let mut report = format.reporter(ReportOutput::file(&path).expect("a file"));
        for event in &events {
            report.event(event).expect("a report");
        }
        report.finish().expect("a report");
    });
}
