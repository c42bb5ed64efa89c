//! Explaining ids, completions, manual pages, and names for other programs.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Project, conforme, ran};

fn project() -> Project {
    Project::new(&[
        (
            "conforme.toml",
            "default_target = \"local\"\n[targets.local]\nbase_url = \"http://127.0.0.1:9\"\n[targets.staging]\n\
             base_url = \"https://staging.example\"\n",
        ),
        ("cases/users/suite.yaml", "name: Users\n"),
        (
            "cases/users/get.yaml",
            "name: A user is found\ntags: [smoke]\nrequest: { path: /a }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/users/put.yaml",
            "skip: not yet\nrequest: { path: /b }\nexpect: { status: 200 }\n",
        ),
    ])
}

#[test]
fn id_is_explained_with_section_and_example() {
    let date = ran(conforme().args(["explain", "http/date"]));
    assert_eq!((date.code, date.stderr.as_str()), (0, ""));
    for part in [
        "http/date  (built-in rule, level deny)",
        "RFC 9110 §6.6.1  https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1",
        "RFC 9110 §5.6.7",
        "HTTP/1.1 200 OK",
        "rules: { http/date: off }",
    ] {
        assert!(date.stdout.contains(part), "{part}: {}", date.stdout);
    }
    let removed = ran(conforme().args(["explain", "body/property-removed"])).stdout;
    assert!(
        removed.contains("change, level breaking") && removed.contains(" → "),
        "{removed}"
    );
    let header = ran(conforme().args(["explain", "header/etag"])).stdout;
    assert!(
        header.contains("The header field `etag` is the expected one."),
        "{header}"
    );
}

#[test]
fn unknown_id_is_an_error_with_the_nearest() {
    let wrong = ran(conforme().args(["explain", "http/dat"]));
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    let expected = "error: `http/dat`: no check, rule or change has this id\nhelp: did you mean `http/date`?\n";
    assert_eq!(wrong.stderr, expected);
    let far = ran(conforme().args(["explain", "weather"]));
    assert!(far.code == 2 && far.stderr.contains("help: `conforme explain` lists every id"));
}

#[test]
fn every_listed_id_can_be_explained() {
    let list = ran(conforme().arg("explain")).stdout;
    let ids: Vec<_> = list
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    assert!(ids.len() > 90 && ids.contains(&"latency/slower"), "{list}");
    for id in ids {
        let one = conforme::explain::explain(id).unwrap();
        assert_eq!(one.id, id);
    }
}

#[test]
fn cases_are_listed_as_one_document() {
    let list = project().run(&["list", "--format", "json"]);
    assert_eq!((list.code, list.stderr.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&list.stdout).unwrap();
    let expected = json!({ "cases": [
        { "id": "users/get", "name": "A user is found", "tags": ["smoke"], "skip": null, "skipped_steps": [] },
        { "id": "users/put", "name": null, "tags": [], "skip": "not yet", "skipped_steps": [] },
    ] });
    assert_eq!(document, expected);
}

/// What the program offers to bash after these words, the last of which is being typed.
fn offered(project: &Project, words: &[&str]) -> Vec<String> {
    let mut command = project.command(&[]);
    command
        .env("CONFORME_COMPLETE", "bash")
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .args(["--", "conforme"])
        .args(words);
    let ran = ran(&mut command);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn names_of_the_project_are_offered() {
    let project = project();
    assert_eq!(offered(&project, &["run", "users/g"]), ["users/get"]);
    assert_eq!(offered(&project, &["run", "--target", "st"]), ["staging"]);
    assert_eq!(offered(&project, &["list", "--tag", ""]), ["smoke"]);
    assert_eq!(offered(&project, &["explain", "http/da"]), ["http/date"]);
    assert_eq!(offered(&project, &["comple"]), ["completions"]);
    let elsewhere = Project::new(&[]);
    let folder = project.path().display().to_string();
    assert_eq!(offered(&elsewhere, &["run", "users/"]), [""; 0]);
    assert_eq!(offered(&elsewhere, &["-C", &folder, "run", "users/p"]), ["users/put"]);
}

#[test]
fn completions_are_scripts_of_each_shell() {
    for (shell, part) in [
        ("bash", "complete -o nospace"),
        ("zsh", "#compdef conforme"),
        ("fish", "complete --keep-order"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = ran(conforme().args(["completions", shell]));
        assert_eq!((script.code, script.stderr.as_str()), (0, ""), "{shell}");
        assert!(script.stdout.contains(part), "{shell}: {}", script.stdout);
        assert!(script.stdout.contains("CONFORME_COMPLETE"), "{shell}");
        // The script finds the program by its name, wherever it was installed.
        assert!(!script.stdout.contains(env!("CARGO_BIN_EXE_conforme")), "{shell}");
    }
}

#[test]
fn bash_completes_with_the_script() {
    let project = project();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_conforme")).parent().unwrap();
    let script = "source <(conforme completions bash); COMP_WORDS=(conforme run users/p); COMP_CWORD=2; COMP_TYPE=9; \
                  $(complete -p conforme | sed 's/.*-F \\([^ ]*\\).*/\\1/') conforme users/p run; echo \"${COMPREPLY[@]}\"";
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(project.path())
        .env("PATH", path)
        .env_remove("CONFORME_TARGET")
        .output();
    let Ok(output) = output else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.trim(), "users/put", "{}", String::from_utf8_lossy(&output.stderr));
}

/// The output of a shell in the project, if the shell is installed; the program is found by its name.
#[cfg(unix)]
fn of_shell(project: &Project, shell: &str, command: &mut Command) -> Option<String> {
    let is_installed = Command::new(shell).arg("--version").output().is_ok();
    if crate::support::skips(shell, is_installed) {
        return None;
    }
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_conforme")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    command
        .current_dir(project.path())
        .env("HOME", project.path())
        .env("PATH", path);
    let ran = ran(command.env("TERM", "xterm").env_remove("CONFORME_TARGET"));
    assert_eq!(ran.code, 0, "{ran:?}");
    Some(ran.stdout)
}

#[cfg(unix)]
#[test]
fn fish_completes_with_the_script() {
    let project = project();
    let script = "conforme completions fish | source; complete -C 'conforme run users/p'";
    if let Some(text) = of_shell(
        &project,
        "fish",
        Command::new("fish").args(["--no-config", "-c", script]),
    ) {
        assert_eq!(text.split_whitespace().next(), Some("users/put"), "{text}");
    }
}

/// An interactive zsh in a pseudo-terminal: types a line with a tab, and prints what the line became.
#[cfg(unix)]
const ZSH: &str = r"
import os, pty, select, time
child, terminal = pty.fork()
if child == 0:
    os.execvp('zsh', ['zsh', '-f', '-i'])
out, end = b'', time.time() + 30
def until(text):
    global out
    while text not in out and time.time() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            out += os.read(terminal, 65536)
os.write(terminal, b'''PS1=; conforme completions zsh > _conforme; fpath=($PWD $fpath)
autoload -U compinit; compinit -u -D; echo rea$((0))dy
''')
until(b'rea0dy')
os.write(terminal, b'conforme run users/p	')
until(b'users/put')
print(b'users/put' in out)
os.kill(child, 9)
";

#[cfg(unix)]
#[test]
fn zsh_completes_at_the_first_tab() {
    let project = project();
    if let Some(text) = of_shell(&project, "zsh", Command::new("python3").args(["-c", ZSH])) {
        assert_eq!(text.trim(), "True");
    }
}

#[test]
fn manual_pages_are_written_to_a_new_folder() {
    let project = Project::new(&[]);
    let made = project.run(&["man", "share/man1"]);
    assert_eq!((made.code, made.stderr.as_str()), (0, ""));
    for (page, part) in [
        ("conforme.1", "Contract tests for HTTP APIs"),
        ("conforme-run.1", "\\-\\-target"),
        ("conforme-explain.1", "http/date"),
    ] {
        let text = project.read(&format!("share/man1/{page}"));
        assert!(text.contains(".TH") && text.contains(part), "{page}");
    }
    project.write("file", "");
    let failed = project.run(&["man", "file/man1"]);
    assert_eq!(failed.code, 5, "{}", failed.stderr);
}

// Long: every key of the file.
#[test]
fn config_schema_has_the_keys_that_are_read() {
    let schema: Value = serde_json::from_str(&conforme::session::config_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    // Every key of conforme.toml, as one document.
    let full = r#"
default_target = "staging"
cases = "cases"
schemas = "schemas"
snapshots = "snapshots"
[compare]
accepted = "accepted.toml"
levels = { "body/value-changed" = "info", "header/removed:etag" = "off" }
[targets.staging]
base_url = "https://staging.example/api"
timeout = "10s"
deadline = "10m"
connect_timeout = "5s"
jobs = 4
rate_limit = "50/s"
burst = 10
effects = ["email"]
ca_file = "ca.pem"
client_cert = "client.pem"
client_key = "client.key"
max_body = 1000
slow = "5s"
retries = 2
retry_statuses = [502, 503]
retry_wait = "30s"
flaky = "pass"
headers = { X-Environment = "staging" }
vars = { user = "u", number = 1 }
secrets = { token = { env = "TOKEN" }, other = { file = "f" }, third = { command = ["pass", "show"] }, fourth = { oauth2 = { issuer = "https://id.example", client_id = "c", client_secret = { env = "S" }, grant = "refresh_token", refresh_token = { file = "r" }, auth = "post", scopes = ["a"], audience = "b", parameters = { p = "q" }, client_cert = "c.pem", client_key = "c.key" } }, fifth = { case = "s/c", capture = "captured", expires = "5m" } }
identities = { other = { cert = "other.pem", key = "other.key" } }
sigv4 = { region = "eu-central-1", service = "execute-api", access_key_id = { env = "A" }, secret_access_key = { env = "B" }, session_token = { env = "C" } }
ready = { request = { path = "/version" }, expect = { status = 200, headers = { x-build = "7" } } }
endpoints = { box = { base_url = "http://127.0.0.1:8025", kind = "mailpit", headers = { a = "b" }, user = "u", password = "p", timeout = "1s", connect_timeout = "1s", max_body = 9 } }
"#;
    let document: Value = toml::from_str(full).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, [""; 0]);
    // The program accepts each of them, and the schema has no others.
    let suite = "inputs: { user: a, number: b, token: { secret: true }, other: { secret: true }, third: { secret: true }, fourth: { secret: true }, fifth: { secret: true } }\neffects: [email]\n";
    let case = "steps:\n  - id: a\n    request: { path: \"/{{ user }}{{ number }}{{ token }}{{ other }}{{ third }}\" }\n    \
                identity: other\n    expect: { status: 200 }\n    capture: { captured: /c }\n  - id: b\n    mail: { endpoint: box, to: a@b.example }\n    \
                expect: { body: { json: { count: 1 } } }\n";
    let valid = Project::new(&[
        ("conforme.toml", full),
        ("cases/s/suite.yaml", suite),
        ("cases/s/c.yaml", case),
    ])
    .run(&["validate"]);
    assert_eq!(valid.code, 0, "{}", valid.stderr);
    let keys = |pointer: &str| {
        schema
            .pointer(pointer)
            .and_then(Value::as_object)
            .map_or(0, serde_json::Map::len)
    };
    let written = |value: &Value| value.as_object().map_or(0, serde_json::Map::len);
    let target = &document["targets"]["staging"];
    assert_eq!(keys("/properties"), written(&document));
    assert_eq!(
        keys("/properties/targets/additionalProperties/properties"),
        written(target)
    );
    assert_eq!(
        keys("/properties/targets/additionalProperties/properties/endpoints/additionalProperties/properties"),
        written(&target["endpoints"]["box"])
    );
    assert_eq!(keys("/properties/compare/properties"), written(&document["compare"]));
    for wrong in [
        "[targets.a]\nbase_url = \"x\"\njob = 1\n",
        "default-target = 1\n",
        "[targets.a]\n",
    ] {
        let document: Value = toml::from_str(wrong).unwrap();
        assert!(!validator.is_valid(&document), "{wrong}");
    }
}

#[test]
fn every_key_of_the_config_schema_has_a_hover_text() {
    let schema: Value = serde_json::from_str(&conforme::session::config_schema()).unwrap();
    for pointer in [
        "/properties",
        "/properties/targets/additionalProperties/properties",
        "/properties/targets/additionalProperties/properties/endpoints/additionalProperties/properties",
        "/properties/compare/properties",
        "/properties/targets/additionalProperties/properties/ready/properties",
    ] {
        for (key, property) in schema.pointer(pointer).and_then(Value::as_object).unwrap() {
            assert!(property["description"].is_string(), "{pointer}/{key}");
        }
    }
}
