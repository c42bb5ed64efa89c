//! Environment files and files of variables.

use crate::support::{Project, Ran, Server, Then, ran, response};

const CONFIG: &str = "[targets.t.vars]\nsize = 1\nname = \"config\"\nother = \"config\"\n\
                      [targets.t.secrets]\ntoken = { env = \"API_TOKEN\" }\n";

/// A server that returns the query and `Authorization` of a request, and a project that expects them.
fn project() -> (Server, Project) {
    let server = Server::start(|request| {
        let query = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let field = request.lines().find_map(|line| line.strip_prefix("authorization: "));
        let body = serde_json::json!({ "url": query, "auth": field });
        let bytes = response("HTTP/1.1 200 OK\nContent-Type: application/json", &body.to_string());
        (bytes, Then::Keep)
    });
    let suite = "inputs: { size: x, name: x, other: x, token: { secret: true }, pass: { secret: true } }\n";
    let case = "\
request: { method: POST, path: /x, headers: { x-vars: '{{ size }}|{{ name }}|{{ other }}' }, body: { json: { size: '{{ size }}' } }, auth: { basic: { user: '{{ token }}', password: '{{ pass }}' } } }
expect: { status: 200, body: { json: { url: $ANY } } }
";
    let project = Project::new(&[
        ("cases/s/suite.yaml", suite),
        ("cases/s/a.yaml", &case.replace("$ANY", "{ $any: true }")),
        (
            "conforme.toml",
            &format!("[targets.t]\nbase_url = \"{}\"\n{CONFIG}", server.url()),
        ),
    ]);
    (server, project)
}

fn dry_run(project: &Project, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let arguments = [&["run", "--dry-run", "--target", "t"], arguments].concat();
    ran(project.command(&arguments).envs(environment.iter().copied()))
}

#[test]
fn secrets_come_from_environment_files_below_the_environment() {
    let (_server, project) = project();
    project.write("a.env", "API_TOKEN=token-of-a\r\nCONFORME_SECRET_PASS='pass $of a'\r\n");
    project.write("b.env", "export API_TOKEN=\"token-of-b\" # later\n");
    let ok = dry_run(&project, &["--env-file", "a.env"], &[]);
    assert_eq!(ok.code, 0, "{ok:?}");
    assert!(ok.stdout.contains("Basic base64($TOKEN:$PASS)"), "{ok:?}");
    for environment in [
        &[("CONFORME_ENV_FILE", "a.env")][..],
        &[("CONFORME_ENV_FILE", "a.env"), ("API_TOKEN", "")],
    ] {
        assert_eq!(dry_run(&project, &[], environment).code, 0);
    }
    // What is sent: the last file, and the environment before all files.
    for (environment, user) in [(&[][..], "token-of-b"), (&[("API_TOKEN", "token-of-e")], "token-of-e")] {
        let arguments = [
            "run",
            "--target",
            "t",
            "--env-file",
            "a.env",
            "--env-file",
            "b.env",
            "--record",
            "r.ndjson",
        ];
        project.write(
            "cases/s/a.yaml",
            &format!(
                "request: {{ path: /, query: {{ s: '{{{{ size }}}}', n: '{{{{ name }}}}', o: '{{{{ other }}}}' }}, auth: {{ basic: {{ user: '{{{{ token }}}}', password: '{{{{ pass }}}}' }} }} }}\nexpect: {{ status: 200, body: {{ json: {{ auth: 'Basic {}' }} }} }}\n",
                base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{user}:pass $of a"))
            ),
        );
        let ran = ran(project.command(&arguments).envs(environment.iter().copied()));
        assert_eq!(ran.code, 0, "{ran:?}");
        let recorded = project.read("r.ndjson");
        assert!(
            !recorded.contains("token-of-") && !recorded.contains("pass $of"),
            "{recorded}"
        );
        std::fs::remove_file(project.path().join("r.ndjson")).unwrap();
    }
}

#[test]
fn faults_of_environment_files_show_no_value() {
    let (_server, project) = project();
    project.write(".env", "API_TOKEN=token-of-env\n");
    let unset = dry_run(&project, &[], &[("CONFORME_SECRET_PASS", "a-password")]);
    assert_eq!(unset.code, 2, "{unset:?}");
    assert!(
        unset
            .stderr
            .contains("`.env` is read only if it is named: `--env-file .env`"),
        "{unset:?}"
    );
    project.write(
        "bad.env",
        "API_TOKEN=token-of-env\nCONFORME_SECRET_PAS=the-secret-value\n",
    );
    let unknown = dry_run(&project, &["--env-file", "bad.env"], &[]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown
            .stderr
            .contains("bad.env:2: the environment variable `CONFORME_SECRET_PAS`: no suite has this secret"),
        "{unknown:?}"
    );
    assert!(
        unknown.stderr.contains("did you mean `CONFORME_SECRET_PASS`?"),
        "{unknown:?}"
    );
    project.write("short.env", "API_TOKEN=token-of-env\nCONFORME_SECRET_PASS=xyz\n");
    project.write("twice.env", "A=the-secret-value\nA=the-secret-value\n");
    for (arguments, message) in [
        (
            &["run", "--target", "t", "--env-file", "none.env"][..],
            "failed to read the environment file `none.env`",
        ),
        (
            &["validate", "--env-file", "twice.env"],
            "twice.env:2: `A` is set twice, first at twice.env:1",
        ),
        (
            &["validate", "--env-file", "bad.env"],
            "bad.env:2: the environment variable `CONFORME_SECRET_PAS`",
        ),
        (
            &["list", "--target", "t", "--env-file", "short.env"],
            "short.env:2: the secret in `CONFORME_SECRET_PASS`",
        ),
        (&["teardown", "r.ndjson", "--env-file", "twice.env"], "twice.env:2"),
        (
            &[
                "compare",
                "--baseline",
                "t",
                "--candidate",
                "t",
                "--env-file",
                "twice.env",
            ],
            "twice.env:2",
        ),
    ] {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(message), "{message}: {ran:?}");
        assert!(
            !ran.stderr.contains("the-secret-value") && !ran.stderr.contains("xyz"),
            "{ran:?}"
        );
    }
}

#[test]
fn variables_of_files_are_typed_and_flags_override_them() {
    let (_server, project) = project();
    let secrets = [("API_TOKEN", "a-token"), ("CONFORME_SECRET_PASS", "a-password")];
    project.write("a.yaml", "size: 2\nname: 'x y'\n");
    project.write("b.vars", "# like Hurl\nname=later\n");
    let shown = |arguments: &[&str]| {
        let ran = dry_run(&project, arguments, &secrets);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    };
    let of_file = shown(&["--vars-file", "a.yaml"]);
    assert!(
        of_file.contains("x-vars: 2|x y|config\n") && of_file.contains("{\"size\":2}"),
        "{of_file}"
    );
    let of_both = shown(&["--vars-file", "a.yaml", "--vars-file", "b.vars", "--var", "size=3"]);
    assert!(
        of_both.contains("x-vars: 3|later|config\n") && of_both.contains("{\"size\":\"3\"}"),
        "{of_both}"
    );
    for (name, text, message) in [
        ("c.toml", "nmae = 1\n", "c.toml:1: no suite has an input `nmae`\n"),
        (
            "c.json",
            "{\n\"token\": \"the-secret-value\" }",
            "c.json:2: `token` is a secret, and a variables file has none",
        ),
        ("c.env", "name\n", "c.env:1: this line is not `name=value`"),
    ] {
        project.write(name, text);
        let ran = dry_run(&project, &["--vars-file", name], &secrets);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(message), "{message}: {ran:?}");
        assert!(!ran.stderr.contains("the-secret-value"), "{ran:?}");
    }
    let ran = dry_run(&project, &["--vars-file", "c.toml"], &secrets);
    assert!(ran.stderr.contains("did you mean `name`?"), "{ran:?}");
    let ran = dry_run(&project, &["--vars-file", "c.json"], &secrets);
    assert!(
        ran.stderr
            .contains("set CONFORME_SECRET_TOKEN in the environment, or in a file for `--env-file`"),
        "{ran:?}"
    );
}
