//! Editors with the server and the schemas: Neovim, the extension for VS Code, and taplo.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use super::SUITE;
use crate::{
    programs::starts,
    support::{Project, conforme, repository, skips},
};

/// A search path that begins with the folder of the program.
fn path() -> std::ffi::OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_conforme")).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([program].into_iter().chain(std::env::split_paths(&others))).unwrap()
}

fn shown(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn neovim_shows_errors_completions_hovers_and_actions() {
    if skips("nvim", starts("nvim", &["--version"])) {
        return;
    }
    let case = "name: 🙂\nrequest: { path: \"/{{ user }}\" }\nexpct: { status: 200 }\n";
    let project = Project::new(&[("cases/s/suite.yaml", SUITE), ("cases/s/c.yaml", case)]);
    let script = |file: &str| format!("luafile {}", repository().join(file).display());
    let mut command = Command::new("nvim");
    command.args([
        "--headless",
        "--clean",
        "-c",
        &script("editors/neovim/conforme.lua"),
        "-c",
        "edit cases/s/c.yaml",
    ]);
    command.args(["-c", &script("tests/it/lsp/neovim.lua"), "-c", "cquit"]);
    let state = project.path().join("state");
    command
        .current_dir(project.path())
        .env("OUT", project.path().join("out.json"))
        .env("PATH", path());
    let output = command
        .env("XDG_STATE_HOME", &state)
        .env("XDG_CACHE_HOME", &state)
        .output()
        .expect("Neovim");
    assert!(output.status.success(), "{}", shown(&output));
    let out: Value = serde_json::from_str(&project.read("out.json")).expect("JSON");
    let wrong = out["wrong"].as_array().expect("diagnostics");
    let unknown = wrong
        .iter()
        .find(|one| one[2].as_str().unwrap().contains("unknown key `expct`"));
    assert!(unknown.is_some_and(|one| one[0] == 2 && one[1] == 0), "{out}");
    assert_eq!(out["action"][0]["title"], "Change to `expect`");
    assert_eq!(out["corrected"][2], "expect: { status: 200 }");
    assert_eq!(out["right"], 0);
    let hover = out["hover"]["contents"]["value"].as_str().unwrap();
    assert!(hover.contains("method: \"POST\"  # suite.yaml:3"), "{hover}");
    assert_eq!(out["completion"]["items"][0]["label"], "user");
    assert_eq!(out["lenses"][0]["command"]["arguments"][0], "s/c");
}

/// A copy of the extension with its installed packages.
fn extension(modules: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(repository().join("editors/vscode"))
        .unwrap()
        .flatten()
    {
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    // A link would not do: npm looks for the list of the installed packages next to the real folder.
    let copied = Command::new("cp").arg("-R").arg(modules).arg(folder.path()).status();
    assert!(copied.unwrap().success());
    folder
}

#[test]
#[cfg(unix)]
fn extension_for_vs_code_is_packaged() {
    let modules = repository().join("target/vscode/node_modules");
    if skips(
        "vsce",
        modules.join(".bin/vsce").exists() && starts("node", &["--version"]) && starts("unzip", &["-v"]),
    ) {
        return;
    }
    let folder = extension(&modules);
    let vsce = modules.join(".bin/vsce");
    let packaged = Command::new(vsce)
        .args(["package", "--out", "x.vsix"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(packaged.status.success(), "{}", shown(&packaged));
    let listed = Command::new("unzip")
        .args(["-Z1", "x.vsix"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<_> = listed.lines().collect();
    for file in [
        "extension/extension.js",
        "extension/package.json",
        "extension/node_modules/vscode-languageclient/node.js",
    ] {
        assert!(files.contains(&file), "{file}: {listed}");
    }
    // Only what the extension needs when it runs.
    assert!(
        !listed.contains("/@vscode/vsce/") && !listed.contains("package-lock"),
        "{listed}"
    );
}

#[test]
fn extension_for_vs_code_starts_the_server_and_runs_cases() {
    if skips("node", starts("node", &["--version"])) {
        return;
    }
    let script = repository().join("tests/it/lsp/vscode.js");
    let output = Command::new("node")
        .arg(script)
        .arg(repository().join("editors/vscode/extension.js"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    let out: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        out["server"],
        serde_json::json!({ "command": "/opt/conforme", "args": ["lsp"] })
    );
    let patterns: Vec<_> = out["patterns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert_eq!(patterns, ["/w/api/**/*.yaml", "/w/api/**/*.toml", "/w/api/**/*.json"]);
    assert_eq!(
        out["run"],
        serde_json::json!({ "process": "/opt/conforme", "args": ["run", "--target", "staging", "--", "s/c[a]"], "cwd": "/w/api" })
    );
    assert_eq!(
        out["schemas"],
        serde_json::json!(["conforme://schema/case", "conforme://schema/suite", null, null])
    );
}

#[test]
fn extension_has_the_version_and_the_repository_of_the_program() {
    let text = std::fs::read_to_string(repository().join("editors/vscode/package.json")).unwrap();
    let package: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(package["repository"]["url"], env!("CARGO_PKG_REPOSITORY"));
    let ran = conforme().args(["schema", "config"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(package["contributes"]["tomlValidation"][0]["url"], schema["$id"]);
    let lock = std::fs::read_to_string(repository().join("editors/vscode/package-lock.json")).unwrap();
    assert!(!lock.contains("\"resolved\""), "the registry of the user is used");
}

fn taplo(project: &Project, file: &str) -> Option<Output> {
    let taplo = repository().join("target/taplo/node_modules/.bin/taplo");
    if skips("taplo", taplo.exists() && starts("node", &["--version"])) {
        return None;
    }
    let mut command = Command::new(taplo);
    Some(
        command
            .args(["lint", file])
            .current_dir(project.path())
            .output()
            .expect("taplo"),
    )
}

/// A project with the schemas, which the files name by a comment.
fn with_schemas(files: &[(&str, &str)]) -> Project {
    let project = Project::new(files);
    for name in ["config", "accepted"] {
        let ran = conforme().args(["schema", name]).output().unwrap();
        project.write(
            &format!("schemas/{name}.schema.json"),
            &String::from_utf8(ran.stdout).unwrap(),
        );
    }
    project
}

#[test]
fn taplo_accepts_what_the_program_accepts() {
    let config = "#:schema schemas/config.schema.json\ndefault_target = \"a\"\n[targets.a]\nbase_url = \"https://api.example\"\njobs = 4\ntimeout = \"10s\"\n[targets.a.secrets]\ntoken = { env = \"T\" }\n[compare]\nlevels = { \"header/removed:etag\" = \"info\" }\n";
    let accepted = "#:schema schemas/accepted.schema.json\n[[accepted]]\nrule = \"body/property-removed\"\ncase = \"s/c\"\nreason = \"unused\"\nexpires = 2027-01-31\n";
    for (file, text, wrong, part) in [
        (
            "conforme.toml",
            config,
            config.replace("jobs", "jbs"),
            "'jbs' was unexpected",
        ),
        (
            "conforme.toml",
            config,
            config.replace("\"info\"", "\"inf\""),
            "\"inf\" is not one of",
        ),
        (
            "accepted-changes.toml",
            accepted,
            accepted.replace("removed", "remvd"),
            "\"body/property-remvd\" is not one of",
        ),
        (
            "accepted-changes.toml",
            accepted,
            accepted.replace("reason", "reson"),
            "'reson' was unexpected",
        ),
        (
            "accepted-changes.toml",
            accepted,
            accepted.replace("2027-01-31", "\"soon\""),
            "\"soon\" does not match",
        ),
    ] {
        let project = with_schemas(&[(file, text)]);
        let Some(output) = taplo(&project, file) else { return };
        assert!(output.status.success(), "{}", shown(&output));
        project.write(file, &wrong);
        let output = taplo(&project, file).unwrap();
        assert!(
            !output.status.success() && shown(&output).contains(part),
            "{part}: {}",
            shown(&output)
        );
    }
}

/// The descriptions that an editor of TOML shows for a key: those of its schema and of the alternatives, but none beside a
/// reference.
fn descriptions<'v>(root: &'v Value, schema: &'v Value, found: &mut Vec<&'v str>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let definition = root.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        return descriptions(root, definition, found);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for one in schema[key].as_array().into_iter().flatten() {
            descriptions(root, one, found);
        }
    }
    found.extend(schema["description"].as_str());
}

fn check_keys(root: &Value, schema: &Value, path: &str, wrong: &mut Vec<String>) {
    match schema {
        Value::Object(entries) => {
            for (key, property) in schema["properties"].as_object().into_iter().flatten() {
                let mut found = Vec::new();
                descriptions(root, property, &mut found);
                if found.len() != 1 {
                    wrong.push(format!("{path}/{key}: {found:?}"));
                }
            }
            for (key, inner) in entries {
                check_keys(root, inner, &format!("{path}/{key}"), wrong);
            }
        }
        Value::Array(all) => all.iter().for_each(|inner| check_keys(root, inner, path, wrong)),
        _ => {}
    }
}

#[test]
fn each_key_of_toml_has_one_text_of_its_own() {
    for schema in [conforme::session::config_schema(), conforme::session::accepted_schema()] {
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let mut wrong = Vec::new();
        check_keys(&schema, &schema, "", &mut wrong);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn schemas_have_public_addresses() {
    let folder: PathBuf = repository().join("schemas");
    let mut schemas = 0;
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        let name = file.file_name().into_string().unwrap();
        if file.path().extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
        if let Some(id) = schema["$id"].as_str().filter(|id| id.contains("githubusercontent")) {
            let raw = env!("CARGO_PKG_REPOSITORY").replace("//github.com", "//raw.githubusercontent.com");
            assert_eq!(id, format!("{raw}/v{}/schemas/{name}", env!("CARGO_PKG_VERSION")));
            schemas += 1;
        }
    }
    assert_eq!(schemas, 10);
}
