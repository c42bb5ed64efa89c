//! The templates for CI systems: they fit the schemas of their vendors, and their scripts run with a server in place of the
//! releases.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::{
    ci_files::{file, parsed},
    support::{Project, Ran, Server, Then, conforme, ran, repository, response, skips},
};

/// A schema that a vendor publishes, or nothing where it is not installed.
fn vendor_schema(name: &str) -> Option<Value> {
    let folder = repository().join("target/ci-schemas/python/check_jsonschema/builtin_schemas/vendor");
    let path = folder.join(format!("{name}.json"));
    if skips("check-jsonschema in target/ci-schemas", path.exists()) {
        return None;
    }
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn assert_fits(schema: &str, documents: &[(String, Value)]) {
    let Some(schema) = vendor_schema(schema) else {
        return;
    };
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, document) in documents {
        let errors: Vec<_> = validator.iter_errors(document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

/// The documents of a file with several.
fn documents(name: &str) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(repository().join(name)).unwrap();
    let parts = text.split("\n---\n").map(|part| format!("{part}\n"));
    parts.map(|part| (name.to_owned(), parsed(&part))).collect()
}

/// The blocks of a CI system in the pages, and the files that `init` writes.
fn documented(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, Value)> {
    let folders = ["docs/how-to", "docs/reference"];
    let pages = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(repository().join(folder)).unwrap().flatten());
    let mut found = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(page.path()).unwrap();
        for block in text.split("```yaml ci\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if is_wanted(block) {
                found.push((page.path().display().to_string(), parsed(block)));
            }
        }
    }
    found
}

/// The CI file of a new project.
fn initialized(system: &str, file: &str) -> (String, Value) {
    let server = Server::always("HTTP/1.1 204 No Content", "");
    let project = Project::new(&[]);
    let made = project.run(&["init", "--ci", system, "--target", &server.url()]);
    assert_eq!(made.code, 0, "{made:?}");
    (format!("init --ci {system}"), parsed(&project.read(file)))
}

#[test]
fn github_files_fit_the_schemas_of_github() {
    assert_fits("github-actions", &documents("action.yml"));
    let workflows = std::fs::read_dir(repository().join(".github/workflows"))
        .unwrap()
        .flatten();
    let mut all: Vec<_> = workflows
        .flat_map(|entry| documents(&format!(".github/workflows/{}", entry.file_name().to_string_lossy())))
        .collect();
    let blocks = documented(|block| block.contains("\njobs:\n"));
    assert!(blocks.len() >= 3, "{blocks:?}");
    all.extend(blocks);
    all.push(initialized("github", ".github/workflows/contract.yml"));
    assert_fits("github-workflows", &all);
}

#[test]
fn gitlab_files_fit_the_schema_of_gitlab() {
    let mut all = documents("templates/contract.yml");
    assert_eq!(all.len(), 2);
    let blocks = documented(|block| block.starts_with("include:") || block.contains("\n  script:\n"));
    assert!(blocks.len() >= 2, "{blocks:?}");
    all.extend(blocks);
    all.push(initialized("gitlab", ".gitlab-ci.yml"));
    assert_fits("gitlab-ci", &all);
}

#[test]
fn azure_files_fit_the_schema_of_azure() {
    let mut all = documents("templates/azure/contract.yml");
    let blocks = documented(|block| block.contains("\nsteps:\n") && !block.contains("\njobs:\n"));
    assert!(!blocks.is_empty());
    all.extend(blocks);
    assert_fits("azure-pipelines", &all);
}

#[test]
fn file_with_an_error_does_not_fit() {
    let Some(schema) = vendor_schema("github-actions") else {
        return;
    };
    let mut action = file("action.yml");
    action["runs"]["using"] = json!("compsite");
    assert!(!jsonschema::is_valid(&schema, &action));
}

/// A server of releases with a program that runs the real one; its checksum is right or not.
fn releases(is_right: bool) -> Server {
    let project = Project::new(&[]);
    let script = r#"
        name=conforme-$(uname -m)-unknown-linux-musl
        mkdir "$name"
        printf '#!/bin/sh\nexec "%s" "$@"\n' "$1" > "$name/conforme"
        chmod +x "$name/conforme"
        tar -czf archive.tar.gz "$name"
        printf '%s *%s.tar.gz' "$(sha256sum < archive.tar.gz | cut -c 1-64)" "$name" > sum
    "#;
    let mut pack = Command::new("sh");
    pack.args(["-euc", script, "sh", env!("CARGO_BIN_EXE_conforme")])
        .current_dir(project.path());
    assert_eq!(ran(&mut pack).code, 0);
    let archive = std::fs::read(project.path().join("archive.tar.gz")).unwrap();
    let sum = if is_right {
        project.read("sum")
    } else {
        project.read("sum").replacen(|_: char| true, "x", 1)
    };
    Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap();
        let body = match path.strip_prefix("/v9/conforme-") {
            Some(rest) if rest.ends_with("-unknown-linux-musl.tar.gz") => archive.clone(),
            Some(rest) if rest.ends_with("-unknown-linux-musl.tar.gz.sha256") => sum.clone().into_bytes(),
            _ => return (response("HTTP/1.1 404 Not Found", ""), Then::Keep),
        };
        let mut bytes = response(&format!("HTTP/1.1 200 OK\nContent-Length: {}", body.len()), "");
        bytes.extend(body);
        (bytes, Then::Keep)
    })
}

/// The shell and the script of each template.
fn scripts() -> [(&'static str, &'static str, String); 3] {
    let (_, gitlab) = documents("templates/contract.yml").remove(1);
    let azure = file("templates/azure/contract.yml");
    let groovy = std::fs::read_to_string(repository().join("templates/jenkins/vars/conforme.groovy")).unwrap();
    [
        (
            "gitlab",
            "sh",
            gitlab["$[[ inputs.job ]]"]["script"][0].as_str().unwrap().to_owned(),
        ),
        ("azure", "bash", azure["steps"][0]["bash"].as_str().unwrap().to_owned()),
        ("jenkins", "sh", groovy.split("'''").nth(1).unwrap().to_owned()),
    ]
}

/// Runs the script of a template in a project, with these variables in place of the defaults.
fn run_template(project: &Project, shell: &str, script: &str, releases: &Server, inputs: &[(&str, &str)]) -> Ran {
    let clean = conforme();
    let mut command = Command::new(shell);
    command
        .args(["-c", script])
        .current_dir(project.path())
        .env_clear()
        .envs(clean.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("CI", "true")
        .envs(["TARGET", "ARGS", "WAIT"].map(|name| (format!("CONTRACT_{name}"), "")))
        .envs([
            ("CONTRACT_PROJECT", "."),
            ("CONTRACT_VERSION", "v9"),
            ("CONTRACT_RELEASES", &releases.url()),
            ("CONTRACT_REPORTS", "conforme-reports"),
        ])
        .envs(inputs.iter().copied());
    ran(&mut command)
}

#[test]
fn script_of_each_template_downloads_verifies_and_runs() {
    let is_installed = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !cfg!(target_os = "linux") || skips("curl", is_installed("curl")) {
        return;
    }
    let (good, bad) = (releases(true), releases(false));
    let api = Server::always("HTTP/1.1 204 No Content", "");
    for (name, shell, script) in scripts() {
        assert!(
            !script.contains("${{") && !script.contains("$[[") && !script.contains("${options"),
            "{script}"
        );
        let project = Project::new(&[
            (
                "one/cases/s/a.yaml",
                "tags: a\nrequest: { path: / }\nexpect: { status: 204 }\n",
            ),
            ("one/cases/s/b.yaml", "request: { path: / }\nexpect: { status: 200 }\n"),
        ]);
        let url = api.url();
        let inputs = [
            ("CONTRACT_TARGET", &*url),
            ("CONTRACT_PROJECT", "one"),
            ("CONTRACT_WAIT", "9s"),
        ];
        let run = |more: &[(&str, &str)], releases: &Server| {
            run_template(&project, shell, &script, releases, &[&inputs[..], more].concat())
        };
        let broken = run(&[], &good);
        assert_eq!(broken.code, 1, "{name}: {broken:?}");
        for report in ["junit.xml", "report.html", "run.ndjson"] {
            assert!(project.has(&format!("conforme-reports/{report}")), "{name}: {report}");
        }
        let passed = run(&[("CONTRACT_ARGS", "--tag a  --retries 1")], &good);
        assert_eq!(passed.code, 0, "{name}: {passed:?}");
        // The text of an input is not run, and a wrong checksum ends the job before anything runs.
        let hostile = "$(touch pwned) `touch pwned`; touch pwned * \"'";
        for input in ["CONTRACT_TARGET", "CONTRACT_ARGS", "CONTRACT_PROJECT", "CONTRACT_WAIT"] {
            assert_ne!(run(&[(input, hostile)], &good).code, 0, "{name}: {input}");
            assert!(!project.has("pwned"), "{name}: {input}");
        }
        let fresh = Project::new(&[]);
        let refused = run_template(&fresh, shell, &script, &bad, &inputs);
        assert!(
            refused.code != 0 && !fresh.has("conforme-reports/run.ndjson"),
            "{name}: {refused:?}"
        );
        let missing = run(&[("CONTRACT_VERSION", "v8")], &good);
        assert!(
            missing.code != 0 && missing.stderr.contains("404"),
            "{name}: {missing:?}"
        );
    }
}

#[test]
fn script_of_a_new_gitlab_project_runs() {
    if !cfg!(target_os = "linux") || skips("curl", Command::new("curl").arg("--version").output().is_ok()) {
        return;
    }
    let releases = releases(true);
    let (_, job) = initialized("gitlab", ".gitlab-ci.yml");
    let lines = job["contract"]["script"].as_array().unwrap().iter();
    let script: Vec<_> = lines.map(|line| line.as_str().unwrap()).collect();
    let published = format!(
        "{}/releases/download/v{}",
        env!("CARGO_PKG_REPOSITORY"),
        env!("CARGO_PKG_VERSION")
    );
    let script = script.join("\n").replace(&published, &format!("{}/v9", releases.url()));
    let project = Project::of_case("status: 204");
    std::fs::create_dir(project.path().join("bin")).unwrap();
    let script = script
        .replace("/usr/local/bin", "bin")
        .replace("conforme run", "bin/conforme run");
    let api = Server::always("HTTP/1.1 204 No Content", "");
    let done = run_template(
        &project,
        "sh",
        &format!("set -e\n{script}"),
        &releases,
        &[("CONFORME_TARGET", &api.url())],
    );
    assert_eq!(done.code, 0, "{done:?}");
    assert!(project.has("reports/junit.xml") && project.has("reports/report.html"));
}

#[test]
fn pre_commit_hooks_validate_the_project() {
    let hooks = file(".pre-commit-hooks.yaml");
    let hooks = hooks.as_array().unwrap();
    assert_eq!(hooks.len(), 2);
    let project = Project::of_case("status: 204");
    for hook in hooks {
        for key in ["id", "name", "description", "language"] {
            assert!(hook[key].is_string(), "{key}: {hook}");
        }
        let words: Vec<_> = hook["entry"].as_str().unwrap().split(' ').collect();
        assert_eq!((words[0], &hook["pass_filenames"]), ("conforme", &json!(false)));
        assert_eq!(project.run(&words[1..]).code, 0);
        let files = regex::Regex::new(hook["files"].as_str().unwrap()).unwrap();
        for path in [
            "conforme.toml",
            "cases/s/c.yaml",
            "contract/schemas/user.schema.json",
            "snapshots/s/a.snap",
        ] {
            assert!(files.is_match(path), "{path}");
        }
        assert!(!files.is_match("src/main.rs") && !files.is_match("docs/conforme.toml.md"));
    }
    let wrong = Project::of_case("statu: 204");
    assert_eq!(wrong.run(&["validate"]).code, 2);
}

#[test]
fn templates_name_the_release_of_this_version() {
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    let releases = format!("{}/releases/download", env!("CARGO_PKG_REPOSITORY"));
    for name in ["contract.yml", "azure/contract.yml", "jenkins/vars/conforme.groovy"] {
        let text = std::fs::read_to_string(Path::new(repository()).join("templates").join(name)).unwrap();
        assert!(text.contains(&version) && text.contains(&releases), "{name}");
    }
}
