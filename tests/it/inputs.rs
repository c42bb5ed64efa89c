//! What a target and its inputs must be for a run to start, and how the headline states how much was tested.

use crate::{
    running::OK,
    support::{Project, Ran, Server},
};

const PAGE: (&str, &str) = ("cases/t/page.yaml", "request: { path: / }\nexpect: { status: 204 }\n");

#[test]
fn run_without_a_target_fails_and_lists_the_targets() {
    let project = Project::new(&[
        PAGE,
        (
            "conforme.toml",
            "[targets.staging]\nbase_url = \"http://127.0.0.1:9\"\n",
        ),
    ]);
    for command in ["run", "list"] {
        let ran = project.run(&[command]);
        assert_eq!(ran.code, 2, "{ran:?}");
        for part in ["no target is given", "`staging`", "`reference`", "default_target"] {
            assert!(ran.stderr.contains(part), "{part} {ran:?}");
        }
    }
    let ran = project.run(&["list", "--target", "stagign"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("did you mean `staging`?"),
        "{ran:?}"
    );
}

#[test]
fn an_empty_target_fails_even_with_a_default() {
    let server = Server::always(OK, "");
    let toml = format!("default_target = \"x\"\n[targets.x]\nbase_url = \"{}\"\n", server.url());
    let project = Project::new(&[PAGE, ("conforme.toml", &toml)]);
    for empty in ["", " ", "\t\n"] {
        let flag = project.run(&["run", "--target", empty]);
        let two = project.run(&["run", "--target", "x", "--target", empty]);
        let variable = Ran::from(
            project
                .command(&["run"])
                .env("CONFORME_TARGET", empty)
                .output()
                .unwrap(),
        );
        for ran in [flag, two, variable] {
            assert!(ran.code == 2 && ran.stderr.contains("the target is empty"), "{ran:?}");
        }
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn an_empty_variable_of_any_other_flag_is_unset() {
    let server = Server::always(OK, "");
    let project = Project::new(&[PAGE]);
    let url = server.url();
    let mut command = project.command(&["run", "--target", &url]);
    let help = Ran::from(project.command(&["run", "--help"]).output().unwrap());
    let names: std::collections::BTreeSet<_> = help.stdout.split("[env: ").skip(1).collect();
    let names = names.iter().filter_map(|rest| rest.split('=').next());
    let mut count = 0;
    for name in names.filter(|name| *name != "CONFORME_TARGET") {
        command.env(name, ["", " "][count % 2]);
        count += 1;
    }
    let ran = Ran::from(command.output().unwrap());
    assert!(count >= 14, "{count} {}", help.stdout);
    assert_eq!((ran.code, server.requests()), (0, 1), "{ran:?}");
}

/// Four cases: two need `user`, one also the secret `token`, one the optional `admin`, one nothing.
fn project_with_inputs() -> Project {
    let inputs = "inputs: { user: an id, token: { secret: true }, admin: { optional: true } }\n";
    let case = |rest: &str| format!("request: {{ path: / {rest} }}\nexpect: {{ status: 204 }}\n");
    Project::new(&[
        ("cases/t/suite.yaml", inputs),
        (
            "cases/t/admin.yaml",
            &case(", headers: { x-a: '{{ admin }}', x-u: '{{ user }}' }"),
        ),
        ("cases/t/page.yaml", &case("")),
        (
            "cases/t/private.yaml",
            &case(", headers: { x-t: '{{ token }}', x-u: '{{ user }}' }"),
        ),
        ("cases/t/user.yaml", &case(", headers: { x-u: '{{ user }}' }")),
    ])
}

#[test]
fn a_missing_input_fails_and_counts_the_cases_that_need_it() {
    let (project, server) = (project_with_inputs(), Server::always(OK, ""));
    let url = server.url();
    let run = |more: &[&str]| project.run(&[&["run", "--target", &url], more].concat());
    for part in [
        "input `user`: 2 cases need it",
        "--var user=",
        "input `token`: 1 case needs it",
        "CONFORME_SECRET_TOKEN",
    ] {
        let ran = run(&[]);
        assert!(ran.code == 2 && ran.stderr.contains(part), "{part} {ran:?}");
        assert!(!ran.stderr.contains("`admin`"), "{ran:?}");
    }
    assert_eq!(server.requests(), 0);
    assert_eq!(project.run(&["list", "--target", &url]).code, 2);
    // What is not selected, or would not run, needs no input.
    let page = run(&["t/page"]);
    assert!(
        page.code == 0
            && page
                .stdout
                .contains("The contract holds: 1 of 1 cases passed, 0 skipped; 1 of 4 cases selected"),
        "{page:?}"
    );
    let admin = run(&["t/admin", "t/page"]);
    assert!(
        admin.code == 0 && admin.stdout.contains("1 of 2 cases passed, 1 skipped"),
        "{admin:?}"
    );
}

#[test]
fn max_skipped_gates_run_report_recheck_and_merge() {
    let (project, server) = (project_with_inputs(), Server::always(OK, ""));
    let url = server.url();
    let run = |more: &[&str]| project.run(&[&["run", "--target", &url, "--skip-missing"], more].concat());
    let all = run(&["--max-skipped", "3", "--record", "all.ndjson"]);
    assert!(
        all.code == 0
            && all
                .stdout
                .contains("The contract holds: 1 of 4 cases passed, 3 skipped\n"),
        "{all:?}"
    );
    let headline = "Too many cases were skipped: 1 of 4 cases passed, 3 skipped (--max-skipped allows 2)";
    let reports = ["junit", "html", "markdown", "tap", "github", "sarif"].map(|name| format!("{name}=out.{name}"));
    let mut arguments = vec!["--max-skipped", "2"];
    for report in &reports {
        arguments.extend(["--report", report]);
    }
    let few = run(&arguments);
    assert!(few.code == 1 && few.stdout.contains(headline), "{few:?}");
    for report in &reports {
        let text = project.read(report.split('=').nth(1).unwrap());
        assert!(text.contains(headline), "{report}: {text}");
    }
    assert!(project.read("out.tap").contains("\nBail out! Too many"));
    assert!(project.read("out.junit").contains("<failure type=\"max-skipped\""));
    let recheck = |more: &[&str]| project.run(&[&["recheck", "all.ndjson"], more].concat());
    assert_eq!([recheck(&[]).code, recheck(&["--max-skipped", "2"]).code], [0, 1]);
    assert!(project.read("out.html").contains("<title>Too many cases were skipped"));
    let report = |more: &[&str]| project.run(&[&["report", "all.ndjson"], more].concat());
    let gated = report(&["--max-skipped", "2"]);
    assert!(gated.code == 1 && gated.stdout.contains(headline), "{gated:?}");
    assert_eq!([report(&[]).code, report(&["--max-skipped", "3"]).code], [0, 0]);
    // Each part skips no more than is allowed; together they skip more.
    for part in ["1/2", "2/2"] {
        let record = format!("part-{}.ndjson", &part[..1]);
        let partition = format!("slice:{part}");
        let ran = run(&["--partition", &partition, "--record", &record, "--max-skipped", "2"]);
        assert!([0, 4].contains(&ran.code), "{ran:?}");
    }
    let merged = project.run(&["merge", "part-1.ndjson", "part-2.ndjson"]);
    assert!(merged.code == 1 && merged.stdout.contains(headline), "{merged:?}");
    let raised = ["merge", "part-1.ndjson", "part-2.ndjson", "--max-skipped", "3"];
    assert_eq!(project.run(&raised).code, 0);
}

#[test]
fn every_target_of_a_matrix_counts_and_is_gated() {
    let (project, server) = (project_with_inputs(), Server::always(OK, ""));
    let (one, two) = (server.url(), format!("{}/", server.url()));
    let run = |more: &[&str]| {
        let first = ["run", "--target", &one, "--target", &two, "--repeats", "1"];
        project.run(&[&first[..], more].concat())
    };
    assert_eq!((run(&[]).code, server.requests()), (2, 0));
    let ran = run(&["--skip-missing"]);
    assert!(
        ran.code == 0 && ran.stdout.contains("on each target 1 of 4 cases passed, 3 skipped"),
        "{ran:?}"
    );
    let ran = run(&["--skip-missing", "--max-skipped", "2"]);
    assert!(
        ran.code == 1 && ran.stdout.contains("Too many cases were skipped"),
        "{ran:?}"
    );
}

const PRIVATE: (&str, &str) = (
    "cases/t/private.yaml",
    "request: { path: /, headers: { x-t: '{{ token }}' } }\nexpect: { status: 204 }\n",
);
const TOKEN: (&str, &str) = ("cases/t/suite.yaml", "inputs: { token: { secret: true } }\n");

#[test]
fn validate_finds_misspelled_secrets_and_effects() {
    let project = Project::new(&[PRIVATE, TOKEN]);
    let toml = "[targets.x]\nbase_url = \"http://127.0.0.1:1\"\n";
    for (more, part) in [
        ("secrets = { tokne = { env = \"X\" } }\n", "did you mean `token`?"),
        ("effects = [\"emial\"]\n", "no case has the effect `emial`"),
        ("headers = { x-a = \"{{ tokne }}\" }\n", "did you mean `token`?"),
    ] {
        project.write("conforme.toml", &format!("{toml}{more}"));
        let ran = project.run(&["validate"]);
        assert!(ran.code == 2 && ran.stderr.contains(part), "{more} {ran:?}");
        assert!(!ran.stderr.contains("nothing was sent"), "{ran:?}");
    }
    project.write("conforme.toml", toml);
    for (value, code) in [("abcdefgh", 2), ("", 0)] {
        let mut command = project.command(&["validate"]);
        let ran = Ran::from(command.env("CONFORME_SECRET_TOKN", value).output().unwrap());
        let suggests = ran.stderr.contains("did you mean `CONFORME_SECRET_TOKEN`?");
        assert_eq!((ran.code, suggests), (code, code == 2), "{ran:?}");
    }
}

#[test]
fn validate_rejects_values_that_no_target_could_send() {
    for case in [
        "examples: { r: { v: null } }\nrequest: { path: /, headers: { x-a: '{{ v }}' } }",
        "examples: { r: { v: [1] } }\nrequest: { path: /, query: { q: '{{ v }}' } }",
        "examples: { r: { v: { a: 1 } } }\nrequest: { path: '/{p}', params: { p: '{{ v }}' } }",
        "examples: { r: { v: null } }\nrequest: { path: /, body: { text: 'a {{ v }}' } }",
        "examples: { r: { v: \"a\\r\\nb\" } }\nrequest: { path: /, headers: { x-a: '{{ v }}{{ token }}' } }",
        "examples: { r: { v: 'a b' } }\nrequest: { path: '/{{ v }}' }",
    ] {
        let project = Project::new(&[TOKEN]);
        project.write("cases/t/a.yaml", &format!("{case}\nexpect: {{ status: 204 }}\n"));
        let ran = project.run(&["validate"]);
        assert_eq!(ran.code, 2, "{case} {ran:?}");
    }
    let valid = Project::new(&[PRIVATE, TOKEN]);
    assert_eq!(valid.run(&["validate"]).code, 0);
}

#[test]
fn validate_and_run_reject_the_same_input() {
    let server = Server::always("HTTP/1.1 200 OK", "");
    let mail =
        "steps: [{ id: m, mail: { endpoint: box, to: a@example.com }, expect: { body: { json: { count: 0 } } } }]\n";
    let sent = "steps: [{ id: m, endpoint: box, request: { path: / }, expect: { status: 200 } }]\n";
    let plain = "request: { path: / }\nexpect: { status: 200 }\n";
    let slow = "request: { path: / }\nexpect: { status: 200, duration: 2s }\n";
    let field = "request: { path: /, headers: { x: 'v {{ v }}' } }\nexpect: { status: 200 }\n";
    let mailbox = "[targets.t.endpoints.box]\nbase_url = \"smtp://127.0.0.1:0\"\nkind = \"smtp\"\n";
    let other = "[targets.t.endpoints.box]\nbase_url = \"http://127.0.0.1:1\"\n";
    // A case of one step is sent to its endpoint, and not to the API.
    let endpoint = Server::always("HTTP/1.1 200 OK", "");
    let reached = other.replace("http://127.0.0.1:1", &endpoint.url());
    for (case, toml, schema, message) in [
        (plain, "", "{}", ""),
        (plain, "", "{ \"type\": \"strin\" }", "strin"),
        (slow, "timeout = \"1s\"\n", "{}", "times out before"),
        (
            field,
            "vars = { v = \"a\\nb\" }\n",
            "{}",
            "cannot contain control characters",
        ),
        (field, "vars = { v = \"a\" }\n", "{}", ""),
        (mail, other, "{}", "the endpoint `box` has no `kind`"),
        (sent, mailbox, "{}", "the endpoint `box` is a mailbox"),
        (mail, mailbox, "{}", ""),
        (sent, &reached, "{}", ""),
    ] {
        let suite = if toml.contains("box") {
            "inputs: { box: { endpoint: true } }\n"
        } else if case == field {
            "inputs: { v: a value }\n"
        } else {
            "name: s\n"
        };
        let project = Project::new(&[
            ("cases/s/suite.yaml", suite),
            ("cases/s/c.yaml", case),
            ("schemas/unused.json", schema),
            (
                "conforme.toml",
                &format!("[targets.t]\nbase_url = \"{}\"\n{toml}", server.url()),
            ),
        ]);
        let (valid, ran) = (project.run(&["validate"]), project.run(&["run", "--target", "t"]));
        let code = if message.is_empty() { 0 } else { 2 };
        assert_eq!((valid.code, ran.code), (code, code), "{case} {toml}: {valid:?} {ran:?}");
        for output in [valid.stderr, ran.stderr] {
            assert!(output.contains(message), "{message}: {output}");
        }
    }
    assert_eq!((endpoint.requests(), server.requests()), (1, 2));
}

#[test]
fn credentials_in_a_base_url_are_never_shown() {
    let project = Project::new(&[PRIVATE, TOKEN]);
    for url in [
        "http://user:hunter2secret@127.0.0.1:1",
        "http://127.0.0.1:1/?key=hunter2secret",
        "user:hunter2secret@host",
        "http://127.0.0.1:99999/hunter2secret",
    ] {
        let toml = format!("[targets.x]\nbase_url = \"{url}\"\nsecrets = {{ token = {{ env = \"API\" }} }}\n");
        project.write("conforme.toml", &toml);
        for arguments in [&["validate"][..], &["list", "--target", "x"]] {
            let ran = Ran::from(project.command(arguments).env("API", "hunter2secret").output().unwrap());
            assert!(ran.code == 2 && !ran.stderr.contains("hunter2secret"), "{ran:?}");
        }
        project.write("conforme.toml", "");
        let ran = project.run(&["list", "--target", url]);
        assert_eq!(ran.code, 2);
        assert!(url.ends_with("hunter2secret") && url.contains("99999") || !ran.stderr.contains("hunter2secret"));
    }
    let mut command = project.command(&["list", "--target", "http://127.0.0.1:1/hunter2secret"]);
    let ran = Ran::from(command.env("CONFORME_SECRET_TOKEN", "hunter2secret").output().unwrap());
    assert!(ran.code == 0 && ran.stdout.contains("127.0.0.1:1/$TOKEN"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn secret_commands_of_a_target_run_at_the_same_time() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { one: first, two: second }\n"),
        (
            "cases/s/c.yaml",
            "request: { path: '/{{ one }}/{{ two }}' }\nexpect: { status: 200 }\n",
        ),
    ]);
    // Each ends only if the other has begun.
    let command = |own: &str, other: &str| {
        format!("touch {own}; until [ -e {other} ]; do sleep 0.02; done; echo secret-of-{own}")
    };
    let toml = format!(
        "[targets.x]\nbase_url = \"http://127.0.0.1:1\"\n[targets.x.secrets]\n\
         one = {{ command = [\"sh\", \"-c\", \"{}\"] }}\ntwo = {{ command = [\"sh\", \"-c\", \"{}\"] }}\n",
        command("one", "two"),
        command("two", "one")
    );
    project.write("conforme.toml", &toml);
    let ran = project.run(&["list", "--target", "x"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn secret_command_stderr_is_masked_and_shown_on_failure() {
    let project = Project::new(&[PRIVATE, TOKEN]);
    let run = |exit: &str| {
        let script = format!(
            "echo hunter2secret; printf 'dbg hunter2secret\\\\n  ::error::x ##vso[task]y \\\\033[31m\\\\n' >&2; {exit}"
        );
        let toml = format!(
            "[targets.x]\nbase_url = \"http://127.0.0.1:1\"\nsecrets = {{ token = {{ command = [\"sh\", \"-c\", \"{script}\"] }} }}\n"
        );
        project.write("conforme.toml", &toml);
        project.run(&["list", "--target", "x"])
    };
    let failed = run("exit 3");
    assert!(
        failed.code == 2 && failed.stderr.contains("| dbg $TOKEN\n"),
        "{failed:?}"
    );
    assert!(
        !failed.stderr.contains("hunter2secret") && !failed.stderr.contains("##vso["),
        "{failed:?}"
    );
    assert!(
        !failed.stderr.lines().any(|line| line.trim_start().starts_with("::")),
        "{failed:?}"
    );
    let well = run("exit 0");
    assert_eq!((well.code, well.stderr.as_str()), (0, ""), "{well:?}");
}
