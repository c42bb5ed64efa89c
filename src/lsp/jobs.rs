//! Work beside the loop of the server: running cases, and measuring the suite by a recording.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::session::{MutateRequest, mutate};

/// Maximum length of a message, in bytes.
const MAX_MESSAGE: usize = 2000;

/// Lines that `mutate` advises.
#[derive(Clone, Debug)]
pub(super) struct Advised {
    /// The line of the case, from zero.
    pub(super) line: u32,
    pub(super) message: String,
    /// The lines, as a mapping in YAML.
    pub(super) lines: String,
}

/// The advice for each file.
pub(super) type AdviceByFile = BTreeMap<PathBuf, Vec<Advised>>;

/// A failed check of a run.
#[derive(Clone, Debug)]
pub(super) struct RunFailure {
    pub(super) path: PathBuf,
    /// Line and column, from one.
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) message: String,
}

/// A run that has ended.
#[derive(Debug)]
pub(super) struct EndedRun {
    pub(super) root: PathBuf,
    pub(super) message: String,
    pub(super) has_passed: bool,
    pub(super) failures: Vec<RunFailure>,
}

/// Runs cases as `conforme run` does, in a process of its own: signals and secrets stay with it.
pub(super) fn run(root: &Path, id: &str, target: Option<&str>) -> EndedRun {
    let mut ended = EndedRun {
        root: root.to_owned(),
        message: String::new(),
        has_passed: false,
        failures: Vec::new(),
    };
    match run_process(root, id, target, &mut ended) {
        Ok(()) => {}
        Err(error) => ended.message = format!("{id}: failed to start `conforme run`: {error}"),
    }
    ended.message.truncate(ended.message.floor_char_boundary(MAX_MESSAGE));
    ended
}

fn run_process(root: &Path, id: &str, target: Option<&str>, ended: &mut EndedRun) -> std::io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["run", "--color", "never", "--report", "json", "--project"])
        .arg(root);
    command.args(target.into_iter().flat_map(|target| ["--target", target]));
    command
        .args(["--", id])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let errors = child.stderr.take();
    let errors = std::thread::spawn(move || {
        let lines = errors
            .into_iter()
            .flat_map(|errors| BufReader::new(errors).lines().map_while(Result::ok));
        lines.collect::<Vec<_>>()
    });
    let mut counts = Value::Null;
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines().map_while(Result::ok))
    {
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        match event["event"].as_str() {
            Some("case-finished") => failures(root, &event, &mut ended.failures),
            Some("run-finished") => counts = event["counts"].clone(),
            _ => {}
        }
    }
    let status = child.wait()?;
    ended.has_passed = status.success();
    let errors = errors.join().unwrap_or_default();
    ended.message = if counts.is_null() {
        let is_reason = |line: &&String| line.contains("error") || line.starts_with("help");
        let reasons: Vec<_> = errors.iter().filter(is_reason).cloned().collect();
        format!(
            "{id}: {}",
            if reasons.is_empty() {
                errors.join("\n")
            } else {
                reasons.join("\n")
            }
        )
    } else {
        let count = |name: &str| counts[name].as_u64().unwrap_or_default();
        let names = ["passed", "failed", "errored", "flaky", "skipped"];
        let counted = names.into_iter().filter(|name| count(name) > 0);
        let counted: Vec<_> = counted.map(|name| format!("{} {name}", count(name))).collect();
        let first = ended.failures.first().map(|failure| format!("\n{}", failure.message));
        format!("{id}: {}{}", counted.join(", "), first.unwrap_or_default())
    };
    Ok(())
}

/// The failures of a case: its findings with the lines of their expectations, or its reason.
fn failures(root: &Path, event: &Value, failures: &mut Vec<RunFailure>) {
    let is_failure = ["failed", "errored", "flaky"].contains(&event["verdict"].as_str().unwrap_or_default());
    if !is_failure {
        return;
    }
    let id = event["id"].as_str().unwrap_or_default();
    let mut add = |location: &Value, message: String| {
        let location = if location.is_null() {
            &event["location"]
        } else {
            location
        };
        let number = |name: &str| location[name].as_u64().and_then(|number| u32::try_from(number).ok());
        failures.push(RunFailure {
            path: root.join(location["file"].as_str().unwrap_or_default()),
            line: number("line").unwrap_or(1),
            column: number("column").unwrap_or(1),
            message,
        });
    };
    let steps = event["steps"].as_array().into_iter().flatten();
    let findings = steps.flat_map(|step| step["findings"].as_array().into_iter().flatten());
    let own = event["findings"].as_array().into_iter().flatten();
    let mut is_explained = false;
    for finding in findings.chain(own).filter(|finding| finding["level"] == "deny") {
        is_explained = true;
        let text = |name: &str| finding[name].as_str().unwrap_or_default();
        let mut message = format!("{id}: {}: {}", text("check"), text("message"));
        if finding["expected"].is_string() {
            message = format!("{message}: expected {}, got {}", text("expected"), text("actual"));
        }
        add(&finding["location"], message);
    }
    if !is_explained {
        add(
            &Value::Null,
            format!("{id}: {}", event["reason"].as_str().unwrap_or_default()),
        );
    }
}

/// What `mutate` advises for a recording. Without a recording that can be read, or with an invalid project, nothing.
pub(super) fn measure(root: &Path, recording: &str) -> AdviceByFile {
    let mut all = AdviceByFile::new();
    let request = MutateRequest {
        project: Some(root.to_owned()),
        recording: root.join(recording),
        // The editor needs the other core.
        jobs: Some(1),
        verbose: true,
        ..MutateRequest::default()
    };
    let Ok(measurement) = mutate(&request, &mut ()) else {
        return all;
    };
    for group in measurement.measured.survivors {
        let Some(lines) = group.advice else { continue };
        all.entry(root.join(&*group.location.file)).or_default().push(Advised {
            line: group.location.line.saturating_sub(1),
            message: group.message,
            lines,
        });
    }
    all
}
