//! `conforme init`: a project that passes against a live API.

use std::io::Write as _;

use crate::support::{Project, Server, Then, conforme, ran, response};

const JSON: &str = "HTTP/1.1 200 OK\nContent-Type: application/json; charset=utf-8";

fn files(project: &Project) -> Vec<String> {
    let root = project.path();
    let (mut open, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(&root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn new_project_passes_at_once() {
    let server = Server::always(JSON, "{}");
    let project = Project::new(&[]);
    let made = project.run(&["init", "--target", &server.url()]);
    assert_eq!((made.code, made.stderr.as_str()), (0, ""), "{}", made.stdout);
    assert_eq!(server.requests(), 1);
    let expected = [
        ".gitignore",
        "cases/api/responds.yaml",
        "cases/api/suite.yaml",
        "conforme.toml",
        "schemas/case.schema.json",
        "schemas/config.schema.json",
        "schemas/suite.schema.json",
    ];
    assert_eq!(files(&project), expected);
    let case = project.read("cases/api/responds.yaml");
    assert!(
        case.starts_with("# yaml-language-server: $schema=../../schemas/case.schema.json\n"),
        "{case}"
    );
    assert!(
        case.contains("status: 200\n  headers: { content-type: application/json }\n"),
        "{case}"
    );
    for command in [&["run"][..], &["validate"], &["list"]] {
        let ran = project.run(command);
        assert_eq!(ran.code, 0, "{command:?}: {}{}", ran.stdout, ran.stderr);
    }
    assert!(made.stdout.ends_with("\nnext: conforme run\n"), "{}", made.stdout);
    // Its schemas accept its files.
    for (file, schema) in [("cases/api/responds.yaml", "case"), ("cases/api/suite.yaml", "suite")] {
        let schema = serde_json::from_str(&project.read(&format!("schemas/{schema}.schema.json"))).unwrap();
        let document = crate::editor_schemas::yaml(&project.read(file));
        assert!(jsonschema::is_valid(&schema, &document), "{file}");
    }
}

#[test]
fn status_below_500_is_expected_as_it_is() {
    for (status, code) in [
        ("401 Unauthorized\nWWW-Authenticate: Basic realm=\"a\"", 0),
        ("404 Not Found", 0),
    ] {
        let server = Server::always(&format!("HTTP/1.1 {status}"), "");
        let project = Project::new(&[]);
        let made = project.run(&["init", "new/contract", "--target", &format!("{}/v1/", server.url())]);
        assert_eq!(made.code, code, "{}", made.stderr);
        assert!(
            project
                .read("new/contract/cases/api/responds.yaml")
                .contains(&status[..3])
        );
        assert!(project.read("new/contract/conforme.toml").contains("/v1\"\n"));
        let run = project.run(&["-C", "new/contract", "run"]);
        assert_eq!(run.code, 0, "{}", run.stdout);
    }
}

#[test]
fn broken_rules_are_lowered_and_named() {
    let server = Server::start(|_| {
        let bytes = b"HTTP/1.1 200 OK\r\nDate: Tue, 30 Nov 2026 10:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
        (bytes.to_vec(), Then::Keep)
    });
    let project = Project::new(&[]);
    let made = project.run(&["init", "--target", &server.url()]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(
        made.stdout
            .contains("breaks http/date: see `conforme explain http/date`"),
        "{}",
        made.stdout
    );
    assert!(
        project
            .read("cases/api/suite.yaml")
            .contains("  rules:\n    http/date: warn\n")
    );
    let run = project.run(&["run"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn without_a_usable_response_nothing_is_written() {
    let broken = Server::always("HTTP/1.1 503 Service Unavailable", "");
    let other = Server::start(|_| (b"SSH-2.0-x\r\n".to_vec(), Then::Close));
    let malformed = Server::start(|_| (b"HTTP/1.1 20 OK\r\n\r\n".to_vec(), Then::Close));
    let closed = "http://127.0.0.1:9".to_owned();
    for (url, part) in [
        (broken.url(), "the response has status 503"),
        (other.url(), ""),
        (malformed.url(), "not valid HTTP"),
        (closed, ""),
    ] {
        let project = Project::new(&[]);
        let failed = project.run(&["init", "--target", &url]);
        assert_eq!(
            (failed.code, failed.stdout.as_str()),
            (3, ""),
            "{url}: {}",
            failed.stderr
        );
        assert!(
            failed.stderr.contains(part) && failed.stderr.contains("nothing was written"),
            "{}",
            failed.stderr
        );
        assert!(failed.stderr.contains("\nhelp: start the API"), "{}", failed.stderr);
        assert_eq!(files(&project), [""; 0]);
    }
}

#[test]
fn existing_files_are_never_changed() {
    let server = Server::always(JSON, "{}");
    for name in ["conforme.toml", "cases/api/suite.yaml", ".gitlab-ci.yml"] {
        let project = Project::new(&[(name, "mine\n")]);
        let failed = project.run(&["init", "--ci", "gitlab", "--target", &server.url()]);
        assert_eq!(failed.code, 2, "{name}: {}", failed.stdout);
        assert!(
            failed.stderr.contains(&format!("{name}` exists\nhelp: ")),
            "{}",
            failed.stderr
        );
        assert_eq!(
            (files(&project), project.read(name)),
            (vec![name.to_owned()], "mine\n".to_owned())
        );
    }
    assert_eq!(server.requests(), 0);
    let project = Project::new(&[(".gitignore", "/target\n*.ndjson")]);
    assert_eq!(project.run(&["init", "--target", &server.url()]).code, 0);
    let expected = "/target\n*.ndjson\n# conforme: pending snapshots, recordings and reports\n*.snap.new\n/reports/\n";
    assert_eq!(project.read(".gitignore"), expected);
}

#[test]
fn credentials_in_a_url_reach_no_file_and_no_output() {
    let project = Project::new(&[]);
    for url in [
        "http://ada:s3cr3t-word@127.0.0.1:9/",
        "http://127.0.0.1:9/?key=s3cr3t-word",
        "ada:s3cr3t-word@host",
    ] {
        for command in [&["init", "--target", url][..], &["run", url]] {
            let failed = project.run(command);
            let (out, err) = (&failed.stdout, &failed.stderr);
            assert!(
                failed.code == 2 && !out.contains("s3cr3t") && !err.contains("s3cr3t"),
                "{out}{err}"
            );
        }
        assert_eq!(files(&project), [""; 0]);
    }
}

#[test]
fn ci_file_is_written_on_request() {
    let server = Server::always(JSON, "{}");
    for (system, file) in [
        ("github", ".github/workflows/contract.yml"),
        ("gitlab", ".gitlab-ci.yml"),
    ] {
        let project = Project::new(&[]);
        let made = project.run(&["init", "--ci", system, "--yes", "--target", &server.url()]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        let text = project.read(file);
        crate::editor_schemas::yaml(&text);
        assert!(text.contains("60s") && !text.contains("cargo install"), "{text}");
        // Both use the release of this version.
        let (url, version) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
        let name = url.strip_prefix("https://github.com/").unwrap();
        let release = match system {
            "github" => format!("- uses: {name}@v{version}\n"),
            _ => format!("{url}/releases/download/v{version}/$archive"),
        };
        assert!(text.contains(&release), "{text}");
        assert_eq!(
            made.stdout.contains("replace `OWNER`"),
            url.contains("/OWNER/"),
            "{made:?}"
        );
    }
}

#[test]
fn missing_target_is_an_error_without_a_terminal() {
    let failed = Project::new(&[]).run(&["init"]);
    assert_eq!(failed.code, 2);
    let expected =
        "error: the base URL of the API is not given\nhelp: conforme init --target https://api.example.com/v1\n";
    assert_eq!(failed.stderr, expected);
}

#[test]
fn run_of_a_url_explains_how_to_start() {
    let empty = Project::new(&[]).run(&["run", "http://127.0.0.1:8080/api"]);
    assert_eq!(empty.code, 2);
    let help = "\nhelp: there is no project here yet; start one: conforme init --target http://127.0.0.1:8080/api\n";
    assert!(empty.stderr.ends_with(help), "{}", empty.stderr);
    let project = Project::of_case("status: 200").run(&["run", "http://127.0.0.1:8080/api"]);
    assert_eq!(project.code, 2);
    assert!(
        project
            .stderr
            .ends_with("help: conforme run --target http://127.0.0.1:8080/api\n"),
        "{}",
        project.stderr
    );
    let nothing = Project::new(&[]).run(&["run"]);
    assert!(
        nothing.code == 2 && nothing.stderr.contains("`conforme init`"),
        "{}",
        nothing.stderr
    );
}

#[test]
fn terminal_is_asked_for_the_target() {
    let server = Server::always(JSON, "{}");
    let project = Project::new(&[]);
    // `script` (util-linux) gives the program a terminal.
    let command = format!("{} init", env!("CARGO_BIN_EXE_conforme"));
    let mut shell = std::process::Command::new("script");
    shell.args(["-qec", &command, "/dev/null"]).current_dir(project.path());
    let Ok(mut child) = shell
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
    else {
        eprintln!("skipped: no `script`");
        return;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(format!("{}\ngithub\n", server.url()).as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("Base URL of the API"),
        "{text}"
    );
    assert!(
        project.has("conforme.toml") && project.has(".github/workflows/contract.yml"),
        "{text}"
    );
}

#[test]
fn help_has_examples() {
    for command in ["init", "explain", "completions", "man"] {
        let help = ran(conforme().args([command, "--help"])).stdout;
        assert!(help.contains("Example"), "{command}: {help}");
    }
}

#[test]
fn several_requests_of_a_flaky_server_do_not_matter() {
    // The second response differs, and the run reports it: `init` promises only what it saw.
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let first = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        (
            response(
                if first {
                    "HTTP/1.1 204 No Content"
                } else {
                    "HTTP/1.1 404 Not Found"
                },
                "",
            ),
            Then::Keep,
        )
    });
    let project = Project::new(&[]);
    assert_eq!(project.run(&["init", "--target", &server.url()]).code, 0);
    assert_eq!(project.run(&["run"]).code, 1);
}

#[test]
fn case_file_outside_a_project_runs_against_a_url() {
    let server = Server::always(JSON, "{\"id\":1}");
    let url = server.url();
    let project = Project::new(&[
        (
            "one.yaml",
            "request: { path: / }\nexpect: { status: 200, body: { json: { id: 1 } } }\n",
        ),
        ("two.yaml", "request: { path: / }\nexpect: { status: 404 }\n"),
        (
            "sub/three.yaml",
            "request: { path: / }\nexpect: { status: 200, snapshot: true }\n",
        ),
        (
            "sub/suite.yaml",
            "expect: { headers: { content-type: application/json } }\n",
        ),
        ("broken.yaml", "request: { pth: / }\n"),
    ]);
    let run = |arguments: &[&str]| project.run(&[&["run", "--target", &url], arguments].concat());
    let one = run(&["one.yaml"]);
    assert!(one.code == 0 && one.stdout.contains("1 of 1 cases passed"), "{one:?}");
    let both = run(&["one.yaml", "./two.yaml"]);
    assert!(both.code == 1 && both.stdout.contains("two.yaml:2:19"), "{both:?}");
    // Snapshots are next to the files, and a `suite.yaml` in the folder applies.
    let three = run(&["sub/three.yaml", "--snapshots", "accept"]);
    assert_eq!(three.code, 0, "{three:?}");
    assert!(project.has("sub/snapshots/sub/three.snap"), "{:?}", files(&project));
    let listed = project.run(&["list", "sub/three.yaml", "--target", &url]);
    assert!(listed.code == 0 && listed.stdout.contains("sub/three"), "{listed:?}");
    let broken = run(&["broken.yaml"]);
    assert!(
        broken.code == 2 && broken.stderr.contains("broken.yaml:1:"),
        "{broken:?}"
    );
    let apart = run(&["one.yaml", "sub/three.yaml"]);
    assert!(
        apart.code == 2 && apart.stderr.contains("must be in one folder"),
        "{apart:?}"
    );
    let missing = run(&["none.yaml"]);
    assert!(
        missing.code == 2 && missing.stderr.contains("there is no folder `cases` here"),
        "{missing:?}"
    );
}
