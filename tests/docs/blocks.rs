//! Blocks of code: each states what it is, and is validated as that.

use std::{fs, path::Path, process::Command};

use saphyr_parser::{Event, Parser};

use crate::{
    commands,
    page::{self, Page, is_writing, pages, repository},
    transcripts::{self, Terminal},
};

/// Maximum number of blocks that are not complete, or whose output is not compared.
const MAX_FRAGMENTS: usize = 16;

/// The project that the blocks of a page make up.
pub(crate) struct PageProject {
    folder: tempfile::TempDir,
    unnamed: usize,
    /// Whether cases were written since the last validation.
    has_news: bool,
}

impl PageProject {
    pub(crate) fn new() -> Self {
        let project = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            unnamed: 0,
            has_news: false,
        };
        // Files that examples send or expect.
        project.write("files/cat.png", "a picture");
        project.write("files/logo.svg", "<svg/>");
        project
    }

    /// A copy of a folder of `tests/docs/projects`; `empty` is an empty folder.
    fn of(name: &str) -> Self {
        let project = Self::new();
        let source = repository().join("tests/docs/projects").join(name);
        let mut open = vec![source.clone()];
        while let Some(folder) = open.pop().filter(|_| name != "empty") {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let inside = path.strip_prefix(&source).expect("a file of the project");
                    project.write(&inside.to_string_lossy(), &fs::read_to_string(&path).expect("a text"));
                }
            }
        }
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    /// Validates the project with the program.
    pub(crate) fn validate(&self) -> Result<(), String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conforme"));
        command.env_clear().arg("validate").arg("-C").arg(self.path());
        let output = command.output().expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        if output.status.success() && !text.contains("warning") {
            Ok(())
        } else {
            Err(text.into_owned())
        }
    }
}

/// A project whose suites use everything that a `conforme.toml` defines.
pub(crate) fn project_of(config: &str) -> Result<PageProject, String> {
    let parsed: toml::Table = config.parse().map_err(|error| format!("{error}"))?;
    let mut suite = String::from("name: Everything that the file defines\ninputs:\n  unused: { optional: true }\n");
    let mut case = String::from("request: { path: / }\nexpect: { status: 200 }\n");
    let mut steps = String::new();
    let targets = parsed.get("targets").and_then(toml::Value::as_table);
    let mut inputs = std::collections::BTreeMap::new();
    for target in targets.into_iter().flat_map(toml::Table::values) {
        let table = |name: &str| target.get(name).and_then(toml::Value::as_table);
        for (kind, is_secret) in [("vars", false), ("secrets", true)] {
            inputs.extend(
                table(kind)
                    .into_iter()
                    .flat_map(toml::Table::keys)
                    .map(|name| (name, is_secret)),
            );
        }
        if let Some(effects) = target.get("effects").and_then(toml::Value::as_array) {
            let effects: Vec<_> = effects.iter().filter_map(toml::Value::as_str).collect();
            case += &format!("effects: [{}]\n", effects.join(", "));
        }
        for (name, _) in table("identities").into_iter().flatten() {
            steps += &format!(
                "  - id: identity-{name}\n    identity: {name}\n    request: {{ path: / }}\n    expect: {{ status: 200 }}\n"
            );
        }
        for (name, endpoint) in table("endpoints").into_iter().flatten() {
            let request = match endpoint.get("kind") {
                Some(_) => format!(
                    "mail: {{ endpoint: {name}, to: a@example.com }}\n    expect: {{ body: {{ json: {{ count: 1 }} }} }}"
                ),
                None => format!("endpoint: {name}\n    request: {{ path: / }}\n    expect: {{ status: 200 }}"),
            };
            steps += &format!("  - id: {name}\n    {request}\n");
        }
    }
    for (name, is_secret) in inputs {
        suite += &format!("  {name}: {{ optional: true, secret: {is_secret} }}\n");
    }
    let project = PageProject::new();
    project.write("conforme.toml", config);
    project.write("cases/s/suite.yaml", &suite);
    project.write("cases/s/case.yaml", &case);
    // The login case of tokens.
    let login = "request: { method: POST, path: /login }\nexpect: { status: 200 }\ncapture: { session: /session }\n";
    project.write("cases/auth/login.yaml", login);
    if !steps.is_empty() {
        project.write("cases/s/steps.yaml", &format!("steps:\n{steps}"));
    }
    Ok(project)
}

/// The scalars of a YAML document.
fn scalars(text: &str) -> Result<Vec<String>, String> {
    let mut scalars = Vec::new();
    for event in Parser::new_from_str(text) {
        if let (Event::Scalar(value, ..), _) = event.map_err(|error| error.to_string())? {
            scalars.push(value.into_owned());
        }
    }
    Ok(scalars)
}

/// Checks the commands in the scripts of a CI system.
fn check_scripts<'t>(scripts: impl IntoIterator<Item = &'t str>) -> Result<usize, String> {
    let mut checked = 0;
    for script in scripts.into_iter().filter(|script| script.contains("conforme ")) {
        for line in commands::lines(script) {
            checked += commands::check(&line, true)?;
        }
    }
    Ok(checked)
}

/// What the blocks of all pages contain.
#[derive(Default)]
struct Counts {
    fragments: usize,
    validated: usize,
    commands: usize,
    transcripts: usize,
}

/// Checks a page, and returns its text with the real output of its transcripts.
fn check_page(page: &Page, counts: &mut Counts, errors: &mut Vec<String>) -> String {
    let blocks = page.blocks();
    let has_transcript = blocks.iter().any(|block| block.info == "console run");
    let mut terminal = has_transcript.then(|| Terminal::new(page.text.contains("<!-- server: reference -->")));
    let mut project = PageProject::new();
    let mut text = page.text.clone();
    let mut moved = 0_isize;
    let mut end = 0;
    for block in &blocks {
        if project.has_news && !block.info.starts_with("yaml") {
            project.has_news = false;
            if let Err(error) = project.validate() {
                errors.push(format!("{}: before line {}: {error}", page.path, block.line));
            }
        }
        let before = &page.text[end..block.range.start];
        if let Some((_, name)) = before.split_once("<!-- project: ") {
            project = PageProject::of(name.split(' ').next().unwrap_or_default());
        }
        end = block.range.end;
        let shown = match &terminal {
            Some(terminal) => terminal.with_address(&block.text),
            None => block.text.clone(),
        };
        let result = match block.info.as_str() {
            "console run" => {
                counts.transcripts += 1;
                let real = terminal.as_mut().expect("a terminal").run(&block.text, project.path());
                if transcripts::is_same(&block.text, &real) {
                    Ok(())
                } else if is_writing() {
                    let start = block.range.start.strict_add_signed(moved);
                    let end = block.range.end.strict_add_signed(moved);
                    text.replace_range(start..end, &real);
                    moved += real.len().cast_signed() - block.range.len().cast_signed();
                    Ok(())
                } else {
                    Err(format!("the real output is:\n{real}"))
                }
            }
            info => check_block(info, &shown, &mut project, counts),
        };
        if let Err(error) = result {
            errors.push(format!("{}:{}: `{}`: {error}", page.path, block.line, block.info));
        }
    }
    if project.has_news
        && let Err(error) = project.validate()
    {
        errors.push(format!("{}: at its end: {error}", page.path));
    }
    text
}

/// Checks a block that is not run.
fn check_block(info: &str, text: &str, project: &mut PageProject, counts: &mut Counts) -> Result<(), String> {
    let words: Vec<&str> = info.split(' ').collect();
    match words.as_slice() {
        ["yaml", kind @ ("case" | "suite")] => {
            let comment = text.lines().next().and_then(|line| line.strip_prefix("# cases/"));
            let name = match comment {
                Some(path) => path.split_whitespace().next().unwrap_or_default().to_owned(),
                None if *kind == "suite" => "examples/suite.yaml".to_owned(),
                None => {
                    project.unnamed += 1;
                    format!("examples/case-{}.yaml", project.unnamed)
                }
            };
            project.write(&format!("cases/{name}"), text);
            counts.validated += 1;
            project.has_news = project.has_news || *kind == "case";
            Ok(())
        }
        ["yaml", "ci"] => {
            let scalars = scalars(text)?;
            counts.commands += check_scripts(scalars.iter().map(String::as_str))?;
            Ok(())
        }
        ["groovy", "ci"] => {
            let scripts = text.split('\'').skip(1).step_by(2);
            counts.commands += check_scripts(scripts)?;
            Ok(())
        }
        ["yaml", "fragment"] => {
            counts.fragments += 1;
            scalars(text).map(drop)
        }
        ["toml", "conforme.toml"] => {
            counts.validated += 1;
            project_of(text)?.validate()
        }
        ["toml", "conforme.toml", "project"] => {
            project.write("conforme.toml", text);
            Ok(())
        }
        ["toml", "accepted-changes.toml"] => {
            counts.validated += 1;
            accepted(text)
        }
        ["yaml", "openapi", name] | ["json", "schema", name] => {
            project.write(&format!("schemas/{name}"), text);
            scalars(text).map(drop)
        }
        ["json"] => json(text),
        ["console", rest @ ..] => {
            for (command, output) in transcripts::commands(text) {
                for line in commands::lines(&command) {
                    counts.commands += commands::check(&line, false)?;
                }
                if !output.trim().is_empty() && rest.is_empty() {
                    return Err("has output: write `console run`, or `console example`".to_owned());
                }
            }
            counts.fragments += usize::from(rest == ["example"]);
            if rest.is_empty() || rest == ["example"] {
                Ok(())
            } else {
                Err("is not known".to_owned())
            }
        }
        ["sh"] => {
            for line in commands::lines(text) {
                counts.commands += commands::check(&line, false)?;
            }
            Ok(())
        }
        ["text"] | ["http", "response"] => Ok(()),
        ["rust" | "toml" | "lua", "of", path] => is_part_of(path, text),
        ["rust" | "diff", "fragment"] => {
            counts.fragments += 1;
            Ok(())
        }
        _ => Err("does not state a known kind of block".to_owned()),
    }
}

/// Checks that a text is in a file of the repository, which is compiled or run elsewhere.
fn is_part_of(path: &str, text: &str) -> Result<(), String> {
    let file = fs::read_to_string(repository().join(path)).map_err(|error| error.to_string())?;
    let is_part = file.contains(text);
    is_part.then_some(()).ok_or_else(|| format!("is not in `{path}`"))
}

fn json(text: &str) -> Result<(), String> {
    let parsed = serde_json::from_str::<serde_json::Value>(text);
    parsed.map(drop).map_err(|error| error.to_string())
}

/// Reads a file of accepted changes with the real reader.
fn accepted(text: &str) -> Result<(), String> {
    let project = PageProject::new();
    project.write("accepted-changes.toml", text);
    let mut sources = conforme::source::Sources::new(project.path());
    let mut errors = conforme::source::Diagnostics::default();
    let path = project.path().join("accepted-changes.toml");
    let entries = conforme::compare::read_accepted(&path, &mut sources, &mut errors);
    if errors.is_empty() && !entries.is_empty() {
        Ok(())
    } else {
        Err(format!("{errors:?}"))
    }
}

#[test]
fn every_block_is_valid_and_every_transcript_is_real() {
    let mut counts = Counts::default();
    let mut errors = Vec::new();
    let _lock = page::lock();
    for page in pages() {
        let text = check_page(&page, &mut counts, &mut errors);
        if text != page.text {
            page.write(&text);
        }
    }
    assert!(errors.is_empty(), "{}", errors.join("\n\n"));
    let Counts {
        fragments,
        validated,
        commands,
        transcripts,
    } = counts;
    assert!(fragments <= MAX_FRAGMENTS, "{fragments} fragments");
    assert!(
        validated > 20 && commands > 30 && transcripts > 5,
        "{validated} {commands} {transcripts}"
    );
}

#[test]
fn invalid_block_is_found() {
    let mut project = PageProject::new();
    let mut check = |info: &str, text: &str| check_block(info, text, &mut project, &mut Counts::default());
    assert!(check("yaml case", "request: { path: / }\nexpect: { status: 200 }\n").is_ok());
    assert!(check("toml conforme.toml", "[targets.x]\nbase_url = \"http://x\"\njobs = 2\n").is_ok());
    assert!(check("toml conforme.toml", "[targets.x]\nbase_url = \"http://x\"\njob = 2\n").is_err());
    assert!(check("yaml ci", "run: conforme run --target x\n").is_ok());
    assert!(check("yaml ci", "run: conforme run --tarjet x\n").is_err());
    assert!(check("console", "$ conforme list\noutput\n").is_err());
    assert!(check("toml accepted-changes.toml", "[[accepted]]\nrule = \"no/rule\"\n").is_err());
    assert!(check("rust of src/main.rs", "fn main() -> ExitCode {\n").is_ok());
    assert!(check("rust of src/main.rs", "fn main() {\n").is_err());
    assert!(check("", "x").is_err());
    assert!(project.validate().is_ok());
    project.write("cases/s/c.yaml", "request: { path: / }\nexpct: { status: 200 }\n");
    assert!(project.validate().is_err());
}
