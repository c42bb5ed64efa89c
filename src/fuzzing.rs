//! What holds for any bytes: the laws that the targets of `fuzz/` and `tests/it/fuzzing.rs` ask of every reader. Each
//! function panics where its law is broken.

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};

use tempfile::TempDir;

use crate::{
    check::plain_lines,
    compare::{Comparing, Facts, Levels, Version, compare},
    json,
    model::{Event, Stop, marks_of},
    plan::{Plan, Selection},
    project::{BaseUrl, Project, Secret, Target, TargetOptions},
    recording::{Recording, read_event},
    redact::Redactor,
    schema::SchemaStore,
    snapshot::SnapshotStore,
    source::Diagnostics,
    suite,
};

/// Panics where a law is broken.
pub type Laws = fn(&[u8]);

/// Every reader by name, with its laws.
pub const TARGETS: [(&str, Laws); 6] = [
    ("case", case),
    ("recording", recording),
    ("comparison", comparison),
    ("snapshot", snapshot),
    ("strict_json", strict_json),
    ("redactor", redactor),
];

fn folder() -> io::Result<TempDir> {
    let folder = TempDir::new()?;
    fs::create_dir_all(folder.path().join("cases/s"))?;
    fs::create_dir_all(folder.path().join("snapshots/s"))?;
    fs::write(folder.path().join("conforme.toml"), "")?;
    Ok(folder)
}

/// A case file: every mistake stands in the file, and is the same each time; what has none can be planned.
pub fn case(bytes: &[u8]) {
    let Ok(folder) = folder() else { return };
    let file = folder.path().join("cases/s/c.yaml");
    if fs::write(file, bytes).is_err() {
        return;
    }
    let (first, second) = (mistakes(folder.path()), mistakes(folder.path()));
    assert_eq!(first, second, "loading again gives other mistakes");
}

fn mistakes(folder: &Path) -> String {
    let mut errors = Diagnostics::default();
    let (project, mut sources) = Project::open(folder, &mut errors);
    let schemas = SchemaStore::open(&project.schemas);
    let suites = suite::load(&project.cases, &schemas, &mut sources, &mut errors);
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
    // A mistake is shown with its line, which is looked up in the file.
    errors.render(&sources, false)
}

/// A recording: what is read, written and read again is the same, and one without its end is never whole.
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
            "it is read as another event"
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
        panic!("a recording that is read has an end");
    };
    assert!(
        is_ended || (end.stopped == Some(Stop::Lost) && end.exit_code != 0),
        "a cut recording is whole"
    );
}

/// Two recordings, an empty line between them: either is refused or they are compared; one with itself shows no change, and
/// with the sides swapped as many are found.
pub fn comparison(bytes: &[u8]) {
    let Ok(folder) = folder() else { return };
    let middle = memchr::memmem::find(bytes, b"\n\n").unwrap_or(bytes.len());
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let rest = bytes.get(middle + 2..).unwrap_or_default();
    if fs::write(&a, &bytes[..middle]).is_err() || fs::write(&b, rest).is_err() {
        return;
    }
    let (facts, levels) = (Facts::default(), Levels::default());
    let how = Comparing {
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
        // What one side wavers in is noise of the baseline, and a change of the candidate.
        assert!(
            repeats > 1 || there.changes.len() == back.changes.len(),
            "{there:?} {back:?}"
        );
    }
}

/// A snapshot file: any bytes are an error or a text, and what is written is read back.
pub fn snapshot(bytes: &[u8]) {
    let Ok(folder) = folder() else { return };
    let store = SnapshotStore::new(folder.path().join("snapshots"));
    if fs::write(store.path("s/c"), bytes).is_err() {
        return;
    }
    if let Ok(Some(read)) = store.read("s/c") {
        assert!(
            store.read("s/c").is_ok_and(|again| again == Some(read)),
            "it is read in two ways"
        );
    }
    let text = String::from_utf8_lossy(bytes);
    let told = |text: &str| plain_lines(text).trim().to_owned();
    if store.write_accepted("s/d", "cases/s/d.yaml", &text).is_ok() {
        let read = store.read("s/d");
        let is_same = matches!(&read, Ok(Some(read)) if told(&read.text) == told(&text));
        assert!(is_same, "{text:?} is read back as {read:?}");
    }
}

/// JSON read strictly: what is accepted is JSON, is the same value to any reader, and is read back from what is written.
pub fn strict_json(bytes: &[u8]) {
    let Ok(value) = json::read(bytes) else { return };
    let plain = serde_json::from_slice::<serde_json::Value>(bytes);
    // Others take an object with the private key of `serde_json` for a number.
    let has_private_key = value.to_string().contains("$serde_json::private::");
    assert!(
        has_private_key || plain.is_ok_and(|plain| plain == value),
        "it is another value to others"
    );
    let again = json::read(value.to_string().as_bytes());
    assert!(again.is_ok_and(|again| again == value), "it is not read back");
}

/// The redactor: the first bytes are a secret, of the length that the first of all says; nothing of it is in the text of
/// the rest afterwards, however it is escaped there in one of the usual ways.
pub fn redactor(bytes: &[u8]) {
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
    // A mark is no secret, whatever the secret is; nor is what a mark and the text beside it look like together.
    let is_like_a_mark = |mark: &String| mark.contains(secret) || secret.contains(['$', '[', ']', '}']);
    if marks_of("token")
        .iter()
        .chain([&"[hidden]".to_owned()])
        .any(is_like_a_mark)
    {
        return;
    }
    let hide = Redactor::new([("token", &known)]);
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
