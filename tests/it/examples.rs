//! The projects of `examples/`, run against the real servers that they are written for.

use std::{
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    programs::{Running, free_port, starts},
    support::{Project, Ran, conforme, ran, repository, skips},
};

/// Maximum time until a server has written its data to its file.
const WRITE: Duration = Duration::from_secs(5);

/// Runs an example against a server on loopback.
fn run(example: &str, port: u16) -> Ran {
    let mut command = conforme();
    command.current_dir(repository().join("examples").join(example));
    command.args(["run", "--deadline", "60s", "--target"]);
    ran(command.arg(format!("http://127.0.0.1:{port}")))
}

/// Names of all files below a folder, with their paths.
fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn registry_complies_with_the_distribution_specification() {
    if skips("docker-registry", starts("docker-registry", &["--version"])) {
        return;
    }
    let data = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    let mut command = Command::new("docker-registry");
    command.args(["serve", "examples/oci-registry/registry.yml"]);
    command.current_dir(repository());
    command.env("REGISTRY_HTTP_ADDR", format!("127.0.0.1:{port}"));
    command.env("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", data.path());
    let _server = Running::start(&mut command, &[port]);
    // Twice: a run does not depend on what the one before left.
    for _ in 0..2 {
        let ran = run("oci-registry", port);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.contains("14 of 16 cases passed, 2 skipped"), "{ran:?}");
    }
    let mut found = Vec::new();
    files(&data.path().join("docker/registry/v2/repositories"), &mut found);
    // Every tag, manifest and blob of a repository is a `link`, and every upload has a `startedat`.
    found.retain(|name| name.ends_with("link") || name.ends_with("startedat"));
    assert!(found.is_empty(), "leftovers: {found:?}");
}

#[test]
fn registry_accepts_the_tokens_of_its_token_service() {
    let is_missing = |program: &str, arguments: &[&str]| skips(program, starts(program, arguments));
    if is_missing("docker-registry", &["--version"])
        || is_missing("openssl", &["version"])
        || is_missing("python3", &["--version"])
    {
        return;
    }
    let example = repository().join("examples/registry-tokens");
    let project = Project::new(&[]);
    let mut paths = Vec::new();
    files(&example, &mut paths);
    let (registry, tokens) = (free_port(), free_port());
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a file of the example");
        let text = text.replace("127.0.0.1:5000", &format!("127.0.0.1:{registry}"));
        let text = text.replace("127.0.0.1:5001", &format!("127.0.0.1:{tokens}"));
        let name = Path::new(&path)
            .strip_prefix(&example)
            .expect("a path below the example");
        project.write(&name.display().to_string(), &text);
    }
    project.write("data/empty", "");
    let password = "correct horse";
    let mut service = Command::new("python3");
    service.args(["token-service.py", "data", &tokens.to_string()]);
    service.current_dir(project.path()).env("TOKENS_PASSWORD", password);
    let _service = Running::start(&mut service, &[tokens]);
    let mut server = Command::new("docker-registry");
    server.args(["serve", "registry.yml"]).current_dir(project.path());
    let _server = Running::start(&mut server, &[registry]);
    let mut command = project.command(&["run", "--record", "run.ndjson", "--verbose"]);
    let ran = ran(command.env("TOKENS_PASSWORD", password));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("5 of 5 cases passed, 0 skipped"), "{ran:?}");
    // `{"typ"` in base64, the beginning of a token.
    for text in [ran.stdout, project.read("run.ndjson")] {
        assert!(!text.contains("eyJ0eXAi") && !text.contains(password), "{text}");
    }
    let mut command = project.command(&["run", "blobs/refused"]);
    let ran = crate::support::ran(command.env("TOKENS_PASSWORD", "another horse"));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stdout.contains("status 401: invalid_client: wrong password"),
        "{ran:?}"
    );
}

#[test]
fn json_server_complies_with_its_contract() {
    let program = repository().join("target/json-server/node_modules/json-server-auth/dist/bin.js");
    if skips("node", starts("node", &["--version"]))
        || skips("json-server-auth in target/json-server", program.exists())
    {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("db.json");
    std::fs::copy(repository().join("examples/json-server/db.json"), &data).expect("the data is copied");
    let port = free_port();
    let mut command = Command::new("node");
    command.current_dir(folder.path()).arg(program);
    command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "db.json"]);
    let _server = Running::start(&mut command, &[port]);
    for _ in 0..2 {
        let ran = run("json-server", port);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.contains("8 of 8 cases passed, 0 skipped"), "{ran:?}");
    }
    let read = || serde_json::from_str::<Value>(&std::fs::read_to_string(&data).expect("the data")).unwrap_or_default();
    let begun = Instant::now();
    while read() != json!({ "users": [], "notes": [] }) {
        assert!(begun.elapsed() < WRITE, "leftovers: {}", read());
        sleep(Duration::from_millis(20));
    }
}
