//! Comments, messages and test names in the listed modules follow the project's language rules.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Modules that follow the rules, and the folders of tests and benchmarks beside them.
const MODULES: [&str; 29] = [
    "../benches",
    "../fuzz/fuzz_targets",
    "../tests/architecture.rs",
    "../tests/docs",
    "../tests/it",
    "check",
    "cli",
    "compare",
    "explain",
    "fuzzing",
    "http",
    "import",
    "json",
    "mail",
    "mask",
    "model",
    "mutate",
    "plan",
    "project",
    "recording",
    "reference",
    "report",
    "run",
    "schema",
    "session",
    "snapshot",
    "source",
    "suite",
    "text",
];

/// Files and folders of text for users and contributors, which follow the same rules.
const DOCUMENTS: [&str; 19] = [
    ".ci/run",
    ".ci/setup",
    ".github",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.toml",
    "README.md",
    "SECURITY.md",
    "action.yml",
    "cases",
    "conforme.toml",
    "deny.toml",
    "docs",
    "examples/json-server/README.md",
    "examples/json-server/cases",
    "examples/oci-registry/README.md",
    "examples/oci-registry/cases",
    "fuzz/Cargo.toml",
    "justfile",
];

/// Phrases to avoid, in lower case and matched as whole words, each with its replacement.
const PHRASES: [(&str, &str); 40] = [
    ("told", "reported, shown"),
    ("tells", "reports, shows"),
    ("stands", "is, is written, exists"),
    ("stands for", "represents, replaces"),
    ("the case holds", "the case passes"),
    ("it is no", "it is not a"),
    ("this is no", "this is not a"),
    ("whom", "a noun"),
    ("whoever", "a noun"),
    ("for who", "a noun"),
    ("so many", "a number"),
    ("so often", "N times"),
    ("another one", "differs, a different value"),
    ("the other one", "a noun"),
    ("what came", "the response"),
    ("what comes", "a noun"),
    ("what is wrong", "the error"),
    ("most bytes", "maximum size in bytes"),
    ("longest time", "maximum time"),
    ("longest wait", "maximum wait"),
    ("answer", "response"),
    ("answers", "responses"),
    ("replies", "responses"),
    ("try", "attempt"),
    ("tries", "attempts"),
    ("mistake", "error"),
    ("mistakes", "errors"),
    ("anew", "again"),
    ("fired", "sent"),
    ("fires", "sends"),
    ("the head", "the header section"),
    ("standing rule", "built-in rule"),
    ("standing rules", "built-in rules"),
    ("nobody", "a noun"),
    ("for ever", "indefinitely"),
    ("a good guest", "the fact and its reason"),
    ("behaviour", "behavior"),
    ("recognised", "recognized"),
    ("serialised", "serialized"),
    ("white space", "whitespace"),
];

/// The Rust files of a module, a file or a folder.
fn files(module: &str) -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![source.join(module), source.join(module).with_extension("rs")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder that can be read");
            open.extend(entries.flatten().map(|entry| entry.path()));
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The files of a document or folder.
fn documents(name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(name)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder that can be read");
            open.extend(entries.flatten().map(|entry| entry.path()));
        } else if !path.ends_with(".github/workflows/release.yml") {
            // `dist` writes that file.
            found.push(path);
        }
    }
    found
}

/// The prose of a document, line by line: without blocks of code and code in backticks.
fn document_prose(text: &str) -> Vec<String> {
    let mut is_code = false;
    let line_prose = |line: &str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence {
            String::new()
        } else {
            line.split('`')
                .step_by(2)
                .collect::<Vec<_>>()
                .join("` `")
                .to_lowercase()
        }
    };
    text.lines().map(line_prose).collect()
}

/// The text of a line that is written for people: a comment, string literals of several words, or a function's name.
/// Code in backticks is removed, because it contains names.
fn prose(line: &str) -> String {
    let line = line.trim();
    let text = if let Some(comment) = line.strip_prefix("//") {
        comment.to_owned()
    } else if let Some((_, name)) = line.split_once("fn ") {
        name.split(['(', '<']).next().unwrap_or_default().replace('_', " ")
    } else {
        let strings = line.split('"').skip(1).step_by(2);
        strings
            .filter(|text| text.contains(' '))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let outside = text.split('`').step_by(2);
    outside.collect::<Vec<_>>().join("` `").to_lowercase()
}

/// Whether `phrase` occurs in `text` as whole words.
fn contains(text: &str, phrase: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(phrase)
        .any(|(at, _)| !text[..at].ends_with(is_letter) && !text[at + phrase.len()..].starts_with(is_letter))
}

#[test]
fn clean_modules_contain_no_avoided_phrase() {
    let mut hits = Vec::new();
    for module in MODULES {
        let files = files(module);
        assert!(!files.is_empty(), "no module `{module}`");
        for path in files {
            let text = fs::read_to_string(&path).expect("a file that can be read");
            for (number, line) in text.lines().enumerate() {
                let prose = prose(line);
                for (phrase, replacement) in PHRASES {
                    if contains(&prose, phrase) {
                        hits.push(format!(
                            "{}:{}: `{phrase}`, write: {replacement}",
                            path.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}

#[test]
fn documents_contain_no_avoided_phrase() {
    let mut hits = Vec::new();
    for path in DOCUMENTS.into_iter().flat_map(documents) {
        let text = fs::read_to_string(&path).expect("a file that can be read");
        for (number, prose) in document_prose(&text).iter().enumerate() {
            for (phrase, replacement) in PHRASES {
                if contains(prose, phrase) {
                    let at = format!("{}:{}", path.display(), number + 1);
                    hits.push(format!("{at}: `{phrase}`, write: {replacement}"));
                }
            }
        }
    }
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}

#[test]
fn phrase_is_found_as_whole_words_outside_of_code() {
    assert!(contains(&prose("/// What a run tells."), "tells"));
    assert!(contains(&prose("fn the_answer_is_kept() {"), "answer"));
    assert!(contains(&prose(r#"format!("no answer within {limit}")"#), "answer"));
    assert!(!contains(&prose("/// The `answer` of a pattern."), "answer"));
    assert!(!contains(&prose("let answer = answers(1);"), "answer"));
    assert!(!contains(&prose("/// An industry."), "try"));
    let prose = document_prose("It tells `tells`.\n```yaml\ntells\n```\n");
    assert!(contains(&prose[0], "tells") && !prose[2].contains("tells"));
}
