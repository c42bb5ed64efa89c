//! What a run is pointed at: selected cases, targets, and the values of variables and secrets there.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::{
    running::{OK, project, recorder},
    support::{Project, Ran, Server, Then, response},
};

/// Three suites: `a` with a table, `a/b` in a folder of it, and `c`.
fn three_suites() -> Project {
    let case = "request: { path: / }\nexpect: { status: 204 }\n";
    let table = format!(
        "examples: {{ first: {{ n: 1 }}, second: {{ n: 2 }} }}\n{}",
        case.replace("/ }", "'/{{ n }}' }")
    );
    Project::new(&[
        ("cases/a/table.yaml", &table),
        ("cases/a/plain.yaml", &format!("tags: [quick]\n{case}")),
        ("cases/a/b/inner.yaml", &format!("tags: [slow, quick]\n{case}")),
        ("cases/c/suite.yaml", "tags: odd\n"),
        ("cases/c/plain-too.yaml", case),
    ])
}

#[test]
fn cases_are_selected_by_id_path_pattern_and_tag() {
    let project = three_suites();
    let all = [
        "a/plain",
        "a/table[first]",
        "a/table[second]",
        "a/b/inner",
        "c/plain-too",
    ];
    for (words, wanted) in [
        (&[][..], &all[..]),
        (&["cases"], &all),
        (&["."], &all),
        (&["a/plain"], &all[..1]),
        (&["a/table"], &all[1..3]),
        (&["a/table[second]"], &all[2..3]),
        (&["a"], &all[..4]),
        (&["a/b"], &all[3..4]),
        (&["cases/a/table.yaml"], &all[1..3]),
        (&["./cases/a/b/"], &all[3..4]),
        (&["*plain*"], &["a/plain", "c/plain-too"]),
        (&["cases/c/*.yaml"], &all[4..]),
        (&["c", "a/plain"], &["a/plain", "c/plain-too"]),
        (&["--tag", "quick"], &["a/plain", "a/b/inner"]),
        (&["--tag", "slow", "--tag", "odd"], &all[3..]),
        (&["a/b", "--tag", "quick"], &all[3..4]),
    ] {
        let mut arguments = vec!["list", "--target", "http://127.0.0.1:1"];
        arguments.extend(words);
        let ran = project.run(&arguments);
        let listed: Vec<_> = ran.stdout.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        let mut listed: Vec<_> = listed.iter().filter_map(|line| line.split("  ").next()).collect();
        let mut wanted = wanted.to_vec();
        listed.sort_unstable();
        wanted.sort_unstable();
        assert_eq!((ran.code, listed), (0, wanted), "{words:?} {ran:?}");
    }
}

#[test]
fn paths_are_relative_to_working_directory() {
    let project = three_suites();
    let mut command = project.command(&["list", "table.yaml", "--target", "http://127.0.0.1:1"]);
    let output = Ran::from(command.current_dir(project.path().join("cases/a")).output().unwrap());
    assert!(
        output.code == 2 && output.stderr.contains("is in a project: name it with `--project"),
        "{output:?}"
    );
    project.write("conforme.toml", "");
    let output = Ran::from(command.output().unwrap());
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains("2 would run"), "{output:?}");
}

#[test]
fn an_unknown_name_fails_and_suggests_the_nearest() {
    let (project, server) = (three_suites(), Server::always(OK, ""));
    for (words, message) in [
        (&["a/plian"][..], "no case is named `a/plian`; did you mean `a/plain`?"),
        (
            &["a/table[secnd]"],
            "no case is named `a/table[secnd]`; did you mean `a/table[second]`?",
        ),
        (
            &["cases/a/tabel.yaml"],
            "no case is named `cases/a/tabel.yaml`; did you mean `cases/a/table.yaml`?",
        ),
        (&["x*"], "no case is named `x*`"),
        (&["a", "nowhere-at-all"], "no case is named `nowhere-at-all`"),
        (&["--tag", "quik"], "no case has the tag `quik`; did you mean `quick`?"),
        (&["c", "--tag", "nowhere"], "no case has the tag `nowhere`"),
        (&[""], "a path or id of cases is empty"),
    ] {
        for command in ["run", "list"] {
            let mut arguments = vec![command, "--target"];
            let url = server.url();
            arguments.push(&url);
            arguments.extend(words);
            let ran = project.run(&arguments);
            assert_eq!((ran.code, server.requests()), (2, 0), "{words:?} {ran:?}");
            assert_eq!(ran.stderr, format!("error: {message}\n"), "{words:?}");
        }
    }
    // The names exist; together they leave nothing to run.
    let ran = project.run(&["run", "c", "--tag", "quick", "--target", &server.url()]);
    assert_eq!((ran.code, server.requests()), (4, 0), "{ran:?}");
}

#[test]
fn skipped_case_has_reason_and_only_skipped_exits_4() {
    let suite = "inputs: { region: where, token: { secret: true }, zone: { default: z } }\n";
    for (case, arguments, reason) in [
        (
            "skip: the API is down\nrequest: { path: / }",
            &[][..],
            "the API is down",
        ),
        (
            "request: { path: '/{{ region }}{{ zone }}' }",
            &[],
            "the target does not define `region` (--var region=…)",
        ),
        (
            "vars: { v: '{{ token }}' }\nrequest: { path: '/{{ region }}', headers: { X-A: '{{ v }}' } }",
            &[],
            "the target does not define `region` (--var region=…), `token` (CONFORME_SECRET_TOKEN)",
        ),
        (
            "effects: [email, sms]\nrequest: { path: / }",
            &["--allow", "sms"],
            "the target does not allow the effect `email` (--allow)",
        ),
        (
            "request: { path: /, headers: { X-A: '{{ region | swap_case }}' } }",
            &["--var", "region=1"],
            "a filter does not change `region` on this target: the case would not send the intended value",
        ),
    ] {
        let (project, server) = (project(suite, case), Server::always(OK, ""));
        // The address is not of this machine; nothing is sent to it, and if it were, it would go to the proxy.
        let mut command = project.command(&["run", "--skip-missing", "--target", "http://api.example.com"]);
        let ran = Ran::from(
            command
                .args(arguments)
                .env("http_proxy", server.url())
                .output()
                .unwrap(),
        );
        assert_eq!((ran.code, server.requests()), (4, 0), "{ran:?}");
        assert!(
            ran.stdout
                .contains(&format!("SKIP [         ] s/c\n             {reason}\n")),
            "{reason}: {}",
            ran.stdout
        );
    }
}

#[test]
fn effect_is_allowed_on_loopback_by_flag_and_by_target() {
    let project = project("effects: email\n", "request: { path: / }");
    let server = Server::always(OK, "");
    let away = "http://api.example.com";
    project.write(
        "conforme.toml",
        &format!("[targets.may]\nbase_url = \"{away}\"\neffects = [\"email\"]\n"),
    );
    for (arguments, code) in [
        (&["--target", away][..], 4),
        (&["--target", away, "--allow", "email"], 0),
        (&["--target", "may"], 0),
        (&["--target", &server.url()], 0),
    ] {
        let mut command = project.command(&["run"]);
        let ran = Ran::from(
            command
                .args(arguments)
                .env("http_proxy", server.url())
                .output()
                .unwrap(),
        );
        assert_eq!(ran.code, code, "{arguments:?} {ran:?}");
    }
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_variable_of_the_command_line_is_an_input_and_no_secret() {
    let project = project(
        "inputs: { region: where, token: { secret: true } }\n",
        "request: { path: '/{{ region }}' }",
    );
    let server = Server::always(OK, "");
    for (variable, message, help) in [
        (
            "regoin=x",
            "--var regoin: no suite has an input `regoin`",
            "did you mean `region`?",
        ),
        (
            "token=hunter22",
            "--var token: a secret never comes from a flag",
            "set CONFORME_SECRET_TOKEN",
        ),
    ] {
        let ran = project.run(&["run", "--target", &server.url(), "--var", variable]);
        assert_eq!((ran.code, server.requests()), (2, 0), "{ran:?}");
        assert!(ran.stderr.contains(message) && ran.stderr.contains(help), "{ran:?}");
        assert!(!ran.stderr.contains("hunter22"), "{ran:?}");
    }
    let ran = project.run(&["run", "--var", "region=x"]);
    assert_eq!(ran.code, 2, "the embedded API has its own variables: {ran:?}");
}

#[test]
fn secrets_from_all_sources_are_never_shown() {
    let project = project(
        "inputs: { token: { secret: true } }\n",
        "request: { path: /, query: { t: '{{ token }}' }, headers: { X-T: 'T {{ token }}' } }\n",
    );
    project.write("token.txt", "S3cr3t/Value\n");
    let target =
        |source: &str| format!("[targets.t]\nbase_url = \"URL\"\n[targets.t.secrets]\ntoken = {{ {source} }}\n");
    for (source, variable) in [
        ("env = \"MY_TOKEN\"", "MY_TOKEN"),
        ("file = \"token.txt\"", "UNUSED"),
        ("command = [\"printf\", \"S3cr3t/Value\"]", "UNUSED"),
        ("file = \"nowhere\"", "CONFORME_SECRET_TOKEN"),
    ] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let server = Server::start(move |request| {
            kept.lock().unwrap().push(request.to_owned());
            (
                response(
                    "HTTP/1.1 200 OK\nX-Echo: S3cr3t/Value\nContent-Type: text/plain",
                    "a S3cr3t/Value b",
                ),
                Then::Keep,
            )
        });
        project.write("conforme.toml", &target(source).replace("URL", &server.url()));
        let mut command = project.command(&["run", "--target", "t", "--report", "json=report.json"]);
        let ran = Ran::from(command.env(variable, "S3cr3t/Value").output().unwrap());
        assert_eq!(ran.code, 1, "{source} {ran:?}");
        let request = seen.lock().unwrap()[0].to_lowercase();
        assert!(
            request.contains("x-t: t s3cr3t/value") && request.contains("t=s3cr3t%2fvalue"),
            "{request}"
        );
        let report = project.read("report.json");
        for text in [&ran.stdout, &ran.stderr, &report] {
            assert!(!text.contains("S3cr3t"), "{source} {text}");
        }
        // The curl line names the environment variable that the secret comes from.
        assert!(
            report.contains("T $TOKEN") && ran.stdout.contains("TOKEN\""),
            "{ran:?} {report}"
        );
    }
}

#[test]
fn missing_empty_or_short_secret_is_error_without_value() {
    let project = project(
        "inputs: { token: { secret: true } }\n",
        "request: { path: '/{{ token }}' }",
    );
    project.write("short", "abcde\n");
    project.write("empty", "\n");
    let server = Server::always(OK, "");
    for (source, variable, message) in [
        (
            "env = \"NOT_THERE\"",
            ("X", "x"),
            "secret `token` of target `t`: the environment variable `NOT_THERE` is not set",
        ),
        (
            "env = \"EMPTY\"",
            ("EMPTY", ""),
            "secret `token` of target `t`: it is empty",
        ),
        (
            "file = \"empty\"",
            ("X", "x"),
            "secret `token` of target `t`: it is empty",
        ),
        (
            "file = \"short\"",
            ("X", "x"),
            "secret `token` of target `t`: it is shorter than 6 characters",
        ),
        ("file = \"nowhere\"", ("X", "x"), "failed to read"),
        ("command = [\"false\"]", ("X", "x"), "`false` ended with exit status: 1"),
        (
            "command = [\"no-such-program\"]",
            ("X", "x"),
            "failed to run `no-such-program`",
        ),
        (
            "file = \"short\"",
            ("CONFORME_SECRET_TOKEN", "vwxyz"),
            "the secret in `CONFORME_SECRET_TOKEN`: it is shorter",
        ),
    ] {
        let toml = format!(
            "[targets.t]\nbase_url = \"{}\"\nsecrets = {{ token = {{ {source} }} }}\n",
            server.url()
        );
        project.write("conforme.toml", &toml);
        let mut command = project.command(&["run", "--target", "t"]);
        let ran = Ran::from(command.env(variable.0, variable.1).output().unwrap());
        assert_eq!((ran.code, server.requests()), (2, 0), "{source} {ran:?}");
        assert!(ran.stderr.contains(message), "{source} {ran:?}");
        assert!(
            !ran.stderr.contains("abcde") && !ran.stderr.contains("vwxyz"),
            "{ran:?}"
        );
    }
}

#[test]
fn precedence_is_flags_environment_file_defaults() {
    let servers = [(); 3].map(|()| recorder());
    let project = project("inputs: { who: { default: d } }\n", "request: { path: '/{{ who }}' }");
    let target = |name: &str, url: &str, vars: &str| format!("[targets.{name}]\nbase_url = \"{url}\"\n{vars}");
    let toml = format!(
        "default_target = \"file\"\n{}{}",
        target("file", &servers[0].0.url(), "vars = { who = \"f\" }\n"),
        target("env", &servers[1].0.url(), ""),
    );
    project.write("conforme.toml", &toml);
    let flag = servers[2].0.url();
    for (arguments, environment, server, path) in [
        (&[][..], "", 0, "/f"),
        (&["--var", "who=v"], "", 0, "/v"),
        (&[], "env", 1, "/d"),
        (&["--target", &flag], "env", 2, "/d"),
    ] {
        let mut command = project.command(&["run"]);
        if !environment.is_empty() {
            command.env("CONFORME_TARGET", environment);
        }
        let ran = Ran::from(command.args(arguments).output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
        let seen = std::mem::take(&mut *servers[server].1.lock().unwrap());
        assert!(
            seen.len() == 1 && seen[0].starts_with(&format!("GET {path} HTTP/1.1\r\n")),
            "{arguments:?} {seen:?}"
        );
    }
}

#[test]
fn a_base_url_that_is_none_is_refused() {
    let project = project("", "request: { path: / }");
    for (url, reason) in [
        ("ftp://a", "the scheme is `ftp`: only `http` and `https` are supported"),
        ("http://", "not a URL"),
        ("http://a/?b=c", "a base URL has no query and no fragment"),
        ("http://a:99999", "bad port"),
        ("http://u:p@a", "a base URL has no user and password"),
    ] {
        let ran = project.run(&["run", "--target", url]);
        assert!(ran.code == 2 && ran.stderr.contains(reason), "{url} {ran:?}");
    }
}

#[test]
fn variables_work_everywhere_and_keep_their_type() {
    let case = "\
vars: { word: 'a b', deep: { n: '{{ n }}' } }
examples: { row: { n: 5, flag: true, pattern: 'a.c' } }
request:
  method: '{{ method }}'
  path: /{{ n }}/{id}
  params: { id: '{{ word }}/é' }
  query: { q: ['{{ n }}', '{{ word }}&'], r: '{{ \"{{\" }}' }
  headers: { X-N: '{{ n }}', X-W: ['{{ word }}', b] }
  body: { json: { alone: '{{ n }}', among: 'n={{ n }}', flag: '{{ flag }}', deep: '{{ deep }}', word: '{{ word }}' } }
expect:
  headers: { x-n: '{{ n }}', x-p: { matches: '^{{ pattern }}$' } }
  body: { json: { n: '{{ n }}', p: { $matches: '^{{ pattern }}$' } } }
  status: 200";
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { method: { default: PUT } }\n"),
        ("cases/s/c.yaml", case),
    ]);
    for (echo, code) in [("a.c", 0), ("abc", 1)] {
        let seen = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&seen);
        let head = format!("HTTP/1.1 200 OK\nX-N: 5\nX-P: {echo}\nContent-Type: application/json");
        let body = format!("{{\"n\":5,\"p\":\"{echo}\"}}");
        let server = Server::start(move |request| {
            request.clone_into(&mut kept.lock().unwrap());
            (response(&head, &body), Then::Keep)
        });
        let ran = project.run(&["run", "--target", &format!("{}/base/", server.url())]);
        assert_eq!(ran.code, code, "{ran:?}");
        let request = seen.lock().unwrap().clone();
        let first = "PUT /base/5/a%20b%2F%C3%A9?q=5&q=a%20b%26&r=%7B%7B HTTP/1.1\r\n";
        assert!(request.starts_with(first), "{request}");
        let lower = request.to_lowercase();
        for field in [
            "x-n: 5\r\n",
            "x-w: a b\r\n",
            "x-w: b\r\n",
            "content-type: application/json\r\n",
        ] {
            assert!(lower.contains(field), "{request}");
        }
        let sent: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        let expected =
            serde_json::json!({ "alone": 5, "among": "n=5", "flag": true, "deep": { "n": 5 }, "word": "a b" });
        assert_eq!(sent, expected);
    }
}

#[test]
fn text_forms_and_files_are_sent_with_their_media_type() {
    let project = project("", "request: { path: / }");
    project.write("cases/s/bytes.bin", "\u{1}\u{2}");
    for (body, kind, content) in [
        ("text: 'é {{ v }}'", "text/plain; charset=utf-8", "é x"),
        (
            "form: { a: '{{ v }} y', b: [1, 2] }",
            "application/x-www-form-urlencoded",
            "a=x%20y&b=1&b=2",
        ),
        ("json: null", "application/json", "null"),
        ("file: bytes.bin", "image/png", "\u{1}\u{2}"),
    ] {
        let (server, seen) = recorder();
        let headers = if kind == "image/png" {
            "headers: { Content-Type: image/png }, "
        } else {
            ""
        };
        project.write("cases/s/c.yaml", &format!("vars: {{ v: x }}\nrequest: {{ method: POST, path: /, {headers}body: {{ {body} }} }}\nexpect: {{ status: 204 }}\n"));
        let ran = project.run(&["run", "--target", &server.url()]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let seen = seen.lock().unwrap();
        let (head, sent) = seen[0].split_once("\r\n\r\n").unwrap();
        assert!(head.to_lowercase().contains(&format!("content-type: {kind}")), "{head}");
        assert_eq!(sent, content);
    }
}

#[test]
fn a_target_adds_its_headers_where_a_case_has_none_of_the_name() {
    let project = project("inputs: { who: x }\n", "request: { path: /, headers: { X-B: case } }");
    let (server, seen) = recorder();
    let toml = format!(
        "[targets.t]\nbase_url = \"{}\"\nvars = {{ who = 7 }}\nheaders = {{ x-a = \"w {{{{ who }}}}\", x-b = \"t\" }}\n",
        server.url()
    );
    project.write("conforme.toml", &toml);
    let ran = project.run(&["run", "--target", "t"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let head = seen.lock().unwrap()[0].to_lowercase();
    assert!(
        head.contains("x-a: w 7\r\n") && head.contains("x-b: case\r\n") && !head.contains("x-b: t"),
        "{head}"
    );
}
