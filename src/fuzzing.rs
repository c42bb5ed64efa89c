//! Properties of every parser for arbitrary input, checked by the targets of `fuzz/` and by `tests/it/fuzzing.rs`. Each
//! function panics if its property is violated.

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};

use tempfile::TempDir;

use crate::{
    check::plain_lines,
    compare::{CompareOptions, Levels, SuiteFacts, Version, compare},
    json,
    mask::Masker,
    model::{Event, Stop, marks_of},
    openapi::{ApiDocument, ApiViolation, Direction},
    plan::{Plan, Selection},
    project::{BaseUrl, Project, Secret, Target, TargetOptions},
    recording::{Recording, read_event},
    schema::SchemaStore,
    snapshot::SnapshotStore,
    source::{Diagnostics, Sources},
    suite,
};

/// A check of a parser's properties; it panics if one is violated.
pub type Properties = fn(&[u8]);

/// Every parser by name, with its properties.
pub const TARGETS: [(&str, Properties); 7] = [
    ("case", case),
    ("recording", recording),
    ("comparison", comparison),
    ("snapshot", snapshot),
    ("strict_json", strict_json),
    ("masker", masker),
    ("openapi", openapi),
];

fn folder() -> io::Result<TempDir> {
    let folder = TempDir::new()?;
    fs::create_dir_all(folder.path().join("cases/s"))?;
    fs::create_dir_all(folder.path().join("snapshots/s"))?;
    fs::write(folder.path().join("conforme.toml"), "")?;
    Ok(folder)
}

/// A case file: every error has a location in the file and is the same each time; a file without errors can be planned.
pub fn case(bytes: &[u8]) {
    let Ok(folder) = folder() else { return };
    let file = folder.path().join("cases/s/c.yaml");
    if fs::write(file, bytes).is_err() {
        return;
    }
    let (first, second) = (load_errors(folder.path()), load_errors(folder.path()));
    assert_eq!(first, second, "loading again gives different errors");
}

fn load_errors(folder: &Path) -> String {
    let mut errors = Diagnostics::default();
    let (project, mut sources) = Project::open(folder, &mut errors);
    let schemas = SchemaStore::open(&project.schemas);
    let mut suites = suite::load(&project.cases, &schemas, &mut sources, &mut errors);
    suites.broken.drain(..).for_each(|broken| errors.append(broken.errors));
    if errors.is_empty() {
        let Ok(base) = BaseUrl::parse("http://127.0.0.1:9/api") else {
            return String::new();
        };
        let target = Target::embedded(base, BTreeMap::new(), BTreeMap::new(), &TargetOptions::default());
        let snapshots = SnapshotStore::new(&project.snapshots);
        let selection = Selection::default();
        let plan = Plan::new(&suites, &selection, Arc::new(target), snapshots, &sources, &mut errors);
        assert_eq!(plan.cases.len(), suites.cases.len());
    }
    // An error is shown with its line, which is looked up in the file.
    errors.render(&sources, false)
}

/// An `OpenAPI` document: every error is the same each time, and every part of a valid one can be used.
pub fn openapi(bytes: &[u8]) {
    let Ok(folder) = TempDir::new() else { return };
    for name in ["a.yaml", "a.json"] {
        if fs::write(folder.path().join(name), bytes).is_err() {
            return;
        }
        let open = || {
            let (mut errors, mut sources) = (Diagnostics::default(), Sources::new(folder.path()));
            let document = ApiDocument::open(folder.path(), name, &mut sources, &mut errors);
            assert_eq!(
                document.is_none(),
                !errors.is_empty(),
                "a document without operations or errors"
            );
            (document, errors.render(&sources, false))
        };
        let ((Some(document), first), (_, second)) = (open(), open()) else {
            continue;
        };
        assert_eq!(first, second, "reading again gives different errors");
        for operation in document.operations.iter().take(8) {
            assert!(
                document.location(&operation.part).is_some(),
                "an operation without a location"
            );
            let found = document.find(&operation.method, &operation.path.text);
            assert!(
                found.is_some(),
                "an operation is not found by its path: {}",
                operation.name()
            );
            let contents = operation.responses.iter().flat_map(|response| &response.content);
            for schema in contents.filter_map(|content| content.schema.as_ref()).take(8) {
                for direction in [Direction::Request, Direction::Response] {
                    let found = document.violations(schema, direction, &serde_json::Value::Null);
                    let has_location = |violation: &ApiViolation| document.location(&violation.part).is_some();
                    assert!(found.iter().all(has_location), "a violation without a location");
                }
            }
        }
    }
}

/// A recording: an event that is read, written and read again is unchanged, and a truncated recording is never complete.
pub fn recording(bytes: &[u8]) {
    let mut is_ended = false;
    for event in bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| read_event(line).ok())
    {
        is_ended |= matches!(event, Event::RunFinished(_));
        let Ok(text) = serde_json::to_vec(&event) else {
            panic!("an event that was read cannot be written")
        };
        assert!(
            read_event(&text).is_ok_and(|again| again == event),
            "a different event is read back"
        );
    }
    let Ok(folder) = folder() else { return };
    let path = folder.path().join("run.ndjson");
    if fs::write(&path, bytes).is_err() {
        return;
    }
    let Ok(recording) = Recording::open(&path) else { return };
    let Ok(events) = recording.collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let Some(Event::RunFinished(end)) = events.last().map(|event| &**event) else {
        panic!("a recording that was read has no end");
    };
    assert!(
        is_ended || (end.stopped == Some(Stop::Lost) && end.exit_code != 0),
        "a truncated recording is complete"
    );
}

/// Two recordings, an empty line between them: they are rejected or compared. A recording compared with itself has no
/// changes, and swapping the sides keeps the number of changes.
pub fn comparison(bytes: &[u8]) {
    let Ok(folder) = folder() else { return };
    let middle = memchr::memmem::find(bytes, b"\n\n").unwrap_or(bytes.len());
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let rest = bytes.get(middle + 2..).unwrap_or_default();
    if fs::write(&a, &bytes[..middle]).is_err() || fs::write(&b, rest).is_err() {
        return;
    }
    let (facts, levels) = (SuiteFacts::default(), Levels::default());
    let how = CompareOptions {
        facts: &facts,
        judge: None,
        levels: &levels,
        accepted: &[],
        today: chrono::NaiveDate::default(),
        fail_on: None,
        wanted: &|_| true,
    };
    let compared = |one: &Path, other: &Path| {
        let version = |path| Version { path, name: "" };
        compare(version(one), version(other), &how).ok()
    };
    for one in [&a, &b] {
        if let Some(same) = compared(one, one) {
            assert!(same.changes.is_empty(), "it differs from itself: {:?}", same.changes);
        }
    }
    let (there, back) = (compared(&a, &b), compared(&b, &a));
    assert_eq!(there.is_some(), back.is_some());
    if let (Some(there), Some(back)) = (there, back) {
        let repeats = there.baseline.repeats.max(there.candidate.repeats);
        // An unstable value is noise in the baseline, and a change in the candidate.
        assert!(
            repeats > 1 || there.changes.len() == back.changes.len(),
            "{there:?} {back:?}"
        );
    }
}

/// A snapshot file: any bytes are an error or a text, and a text that is written is read back.
pub fn snapshot(bytes: &[u8]) {
    let Ok(folder) = folder() else { return };
    let store = SnapshotStore::new(folder.path().join("snapshots"));
    if fs::write(store.path("s/c"), bytes).is_err() {
        return;
    }
    if let Ok(Some(read)) = store.read("s/c") {
        assert!(
            store.read("s/c").is_ok_and(|again| again == Some(read)),
            "it is read differently the second time"
        );
    }
    let text = String::from_utf8_lossy(bytes);
    let comparable = |text: &str| plain_lines(text).trim().to_owned();
    if store.write_accepted("s/d", "cases/s/d.yaml", &text).is_ok() {
        let read = store.read("s/d");
        let is_same = matches!(&read, Ok(Some(read)) if comparable(&read.text) == comparable(&text));
        assert!(is_same, "{text:?} is read back as {read:?}");
    }
}

/// Strict JSON: an accepted text is JSON, gives the same value in `serde_json`, and survives a round trip.
pub fn strict_json(bytes: &[u8]) {
    let Ok(value) = json::read(bytes) else { return };
    let plain = serde_json::from_slice::<serde_json::Value>(bytes);
    // `serde_json` reads an object with its private key as a number.
    let has_private_key = value.to_string().contains("$serde_json::private::");
    assert!(
        has_private_key || plain.is_ok_and(|plain| plain == value),
        "`serde_json` reads a different value"
    );
    let again = json::read(value.to_string().as_bytes());
    assert!(again.is_ok_and(|again| again == value), "it is not read back");
}

/// The masker: the first byte is the length of a secret, which follows it. The secret does not occur in the masked
/// remainder, neither as it is nor as JSON nor percent-encoded.
pub fn masker(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else {
        return;
    };
    let (secret, rest) = rest.split_at(usize::from(*length).min(rest.len()));
    let Ok(secret) = std::str::from_utf8(secret) else {
        return;
    };
    let Ok(known) = Secret::new(secret.to_owned()) else {
        return;
    };
    // A placeholder is not a secret, nor is a placeholder together with the text next to it.
    let is_like_a_placeholder =
        |placeholder: &String| placeholder.contains(secret) || secret.contains(['$', '[', ']', '}']);
    if marks_of("token")
        .iter()
        .chain([&"[hidden]".to_owned()])
        .any(is_like_a_placeholder)
    {
        return;
    }
    let hide = Masker::new([("token", &known)]);
    let text = String::from_utf8_lossy(rest);
    let json = serde_json::Value::String(secret.to_owned()).to_string();
    let percent = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let inside = [secret, json.trim_matches('"'), &percent];
    let all = inside.map(|form| format!("{text}\u{0}{form}\u{0}{text}"));
    for text in all.iter().map(String::as_str).chain([&*text]) {
        let shown = hide.text(text);
        for form in inside {
            assert!(!shown.contains(form), "{form:?} is left of {secret:?} in {shown:?}");
        }
    }
}
